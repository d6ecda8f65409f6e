"""Equations between the counts of a slice: as few as say all, over as few unknowns as there are.

Nation, regions, provinces and cities add up in many ways. What adds up from places that are no sum
themselves says it all, and a hidden sum of such places is no unknown of its own. The counts that
are possible stay the same; a linear programme over them takes a quarter of the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from survey.disclosure.totals import Flags, Floats, Numbers, Relation


@dataclass(frozen=True, eq=False)
class CountEquations:
    """`matrix` @ x = `sides` with x >= 0; the hidden counts are `spread` @ x + `offsets`."""

    matrix: csr_array
    sides: Floats
    spread: csr_array
    offsets: Floats

    @classmethod
    def of(cls, known: Floats, relations: Sequence[Relation]) -> "CountEquations":
        """Build the equations of a slice; `known` is null where nothing is published."""
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
    """Return one row per equation over all places, the whole less its parts.

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
    """Return the relations of an axis whose parts are no wholes, and what these do not imply."""
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
