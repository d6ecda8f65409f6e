"""The audit by linear programming: small tables worked out by hand."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from survey.disclosure import (
    AdditiveTotal,
    IntervalAuditor,
    audit_published,
    narrow_keys,
    protect,
    secondary,
)
from survey.disclosure.count_bounds import ContradictoryCountsError, CountModel, bound_counts
from survey.disclosure.suppression import CubeAxes, Relation
from tests.disclosure.tables import KEYS, Survey, totals

NAN = np.nan


def relation(axis: int, *members: int) -> Relation:
    return Relation(axis, np.array(members, dtype=np.int64), mixture=False)


SUMS = [relation(axis, 0, 1, 2) for axis in (0, 1)]
"""A whole and two parts along both axes of a table of 3 x 3."""


def narrow_of(
    known: list[list[float]], relations: list[Relation], minimum: int = 10
) -> dict[tuple[int, ...], tuple[int, int]]:
    counts = np.array(known)
    auditor = IntervalAuditor(minimum=minimum)
    flags = auditor.narrow_cells(counts, np.isnan(counts), relations)
    intervals = {cell.position: (cell.low, cell.high) for cell in auditor.narrow}
    assert {tuple(place) for place in np.argwhere(flags).tolist()} == set(intervals)
    return intervals


def test_a_single_hidden_part_is_known_exactly() -> None:
    assert narrow_of([[30, 30, 0], [23, 23, 0], [7, NAN, 0]], SUMS) == {(2, 1): (7, 7)}


def test_two_hidden_parts_with_a_large_sum_hide_each_other() -> None:
    """40 = 25 + a + b: either has 0 to 15."""
    assert narrow_of([[40.0], [25], [NAN], [NAN]], [relation(0, 0, 1, 2, 3)]) == {}


def test_two_hidden_parts_with_a_small_sum_do_not() -> None:
    known = [[32.0], [25], [NAN], [NAN]]
    assert narrow_of(known, [relation(0, 0, 1, 2, 3)]) == {(2, 0): (0, 7), (3, 0): (0, 7)}


def test_rows_and_columns_together_tell_what_neither_does() -> None:
    """Each hidden row has 30 people and each hidden column 30 or 12: a column of 12 bounds both
    its cells from above, and so the other two from below."""
    known = [[60, 42, 18.0], [30, NAN, NAN], [30, NAN, NAN]]
    assert narrow_of(known, SUMS, 19) == {
        (1, 1): (12, 30),
        (1, 2): (0, 18),
        (2, 1): (12, 30),
        (2, 2): (0, 18),
    }
    assert narrow_of(known, SUMS, 18) == {}


def test_a_reason_that_names_the_count_would_tell_it_and_the_neutral_one_does_not() -> None:
    """a + b + c = 19 with a and b "too few" (1 to 9) and c "secondary" (10 and more): a and b lie
    within 8, though each of the three may be anything from 0 to 19 with one neutral reason."""
    bounds = linprog(
        [1, 0, 0], A_eq=[[1, 1, 1]], b_eq=[19], bounds=[(1, 9), (1, 9), (10, None)]
    ).fun, -linprog(
        [-1, 0, 0], A_eq=[[1, 1, 1]], b_eq=[19], bounds=[(1, 9), (1, 9), (10, None)]
    ).fun  # fmt: skip
    assert bounds == (1, 8)
    one_more = linprog([-1, 0, 0], A_eq=[[1, 1, 1]], b_eq=[12], bounds=[(1, 9), (1, 9), (10, None)])
    assert one_more.fun == -1
    for total in (19.0, 12.0):
        known = [[total], [NAN], [NAN], [NAN]]
        assert narrow_of(known, [relation(0, 0, 1, 2, 3)]) == {}


def test_counts_that_contradict_each_other_are_an_error() -> None:
    with pytest.raises(ContradictoryCountsError):
        narrow_of([[5.0], [25], [NAN]], [relation(0, 0, 1, 2)])


@pytest.mark.parametrize("seed", range(6))
def test_it_agrees_with_a_solver_that_starts_afresh(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inner = rng.integers(0, 14, (4, 5)).astype(float)
    table = np.zeros((5, 6))
    table[1:, 1:], table[0, 1:], table[1:, 0] = inner, inner.sum(0), inner.sum(1)
    table[0, 0] = inner.sum()
    hidden = rng.random(table.shape) < 0.5
    known = np.where(hidden, NAN, table)
    sums = [relation(0, *range(5)), relation(1, *range(6))]
    intervals = narrow_of(known.tolist(), sums)
    place = np.full(table.shape, -1)
    place[hidden] = np.arange(hidden.sum())
    rows, sides = [], []
    for equation in sums:
        for counts, cells in zip(
            np.moveaxis(known, equation.axis, 0).T,
            np.moveaxis(place, equation.axis, 0).T,
            strict=True,
        ):
            sign = np.where(np.arange(len(counts)) == 0, 1.0, -1.0)
            row = np.zeros(hidden.sum())
            row[cells[cells >= 0]] = sign[cells >= 0]
            rows.append(row)
            sides.append(-np.nansum(sign * counts))
    low, high = bound_counts(known, sums)
    for cell in np.argwhere(hidden):
        number = place[tuple(cell)]
        cost = np.eye(hidden.sum())[number]
        least, most = (
            sign * linprog(sign * cost, A_eq=rows, b_eq=sides, bounds=(0, 2000)).fun
            for sign in (1, -1)
        )
        least, most = np.ceil(least - 1e-6), np.floor(most + 1e-6)
        assert (tuple(cell) in intervals) == (most - least < 10)
        if tuple(cell) in intervals:
            assert intervals[tuple(cell)] == (least, most)
        assert low[tuple(cell)] <= least + 1e-6
        assert high[tuple(cell)] >= most - 1e-6


def test_work_bounds_the_audit_and_the_same_work_gives_the_same_answer() -> None:
    rng = np.random.default_rng(1)
    slices = rng.integers(10, 30, (8, 6)).astype(float)
    slices[0] = slices[1:].sum(axis=0)
    known = slices.copy()
    known[1:4] = NAN
    target, sums = np.isnan(known), [relation(0, *range(8))]
    every = IntervalAuditor()
    every.narrow_cells(known, target, sums)
    assert (every.audited, every.hidden) == (18, 18)
    some, again = (IntervalAuditor(work=every.done / 2) for _ in range(2))
    for auditor in (some, again):
        auditor.narrow_cells(known, target, sums)
    assert 0 < some.audited < 18
    assert (some.audited, some.done, some.programmes) == (
        again.audited,
        again.done,
        again.programmes,
    )


def shown_cells(survey: Survey, auditor: IntervalAuditor | None = None) -> pd.DataFrame:
    return protect(
        survey.cells(), by=KEYS, totals=totals(), overlaps=survey.overlaps(), auditor=auditor
    )


def audited(table: pd.DataFrame, survey: Survey) -> list[tuple[str, ...]]:
    auditor = IntervalAuditor()
    counts = survey.cells()["n"].to_numpy(dtype=np.int64)
    audit_published(table, counts, by=KEYS, totals=totals(), auditor=auditor)
    assert auditor.audited == auditor.hidden
    return narrow_keys(table, KEYS, totals(), auditor)


def test_the_gate_hides_more_until_no_interval_is_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    surveys = [Survey.drawn(seed, scale) for seed in range(100, 106) for scale in (25.0, 60.0)]
    for survey in surveys:
        auditor = IntervalAuditor()
        table = shown_cells(survey, auditor)
        assert auditor.narrow == ()
        assert audited(table, survey) == []
    monkeypatch.setattr(secondary, "_widen_intervals", lambda cube, hidden, *others: hidden)
    assert any(audited(shown_cells(survey), survey) for survey in surveys)


def test_what_cannot_be_hidden_beside_is_named() -> None:
    """Everyone is two groups, and nothing else is left to hide."""
    cells = pd.DataFrame({"group": ["all", "a", "b"], "n": [9, 4, 5]})
    auditor = IntervalAuditor(minimum=3)
    known = np.array([9.0, NAN, 5.0])
    both = [AdditiveTotal(("group",), ("all",), (("a",), ("b",)))]
    axes = CubeAxes(cells, ("group",), both)
    counts = np.empty(3)
    counts[axes.positions[0]] = known
    auditor.narrow_cells(counts, np.isnan(counts), axes.relations(both))
    assert narrow_keys(cells, ("group",), both, auditor) == [("a",)]


def test_a_hidden_count_that_no_total_touches_may_be_anything() -> None:
    assert narrow_of([[NAN, 5.0], [7.0, 3.0]], []) == {}
    alone = np.array([[NAN, 5.0], [7.0, 3.0]])
    model = CountModel.of(alone, [])
    audit = model.audit(np.isnan(alone), 10, np.random.default_rng(1))
    assert audit.wide == {0}
    assert audit.narrow == ()
    # Beside counts that an equation ties, it stays as free.
    known = [[40.0, NAN], [25.0, 4.0], [NAN, 3.0]]
    assert narrow_of(known, [relation(0, 0, 1, 2)], 8) == {(0, 1): (7, 7), (2, 0): (15, 15)}


def test_a_model_starts_where_it_stood() -> None:
    """One model an indicator: later programmes need fewer iterations than the first."""
    rng = np.random.default_rng(5)
    table = rng.integers(0, 6, (12, 12)).astype(float)
    table[0], table[1:, 0] = 0, table[1:, 1:].sum(axis=1)
    table[0] = table[1:].sum(axis=0)
    known = table.copy()
    known[1:, 1:] = NAN
    sums = [relation(0, *range(12)), relation(1, *range(12))]
    model = CountModel.of(known, sums)
    model.audit(np.isnan(known), 1000, np.random.default_rng(1))
    afresh = CountModel.of(known, sums)
    afresh.audit(np.isnan(known) & (np.arange(144).reshape(12, 12) == 14), 1000, rng)
    assert model.programmes > 100
    assert model.iterations / model.programmes < afresh.iterations


def test_the_solver_prints_nothing() -> None:
    code = (
        "import numpy as np; from survey.disclosure import IntervalAuditor; "
        "from survey.disclosure.suppression import Relation; k = np.array([9.0, np.nan, 5.0]); "
        "r = Relation(0, np.array([0, 1, 2]), False); a = IntervalAuditor(); "
        "a.narrow_cells(k, np.isnan(k), [r]); print(len(a.narrow))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
