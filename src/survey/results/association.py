"""Answers by group: the method sheet of Rao-Scott tests of the nation.

Source: docs/statistics.md. A test is about the same tables as the page of crosstabs: the answers to
a question, as its indicators tell them apart, by the groups of one variable. It stands only where
every one of these figures is shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.estimate.arrays import Floats
from survey.estimate.association import AssociationTest, CellSums, CrossSums, check_association
from survey.estimate.change import benjamini_hochberg
from survey.estimate.design import Sample
from survey.frame.quotas import EVERYONE
from survey.questionnaire.model import Item
from survey.questionnaire.question_types import type_of
from survey.results.analysis import Q
from survey.results.measures import Measure, code_answers
from survey.results.method_sheets import ASSOCIATION, OBSTACLE
from survey.results.sheet_source import SheetSource
from survey.results.spread import list_lone_items
from survey.results.wave_parts import PartLoader, WaveParts

_CITIES_AT_A_TIME = 16
"""Of the sums by point of a whole wave there are some 150 MB."""
_PSUS_AT_A_TIME = 400
"""A product of the PSUs of one city alone costs more in the call than in the sum."""


@dataclass(frozen=True)
class _Question:
    """Question whose answers are one classification, and the indicators that are its figures."""

    item: Item
    measures: tuple[Measure, ...]
    """None for a rating that is alone behind an indicator."""
    indicators: tuple[str, ...]


@dataclass(frozen=True)
class _Variable:
    """Variable whose groups are the other classification, at their places among the columns."""

    name: str
    groups: tuple[str, ...]
    columns: slice
    """One more than `groups` where there is a single group: everybody else."""

    @property
    def figures(self) -> tuple[str, ...]:
        """Return the groups that have to be shown."""
        return self.groups if len(self.groups) > 1 else (*self.groups, EVERYONE)


def build_association(source: SheetSource) -> pd.DataFrame:
    """Return the rows of the sheet: a test for each question and variable, of the nation."""
    wave = source.wave
    if wave.design.psu is None:
        return ASSOCIATION.build_obstacle("no_test_points")
    cells = source.cells[source.cells["area_level"] == "nation"]
    counts = cells.astype({"group": str, "indicator": str}).set_index(["indicator", "group"])
    numbers = counts["n"].where(counts["shown"]).to_dict()
    variables = list(_iter_variables(wave))
    questions = list(_iter_questions(wave))
    if not variables or not questions:
        return ASSOCIATION.build_obstacle("no_table")
    rows = []
    for question, sums in zip(questions, _sum_wave(wave, questions, variables), strict=True):
        for variable, cross in zip(variables, sums, strict=True):
            if question.item.name == variable.name:
                continue
            found = [
                numbers.get((indicator, group), np.nan)
                for indicator in question.indicators
                for group in variable.figures
            ]
            # All indicators of a question have the same people.
            n = found[-1] if len(variable.groups) == 1 else sum(found[: len(variable.groups)])
            rows.append(
                {
                    "indicator": question.indicators[0],
                    "item": f"{question.item.name}:{variable.name}",
                    "shown": not np.isnan(found).any(),
                    "n": n,
                    **_describe_test(check_association(cross)),
                }
            )
    table = pd.DataFrame(rows)
    # The answers of a question with several are judged together.
    p = table["p_value"].where(table["shown"]).to_numpy(dtype=float)
    adjusted = benjamini_hochberg(p, np.asarray(pd.factorize(table["item"])[0], dtype=np.intp))
    differs = np.where(adjusted <= Q, "differs", "alike")
    return table.assign(
        area_level="nation", area=NATION, group=EVERYONE, line="test", p_value=adjusted,
        reason=np.where(table["shown"], "", "secondary"),
        verdict=np.where(table["shown"] & ~np.isnan(adjusted), differs, ""),
    )  # fmt: skip


def _describe_test(test: AssociationTest | None) -> dict[str, float | str]:
    if test is None:
        return {"f": np.nan, "f_df": np.nan, "f_df_points": np.nan, "p_value": np.nan,
                OBSTACLE: "no_test"}  # fmt: skip
    return {"f": test.statistic, "f_df": test.ndf, "f_df_points": test.ddf, "p_value": test.p,
            OBSTACLE: ""}  # fmt: skip


def _iter_questions(wave: WaveParts) -> Iterator[_Question]:
    """Yield the questions of the page of crosstabs; of several answers, each as one."""
    by_name = wave.instrument.by_name
    for item, indicator in list_lone_items(wave).items():
        yield _Question(by_name[item], (), (indicator,))
    of: dict[tuple[str, bool], list[Measure]] = {}
    for measure in wave.rates:
        if measure.item not in wave.plan.tree.feeds:
            of.setdefault((measure.item, bool(measure.choices)), []).append(measure)
    for (name, is_rate), measures in of.items():
        question_type = type_of(by_name[name])
        if not is_rate and not question_type.is_score:
            continue
        size = 1 if question_type.allows_several else len(measures)
        for start in range(0, len(measures), size):
            own = tuple(measures[start : start + size])
            yield _Question(by_name[name], own, tuple(measure.key for measure in own))


def _iter_variables(wave: WaveParts) -> Iterator[_Variable]:
    """Yield the variables whose groups do not overlap."""
    start = 0
    for name, most in wave.facts.most_groups.items():
        groups = tuple(group for group in wave.groups if group.partition("=")[0] == name)
        if most == 1:
            width = max(len(groups), 2)
            yield _Variable(name, groups, slice(start, start + width))
            start += width


def _sum_wave(
    wave: WaveParts, questions: Sequence[_Question], variables: Sequence[_Variable]
) -> list[list[CrossSums]]:
    """Return the table of each question and variable, added up in the order of the city codes."""
    total: list[list[CrossSums]] = []
    waiting: list[list[CellSums]] = []

    def add() -> None:
        for number, own in enumerate(zip(*waiting, strict=True)):
            joined = CellSums.join(own)
            tables = [CrossSums.of(joined, variable.columns) for variable in variables]
            if len(total) <= number:
                total.append(tables)
            else:
                total[number] = [a.add(b) for a, b in zip(total[number], tables, strict=True)]
        waiting.clear()

    for city in _iter_cities(wave, questions, variables):
        waiting.append(city)
        if sum(len(own[0].stratum) for own in waiting) >= _PSUS_AT_A_TIME:
            add()
    if waiting:
        add()
    return total


def _iter_cities(
    wave: WaveParts, questions: Sequence[_Question], variables: Sequence[_Variable]
) -> Iterator[list[CellSums]]:
    """Yield the sums of each city, a question each, in the order of the city codes."""
    jobs = [
        (wave.parts[place], tuple(own[start : start + _CITIES_AT_A_TIME]))
        for place, group in groupby(sorted(wave.facts.part_of), key=wave.facts.part_of.__getitem__)
        for own in [list(group)]
        for start in range(0, len(own), _CITIES_AT_A_TIME)
    ]
    for sums in wave.run(partial(_sum_cities, tuple(questions), tuple(variables)), jobs):
        yield from sums


def _sum_cities(
    questions: Sequence[_Question],
    variables: Sequence[_Variable],
    job: tuple[PartLoader, tuple[str, ...]],
) -> list[list[CellSums]]:
    """Return the sums of each of these cities of a part, a question each."""
    part, cities = job
    data = part()
    codes = data.people["city_code"].astype(str)
    rows = codes.isin(cities).to_numpy()
    people = data.people.loc[rows]
    sample = Sample.read(people, data.design)
    member = np.zeros((len(people), variables[-1].columns.stop))
    for variable in variables:
        own: Floats = np.stack([data.memberships[group][rows] for group in variable.groups], axis=1)
        member[:, variable.columns] = own if own.shape[1] > 1 else np.hstack([own, 1.0 - own])
    first = np.unique(sample.psu, return_index=True)[1]
    city_of_psu = codes.to_numpy()[rows][first]
    places = [np.flatnonzero(city_of_psu == city) for city in cities]
    sums: list[list[CellSums]] = [[] for _ in cities]
    for question in questions:
        answer, answers = code_answers(question.measures, question.item, people)
        cells = CellSums.collect(sample, answer.astype(np.intp), answers, member)
        for of_city, psus in zip(sums, places, strict=True):
            of_city.append(cells.select(psus))
    return sums
