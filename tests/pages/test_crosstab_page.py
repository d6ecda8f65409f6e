"""A crosstab is asked for in words, shared as a link, and taken away with its notes."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from survey.access.roles import Role
from survey.settings import Settings
from survey.ui.navigation import PageKey

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
