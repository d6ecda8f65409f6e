"""Photograph every page: desktop and phone, light, dark and elder, Chinese and English.

Writes `screenshots/` with an index.html to look through. Without `--base-url` it serves the demo
data of this checkout, or small ones made for the occasion.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from survey.figures.typeface import FONT_FILE
from tests.browser_program import find_browser

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "screenshots"
SURVEY = Path(sys.executable).parent / "survey"
SMALL = "0.05"
SETTLED_SELECTOR = "[data-testid=stApp][data-test-script-state=notRunning]"
NOTHING_IS_FETCHED = """() => document.querySelector("h1")
  && !document.querySelector("[data-testid=stSkeleton]")"""
MAX_HEIGHT_PX = 12_000


@dataclass(frozen=True)
class Shot:
    """One page as one role sees it."""

    name: str
    path: str
    role: str = ""
    plain: bool = False
    """Served outside of Streamlit, so there is no script to wait for."""


@dataclass(frozen=True)
class ScreenshotStyle:
    """How the page is looked at."""

    device: str
    width: int
    theme: str
    language: str

    @property
    def name(self) -> str:
        return f"{self.device}-{self.theme}-{self.language}"

    @property
    def query(self) -> str:
        return f"lang={self.language}" + ("&large=1" if self.theme == "elder" else "")


OFFICIAL, SUPERVISOR, SURVEYOR = "national_official", "supervisor", "surveyor"
TYPIST = "typist"
SHOTS = (
    Shot("home", "/", plain=True),
    Shot("home-national", "/", OFFICIAL),
    Shot("home-city", "/", "city_official"),
    Shot("home-supervisor", "/", SUPERVISOR),
    Shot("overview", "/overview", OFFICIAL),
    Shot("city", "/city?city=320500", OFFICIAL),
    Shot("special-groups", "/special-groups", OFFICIAL),
    Shot("special-groups-elderly", "/special-groups?study=elderly", OFFICIAL),
    Shot("special-groups-minors", "/special-groups?study=minors", OFFICIAL),
    Shot("trends", "/trends", OFFICIAL),
    Shot("rectification", "/rectification", OFFICIAL),
    Shot("crosstab", "/crosstab?question=services_used&split=age_band", OFFICIAL),
    Shot("urban-rural", "/urban-rural", OFFICIAL),
    Shot("method", "/method", OFFICIAL),
    Shot("review", "/review", SUPERVISOR),
    Shot("bulk-import", "/bulk-import", SUPERVISOR),
    Shot("back-check", "/back-check", SUPERVISOR),
    Shot("back-check-results", "/back-check?view=results", SUPERVISOR),
    Shot("back-check-draw", "/back-check?view=draw", SUPERVISOR),
    Shot("progress", "/progress", SUPERVISOR),
    Shot("plan", "/plan?part=sample", OFFICIAL),
    Shot("questionnaires", "/questionnaires", OFFICIAL),
    Shot("questionnaires-items", "/questionnaires?form=main-2023/2023.1", OFFICIAL),
    Shot(
        "questionnaires-difference",
        "/questionnaires?form=main-2023/2023.1&part=differences",
        OFFICIAL,
    ),
    Shot("tasks", "/tasks", SURVEYOR),
    Shot("interview", "/interview", SURVEYOR),
    Shot("paper", "/paper", TYPIST),
    Shot("paper-verdict", "/paper?view=verdict", SUPERVISOR),
    Shot("paper-typists", "/paper?view=typists", SUPERVISOR),
    Shot("refused", "/overview", SURVEYOR),
    Shot("signed-out", "/overview", plain=True),
    Shot("sign-in", "/auth/login", plain=True),
    Shot("withdraw", "/withdraw", plain=True),
    Shot("export", "/export", "analyst"),
    Shot("export-city", "/export", "city_official"),
    Shot("releases", "/releases", OFFICIAL),
    Shot("rectification-province", "/rectification", "province_official"),
    Shot("city-rectification", "/city?part=rectification", "city_official"),
    Shot("comparative-tests", "/comparative-tests", OFFICIAL),
    Shot("complaints", "/complaints", OFFICIAL),
    Shot("education", "/consumer-education", OFFICIAL),
    Shot("opinion", "/complaints?part=opinion", OFFICIAL),
    Shot("city-beside", "/city?city=320500&part=beside", OFFICIAL),
    Shot("experience-checks", "/experience-checks", OFFICIAL),
    Shot("home-province", "/", "province_official"),
    Shot("outside-data", "/outside-data", OFFICIAL),
    Shot("home-surveyor", "/", SURVEYOR),
    Shot("home-typist", "/", TYPIST),
    Shot("home-analyst", "/", "analyst"),
    Shot("home-administrator", "/", "administrator"),
    Shot("users", "/users", "administrator"),
    Shot("audit", "/audit", "administrator"),
    Shot("sign-in-codes", "/sign-in-codes", SUPERVISOR),
)
STYLES = tuple(
    ScreenshotStyle(device, width, theme, language)
    for (device, width), theme, language in product(
        (("desktop", 1440), ("phone", 390)), ("light", "dark", "elder"), ("zh", "en")
    )
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", help="a running demo platform, e.g. http://localhost:8501")
    parser.add_argument("--only", action="append", help="name of a page; may be repeated")
    parser.add_argument("--look", action="append", help="e.g. phone-elder-zh; may be repeated")
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    browser = find_browser()
    if browser is None:
        sys.stderr.write("No Chromium was found (Debian: apt install chromium).\n")
        return 1
    shots = [shot for shot in SHOTS if not chosen.only or shot.name in chosen.only]
    looks = [look for look in STYLES if not chosen.look or look.name in chosen.look]
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.base_url:
        take_screenshots(chosen.base_url.rstrip("/"), shots, looks, chosen.out, browser)
    else:
        with demo_platform() as base_url:
            take_screenshots(base_url, shots, looks, chosen.out, browser)
    write_index(chosen.out, shots, looks)
    sys.stdout.write(f"{chosen.out / 'index.html'}\n")
    return 0


@contextmanager
def demo_platform() -> Iterator[str]:
    """A server over the demo data: those that are there, else small ones that go again."""
    with tempfile.TemporaryDirectory() as folder:
        data = ROOT / "var" / "demo"
        if not (data / "demo.json").exists():
            data = Path(folder) / "demo"
            subprocess.run(
                [SURVEY, "demo", "--size", SMALL], env=environment(data), check=True, cwd=ROOT
            )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [str(SURVEY), "serve", "--port", str(port)]
        server = subprocess.Popen(command, env=environment(data), cwd=ROOT)
        try:
            wait_for(f"http://127.0.0.1:{port}/ready", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=30)


def environment(data: Path) -> dict[str, str]:
    return {
        **os.environ,
        "SURVEY_DATA_DIR": str(data),
        "SURVEY_DATABASE_URL": "",
        "SURVEY_DEMO": "1",
        "SURVEY_PUBLIC_RATE_PER_MINUTE": "0",
    }


def wait_for(url: str, server: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"the platform did not start: {url}")


def take_screenshots(
    base_url: str, shots: list[Shot], looks: list[ScreenshotStyle], out: Path, executable: str
) -> None:
    with sync_playwright() as playwright, chinese_glyphs() as fonts:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox"], env={**os.environ, **fonts}
        )
        for look in looks:
            for role in dict.fromkeys(shot.role for shot in shots):
                context = signed_in(browser, base_url, look, role)
                for shot in (candidate for candidate in shots if candidate.role == role):
                    take_screenshot(context.new_page(), base_url, shot, look, out)
                context.close()
        browser.close()


@contextmanager
def chinese_glyphs() -> Iterator[dict[str, str]]:
    """Variables that let the browser use the face of our pictures beside those of the machine."""
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "fonts.conf"
        configuration.write_text(
            '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
            '<include ignore_missing="yes">/etc/fonts/fonts.conf</include>'
            f"<dir>{escape(str(FONT_FILE.parent))}</dir></fontconfig>",
            encoding="utf-8",
        )
        yield {"FONTCONFIG_FILE": str(configuration)}


def signed_in(browser: Browser, base_url: str, look: ScreenshotStyle, role: str) -> BrowserContext:
    context = browser.new_context(
        viewport={"width": look.width, "height": 900},
        color_scheme="dark" if look.theme == "dark" else "light",
        locale="zh-CN" if look.language == "zh" else "en-GB",
    )
    if role:
        answer = context.request.post(
            f"{base_url}/auth/demo",
            form={"role": role},
            headers={"Origin": base_url},
            max_redirects=0,
        )
        if answer.status >= 400:
            raise RuntimeError(f"signing in as {role} answered {answer.status}")
    return context


def take_screenshot(
    page: Page, base_url: str, shot: Shot, look: ScreenshotStyle, out: Path
) -> None:
    joint = "&" if "?" in shot.path else "?"
    page.goto(f"{base_url}{shot.path}{joint}{look.query}")
    # Without a role every address shows the bare start page.
    if shot.role and not shot.plain:
        try:
            page.locator(SETTLED_SELECTOR).wait_for(timeout=60_000)
            # Scripts of tables and fields are fetched when the first of them is shown.
            page.wait_for_function(NOTHING_IS_FETCHED, timeout=60_000)
        except Error:
            sys.stderr.write(f"{shot.name} {look.name}: still busy after a minute\n")
        page.wait_for_timeout(1500)
    height = page.evaluate("document.querySelector('[data-testid=stMain]')?.scrollHeight ?? 900")
    page.set_viewport_size({"width": look.width, "height": min(int(height) + 10, MAX_HEIGHT_PX)})
    page.wait_for_timeout(700)
    page.screenshot(path=out / f"{shot.name}-{look.name}.png")
    page.close()


def write_index(out: Path, shots: list[Shot], looks: list[ScreenshotStyle]) -> None:
    """A contact sheet: a row a page, a column a look."""
    rows = []
    for shot in shots:
        cells = "".join(
            f'<a href="{shot.name}-{look.name}.png"><img loading="lazy" '
            f'src="{shot.name}-{look.name}.png" alt="{escape(shot.name)} {look.name}">'
            f"<span>{look.name}</span></a>"
            for look in looks
        )
        rows.append(f"<h2>{escape(shot.name)}</h2><div>{cells}</div>")
    style = (
        "body{font:15px sans-serif;margin:2rem}div{display:flex;gap:1rem;overflow-x:auto}"
        "a{flex:none;width:14rem;color:inherit}"
        "img{width:100%;height:20rem;object-fit:cover;object-position:top;border:1px solid #bbb}"
        "span{display:block;font-size:12px}"
    )
    page = f"<!doctype html><meta charset=utf-8><title>Screenshots</title><style>{style}</style>"
    (out / "index.html").write_text(page + "".join(rows), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
