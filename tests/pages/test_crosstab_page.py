"""A crosstab is asked for in words and taken away with its notes; rows of tables open by keys."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.settings import Settings
from tests.pages.conftest import open_tab

Open = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def _store(frozen_waves: Settings, use_store: Callable[[Settings], None]) -> None:
    use_store(frozen_waves)


def test_a_question_is_chosen_by_its_words_and_a_link_restores_it(
    open_page: Open, read: Callable[[AppTest], str]
) -> None:
    app = open_page(PageKey.CROSSTAB, Role.NATIONAL_OFFICIAL, lang="en")
    boxes = {name: app.selectbox(key=f"{name}/en") for name in ("question", "split", "place")}
    assert "Had a dispute in the last 12 months" in boxes["question"].options
    assert "Age" in boxes["split"].options
    boxes["question"].set_value("had_dispute").run()
    app.selectbox(key="split/en").set_value("age_band").run()
    assert app.query_params["question"] == "had_dispute"
    assert app.query_params["split"] == "age_band"
    again = open_page(
        PageKey.CROSSTAB,
        Role.NATIONAL_OFFICIAL,
        lang="zh",
        question="had_dispute",
        split="age_band",
    )
    assert len(again.dataframe[0].value) == len(app.dataframe[0].value) == 5
    assert "分不出" in read(again) or "没有哪个群体" in read(again) or "都明确" in read(again)


def test_a_city_official_begins_with_the_own_city(open_page: Open) -> None:
    app = open_page(PageKey.CROSSTAB, Role.CITY_OFFICIAL, lang="en")
    assert app.selectbox(key="place/en").value == "320500"


def test_the_file_carries_its_notes(
    open_page: Open, fetch: Callable[[AppTest, str], bytes]
) -> None:
    app = open_page(PageKey.CROSSTAB, Role.NATIONAL_OFFICIAL, lang="en", question="had_dispute")
    lines = fetch(app, "crosstab/csv").decode("utf-8-sig").splitlines()
    assert "DEMO DATA" in lines[0]
    assert any("Each group is compared with everybody else" in line for line in lines)
    assert any("Answer and group" in line for line in lines)


def test_a_row_of_a_table_of_cities_is_chosen_by_keys_and_has_a_link(
    open_page: Open, read: Callable[[AppTest], str]
) -> None:
    app = open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="en")
    open_tab(app, "Table of the cities")
    assert "Open the profile of Suzhou" not in read(app)
    app.selectbox(key="cities/en/row").set_value("320500").run()
    words = read(app)
    assert "Open the profile of Suzhou" in words
    assert "city=320500" in words


def test_a_chosen_row_opens_what_a_click_opens(open_page: Open) -> None:
    app = open_page(PageKey.SPECIAL_GROUPS, Role.NATIONAL_OFFICIAL, lang="en")
    before = [title.value for title in app.subheader]
    app.selectbox(key="groups-cities/en/row").set_value("320500").run()
    opened = {title.value for title in app.subheader} - set(before)
    assert any("Suzhou" in title for title in opened)


@pytest.mark.parametrize(
    ("question", "area", "said"),
    [
        ("had_dispute", {}, "The answers differ between the groups (Rao–Scott test p < 0.001;"),
        ("education_reached", {}, "No difference of the answers between the groups can be"),
        ("had_dispute", {"place": "310000"}, "tested for the nation only"),
    ],
)
def test_the_page_says_whether_the_answers_differ_between_the_groups(
    open_page: Open, read: Callable[[AppTest], str], question: str, area: dict[str, str], said: str
) -> None:
    app = open_page(
        PageKey.CROSSTAB, Role.NATIONAL_OFFICIAL, lang="en",
        question=question, split="age_band", **area,
    )  # fmt: skip
    assert said in read(app)
