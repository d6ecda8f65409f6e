"""Scores compared fairly: the tab of a city, and the table of all cities."""

import pytest

from survey.access.roles import Role
from survey.kit.navigation import PageKey
from tests.pages.conftest import open_tab


@pytest.fixture(autouse=True)
def _store(frozen_waves, use_store):
    use_store(frozen_waves)


def test_a_city_reads_its_score_without_people_and_mode(open_page, read):
    app = open_page(PageKey.CITY, Role.NATIONAL_OFFICIAL, lang="en", city="310000")
    words = read(open_tab(app, "Fair comparison"))
    assert "Without the effects of who was asked and how, Shanghai has" in words
    assert "The two move the published score by +1.0 points (0.2 to 1.8)" in words
    assert words.count("The published score and the place of the city stay as they are.") == 1
    assert "answers given with an interviewer are +2.0 points apart" in words
    assert "With the effect of the mode from the wave's experiment:" in words
    assert "Checked without a model: with the nation's ages and schooling alone" in words
    assert "Shanghai: shares as published and compared fairly" in words


def test_the_table_of_shifts_is_no_other_ranking(open_page, read):
    app = open_page(PageKey.TRENDS, Role.NATIONAL_OFFICIAL, lang="en")
    open_tab(app, "Fair comparison")
    table = app.dataframe[0].value
    assert list(table)[:2] == ["City", "Difference"]
    assert "rank" not in " ".join(table).lower()
    assert len(table) == 100


def test_what_chance_offered_is_told_with_both_effects(open_page, read):
    app = open_page(PageKey.TRENDS, Role.NATIONAL_OFFICIAL, lang="en")
    words = read(open_tab(app, "Fair comparison"))
    assert "960 of 1,920 sampling points offered the own phone" in words
    assert "10% at the former and 10% at the latter answered in the other way" in words
    assert "answers are +2.4 points apart" in words
    assert "A difference of this size is more than chance." in words
    assert "with the offer as instrument: +3.0 points (2.0 to 4.0)" in words
    assert "Read aloud less own phone" in list(app.dataframe[1].value)
