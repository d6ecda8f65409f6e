"""Audit of hidden counts by linear programming on all published counts together.

A reader knows every published count, which cells add up to which, and that no count is negative.
The smallest and the largest value that a hidden count can then have are two linear programmes, in
one model an indicator (`count_model`). The audit is bounded by work, not by time: the same tables
give the same answer on any machine.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from survey.disclosure.count_bounds import CountModel, SliceAudit
from survey.disclosure.suppression import MINIMUM_N
from survey.disclosure.totals import Flags, Floats, Relation

SEED = 20241126
"""Seed of the order in which indicators, and cells within them, are audited."""
THREADS = 2
"""Slices that are looked at side by side: the solver lets other threads run."""
WORK_PER_SECOND = 50_000
"""Simplex iterations times thousands of unknowns and equations that one core does in a second."""


@dataclass(frozen=True)
class NarrowCell:
    """Hidden count, by its place in the cube, between two bounds that are too close."""

    position: tuple[int, ...]
    low: int
    high: int


@dataclass(eq=False)
class IntervalAuditor:
    """Auditor of a cube, slice by slice (one per indicator), and again where it has changed.

    `work` bounds how many cells are looked at; None: all. From one look to the next more is hidden,
    never less: whatever the published counts allowed they allow still, so that only what was too
    narrow, and what has been hidden since, is looked at again; the former in any case.
    """

    minimum: int = MINIMUM_N
    work: int | None = None
    done: float = 0.0
    programmes: int = 0
    hidden: int = 0
    """Hidden cells with respondents, in all slices."""
    initially_narrow: int = 0
    """Cells that were too narrow when they were first looked at."""
    narrow: tuple[NarrowCell, ...] = ()
    """Cells that are still too narrow."""
    _audits: dict[int, tuple[bytes, SliceAudit]] = field(default_factory=dict)

    @property
    def audited(self) -> int:
        return sum(audit.audited for _, audit in self._audits.values())

    def narrow_cells(self, known: Floats, target: Flags, relations: Sequence[Relation]) -> Flags:
        """Return the places in `target` whose interval is known to be too narrow.

        Args:
            known: counts by place; null where nothing is published.
            target: unknown places to look at.

        Raises:
            ContradictoryCountsError: the published counts cannot all be true.
        """
        adding = [relation for relation in relations if not relation.mixture]
        used = sorted({relation.axis for relation in adding})
        narrow = np.zeros(known.shape, dtype=bool)
        self.hidden, self.narrow = int(target.sum()), ()
        if not used:
            return narrow
        order = [*(axis for axis in range(known.ndim) if axis not in used), *used]
        inner = [known.shape[axis] for axis in used]
        positions = np.arange(known.size).reshape(known.shape).transpose(order).reshape(-1, *inner)
        local = [
            Relation(used.index(relation.axis), relation.members, False) for relation in adding
        ]
        order_of_slices = np.random.default_rng(SEED).permutation(len(positions)).tolist()
        slices = [
            _Slice(number, known.ravel()[positions[number]], target.ravel()[positions[number]])
            for number in order_of_slices
        ]
        cells = []
        for part, audit in zip(slices, self._audit_in_order(slices, local), strict=True):
            at = positions[part.number]
            for cell, low, high in audit.narrow if audit else ():
                place = np.unravel_index(at.ravel()[cell], known.shape)
                cells.append(NarrowCell(tuple(int(index) for index in place), low, high))
                narrow[place] = True
        self.narrow = tuple(sorted(cells, key=lambda narrow_cell: narrow_cell.position))
        return narrow

    def _audit_in_order(
        self, slices: Sequence["_Slice"], relations: Sequence[Relation]
    ) -> Iterator[SliceAudit | None]:
        """Yield the audit of each slice, None where the work is done; `THREADS` side by side.

        A slice that is begun before the one in front of it has ended does not know how much work
        will be left. It counts if it took less than that, and is made again if not: the result is
        that of one slice after the other.
        """
        with ThreadPoolExecutor(THREADS) as pool:
            begun: dict[int, Future[_Attempt]] = {}
            for place, part in enumerate(slices):
                for ahead in range(place, min(place + THREADS, len(slices))):
                    if ahead not in begun and self._is_due(slices[ahead]):
                        begun[ahead] = pool.submit(
                            self._attempt, slices[ahead], relations, self._left
                        )
                yield self._settle(part, begun.pop(place, None), relations)

    @property
    def _left(self) -> float:
        """Work that is left."""
        return np.inf if self.work is None else self.work - self.done

    def _is_due(self, part: "_Slice") -> bool:
        """Return whether a slice is looked at: if it changed, or while work is left."""
        before = self._audits.get(part.number)
        return self._left > 0 if before is None else before[0] != part.content

    def _attempt(self, part: "_Slice", relations: Sequence[Relation], work: float) -> "_Attempt":
        """Audit one slice until `work` is done."""
        if not part.target.any():
            return _Attempt(SliceAudit(), 0.0, 0)
        before = self._audits.get(part.number)
        model = CountModel.of(part.known, relations)
        audit = model.audit(
            part.target,
            self.minimum,
            np.random.default_rng([SEED, part.number]),
            before=before[1] if before else None,
            work=work,
        )
        return _Attempt(audit, model.work, model.programmes)

    def _settle(
        self, part: "_Slice", begun: "Future[_Attempt] | None", relations: Sequence[Relation]
    ) -> SliceAudit | None:
        """Return the audit of a slice, the slices before which are settled."""
        before = self._audits.get(part.number)
        if not self._is_due(part):
            return before[1] if before else None
        attempt = begun.result() if begun is not None else None
        if attempt is None or attempt.work >= self._left:
            attempt = self._attempt(part, relations, self._left)
        self.done += attempt.work
        self.programmes += attempt.programmes
        if before is None:
            self.initially_narrow += len(attempt.audit.narrow)
        self._audits[part.number] = part.content, attempt.audit
        return attempt.audit


@dataclass(frozen=True, eq=False)
class _Slice:
    """Counts of one indicator, and the hidden ones that are looked at."""

    number: int
    known: Floats
    target: Flags

    @cached_property
    def content(self) -> bytes:
        return self.known.tobytes() + self.target.tobytes()


@dataclass(frozen=True)
class _Attempt:
    """Audit of a slice with the work that it took."""

    audit: SliceAudit
    work: float
    programmes: int
