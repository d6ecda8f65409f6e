"""What parts leave of their whole: cells that nobody shows and anybody can work out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from survey.disclosure.totals import Numbers, Relation


def with_remainders(n: Numbers, relations: Sequence[Relation]) -> tuple[Numbers, list[Relation]]:
    """Counts with a further place for each relation whose parts do not reach the whole, and the
    relations with these places among their parts.

    Raises:
        ValueError: parts with more respondents than their whole.
    """
    complete = list(relations)
    for number, relation in enumerate(relations):
        if relation.mixture:
            continue
        moved = np.moveaxis(n, relation.axis, 0)
        rest = moved[relation.members[0]] - moved[relation.members[1:]].sum(axis=0)
        if (rest < 0).any():
            raise ValueError(f"parts with more respondents than their whole: {relation}")
        if rest.any():
            place = n.shape[relation.axis]
            n = np.moveaxis(np.concatenate([moved, rest[None]]), 0, relation.axis)
            complete[number] = replace(relation, members=np.append(relation.members, place))
    return n, complete
