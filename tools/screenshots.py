"""Draw every page x size x look x language into screenshots/, with an index page to look through.

Makes a small demo platform of its own and drives the system's Chromium over it. With --readme the
pictures of the README are renewed as well.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
SURVEY = Path(sys.executable).parent / "survey"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
READY = "[data-testid=stApp][data-test-script-state=notRunning]"
PAGES = {
    "home": ("", None),
    "tasks": ("tasks", "surveyor"),
    "interview": ("interview", "surveyor"),
    "overview": ("overview", "national_official"),
    "city": ("city", "city_official"),
    "special_groups": ("special-groups", "national_official"),
    "method": ("method", "analyst"),
    "refused": ("overview", None),
}
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
LOOKS = ("light", "dark", "elder")
LANGUAGES = ("zh", "en")
README = ("overview", "city", "special_groups")


@dataclass(frozen=True)
class Shot:
    """One picture to take: page, size, look and language."""

    page: str
    size: str
    look: str
    language: str

    @property
    def file(self) -> str:
        return f"{self.page}-{self.size}-{self.look}-{self.language}.png"


@contextmanager
def platform(size: float) -> Iterator[str]:
    """A demo platform in build/, made once and served on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "SURVEY_DATA_DIR": str(ROOT / "build" / "screenshots" / "demo"),
        "SURVEY_DATABASE_URL": "",
        "SURVEY_PORT": str(port),
    }
    command = [str(SURVEY), "demo", "--size", str(size), "--serve"]
    server = subprocess.Popen(command, env=environment, cwd=ROOT)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/ready", server)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise SystemExit("the demo platform did not start")


def take(browser: Browser, address: str, shot: Shot, target: Path) -> None:
    """One picture in a browser of its own, signed in as the page needs it."""
    width, height = SIZES[shot.size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale="zh-CN" if shot.language == "zh" else "en-GB",
        color_scheme="dark" if shot.look == "dark" else "light",
    )
    path, role = PAGES[shot.page]
    if role is not None:
        context.request.post(f"{address}/auth/demo", form={"role": role})
    page = context.new_page()
    elder = "&large=1" if shot.look == "elder" else ""
    page.goto(f"{address}/{path}?lang={shot.language}{elder}")
    settle(page)
    page.screenshot(path=target)
    context.close()


def settle(page: Page) -> None:
    page.locator(READY).wait_for(timeout=60_000)
    page.wait_for_timeout(1_800)


def form_picture(browser: Browser, address: str, target: Path) -> None:
    """The public form on a phone, reached as a respondent reaches it."""
    environment = {
        **os.environ,
        "SURVEY_DATA_DIR": str(ROOT / "build" / "screenshots" / "demo"),
        "SURVEY_DATABASE_URL": "",
        "SURVEY_PUBLIC_URL": address,
    }
    command = [str(SURVEY), "form", "try", "main-2023"]
    link = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    page = browser.new_page(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page.goto(link.stdout.strip())
    page.locator(".sf-heading").wait_for()
    page.screenshot(path=target)
    page.close()


def write_index(folder: Path, shots: list[Shot]) -> None:
    figures = "".join(
        f"<figure><img loading=lazy src='{escape(shot.file)}'>"
        f"<figcaption>{escape(shot.file)}</figcaption></figure>"
        for shot in shots
    )
    style = (
        "body{font:14px sans-serif;display:flex;flex-wrap:wrap}figure{margin:8px}img{height:420px}"
    )
    (folder / "index.html").write_text(
        f"<!doctype html><meta charset=utf-8><style>{style}</style>{figures}", encoding="utf-8"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=0.1, help="size of the demo waves (1 = full)")
    parser.add_argument("--only", nargs="*", help="pages to draw; default all")
    parser.add_argument("--readme", action="store_true", help="only renew docs/images/")
    options = parser.parse_args()
    executable = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if executable is None:
        raise SystemExit("no Chromium found")
    folder = ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    names = options.only or list(PAGES)
    shots = [Shot(*each) for each in product(names, SIZES, LOOKS, LANGUAGES)]
    with platform(options.size) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        if options.readme:
            images = ROOT / "docs" / "images"
            images.mkdir(exist_ok=True)
            for name in README:
                take(browser, address, Shot(name, "desktop", "light", "zh"), images / f"{name}.png")
            form_picture(browser, address, images / "form.png")
        else:
            for shot in shots:
                take(browser, address, shot, folder / shot.file)
            write_index(folder, shots)
            sys.stdout.write(f"{len(shots)} pictures: {folder / 'index.html'}\n")
        browser.close()


if __name__ == "__main__":
    main()
