"""Interviews as columns, and the verdicts on columns as verdicts on interviews."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from survey.questionnaire.column_validation import validate_columns
from survey.questionnaire.model import Instrument, SectionExit
from survey.questionnaire.validation import AnswerProblem
from survey.tabular.text_table import CodedColumn


@dataclass(frozen=True)
class Verdict:
    """What the walk in columns says about one interview, as in `Validation`."""

    answers: dict[str, Any]
    problems: tuple[AnswerProblem, ...]
    dropped: int
    ending: SectionExit | None


def coded(values: Sequence[Any]) -> CodedColumn:
    """A column in which equal values stand once, told apart by their type as well."""
    places: dict[str, int] = {}
    codes = [places.setdefault(repr(value), len(places)) for value in values]
    kept = [next(value for value in values if repr(value) == text) for text in places]
    return CodedColumn(kept, np.array(codes, np.intp))


def validate_rows(
    instrument: Instrument, rows: Sequence[Mapping[str, Any]], days: Sequence[date]
) -> list[Verdict]:
    """Validate interviews in columns; what a row does not name is None there."""
    names = dict.fromkeys(name for row in rows for name in row)
    given = {name: coded([row.get(name) for row in rows]) for name in names}
    verdicts = validate_columns(instrument, given, coded(days))
    return [
        Verdict(
            answers,
            tuple(verdicts.problems.get(row, ())),
            int(verdicts.dropped[row]),
            verdicts.endings[row],
        )
        for row, answers in enumerate(verdicts.iter_answers())
    ]
