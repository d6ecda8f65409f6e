"""Measurement sheet of a wave: the library's figures by any split, planted faults, and reasons."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from survey.disclosure import protect
from survey.estimate.reliability import cronbach_alpha, mcdonald_omega
from survey.results.measurement import DIFFERS, HOLDS, MIN_RESPONDENTS
from survey.results.method_sheets import KEYS, MEASUREMENT, OBSTACLE
from survey.results.sheet_builders import make_sheet
from survey.results.sheet_source import SheetSource
from survey.results.wave_estimates import estimate_wave
from survey.results.wave_parts import LoadedPart, WaveData, WaveParts
from survey.snapshots.snapshot_files import parquet_bytes
from tests.results.test_wave_parts import CITIES, made_wave, rules_of

BIASED = "transaction_security"
DONT_KNOW = -1


def parts_of(frame: pd.DataFrame, groups: Sequence[Sequence[str]] = (CITIES,)) -> WaveParts:
    rules = rules_of()
    rows = [frame[frame["city_code"].isin(own)].reset_index(drop=True) for own in groups]
    return WaveParts.open(rules, [LoadedPart(WaveData.weigh(part, rules)) for part in rows])


def planted(frame: pd.DataFrame) -> pd.DataFrame:
    """Answers to items of three factors; villagers answer one item lower than they feel."""
    rng = np.random.default_rng(8)
    dimensions = [str(item.indicator)[0] for item in rules_of().instrument.scored_items]
    whole = rng.normal(0, 0.7, len(frame))
    feeling = {name: whole + rng.normal(0, 0.7, len(frame)) for name in sorted(set(dimensions))}
    rural = (frame["residence"] == "rural").to_numpy()
    changed = {}
    for item, name in zip(rules_of().instrument.scored_items, dimensions, strict=True):
        line = 1.6 * feeling[name] + rng.logistic(0, 1, len(frame))
        if item.name == BIASED:
            line -= 1.5 * rural
        answer = 1 + np.digitize(line, np.linspace(-5.5, 2.5, 9))
        unknown = (frame[item.name] < 1).to_numpy()
        changed[item.name] = np.where(unknown, frame[item.name], answer).astype(np.int8)
    return frame.assign(**changed)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return planted(made_wave(1, n=2400))


@pytest.fixture(scope="module")
def source(frame: pd.DataFrame) -> SheetSource:
    figures = estimate_wave(parts_of(frame))
    return SheetSource(figures, protect(figures.cells))


def sheet_of(source: SheetSource) -> pd.DataFrame:
    return make_sheet(MEASUREMENT, source)


def sheet_of_frame(frame: pd.DataFrame, source: SheetSource) -> pd.DataFrame:
    """Return the sheet of other answers, behind the decisions of the usual ones."""
    other = replace(source.figures, source=parts_of(frame))
    return sheet_of(SheetSource(other, source.cells))


@pytest.fixture(scope="module")
def sheet(source: SheetSource) -> pd.DataFrame:
    return sheet_of(source)


def line(sheet: pd.DataFrame, kind: str) -> pd.DataFrame:
    return sheet[sheet["line"] == kind].astype({"indicator": str, "item": str, "group": str})


@pytest.mark.slow
def test_any_split_of_the_cities_gives_the_same_bytes(
    frame: pd.DataFrame, source: SheetSource, sheet: pd.DataFrame
) -> None:
    other = replace(source.figures, source=parts_of(frame, [CITIES[4:], CITIES[:4]]))
    assert parquet_bytes(sheet_of(SheetSource(other, source.cells))) == parquet_bytes(sheet)


def test_rows_are_unique(sheet: pd.DataFrame) -> None:
    assert not sheet[list(KEYS)].duplicated().any()
    assert set(sheet["line"]) == set(MEASUREMENT.lines)


def test_consistency_is_that_of_the_weighted_answers(
    frame: pd.DataFrame, sheet: pd.DataFrame
) -> None:
    people = WaveData.weigh(frame, rules_of()).people
    names = [item.name for item in rules_of().instrument.scored_items if item.indicator[0] == "1"]
    values = people[names].to_numpy(dtype=float)
    known, weight = values >= 1, people["weight"].to_numpy()
    covariance = np.empty((1, len(names), len(names)))
    for i in range(len(names)):
        for j in range(len(names)):
            both = known[:, i] & known[:, j]
            covariance[0, i, j] = np.cov(values[both][:, [i, j]].T, aweights=weight[both],
                                         ddof=0)[0, 1]  # fmt: skip
    row = line(sheet, "scale").query("indicator == '1' and group == 'all'").iloc[0]
    assert row["alpha"] == pytest.approx(cronbach_alpha(covariance)[0], rel=1e-9)
    assert row["omega"] == pytest.approx(mcdonald_omega(covariance)[0], rel=1e-9)
    assert row["alpha_low"] < row["alpha"] < row["alpha_high"] < row["alpha_low"] + 0.05
    assert row["omega_low"] < row["omega"] < row["omega_high"]
    assert row["n"] == len(frame)


def test_the_whole_tree_has_no_omega_of_one_factor(sheet: pd.DataFrame) -> None:
    row = line(sheet, "scale").query("indicator == 'composite' and group == 'all'").iloc[0]
    assert 0.8 < row["alpha"] < 1
    assert np.isnan(row["omega"])


def test_shares_of_answers(frame: pd.DataFrame, sheet: pd.DataFrame) -> None:
    weighted = WaveData.weigh(frame, rules_of()).people
    rows = line(sheet, "item").set_index("item")
    for name in ("service", "redress_outcome"):
        answer, weight = weighted[name], weighted["weight"]
        share = 100 * weight[answer == DONT_KNOW].sum() / weight[answer != -4].sum()
        assert rows.loc[name, "unknown"] == pytest.approx(share)
        share = 100 * weight[answer == 10].sum() / weight[answer >= 1].sum()
        assert rows.loc[name, "ceiling"] == pytest.approx(share)
    assert (rows["missing"] >= rows["unknown"]).all()
    assert rows["loading"].between(0.4, 0.95).all()


def test_the_true_model_fits(sheet: pd.DataFrame) -> None:
    row = line(sheet, "model").iloc[0]
    assert row["cfi"] > 0.97
    assert row["rmsea"] < 0.03
    assert row["df"] == 321
    correlations = line(sheet, "factors")["correlation"]
    assert len(correlations) == 3
    assert correlations.between(0.3, 0.7).all()


def test_the_planted_item_is_found_and_no_other(sheet: pd.DataFrame) -> None:
    rows = line(sheet, "bias")
    found = rows[rows["verdict"] == DIFFERS]
    assert set(found["item"]) == {f"{BIASED}:residence=rural", f"{BIASED}:residence=urban"}
    by_value = found.set_index("item")["points"]
    assert by_value[f"{BIASED}:residence=rural"] < -3 < 0 < by_value[f"{BIASED}:residence=urban"]


def test_groups_that_answer_alike_are_said_to(sheet: pd.DataFrame) -> None:
    rows = line(sheet, "invariance").set_index("item")
    for level in ("configural", "metric", "scalar"):
        assert rows.loc[f"age_band:{level}", "verdict"] == HOLDS
    assert rows.loc["age_band:scalar", "cfi_loss"] < 0.01


def test_reliability_of_cities_uses_shown_cities_alone(source: SheetSource) -> None:
    cells = source.cells.copy()
    city = (cells["area_level"] == "city") & (cells["group"] == "all")
    cells.loc[city & (cells["area"] == CITIES[0]), "shown"] = False
    cells.loc[city & (cells["area"] == CITIES[0]), "reason"] = "too_few"
    rows = line(sheet_of(SheetSource(source.figures, cells)), "city_means")
    row = rows.query("indicator == 'composite' and group == 'all'").iloc[0]
    shown = cells[city & cells["shown"] & (cells["indicator"] == "composite")]
    noise = (shown["se"].astype(float) ** 2).mean()
    expected = max(0.0, 1 - noise / shown["estimate"].astype(float).var())
    assert row["reliability"] == pytest.approx(expected)
    assert row["cities"] == len(CITIES) - 1


def test_few_people_and_no_points_are_said(frame: pd.DataFrame, source: SheetSource) -> None:
    few = frame.groupby("city_code", observed=True).head(10)
    assert len(few) < MIN_RESPONDENTS
    rows = sheet_of_frame(few, source)
    model = rows[rows["line"] == "model"].iloc[0]
    assert model[OBSTACLE] == "too_few_respondents"
    assert set(rows.loc[rows["line"] == "scale", OBSTACLE]) == {"too_few_respondents"}
    assert set(rows.loc[rows["line"] == "invariance", OBSTACLE]) == {"one_group"}
    without = sheet_of_frame(frame.assign(psu=None), source)
    row = without[(without["line"] == "scale") & (without["group"] == "all")].iloc[0]
    assert row["alpha"] > 0
    assert np.isnan(row["alpha_low"])


def test_pairs_that_few_answered_tell_nothing(frame: pd.DataFrame, source: SheetSource) -> None:
    """Each of 160 people answered a fifth of the questions: correlations of no population."""
    few = frame.groupby("city_code", observed=True).head(160 // len(CITIES))
    unknown = np.random.default_rng(2).uniform(size=(len(few), len(few.columns))) < 0.8
    names = [item.name for item in rules_of().instrument.scored_items]
    answers = few[names].mask(unknown[:, : len(names)], DONT_KNOW).astype(np.int8)
    rows = sheet_of_frame(few.assign(**answers), source)
    everyone = rows[rows["group"] == "all"]
    whole = everyone[everyone["indicator"] == "composite"].set_index("line")[OBSTACLE]
    assert whole["scale"] == whole["model"] == "few_answered_together"
    assert (everyone["item_rest"].dropna().abs() <= 1).all()
    assert everyone["item_rest"].isna().sum() > everyone["item_rest"].notna().sum()
