"""Answers that one or two people of a cell gave, which their share would tell apart.

Weights of an age by gender cell are the census divided by its respondents. Whoever knows them and
reads that 1.4 per cent of 70 people lost a large sum knows the weight of the one who did, and with
it how old that person is. A rate of a question about money is therefore shown only where a few
people stand on each side of it, and on each side of the step between two rates of one question.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

import numpy as np

from survey.results.domain_counts import EVERYBODY, Counts, Floats, careful_measures
from survey.results.measures import Measure

TOLD_BY_OTHERS = -1.0
"""Stands for the answer where a cell would tell a common answer elsewhere; none is negative."""


def find_rare_answers(
    measures: Sequence[Measure], chose: Mapping[str, Counts], others: Mapping[str, Counts]
) -> dict[str, Floats]:
    """Return the answer that almost all of a cell gave, else null; areas × groups by measure.

    Only measures that declare `min_side` are looked at. Where so few stand between a rate and a
    wider one of the same question, the narrower one has `TOLD_BY_OTHERS`.

    Args:
        chose: respondents of each area and group whom a rate counts, by measure.
        others: those of its base whom it does not count.
    """
    careful = careful_measures(measures)
    rare = {
        m.key: np.select(
            [chose[m.key] < m.min_side, others[m.key] < m.min_side], [0.0, EVERYBODY], np.nan
        )
        for m in careful
    }
    for wide, narrow in _pair_nested(careful):
        between = chose[wide.key] - chose[narrow.key]
        told = (between > 0) & (between < narrow.min_side)
        rare[narrow.key] = np.where(
            told & np.isnan(rare[narrow.key]), TOLD_BY_OTHERS, rare[narrow.key]
        )
    return rare


def _pair_nested(measures: Sequence[Measure]) -> Iterator[tuple[Measure, Measure]]:
    """Yield pairs of rates of one question, the second of which counts fewer of its answers."""
    for wide, narrow in permutations(measures, 2):
        if wide.item == narrow.item and set(narrow.choices) < set(wide.choices):
            yield wide, narrow
