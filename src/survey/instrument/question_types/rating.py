"""Ratings: a whole score on a scale, such as 1 to 10."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from survey.instrument.model import Choice, Item, ItemKind
from survey.instrument.question_types.choices import format_choices, keep_entered
from survey.instrument.question_types.numbers import (
    as_whole_number,
    check_bounds,
    parse_number_cell,
    write_number,
)
from survey.instrument.question_types.question_type import (
    Answer,
    AnswerRefusal,
    ChoiceListNamer,
    QuestionType,
    XlsformCells,
)
from survey.instrument.question_types.snapshot_codes import score_columns
from survey.locale import Message, msg

RATING_APPEARANCE = "rating"
"""Word in the column `appearance` that makes a rating of a range or a select."""
MAX_RATING_POINTS = 11


@dataclass(frozen=True, slots=True)
class NumberScale:
    """Lowest and highest number of a `range` and the step between two numbers."""

    minimum: float
    maximum: float
    step: float

    @property
    def is_whole(self) -> bool:
        """Return whether all numbers of the scale are whole."""
        return all(n == int(n) for n in (self.minimum, self.maximum, self.step))

    @property
    def kind(self) -> ItemKind:
        """Return rating for a few whole numbers, else the kind of number."""
        if not self.is_whole:
            return ItemKind.DECIMAL
        points = (self.maximum - self.minimum) / self.step + 1
        return ItemKind.RATING if points <= MAX_RATING_POINTS else ItemKind.INTEGER


def _write_xlsform(item: Item, name_list: ChoiceListNamer) -> XlsformCells:
    """Return a range, or a select where scores have labels, that reads back as a rating."""
    if item.choices:
        special = tuple(
            Choice(name=code.value, label=labels) for code, labels in item.special_labels.items()
        )
        name = name_list(item, item.choices + special)
        return XlsformCells(f"select_one {name}", appearance=RATING_APPEARANCE)
    scale = NumberScale(item.minimum or 0, item.maximum or 0, item.step or 1)
    bounds = {"start": scale.minimum, "end": scale.maximum, "step": scale.step}
    return XlsformCells(
        "range",
        parameters=" ".join(f"{key}={write_number(value)}" for key, value in bounds.items()),
        appearance="" if scale.kind is ItemKind.RATING else RATING_APPEARANCE,
    )


def _parse_answer(item: Item, raw: object) -> Answer | AnswerRefusal:
    number = as_whole_number(raw)
    if number is None:
        return AnswerRefusal("type", msg("Please choose a score."))
    return check_bounds(item, number)


def _list_problems(item: Item) -> Iterator[Message]:
    if item.minimum is None or item.maximum is None:
        yield msg("A rating needs a lowest and a highest score.")


def _list_scores(item: Item) -> list[str | int | float]:
    low, high, step = item.minimum or 0, item.maximum or 0, item.step or 1
    values = [low + step * number for number in range(int((high - low) / step + 1e-9) + 1)]
    return [int(value) if value == int(value) else value for value in values]


def _format_score(item: Item, answer: Any, language: str) -> str:
    if isinstance(answer, int | float) and item.maximum is not None:
        return f"{answer:g} / {item.maximum:g}"
    return format_choices(item, answer, language)


RATING = QuestionType(
    kind=ItemKind.RATING,
    # A range or a select becomes a rating by its scale, its indicator or its appearance.
    xlsform_names=(),
    write_xlsform=_write_xlsform,
    parse_answer=_parse_answer,
    import_hint=msg("a score or a code from the list"),
    is_coded=True,
    is_score=True,
    is_compared=True,
    list_problems=_list_problems,
    list_codes=_list_scores,
    snapshot_columns=score_columns,
    coded_columns=lambda item: (item.name,),
    format_answer=_format_score,
    parse_cell=parse_number_cell,
    parse_entered=keep_entered,
)
