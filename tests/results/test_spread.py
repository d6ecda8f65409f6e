"""Medians and quartiles of a frozen wave: what they are, and behind the gate."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from survey.access.roles import NATION
from survey.disclosure import protect
from survey.results.method_sheets import KEYS, OBSTACLE, SPREAD
from survey.results.sheet_builders import make_sheet
from survey.results.sheet_source import SheetSource
from survey.results.spread import list_lone_items
from survey.results.wave_estimates import WaveEstimates, estimate_wave
from survey.snapshots.snapshot_files import parquet_bytes
from tests.results.test_method_sheets import parts_of
from tests.results.test_wave_parts import CITIES, made_wave

CITY = CITIES[2]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return made_wave(5)


@pytest.fixture(scope="module")
def figures(frame: pd.DataFrame) -> WaveEstimates:
    return estimate_wave(parts_of(frame, [CITIES]))


@pytest.fixture(scope="module")
def cells(figures: WaveEstimates) -> pd.DataFrame:
    return protect(figures.cells)


@pytest.fixture(scope="module")
def sheet(figures: WaveEstimates, cells: pd.DataFrame) -> pd.DataFrame:
    return make_sheet(SPREAD, SheetSource(figures, cells))


def shown_rows(sheet: pd.DataFrame) -> pd.DataFrame:
    return sheet[sheet["shown"] & (sheet[OBSTACLE] == "")].astype(dict.fromkeys(KEYS, str))


@pytest.mark.parametrize("area", [NATION, CITY])
def test_half_of_the_weight_lies_at_or_below_the_median(
    sheet: pd.DataFrame, figures: WaveEstimates, area: str
) -> None:
    people = figures.source.parts[0]().people
    own = people if area == NATION else people[people["city_code"] == area]
    rows = shown_rows(sheet).query("area == @area")
    assert len(rows) > 10
    for row in rows.itertuples():
        raw = own[row.item].to_numpy(dtype=float)
        weight = own["weight"].to_numpy(dtype=float)[raw >= 1]
        scores = (raw[raw >= 1] - 1) / 9 * 100
        assert row.n == len(scores)
        for share, value in ((0.25, row.lower_quartile), (0.5, row.median),
                             (0.75, row.upper_quartile)):  # fmt: skip
            assert weight[scores <= value + 1e-9].sum() >= share * weight.sum() - 1e-9
            assert weight[scores < value - 1e-9].sum() < share * weight.sum() + 1e-9


def test_quartiles_and_their_intervals_are_in_order(sheet: pd.DataFrame) -> None:
    rows = shown_rows(sheet)
    assert (rows["lower_quartile"] <= rows["median"]).all()
    assert (rows["median"] <= rows["upper_quartile"]).all()
    known = rows["median_low"].notna() & rows["median_high"].notna()
    assert known.mean() > 0.9
    rows = rows[known]
    assert rows["median"].between(rows["median_low"], rows["median_high"]).all()


def test_the_answers_are_those_that_the_gate_decided_about(
    sheet: pd.DataFrame, cells: pd.DataFrame, figures: WaveEstimates
) -> None:
    keys = ["area_level", "area", "group", "indicator"]
    decided = cells.astype(dict.fromkeys(keys, str)).set_index(keys)
    rows = shown_rows(sheet).set_index(keys)
    assert (decided.loc[rows.index, "n"] == rows["n"]).all()
    assert set(rows["item"]) <= set(list_lone_items(figures.source))


def test_a_hidden_cell_hides_its_quartiles(figures: WaveEstimates, cells: pd.DataFrame) -> None:
    gone = cells.copy()
    own = (gone["area"] == CITY) & (gone["group"] == "all")
    gone.loc[own, ["shown", "reason"]] = False, "too_few"
    rows = make_sheet(SPREAD, SheetSource(figures, gone)).query("area == @CITY")
    assert len(rows) > 10
    assert not rows["shown"].any()
    assert rows[list(SPREAD.numbers)].isna().all(axis=None)


def test_any_split_of_the_cities_gives_the_same_bytes(
    frame: pd.DataFrame, figures: WaveEstimates, cells: pd.DataFrame, sheet: pd.DataFrame
) -> None:
    split = replace(figures, source=parts_of(frame, [CITIES[4:], CITIES[:4]]))
    assert parquet_bytes(make_sheet(SPREAD, SheetSource(split, cells))) == parquet_bytes(sheet)


def test_without_points_the_intervals_hold_the_assumed_design_effect(
    frame: pd.DataFrame, sheet: pd.DataFrame
) -> None:
    alone = estimate_wave(parts_of(frame.assign(psu=None), [CITIES]))
    found = shown_rows(make_sheet(SPREAD, SheetSource(alone, protect(alone.cells))))
    both = shown_rows(sheet).merge(found, on=list(KEYS), suffixes=("", "_alone"))
    assert (both["median"] == both["median_alone"]).all()
    width = both["median_high_alone"] - both["median_low_alone"]
    assert np.isfinite(width).mean() > 0.9


def test_a_question_that_nobody_answered_says_so(frame: pd.DataFrame) -> None:
    silent = estimate_wave(parts_of(frame, [CITIES])).source
    item = next(iter(list_lone_items(silent)))
    figures = estimate_wave(parts_of(frame.assign(**{item: np.int8(-1)}), [CITIES]))
    rows = make_sheet(SPREAD, SheetSource(figures, protect(figures.cells)))
    rows = rows[rows["item"] == item]
    assert set(rows[OBSTACLE]) == {"no_answer"}
    assert rows["median"].isna().all()
