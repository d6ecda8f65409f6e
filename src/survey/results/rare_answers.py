"""Answers that one or two people of a cell gave, which their share would tell apart.

Weights of an age by gender cell are the census divided by its respondents. Whoever knows them and
reads that 1.4 per cent of 70 people lost a large sum knows the weight of the one who did, and with
it how old that person is. A rate of a question about money is therefore shown only where a few
people stand on each side of it, and on each side of the step between two rates of one question.
Where they do not, the whole question is hidden, for the others would tell which rate it was. A rate
that is rare by nature declares how many respondents it takes (`min_n`): below that it is hidden
whatever was answered, which tells nothing, and the others stay.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

import numpy as np

from survey.disclosure import AnswerSides
from survey.disclosure.suppression import Flags
from survey.results.domain_counts import EVERYBODY, Counts, Floats, careful_measures
from survey.results.measures import Measure

TOLD_BY_OTHERS = -1.0
"""Stands for the answer where a cell would tell a common answer elsewhere; none is negative."""


def find_rare_answers(
    measures: Sequence[Measure], chose: Mapping[str, Counts], others: Mapping[str, Counts]
) -> dict[str, Floats]:
    """Return rate -> what almost all of a cell answered, by counts `chose` and `others`, or NaN.

    Only rates of sensitive questions are looked at, where there are `min_n` respondents. Where so
    few stand between a rate and a wider one of the same question, the narrower one has
    `TOLD_BY_OTHERS`.

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
    return {
        m.key: np.where(chose[m.key] + others[m.key] < m.min_n, np.nan, rare[m.key])
        for m in careful
    }


def join_sides(
    questions: Sequence[Sequence[Measure]],
    measures: Sequence[Measure],
    chose: Mapping[str, Counts],
    others: Mapping[str, Counts],
    telling: Flags,
) -> AnswerSides:
    """Return the respondents who `chose` each rate of questions and the `others`, for the gate.

    Args:
        questions: their rates.
        measures: of the wave.
        telling: areas x groups x questions.
    """
    careful = careful_measures(measures)
    rates = [[m for m in own if m in careful] for own in questions]
    nested = list(_pair_nested(careful))
    sides = [[side[m.key] / m.min_side for m in own for side in (chose, others)] for own in rates]
    steps = [
        [(chose[wide.key] - chose[m.key]) / m.min_side for wide, m in nested if m in own]
        for own in rates
    ]
    highest = [max(map(len, each), default=0) for each in (sides, steps)]
    counts = np.full((sum(highest), *telling.shape), np.inf)
    for first, each in zip((0, highest[0]), (sides, steps), strict=True):
        for place, own in enumerate(each):
            for number, count in enumerate(own):
                counts[first + number, :, :, place] = count
    return AnswerSides(
        telling.ravel(), counts.reshape(len(counts), -1), np.repeat([False, True], highest)
    )


def _pair_nested(measures: Sequence[Measure]) -> Iterator[tuple[Measure, Measure]]:
    """Yield pairs (wide, narrow) of rates of one question; narrow counts a subset of choices."""
    for wide, narrow in permutations(measures, 2):
        if wide.item == narrow.item and set(narrow.choices) < set(wide.choices):
            yield wide, narrow
