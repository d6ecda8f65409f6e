"""The order of the cities says what the sets of ranks say, and nothing finer."""

from dataclasses import replace
from itertools import pairwise
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.figures.charts import ChartKind
from survey.figures.views.ranking import (
    FocusChoices,
    RankingFilters,
    RankingView,
    build_ranking,
    focus_choices,
)
from survey.figures.views.view_context import ViewContext
from survey.frame.city_frame import shipped_cities
from survey.results import WaveResults

Frozen = dict[str, WaveResults]


def view(results: WaveResults, **more: object) -> RankingView:
    filters = {name: value for name, value in more.items() if name not in {"principal", "language"}}
    return build_ranking(
        ViewContext(results, more.get("principal", OPERATOR), more.get("language", "en")),
        filters=RankingFilters(**filters),
    )


def places(results: WaveResults, indicator: str = "composite") -> pd.DataFrame:
    table = results.ranks(OPERATOR, indicator=indicator)
    return table.set_index(table["area"].astype(str))


def drawn(shown: RankingView) -> pd.DataFrame:
    rows = shown.chart_panel.data
    return rows[rows["role"] != "reference"].set_index("code")


def choices(results: WaveResults, principal: Principal = OPERATOR) -> FocusChoices:
    return focus_choices(ViewContext(results, principal, "en"), indicator="composite")


def test_cities_are_in_the_order_of_their_places(frozen: Frozen) -> None:
    shown = view(frozen["main-2024"])
    assert shown.chart_panel.kind is ChartKind.RANKING
    ranks = places(frozen["main-2024"])["rank"].reindex(shown.codes)
    placed = ranks.dropna()
    assert placed.is_monotonic_increasing
    assert ranks.isna().tolist() == [False] * len(placed) + [True] * (100 - len(placed))
    assert len(shown.chart_panel.table) == 100
    line = shown.chart_panel.data.query("role == 'reference'")
    nation = frozen["main-2024"].cells(
        OPERATOR, area_level="nation", group="all", indicator="composite"
    )
    assert line["estimate"].tolist() == nation["estimate"].tolist()


@pytest.mark.parametrize("row", [0, 22, 98])
def test_as_many_cities_are_shaded_as_the_set_of_the_focus_holds(frozen: Frozen, row: int) -> None:
    table = places(frozen["main-2024"]).dropna(subset="rank").sort_values("rank")
    focus = table.iloc[row]
    shown = view(frozen["main-2024"], focus=table.index[row])
    roles = drawn(shown)["role"].value_counts()
    assert roles["focus"] == 1
    assert roles.get("tied", 0) == focus["high"] - focus["low"]
    assert roles.get("above", 0) == focus["low"] - 1
    assert roles.get("below", 0) == focus["ranked"] - focus["high"]
    assert f"place {int(focus['rank'])} of {int(focus['ranked'])}" in shown.focus
    assert f"from {int(focus['low'])} to {int(focus['high'])}" in shown.focus
    assert f"{int(focus['high'] - focus['low'])} cities cannot be told apart" in shown.focus


def test_shading_is_mutual(frozen: Frozen) -> None:
    table = places(frozen["main-2024"]).dropna(subset="rank").sort_values("rank")
    city, other = table.index[10], table.index[30]
    seen = {drawn(view(frozen["main-2024"], focus=city)).loc[other, "role"]}
    back = {drawn(view(frozen["main-2024"], focus=other)).loc[city, "role"]}
    opposite = {"tied": "tied", "below": "above", "above": "below"}
    assert {opposite[role] for role in seen} == back


def test_rows_carry_place_name_and_possible_places(frozen: Frozen) -> None:
    shown = view(frozen["main-2024"])
    table = places(frozen["main-2024"])
    first = drawn(shown).iloc[0]
    own = table.loc[shown.codes[0]]
    assert first["label"] == f"1  {first['city']}\n{first['places']}"
    assert first["places"] == f"{int(own['low'])}–{int(own['high'])}"
    listing = shown.chart_panel.table.iloc[0]
    assert listing["Place"] == "1"
    assert listing["Probability of the first 10 (%)"] == pytest.approx(own["p_top"] * 100)
    assert listing["n"] == own["n"]


def test_narrowing_the_list_changes_no_place(frozen: Frozen) -> None:
    chosen = frozenset(city.code for city in shipped_cities() if city.region3 == "中部")
    part = view(frozen["main-2024"], focus="320500", region3="中部")
    whole = view(frozen["main-2024"], focus="320500")
    assert set(part.codes) == chosen
    assert part.focus == whole.focus
    same = drawn(whole).loc[list(part.codes), ["label", "role"]]
    pd.testing.assert_frame_equal(drawn(part)[["label", "role"]], same)


def test_neighbours_that_differ_are_counted_by_the_same_rule(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    table = places(results).dropna(subset="rank").sort_values("rank")
    pairs = results.rank_pairs(OPERATOR, indicator="composite")
    apart = set(zip(pairs["area"].astype(str), pairs["other"].astype(str), strict=True))
    gap = list(pairwise(table.index))
    clear = sum(pair in apart for pair in gap)
    expected = f"{clear} of the {len(gap)}" if clear else f"None of the {len(gap)}"
    assert view(results).neighbours.startswith(expected)


def with_ranks(results: WaveResults, monkeypatch: pytest.MonkeyPatch, **changed: object) -> None:
    table = results.ranks(OPERATOR, indicator="composite")
    first = table["rank"] <= 2
    for name, value in changed.items():
        table.loc[first, name] = value
    monkeypatch.setattr(results, "ranks", lambda *_, **__: table)


def test_ties_are_said(frozen: Frozen, monkeypatch: pytest.MonkeyPatch) -> None:
    with_ranks(frozen["main-2024"], monkeypatch, rank=1.0, tied=1.0)
    shown = view(frozen["main-2024"])
    assert shown.chart_panel.table["Place"].tolist()[:3] == ["1 (tied)", "1 (tied)", "3"]
    assert drawn(shown)["label"].iloc[1].startswith("1 (tied)  ")
    chinese = view(frozen["main-2024"], language="zh")
    assert drawn(chinese)["label"].iloc[0].startswith("1（并列）")


def test_a_single_possible_place_is_said_as_one(
    frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_ranks(frozen["main-2024"], monkeypatch, low=1.0, high=1.0)
    code = view(frozen["main-2024"]).codes[0]
    shown = view(frozen["main-2024"], focus=code)
    assert "place 1 of" in shown.focus
    assert "the data allow no other" in shown.focus
    assert drawn(shown).loc[code, "places"] == "1"


def test_unranked_and_hidden_cities_come_last_without_a_number(
    frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = frozen["main-2024"]
    ranks = results.ranks(OPERATOR, indicator="composite")
    cells = results.cells(OPERATOR, area_level="city", group="all", indicator="composite")
    small, hidden = "110000", "310000"
    gone = ranks["area"].isin([small, hidden])
    figures = [name for name in ranks.columns if name in {"rank", "tied", "low", "high", "p_top"}]
    ranks.loc[gone, figures] = np.nan
    cells.loc[cells["area"] == small, "n"] = 80
    cells.loc[cells["area"] == hidden, ["estimate", "ci_low", "ci_high", "n", "df"]] = np.nan
    cells.loc[cells["area"] == hidden, "shown"] = False
    monkeypatch.setattr(results, "ranks", lambda *_, **__: ranks)
    monkeypatch.setattr(results, "cells", lambda *_, **__: cells)
    shown = view(results, focus="320500")
    assert shown.codes[-2:] == (small, hidden)
    rows = drawn(shown)
    assert rows.loc[small, "role"] == "unranked"
    assert rows.loc[hidden, "role"] == "hidden"
    assert shown.chart_panel.hidden_labels == ("Shanghai",), (
        "the dashes of its place are no part of a name"
    )
    assert rows.loc[hidden, "note"] == "Not shown: too few interviews, or to protect personal data"
    assert rows.loc[hidden, ["estimate", "ci_low", "ci_high", "n"]].isna().all()
    assert rows.loc[small, "label"].startswith("–  ")
    listing = shown.chart_panel.table.set_index("City")
    assert listing.loc["Beijing", "Place"] == listing.loc["Beijing", "Possible places"] == "–"
    assert (
        listing.loc["Shanghai", "Remark"]
        == "Not shown: too few interviews, or to protect personal data"
    )
    assert listing.loc["Shanghai", "Band"] == ""
    assert "takes no place" in view(results, focus=small).focus
    assert (
        view(results, focus=hidden).focus
        == "Shanghai: Not shown: too few interviews, or to protect personal data"
    )
    assert "tied" not in set(drawn(view(results, focus=small))["role"])
    assert hidden not in choices(results).names
    assert small in choices(results).names


def test_nobody_is_in_focus_unless_the_reader_has_a_city(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    nation = choices(results)
    assert nation.default is None
    assert len(nation.names) == 100
    official = Principal(uuid4(), "Li", Role.CITY_OFFICIAL, "320500")
    assert choices(results, official).default == "320500"


def test_before_release_only_the_own_place_is_told(
    frozen: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = frozen["main-2024"]
    whole = places(results)
    monkeypatch.setattr(results, "wave", replace(results.wave, state="frozen"))
    official = Principal(uuid4(), "Li", Role.CITY_OFFICIAL, "320500")
    shown = view(results, principal=official, focus="320500")
    assert shown.codes == ("320500",)
    assert f"place {int(whole.loc['320500', 'rank'])} of 100" in shown.focus
    assert shown.neighbours == ""
    assert list(choices(results, official).names) == ["320500"]


def test_bands_stand_beside_the_composite_only(frozen: Frozen) -> None:
    assert "Band" in view(frozen["main-2024"]).chart_panel.table
    parts = view(frozen["main-2024"], indicator="1").chart_panel.table
    assert not {"Band", "Places under other weights"} & set(parts)


def test_without_places_nobody_is_put_in_an_order(frozen: Frozen) -> None:
    results = frozen["elderly-2024"]
    indicator = results.method.measures[0].key
    shown = view(results, indicator=indicator, focus="110000")
    assert set(drawn(shown)["role"]) <= {"focus", "unranked", "hidden"}
    assert shown.neighbours == ""


@pytest.mark.parametrize(("level", "value"), [("region3", "中部"), ("city_class", "直辖市")])
def test_the_list_of_cities_can_be_narrowed(frozen: Frozen, level: str, value: str) -> None:
    shown = view(frozen["main-2024"], **{level: value})
    expected = {city.code for city in shipped_cities() if getattr(city, level) == value}
    assert set(shown.codes) == expected
    assert len(shown.chart_panel.table) == len(expected)


def test_the_dashed_line_is_the_nation_as_it_is_counted(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    shown = view(results, basis="city_weighted")
    expected = results.headlines(
        OPERATOR, basis="city_weighted", composite="item_means", indicator="composite"
    )
    line = shown.chart_panel.data.query("role == 'reference'")
    assert line["estimate"].tolist() == expected["estimate"].tolist()
    assert "mean of the cities" in line["label"].iloc[0]
    assert "mean of the cities" in shown.chart_panel.note


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_picture_has_title_wave_unit_n_and_words_for_those_who_cannot_see(
    frozen: Frozen, language: str
) -> None:
    picture = view(frozen["main-2024"], language=language, focus="320500").chart_panel
    for part in ("2024", "0–100" if language == "en" else "0—100", "n = ", "95%"):
        assert part in picture.subtitle
    assert picture.alt.startswith(picture.title)
    assert "100" in picture.alt.removeprefix(picture.title)
