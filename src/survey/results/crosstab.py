"""Crosstabs: how each group of people in one area answered one question.

A crosstab is a selection of cells and differences that the freeze computed and protected together
with all others of the snapshot. Nothing is counted on demand: two tables made one after the other
could be subtracted, while those that are stored were hidden so that all of them together tell no
hidden one (`docs/disclosure.md`, section 6). So there is no group of two variables at once.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from survey.access.principal import Principal
from survey.locale import Labels
from survey.results.inference import add_verdicts
from survey.results.snapshots import GAPS
from survey.results.table_columns import to_published_table
from survey.results.wave_results import WaveResults
from survey.sample.special_groups import EVERYONE


@dataclass(frozen=True)
class CrosstabQuestion:
    """Question of a wave with the indicators that hold its answers."""

    key: str
    label: Mapping[str, str]
    """Words of the question by language; empty where the snapshot's questionnaire is unknown."""
    indicators: tuple[str, ...]
    is_rate: bool
    """Whether its figures are shares of answers; else they are one mean."""


def list_crosstab_questions(results: WaveResults) -> tuple[CrosstabQuestion, ...]:
    """Return the questions whose answers the snapshot holds by group, ratings of the tree first."""
    return (*_list_rated_questions(results), *_list_measured_questions(results))


def list_group_variables(results: WaveResults) -> tuple[str, ...]:
    """Return the variables whose values are the groups of the wave, those of one group last."""
    names = [group.partition("=")[0] for group in results.method.groups if group != EVERYONE]
    return tuple(sorted(dict.fromkeys(names), key=lambda name: names.count(name) == 1))


def groups_of(results: WaveResults, variable: str) -> tuple[str, ...]:
    """Return the groups that the values of a variable make."""
    return tuple(
        group for group in results.method.groups if group.partition("=")[0] == variable != group
    )


def compare_groups(
    results: WaveResults,
    principal: Principal,
    *,
    area_level: str,
    area: str,
    groups: Collection[str],
    indicators: Collection[str],
) -> pd.DataFrame:
    """Return each group's difference from the rest of the area, as gaps are returned.

    The verdicts are those of this table: all its rows that are shown are one family (Benjamini and
    Hochberg), where the verdicts of the snapshot are of one group over all areas.
    """
    wanted = {
        "contrast": "rest",
        "area_level": area_level,
        "area": area,
        "group": list(groups),
        "indicator": list(indicators),
    }
    rows = results.exact(principal, GAPS, wanted)
    return to_published_table(add_verdicts(rows, family=("contrast",)))


def _list_rated_questions(results: WaveResults) -> Iterator[CrosstabQuestion]:
    """Yield the questions that alone measure an indicator: its score is their mean."""
    items: dict[str, list[str]] = {}
    for item, code in results.method.items.items():
        items.setdefault(code, []).append(item)
    for code, of in items.items():
        if len(of) == 1:
            yield CrosstabQuestion(of[0], _choose_labels(results, of[0]), (code,), is_rate=False)


def _choose_labels(results: WaveResults, item: str) -> Labels:
    question = results.questions.get(item)
    return question.label if question else {}


def _list_measured_questions(results: WaveResults) -> Iterator[CrosstabQuestion]:
    rated = results.method.items.keys()
    keys: dict[tuple[str, bool], list[str]] = {}
    for measure in results.method.measures:
        if measure.item not in rated:
            keys.setdefault((measure.item, bool(measure.choices)), []).append(measure.key)
    for (item, is_rate), indicators in keys.items():
        yield CrosstabQuestion(item, _choose_labels(results, item), tuple(indicators), is_rate)
