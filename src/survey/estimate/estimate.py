"""Weighted means of variables in domains."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from survey.estimate.arrays import Floats
from survey.estimate.design import Design, Sample, numbers
from survey.estimate.domains import Domains
from survey.estimate.errors import EstimateError
from survey.estimate.inference import DEFF_CHOICES, Deff, infer_linear
from survey.estimate.tables import describe, long_table


def estimate(
    frame: pd.DataFrame,
    variables: str | Sequence[str],
    design: Design,
    *,
    by: str | Sequence[str] = (),
    level: float = 0.95,
    deff: Deff = "replace",
) -> pd.DataFrame:
    """Estimate the weighted mean of each variable in each domain, with its design-based error.

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


def names_of(columns: str | Sequence[str]) -> list[str]:
    """Return a list of distinct column names."""
    if not isinstance(columns, str | Iterable):
        raise EstimateError("missing_column", column=columns)
    names = [columns] if isinstance(columns, str) else list(columns)
    for name in names:
        if names.count(name) > 1:
            raise EstimateError("duplicate_variable", column=name)
    return names


def matrix(frame: pd.DataFrame, names: Sequence[str]) -> Floats:
    """Return columns as float64 with NaN for missing, shape (n, K)."""
    if not names:
        raise EstimateError("no_variables")
    return np.column_stack([numbers(frame, name) for name in names])


def check_deff(deff: Deff) -> None:
    if deff is not True and deff not in DEFF_CHOICES:
        raise EstimateError("not_a_choice", name="deff", choices=DEFF_CHOICES, value=deff)
