"""Unscored measures of a questionnaire: rates and means, and whom each question was put to.

Which measures there are is data (`seed/instruments/measures.csv`), not code; none of them ever
enters the score.
"""

import csv
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from survey.locale import label_text
from survey.questionnaire.model import Choice, Instrument, Item, SpecialAnswer
from survey.questionnaire.question_types import type_of

Numbers = NDArray[np.int64]
Codes = NDArray[np.int8]
_Value = TypeVar("_Value", bound=np.generic)


@dataclass(frozen=True, eq=False)
class QuestionBases:
    """Indicators grouped by base (the same respondents); `of` has each indicator's base number.

    Tables have a row an area, group and indicator, in this order; those of bases one an area, group
    and base.
    """

    of: Numbers

    @classmethod
    def compare(cls, counts: NDArray[np.int32]) -> "QuestionBases":
        """Return bases: indicators of equal `counts` (cities x indicators x pairs) share one."""
        return cls.join(
            [sha256(counts[:, place].tobytes()).digest() for place in range(counts.shape[1])]
        )

    @classmethod
    def join(cls, keys: Sequence[Hashable]) -> "QuestionBases":
        """Return bases: indicators with equal `keys` (one key per indicator) share one."""
        known: dict[Hashable, int] = {}
        return cls(np.array([known.setdefault(key, len(known)) for key in keys], np.int64))

    @cached_property
    def first(self) -> Numbers:
        """Index of the first indicator of each base."""
        places: Numbers = np.unique(self.of, return_index=True)[1]
        return places

    def name_by_first(self, indicators: Sequence[str]) -> Mapping[str, str]:
        """Return indicator -> name of the first indicator of its base."""
        names = (indicators[self.first[base]] for base in self.of)
        return dict(zip(indicators, names, strict=True))

    def select_rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return those rows of a table of indicators that belong to the first of each base."""
        rows = np.arange(len(table)).reshape(-1, len(self.of))[:, self.first]
        return table.iloc[rows.ravel()].reset_index(drop=True)

    def spread(self, by_base: NDArray[_Value]) -> NDArray[_Value]:
        """Return values by area, group and base repeated for each indicator of the base."""
        return by_base.reshape(-1, len(self.first))[:, self.of].ravel()

    def find_any(self, by_indicator: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return, for each base, whether any of its indicators has True."""
        held: NDArray[np.bool_] = self.find_largest(by_indicator.astype(np.int8)) > 0
        return held

    def find_largest(self, by_indicator: Codes) -> Codes:
        """Return, for each base, the largest value of its indicators."""
        order = np.argsort(self.of, kind="stable")
        starts = np.searchsorted(self.of[order], np.arange(len(self.first)))
        values = by_indicator.reshape(-1, len(self.of))[:, order]
        largest: Codes = np.maximum.reduceat(values, starts, axis=1)
        return largest.ravel()


FORM = "form"
"""Topic of the questions that no declared measure is about."""
MIN_SIDE = 3
"""Respondents on each side of a share of a sensitive question of a module."""
MAX_SHARED_CHOICES = 40
"""Lists that are longer are catalogues; their shares would be thousands of empty cells."""
_NOT_SUBSTANTIVE = tuple(special.value for special in SpecialAnswer)


class Measure(BaseModel):
    """Rate (per cent of those asked who gave a substantive answer) or mean of one item."""

    model_config = ConfigDict(frozen=True)

    key: str
    item: str
    choices: tuple[str, ...]
    """Choices that count as 100; none: the mean of a rating (0-100) or of a number."""
    name: Mapping[str, str]
    topic: str
    direction: Literal["higher", "lower", "neutral"]
    sensitive: bool = False
    min_side: int = 1
    """Fewest respondents on each side of a rate for which it is shown, see `rare_answers`."""
    min_n: int = 1
    """Fewest respondents of its question for which a rare answer is looked at and shown at all."""

    @property
    def is_number(self) -> bool:
        """Whether the measure is the mean of a number in its own unit, not on a scale of 0-100."""
        return not self.choices and self.direction == "neutral"


def read_measures(path: Path) -> tuple[Measure, ...]:
    """Read all measures declared in the CSV at `path`."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return tuple(
            Measure(
                key=row["key"],
                item=row["item"],
                choices=tuple(row["choices"].split()),
                name={"zh": row["name_zh"], "en": row["name_en"]},
                topic=row["topic"],
                direction=row["direction"],
                min_side=int(row["min_side"] or 1),
                min_n=int(row["min_n"] or 1),
            )
            for row in csv.DictReader(file)
        )


def measures_for(instrument: Instrument, declared: tuple[Measure, ...]) -> tuple[Measure, ...]:
    """Return the `declared` measures whose item is in the questionnaire, marked if sensitive."""
    return tuple(
        measure.model_copy(update={"sensitive": instrument.by_name[measure.item].sensitive})
        for measure in declared
        if measure.item in instrument.by_name
    )


def form_measures(
    instrument: Instrument, declared: tuple[Measure, ...], groups: Collection[str]
) -> tuple[Measure, ...]:
    """Return measures of questions neither in `declared` nor, as they make groups, in `groups`.

    A rating and a number give their mean; each choice of a select gives its share, of those who
    gave a substantive answer. The questions that `groups` are made of give none: the share of a
    group would tell the size of one that is hidden.
    """
    known = {measure.item for measure in declared}
    return tuple(
        measure
        for item in instrument.items()
        if item.name not in known and item.name not in groups
        for measure in _measures_of(item)
    )


def module_measures(
    instrument: Instrument, declared: tuple[Measure, ...], groups: Collection[str]
) -> tuple[Measure, ...]:
    """Return measures of questions marked to be measured, but not in `declared` or `groups`.

    Shares of a sensitive question ask for `MIN_SIDE` respondents on each side.
    """
    measured = {item.name for item in instrument.items() if item.is_measured}
    return tuple(
        measure.model_copy(update={"min_side": MIN_SIDE})
        if measure.sensitive and measure.choices
        else measure
        for measure in form_measures(instrument, declared, groups)
        if measure.item in measured
    )


def _measures_of(item: Item) -> Iterator[Measure]:
    label = dict(item.label) or {"en": item.name}
    if type_of(item).is_score and item.indicator is None:
        yield _build_form_measure(item.name, item, (), label, "higher")
    if type_of(item).is_number:
        yield _build_form_measure(item.name, item, (), label, "neutral")
    if not type_of(item).has_choice_list or len(item.choices) > MAX_SHARED_CHOICES:
        return
    for choice in substantive_choices(item):
        names = {
            language: f"{text}: {label_text(choice.label, language, choice.name)}"
            for language, text in label.items()
        }
        yield _build_form_measure(
            f"{item.name}={choice.name}", item, (choice.name,), names, "neutral"
        )


def substantive_choices(item: Item) -> tuple[Choice, ...]:
    """Return the choices of an item that are substantive answers; each gives a share."""
    if type_of(item).allows_several:
        return item.choices
    return tuple(choice for choice in item.choices if choice.name not in _NOT_SUBSTANTIVE)


def _build_form_measure(
    key: str,
    item: Item,
    choices: tuple[str, ...],
    name: Mapping[str, str],
    direction: Literal["higher", "neutral"],
) -> Measure:
    return Measure(
        key=key,
        item=item.name,
        choices=choices,
        name=name,
        topic=FORM,
        direction=direction,
        sensitive=item.sensitive,
    )


def code_answers(measures: Sequence[Measure], item: Item, frame: pd.DataFrame) -> tuple[Codes, int]:
    """Return each respondent's answer as a number from 0, -1 for none, and how many there are.

    A score is its place on the scale. A choice counts by which of the `measures` (of one question)
    count it: what they do not tell apart is one answer. One measure of several answers is two.
    """
    question_type = type_of(item)
    if question_type.has_choice_list and not question_type.allows_several:
        counted = {
            choice.name: tuple(choice.name in measure.choices for measure in measures)
            for choice in substantive_choices(item)
        }
        # All others give an answer that no measure counts.
        places = {flags: place for place, flags in enumerate(sorted({*counted.values()}))}
        answer = frame[item.name].astype("category").cat
        known = [
            -1 if name in _NOT_SUBSTANTIVE else places[counted.get(name, min(places))]
            for name in map(str, answer.categories)
        ]
        return np.array([*known, -1], dtype=np.int8)[answer.codes], len(places)
    if question_type.allows_several:
        values = measure_values(measures[0], item, frame)
        return np.where(np.isnan(values), -1, values > 0).astype(np.int8), 2
    low, high = int(item.minimum or 0), int(item.maximum or 0)
    raw = frame[item.name].to_numpy(dtype=np.float64, na_value=-1)
    return np.where(raw >= low, raw - low, -1).astype(np.int8), high - low + 1


def measure_values(measure: Measure, item: Item, frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return a measure of question `item` by respondent (rates: 0 or 100), NaN for no answer."""
    question_type = type_of(item)
    if question_type.allows_several:
        picks = np.vstack([frame[f"{measure.item}/{choice}"] for choice in measure.choices])
        return np.where(picks.min(axis=0) < 0, np.nan, np.where(picks.max(axis=0) == 1, 100.0, 0.0))
    if question_type.has_choice_list:
        answer = frame[item.name]
        base = answer.notna() & ~answer.isin(_NOT_SUBSTANTIVE)
        return np.where(base, np.where(answer.isin(measure.choices), 100.0, 0.0), np.nan)
    values = frame[item.name].to_numpy(dtype=np.float64)
    if question_type.is_score:
        low, high = float(item.minimum or 0), float(item.maximum or 0)
        return np.where(values < low, np.nan, (values - low) / (high - low) * 100.0)
    return values
