"""Audit of hidden counts by linear programming on all published counts together.

A reader knows every published count, which cells add up to which, and that no count is negative.
The smallest and the largest value that a hidden count can then have are two linear programmes, in
one model a base of questions (`count_bounds`). The audit is bounded by work, not by time: the same
tables give the same answer on any machine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from survey.disclosure.count_bounds import CountModel, SliceAudit
from survey.disclosure.suppression import MINIMUM_N, Flags, Floats, Relation

SEED = 20241126
"""Seed of the order in which indicators, and cells within them, are audited."""
WORK_PER_SECOND = 50_000
"""Simplex iterations times thousands of unknowns and equations that one core does in a second."""


@dataclass(frozen=True)
class NarrowCell:
    """Hidden cell, by its position in the cube, whose count has bounds too close together."""

    position: tuple[int, ...]
    low: int
    high: int


@dataclass(eq=False)
class IntervalAuditor:
    """Auditor that bounds the hidden counts of a cube by linear programming, slice by slice.

    `work` bounds how many cells are looked at; None: all. From one look to the next more is hidden,
    never less: whatever the published counts allowed they allow still, so that only what was too
    narrow, and what has been hidden since, is looked at again; the former in any case.
    """

    minimum: int = MINIMUM_N
    work: int | None = None
    done: float = 0.0
    programmes: int = 0
    slices: int = 0
    hidden: int = 0
    """Hidden cells with respondents, in all slices."""
    initially_narrow: int = 0
    """Cells that were too narrow when they were first looked at."""
    narrow: tuple[NarrowCell, ...] = ()
    """Cells that are still too narrow."""
    passed: int = 0
    """Slices, in the order of the audit, that one which was interrupted has looked at."""
    tick: Callable[[int], object] = int
    """Told how many slices have been looked at, with those."""
    _audits: dict[int, tuple[bytes, SliceAudit]] = field(default_factory=dict)

    @property
    def audited(self) -> int:
        return sum(audit.audited for _, audit in self._audits.values())

    def narrow_cells(self, known: Floats, target: Flags, relations: Sequence[Relation]) -> Flags:
        """Audit the `target` cells by the `known` counts (else NaN); return flags of narrow ones.

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
            # Nothing adds up, so that nothing bounds a count.
            self._audits[0] = b"", SliceAudit(frozenset(np.flatnonzero(target).tolist()))
            return narrow
        order = [*(axis for axis in range(known.ndim) if axis not in used), *used]
        inner = [known.shape[axis] for axis in used]
        positions = np.arange(known.size).reshape(known.shape).transpose(order).reshape(-1, *inner)
        self.slices = len(positions)
        local = [
            Relation(used.index(relation.axis), relation.members, False) for relation in adding
        ]
        cells = []
        order_of_slices = np.random.default_rng(SEED).permutation(len(positions)).tolist()
        for looked_at, number in enumerate(order_of_slices[self.passed :], start=self.passed + 1):
            at = positions[number]
            audit = self._audit_slice(number, known.ravel()[at], target.ravel()[at], local)
            for cell, low, high in audit.narrow if audit else ():
                place = np.unravel_index(at.ravel()[cell], known.shape)
                cells.append(NarrowCell(tuple(int(index) for index in place), low, high))
                narrow[place] = True
            self.tick(looked_at)
        self.narrow = tuple(sorted(cells, key=lambda narrow_cell: narrow_cell.position))
        return narrow

    def _audit_slice(
        self, number: int, known: Floats, target: Flags, relations: Sequence[Relation]
    ) -> SliceAudit | None:
        content = known.tobytes() + target.tobytes()
        before = self._audits.get(number)
        if before is not None and before[0] == content:
            return before[1]
        left = np.inf if self.work is None else self.work - self.done
        if before is None and left <= 0:
            return None
        audit = SliceAudit()
        if target.any():
            model = CountModel.of(known, relations)
            audit = model.audit(
                target,
                self.minimum,
                np.random.default_rng([SEED, number]),
                before=before[1] if before else None,
                work=left,
            )
            self.done += model.work
            self.programmes += model.programmes
        if before is None:
            self.initially_narrow += len(audit.narrow)
        self._audits[number] = content, audit
        return audit
