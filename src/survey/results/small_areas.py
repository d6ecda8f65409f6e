"""Special groups by city: the direct figure with its grade, and the model beside it.

Made from protected tables only, so that a figure hidden there cannot come back from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.estimate import EstimateError, bound_interval, fay_herriot
from survey.estimate.arrays import Flags, Floats, limit_to_one_thread
from survey.estimate.tree import COMPOSITE
from survey.frame.quotas import EVERYONE, SPECIAL_GROUPS
from survey.questionnaire.model import OVERALL
from survey.results.analysis import SCALE
from survey.results.table_columns import ColumnTypes, read_numbers

BANDS = ("age_band", "school_stage")
"""Variables whose groups are the special groups of a supplement."""
MIN_GRADE_A_N, GRADE_A_HALF_WIDTH, MIN_GRADE_B_N = 100, 3.0, 30
MIN_CITIES = 20
"""Fewest cities with a direct figure for a model; fewer do not say how much cities differ."""
_COPIED = ("n", "estimate", "se", "ci_low", "ci_high", "df", "status", "shown", "reason")


class Reliability(StrEnum):
    """Grade of reliability of a direct estimate, A the best."""

    A = "A"
    B = "B"
    C = "C"
    SUPPRESSED = "suppressed"


class ModelBasis(StrEnum):
    """Basis of a model figure: the city's own answers and the model, or the model alone."""

    NONE = ""
    MIXED = "mixed"
    """The city's own answers and the model."""
    SYNTHETIC = "synthetic"
    """The model alone: the group's own answers in this city took no part."""


class ModelStatus(StrEnum):
    """Reason why a group has no model figure in a city."""

    NOTHING_WRONG = ""
    NO_SCORE_OF_THE_CITY = "no_score_of_the_city"
    NO_SCORE_OF_THE_NATION = "no_score_of_the_nation"
    TOO_FEW_CITIES = "too_few_cities"
    NO_CONVERGENCE = "no_convergence"


_KEYS = ("area_level", "area", "group", "indicator")
_MODEL = ("model", "mse", "model_low", "model_high", "shrinkage", "adjustment")
_COLUMN_TYPES = ColumnTypes(
    texts=(*_KEYS, "status", "reason"),
    numbers=("n", "estimate", "se", "ci_low", "ci_high", "df", *_MODEL),
    choices={"grade": Reliability, "model_basis": ModelBasis, "no_model": ModelStatus},
)


@dataclass(frozen=True)
class _Inputs:
    """Inputs of the model: one group and indicator over all cities, NaN where hidden."""

    direct: pd.DataFrame
    """Cells of the group, by city."""
    own: pd.DataFrame
    """Cells of everyone in the city."""
    gap_variance: pd.Series
    """se squared of the group less the rest of the city."""
    nation: float
    nation_share: float
    """Part of the nation's weight that the group carries."""

    @property
    def benchmark_weight(self) -> Floats:
        """Group's sum of weights by city for the benchmark; estimated where it is hidden.

        Where the cell is hidden, the group's national share of the city's weight: the true one
        would tell how many people are in the cell.
        """
        weight = read_numbers(self.direct, "sum_weight")
        expected = self.nation_share * read_numbers(self.own, "sum_weight")
        return np.where(np.isnan(weight), expected, weight)

    @property
    def share(self) -> Floats:
        """Group's share of the city's sum of weights, by city."""
        return read_numbers(self.direct, "sum_weight") / read_numbers(self.own, "sum_weight")


def build_small_area_table(
    cells: pd.DataFrame,
    gaps: pd.DataFrame,
    cities: pd.DataFrame,
    *,
    series: str,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return direct and model figures by special group, indicator and city of a `series`' wave.

    Args:
        cells, gaps: the protected tables of a wave.
        cities: the frame of cities by code: `region3`, `city_class`.

    Returns:
        area_level, area, group, indicator; the direct figure as in `cells` (n, estimate, se,
        ci_low, ci_high, df, status, shown, reason) with its `grade`; the model's `model`, `mse`,
        `model_low`, `model_high`, `shrinkage` (weight of the direct figure, 0 to 1),
        `adjustment` (what the benchmark added), `model_basis` and `no_model` (why there is none).

    Source: Fay and Herriot (1979) on the difference between group and city; docs/statistics.md,
    "Small groups by city".
    """
    groups = select_special_groups(_list_occurring(cells["group"]), series)
    indicators = _list_modelled_indicators(cells)
    everyone = _index_by_city(cells, [EVERYONE], indicators)
    special = _index_by_city(cells, groups, indicators)
    contrasts = _index_by_city(gaps[gaps["contrast"] == "rest"], groups, indicators)
    country = _split_by_group(_select_area_rows(cells, "nation", [EVERYONE, *groups], indicators))
    parts = []
    for (group, indicator), direct in special.items():
        codes = direct.index
        contrast = contrasts.get((group, indicator), pd.DataFrame({"se": []}, dtype=float))
        whole, part = (
            _numbers_of(country, (group_code, indicator)) for group_code in (EVERYONE, group)
        )
        inputs = _Inputs(
            direct=direct,
            own=everyone[EVERYONE, indicator].reindex(codes),
            gap_variance=contrast["se"].reindex(codes) ** 2,
            nation=part["estimate"],
            nation_share=part["sum_weight"] / whole["sum_weight"],
        )
        keys = {"area_level": "city", "area": codes, "group": group, "indicator": indicator}
        with limit_to_one_thread():
            model = _fit_model(inputs, cities.reindex(codes), level)
        columns: dict[str, Any] = {**keys, "grade": grade_cells(direct), **model}
        parts.append(pd.DataFrame({**direct[list(_COPIED)], **columns}))
    if not parts:
        return _COLUMN_TYPES.empty([*_COPIED, *_KEYS, *_COLUMN_TYPES.choices, *_MODEL])
    return _COLUMN_TYPES.cast(pd.concat(parts, ignore_index=True))


def select_modelled_gaps(gaps: pd.DataFrame, series: str) -> pd.DataFrame:
    """Return the differences of special groups by city that `build_small_area_table` needs."""
    groups = select_special_groups(_list_occurring(gaps["group"]), series)
    rows = _select_area_rows(gaps, "city", groups, _list_modelled_indicators(gaps))
    return rows[["contrast", *_KEYS, "se"]]


def grade_cells(cells: pd.DataFrame) -> NDArray[np.str_]:
    """Return the reliability grade of the direct estimate in each row of a protected table.

    A from 100 respondents with a half-width of at most 3 points, B from 30, C from 10; a figure
    without an interval is C at best.
    """
    n = read_numbers(cells, "n")
    half = (read_numbers(cells, "ci_high") - read_numbers(cells, "ci_low")) / 2
    return np.select(
        [
            ~cells["shown"].to_numpy(dtype=bool),
            (n >= MIN_GRADE_A_N) & (half <= GRADE_A_HALF_WIDTH),
            (n >= MIN_GRADE_B_N) & ~np.isnan(half),
        ],
        [Reliability.SUPPRESSED.value, Reliability.A.value, Reliability.B.value],
        default=Reliability.C.value,
    )


def pooled_variance(variance: Floats, n: Floats, df: Floats) -> Floats:
    """Return smoothed sampling variances by city: the pooled variance of one respondent, over n.

    They are the mean per respondent, weighted by df, over n. A single city's variance rests on a
    dozen sampling points and is itself little known; taken as it is, a city whose points happen to
    agree would count for more than it knows.
    """
    known = (variance > 0) & (n > 0) & (df > 0)
    if not known.any():
        return np.full_like(variance, np.nan)
    each = np.sum((df * variance * n)[known]) / np.sum(df[known])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(each / n)


def _fit_model(inputs: _Inputs, cities: pd.DataFrame, level: float) -> dict[str, Any]:
    """Fit the Fay–Herriot model of one group and indicator; `cities` give its covariates."""
    none = {**dict.fromkeys(_MODEL, np.nan), "model_basis": ModelBasis.NONE.value}
    own = read_numbers(inputs.own, "estimate")
    own_variance = pooled_variance(
        read_numbers(inputs.own, "se") ** 2,
        read_numbers(inputs.own, "n"),
        read_numbers(inputs.own, "df"),
    )
    difference, variance = _smooth_differences(inputs, own)
    given = ~np.isnan(own) & ~np.isnan(own_variance)
    seen = given & ~np.isnan(difference)
    if np.isnan(inputs.nation) or np.isnan(inputs.nation_share):
        return {**none, "no_model": ModelStatus.NO_SCORE_OF_THE_NATION.value}
    if seen.sum() < MIN_CITIES:
        return {**none, "no_model": ModelStatus.TOO_FEW_CITIES.value}
    index = inputs.direct.index
    try:
        fitted = fay_herriot(
            pd.Series(np.where(seen, difference, np.nan), index),
            pd.Series(np.where(seen, variance, np.nan), index),
            _build_covariates(cities, seen),
            likelihood="adjusted",
        )
    except EstimateError:
        return {**none, "no_model": ModelStatus.NO_CONVERGENCE.value}
    # A hidden city has a model figure whether or not anybody of the group was interviewed there:
    # without one, its absence would say that nobody was.
    why = np.where(given, ModelStatus.NOTHING_WRONG.value, ModelStatus.NO_SCORE_OF_THE_CITY.value)
    raw = own + fitted.eblup.to_numpy()
    # What brings the weighted mean of the model figures to the group's direct one.
    counted = given & (inputs.benchmark_weight > 0)
    weight = inputs.benchmark_weight[counted]
    adjustment = inputs.nation - float(np.average(raw[counted], weights=weight))
    model = np.where(given, np.clip(raw + adjustment, 0, SCALE), np.nan)
    mse = np.where(given, fitted.mse.to_numpy() + own_variance + adjustment**2, np.nan)
    low, high = bound_interval(
        model, np.sqrt(mse), np.inf, read_numbers(inputs.own, "n"), level=level
    )
    basis = np.where(seen, ModelBasis.MIXED.value, ModelBasis.SYNTHETIC.value)
    return {
        "model": model,
        "mse": mse,
        "model_low": low,
        "model_high": high,
        "shrinkage": np.where(given, fitted.shrinkage.to_numpy(), np.nan),
        "adjustment": np.where(given, adjustment, np.nan),
        "model_basis": np.where(given, basis, ModelBasis.NONE.value),
        "no_model": why,
    }


def _smooth_differences(inputs: _Inputs, own: Floats) -> tuple[Floats, Floats]:
    """Return group less whole city (`own`: its scores) and smoothed variance, NaN where unknown.

    A group less its whole city is (1 - share) times the group less the rest.
    """
    direct, rest = inputs.direct, 1 - inputs.share
    n = read_numbers(direct, "n")
    raw = rest**2 * inputs.gap_variance.to_numpy(dtype=float)
    known = (read_numbers(direct, "se") > 0) & (raw > 0)
    difference = np.where(known, read_numbers(direct, "estimate") - own, np.nan)
    smooth = pooled_variance(raw / np.where(known, rest, np.nan), n, read_numbers(direct, "df"))
    return difference, np.where(known, rest * smooth, np.nan)


def _build_covariates(cities: pd.DataFrame, seen: Flags) -> pd.DataFrame:
    """Return dummy variables of region and class that the cities `seen` (flags) tell apart.

    Those are left out that cities with a direct figure cannot tell apart from the ones before.
    """
    coded = pd.get_dummies(
        cities[["region3", "city_class"]].astype(object), drop_first=True, dtype=float
    )
    kept: list[str] = []
    for name in coded.columns:
        tried = np.column_stack([np.ones(seen.sum()), coded.loc[seen, [*kept, name]]])
        if np.linalg.matrix_rank(tried) == len(kept) + 2:
            kept.append(name)
    return coded[kept]


def select_special_groups(groups: Sequence[str], series: str) -> list[str]:
    """Return the groups of `groups` that are modelled by city in a wave of the series.

    They are followed city by city.
    """
    if series == "main":
        return [group for group in SPECIAL_GROUPS if group in groups]
    return [group for group in groups if group.partition("=")[0] in BANDS]


def _list_modelled_indicators(cells: pd.DataFrame) -> list[str]:
    """Return the modelled indicators: composite and levels 1 and 2, or overall satisfaction."""
    known = _list_occurring(cells["indicator"])
    if COMPOSITE not in known:
        return [OVERALL] if OVERALL in known else []
    scored = [code for code in known if code[:1].isdigit() and code.count(".") < 2]
    return [COMPOSITE, *scored]


def _list_occurring(keys: pd.Series) -> list[str]:
    """Return the distinct values of a column as texts, in order of first occurrence."""
    return [str(key) for key in keys.unique()]


def _index_by_city(
    table: pd.DataFrame, groups: Sequence[str], indicators: Sequence[str]
) -> dict[tuple[str, str], pd.DataFrame]:
    """Return (group, indicator) -> rows of the cities, indexed by city code and sorted."""
    parts = _split_by_group(_select_area_rows(table, "city", groups, indicators))
    wanted = [(group, indicator) for group in groups for indicator in indicators]
    return {key: parts[key].sort_index() for key in wanted if key in parts}


def _select_area_rows(
    table: pd.DataFrame, area_level: str, groups: Sequence[str], indicators: Sequence[str]
) -> pd.DataFrame:
    return table[
        (table["area_level"] == area_level)
        & table["group"].isin(groups)
        & table["indicator"].isin(indicators)
    ]


def _split_by_group(rows: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Return (group, indicator) -> its rows of `rows`, indexed by area code."""
    texts = rows.astype({"area": str, "group": str, "indicator": str})
    parts = texts.groupby(["group", "indicator"], sort=False)
    return {(str(a), str(b)): part.set_index("area") for (a, b), part in parts}


def _numbers_of(parts: dict[tuple[str, str], pd.DataFrame], key: tuple[str, str]) -> pd.Series:
    """Return estimate and sum of weights of the only row under `key`; NaN without that key."""
    if key not in parts:
        return pd.Series({"estimate": np.nan, "sum_weight": np.nan})
    return parts[key][["estimate", "sum_weight"]].astype(float).iloc[0]
