"""Weighted means and shares of variables in domains."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from survey.estimate.arrays import Floats
from survey.estimate.design import Design, Sample, get_column, numbers
from survey.estimate.domains import Domains, describe, long_table
from survey.estimate.errors import EstimateError
from survey.estimate.inference import (
    DEFF_CHOICES,
    ROUNDING_TOLERANCE,
    Deff,
    Inference,
    effective_n,
    infer_linear,
)
from survey.estimate.intervals import bound_share
from survey.estimate.variance import t_quantile

ShareMethod = Literal["logit", "beta", "wald"]


def estimate(
    frame: pd.DataFrame,
    variables: str | Sequence[str],
    design: Design,
    *,
    by: str | Sequence[str] = (),
    level: float = 0.95,
    deff: Deff = "replace",
) -> pd.DataFrame:
    """Estimate weighted means of `variables` by domain (columns `by`), with design-based errors.

    Args:
        frame: one row per respondent.
        variables: numeric columns; missing values are dropped per variable, never listwise.
        design: the columns that carry weights, strata and PSUs.
        by: columns whose combinations are the domains. Combinations found in the frame appear,
            and every category of categorical columns; rows with a missing key are in no domain.
        level: coverage of the t interval on `df` degrees of freedom.
        deff: variance over that of a simple random sample drawn with replacement ("replace", R:
            `deff="replace"`) or without ("without" or True, R: `deff=TRUE`).

    Returns:
        One row per (by…, variable): estimate, se, ci_low, ci_high in the variable's unit; df
        (PSUs with members less strata with members); n (respondents with a value, whatever their
        weight); n_psu; sum_weight; deff; status ("ok", "unreliable": df < 8 or n < 30,
        "not_estimable": no standard error, "empty": no value). `attrs` names one-PSU strata and
        an assumed deff.

    Raises:
        EstimateError: a column is absent or unusable, a weight is missing or negative, or a
            one-PSU stratum meets the rule `fail`.

    Source: Lumley, *Complex Surveys* (2010); R `survey` 4.4 `svymean`, `svyby`.
    """
    names = names_of(variables)
    check_deff(deff)
    sample = Sample.read(frame, design)
    domains = Domains.read(frame, names_of(by))
    inference = infer_linear(
        sample, domains, matrix(frame, names), np.eye(len(names)), level=level, deff=deff
    )
    return describe(long_table(domains, names, inference.columns()), sample)


def share(
    frame: pd.DataFrame,
    variable: str,
    design: Design,
    *,
    by: str | Sequence[str] = (),
    method: ShareMethod = "logit",
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the weighted share of rows with `variable` = 1 by domain; `method`: of interval.

    Args:
        variable: a column of 0, 1 (or False, True) and missing.
        method: interval. "logit": t interval on the log odds (R `svyciprop(method="logit")`);
            "beta": Clopper–Pearson on the effective sample size (Korn and Graubard 1998; R
            `method="beta"`); "wald": symmetric t interval. Whatever the method, a share of
            exactly 0 or 1 gets the interval of `bound_share`, because its estimated variance is 0
            and says nothing: on n over the design effect pooled over the domains, or where nobody
            in any differed on Kish's effective n (over the assumed deff, where there is one).

    Returns:
        The columns of `estimate`; estimate, se and interval are shares between 0 and 1.

    Raises:
        EstimateError: as `estimate`; or a value other than 0, 1 and missing; or an unknown method.
    """
    if method not in INTERVALS:
        raise EstimateError("not_a_choice", name="method", choices=tuple(INTERVALS), value=method)
    values = _read_binary(frame, variable)
    sample = Sample.read(frame, design)
    domains = Domains.read(frame, names_of(by))
    inference = infer_linear(sample, domains, values, np.eye(1), level=level)
    low, high = INTERVALS[method](inference, level)
    none, every = (
        inference.estimate < ROUNDING_TOLERANCE,
        inference.estimate > 1 - ROUNDING_TOLERANCE,
    )
    size = effective_n(sample, domains, values) / (sample.assumed_deff or 1.0)
    variance = np.nansum(inference.se**2)
    if variance > 0:
        simple = np.nansum(inference.se**2 / inference.deff)
        size = inference.n / max(variance / simple, 1.0)
    bounds = bound_share(inference.estimate, size, level=level)
    columns = inference.columns()
    columns["estimate"] = np.select([none, every], [0.0, 1.0], inference.estimate)
    agreed = (none | every) & (inference.df >= 1)
    columns["ci_low"], columns["ci_high"] = (
        np.where(agreed, bound, end) for bound, end in zip(bounds, (low, high), strict=True)
    )
    return describe(long_table(domains, [variable], columns), sample)


def _read_binary(frame: pd.DataFrame, variable: str) -> Floats:
    if isinstance(get_column(frame, variable).dtype, pd.CategoricalDtype):
        raise EstimateError("not_numeric", column=variable)
    values = matrix(frame, [variable])
    odd = values[~np.isnan(values) & (values != 0) & (values != 1)]
    if odd.size:
        raise EstimateError("not_binary", column=variable, value=float(odd[0]))
    return values


def _bound_by_logit(inference: Inference, level: float) -> tuple[Floats, Floats]:
    p = inference.estimate
    with np.errstate(divide="ignore", invalid="ignore"):
        margin = t_quantile(inference.df, level) * inference.se / (p * (1 - p))
        centre: Floats = special.logit(p)
        return _apply_expit(centre - margin), _apply_expit(centre + margin)


def _apply_expit(x: Floats) -> Floats:
    return np.asarray(special.expit(x), dtype=np.float64)


def _bound_by_beta(inference: Inference, level: float) -> tuple[Floats, Floats]:
    p, alpha = inference.estimate, 1 - level
    with np.errstate(divide="ignore", invalid="ignore"):
        adjust = t_quantile(inference.n - 1, level) / t_quantile(inference.df, level)
        size = p * (1 - p) / inference.se**2 * adjust**2
        low = special.betaincinv(size * p, size * (1 - p) + 1, alpha / 2)
        high = special.betaincinv(size * p + 1, size * (1 - p), 1 - alpha / 2)
    return low.astype(np.float64), high.astype(np.float64)


def _bound_by_wald(inference: Inference, _: float) -> tuple[Floats, Floats]:
    return inference.ci_low, inference.ci_high


INTERVALS: dict[str, Callable[[Inference, float], tuple[Floats, Floats]]] = {
    "logit": _bound_by_logit,
    "beta": _bound_by_beta,
    "wald": _bound_by_wald,
}


def names_of(columns: str | Sequence[str]) -> list[str]:
    """Return column names as a list; raise an error if one is given twice."""
    if not isinstance(columns, str | Iterable):
        raise EstimateError("missing_column", column=columns)
    names = [columns] if isinstance(columns, str) else list(columns)
    for name in names:
        if names.count(name) > 1:
            raise EstimateError("duplicate_variable", column=name)
    return names


def matrix(frame: pd.DataFrame, names: Sequence[str]) -> Floats:
    """Return columns as one float64 matrix with NaN for missing, shape (n, K)."""
    if not names:
        raise EstimateError("no_variables")
    return np.column_stack([numbers(frame, name) for name in names])


def check_deff(deff: Deff) -> None:
    if deff is not True and deff not in DEFF_CHOICES:
        raise EstimateError("not_a_choice", name="deff", choices=DEFF_CHOICES, value=deff)
