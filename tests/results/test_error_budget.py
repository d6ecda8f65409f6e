"""Error budget: sizes by hand, verdicts of the wave itself, planted selection, the gate."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey.disclosure import protect
from survey.frame.city_frame import shipped_cities
from survey.results.analysis import Q, add_verdicts
from survey.results.error_budget import build_error_budget
from survey.results.method import EvidenceLine, protect_fieldwork
from survey.results.method_sheets import ERRORS, OBSTACLE_SENTENCES
from survey.results.sheet_builders import make_sheet
from survey.results.sheet_source import SheetSource
from survey.results.wave_estimates import estimate_wave
from survey.results.wave_parts import LoadedPart, WaveData, WaveParts
from survey.results.wave_rules import WaveRules
from survey.review.progress.tallies import Dispositions
from survey.snapshots.response_frame import build_response_frame
from tests.small_waves import person, small_instrument, small_tree

CITIES = ("110000", "310000", "320500", "440100", "510100", "610100")
RULES = WaveRules.of(
    series="main", instrument=small_instrument(), tree=small_tree(), composite="item_means"
)
EVIDENCE = (
    EvidenceLine(line="back_check", measured=0.04),
    EvidenceLine(line="double_entry", measured=0.01),
    EvidenceLine(line="refusals_r", measured=0.9),
    EvidenceLine(line="refusals_cv", measured=0.05),
    EvidenceLine(line="removed", measured=0.03, size_nation=-0.2, size_city=0.3),
)


def make_frame(seed: int = 1) -> pd.DataFrame:
    """Six cities of ten points; who lives in a town is asked too often, and answers higher."""
    generator = np.random.default_rng(seed)
    rows: list[tuple[Any, ...]] = []
    for place, city in enumerate(CITIES):
        for point in range(10):
            level = generator.normal(0, 0.4)
            for _ in range(24):
                number = len(rows)
                urban = generator.random() < 0.8
                mood = place * 0.25 + level + (1.5 if urban else -1.5) + generator.normal(0, 1.2)
                score = {
                    name: int(np.clip(round(5.5 + mood + generator.normal(0, 0.5)), 1, 10))
                    for name in ("price", "service")
                }
                row = person(
                    number, city, psu=f"{city}-{point}",
                    residence="urban" if urban else "rural",
                    gender=("male", "female")[generator.integers(2)],
                    age=int(generator.integers(18, 68)), **score,
                )  # fmt: skip
                # Two surveyors share every two points.
                rows.append((*row[:4], f"s{city}-{point // 2}-{number % 2}", *row[5:]))
                if generator.random() < 0.05:
                    rows[-1][-1].pop("service")
    return build_response_frame(rows, RULES.instrument)


def source_of(frame: pd.DataFrame, *parts: tuple[str, ...]) -> SheetSource:
    groups = parts or (CITIES,)
    loaded = [
        LoadedPart(
            WaveData.weigh(frame[frame["city_code"].isin(each)].reset_index(drop=True), RULES)
        )
        for each in groups
    ]
    wave = WaveParts.open(RULES, loaded)
    nobody = Dispositions(0, 0, 0, 0, 0, 0, 0)
    wave = replace(wave, fieldwork=protect_fieldwork(wave.facts.modes, nobody, EVIDENCE))
    figures = estimate_wave(wave)
    return SheetSource(figures, protect(figures.cells))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return make_frame()


@pytest.fixture(scope="module")
def source(frame: pd.DataFrame) -> SheetSource:
    return source_of(frame)


@pytest.fixture(scope="module")
def table(source: SheetSource) -> pd.DataFrame:
    return make_sheet(ERRORS, source)


def line_of(table: pd.DataFrame, line: str, item: str = "", area: str = "CN") -> pd.Series:
    rows = table[(table["line"] == line) & (table["item"] == item) & (table["area"] == area)]
    assert len(rows) == 1
    return rows.iloc[0]


def composite_of(source: SheetSource, level: str) -> pd.DataFrame:
    cells = source.figures.cells
    return cells[
        (cells["area_level"] == level)
        & (cells["group"] == "all")
        & (cells["indicator"] == "composite")
    ]


def test_every_line_has_a_size_or_says_why_not(table: pd.DataFrame) -> None:
    national = table[table["area_level"] == "nation"]
    assert set(table["line"]) <= set(ERRORS.lines)
    expected = set(ERRORS.lines) - {f"refusals_by_{name}" for name in
                                    ("city", "point_kind", "hour", "age", "gender")}  # fmt: skip
    assert set(national["line"]) == expected
    figures = national[["measured", "size_nation", "size_city", "bias"]].notna().any(axis=1)
    assert (figures ^ (national["obstacle"] != "")).all()
    assert set(national["obstacle"]) - {""} <= set(OBSTACLE_SENTENCES)


def test_chance_is_half_of_the_interval_and_its_parts_make_the_design_effect(
    source: SheetSource, table: pd.DataFrame
) -> None:
    nation = composite_of(source, "nation").iloc[0]
    chance = line_of(table, "sampling")
    assert chance["size_nation"] == pytest.approx((nation["ci_high"] - nation["ci_low"]) / 2)
    assert chance["measured"] == pytest.approx(nation["deff"])
    parts = [line_of(table, f"sampling_{part}") for part in ("weights", "points", "strata")]
    assert np.prod([part["measured"] for part in parts]) == pytest.approx(nation["deff"])
    # There is one stratum a city, so strata take nothing away.
    assert parts[2]["size_nation"] == pytest.approx(0)
    weights = parts[0]["measured"]
    assert parts[0]["size_nation"] == pytest.approx(chance["size_nation"] * (1 - weights**-0.5))


def test_weights_moved_the_score_by_the_difference_from_the_plain_mean(
    source: SheetSource, table: pd.DataFrame, frame: pd.DataFrame
) -> None:
    items = frame[["price", "service"]].astype(float)
    scores = (items.where(items >= 1) - 1) / 9 * 100
    plain = scores.groupby(frame["city_code"].astype(str)).mean() @ [0.4, 0.6]
    cities = composite_of(source, "city").set_index("area")["estimate"]
    totals = source.wave.facts.weights.by_city["total"]
    moved = float(np.average(cities[list(CITIES)] - plain[list(CITIES)],
                             weights=totals[list(CITIES)]))  # fmt: skip
    assert line_of(table, "weighting")["size_nation"] == pytest.approx(moved)


def test_what_fieldwork_told_becomes_points(frame: pd.DataFrame, table: pd.DataFrame) -> None:
    assert line_of(table, "back_check")["size_nation"] == pytest.approx(0.4)
    assert line_of(table, "double_entry")["obstacle"] == "no_paper"
    assert line_of(table, "refusals_r")["measured"] == pytest.approx(0.9)
    removed = line_of(table, "removed")
    assert (removed["size_nation"], removed["size_city"]) == (-0.2, 0.3)
    composite = (0.4 * frame["price"] + 0.6 * frame["service"] - 1) / 9 * 100
    complete = composite[frame["service"] > 0].groupby(frame["city_code"], observed=True)
    sd = float(complete.var().mean()) ** 0.5
    refusals = line_of(table, "refusals_cv")
    assert refusals["size_nation"] == pytest.approx(0.05 * sd, rel=0.05)


def test_surveyors_who_share_points_are_told_from_the_points(table: pd.DataFrame) -> None:
    surveyors = line_of(table, "interviewer")
    assert abs(surveyors["measured"]) < 0.03
    assert surveyors["size_nation"] >= 0


def test_verdicts_are_those_of_the_wave(source: SheetSource, table: pd.DataFrame) -> None:
    """An error as large as all differences turns every verdict; the count is that of the wave."""
    gaps = pd.concat(list(source.figures.differences()))
    own = gaps[
        (gaps["contrast"] == "nation")
        & (gaps["area_level"] == "city")
        & (gaps["group"] == "all")
        & (gaps["indicator"] == "composite")
    ].assign(shown=True)
    called = add_verdicts(own)["verdict"].isin(["higher", "lower"])
    assert Q == 0.05
    assert 1 <= called.sum() < len(CITIES)
    huge = (EvidenceLine(line="back_check", measured=10.0), *EVIDENCE[1:])
    fieldwork = source.wave.fieldwork.model_copy(update={"errors": huge})
    wave = replace(source.wave, fieldwork=fieldwork)
    again = build_error_budget(SheetSource(replace(source.figures, source=wave), source.cells))
    assert line_of(again, "back_check")["verdicts"] == called.sum()
    assert line_of(table, "back_check")["verdicts"] <= called.sum()


def test_planted_selection_of_townspeople_is_found(
    source: SheetSource, table: pd.DataFrame, frame: pd.DataFrame
) -> None:
    """Towns answer about 33 points higher, and too many or too few of them were asked."""
    coverage = line_of(table, "coverage_residence")
    rates = {city.code: city.urbanization_rate for city in shipped_cities()}
    weight = source.wave.parts[0]().people["weight"]
    urban = (frame["residence"] == "urban").astype(float)
    off = np.average(urban - frame["city_code"].astype(str).map(rates), weights=weight)
    assert coverage["measured"] == pytest.approx(off)
    assert coverage["size_nation"] == pytest.approx(33 * off, abs=2 * abs(off) + 0.05)
    sizes = [line_of(table, "selection", f"phi={phi}") for phi in ("0", "0.5", "1")]
    assert sizes[0]["bias"] == pytest.approx(coverage["size_nation"])
    assert sizes[0]["measured"] > 0.5
    assert abs(sizes[0]["bias"]) < abs(sizes[1]["bias"]) < abs(sizes[2]["bias"])
    # The census says 55 to 90 per cent by city: a city with too many townspeople is too high.
    for city in CITIES:
        own = line_of(table, "selection", "phi=0.5", city)
        asked = np.average(
            urban[frame["city_code"] == city], weights=weight[frame["city_code"] == city]
        )
        assert np.sign(own["bias"]) == np.sign(asked - rates[city])


def test_a_city_whose_country_people_are_hidden_has_no_row_on_selection(
    frame: pd.DataFrame,
) -> None:
    """Its bias would tell how many of them were asked."""
    few = frame.copy()
    first = (few["city_code"] == CITIES[0]).to_numpy()
    rural = first & (few["residence"] == "rural").to_numpy()
    few.loc[rural & (np.cumsum(rural) > 5), "residence"] = "urban"
    source = source_of(few)
    hidden = source.cells[(source.cells["area"] == CITIES[0])
                          & (source.cells["group"] == "residence=rural")
                          & (source.cells["indicator"] == "composite")]  # fmt: skip
    assert not hidden["shown"].any()
    table = make_sheet(ERRORS, source)
    for phi in ("0", "0.5", "1"):
        row = line_of(table, "selection", f"phi={phi}", CITIES[0])
        assert not row["shown"]
        assert row[["bias", "verdicts", "size_city"]].isna().all()
    assert line_of(table, "selection", "phi=0", CITIES[1])["shown"]


def test_answers_that_have_nothing_to_do_with_the_census_leave_selection_unknown(
    frame: pd.DataFrame,
) -> None:
    shuffled = frame.copy()
    shuffled["residence"] = frame["residence"].sample(frac=1, random_state=3).to_numpy()
    table = build_error_budget(source_of(shuffled))
    assert line_of(table, "selection")["obstacle"] == "weak_proxy"
    assert not (table["area_level"] == "city").any()


def test_parts_give_the_same_sheet(frame: pd.DataFrame, table: pd.DataFrame) -> None:
    parted = make_sheet(ERRORS, source_of(frame, CITIES[3:], CITIES[:3]))
    pd.testing.assert_frame_equal(parted, table, check_exact=True)


def test_no_points_no_tree_and_no_record_are_said(frame: pd.DataFrame) -> None:
    source = source_of(frame.assign(psu=None, stratum=None))
    wave = replace(source.wave, fieldwork=None)
    table = build_error_budget(SheetSource(replace(source.figures, source=wave), source.cells))
    assert line_of(table, "sampling_points")["obstacle"] == "no_points"
    assert line_of(table, "interviewer")["obstacle"] == "no_surveyors"
    assert line_of(table, "removed")["obstacle"] == "not_counted"
    assert np.isfinite(line_of(table, "sampling")["size_nation"])
