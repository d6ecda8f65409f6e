"""Equations of the published counts, and the bounds they put on each hidden one.

`BoundedCounts` follows one relation after the other. It is cheap, looks at every cell of every
wave, and is not as sharp as `CountModel`, which solves linear programmes over all relations of an
indicator together: a count that lies between close bounds here does so there as well.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache

import highspy
import numpy as np
from scipy.sparse import csr_array

from survey.disclosure.suppression import Flags, Floats, Numbers, Relation


@dataclass(frozen=True, eq=False)
class CountEquations:
    """Equations `matrix` @ x = `sides` by which published totals bound hidden counts, x >= 0."""

    matrix: csr_array
    sides: Floats
    spread: csr_array
    offsets: Floats

    @classmethod
    def of(cls, known: Floats, relations: Sequence[Relation]) -> "CountEquations":
        """Build equations of hidden counts from `known` ones (NaN: hidden) and their relations."""
        hidden = np.isnan(known.ravel())
        values = np.where(hidden, 0.0, known.ravel())
        equations, wholes, may_define = _list_equations(known.shape, relations)
        candidates = np.flatnonzero(may_define & hidden[wholes])
        _, first = np.unique(wholes[candidates], return_index=True)
        defining = candidates[first]
        at_whole = csr_array(
            (np.ones(len(defining)), (wholes[defining], np.arange(len(defining)))),
            shape=(known.size, len(defining)),
        )
        parts = at_whole @ (at_whole.T - equations[defining])
        is_unknown = hidden.copy()
        is_unknown[wholes[defining]] = False
        unknown = np.flatnonzero(is_unknown)
        single = csr_array(
            (np.ones(len(unknown)), (unknown, unknown)), shape=(known.size, known.size)
        )
        spread = csr_array(single + parts)[:, unknown]
        offsets = values + parts @ values
        others = equations[np.setdiff1d(np.arange(len(wholes)), defining)]
        matrix, sides = csr_array(others @ spread), -(others @ offsets)
        matrix.eliminate_zeros()
        # What holds between published counts alone says nothing, unless it does not hold.
        telling = (np.diff(matrix.indptr) > 0) | (sides != 0)
        return cls(matrix[telling], sides[telling], spread[hidden], offsets[hidden])


def _list_equations(
    shape: tuple[int, ...], relations: Sequence[Relation]
) -> tuple[csr_array, Numbers, Flags]:
    """Return equations (whole less parts) over a cube's cells, without those that others imply.

    Along an axis nothing is said of places that are sums along an axis before: it follows from what
    is said of their parts.

    Returns:
        The equations, the place of the whole of each, and which may define it: all that say of what
        parts a place on the first axis consists, where these are no sums.
    """
    places = np.arange(int(np.prod(shape))).reshape(shape)
    is_sum = np.zeros(shape, dtype=bool)
    columns = [np.zeros((1, 0), dtype=np.int64)]
    may_define = [np.zeros(0, dtype=bool)]
    axes = sorted({relation.axis for relation in relations})
    for axis in axes:
        simple, others = _split_relations([each for each in relations if each.axis == axis])
        for number, relation in enumerate((*simple, *others)):
            members = np.moveaxis(places, axis, 0)[relation.members].reshape(
                len(relation.members), -1
            )
            columns.append(members[:, ~is_sum.ravel()[members[0]]])
            is_defining = axis == axes[0] and number < len(simple)
            may_define.append(np.full(columns[-1].shape[1], is_defining))
        for relation in simple:
            np.moveaxis(is_sum, axis, 0)[relation.members[0]] = True
    wholes = np.concatenate([members[0] for members in columns])
    starts = np.cumsum([0, *(members.shape[1] for members in columns)])
    rows = [
        np.tile(np.arange(start, start + members.shape[1]), len(members))
        for start, members in zip(starts.tolist(), columns, strict=False)
    ]
    signs = [
        np.repeat(np.where(np.arange(len(members)) == 0, 1.0, -1.0), members.shape[1])
        for members in columns
    ]
    equations = csr_array(
        (
            np.concatenate(signs),
            (np.concatenate(rows), np.concatenate([members.ravel() for members in columns])),
        ),
        shape=(len(wholes), places.size),
    )
    return equations, wholes, np.concatenate(may_define)


def _split_relations(
    relations: Sequence[Relation],
) -> tuple[Sequence[Relation], Sequence[Relation]]:
    """Return relations whose parts are no wholes themselves, and others not implied by those."""
    wholes = {int(relation.members[0]) for relation in relations}
    simple: list[Relation] = []
    others: list[Relation] = []
    for relation in relations:
        is_simple = wholes.isdisjoint(relation.members[1:].tolist())
        (simple if is_simple else others).append(relation)
    parts: dict[int, list[int]] = {}
    for relation in simple:
        parts.setdefault(int(relation.members[0]), sorted(relation.members[1:].tolist()))

    def is_implied(relation: Relation) -> bool:
        whole, *given = relation.members.tolist()
        return parts.get(whole) == sorted(
            part for each in given for part in parts.get(each, [each])
        )

    return simple, [relation for relation in others if not is_implied(relation)]


_UNBOUNDED = 1e9
_PASSES = 100


@dataclass(eq=False)
class BoundedCounts:
    """Bounds of hidden counts, kept between calls and recomputed only where counts have changed."""

    relations: Sequence[Relation]
    minimum: int
    _known: Floats | None = None
    _narrow: Flags | None = None

    def narrow_cells(self, known: Floats) -> Flags:
        """Return flags of hidden counts (NaN in `known`) whose bounds are under `minimum` apart.

        Args:
            known: counts by place; null where nothing is published.
        """
        adding = [relation for relation in self.relations if not relation.mixture]
        used = sorted({relation.axis for relation in adding})
        order = [*used, *(axis for axis in range(known.ndim) if axis not in used)]
        inner = tuple(known.shape[axis] for axis in used)
        counts = known.transpose(order).reshape(*inner, -1)
        if self._known is None or self._narrow is None:
            changed, narrow = np.ones(counts.shape[-1], dtype=bool), np.zeros(counts.shape, bool)
        else:
            same = (counts == self._known) | (np.isnan(counts) & np.isnan(self._known))
            changed, narrow = ~same.all(axis=tuple(range(len(used)))), self._narrow.copy()
        local = [
            Relation(used.index(relation.axis), relation.members, False) for relation in adding
        ]
        part = counts[..., changed]
        low, high = bound_counts(part, local)
        narrow[..., changed] = np.isnan(part) & (high - low < self.minimum)
        self._known, self._narrow = counts, narrow
        back: Flags = narrow.reshape([known.shape[axis] for axis in order])
        return back.transpose(np.argsort(order))


def bound_counts(known: Floats, relations: Sequence[Relation]) -> tuple[Floats, Floats]:
    """Return lower and upper bounds of every count (`known` or NaN), tightened by relations."""
    unknown = np.isnan(known)
    low, high = np.where(unknown, 0.0, known), np.where(unknown, _UNBOUNDED, known)
    adding = [relation for relation in relations if not relation.mixture]
    for _ in range(_PASSES):
        before = high - low
        for relation in adding:
            _tighten(low, high, relation)
        if (before - (high - low)).max(initial=0.0) < 1:
            break
    return low, high


def _tighten(low: Floats, high: Floats, relation: Relation) -> None:
    lows, highs = (np.moveaxis(values, relation.axis, 0) for values in (low, high))
    whole, parts = relation.members[0], relation.members[1:]
    least, most = lows[parts], highs[parts]
    sum_least, sum_most = least.sum(axis=0), most.sum(axis=0)
    whole_low, whole_high = lows[whole].copy(), highs[whole].copy()
    lows[parts] = np.maximum(least, whole_low - (sum_most - most))
    highs[parts] = np.minimum(most, whole_high - (sum_least - least))
    lows[whole] = np.maximum(whole_low, sum_least)
    highs[whole] = np.minimum(whole_high, sum_most)


_TOLERANCE = 1e-6
_UPPER_BOUND_MARGIN = 1_000.0
"""Added to twice the largest published count, as a bound where there is none."""
_MAX_STALE_PROGRAMMES = 3
"""Programmes for many cells at once end when so many in a row showed few of them to be wide."""
_MAX_MIXTURE_PROGRAMMES = 60
_MAXIMISED_SHARE = 0.8
"""Share of the cells whose largest value is asked for: small counts have room above them."""
_PROGRESS = 0.02
_SOLVED = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty)
"""Without an unknown left, everything hidden is a sum of published counts."""


class ContradictoryCountsError(ValueError):
    """Raised when the published counts cannot all be true."""


@dataclass(frozen=True)
class SliceAudit:
    """Hidden cells of one slice with wide and with too narrow bounds on their counts."""

    wide: frozenset[int] = frozenset()
    """Places in the slice (flat); they stay wide when more is hidden."""
    narrow: tuple[tuple[int, int, int], ...] = ()
    """Place in the slice, smallest and largest count."""

    @property
    def audited(self) -> int:
        return len(self.wide) + len(self.narrow)


@dataclass(eq=False)
class CountModel:
    """Linear programme of one slice: hidden counts x >= 0, published totals as equations.

    From one programme to the next only the objective changes, so that the solver starts from where
    it stood; every solution shows a possible value of every hidden cell.
    """

    solver: highspy.Highs
    equations: CountEquations
    low: Floats
    high: Floats
    programmes: int = 0
    iterations: int = 0
    unknown_index: Numbers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Unknown of each place of the slice (flat); -1 where the count is published."""

    @classmethod
    def of(
        cls, known: Floats, relations: Sequence[Relation], equations: CountEquations | None = None
    ) -> "CountModel":
        """Build the linear programme of a slice from `known` counts; NaN where not published.

        Args:
            equations: what is said of the slice; None: what follows from the relations.
        """
        equations = equations or CountEquations.of(known, relations)
        size = len(equations.offsets)
        unknown_index = np.full(known.size, -1, dtype=np.int64)
        unknown_index[np.isnan(known.ravel())] = np.arange(size)
        upper = 2 * np.nanmax(known, initial=0.0) + _UPPER_BOUND_MARGIN
        return cls(
            _create_solver(equations, upper),
            equations,
            np.full(size, np.inf),
            np.full(size, -np.inf),
            unknown_index=unknown_index,
        )

    @property
    def work(self) -> float:
        """Work done so far: simplex iterations times thousands of unknowns and equations."""
        return self.iterations * sum(self.equations.matrix.shape) / 1000

    def audit(
        self,
        target: Flags,
        minimum: int,
        rng: np.random.Generator,
        *,
        before: SliceAudit | None = None,
        work: float = np.inf,
    ) -> SliceAudit:
        """Bound counts of `target` cells within `work`; list wide (`minimum`) and narrow ones.

        Args:
            before: an audit when less was hidden. What was wide is so still; what was narrow is
                looked at in any case.
        """
        before = before or SliceAudit()
        wanted = set(np.flatnonzero(target.ravel()).tolist()) - before.wide
        positions = np.array(sorted(wanted), dtype=np.int64)
        cells = self.unknown_index[positions]
        bounded = {place for place, _, _ in before.narrow}
        for place in sorted(bounded):
            self._bound_cell(int(self.unknown_index[place]), minimum)
        self._bound_mixtures(cells, minimum, rng, work)
        order = rng.permutation(positions)
        # What is wide by now stays so.
        still_open = np.isin(order, positions[self._is_narrow(cells, minimum)])
        for place in order[still_open].tolist():
            if self.work >= work:
                break
            self._bound_cell(int(self.unknown_index[place]), minimum)
            bounded.add(place)
        narrow = self._is_narrow(cells, minimum)
        least, most = self._get_integer_bounds(cells)
        narrow_bounds = tuple(
            (int(positions[number]), int(least[number]), int(most[number]))
            for number in np.flatnonzero(narrow).tolist()
            if int(positions[number]) in bounded
        )
        return SliceAudit(before.wide.union(positions[~narrow].tolist()), narrow_bounds)

    def _bound_cell(self, cell: int, minimum: int) -> None:
        """Bound a cell's possible count from both sides; stop once bounds are `minimum` apart."""
        for direction in (1.0, -1.0):
            if not self._is_narrow(np.array([cell]), minimum)[0]:
                return
            cost = np.zeros(len(self.low))
            cost[cell] = direction
            self._solve(cost)

    def _bound_mixtures(
        self, cells: Numbers, minimum: int, rng: np.random.Generator, work: float
    ) -> None:
        """Maximise and minimise random sums of `cells`, so most bounds prove `minimum` wide."""
        stale = 0
        for _ in range(_MAX_MIXTURE_PROGRAMMES):
            open_cells = cells[self._is_narrow(cells, minimum)]
            if not len(open_cells) or stale == _MAX_STALE_PROGRAMMES or self.work >= work:
                return
            cost = np.zeros(len(self.low))
            direction = np.where(rng.random(len(open_cells)) < _MAXIMISED_SHARE, 1.0, -1.0)
            cost[open_cells] = direction * rng.lognormal(0.0, 1.0, len(open_cells))
            self._solve(cost)
            fewer = len(open_cells) - int(self._is_narrow(open_cells, minimum).sum())
            stale = stale + 1 if fewer < max(1, _PROGRESS * len(open_cells)) else 0

    def _is_narrow(self, cells: Numbers, minimum: int) -> Flags:
        least, most = self._get_integer_bounds(cells)
        narrow: Flags = most - least < minimum
        return narrow

    def _get_integer_bounds(self, cells: Numbers) -> tuple[Floats, Floats]:
        """Return the smallest and largest whole count found so far for each of `cells`."""
        return np.ceil(self.low[cells] - _TOLERANCE), np.floor(self.high[cells] + _TOLERANCE)

    def _solve(self, cost: Floats) -> None:
        mixture = self.equations.spread.T @ cost
        every = np.arange(len(mixture), dtype=np.int32)
        self.solver.changeColsCost(len(every), every, mixture)
        self.solver.run()
        self.programmes += 1
        self.iterations += int(self.solver.getInfo().simplex_iteration_count)
        if self.solver.getModelStatus() not in _SOLVED:
            raise ContradictoryCountsError(str(self.solver.getModelStatus()))
        solution = np.array(self.solver.getSolution().col_value)
        values = self.equations.spread @ solution + self.equations.offsets
        np.minimum(self.low, values, out=self.low)
        np.maximum(self.high, values, out=self.high)


@cache
def suppress_banner() -> None:
    """Create one solver with standard output redirected, so that its banner is not printed.

    The first solver of a process prints one, whatever its options; a command that prints JSON must
    print nothing else.
    """
    sys.stdout.flush()
    with suppress(OSError):
        kept = os.dup(1)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 1)
            highspy.Highs()  # type: ignore[no-untyped-call]
        finally:
            os.dup2(kept, 1)
            os.close(kept)
            os.close(nowhere)


def _create_solver(equations: CountEquations, upper: float) -> highspy.Highs:
    """Create a deterministic solver of the equations for counts of 0 … `upper`, in one thread."""
    matrix = equations.matrix
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = matrix.shape
    model.col_cost_ = np.zeros(model.num_col_)
    model.col_lower_, model.col_upper_ = model.col_cost_, np.full(model.num_col_, upper)
    model.row_lower_ = model.row_upper_ = equations.sides
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    model.a_matrix_.index_ = matrix.indices.astype(np.int32)
    model.a_matrix_.value_ = matrix.data
    suppress_banner()
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in (
        ("output_flag", False),
        ("threads", 1),
        ("presolve", "off"),
        ("solver", "simplex"),
        ("simplex_strategy", 4),
        ("random_seed", 0),
    ):
        solver.setOptionValue(option, value)
    solver.passModel(model)
    solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
    return solver
