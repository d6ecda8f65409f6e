"""The bridge to the earlier questionnaire: the tab of trends, and the overlap on the plan."""

import pytest

from survey.access.roles import Role
from survey.kit.navigation import PageKey
from tests.pages.conftest import open_tab


@pytest.fixture(autouse=True)
def _store(frozen_waves, use_store):
    use_store(frozen_waves)


def test_the_step_is_one_sentence_and_the_two_levels_are_never_joined(open_page, read):
    app = open_page(PageKey.TRENDS, Role.NATIONAL_OFFICIAL, lang="en")
    words = read(open_tab(app, "Bridge"))
    assert "the questionnaire of this wave gives −2.0 points (−2.6 to −1.4)" in words
    assert "the earlier one (synthetic 0)" in words
    assert words.count("never joined") == 1
    assert "two levels of one series" in words
    table = app.dataframe[0].value
    assert list(table)[:2] == ["City", "Difference"]
    assert len(table) == 100


def test_a_wave_without_an_overlap_says_so(open_page, read):
    app = open_page(PageKey.TRENDS, Role.NATIONAL_OFFICIAL, lang="en", wave="main-2023")
    words = read(open_tab(app, "Bridge"))
    assert "The wave declared no overlap" in words
    assert not app.dataframe
