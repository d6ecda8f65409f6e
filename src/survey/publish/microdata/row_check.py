"""Check of a file of rows before it is handed over: is the label of a blanked row proved?

Rows that exchanged answers cannot be told apart, so no label is proved in a city whose blanks hide
two or more: any of its rows may have any of them. The others are attacked (`row_attack`) as
somebody would who knows how the file was made, with all that could be published of their city.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey.disclosure import MINIMUM_N
from survey.estimate.design import encode
from survey.publish.microdata.deidentify import DeidentifiedRows
from survey.publish.microdata.row_attack import (
    STEPS_PER_SECOND,
    Flags,
    Floats,
    LabelPuzzle,
    Numbers,
    attack_labels,
)
from survey.publish.microdata.row_sample import find_single_circles
from survey.results.analysis import WEIGHT
from survey.results.measures import measure_values
from survey.results.table_columns import round_figures
from survey.results.wave_data import WaveData

CHECK_STEPS = 5 * STEPS_PER_SECOND
"""For all rows of a part that have to be attacked."""


@dataclass(frozen=True)
class RowCheck:
    """Blanked labels that were looked at, of all, and cities in which some are proved."""

    blanked: int
    covered: int
    proved: frozenset[str]


def check_rows(
    data: WaveData, people: pd.DataFrame, made: DeidentifiedRows, steps: int = CHECK_STEPS
) -> RowCheck:
    """Attack the rows that were made of `people`.

    Args:
        people: all interviews of the cities, with those that the file leaves out.
    """
    blanked, covered, proved = 0, 0, set()
    for name, blank in made.blanks.items():
        true = made.true_labels[name]
        is_single = blank & find_single_circles(made.circles, encode(true)[0], blank)
        is_single |= blank & (made.circles < 0)
        blanked += int(blank.sum())
        covered += int((blank & ~is_single).sum())
        cities = made.kept["city_code"].astype(str).to_numpy()
        for city in np.unique(cities[is_single]).tolist():
            wanted = is_single & (cities == city)
            inside = (people["city_code"].astype(str) == city).to_numpy()
            if people.loc[inside, name].dropna().nunique() < 2:
                covered += int(wanted.sum())  # the table alone tells it, without any row
                continue
            if steps <= 0:
                continue
            puzzle = build_puzzle(data, people[inside], made, name, city)
            result = attack_labels(puzzle, steps)
            steps -= 1 + result.steps
            looked_at = wanted[np.flatnonzero(cities == city)[puzzle.blanked]]
            covered += int((result.settled & looked_at).sum())
            if (result.proved & looked_at).any():
                proved.add(city)
    return RowCheck(blanked, covered, frozenset(proved))


def build_puzzle(
    data: WaveData, people: pd.DataFrame, made: DeidentifiedRows, name: str, city: str
) -> LabelPuzzle:
    """Return what file and tables tell of the blanked answers to one question in one city.

    Everything is taken as published that ten people or more are behind.
    """
    people = people[people[name].notna()]
    codes, distinct = encode(people[name])
    labels: Numbers = codes.astype(np.int64)
    answers = np.column_stack(list(_iterate_answers(data, people)))
    weights = people[WEIGHT].to_numpy(dtype=float) / people[WEIGHT].mean()
    n, means = _count_published(answers, weights, labels, len(distinct))
    inside = (made.kept["city_code"].astype(str) == city).to_numpy()
    inside = inside & made.true_labels[name].notna().to_numpy()
    rows = pd.Index(people["response_id"]).get_indexer(made.kept.loc[inside, "response_id"])
    blank = made.blanks[name][inside]
    others = [column for column in data.report.margin if column != name]
    by_label = _find_weights(people, weights, labels, len(distinct), others)
    return LabelPuzzle(
        answers[rows],
        np.where(blank, -1, labels[rows]),
        by_label[rows],
        n,
        means,
        (~np.isnan(answers)).sum(axis=0).astype(float),
        len(people) - len(rows),
        np.asarray(data.people[name].value_counts().reindex(distinct), dtype=np.float64),
        made.circles[inside],
    )


def _iterate_answers(data: WaveData, people: pd.DataFrame) -> Iterator[Floats]:
    """Yield the answers that figures are made of, each from 0 to 100."""
    for column in data.plan.tree.item_columns:
        item = data.instrument.by_name[column]
        values = people[column].to_numpy(dtype=float, na_value=np.nan)
        low, high = float(item.minimum or 0), float(item.maximum or 10)
        yield np.where(values < low, np.nan, (values - low) / (high - low) * 100)
    for measure in data.rates:
        if measure.choices:
            yield measure_values(measure, data.instrument.by_name[measure.item], people)


def _count_published(
    answers: Floats, weights: Floats, labels: Numbers, count: int
) -> tuple[Floats, Floats]:
    """Return n and rounded means by label and indicator; null where n is below ten."""
    n = np.full((count, answers.shape[1]), np.nan)
    means = n.copy()
    for label in range(count):
        mine, weight = answers[labels == label], weights[labels == label]
        has_answer = ~np.isnan(mine)
        size = has_answer.sum(axis=0)
        shown = size >= MINIMUM_N
        total = (weight[:, None] * has_answer).sum(axis=0)
        scored = np.nansum(weight[:, None] * mine, axis=0)
        n[label, shown] = size[shown]
        means[label, shown] = round_figures(scored[shown] / total[shown])
    return n, means


def _find_weights(
    people: pd.DataFrame, weights: Floats, labels: Numbers, count: int, others: Sequence[str]
) -> Floats:
    """Return the weight that each row would have under each label; its own where nobody tells."""
    own = np.repeat(weights[:, None], count, axis=1)
    if not others:
        return own
    cell, _ = pd.MultiIndex.from_frame(people[list(others)].astype(str)).factorize()
    for label in range(count):
        is_label: Flags = labels == label
        sums = np.bincount(cell[is_label], weights[is_label], cell.max() + 1)
        sizes = np.bincount(cell[is_label], minlength=cell.max() + 1)
        known = sizes[cell] > 0
        own[known, label] = sums[cell[known]] / sizes[cell[known]]
    return own
