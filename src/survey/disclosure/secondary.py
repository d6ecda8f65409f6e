"""Complementary suppression, so that hidden cells cannot be computed from totals and siblings.

Every relation of the cube (a whole and its parts, in one column of the other keys) is looked at
until nothing changes. A relation is open

1. when exactly one member that has respondents is hidden: it equals the others' difference;
2. when the whole is shown and the hidden parts together have fewer than `minimum` respondents:
   their sum is known, and is a cell that is too small;
3. when the whole is shown and the known sum leaves fewer than three possible counts to a hidden
   part, given that "too few" says 1 to `minimum` - 1 and every other reason at least `minimum`;
4. when the whole is shown and all hidden parts gave one and the same sensitive answer, or fewer
   people than a rate asks for stand on one of its sides in all hidden parts together.

An open relation hides one more of its shown members: of the parts the one with the fewest
respondents for each open relation that it closes; the whole only when no part is left. Of a
mixture (an indicator and those below it) only the score is known, so 2 asks for one hidden part of
at least `minimum`, and 3 does not apply.

What several relations determine together is found by `determined_cells` and hides one more member
of a relation of the cell that is determined. Cells with the same respondents are hidden together.
Last, a hidden cell whose count lies between close bounds, from one relation after the other or by
linear programming, gets one more hidden cell beside it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from survey.disclosure.count_bounds import BoundedCounts
from survey.disclosure.determined_cells import find_determined_cells
from survey.disclosure.interval_audit import IntervalAuditor
from survey.disclosure.suppression import Flags, Floats, Numbers, Relation
from survey.disclosure.table_moves import CubeMoves, protect_determined_cells

MIN_COUNT_SLACK = 2
"""A hidden count has at least `MIN_COUNT_SLACK` + 1 possible values."""
_WHOLE_COST = 1e12
"""Cost of a whole: it goes after every part."""


@dataclass(frozen=True, eq=False)
class AnswerSides:
    """Respondents on each side (counted or not) of sensitive rates, divided by the minimum."""

    telling: Flags
    """Cells in which a rate would tell by itself."""
    counts: Floats
    """Sides x cells; infinite where a cell has no such rate."""
    may_be_none: Flags
    """Sides on which nobody may stand, the steps between two rates of a question."""

    def find_telling(self, parts: Flags, cells: Numbers) -> Flags:
        """Return flags of columns of `cells` whose `parts` have too few people on one side."""
        with np.errstate(invalid="ignore"):
            joint = np.where(parts, self.counts[:, cells], 0.0).sum(axis=1)
        told = (joint < 1) & ((joint > 0) | ~self.may_be_none[:, None])
        telling: Flags = told.any(axis=0)
        return telling


@dataclass(frozen=True, eq=False)
class SuppressionCube:
    """Counts, costs and flags of the cells of a table, one axis per kind of key."""

    n: Numbers
    few: Flags
    """Hidden because there are 1 to minimum - 1 respondents, which the reason says."""
    answer: Floats
    """The one answer that all of a cell gave to a sensitive question; else null."""
    size: Numbers
    """Cost of hiding a cell: its respondents, the same for all indicators."""
    same_respondents: Numbers
    """Pairs of places (flat) that have the same respondents, m x 2."""
    minimum: int
    listed: Flags
    """Cells of the table; what parts leave of a whole is a place, but published nowhere."""
    kept: Flags
    """Cells that readers see elsewhere, so that nothing is gained by hiding them."""
    sides: AnswerSides | None = None
    """Of rates of sensitive questions, cells in the order of the flat cube."""

    def known(self, hidden: Flags) -> Floats:
        """Return published counts; NaN for cells flagged `hidden` or not in the table."""
        return np.where(hidden | ~self.listed, np.nan, self.n)

    @cached_property
    def cost(self) -> Floats:
        """Cost of hiding each cell: `size` with a small addition that makes all costs differ."""
        order = np.lexsort((np.arange(self.n.size), self.n.ravel(), self.size.ravel()))
        place = np.empty(self.n.size)
        place[order] = np.arange(self.n.size)
        # Sizes over numbers of relations below 100 differ by more than 1e-4.
        return self.size + (place / max(self.n.size, 1) * 1e-5).reshape(self.n.shape)

    @property
    def price(self) -> Floats:
        """Cost of hiding each cell; infinite if it is empty or published elsewhere."""
        return np.where((self.n > 0) & ~self.kept, self.cost, np.inf)


def add_secondary_suppression(
    cube: SuppressionCube,
    hidden: Flags,
    relations: Sequence[Relation],
    auditor: IntervalAuditor | None = None,
) -> Flags:
    """Return flags `hidden` with further cells, so that totals and bounds reveal none of them."""
    views = [_RelationColumns(cube, relation) for relation in relations]
    hidden = _close_relations(cube, hidden, views)
    moves: CubeMoves | None = None
    bounds = BoundedCounts(relations, cube.minimum)
    seen: Flags | None = None
    while True:
        leaking = find_determined_cells(hidden & (cube.n > 0), relations, seen)
        seen = hidden & (cube.n > 0)
        wider = hidden
        if leaking.any():
            # In most tables nothing is determined, and the exchanges take longer than the rest.
            moves = moves or CubeMoves.of(relations, hidden.shape)
            wider, left = protect_determined_cells(hidden, leaking, cube.price, moves)
            wider = _widen_hidden(wider, left, views)
        if (wider == hidden).all():
            wider = _widen_intervals(cube, hidden, relations, views, bounds, auditor)
        if (wider == hidden).all():
            return hidden
        hidden = _close_relations(cube, wider, views, wider & ~hidden)


def _widen_intervals(
    cube: SuppressionCube,
    hidden: Flags,
    relations: Sequence[Relation],
    views: Sequence["_RelationColumns"],
    bounds: BoundedCounts,
    auditor: IntervalAuditor | None,
) -> Flags:
    """Return `hidden` with further cells, as `bounds` or `auditor` find counts known too closely.

    This is repeated until the simple bounds find nothing; then the linear programmes are asked.
    """
    wider = hidden
    while True:
        narrow = wider & (cube.n > 0) & bounds.narrow_cells(cube.known(wider))
        more = _widen_around_narrow(wider, narrow, views)
        if (more == wider).all():
            break
        wider = _close_relations(cube, more, views, more & ~wider)
    if auditor is None or not (wider == hidden).all():
        return wider
    target = hidden & (cube.n > 0) & cube.listed
    narrow = auditor.narrow_cells(cube.known(hidden), target, relations)
    return _widen_around_narrow(hidden, narrow, views)


def _close_relations(
    cube: SuppressionCube,
    hidden: Flags,
    views: Sequence["_RelationColumns"],
    added: Flags | None = None,
) -> Flags:
    """Return `hidden` with cells added until no whole reveals a part; `added`: where to check."""
    hidden = hidden.copy()
    if added is None:
        waiting = {place: view.every for place, view in enumerate(views)}
    else:
        waiting = dict(_iter_touched_relations(views, added))
    while waiting:
        before = hidden.copy()
        open_columns = {
            place: views[place].select_open(hidden, columns) for place, columns in waiting.items()
        }
        _hide_one_more(hidden, views, open_columns)
        # Of two cells that have the same respondents both.
        flat = hidden.reshape(-1)
        either = flat[cube.same_respondents].any(axis=1)
        flat[cube.same_respondents[either].ravel()] = True
        waiting = dict(_iter_touched_relations(views, hidden & ~before))
    return hidden


def _hide_one_more(
    hidden: Flags, views: Sequence["_RelationColumns"], open_columns: dict[int, Numbers]
) -> None:
    """Hide, in place, one more member of each open column; `open_columns`: by place in `views`."""
    coverage = np.zeros(hidden.shape, dtype=np.int64)
    for place, columns in open_columns.items():
        views[place].add(coverage, columns)
    for place, columns in open_columns.items():
        if len(columns):
            views[place].hide(hidden, coverage, views[place].select_open(hidden, columns))


def _widen_hidden(hidden: Flags, leaking: Flags, views: Sequence["_RelationColumns"]) -> Flags:
    """Return `hidden` with one cell added in a relation of each cell of `leaking`, if possible."""
    hidden, waiting = hidden.copy(), leaking.copy()
    at = np.nonzero(leaking)
    columns = [view.select_giving(hidden, view.select_touched(at)) for view in views]
    coverage = np.zeros(hidden.shape, dtype=np.int64)
    for view, view_columns in zip(views, columns, strict=True):
        view.add(coverage, view_columns)
    for view, view_columns in zip(views, columns, strict=True):
        still = view.select_giving(hidden, view.select_flagged(waiting, view_columns))
        view.hide(hidden, coverage, still)
        view.clear(waiting, still)
    return hidden


def _iter_touched_relations(
    views: Sequence["_RelationColumns"], changed: Flags
) -> Iterator[tuple[int, Numbers]]:
    at = np.nonzero(changed)
    if not len(at[0]):
        return
    for place, view in enumerate(views):
        columns = view.select_touched(at)
        if len(columns):
            yield place, columns


def _widen_around_narrow(
    hidden: Flags, narrow: Flags, views: Sequence["_RelationColumns"]
) -> Flags:
    """Return `hidden` with one cell added in a relation near each cell flagged `narrow`.

    Where all members of its relations are hidden, a relation of one of these members is taken, and
    so on.
    """
    near = narrow
    while near.any():
        wider = _widen_hidden(hidden, near, views)
        if (wider != hidden).any():
            return wider
        further = near.copy()
        at = np.nonzero(near)
        for view in views:
            view.mark(further, view.select_touched(at))
        further &= hidden
        if (further == near).all():
            break
        near = further
    return hidden


class _RelationColumns:
    """Columns of a relation: its whole and parts at each combination of keys on the other axes.

    It keeps where its cells are, not what they hold: a cell is in some dozen relations, and copies
    of them all would take more memory than the rest of a freeze. Positions are those of the flat
    cube.
    """

    def __init__(self, cube: SuppressionCube, relation: Relation) -> None:
        self._cube, self._mixture = cube, relation.mixture
        self._axis, shape = relation.axis, cube.n.shape
        self._is_member = np.zeros(shape[relation.axis], dtype=bool)
        self._is_member[relation.members] = True
        self._others = tuple(axis for axis in range(len(shape)) if axis != relation.axis)
        self._other_shape = tuple(shape[axis] for axis in self._others)
        # Of each column at place 0 of the axis, and what a member adds to it.
        first = np.arange(cube.n.size).reshape(shape).take(0, axis=relation.axis)
        self._column: Numbers = first.ravel()
        self._member: Numbers = relation.members * math.prod(shape[relation.axis + 1 :])
        self.every: Numbers = np.arange(len(self._column))

    def select_touched(self, at: Sequence[Numbers]) -> Numbers:
        """Return the columns that have a member among the cells `at` (indices by axis)."""
        mine = self._is_member[at[self._axis]]
        column = np.zeros(len(self._column), dtype=bool)
        if self._others:
            others = tuple(at[axis][mine] for axis in self._others)
            column[np.ravel_multi_index(others, self._other_shape)] = True
        else:
            column[:] = mine.any()
        return np.flatnonzero(column)

    def select_flagged(self, flags: Flags, columns: Numbers) -> Numbers:
        """Return those of `columns` (indices) in which any member is flagged."""
        flagged_columns: Numbers = columns[
            flags.ravel()[self._get_member_positions(columns)].any(axis=0)
        ]
        return flagged_columns

    def select_open(self, hidden: Flags, columns: Numbers) -> Numbers:
        """Return those of `columns` that reveal a hidden cell but can hide another member."""
        columns = self.select_giving(hidden, columns)
        cells = self._get_member_positions(columns)
        n = self._cube.n.ravel()[cells]
        gone = hidden.ravel()[cells] & (n > 0)
        count = gone.sum(axis=0)
        known = ~gone[0] & (count > 0)
        leaks = (count == 1) | (known & self._is_telling(n, gone, cells))
        open_columns: Numbers = columns[leaks]
        return open_columns

    def select_giving(self, hidden: Flags, columns: Numbers) -> Numbers:
        """Return those of `columns` in which at least one member can still be hidden."""
        giving_columns: Numbers = columns[
            self._is_left_to_hide(hidden, self._get_member_positions(columns)).any(axis=0)
        ]
        return giving_columns

    def _is_telling(self, n: Numbers, gone: Flags, cells: Numbers) -> Flags:
        """Return flags of columns whose shown whole tells too much of parts `gone` (hidden)."""
        parts, size = gone[1:], n[1:]
        answer = np.where(parts, self._cube.answer.ravel()[cells[1:]], -np.inf)
        alike = np.isfinite(answer).any(axis=0) & ~np.isnan(answer).any(axis=0)
        top = answer.max(axis=0)
        alike &= np.where(parts, answer == top, True).all(axis=0)
        if self._cube.sides is not None:
            alike |= self._cube.sides.find_telling(parts, cells[1:])
        minimum = self._cube.minimum
        if self._mixture:
            largest = np.where(parts, size, 0).max(axis=0)
            small: Flags = alike | (largest < minimum)
            return small
        few = parts & self._cube.few.ravel()[cells[1:]]
        rest = parts & ~few
        joint = np.where(parts, size, 0).sum(axis=0)
        above = joint - few.sum(axis=0) - minimum * rest.sum(axis=0)
        below = (minimum - 1) * few.sum(axis=0) - joint
        pinned = (above < MIN_COUNT_SLACK) | (~rest.any(axis=0) & (below < MIN_COUNT_SLACK))
        narrow: Flags = alike | (joint < minimum) | pinned
        return narrow

    def add(self, coverage: Numbers, columns: Numbers) -> None:
        """Add 1 to the counts `coverage`, in place, at every member of `columns`."""
        coverage.reshape(-1)[self._get_member_positions(columns)] += 1

    def hide(self, hidden: Flags, coverage: Numbers, columns: Numbers) -> None:
        """Hide, in place, a member of each column: cheapest by cost over `coverage`, whole last."""
        if not len(columns):
            return
        cells = self._get_member_positions(columns)
        cost = self._cube.cost.ravel()[cells] / np.maximum(coverage.ravel()[cells], 1)
        cost[0] += _WHOLE_COST
        choice = np.where(self._is_left_to_hide(hidden, cells), cost, np.inf).argmin(axis=0)
        hidden.reshape(-1)[cells[choice, np.arange(len(columns))]] = True

    def mark(self, flags: Flags, columns: Numbers) -> None:
        """Set the flags of all members of `columns`, in place."""
        flags.reshape(-1)[self._get_member_positions(columns)] = True

    def clear(self, waiting: Flags, columns: Numbers) -> None:
        """Clear the flags `waiting` of all members of `columns`, in place."""
        waiting.reshape(-1)[self._get_member_positions(columns)] = False

    def _is_left_to_hide(self, hidden: Flags, cells: Numbers) -> Flags:
        """Return flags of those `cells` that have people and are neither hidden nor kept."""
        left: Flags = (
            (self._cube.n.ravel()[cells] > 0)
            & ~hidden.ravel()[cells]
            & ~self._cube.kept.ravel()[cells]
        )
        return left

    def _get_member_positions(self, columns: Numbers) -> Numbers:
        """Return flat positions of all members in `columns`, the whole first, members × columns."""
        cells: Numbers = self._member[:, None] + self._column[columns]
        return cells
