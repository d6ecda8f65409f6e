"""A city's page: differences only where there are any, suppressed groups without a number."""

import re
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.figures.charts.interval_charts import UNCLEAR
from survey.figures.views.chart_panels import ChartPanel
from survey.figures.views.city import (
    MAX_STRENGTHS,
    CityView,
    build_city_groups,
    build_city_indicators,
    build_city_measures,
    build_city_profile,
    city_choices,
    compare_with_nation,
)
from survey.figures.views.city_peers import REFERENCES
from survey.figures.views.estimate_text import Estimate, EstimateDifference
from survey.figures.views.measures import TOPICS
from survey.figures.views.national_estimate import LastChanges, ScoreChange
from survey.figures.views.view_context import ViewContext
from survey.results import WaveResults
from tests.error_codes import raises_code

Frozen = dict[str, WaveResults]
SUZHOU = "320500"


def view(frozen: Frozen, language: str = "en", **filters: object) -> CityView:
    return build_city_profile(
        ViewContext(frozen["main-2024"], OPERATOR, language),
        others=[frozen["main-2023"]],
        **{"city": SUZHOU, **filters},
    )


def tree_of(
    frozen: Frozen, against: str = "nation", *, detail: bool = False, language: str = "en"
) -> ChartPanel:
    return build_city_indicators(
        ViewContext(frozen["main-2024"], OPERATOR, language),
        city=SUZHOU,
        against=against,
        detail=detail,
    )


def nation_gaps(frozen: Frozen, indicator: list[str]) -> pd.DataFrame:
    return frozen["main-2024"].gaps(
        OPERATOR,
        contrast="nation",
        area_level="city",
        area=SUZHOU,
        group="all",
        indicator=indicator,
    )


def test_the_headline_and_the_place(frozen: Frozen) -> None:
    shown = view(frozen)
    assert shown.name == "Suzhou"
    assert shown.location == (
        "Jiangsu · East · Other cities · Mega cities · "
        f"Composite satisfaction, {shown.headline.n:,d} valid interviews"
    )
    place, change, comparison = shown.sentences
    assert place.startswith("Suzhou: place ")
    assert "2023" in change
    assert "the nation" in comparison


def test_strengths_are_the_largest_clear_differences_of_the_lowest_level(frozen: Frozen) -> None:
    tree = frozen["main-2024"].tree
    assert tree is not None
    gaps = nation_gaps(frozen, [indicator.code for indicator in tree.level(3)])
    clear = gaps[gaps["verdict"] == "higher"].sort_values("difference", ascending=False)
    shown = view(frozen)
    assert [strength.figure.estimate for strength in shown.strengths] == clear[
        "difference"
    ].tolist()[:MAX_STRENGTHS]
    assert all(strength.is_clear and strength.is_higher for strength in shown.strengths)


def test_a_priority_that_is_a_strength_is_marked_as_both(frozen: Frozen) -> None:
    marked = 0
    for city in city_choices(ViewContext(frozen["main-2024"], OPERATOR, "en")):
        shown = view(frozen, city=city)
        tree = frozen["main-2024"].tree
        assert tree is not None
        gaps = frozen["main-2024"].gaps(
            OPERATOR,
            contrast="nation",
            area_level="city",
            area=city,
            group="all",
            indicator=[priority.code for priority in shown.priorities] or ["none"],
        )
        higher = set(gaps.loc[gaps["verdict"] == "higher", "indicator"].astype(str))
        expected = [p.name for p in shown.priorities if p.code in higher]
        assert list(shown.both) == expected
        marked += len(expected)
        assert bool(shown.priorities) != bool(shown.no_priorities)
    assert marked


def test_the_special_groups_have_a_line_each_with_their_grade(frozen: Frozen) -> None:
    groups = view(frozen).groups
    assert [group.name for group in groups] == [
        "60–70 years",
        "Guardians of a child under 18",
        "Living in the countryside",
    ]
    table = frozen["main-2024"].small_areas(
        OPERATOR,
        area=SUZHOU,
        group=["elderly=yes", "guardian=yes", "residence=rural"],
        indicator="composite",
    )
    grades = dict(zip(table["group"].astype(str), table["grade"].astype(str), strict=True))
    for group, key in zip(groups, ("elderly=yes", "guardian=yes", "residence=rural"), strict=True):
        if group.sign:
            assert f"grade {grades[key]}" in group.text
        else:
            assert group.text == "too few answers to tell"


def test_the_peers_are_the_cities_of_its_size_or_region(frozen: Frozen) -> None:
    peers = view(frozen).peers
    assert peers is not None
    assert peers.title.startswith("Mega cities: ")
    assert peers.data.loc[peers.data["role"] == "focus", "code"].tolist() == [SUZHOU]
    region = view(frozen, against="region3").peers
    assert region is not None
    assert region.title.startswith("East: ")
    assert len(region.data) > len(peers.data)


def test_the_comparison_never_calls_an_unclear_difference_one(frozen: Frozen) -> None:
    for city in city_choices(ViewContext(frozen["main-2024"], OPERATOR, "en")):
        shown = view(frozen, city=city)
        assert shown.difference is not None
        if shown.difference.is_clear:
            word = "above" if shown.difference.is_higher else "below"
            assert f"points {word} the nation" in shown.sentences[-1]
        elif shown.difference.figure.interval_side:
            side = "higher" if shown.difference.figure.interval_side > 0 else "lower"
            assert f"looks {side} than the nation" in shown.sentences[-1]
        else:
            assert shown.sentences[-1].startswith("No detectable difference")


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(1.0, 11.7, "高"), (-11.7, -1.0, "低"), (-1.0, 11.7, ""), (0.0, 4.0, "")],
)
def test_an_interval_without_zero_beside_an_unclear_verdict_is_explained(
    frozen: Frozen, low: float, high: float, word: str
) -> None:
    """The verdict is about all cities together: beside such an interval alone it would confuse."""
    reading = ViewContext(frozen["main-2024"], OPERATOR, "zh")
    figure = Estimate(estimate=(low + high) / 2, low=low, high=high, n=400, status="ok", shown=True)
    sentence = compare_with_nation(reading, EstimateDifference("", figure, None, None, UNCLEAR))
    changes = LastChanges("2023", {"composite": ScoreChange(figure, UNCLEAR)})
    change = changes.sentence("composite", reading.t)
    if word:
        assert f"单看本市像是比全国{word}" in sentence
        assert f"单独看像是比 2023 年{word}" in change
        assert "还不足以断定" in sentence
        assert "还不足以断定" in change
    else:
        assert "没有可辨别" in sentence
        assert "没有可辨别" in change


def test_the_tree_shows_two_or_three_levels(frozen: Frozen) -> None:
    assert len(tree_of(frozen).table) == 1 + 3 + 17
    assert len(tree_of(frozen, detail=True).table) == 1 + 3 + 17 + 27


def test_labels_of_the_tree_are_unique(frozen: Frozen) -> None:
    labels = tree_of(frozen, language="zh", detail=True).data["label"]
    assert labels.is_unique


@pytest.mark.parametrize("against", REFERENCES)
def test_the_yardstick_is_the_mean_of_its_area(frozen: Frozen, against: str) -> None:
    area = {"nation": "CN", "region3": "东部", "size_tier": "mega"}[against]
    expected = (
        frozen["main-2024"]
        .cells(OPERATOR, area_level=against, area=area, group="all", indicator="composite")[
            "estimate"
        ]
        .iloc[0]
    )
    tree = tree_of(frozen, against)
    assert tree.data.loc[tree.data["code"] == "composite", "reference"].iloc[0] == expected


@pytest.mark.parametrize("against", ["nation", "region3", "size_tier"])
def test_the_marks_are_those_of_the_chosen_yardstick(frozen: Frozen, against: str) -> None:
    gaps = frozen["main-2024"].gaps(
        OPERATOR, contrast=against, area_level="city", area="320500", group="all"
    )
    clear = gaps[gaps["verdict"].isin(["higher", "lower"])].set_index("indicator")["difference"]
    tree = tree_of(frozen, against)
    marks = {"higher": True, "lower": False}
    drawn = {
        code: marks[role]
        for code, role in zip(tree.data["code"], tree.data["role"], strict=True)
        if role in marks
    }
    assert drawn == {code: clear[code] > 0 for code in tree.data["code"] if code in clear}
    assert "the city is part of it" in tree.note
    assert "Verdict" in tree.table


def test_a_group_whose_own_interval_leaves_zero_out_is_not_called_the_same(frozen: Frozen) -> None:
    """The verdict is on all groups together; the line has the interval of this one."""
    unsure = 0
    cities = city_choices(ViewContext(frozen["main-2024"], OPERATOR, "en"))
    for group in (group for city in cities for group in view(frozen, city=city).groups):
        found = re.search(r"\(([+\u2212]?[\d.]+) to ([+\u2212]?[\d.]+)\)", group.text)
        if group.sign != "○" or found is None:
            continue
        low, high = (float(end.replace("\u2212", "-")) for end in found.groups())
        if low and high:  # not rounded to zero
            unsure += low > 0 or high < 0
            assert ("not told apart" in group.text) == (low < 0 < high), group.text
    assert unsure


def test_a_suppressed_group_shows_words_and_no_number(frozen: Frozen) -> None:
    shown = build_city_groups(ViewContext(frozen["main-2024"], OPERATOR, "en"), city=SUZHOU)
    hidden = shown.data[shown.data["role"] == "hidden"]
    assert len(hidden)
    assert hidden[["estimate", "ci_low", "ci_high", "n"]].isna().all(axis=None)
    assert set(hidden["note"]) == {"Not shown: too few interviews, or to protect personal data"}
    table = shown.table.set_index("Group").loc[hidden["label"].tolist()]
    assert set(table["Remark"]) == {"Not shown: too few interviews, or to protect personal data"}
    assert table[["Score (0–100)", "n"]].isna().all(axis=None)
    assert set(shown.hidden_labels) == set(hidden["label"])
    assert shown.chart_data.num_rows == len(shown.data) - len(hidden)
    assert not shown.is_hidden


def test_a_chart_says_when_a_point_has_no_interval(frozen: Frozen) -> None:
    shown = build_city_groups(ViewContext(frozen["main-2024"], OPERATOR, "en"), city=SUZHOU)
    rows = shown.chart_rows
    drawn = [role not in {"hidden", "reference"} for role in rows["role"]]
    first = drawn.index(True)

    def panel(**columns: object) -> ChartPanel:
        return replace(shown, chart_rows={**rows, **columns})

    full = np.where(drawn, 50.0, np.nan)
    lacking = full.copy()
    lacking[first] = np.nan
    assert not panel(ci_low=full).has_points_without_interval
    assert panel(ci_low=lacking).has_points_without_interval
    # What is hidden, or has no count because several places share it, has no interval by design.
    hidden = ["hidden" if place == first else role for place, role in enumerate(rows["role"])]
    assert not panel(ci_low=lacking, role=hidden).has_points_without_interval
    uncounted = np.asarray(rows["n"], dtype=float).copy()
    uncounted[first] = np.nan
    assert not panel(ci_low=lacking, n=uncounted).has_points_without_interval


@pytest.mark.parametrize("topic", TOPICS)
def test_reports_stand_beside_the_nation(frozen: Frozen, topic: str) -> None:
    for picture in build_city_measures(
        ViewContext(frozen["main-2024"], OPERATOR, "en"), city=SUZHOU, topic=topic
    ):
        assert picture.text.series == ("Suzhou", "Nation")
        assert set(picture.data["series"]) == {"Suzhou", "Nation"}
        assert picture.data.groupby("series").size().nunique() == 1


def test_an_unknown_city_is_an_error_in_words(frozen: Frozen) -> None:
    with raises_code("unknown_city"):
        view(frozen, city="999999")


def test_after_release_every_reader_may_open_every_city(frozen: Frozen) -> None:
    official = Principal(uuid4(), "Li", Role.CITY_OFFICIAL, SUZHOU)
    choices = city_choices(ViewContext(frozen["main-2024"], official, "en"))
    assert len(choices) == 100
    assert choices[SUZHOU] == "Suzhou 苏州"
