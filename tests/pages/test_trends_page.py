"""Trends and comparisons as a reader uses them: choose waves, narrow lists, share the link."""

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.settings import Settings
from tests.pages.conftest import open_tab
from tests.synthetic_results import PLANS, synthetic_store

Open = Callable[..., AppTest]
Read = Callable[[AppTest], str]


@pytest.fixture(autouse=True)
def _store(frozen_waves: Settings, use_store: Callable[[Settings], None]) -> None:
    use_store(frozen_waves)


def titles(app: AppTest) -> list[str]:
    return [heading.value for heading in app.subheader]


def legends(app: AppTest) -> list[str]:
    """The words that charts keep beside their specification."""
    specs = [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]
    return [
        str(parameter["value"])
        for spec in specs
        for parameter in spec.get("params", ())
        if "value" in parameter
    ]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "no detectable change from 2023 to 2024 in the nation",
                "Of 100 cities 0 rose and 0 fell; 100 show no detectable change.",
                "Composite satisfaction: change in each city from 2023 to 2024",
                "No detectable change",
            ),
        ),
        (
            "zh",
            (
                "全国综合满意度：2023 年至 2024 年无可检出的变化",
                "100 个城市中 0 个上升、0 个下降，100 个无可检出的变化。",
                "2023 年至 2024 年各城市的变化：综合满意度",
                "无可检出的变化",
            ),
        ),
    ],
)
def test_no_detectable_change_is_a_result(
    open_page: Open, read: Read, language: str, words: tuple[str, ...]
) -> None:
    app = open_page(PageKey.TRENDS, Role.NATIONAL_OFFICIAL, lang=language)
    text = read(app)
    for phrase in words[:3]:
        assert phrase in text
    assert words[3] in legends(app)
    assert len(app.get("vega_lite_chart")) == 1
    table = app.dataframe[0].value
    assert len(table) == 100
    # Four of five surveys find what is 1.4 to 1.5 times half of the interval.
    smallest = table["Smallest detectable change" if language == "en" else "最小可检出变化"]
    interval = table.iloc[:, [name.startswith("95%") for name in table.columns]].iloc[:, 0]
    for size, text in zip(smallest.astype(float), interval, strict=True):
        low, high = (float(number) for number in re.findall(r"[+-]?[\d.]+", text.replace("−", "-")))
        assert 1.3 < size / ((high - low) / 2) < 1.6


def test_choices_travel_in_the_address(open_page: Open, read: Read) -> None:
    app = open_page(
        PageKey.TRENDS,
        Role.NATIONAL_OFFICIAL,
        lang="en",
        indicator="1.1",
        only="clear",
        region3="西部",
        against="size_tier",
        place="mega",
    )
    assert any(
        "Variety: change in each city" in title and "significant only" in title
        for title in titles(app)
    )
    app.segmented_control(key="only/en").set_value("all").run()
    assert "only" not in app.query_params
    assert not any("significant only" in title for title in titles(app))
    open_tab(app, "Cities and their peers")
    assert any("each city minus cities of its size" in title for title in titles(app))
    open_tab(app, "Years")
    assert any("over the years, Mega cities" in title for title in titles(app))


def test_only_the_open_tab_is_drawn(open_page: Open) -> None:
    app = open_page(PageKey.TRENDS, Role.NATIONAL_OFFICIAL, lang="en")
    names = ["Cities", "Indicators", "Cities and their peers", "Fair comparison", "Bridge", "Years"]
    assert [tab.label for tab in app.tabs] == names
    drawn = {name: titles(open_tab(app, name)) for name in names}
    # The bridge has a chart of both levels above its table, the comparison an experiment below.
    more = {"Bridge": 1, "Fair comparison": 2}
    assert all(len(found) == 1 + more.get(name, 0) for name, found in drawn.items()), drawn
    assert len({found[0] for found in drawn.values()}) == len(names)


def test_the_table_on_paper_and_on_phones_is_the_one_on_screen(open_page: Open) -> None:
    app = open_page(PageKey.TRENDS, Role.NATIONAL_OFFICIAL, lang="en")
    sortable = app.dataframe[0].value
    (plain,) = (html for html in app.get("html") if 'class="hcs-plain"' in html.proto.body)
    names = re.findall(r'<th scope="row"><a href="([^"]+)"[^>]*>([^<]+)</a>', plain.proto.body)
    assert [unescape(name) for _, name in names] == sortable["City"].tolist()
    assert all("/city?" in link and "wave=main-2024" in link for link, _ in names)
    assert sortable["Change with interval"].str.startswith("data:image/svg+xml,").all()


def test_significant_only_without_any_says_so_in_words(open_page: Open, read: Read) -> None:
    app = open_page(PageKey.TRENDS, Role.NATIONAL_OFFICIAL, lang="en", only="clear")
    assert "None of the chosen cities shows a detectable change." in read(app)
    assert not any("change in each city" in title for title in titles(app))


def test_the_first_wave_says_what_a_change_needs(open_page: Open, read: Read) -> None:
    app = open_page(PageKey.TRENDS, Role.NATIONAL_OFFICIAL, lang="en", wave="main-2023")
    text = read(app)
    assert "No change is shown" in text
    assert "A change needs two waves of the same series" in text
    left = ["Cities and their peers", "Fair comparison", "Bridge", "Years"]
    assert [tab.label for tab in app.tabs] == left
    assert len(app.dataframe[0].value) == 100
    assert "before/en" not in {box.key for box in app.selectbox}


def test_a_store_with_a_single_wave(
    tmp_path: Path, use_store: Callable[[Settings], None], open_page: Open, read: Read
) -> None:
    settings = Settings(data_dir=tmp_path, database_url="", demo=True)
    synthetic_store(settings, plans=PLANS[:1], measures_a_topic=1)
    use_store(settings)
    for language, words in (
        ("en", "A change needs two waves"),
        ("zh", "比较变化需要同一系列的两个批次"),
    ):
        app = open_page(PageKey.TRENDS, Role.NATIONAL_OFFICIAL, lang=language)
        assert words in read(app)
        assert len(app.tabs) == 4


def test_hidden_cities_are_counted_and_named_without_numbers(open_page: Open, read: Read) -> None:
    app = open_page(PageKey.TRENDS, Role.NATIONAL_OFFICIAL, lang="en", group="income=lt3000")
    assert "are not shown: too few interviews, or to protect personal data" in read(app)


def test_the_table_can_be_taken_away(
    open_page: Open, fetch: Callable[[AppTest, str], bytes]
) -> None:
    app = open_page(PageKey.TRENDS, Role.CITY_OFFICIAL, lang="en")
    text = fetch(app, "trends-cities/csv").decode("utf-8-sig")
    assert text.startswith('"DEMO DATA')
    assert "95%\u00a0from" in text
    assert text.count("\r\n") > 100


def test_every_chart_can_be_read_and_taken_away(
    open_page: Open, with_data: Callable[[AppTest], AppTest]
) -> None:
    app = open_tab(open_page(PageKey.TRENDS, Role.CITY_OFFICIAL, lang="en"), "Years")
    drawn = with_data(app).get("vega_lite_chart")
    assert len(drawn) == len(app.get("table")) == 2
    assert all("same data follow as a table" in chart.proto.alt for chart in drawn)
    assert any("over the years, Suzhou" in title for title in titles(app))


@pytest.mark.parametrize(("language", "numbers"), [("zh", ("第 ", " 页，共 ")), ("en", ("Page ",))])
def test_the_foot_of_each_printed_page_names_wave_n_and_page(
    open_page: Open, read: Read, language: str, numbers: tuple[str, ...]
) -> None:
    text = read(open_page(PageKey.TRENDS, Role.NATIONAL_OFFICIAL, lang=language))
    rule = text[text.index("@page") :]
    day = r"\d{4}年\d{1,2}月\d{1,2}日" if language == "zh" else r"\d{4}-\d\d-\d\d"
    assert re.search(rf'"main-2024 · n = 61,9\d\d · {day}"', rule)
    assert all(f'"{number}"' in rule for number in numbers)
    assert "size: A4 portrait; margin: 18mm" in rule
