"""Indicator scores: raw answers on 0–100, and the tree's weights applied to them."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from survey.estimate.arrays import Floats, group_sum
from survey.estimate.design import Design, Sample, numbers
from survey.estimate.domains import Domains, describe, long_table
from survey.estimate.errors import EstimateError
from survey.estimate.estimate import check_deff, matrix, names_of
from survey.estimate.inference import Deff, infer_linear
from survey.estimate.tree import Tree
from survey.estimate.variance import STATUSES

Composite = Literal["item_means", "per_respondent"]
COMPOSITES = ("item_means", "per_respondent")


def to_scores(
    frame: pd.DataFrame, items: Sequence[str], *, minimum: int = 1, maximum: int = 10
) -> pd.DataFrame:
    """Return a copy of `frame` with `items` on 0–100 instead of minimum … maximum; negatives NaN.

    The negative codes (don't know, not experienced, refused, not asked, missing) are distinct
    reasons for having no score; all are NaN here.

    Raises:
        EstimateError: a value that is neither negative, missing nor on the scale.
    """
    scored = {item: rescale(frame, item, minimum, maximum) for item in items}
    return frame.assign(**scored)


def rescale(frame: pd.DataFrame, item: str, minimum: int, maximum: int) -> Floats:
    """Return raw answers from minimum … maximum as scores 0–100, NaN where negative, shape (n,)."""
    raw = numbers(frame, item)
    odd = (raw >= 0) & ((raw < minimum) | (raw > maximum))
    if odd.any():
        raise EstimateError(
            "raw_range", column=item, value=float(raw[odd][0]), minimum=minimum, maximum=maximum
        )
    return np.where(raw < 0, np.nan, (raw - minimum) / (maximum - minimum) * 100)


def estimate_tree(
    frame: pd.DataFrame,
    tree: Tree | pd.DataFrame,
    design: Design,
    *,
    by: str | Sequence[str] = (),
    composite: Composite = "item_means",
    level: float = 0.95,
    deff: Deff = "replace",
    renormalise: bool = False,
) -> pd.DataFrame:
    """Estimate every indicator and the composite of `tree` in each domain (values of `by`).

    Args:
        frame: item columns are scores on 0–100 with NaN for no score (see `to_scores`).
        tree: indicators, weights and the items that feed them; or a table for
            `Tree.from_frame`, whose indicators without children are then the item columns.
        composite: "item_means" (A): theta = sum_k omega_k ybar_k; "per_respondent" (B): each
            respondent's omega-weighted mean over the items answered, then averaged.
        renormalise: declared policy for an item without a single score in the domain: spread its
            weight over the others. Otherwise every indicator above it is "empty".

    Returns:
        The columns of `estimate`; `variable` holds the indicator codes in the tree's order and
        then "composite". n, n_psu, df and sum_weight count respondents who score at least one
        item of the indicator. `attrs` records composite and renormalise.

    Raises:
        EstimateError: as `estimate`; or an item holds negative values (raw codes).

    Source: statistics.md, "Scores" and "Standard errors"; agrees with R `svycontrast`.
    """
    check_composite(composite)
    check_deff(deff)
    if isinstance(tree, pd.DataFrame):
        tree = Tree.from_frame(tree)
    sample = Sample.read(frame, design)
    domains = Domains.read(frame, names_of(by))
    values = score_matrix(frame, tree)
    if composite == "item_means":
        inference = infer_linear(
            sample, domains, values, tree.omega, level=level, deff=deff, renormalise=renormalise
        )
        columns = inference.columns()
    else:
        respondents = respondent_scores(values, tree.omega)
        inference = infer_linear(
            sample, domains, respondents, np.eye(len(tree.omega)), level=level, deff=deff
        )
        columns = inference.columns()
        if not renormalise:
            incomplete = _find_incomplete(sample, domains, values, tree.omega)
            for name in ("estimate", "se", "ci_low", "ci_high", "deff"):
                columns[name] = np.where(incomplete, np.nan, columns[name])
            columns["status"] = np.where(incomplete, STATUSES.index("empty"), columns["status"])
    table = describe(long_table(domains, tree.variables, columns), sample)
    table.attrs |= {"composite": composite, "renormalise": renormalise}
    return table


def check_composite(composite: str) -> None:
    if composite not in COMPOSITES:
        raise EstimateError("not_a_choice", name="composite", choices=COMPOSITES, value=composite)


def statistics_of(
    frame: pd.DataFrame, variables: str | Sequence[str] | Tree
) -> tuple[list[str], Floats, Floats]:
    """Return names (T), values (n, K) and weights (T, K) of columns or of a tree's indicators."""
    if isinstance(variables, Tree):
        return list(variables.variables), score_matrix(frame, variables), variables.omega
    names = names_of(variables)
    return names, matrix(frame, names), np.eye(len(names))


def score_matrix(frame: pd.DataFrame, tree: Tree) -> Floats:
    """Return the scores of the tree's items, shape (n, K); raise an error for raw codes."""
    values = matrix(frame, tree.item_columns)
    lowest = np.fmin.reduce(values, axis=0, initial=np.inf)
    if (lowest < 0).any():
        worst = int(np.argmin(lowest))
        raise EstimateError(
            "raw_codes", column=tree.item_columns[worst], value=float(lowest[worst])
        )
    return values


def respondent_scores(values: Floats, omega: Floats) -> Floats:
    """Return each row's mean of the items answered, weighted by `omega`, rows × statistics."""
    scored = ~np.isnan(values)
    weight = scored @ omega.T
    total = np.where(scored, values, 0.0) @ omega.T
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)


def _find_incomplete(sample: Sample, domains: Domains, values: Floats, omega: Floats) -> np.ndarray:
    """Return flags, domains × statistics, where an item of the statistic has no score at all."""
    inside = np.flatnonzero((domains.code >= 0) & (sample.weight > 0))
    scores = group_sum(
        domains.code[inside], (~np.isnan(values[inside])).astype(np.float64), domains.count
    )
    return np.asarray((scores == 0).astype(np.float64) @ (omega != 0).T > 0)
