"""Drivers of overall satisfaction: importance beside performance, with resamples."""

from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.disclosure import propagate_suppression
from survey.estimate import (
    DriverMatrix,
    PairSums,
    PairTotal,
    PsuPairSums,
    driver_sums,
    matrix_of,
    priorities,
)
from survey.estimate.arrays import Flags, Floats, limit_to_one_thread
from survey.frame.quotas import ELDERLY, EVERYONE, GUARDIAN, RURAL
from survey.questionnaire.model import OVERALL, Item
from survey.questionnaire.question_types import type_of
from survey.results.table_columns import ColumnTypes
from survey.results.wave_parts import PartLoader, WaveParts
from survey.results.wave_rules import WaveRules

DRIVER_GROUPS = (EVERYONE, ELDERLY, GUARDIAN, RURAL)
"""Read for the nation; cities are read for everyone."""
REPLICATES, SEED = 500, 20230315
MIN_DRIVER_RESPONDENTS = 100
"""Respondents below which a city's importances are noise."""
FIGURES = ("importance", "importance_low", "importance_high", "performance",
           "performance_low", "performance_high", "priority", "agreement")  # fmt: skip
_BOOTSTRAPPED = ("r_squared", "importance", "importance_low", "importance_high", "priority",
          "agreement", "set_agreement", "replicates")  # fmt: skip
_PER_CENT = 100.0
_CENTRE = 50.0
"""Score about which products are summed, the same in every part of a wave."""
_KEYS = ["area_level", "area", "group", "indicator"]


class DriverStatus(StrEnum):
    """Reason why a domain (area and group) has no importances."""

    NOTHING_WRONG = ""
    TOO_FEW = "too_few_respondents"
    NO_POINTS = "no_points"
    """Without recorded sampling points there is nothing to resample."""
    CONSTANT = "constant"
    """All respondents gave the same answer to one of the questions."""
    FEW_TOGETHER = "few_answered_together"
    """What is known of pairs of questions fits no population, here or in half of the resamples."""


_NUMBERS = tuple(dict.fromkeys(("n", *_BOOTSTRAPPED, *FIGURES)))
_COLUMN_TYPES = ColumnTypes((*_KEYS, "reason"), _NUMBERS, {"no_drivers": DriverStatus})


def build_driver_table(source: WaveParts, cells: pd.DataFrame) -> pd.DataFrame:
    """Return importance and performance of indicators, a row per area, group and indicator.

    The table is empty without a tree or the question.

    Args:
        cells: the protected cells; a hidden one hides its row here.

    Returns:
        area_level, area, group, indicator, n (who rated satisfaction on the whole and any
        indicator), r_squared, importance (per cent of the explained variance, Johnson's relative
        weight), performance (the indicator's score, as in `cells`), both with `_low` and `_high`;
        priority (1 to 3 for the first three, the most urgent first; else 0), agreement (per cent
        of the resamples that have it among their first three), set_agreement (that have the same
        ones), replicates, no_drivers, shown, reason.

    Source: docs/statistics.md, "Drivers".
    """
    overall = source.instrument.by_name.get(OVERALL)
    if not source.plan.has_composite or overall is None or not type_of(overall).is_score:
        return _COLUMN_TYPES.empty([*_KEYS, *_NUMBERS, "no_drivers", "shown", "reason"])
    codes = [code for code in _map_items_by_indicator(source) if code != OVERALL]
    if source.design.psu is None:
        figures = {
            key: _build_rows_without_drivers(codes, DriverStatus.NO_POINTS)
            for key in _list_domains(source)
        }
    else:
        figures = _compute_driver_figures(source, codes)
    parts = [
        pd.DataFrame({"area_level": level, "area": area, "group": group, **columns_of})
        for (level, area, group), columns_of in figures.items()
    ]
    table = _add_performance(pd.concat(parts, ignore_index=True), cells)
    return _COLUMN_TYPES.cast(propagate_suppression(table, cells, figures=FIGURES))


def _list_domains(source: WaveParts) -> list[tuple[str, str, str]]:
    """Return (area level, area, group) of each domain: groups in the nation, then each city."""
    national = [("nation", NATION, group) for group in DRIVER_GROUPS if group in source.groups]
    return [*national, *(("city", str(code), EVERYONE) for code in source.city_codes)]


def _compute_driver_figures(source: WaveParts, codes: list[str]) -> dict[tuple[str, str, str], Any]:
    """Return (area level, area, group) -> columns of its rows, national ones summed from cities."""
    few = _build_rows_without_drivers(codes, DriverStatus.TOO_FEW)
    figures: dict[tuple[str, str, str], Any] = dict.fromkeys(_list_domains(source), few)
    cities = {key[1]: key for key in figures if key[0] == "city"}
    jobs = [
        (source.parts[place], city, source.level)
        for city, place in sorted(source.facts.part_of.items())
    ]
    nation: dict[str, PairTotal] = {}
    for (_, city, _), (sums, own) in zip(jobs, source.run(_sum_city, jobs), strict=True):
        if own is not None:
            figures[cities[city]] = own
        with limit_to_one_thread():
            for group, by_psu in sums.items():
                nation.setdefault(group, PairTotal()).add(by_psu)
    for group, total in nation.items():
        figures["nation", NATION, group] = _compute_figures(total.total(), codes, source.level)
    return figures


def _sum_city(
    job: tuple[PartLoader, str, float],
) -> tuple[dict[str, PsuPairSums], dict[str, Any] | None]:
    """Return group -> driver sums of the city in `job`, and its figures (None: too few people)."""
    part, city, level = job
    data = part()
    rows = (data.people["city_code"] == city).to_numpy(dtype=bool)
    items = _map_items_by_indicator(data)
    design = [data.design.weight, data.design.strata, data.design.psu]
    columns = [*(item.name for own in items.values() for item in own), *design]
    people = data.people.loc[rows, columns]
    scores = pd.DataFrame(
        {code: _compute_mean_score(people, own) for code, own in items.items()}, index=people.index
    )
    codes = [code for code in items if code != OVERALL]
    with limit_to_one_thread():
        sums = driver_sums(
            scores.join(people[design]),
            codes,
            OVERALL,
            data.design,
            domains={
                group: data.memberships[group][rows]
                for group in DRIVER_GROUPS
                if group in data.memberships
            },
            centre=np.full(len(items), _CENTRE),
            replicates=REPLICATES,
            seed=SEED,
        )
        whole = sums[EVERYONE]
        if whole.n < MIN_DRIVER_RESPONDENTS:
            return sums, None
        return sums, _compute_figures(whole.total(), codes, level)


def _compute_figures(sums: PairSums, codes: list[str], level: float) -> dict[str, Any]:
    """Return a domain's columns from its sums over the indicators `codes` and the outcome."""
    with limit_to_one_thread():
        matrix = matrix_of(sums, [*codes, OVERALL], np.full(len(codes) + 1, _CENTRE))
    return figures_of(matrix, level)


def _map_items_by_indicator(rules: WaveRules) -> dict[str, list[Item]]:
    """Return indicator -> its items, whose mean is its score; the outcome comes last."""
    items: dict[str, list[Item]] = {}
    for item in rules.instrument.scored_items:
        items.setdefault(str(item.indicator), []).append(item)
    return {**items, OVERALL: [rules.instrument.by_name[OVERALL]]}


def _compute_mean_score(people: pd.DataFrame, items: list[Item]) -> Floats:
    total, count = np.zeros(len(people)), np.zeros(len(people))
    for item in items:
        raw = people[item.name].to_numpy(dtype=np.float64, na_value=np.nan)
        low, high = float(item.minimum or 0), float(item.maximum or 0)
        scored = raw >= low
        total += np.where(scored, (raw - low) / (high - low) * _PER_CENT, 0.0)
        count += scored
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _build_rows_without_drivers(codes: list[str], why: DriverStatus) -> dict[str, Any]:
    """Return columns of the indicators `codes` without importances: null figures, and `why`."""
    return {
        "indicator": codes,
        "n": np.nan,
        **dict.fromkeys(_BOOTSTRAPPED, np.nan),
        "no_drivers": why.value,
    }


def figures_of(matrix: DriverMatrix, level: float) -> dict[str, Any]:
    """Return a domain's columns from `matrix` (importances, resamples), or why it has none."""
    if matrix.n < MIN_DRIVER_RESPONDENTS or matrix.constant:
        few = matrix.n < MIN_DRIVER_RESPONDENTS
        return _build_rows_without_drivers(
            list(matrix.names), DriverStatus.TOO_FEW if few else DriverStatus.CONSTANT
        )
    drawn = ~np.isnan(matrix.importances).any(axis=1)
    if np.isnan(matrix.importance).any() or drawn.sum() < len(matrix.importances) / 2:
        return _build_rows_without_drivers(list(matrix.names), DriverStatus.FEW_TOGETHER)
    share = _compute_shares(matrix.importance)
    first = priorities(matrix.importance, matrix.performance)
    columns = _build_rows_without_drivers(list(matrix.names), DriverStatus.NOTHING_WRONG) | {
        "n": matrix.n,
        "r_squared": matrix.r_squared,
        "importance": share,
        "priority": _rank_priorities(first, share * (_PER_CENT - matrix.performance)),
        "replicates": float(drawn.sum()),
    }
    if drawn.sum() < 2:
        return columns
    tail = (1 - level) / 2
    low, high = np.quantile(_compute_shares(matrix.importances[drawn]), [tail, 1 - tail], axis=0)
    again = priorities(matrix.importances[drawn], matrix.performances[drawn])
    return columns | {
        "importance_low": np.minimum(low, columns["importance"]),
        "importance_high": np.maximum(high, columns["importance"]),
        "agreement": again.mean(axis=0) * _PER_CENT,
        "set_agreement": float((again == first).all(axis=1).mean()) * _PER_CENT,
    }


def _rank_priorities(first: Flags, urgency: Floats) -> Floats:
    """Return ranks among the indicators flagged `first`, 1 for the greatest `urgency`; else 0."""
    positions = np.zeros(len(first))
    order = np.argsort(np.where(first, -urgency, np.inf), kind="stable")[: int(first.sum())]
    positions[order] = np.arange(1, len(order) + 1)
    return positions


def _compute_shares(importance: Floats) -> Floats:
    return np.asarray(importance / importance.sum(axis=-1, keepdims=True) * _PER_CENT)


def _add_performance(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Return the table with each row's performance: score and interval of the same cell."""
    names = {"estimate": "performance", "ci_low": "performance_low", "ci_high": "performance_high"}
    wanted = cells[
        cells["area_level"].isin(["nation", "city"])
        & cells["group"].isin(DRIVER_GROUPS)
        & cells["indicator"].isin(table["indicator"].unique())
    ]
    scores = wanted.astype(dict.fromkeys(_KEYS, str)).set_index(_KEYS)[list(names)]
    return table.join(scores.rename(columns=names), on=_KEYS)
