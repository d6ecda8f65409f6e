"""Trends: an arrow only where the stored verdict says so, and words where nothing can be told."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.figures.chart_files import specify_print
from survey.figures.views.changes import ChangeView, TrendFilters
from survey.figures.views.chart_panels import ChartPanel
from survey.figures.views.interval_table import IntervalTable, left_out_note
from survey.figures.views.overview import OverviewFilters, build_overview
from survey.figures.views.trends import (
    TREND_AREA_LEVELS,
    build_city_changes,
    build_indicator_changes,
    build_peer_gaps,
    build_trends_answer,
    build_years,
    list_followed_groups,
)
from survey.figures.views.view_context import ViewContext, list_area_choices
from survey.locale import translator
from survey.results import WaveResults
from survey.results.wave_results import ChangeNotComputedError
from survey.store.tables import WaveState, new_id

Frozen = dict[str, WaveResults]
BEFORE = "main-2023"
ALONE = "○ seems to differ alone, not told apart when all rows are judged together"


class Altered:
    """Results of which one thing is otherwise."""

    def __init__(self, results: WaveResults, **otherwise: Any) -> None:
        self._results = results
        self.__dict__.update(otherwise)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._results, name)


@dataclass(frozen=True)
class Trends:
    """Everything on the page; its tabs are built one by one there."""

    change: ChangeView | None
    obstacle: str
    cities: IntervalTable | str
    indicators: IntervalTable | str
    peers: IntervalTable | str
    years: ChartPanel


def build(
    results: Any,
    principal: Principal,
    language: str,
    filters: TrendFilters,
    others: tuple[Any, ...] = (),
) -> Trends:
    context = ViewContext(results, principal, language)
    change, obstacle = build_trends_answer(context, filters=filters, others=others)
    return Trends(
        change,
        obstacle,
        build_city_changes(context, filters=filters, others=others),
        build_indicator_changes(context, filters=filters, others=others),
        build_peer_gaps(context, filters=filters),
        build_years(context, filters=filters, others=others),
    )


def view(frozen: Frozen, language: str = "en", *, before: Any = None, **filters: Any) -> Trends:
    """2024 after `before`, which is 2023 unless altered."""
    return build(
        frozen["main-2024"],
        OPERATOR,
        language,
        TrendFilters(before=BEFORE, **filters),
        (before or frozen[BEFORE],),
    )


def changed(frozen: Frozen, language: str = "en", **filters: Any) -> ChangeView:
    shown = view(frozen, language, **filters)
    assert not shown.obstacle
    assert shown.change is not None
    return shown.change


def table(value: IntervalTable | str) -> IntervalTable:
    assert isinstance(value, IntervalTable)
    return value


def verdicts(listed: IntervalTable | str) -> dict[str, str]:
    """Verdict by the code of the city, as listed on screen."""
    shown = table(listed)
    return dict(zip(shown.codes, shown.columns["Verdict"], strict=True))


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
def test_every_city_has_the_sign_of_its_stored_verdict(frozen: Frozen, indicator: str) -> None:
    rows = stored(frozen, area_level="city", indicator=indicator).set_index("area")
    listed = table(view(frozen, indicator=indicator).cities)
    assert len(listed.codes) == len(listed.bars) == 100
    signs = {"rise": "▲ Rise", "fall": "▼ Fall", "none": "○ No detectable change"}
    for code, verdict in verdicts(listed).items():
        row = rows.loc[code]
        is_alone = row["verdict"] == "none" and (row["ci_low"] > 0 or row["ci_high"] < 0)
        assert verdict == (ALONE if is_alone else signs[row["verdict"]])
    margins = rows["ci_high"] - rows["ci_low"]
    sureness = (rows["difference"] / margins).loc[list(listed.codes)]
    assert (np.diff(sureness) <= 0).all()


def test_an_interval_without_zero_is_no_arrow_by_itself(frozen: Frozen) -> None:
    """Among 100 cities some intervals miss zero by chance; none of them holds after adjustment."""
    cities = table(view(frozen).cities).table
    misses_zero = cities["95%\u00a0from"] * cities["95%\u00a0to"] > 0
    assert misses_zero.any()
    assert (cities.loc[misses_zero, "Verdict"] == "No detectable change").all()


def test_the_funnel_shows_every_city_by_change_and_margin(frozen: Frozen) -> None:
    shown = changed(frozen).funnel
    drawn = shown.data[shown.data["role"] != "reference"]
    assert len(drawn) == 100
    half = (drawn["ci_high"] - drawn["ci_low"]) / 2
    np.testing.assert_allclose(drawn["margin"], half, atol=0.0501)
    nation = stored(frozen, area_level="nation")["difference"].iloc[0]
    line = shown.data.loc[shown.data["role"] == "reference", "difference"]
    assert line.tolist() == [nation]
    outside = drawn["difference"].abs() > drawn["margin"] + 0.1
    assert (drawn["ci_low"] * drawn["ci_high"] > 0)[outside].all()


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
    everywhere = verdicts(view(frozen, indicator="1.1").cities)
    west = verdicts(view(frozen, indicator="1.1", region3="西部", size_tier="mega").cities)
    assert set(west) < set(everywhere)
    assert len(west) == 3
    assert all(everywhere[code] == verdict for code, verdict in west.items())


def test_significant_only_lists_arrows_or_says_that_there_are_none(frozen: Frozen) -> None:
    rows = table(view(frozen, indicator="1.1", clear_only=True).cities)
    assert "significant only" in rows.title
    assert 0 < len(rows.codes) <= 100
    assert {verdict[0] for verdict in rows.columns["Verdict"]} <= {"▲", "▼"}
    assert view(frozen, clear_only=True).cities == (
        "None of the chosen cities shows a detectable change."
    )
    peers = table(view(frozen, clear_only=True).peers)
    assert {verdict[0] for verdict in peers.columns["Verdict"]} <= {"▲", "▼"}


def test_hidden_cities_are_named_below_and_carry_no_number(frozen: Frozen) -> None:
    shown = view(frozen, group="income=lt3000")
    assert shown.change is not None
    cities = table(shown.cities)
    assert cities.unnamed
    assert len(cities.unnamed) + len(cities.codes) == 100
    assert left_out_note(cities, translator("en")).startswith("Not listed, too few interviews")
    downloaded = cities.table[
        cities.table["Remark"] == "Not shown: too few interviews, or to protect personal data"
    ]
    assert downloaded["City"].tolist() == list(cities.unnamed)
    numbers = ["2023", "2024", "Change", "n in 2023", "n in 2024"]
    assert downloaded[numbers].isna().all(axis=None)
    assert (downloaded["Verdict"] == "").all()
    assert f"{len(cities.unnamed)} are not shown" in shown.change.counted
    funnel = shown.change.funnel.data
    hidden = funnel["role"] == "hidden"
    assert hidden.sum() == len(cities.unnamed)
    assert funnel.loc[hidden, ["difference", "margin", "n"]].isna().all(axis=None)


def test_the_table_has_both_scores_and_both_counts(frozen: Frozen) -> None:
    rows = table(view(frozen).cities).table
    # All three are rounded once, from exact values.
    np.testing.assert_allclose(rows["2024"] - rows["2023"], rows["Change"], atol=0.1 + 1e-9)
    assert list(rows.columns[:3]) == ["City", "2023", "2024"]
    assert (rows["n in 2024"] > 500).all()


def test_a_single_wave_says_what_is_needed(frozen: Frozen) -> None:
    shown = build(frozen["main-2023"], OPERATOR, "en", TrendFilters(before=None))
    assert shown.change is None
    assert "A change needs two waves" in shown.obstacle
    assert shown.cities == shown.indicators == shown.obstacle
    assert not shown.years.is_empty
    assert len(table(shown.peers).codes) == 100


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
    wave = replace(frozen[BEFORE].wave, directory=f"{BEFORE}/ffffffffffff")
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
    peers = table(view(frozen, indicator="2", against=against).peers)
    differences = pd.Series(peers.columns["Difference"], index=peers.codes)
    expected = gaps.assign(area=gaps["area"].astype(str)).set_index("area")["difference"]
    np.testing.assert_allclose(differences, expected.loc[differences.index])
    assert list(peers.table.columns)[:3] == ["City", "Score of the city", "Yardstick"]


def test_peers_of_a_group_are_everyone_except_beside_the_nation(frozen: Frozen) -> None:
    group = "elderly=yes"
    assert "60–70 years" not in table(view(frozen, group=group).peers).title
    beside = table(view(frozen, group=group, against="nation").peers)
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
        ViewContext(frozen["main-2024"], OPERATOR, "en"),
        filters=OverviewFilters(),
        others=(frozen[BEFORE],),
    ).trend
    assert shown.key == "overview-trend"
    own = shown.data[shown.data["series"] == "own"]
    assert own["year"].tolist() == [2023, 2024]


def test_scores_published_about_cities_do_not_stand_beside_another_study(frozen: Frozen) -> None:
    """A study of villages has a composite too; the association's yearly score is not about it."""
    cities = frozen["main-2024"]
    villages = Altered(cities, wave=replace(cities.wave, series="rural"))
    drawn = []
    for results in (cities, villages):
        context = ViewContext(results, OPERATOR, "en")
        shown = build_overview(context, filters=OverviewFilters(), others=()).trend
        drawn.append(set(shown.data["series"]))
        assert ("Published scores" in shown.note) == (results is cities)
    assert drawn == [{"own", "published"}, {"own"}]


def test_before_release_of_either_wave_a_city_sees_itself_only(frozen: Frozen) -> None:
    official = Principal(new_id(), "yichang", Role.CITY_OFFICIAL, "420500")
    unreleased = replace(frozen[BEFORE].wave, state=WaveState.FROZEN)
    shown = build(
        frozen["main-2024"],
        official,
        "en",
        TrendFilters(before=BEFORE),
        (Altered(frozen[BEFORE], wave=unreleased),),
    )
    assert shown.change is not None
    assert table(shown.cities).codes == ("420500",)
    funnel = shown.change.funnel.data
    assert set(funnel.loc[funnel["role"] != "reference", "code"]) == {"420500"}
    assert shown.change.counted.startswith("Of 1 cities")


def test_a_place_outside_the_readers_area_is_refused(frozen: Frozen) -> None:
    official = Principal(new_id(), "yichang", Role.CITY_OFFICIAL, "420500")
    closed = replace(frozen["main-2024"].wave, state=WaveState.FROZEN)
    results = WaveResults(
        closed, frozen["main-2024"].manifest, frozen["main-2024"].tree, frozen["main-2024"]._folder
    )
    assert "110000" not in list_area_choices(
        ViewContext(results, official, "en"), levels=TREND_AREA_LEVELS
    )
    with pytest.raises(AccessDeniedError):
        build_years(ViewContext(results, official, "en"), filters=TrendFilters(place="110000"))


def test_places_are_nation_regions_sizes_and_cities(frozen: Frozen) -> None:
    choices = list_area_choices(
        ViewContext(frozen["main-2024"], OPERATOR, "en"), levels=TREND_AREA_LEVELS
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
    charts = [shown.change.funnel, shown.years]
    tables = [table(value) for value in (shown.indicators, shown.cities, shown.peers)]
    everything: list[ChartPanel | IntervalTable] = [*charts, *tables]
    for drawn in everything:
        assert drawn.title
        assert "n = " in drawn.subtitle
        assert "95" in drawn.subtitle
        assert len(drawn.table)
    assert all(chart.title in chart.alt for chart in charts)
    keys = [drawn.key for drawn in everything]
    assert len(set(keys)) == len(keys)


def test_the_legend_names_rise_fall_and_no_detectable_change(frozen: Frozen) -> None:
    cities = changed(frozen, "zh").funnel
    assert cities.text.series == ("上升", "下降", "无可检出的变化")
    spec = specify_print(cities)
    shapes = [
        layer["encoding"]["shape"]["scale"]["range"]
        for layer in spec["layer"]
        if "shape" in layer.get("encoding", {})
    ]
    assert shapes == [["triangle-up", "triangle-down", "circle"]]
