"""Disclosure gate, which decides the cells of a table that may be shown and blanks the others.

The rules, in this order: fewer than `minimum` respondents; one and the same sensitive answer; a
difference of fewer than `minimum` people from another cell; and whatever else must be hidden so
that these cannot be worked out. `docs/disclosure.md` has the formulas.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.disclosure.differencing import Overlaps
from survey.disclosure.interval_audit import IntervalAuditor
from survey.disclosure.secondary import AnswerSides, SuppressionCube, add_secondary_suppression
from survey.disclosure.suppression import (
    MINIMUM_N,
    AdditiveTotal,
    CubeAxes,
    Floats,
    Key,
    Numbers,
    SuppressionReason,
    add_remainder_cells,
    apply_suppression,
    fill_remainders,
)
from survey.estimate.arrays import limit_to_one_thread

_CODE = {reason: np.int8(place) for place, reason in enumerate(SuppressionReason)}


def protect(
    table: pd.DataFrame,
    *,
    n: str = "n",
    by: Sequence[str] = (),
    totals: Sequence[AdditiveTotal] = (),
    overlaps: Overlaps | None = None,
    answer: NDArray[np.float64] | None = None,
    sides: AnswerSides | None = None,
    counts: Sequence[str] = (),
    minimum: int = MINIMUM_N,
    auditor: IntervalAuditor | None = None,
    kept: NDArray[np.bool_] | None = None,
    axes: CubeAxes | None = None,
    once_hidden: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Return a copy of `table` after all disclosure rules, with `shown`, `reason`, nulls if hidden.

    A row is hidden when the unweighted count in column `n`, or in any further column of `counts`
    (the other side of a comparison), is below `minimum`; the count itself is blanked as well.
    Without `by` that is all.

    Args:
        by: key columns that name a cell.
        totals: which cells add up to which.
        overlaps: pairs of rows whose respondents are nearly or entirely the same.
        answer: for each row the one answer that all its respondents gave to a sensitive question;
            null where they differ or the question is not sensitive.
        sides: people on the sides of rates, cells in the order of the rows.
        auditor: looks at the intervals of hidden counts; what it still finds too narrow once no
            further cell can be hidden is in its `narrow`.
        kept: rows that readers see elsewhere: to hide them here would protect nothing, so other
            rows are hidden instead. One with too few respondents is hidden all the same.
        axes: of `table`, `by` and `totals`, where several counts of the same cells are protected.
        once_hidden: rows that earlier tables hid; they stay hidden, and are protected like others.

    Raises:
        ValueError: two rows with the same keys, or parts with more respondents than their whole.
    """
    reasons = find_small_counts(table, n=n, counts=counts, minimum=minimum)
    if by and len(table):
        if once_hidden is not None:
            reasons[(reasons == 0) & once_hidden] = _CODE[SuppressionReason.SECONDARY]
        size = np.nan_to_num(table[n].to_numpy(dtype=float))
        axes = axes or CubeAxes(table, by, totals)
        given = answer if answer is not None else np.full(len(table), np.nan)
        pairs = overlaps or Overlaps.none()
        if kept is None:
            kept = np.zeros(len(table), dtype=bool)
        with limit_to_one_thread():
            reasons = _apply_further_rules(
                reasons, axes, size, given, sides, totals, pairs, minimum, auditor, kept
            )
    return apply_suppression(table, reasons)


def find_small_counts(
    table: pd.DataFrame, *, n: str = "n", counts: Sequence[str] = (), minimum: int = MINIMUM_N
) -> NDArray[np.int8]:
    """Return each row's reason code (shown, empty, too few) by the least of `n` and `counts`."""
    least = np.nan_to_num(table[n].to_numpy(dtype=float))
    for other in counts:
        least = np.minimum(least, np.nan_to_num(table[other].to_numpy(dtype=float)))
    few = np.where(least == 0, _CODE[SuppressionReason.EMPTY], _CODE[SuppressionReason.TOO_FEW])
    return np.where(least < minimum, few, _CODE[SuppressionReason.SHOWN]).astype(np.int8)


def _apply_further_rules(
    reasons: NDArray[np.int8],
    axes: CubeAxes,
    size: Floats,
    answer: Floats,
    sides: AnswerSides | None,
    totals: Sequence[AdditiveTotal],
    overlaps: Overlaps,
    minimum: int,
    auditor: IntervalAuditor | None,
    kept: NDArray[np.bool_],
) -> NDArray[np.int8]:
    """Return reason codes after the rules on answers, differencing and secondary suppression."""
    reasons = reasons.copy()
    counted = axes.cube(size, 0).astype(np.int64)
    declared = axes.relations(totals)
    n, relations = add_remainder_cells(counted, declared)
    # Its respondents, at most over axes that do not add up: the choice is the same for every
    # indicator, so that none tells what another hides.
    adding = {relation.axis for relation in relations if not relation.mixture}
    others = tuple(axis for axis in range(n.ndim) if axis not in adding)
    cost = np.broadcast_to(n.max(axis=others, keepdims=True), n.shape) if others else n
    at = axes.positions
    shown = reasons == _CODE[SuppressionReason.SHOWN]
    tells = ~np.isnan(answer) if sides is None else ~np.isnan(answer) | sides.telling
    reasons[shown & tells] = _CODE[SuppressionReason.UNANIMOUS]
    smaller = _select_smaller_rows(overlaps.near, cost[at], axes.rows, reasons)
    reasons[smaller] = _CODE[SuppressionReason.DIFFERENCING]
    hidden = (n > 0) & (n < minimum)
    hidden[at] |= reasons > 0
    answers = np.full(n.shape, np.nan)
    answers[at] = answer
    positions = np.ravel_multi_index(at, n.shape).astype(np.int64)
    listed = np.zeros(n.shape, dtype=bool)
    listed[at] = True
    few = (n > 0) & (n < minimum)
    stays = np.zeros(n.shape, dtype=bool)
    stays[at] = kept
    if sides is not None:
        by_place = np.zeros((len(sides.counts), *n.shape))
        with np.errstate(invalid="ignore"):
            for values, count in zip(by_place, sides.counts, strict=True):
                values[at] = count
                fill_remainders(values, declared, relations)
        sides = replace(sides, counts=by_place.reshape(len(by_place), -1))
    same = positions[overlaps.same]
    cube = SuppressionCube(n, few, answers, cost, same, minimum, listed, stays, sides)
    after = add_secondary_suppression(cube, hidden, relations, auditor)[at]
    reasons[after & (reasons == _CODE[SuppressionReason.SHOWN])] = _CODE[
        SuppressionReason.SECONDARY
    ]
    return reasons


def audit_published(
    published: pd.DataFrame,
    counts: Numbers,
    *,
    by: Sequence[str],
    totals: Sequence[AdditiveTotal],
    auditor: IntervalAuditor,
) -> None:
    """Record in `auditor` how closely the true `counts` of hidden rows can be bounded by readers.

    Args:
        published: keys `by`, `shown`, and `n` where it is shown.
        counts: the true respondents of every row; they say which cells have somebody to protect,
            and which totals have respondents in none of their parts.
    """
    axes = CubeAxes(published, by, totals)
    n, relations = add_remainder_cells(
        axes.cube(counts.astype(float), 0).astype(np.int64), axes.relations(totals)
    )
    shown = published["shown"].to_numpy(dtype=bool)
    known, target = np.full(n.shape, np.nan), np.zeros(n.shape, dtype=bool)
    known[axes.positions] = np.where(shown, published["n"].to_numpy(dtype=float), np.nan)
    target[axes.positions] = ~shown & (counts > 0)
    with limit_to_one_thread():
        auditor.narrow_cells(known, target, relations)


def narrow_keys(
    table: pd.DataFrame,
    by: Sequence[str],
    totals: Sequence[AdditiveTotal],
    auditor: IntervalAuditor,
) -> list[Key]:
    """Return the keys `by` of rows whose hidden counts `auditor` found bounded too narrowly."""
    if not auditor.narrow:
        return []
    axes = CubeAxes(table, by, totals)
    row = {place: number for number, place in enumerate(zip(*axes.positions, strict=True))}
    keys = table[list(by)].astype(str)
    return [tuple(keys.iloc[row[cell.position]]) for cell in auditor.narrow]


def _select_smaller_rows(
    pairs: Numbers, cost: Numbers, order: Numbers, reasons: NDArray[np.int8]
) -> Numbers:
    """Return the row to hide of each shown pair: of lower `cost`, of ties the later in `order`."""
    open_pairs = pairs[(reasons[pairs] == _CODE[SuppressionReason.SHOWN]).all(axis=1)]
    row, other = open_pairs[:, 0], open_pairs[:, 1]
    first = (cost[row] < cost[other]) | ((cost[row] == cost[other]) & (order[row] > order[other]))
    smaller: Numbers = np.where(first, row, other)
    return smaller
