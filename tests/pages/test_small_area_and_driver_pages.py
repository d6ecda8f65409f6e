"""Grades and models on 特殊群体, drivers on 城市画像: what a reader sees, in both languages."""

import pytest

from survey.access.roles import Role
from survey.kit.navigation import PageKey
from tests.pages.conftest import open_tab

OFFICIAL = Role.NATIONAL_OFFICIAL
SHANGHAI = "310000"


@pytest.fixture(autouse=True)
def store(use_store, frozen_waves):
    use_store(frozen_waves)


def captions(app):
    return "\n".join(element.value for element in app.caption)


@pytest.mark.parametrize(
    ("language", "grades", "label"),
    [("en", "grade A", "Model estimates"), ("zh", "A 级", "模型估计")],
)
def test_grades_and_the_label_of_the_model(open_page, read, language, grades, label):
    app = open_page(PageKey.SPECIAL_GROUPS, OFFICIAL, lang=language, group="income=lt3000")
    assert grades in read(app)
    assert label in captions(app)


@pytest.mark.parametrize(
    ("beside", "caption"),
    [
        ("direct", None),
        ("waves", "the mean of main-2023"),
        ("peers", "all cities of the size tier"),
    ],
)
def test_the_choice_in_the_address_decides_what_stands_beside(open_page, beside, caption):
    app = open_page(PageKey.SPECIAL_GROUPS, OFFICIAL, lang="en", beside=beside)
    text = captions(app)
    assert "Model estimates" not in text
    assert ("Beside it stands" in text) == (caption is not None)
    assert caption is None or caption in text


def test_a_supplement_is_followed_by_its_bands(open_page, read):
    app = open_page(PageKey.SPECIAL_GROUPS, OFFICIAL, lang="en", study="elderly")
    assert "60–69 years, Overall satisfaction" in read(open_tab(app, "Cities"))


def test_the_cities_of_a_group_are_a_table_sorted_by_their_gap(open_page):
    app = open_page(PageKey.SPECIAL_GROUPS, OFFICIAL, lang="en", group="guardian=yes")
    table = app.dataframe[0].value
    assert list(table.columns[:3]) == ["City", "Gap to the rest", "Gap with interval"]
    assert {"Direct figure", "Grade", "Model estimate (not a direct figure)"} <= set(table.columns)
    assert table["Gap to the rest"].dropna().is_monotonic_decreasing
    assert "What they met with most often" in "".join(e.proto.body for e in app.get("html"))


def test_only_the_open_tab_of_the_groups_is_drawn(open_page):
    drawn = {
        study: [
            heading.value
            for heading in open_page(
                PageKey.SPECIAL_GROUPS, OFFICIAL, lang="en", study=study
            ).subheader
        ]
        for study in ("cities", "reports", "indicators", "elderly", "minors")
    }
    assert all(len(titles) == 1 for titles in drawn.values()), drawn
    assert len({titles[0] for titles in drawn.values()}) == len(drawn)


@pytest.mark.parametrize(
    ("language", "tab", "first", "resamples"),
    [
        ("en", "First to improve", "first to improve", "500 resamples"),
        ("zh", "优先改进", "最需要先改进", "重抽样 500 次"),
    ],
)
def test_the_first_to_improve_and_how_sure_that_is(
    open_page, read, language, tab, first, resamples
):
    app = open_tab(open_page(PageKey.CITY, OFFICIAL, lang=language, city=SHANGHAI), tab)
    words = read(app)
    assert first in words
    assert resamples in words


def test_a_group_of_the_nation_may_be_chosen(open_page, read):
    app = open_page(PageKey.CITY, OFFICIAL, lang="en", city=SHANGHAI, drivers="elderly=yes")
    open_tab(app, "First to improve")
    assert "Nation, 60–70 years: what weighs much" in read(app)
