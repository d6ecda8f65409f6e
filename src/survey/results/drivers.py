"""Drivers of overall satisfaction: importance beside performance, with resamples."""

from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.disclosure import propagate_suppression
from survey.estimate import DriverMatrix, driver_matrix, priorities
from survey.estimate.arrays import Flags, Floats
from survey.instrument.model import Item
from survey.instrument.question_types import type_of
from survey.results.analysis import STRATUM, WEIGHT
from survey.results.table_columns import ColumnTypes
from survey.results.wave_data import WaveData
from survey.sample.special_groups import ELDERLY, EVERYONE, GUARDIAN, RURAL

OVERALL = "overall"
"""The question about satisfaction on the whole; it never enters the score."""
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
_KEYS = ["area_level", "area", "group", "indicator"]


class DriverStatus(StrEnum):
    """Reason why a domain has no importances."""

    NOTHING_WRONG = ""
    TOO_FEW = "too_few_respondents"
    NO_POINTS = "no_points"
    """Without recorded sampling points there is nothing to resample."""
    CONSTANT = "constant"
    """All respondents gave the same answer to one of the questions."""


_NUMBERS = tuple(dict.fromkeys(("n", *_BOOTSTRAPPED, *FIGURES)))
_COLUMN_TYPES = ColumnTypes((*_KEYS, "reason"), _NUMBERS, {"no_drivers": DriverStatus})


def build_driver_table(source: WaveData, cells: pd.DataFrame) -> pd.DataFrame:
    """Build a row per area, group and lowest-level indicator.

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
    domains = _domains(source)
    scores = _scores(source, overall)
    codes = [name for name in scores.columns if name != OVERALL]
    if source.design.psu is None:
        figures = [_rows_without_drivers(codes, DriverStatus.NO_POINTS) for _ in domains]
    else:
        columns = [WEIGHT, STRATUM, source.design.psu]
        matrix = driver_matrix(
            scores.join(source.people[columns]),
            codes,
            OVERALL,
            source.design,
            domains={
                "/".join(key): rows
                for key, rows in domains.items()
                if rows.sum() >= MIN_DRIVER_RESPONDENTS
            },
            replicates=REPLICATES,
            seed=SEED,
        )
        figures = [
            figures_of(matrix[name], source.level)
            if (name := "/".join(key)) in matrix
            else _rows_without_drivers(codes, DriverStatus.TOO_FEW)
            for key in domains
        ]
    parts = [
        pd.DataFrame({"area_level": level, "area": area, "group": group, **columns_of})
        for (level, area, group), columns_of in zip(domains, figures, strict=True)
    ]
    table = _with_performance(pd.concat(parts, ignore_index=True), cells)
    return _COLUMN_TYPES.cast(propagate_suppression(table, cells, figures=FIGURES))


def _scores(source: WaveData, overall: Item) -> pd.DataFrame:
    """Return scores 0-100 by indicator and for the outcome.

    An indicator of several items has their mean over those answered.
    """
    items: dict[str, list[Item]] = {}
    for item in source.instrument.scored_items:
        items.setdefault(str(item.indicator), []).append(item)
    scores = {code: _mean_score(source.people, own) for code, own in items.items()}
    scores[OVERALL] = _mean_score(source.people, [overall])
    return pd.DataFrame(scores, index=source.people.index)


def _mean_score(people: pd.DataFrame, items: list[Item]) -> Floats:
    total, count = np.zeros(len(people)), np.zeros(len(people))
    for item in items:
        raw = people[item.name].to_numpy(dtype=np.float64, na_value=np.nan)
        low, high = float(item.minimum or 0), float(item.maximum or 0)
        scored = raw >= low
        total += np.where(scored, (raw - low) / (high - low) * _PER_CENT, 0.0)
        count += scored
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _domains(source: WaveData) -> dict[tuple[str, str, str], Flags]:
    """Return who belongs to each (area level, area, group)."""
    members = source.memberships
    domains = {
        ("nation", NATION, group): members[group] for group in DRIVER_GROUPS if group in members
    }
    city = source.areas["city"]
    for code in sorted(set(city)):
        domains["city", str(code), EVERYONE] = city == code
    return domains


def _rows_without_drivers(codes: list[str], why: DriverStatus) -> dict[str, Any]:
    """Return the rows of a domain that has no importances."""
    return {
        "indicator": codes,
        "n": np.nan,
        **dict.fromkeys(_BOOTSTRAPPED, np.nan),
        "no_drivers": why.value,
    }


def figures_of(matrix: DriverMatrix, level: float) -> dict[str, Any]:
    """Return the figures of one domain, a row per indicator."""
    if matrix.n < MIN_DRIVER_RESPONDENTS or matrix.constant:
        few = matrix.n < MIN_DRIVER_RESPONDENTS
        return _rows_without_drivers(
            list(matrix.names), DriverStatus.TOO_FEW if few else DriverStatus.CONSTANT
        )
    share = _shares(matrix.importance)
    first = priorities(matrix.importance, matrix.performance)
    drawn = ~np.isnan(matrix.importances).any(axis=1)
    columns = _rows_without_drivers(list(matrix.names), DriverStatus.NOTHING_WRONG) | {
        "n": matrix.n,
        "r_squared": matrix.r_squared,
        "importance": share,
        "priority": _priority_ranks(first, share * (_PER_CENT - matrix.performance)),
        "replicates": float(drawn.sum()),
    }
    if drawn.sum() < 2:
        return columns
    tail = (1 - level) / 2
    low, high = np.quantile(_shares(matrix.importances[drawn]), [tail, 1 - tail], axis=0)
    again = priorities(matrix.importances[drawn], matrix.performances[drawn])
    return columns | {
        "importance_low": np.minimum(low, columns["importance"]),
        "importance_high": np.maximum(high, columns["importance"]),
        "agreement": again.mean(axis=0) * _PER_CENT,
        "set_agreement": float((again == first).all(axis=1).mean()) * _PER_CENT,
    }


def _priority_ranks(first: Flags, urgency: Floats) -> Floats:
    """Return 1, 2, 3 for the first three, the most urgent first; 0 for the others."""
    positions = np.zeros(len(first))
    order = np.argsort(np.where(first, -urgency, np.inf), kind="stable")[: int(first.sum())]
    positions[order] = np.arange(1, len(order) + 1)
    return positions


def _shares(importance: Floats) -> Floats:
    return np.asarray(importance / importance.sum(axis=-1, keepdims=True) * _PER_CENT)


def _with_performance(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the score of each row and its interval, from its cell."""
    names = {"estimate": "performance", "ci_low": "performance_low", "ci_high": "performance_high"}
    wanted = cells[
        cells["area_level"].isin(["nation", "city"])
        & cells["group"].isin(DRIVER_GROUPS)
        & cells["indicator"].isin(table["indicator"].unique())
    ]
    scores = wanted.astype(dict.fromkeys(_KEYS, str)).set_index(_KEYS)[list(names)]
    return table.join(scores.rename(columns=names), on=_KEYS)
