"""A doubter verifies files of a release in the browser, and is shown a changed byte.

The built site is served by itself, with the headers of the server: no platform has to start.
"""

import gzip
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import orjson
import pytest
from playwright.sync_api import Browser, Page, expect

from survey.release.manifest import zip_files
from survey.release.verify import fingerprint_of
from survey.site.page_frame import SiteSource
from survey.site.site_folder import write_site
from survey.web.site_endpoints import content_policy
from tests.publish.publications.register_steps import KEY
from tests.site.conftest import MINUTE, PublishedStore, published  # noqa: F401  (a fixture)


class _Handler(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        name = f"{self.path.lstrip('/')}{'index.html' if self.path.endswith('/') else ''}"
        self.send_header("Content-Security-Policy", content_policy(name))
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *_: object) -> None:
        """Write nothing: the output of tests is read."""


@pytest.fixture(scope="module")
def folder(
    published: PublishedStore,  # noqa: F811  (a fixture)
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    out = tmp_path_factory.mktemp("doubter") / "site"
    write_site(SiteSource([published.read()], published.keys), published.keys_document, out)
    return out


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Page]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context()
    opened = context.new_page()
    problems: list[str] = []
    opened.on("console", lambda message: problems.append(message.text))
    opened.on("request", lambda request: problems.extend((request.post_data and ["upload"]) or []))
    opened.goto(f"http://127.0.0.1:{server.server_address[1]}/en/verify/")
    yield opened
    context.close()
    server.shutdown()
    assert problems == []


def check(page: Page, file: Path, outcome: str, *words: str) -> None:
    """Choose a file on the page, and read what it says about it."""
    cards = page.locator("#verifier article")
    known = cards.count()
    page.set_input_files("#verifier input", str(file))
    expect(cards).to_have_count(known + 1)
    card = cards.first
    expect(card.get_by_role("heading")).to_have_text(outcome)
    for text in (file.name, *words):
        expect(card).to_contain_text(text)


def with_changed_byte(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_a_doubter_verifies_a_file_and_is_shown_a_changed_byte(
    page: Page,
    folder: Path,
    published: PublishedStore,  # noqa: F811  (a fixture)
    tmp_path: Path,
) -> None:
    (key,) = published.keys.keys.values()
    printed = fingerprint_of(key.public_key)
    expect(page.locator("dd code")).to_have_text(printed)
    expect(page.get_by_text("Nothing is uploaded")).to_be_visible()
    expect(page.locator(".without")).to_be_hidden()
    files = folder / "files" / KEY

    check(page, folder / "files" / f"{KEY}.zip", "Genuine", KEY, printed, "Demonstration data")
    figures = next(path for name in ("figures.csv", "figures.csv.gz")
                   if (path := files / name).is_file())  # fmt: skip
    check(page, figures, "Genuine", printed)
    packed = figures.suffix == ".gz"
    whole = gzip.decompress(figures.read_bytes()) if packed else figures.read_bytes()

    # One digit of one figure: the block of bytes that holds it is named.
    changed = tmp_path / figures.name
    altered = with_changed_byte(whole, 5000)
    changed.write_bytes(gzip.compress(altered) if packed else altered)
    size = next(each for each in published.read().manifest.files if each.path == "figures.csv")
    first = 5000 // size.block_size * size.block_size
    check(page, changed, "Changed", KEY, f"{first}–{first + size.block_size - 1}")
    longer = tmp_path / "labels.json"
    longer.write_bytes((files / "labels.json").read_bytes() + b" ")
    check(page, longer, "Changed", f"{longer.stat().st_size:d} bytes")

    with ZipFile(published.archive) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    archive_path = tmp_path / "archive.zip"
    archive_path.write_bytes(zip_files({**contents, "figures.csv": altered}, MINUTE))
    check(page, archive_path, "Changed", "figures.csv", f"{first}–")
    archive_path.write_bytes(zip_files({**contents, "extra.csv": b"1"}, MINUTE))
    check(page, archive_path, "Changed", "extra.csv")
    longer_archive = tmp_path / f"{KEY}.zip"
    longer_archive.write_bytes(published.archive.read_bytes() + b"PK")
    check(page, longer_archive, "Changed", "bytes that are no part of its files")
    manifest = with_changed_byte(contents["release.json"], 40)
    archive_path.write_bytes(zip_files({**contents, "release.json": manifest}, MINUTE))
    check(page, archive_path, "Not signed by the association")
    check(page, folder / "site.css", "Not of these releases")

    # The association takes the release back, then withdraws the key.
    keys_file = folder / "files" / "release-keys.json"
    document = orjson.loads(published.keys_document)
    keys_file.write_bytes(orjson.dumps(document | {"retracted": [{"id": KEY, "at": "2026"}]}))
    check(page, figures, "Taken back", KEY)
    for each in document["keys"]:
        each["withdrawn"] = "2026-01-01"
    keys_file.write_bytes(orjson.dumps(document))
    check(page, folder / "files" / f"{KEY}.zip", "The key was withdrawn")
    check(page, figures, "The key was withdrawn", printed)


def test_without_a_script_the_page_points_to_the_other_check(
    browser: Browser, folder: Path
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "en" / "verify" / "index.html").as_uri())
    expect(page.get_by_text("Please use verify.py")).to_be_visible()
    expect(page.locator(".check")).to_be_hidden()
    context.close()
