"""What a reader does on the result pages: choose, compare, share a link, run into trouble."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from sqlmodel import select
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from survey.access.roles import Role
from survey.figures.views import overview as overview_view
from survey.kit.navigation import PageKey
from survey.settings import Settings, current_settings
from survey.store.engine import session_scope
from survey.store.tables import Wave, WaveState
from tests.pages.conftest import open_tab
from tests.synthetic_results import MAIN_GROUPS, SyntheticWave, synthetic_store
from tests.wave_states import set_wave_state

Open = Callable[..., AppTest]
Read = Callable[[AppTest], str]


@pytest.fixture(autouse=True)
def _store(frozen_waves: Settings, use_store: Callable[[Settings], None]) -> None:
    use_store(frozen_waves)


def charts(app: AppTest) -> list[dict[str, object]]:
    return [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]


def box(app: AppTest, name: str, language: str = "en") -> Selectbox:
    return app.selectbox(key=f"{name}/{language}")


def test_the_overview_begins_with_one_number_and_its_interval(open_page: Open, read: Read) -> None:
    app = open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="en")
    words = read(app)
    assert 'class="number">80.' in words
    assert "95%\u00a0interval 80." in words
    assert "from 61,998 valid interviews in 100 cities" in words
    assert words.count('class="hcs-tile"') == 3
    assert "change since 2023" in words or "than in 2023" in words
    assert "Lowest score among its parts" in words
    assert len(charts(app)) == 3


def test_every_chart_has_a_title_an_alternative_text_a_table_and_downloads_of_both(
    open_page: Open, with_data: Callable[[AppTest], AppTest]
) -> None:
    for page in (PageKey.OVERVIEW, PageKey.CITY, PageKey.SPECIAL_GROUPS, PageKey.URBAN_RURAL):
        app = open_page(page, Role.NATIONAL_OFFICIAL, lang="en")
        drawn = app.get("vega_lite_chart")
        assert drawn
        assert all("same data follow as a table" in chart.proto.alt for chart in drawn)
        assert len(app.get("table")) == 0
        with_data(app)
        assert len(app.get("table")) == len(drawn)
        keys = [str(button.key) for button in app.button]
        assert len(app.get("menu_button")) == len(drawn)
        assert len([key for key in keys if key.endswith("/csv")]) >= len(drawn)
        honest = [c.value for c in app.caption if "Quota sample taken on site" in c.value]
        assert len(honest) >= len(drawn)


def test_a_choice_is_in_the_address_as_a_code_and_a_link_restores_it(open_page: Open) -> None:
    app = open_tab(open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="en"), "Areas")
    box(app, "by").set_value("size_tier").run()
    assert app.query_params["by"] == "size_tier"
    again = open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="zh", by="size_tier")
    open_tab(again, "地区")
    assert box(again, "by", "zh").value == "size_tier"


def test_an_unknown_code_in_a_link_falls_back(open_page: Open) -> None:
    app = open_page(PageKey.CITY, Role.NATIONAL_OFFICIAL, lang="en", city="999999")
    assert box(app, "city").value == "110000"
    assert box(app, "wave").value == "main-2024"


def test_a_link_to_a_wave_that_is_not_there_shows_no_other(open_page: Open, read: Read) -> None:
    app = open_page(PageKey.CITY, Role.NATIONAL_OFFICIAL, lang="en", wave="main-1999")
    assert "There is no wave main-1999." in read(app)
    assert "<h2>Beijing</h2>" not in read(app)
    box(app, "wave").set_value("main-2023").run()
    assert app.query_params["wave"] == "main-2023"
    assert "<h2>Beijing</h2>" in read(app)


def test_switching_the_language_keeps_the_filters(open_page: Open, read: Read) -> None:
    app = open_page(PageKey.CITY, Role.NATIONAL_OFFICIAL, lang="en", city="320500")
    assert "<h2>Suzhou</h2>" in read(app)
    app.button_group[0].set_value("zh").run()
    assert box(app, "city", "zh").value == "320500"
    assert app.query_params["city"] == "320500"
    assert "lang" not in app.query_params


def test_large_text_scales_charts_and_stays_on_the_next_page(open_page: Open) -> None:
    app = open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="en")
    before = charts(app)[0]["config"]["axis"]["labelFontSize"]
    app.toggle[0].set_value(True).run()
    assert charts(app)[0]["config"]["axis"]["labelFontSize"] > before
    assert app.query_params["large"] == "1"
    app.switch_page("pages/city.py").run()
    assert app.toggle[0].value is True


def test_a_city_official_starts_with_the_own_city(open_page: Open) -> None:
    app = open_page(PageKey.CITY, Role.CITY_OFFICIAL, lang="en")
    assert box(app, "city").value == "320500"


def test_before_release_a_city_official_sees_no_other_city(open_page: Open, read: Read) -> None:
    _set_state(WaveState.FROZEN)
    try:
        app = open_page(PageKey.CITY, Role.CITY_OFFICIAL, lang="en", city="110000")
        assert box(app, "city").options == ["Suzhou 苏州"]
        assert "Beijing" not in read(app)
        app = open_page(PageKey.OVERVIEW, Role.CITY_OFFICIAL, lang="en")
        assert app.subheader[0].value == "Composite satisfaction by city (1)"
        assert "Beijing" not in read(app)
    finally:
        _set_state(WaveState.RELEASED)


def test_town_and_countryside_begin_with_the_difference(open_page: Open, read: Read) -> None:
    app = open_page(PageKey.URBAN_RURAL, Role.NATIONAL_OFFICIAL, lang="zh", place="320500")
    words = read(app)
    assert "分（与城镇相比）" in words or "这里无法比较城乡" in words
    assert "苏州" in app.subheader[0].value
    open_tab(app, "消费领域")
    box(app, "field", "zh").set_value("rural").run()
    assert app.query_params["field"] == "rural"
    assert any("农村" in title.value for title in app.subheader)


def test_town_and_countryside_by_area_is_a_table(open_page: Open) -> None:
    app = open_page(PageKey.URBAN_RURAL, Role.NATIONAL_OFFICIAL, lang="en", by="city")
    table = open_tab(app, "Areas").dataframe[0].value
    assert len(table) > 20
    assert table["Difference"].is_monotonic_decreasing


def test_town_and_countryside_start_with_the_own_city_of_an_official(open_page: Open) -> None:
    app = open_page(PageKey.URBAN_RURAL, Role.CITY_OFFICIAL, lang="en")
    assert box(app, "place").value == "320500"


def _set_state(state: WaveState) -> None:
    with session_scope(current_settings().store_url) as session:
        wave = session.exec(select(Wave).where(Wave.key == "main-2024")).one()
        set_wave_state(session, wave, state)
    st.cache_data.clear()


@pytest.mark.parametrize("study", ["elderly", "minors"])
def test_the_supplements_are_read_by_age_and_by_who_answered(study: str, open_page: Open) -> None:
    app = open_page(PageKey.SPECIAL_GROUPS, Role.NATIONAL_OFFICIAL, lang="en", study=study)
    by = "age" if study == "elderly" else "school stage"
    for tab, title in (
        ("What they met with", f"What people report, by {by}"),
        ("Who answered", f"Who answered, by {by}"),
        ("Ratings by who answered", "The same ratings by who answered"),
    ):
        assert [heading.value for heading in open_tab(app, tab).subheader] == [title]


def test_hidden_cells_say_so_in_words(
    open_page: Open, with_data: Callable[[AppTest], AppTest]
) -> None:
    app = open_page(PageKey.CITY, Role.NATIONAL_OFFICIAL, lang="en", city="320500")
    open_tab(app, "Groups")
    assert any("Not drawn, because no figure can be shown" in c.value for c in app.caption)
    tables = [table.value.astype(str).to_csv() for table in with_data(app).table]
    assert any(
        "Not shown: too few interviews, or to protect personal data" in table for table in tables
    )


def test_a_city_with_too_few_people_says_what_would_be_needed(
    open_page: Open, read: Read, use_store: Callable[[Settings], None], tmp_path: Path
) -> None:
    tiny = Settings(data_dir=tmp_path, database_url="", demo=True)
    plan = SyntheticWave("main-2024", "main", 2024, MAIN_GROUPS, 400)
    synthetic_store(tiny, plans=(plan,), measures_a_topic=1)
    use_store(tiny)
    app = open_page(PageKey.CITY, Role.NATIONAL_OFFICIAL, lang="en", city="320500")
    words = read(app)
    assert "Not shown: the score" in words
    assert "A figure needs at least 10 valid answers" in words
    assert "no respondent can be recognised" in words
    assert "Three strengths" not in words
    assert not charts(app)
    assert 'class="number"' not in words
    assert "Something went wrong" not in words
    assert "0 valid interviews" not in words
    assert [tab.label for tab in app.tabs] == ["Beside the score", "Rectification"]
    assert "No complaint statistics have been delivered yet" in words, "they need no score"


def test_a_failure_is_told_calmly_with_a_number(
    open_page: Open, read: Read, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(overview_view, "_build_map", broken)
    app = open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="en")
    words = read(app)
    assert "Something went wrong on our side" in words
    assert "tell the administrator this number" in words
    assert "secret" not in words
    assert "a secret detail" in caplog.text


def test_damaged_results_are_named_as_such_and_their_place_on_the_server_is_not(
    open_page: Open, read: Read, frozen_waves: Settings
) -> None:
    cells = next((frozen_waves.data_dir / "snapshots" / "main-2023").rglob("method.json"))
    hidden = cells.with_suffix(".away")
    cells.rename(hidden)
    try:
        words = read(open_page(PageKey.CITY, Role.NATIONAL_OFFICIAL, lang="en", wave="main-2023"))
    finally:
        hidden.rename(cells)
    assert "This cannot be shown" in words
    assert "Freeze the wave again" in words
    assert f"main-2023/{cells.parent.name}" in words
    assert str(frozen_waves.data_dir) not in words


@pytest.mark.parametrize("key", [PageKey.HOME, PageKey.OVERVIEW, PageKey.CITY, PageKey.TRENDS])
def test_a_damaged_wave_is_named_takes_no_other_down_and_is_not_said_to_be_missing(
    open_page: Open, read: Read, frozen_waves: Settings, key: PageKey
) -> None:
    manifest = next((frozen_waves.data_dir / "snapshots" / "main-2023").rglob("manifest.json"))
    whole = manifest.read_bytes()
    manifest.write_bytes(b"not what was sealed")
    try:
        app = open_page(key, Role.NATIONAL_OFFICIAL, lang="en")
    finally:
        manifest.write_bytes(whole)
    words, warning = read(app), app.warning[0].value
    assert "cannot be read at the moment" in warning
    assert "main-2023" in warning
    assert "This cannot be shown" not in words
    assert "main-2024" in words
    assert "An earlier wave cannot be read at the moment" in words
    assert "There is no earlier wave" not in words
    assert "there is none before this one" not in words


def test_the_method_page_prints_the_choices_of_the_snapshot(open_page: Open, read: Read) -> None:
    app = open_page(PageKey.METHOD, Role.SUPERVISOR, lang="en")
    tables = "\n".join(table.value.to_csv() for table in (*app.table, *app.dataframe))
    for choice in ("age × gender", "2020 census (2020)", "95%", "cca-2023", "10 interviews"):
        assert choice in tables
    assert "assumed equal" in tables
    assert "quota sample" in tables
    for choice in (
        "10,000 · 20231115",
        "±20% under every parent, 1,000 draws, seed 20231116",
        "at most 5% are expected to be false",
        "from 100 interviews and within 3 points",
        "500 · 4711",
        'Cells not shown,"1,234"',
        "about 23,000 of about 83,000 by linear programming",
        "possible value differ by at least 10",
        "Good,70,implied by published scores",
    ):
        assert choice in tables, choice
    # The glossary apart, no rule of hiding is named with a count of its own.
    assert "too few" not in "\n".join(table.value.to_csv() for table in app.table)
    answer = app.markdown[0].value
    assert "interviews in 100 cities" in answer
    assert len(answer) < 1_000, "half a page in plain words, the rest is folded"
    assert len(app.expander) >= 12
    assert "weight over the mean" not in tables
    assert "quota samples taken on site" in read(app)
