"""Charts, pictures and cards of the public site: what stands on them, their size, their bytes."""

import re
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from survey.site.interval_chart import NARROW, WIDE, ChartLine, ChartTexts, draw_intervals
from survey.site.page_frame import FileLink, SiteSource
from survey.site.page_pictures import CARD_SIZE
from survey.site.site_pages import build_pages
from tests.publish.publications.register_steps import KEY, WAVE
from tests.site.conftest import PublishedStore

ADDRESS = "https://survey.example/data/"
CITY = "320500"
MAX_RELEASE_BYTES = 60_000_000
CITIES_OF_A_RELEASE = 100
SVG = "{http://www.w3.org/2000/svg}"


def _texts(svg: Path) -> str:
    """All texts of a drawing without blanks, where lines may have been broken."""
    found = "".join("".join(each.itertext()) for each in ElementTree.parse(svg).iter(f"{SVG}text"))
    return found.replace(" ", "")


@pytest.mark.parametrize("key", ["cities", "indicators", "groups", CITY])
@pytest.mark.parametrize("shape", ["", "-narrow"])
def test_a_chart_says_source_wave_interviews_interval_and_demonstration(
    site: Path, published: PublishedStore, key: str, shape: str
) -> None:
    figure = published.read().find(CITY if key == CITY else "CN")
    assert figure is not None
    for prefix, words in (
        ("", ("发布编号", "95%", "置信区间", "演示数据", "刻度不一定从 0 开始")),
        ("en/", ("release", "95%", "interval", "Demonstration data", "need not begin at 0")),
    ):
        text = _texts(site / prefix / WAVE / "charts" / f"{key}{shape}.svg")
        for said in (*words, KEY, WAVE, f"{int(figure.n):,}"):
            assert said.replace(" ", "") in text, said
        with Image.open(site / prefix / WAVE / "charts" / f"{key}.png") as picture:
            assert picture.size[0] == 1128


def test_a_chart_of_a_city_says_in_words_what_it_shows(site: Path) -> None:
    drawing = ElementTree.parse(site / "en" / WAVE / "charts" / f"{CITY}.svg")
    found = drawing.find(f"{SVG}desc")
    assert found is not None
    counts = re.fullmatch(
        r"Of the (\d+) indicators of level 2, (\d+) lie above the nation and (\d+) below it; "
        r"for (\d+) the difference is within the sampling error\.",
        found.text or "",
    )
    assert counts is not None
    count, above, below, even = map(int, counts.groups())
    assert count == above + below + even > 0
    page = (site / "en" / WAVE / CITY / "index.html").read_text("utf-8")
    assert f'aria-label="{found.text}"' in page
    assert f"<p>{found.text}</p>" in page
    embedded = (site / "en" / WAVE / "charts" / CITY / "index.html").read_text("utf-8")
    assert re.search(rf'<img [^>]*alt="[^"]*{re.escape(found.text or "")}"', embedded)


def test_every_city_and_release_has_a_card_that_its_page_names(
    site: Path, published: PublishedStore
) -> None:
    places = [f"{WAVE}/", *(f"{WAVE}/{code}/" for code in published.read().cities)]
    assert len(places) > 3
    for place in ["", *places, "en/", *(f"en/{place}" for place in places)]:
        page = (site / place / "index.html").read_text("utf-8")
        said = dict(re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)">', page))
        card = site / said["og:image"].removeprefix(ADDRESS)
        with Image.open(card) as picture:
            assert picture.size == CARD_SIZE, place
        assert said["og:url"] == f"{ADDRESS}{place}"
        assert said["twitter:card"] == "summary_large_image"
        mark = "Demonstration data" if place.startswith("en/") else "演示数据"
        for name in ("og:title", "og:description", "og:image:alt"):
            assert said[name].startswith(mark), (place, name)
        assert said["og:description"] == said["description"]
        assert re.search(r"\d+\.\d .*95%.*\d+\.\d", said["description"]), place


def test_without_an_address_no_card_is_named(published: PublishedStore) -> None:
    source = SiteSource([published.read()], published.keys)
    pages = build_pages(source, {KEY: [FileLink("x.zip", "files/x.zip", "1 kB")]})
    page = next(content for path, content in pages if path == f"{WAVE}/index.html").decode()
    assert "og:description" in page
    assert "og:image" not in page
    assert "&lt;iframe" not in page


def test_pages_cards_and_charts_of_a_hundred_cities_fit_their_budget(
    site: Path, published: PublishedStore
) -> None:
    codes = set(published.read().cities)
    of_cities, of_release = 0, 0
    for folder in (site / WAVE, site / "en" / WAVE):
        for path in folder.rglob("*.*"):
            if codes & set(re.split(r"[/.-]", path.as_posix())):
                of_cities += path.stat().st_size
            else:
                of_release += path.stat().st_size
    assert of_cities > 0
    whole = of_cities / len(codes) * CITIES_OF_A_RELEASE + of_release
    assert whole < MAX_RELEASE_BYTES


@pytest.mark.parametrize(
    ("page", "key", "more"),
    [
        *((f"{WAVE}/", key, "../../") for key in ("cities", "indicators", "groups")),
        (f"{WAVE}/{CITY}/", CITY, f"../../{CITY}/"),
    ],
)
@pytest.mark.parametrize("kind", ["charts", "tables"])
def test_a_line_to_embed_leads_to_a_page_that_says_all(
    site: Path, page: str, key: str, more: str, kind: str
) -> None:
    text = unescape((site / page / "index.html").read_text("utf-8"))
    place = f"{WAVE}/{kind}/{key}/"
    shown = rf'<iframe src="{ADDRESS}{place}" title="([^"]+)" width="760" height="\d+"'
    line = re.search(shown, text)
    assert line is not None
    embedded = (site / place / "index.html").read_text("utf-8")
    assert f"<title>演示数据 · {line[1]}</title>" in embedded
    assert "<script" not in embedded
    assert "《2024 年测评》，发布编号 main-2024-1" in embedded
    assert "<strong>演示数据</strong>" in embedded
    assert f'<a href="{more}"' in embedded
    assert ("<table" in embedded, "<img" in embedded) == (kind == "tables", kind == "charts")


def _texts_of(shape_name: str, title: str) -> list[str]:
    texts = ChartTexts(title, "s", "f", "q", "", "zh")
    shape = {"wide": WIDE, "narrow": NARROW}[shape_name]
    svg = draw_intervals([ChartLine("n", 80, 79, 81, "80", "80")], texts, shape)
    return re.findall(r'<text class="t"[^>]*>([^<]*)</text>', svg)


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("短题", ["短题"]),
        ("一" * 50, ["一" * 22, "一" * 22, "一" * 6]),
        ("一" * 22 + "，二", ["一" * 22 + "，", "二"]),
        ("ab " * 30, [("ab " * 14).rstrip(), ("ab " * 14).rstrip(), "ab ab"]),
        ("x" * 50, ["x" * 43, "x" * 7]),
    ],
)
def test_long_texts_are_wrapped_and_none_is_lost(title: str, lines: list[str]) -> None:
    found = _texts_of("narrow", title)
    assert "".join(found).replace(" ", "") == title.replace(" ", "")
    assert max(len(line) for line in found) <= max(len(line) for line in lines) + 1
    assert len(found) == len(lines)


def test_texts_of_people_are_escaped_in_a_chart() -> None:
    assert _texts_of("wide", "<b>&") == ["&lt;b&gt;&amp;"]
