"""The static site: what goes onto it, what is refused, and that it needs nothing from elsewhere."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from survey.release.manifest import zip_files
from survey.release.verify import KeyList
from survey.site.page_frame import SiteSource
from survey.site.page_rows import PageTables
from survey.site.released_archive import ReleasedArchive, read_released_archive, require_one_kind
from survey.site.site_folder import write_site
from tests.error_codes import raises_code
from tests.publish.publications.register_steps import KEY, WAVE
from tests.site.conftest import HOSTILE_TITLE, IDENTIFIER, MINUTE, PublishedStore

MAX_VIEW_BYTES = 100_000
CITY = "320500"


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
def test_the_same_release_gives_the_same_bytes(
    published: PublishedStore, site: Path, tmp_path: Path
) -> None:
    out = tmp_path / "again"
    source = SiteSource(
        [published.read()], published.keys, "https://survey.example/data/", identifier=IDENTIFIER
    )
    assert write_site(source, published.keys_document, out) == len(files_of(site))
    assert files_of(out) == files_of(site)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # A block of data is no script: no browser runs it.
        if tag == "script" and ("type", "application/ld+json") not in attrs:
            self.scripts.append(dict(attrs).get("src") or "inline")
        self.ids += [value or "" for name, value in attrs if name == "id"]
        wanted = {"href", "src", "srcset"}
        self.found += [value or "" for name, value in attrs if name in wanted]


def _read(page: Path) -> _Links:
    reader = _Links()
    reader.feed(page.read_text("utf-8"))
    return reader


def test_every_link_leads_to_a_place_of_the_site_and_scripts_are_files(site: Path) -> None:
    ids = {page: _read(page).ids for page in pages(site)}
    for page in pages(site):
        reader = _read(page)
        assert len(set(reader.ids)) == len(reader.ids), page
        scripts = {each.rpartition("/")[2] for each in reader.scripts}
        is_check = page.parent.name == "verify"
        assert scripts <= {"site.js", *(["verify.js"] if is_check else [])}, page
        for link in reader.found:
            if link == "data:,":
                continue
            path, _, fragment = link.partition("#")
            target = page.parent / path if path else page
            target = (target / "index.html" if target.is_dir() else target).resolve()
            assert target.is_relative_to(site.resolve()), (page, link)
            assert target.is_file(), (page, link)
            assert not fragment or fragment in ids[site / target.relative_to(site.resolve())], link


def test_every_page_and_chart_of_a_demonstration_says_so(site: Path) -> None:
    for page in pages(site):
        mark = "Demonstration data" if page.is_relative_to(site / "en") else "演示数据"
        text = page.read_text("utf-8")
        assert mark in text.partition("</title>")[0], page
        assert f"<strong>{mark}</strong>" in text, page
    for chart in site.rglob("*.svg"):
        assert "演示数据" in chart.read_text("utf-8") or "Demonstration" in chart.read_text("utf-8")


def test_titles_are_text_wherever_they_stand(site: Path) -> None:
    for path in [*pages(site), *site.rglob("*.svg")]:
        assert "<script>alert" not in path.read_text("utf-8"), path
    assert "&lt;script&gt;alert(1)" in (site / "en" / WAVE / "index.html").read_text("utf-8")


def test_a_figure_on_a_page_is_the_printed_one_with_interval_and_n(
    site: Path, published: PublishedStore
) -> None:
    figure = published.read().find(CITY)
    assert figure is not None
    text = (site / WAVE / "index.html").read_text("utf-8")
    row = re.search(rf'<tr id="{re.escape(figure.id)}"[^>]*>.*?</tr>', text, re.DOTALL)
    assert row is not None
    for printed in (figure.estimate, f"{figure.ci_low}–{figure.ci_high}", f"{int(figure.n):,}"):
        assert f">{printed}<" in row[0]
    assert f'href="{CITY}/"' in row[0]
    assert f'id="{figure.id}"' in (site / WAVE / CITY / "index.html").read_text("utf-8")


def test_areas_of_one_name_have_the_figures_of_their_own_level(published: PublishedStore) -> None:
    release = published.read()
    tables = PageTables(release, "zh")
    shown = [row.figure for level in ("region3", "region") for row in tables.list_areas(level)]
    names = [figure.area for figure in shown]
    assert len(set(names)) < len(names)
    printed = {each.id: each for each in release.iter_figures()}
    for figure in shown:
        assert printed[f"{WAVE}-{figure.area_level}.{figure.area}-composite-all-score"] == figure


def test_pages_show_no_figure_that_is_not_in_the_release(
    site: Path, published: PublishedStore
) -> None:
    known = {figure.id for figure in published.read().iter_figures()}
    shown = set()
    for page in pages(site):
        shown |= set(re.findall(rf'id="({WAVE}-[^"]+)"', page.read_text("utf-8")))
    assert len(shown) > 500
    assert shown <= known


def test_the_first_view_is_small(site: Path) -> None:
    for page in pages(site):
        loaded = {page, *(page.parent / link for link in _list_loaded(page))}
        assert sum(path.stat().st_size for path in loaded) <= MAX_VIEW_BYTES, page


def _list_loaded(page: Path) -> list[str]:
    """Files that a browser loads with a page: style, script and drawings."""
    text = page.read_text("utf-8")
    tags = re.findall(r'<(?:link rel="stylesheet"|script|img|source) [^>]*>', text)
    found = [re.search(r'(?:href|src|srcset)="([^"]+)"', tag) for tag in tags]
    return [match[1] for match in found if match]


def test_machines_find_every_page_and_file(site: Path) -> None:
    address = "https://survey.example/data/"
    page = (site / "en" / WAVE / "index.html").read_text("utf-8")
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert found is not None
    dataset = json.loads(found[1])
    assert (dataset["@type"], dataset["identifier"]) == (
        "Dataset",
        IDENTIFIER.replace("{release}", KEY),
    )
    assert dataset["name"] == f"Demonstration data: {HOSTILE_TITLE}"
    for file in dataset["distribution"]:
        assert (site / file["contentUrl"].removeprefix(address)).is_file()
    places = [each.text or "" for each in ElementTree.parse(site / "sitemap.xml").iter()]
    known = {place.removeprefix(address) for place in places if place.startswith(address)}
    assert {"", "en/", f"{WAVE}/", f"en/{WAVE}/{CITY}/"} <= known
    assert all((site / place / "index.html").is_file() for place in known)
    feed = ElementTree.parse(site / "feed.zh.xml").getroot()
    titles = [each.text or "" for each in feed.iter("{http://www.w3.org/2005/Atom}title")]
    assert titles[1:] == ["演示数据 2024 年测评"]


def test_indicators_and_groups_have_their_names(published: PublishedStore) -> None:
    release = published.read()
    assert release.name("indicator", "composite", "zh") == "综合满意度"
    assert release.name("group", "gender=female", "en") == "Women"
    assert release.name("area", CITY, "zh") == "苏州"


def _changed(published: PublishedStore, folder: Path, **changes: bytes | None) -> Path:
    """An archive with files changed, added or (None) left out; `_` stands for the point."""
    with ZipFile(published.archive) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for name, content in changes.items():
        files.pop(name.replace("_", "."), None)
        if content is not None:
            files[name.replace("_", ".")] = content
    path = folder / "changed.zip"
    path.write_bytes(zip_files(files, MINUTE))
    return path


def _refused(path: Path, keys: KeyList, words: str) -> None:
    with raises_code("site_refused", match=words):
        read_released_archive(path, keys, MINUTE)


def test_an_archive_that_was_altered_is_refused(published: PublishedStore, tmp_path: Path) -> None:
    with ZipFile(published.archive) as archive:
        figures = archive.read("figures.csv")
    lifted = figures.replace(b",80.", b",81.", 1)
    assert lifted != figures
    _refused(_changed(published, tmp_path, figures_csv=lifted), published.keys, "changed")
    _refused(_changed(published, tmp_path, extra_csv=b"1"), published.keys, "part of the release")


def test_an_archive_without_a_good_signature_is_refused(
    published: PublishedStore, tmp_path: Path
) -> None:
    _refused(_changed(published, tmp_path, release_sig=None), published.keys, "signature")
    _refused(published.archive, KeyList({}, {}, {}), "keys")
    other = {
        key_id: key._replace(withdrawn="2026-01-01") for key_id, key in published.keys.keys.items()
    }
    _refused(published.archive, KeyList(other, {}, {}), "withdrawn")


def test_what_is_not_due_taken_back_or_replaced_is_refused(published: PublishedStore) -> None:
    keys = published.keys
    with raises_code("site_refused", match="minute"):
        read_released_archive(published.archive, keys, MINUTE - timedelta(seconds=1))
    _refused(published.archive, keys._replace(retracted={KEY: "2026-12-04"}), "taken this release")
    _refused(published.archive, keys._replace(corrected={KEY: "main-2024-2"}), "main-2024-2")


def test_demonstrations_do_not_stand_beside_real_releases(published: PublishedStore) -> None:
    release = published.read()

    def like(**changes: object) -> ReleasedArchive:
        return replace(release, manifest=release.manifest.model_copy(update=changes))

    require_one_kind([release, like(wave="main-2023")])
    for other in (like(wave="main-2023", demo=False), like(id="main-2024-9")):
        with raises_code("site_refused"):
            require_one_kind([release, other])


def test_a_site_is_never_written_over_another_and_never_half(
    published: PublishedStore, site: Path, tmp_path: Path
) -> None:
    source = SiteSource([published.read()], published.keys)
    with raises_code("site_folder_taken"):
        write_site(source, b"{}", site)
    gone = replace(source.releases[0], path=tmp_path / "gone.zip")
    with pytest.raises(FileNotFoundError):
        write_site(replace(source, releases=[gone]), b"{}", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("folder", "fails"), [("", "尚未做到的"), ("en/", "What fails")])
def test_the_statement_on_accessibility_says_what_fails_and_whom_to_tell(
    site: Path, published: PublishedStore, folder: str, fails: str
) -> None:
    text = (site / folder / "accessibility" / "index.html").read_text("utf-8")
    assert f"<h2>{fails}</h2>" in text
    assert f"<li>{published.read().manifest.contact}</li>" in text
    assert 'accessibility/"' in (site / folder / "index.html").read_text("utf-8")
