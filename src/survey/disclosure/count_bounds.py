"""Bounds on hidden counts that follow from one relation after the other.

Cheaper than `interval_audit` and not as sharp: a count that lies between close bounds here does so
there as well. It looks at every cell of every wave.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey.disclosure.totals import Flags, Floats, Relation

_UNBOUNDED = 1e9
_PASSES = 100


@dataclass(eq=False)
class BoundedCounts:
    """Search for counts between close bounds, which remembers what has not changed."""

    relations: Sequence[Relation]
    minimum: int
    _known: Floats | None = None
    _narrow: Flags | None = None

    def narrow_cells(self, known: Floats) -> Flags:
        """Return the unknown places whose count lies between bounds less than `minimum` apart.

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
    """Return the smallest and largest count of every place, from parts and wholes in turn."""
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
