"""Trends: an arrow only where the stored verdict says so, and words where nothing can be told."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.publish.png import printable
from survey.publish.views.changes import ChangeView, TrendFilters
from survey.publish.views.chart_panels import ChartPanel
from survey.publish.views.overview import OverviewFilters, build_overview
from survey.publish.views.trends import (
    TREND_AREA_LEVELS,
    TrendsView,
    build_trends_view,
    list_followed_groups,
)
from survey.publish.views.view_context import list_area_choices
from survey.results import WaveResults
from survey.results.wave_results import ChangeNotComputedError
from survey.store.tables import WaveState, new_id

Frozen = dict[str, WaveResults]
BEFORE = "main-2023"


class Altered:
    """Results of which one thing is otherwise."""

    def __init__(self, results: WaveResults, **otherwise: Any) -> None:
        self._results = results
        self.__dict__.update(otherwise)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._results, name)


def view(frozen: Frozen, language: str = "en", *, before: Any = None, **filters: Any) -> TrendsView:
    """2024 after `before`, which is 2023 unless altered."""
    return build_trends_view(
        results=frozen["main-2024"],
        principal=OPERATOR,
        language=language,
        filters=TrendFilters(before=BEFORE, **filters),
        others=(before or frozen[BEFORE],),
    )


def changed(frozen: Frozen, language: str = "en", **filters: Any) -> ChangeView:
    shown = view(frozen, language, **filters)
    assert not shown.obstacle
    assert shown.change is not None
    return shown.change


def picture(value: ChartPanel | str) -> ChartPanel:
    assert isinstance(value, ChartPanel)
    return value


def stored(frozen: Frozen, **wanted: Any) -> pd.DataFrame:
    query = {"group": "all", "indicator": "composite"} | wanted
    return frozen["main-2024"].changes(OPERATOR, before=frozen[BEFORE].wave, **query)


@pytest.mark.parametrize("indicator", ["composite", "1", "2.10", "3.1"])
def test_the_headline_is_the_stored_change_of_the_nation(frozen: Frozen, indicator: str) -> None:
    row = stored(frozen, area_level="nation", indicator=indicator).iloc[0]
    shown = changed(frozen, indicator=indicator)
    assert shown.difference.figure.estimate == row["difference"]
    assert shown.difference.reference == row["before"]
    assert ("no detectable change" in shown.sentence) == (row["verdict"] == "none")
    assert ("points higher in 2024 than in 2023" in shown.sentence) == (row["verdict"] == "rise")


@pytest.mark.parametrize("indicator", ["composite", "1.1", "2"])
def test_every_city_has_the_mark_of_its_stored_verdict(frozen: Frozen, indicator: str) -> None:
    rows = stored(frozen, area_level="city", indicator=indicator).set_index("area")
    cities = picture(changed(frozen, indicator=indicator).cities).data
    cities = cities[cities["role"] != "reference"]
    assert len(cities) == 100
    marks = {"rise": "higher", "fall": "lower", "none": "unclear"}
    for code, role in zip(cities["code"], cities["role"], strict=True):
        assert role == marks[rows.loc[code, "verdict"]]
    difference = cities["difference"].dropna().to_numpy()
    assert (np.diff(difference) <= 0).all()


def test_an_interval_without_zero_is_no_arrow_by_itself(frozen: Frozen) -> None:
    """Among 100 cities some intervals miss zero by chance; none of them holds after adjustment."""
    cities = picture(changed(frozen).cities).data
    cities = cities[cities["role"] != "reference"]
    misses_zero = cities["ci_low"] * cities["ci_high"] > 0
    assert misses_zero.any()
    assert (cities.loc[misses_zero, "role"] == "unclear").all()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Of 100 cities {rise} rose and {fall} fell; {none} show no detectable change."),
        ("zh", "100 个城市中 {rise} 个上升、{fall} 个下降，{none} 个无可检出的变化。"),
    ],
)
@pytest.mark.parametrize("indicator", ["composite", "1.1"])
def test_the_cities_are_counted(frozen: Frozen, language: str, words: str, indicator: str) -> None:
    counts = stored(frozen, area_level="city", indicator=indicator)["verdict"].value_counts()
    sentence = changed(frozen, language, indicator=indicator, region3="中部").counted
    assert sentence == words.format(
        **{name: counts.get(name, 0) for name in ("rise", "fall", "none")}
    )


def test_narrowing_leaves_verdicts_as_they_are(frozen: Frozen) -> None:
    def roles(**filters: Any) -> dict[str, str]:
        rows = picture(changed(frozen, indicator="1.1", **filters).cities).data
        rows = rows[rows["role"] != "reference"]
        return dict(zip(rows["code"], rows["role"], strict=True))

    everywhere, west = roles(), roles(region3="西部", size_tier="mega")
    assert set(west) < set(everywhere)
    assert len(west) == 3
    assert all(everywhere[code] == role for code, role in west.items())


def test_significant_only_lists_arrows_or_says_that_there_are_none(frozen: Frozen) -> None:
    rows = picture(changed(frozen, indicator="1.1", clear_only=True).cities)
    assert "significant only" in rows.title
    drawn = rows.data[rows.data["role"] != "reference"]
    assert 0 < len(drawn) <= 100
    assert set(drawn["role"]) <= {"higher", "lower"}
    assert changed(frozen, clear_only=True).cities == (
        "None of the chosen cities shows a detectable change."
    )
    peers = picture(view(frozen, clear_only=True).peers)
    assert set(peers.data["role"]) <= {"higher", "lower"}


def test_hidden_cities_come_last_without_any_number(frozen: Frozen) -> None:
    shown = changed(frozen, group="income=lt3000")
    cities = picture(shown.cities)
    hidden = cities.data["role"] == "hidden"
    assert hidden.any()
    assert cities.data.loc[hidden, ["difference", "ci_low", "ci_high", "n"]].isna().all(axis=None)
    assert set(cities.data.loc[hidden, "note"]) == {
        "Not shown: too few interviews, or to protect personal data"
    }
    table = cities.table[
        cities.table["Remark"] == "Not shown: too few interviews, or to protect personal data"
    ]
    assert len(table) == hidden.sum()
    numbers = ["2023", "2024", "Change", "n in 2023", "n in 2024"]
    assert table[numbers].isna().all(axis=None)
    assert (table["Verdict"] == "").all()
    assert f"{hidden.sum()} are not shown" in shown.counted


def test_the_table_has_both_scores_and_both_counts(frozen: Frozen) -> None:
    table = picture(changed(frozen).cities).table
    # All three are rounded once, from exact values.
    np.testing.assert_allclose(table["2024"] - table["2023"], table["Change"], atol=0.1 + 1e-9)
    assert list(table.columns[:3]) == ["City", "2023", "2024"]
    assert (table["n in 2024"] > 500).all()


def test_a_single_wave_says_what_is_needed(frozen: Frozen) -> None:
    shown = build_trends_view(
        results=frozen["main-2023"],
        principal=OPERATOR,
        language="en",
        filters=TrendFilters(before=None),
    )
    assert shown.change is None
    assert "A change needs two waves" in shown.obstacle
    assert not shown.years.is_empty
    assert not picture(shown.peers).is_empty


def other_tree(frozen: Frozen, name: str) -> Altered:
    tree = frozen[BEFORE].tree
    assert tree is not None
    return Altered(frozen[BEFORE], tree=tree.model_copy(update={"name": name}))


def test_other_trees_are_not_compared_unless_somebody_declared_how(frozen: Frozen) -> None:
    shown = view(frozen, before=other_tree(frozen, "of nobody"))
    assert shown.change is None
    assert "nobody has declared which indicators may be compared" in shown.obstacle


def test_an_indicator_with_another_recipe_is_not_compared_and_says_so(frozen: Frozen) -> None:
    before = other_tree(frozen, "cca-2021")
    for indicator, words in (
        ("composite", "made of other parts or weights in 2023"),
        ("3", "made of other parts or weights in 2023"),
        ("3.1", "did not exist in 2023"),
    ):
        shown = view(frozen, before=before, indicator=indicator)
        assert shown.change is None
        assert words in shown.obstacle
    assert view(frozen, before=before, indicator="2").change is not None


def test_years_follow_the_indicator_through_the_crosswalk(frozen: Frozen) -> None:
    before = other_tree(frozen, "cca-2021")
    shown = view(frozen, before=before, indicator="3.2").years
    own = shown.data[shown.data["series"] == "own"].set_index("year")["estimate"]
    cells = frozen[BEFORE].cells(OPERATOR, area_level="nation", group="all", indicator="3.1")
    assert own[2023] == cells["estimate"].iloc[0]
    left_out = view(frozen, before=before, indicator="3").years
    assert left_out.data.loc[left_out.data["series"] == "own", "year"].tolist() == [2024]
    assert "Left out" in left_out.note
    assert "2023" in left_out.note.partition("Left out")[2]
    assert "2023" not in left_out.subtitle


def test_what_was_not_computed_says_what_to_do(frozen: Frozen) -> None:
    wave = replace(frozen[BEFORE].wave, snapshot_sha256="f" * 64)
    with pytest.raises(ChangeNotComputedError):
        frozen["main-2024"].changes(OPERATOR, before=wave)
    shown = view(frozen, before=Altered(frozen[BEFORE], wave=wave))
    assert "survey recompute --wave main-2024" in shown.obstacle


def test_another_composite_is_not_compared(frozen: Frozen) -> None:
    wave = replace(frozen[BEFORE].wave, composite="per_respondent")
    shown = view(frozen, before=Altered(frozen[BEFORE], wave=wave))
    assert "in different ways" in shown.obstacle


@pytest.mark.parametrize("against", ["nation", "region3", "size_tier"])
def test_peers_are_the_stored_contrast(frozen: Frozen, against: str) -> None:
    gaps = frozen["main-2024"].gaps(
        OPERATOR, contrast=against, area_level="city", group="all", indicator="2"
    )
    peers = picture(view(frozen, indicator="2", against=against).peers)
    differences = peers.data.set_index("code")["difference"]
    expected = gaps.assign(area=gaps["area"].astype(str)).set_index("area")["difference"]
    np.testing.assert_allclose(differences, expected.loc[differences.index])
    assert list(peers.table.columns)[:3] == ["City", "Score of the city", "Yardstick"]


def test_peers_of_a_group_are_everyone_except_beside_the_nation(frozen: Frozen) -> None:
    group = "elderly=yes"
    assert "60–70 years" not in picture(view(frozen, group=group).peers).title
    beside = picture(view(frozen, group=group, against="nation").peers)
    assert "60–70 years" in beside.title


@pytest.mark.parametrize(
    ("place", "name"), [("CN", "Nation"), ("西部", "West"), ("mega", "Mega"), ("420500", "Yichang")]
)
def test_years_of_a_place(frozen: Frozen, place: str, name: str) -> None:
    years = view(frozen, place=place).years
    assert name in years.title
    own = years.data[years.data["series"] == "own"]
    for results in (frozen["main-2023"], frozen["main-2024"]):
        cells = results.cells(OPERATOR, area=place, group="all", indicator="composite")
        cells = cells[cells["area_level"] != "region"]
        assert cells["estimate"].iloc[0] in set(own["estimate"])


def test_the_overview_keeps_its_own_picture_of_the_years(frozen: Frozen) -> None:
    shown = build_overview(
        results=frozen["main-2024"],
        principal=OPERATOR,
        language="en",
        filters=OverviewFilters(),
        others=(frozen[BEFORE],),
    ).trend
    assert shown.key == "overview-trend"
    own = shown.data[shown.data["series"] == "own"]
    assert own["year"].tolist() == [2023, 2024]


def test_before_release_of_either_wave_a_city_sees_itself_only(frozen: Frozen) -> None:
    official = Principal(new_id(), "yichang", Role.CITY_OFFICIAL, "420500")
    unreleased = replace(frozen[BEFORE].wave, state=WaveState.FROZEN)
    shown = build_trends_view(
        results=frozen["main-2024"],
        principal=official,
        language="en",
        filters=TrendFilters(before=BEFORE),
        others=(Altered(frozen[BEFORE], wave=unreleased),),  # type: ignore[arg-type]
    )
    assert shown.change is not None
    cities = picture(shown.change.cities).data
    assert set(cities.loc[cities["role"] != "reference", "code"]) == {"420500"}
    assert shown.change.counted.startswith("Of 1 cities")


def test_a_place_outside_the_readers_area_is_refused(frozen: Frozen) -> None:
    official = Principal(new_id(), "yichang", Role.CITY_OFFICIAL, "420500")
    closed = replace(frozen["main-2024"].wave, state=WaveState.FROZEN)
    results = WaveResults(
        closed, frozen["main-2024"].manifest, frozen["main-2024"].tree, frozen["main-2024"]._folder
    )
    assert "110000" not in list_area_choices(
        results=results, principal=official, language="en", levels=TREND_AREA_LEVELS
    )
    with pytest.raises(AccessDeniedError):
        build_trends_view(
            results=results,
            principal=official,
            language="en",
            filters=TrendFilters(place="110000"),
        )


def test_places_are_nation_regions_sizes_and_cities(frozen: Frozen) -> None:
    choices = list_area_choices(
        results=frozen["main-2024"], principal=OPERATOR, language="en", levels=TREND_AREA_LEVELS
    )
    assert len(choices) == 1 + 3 + 4 + 100
    assert next(iter(choices)) == "CN"
    assert choices["large"] == "Large cities"


def test_only_known_groups_are_followed(frozen: Frozen) -> None:
    assert list_followed_groups(frozen["main-2024"])[0] == "all"
    assert list_followed_groups(frozen["elderly-2024"]) == ("all",)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_picture_says_what_it_shows(frozen: Frozen, language: str) -> None:
    shown = view(frozen, language, indicator="2")
    assert shown.change is not None
    charts = [shown.change.indicators, shown.change.cities, shown.peers, shown.years]
    for chart in map(picture, charts):
        assert chart.title
        assert "n = " in chart.subtitle
        assert "95" in chart.subtitle
        assert chart.title in chart.alt
        assert len(chart.table)
    keys = [picture(chart).key for chart in charts]
    assert len(set(keys)) == len(keys)


def test_the_legend_names_rise_fall_and_no_detectable_change(frozen: Frozen) -> None:
    cities = picture(changed(frozen, "zh").cities)
    assert cities.text.series == ("上升", "下降", "无可检出的变化")
    spec = printable(cities)
    shapes = [
        layer["encoding"]["shape"]["scale"]["range"]
        for layer in spec["layer"]
        if "shape" in layer.get("encoding", {})
    ]
    assert shapes == [["triangle-up", "triangle-down", "circle"]]
