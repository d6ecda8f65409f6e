"""Numbers as answers: ratings, whole numbers, decimals, and what they have in common."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from survey.locale import Message, msg
from survey.questionnaire.model import Choice, Item, ItemKind
from survey.questionnaire.question_types.question_type import (
    Answer,
    AnswerRefusal,
    CellValue,
    ChoiceListNamer,
    QuestionType,
    XlsformCells,
    fold_text,
    format_choices,
    half_width,
    number_columns,
    score_columns,
    strip_entered,
)

MAX_INTEGER = 2**53 - 1
"""The largest whole number that a browser holds exactly."""
_STEP_TOLERANCE = 1e-6
WHOLE = re.compile(r"[+-]?[0-9]{1,15}(?:\.0*)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")


def as_number(raw: object) -> float | None:
    """Return `raw` if it is a finite number; None for anything else, booleans included."""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    return raw if isinstance(raw, int) or math.isfinite(raw) else None


def as_whole_number(raw: object) -> int | None:
    """Return `raw` as an int if it is a whole number up to 2**53 - 1 in size, else None."""
    if type(raw) is int:
        return raw if -MAX_INTEGER <= raw <= MAX_INTEGER else None
    number = as_number(raw)
    if number is None or abs(number) > MAX_INTEGER or number != int(number):
        return None
    return int(number)


def check_bounds(item: Item, number: float) -> Answer | AnswerRefusal:
    """Return the number if it is within the item's bounds and on its steps, else a refusal."""
    if item.minimum is not None and number < item.minimum:
        return AnswerRefusal(
            "range", msg("Please enter {minimum} or more.", minimum=_format_bound(item.minimum))
        )
    if item.maximum is not None and number > item.maximum:
        return AnswerRefusal(
            "range", msg("Please enter {maximum} or less.", maximum=_format_bound(item.maximum))
        )
    if item.step is not None and item.step > 0:
        steps = (number - (item.minimum or 0)) / item.step
        if abs(steps - round(steps)) > _STEP_TOLERANCE:
            return AnswerRefusal(
                "step", msg("Please enter a multiple of {step}.", step=_format_bound(item.step))
            )
    return number


def _format_bound(number: float) -> str:
    return format(number, ".15g")


def is_number(text: str) -> bool:
    """Return whether a cell's text is a number, in full-width or usual digits."""
    return _NUMBER.fullmatch(half_width(text.strip())) is not None


def parse_number_cell(text: str, spellings: Mapping[str, str]) -> CellValue:
    """Return a cell's number, or its code by `spellings` (label -> code); else the text itself."""
    plain = half_width(text)
    if WHOLE.fullmatch(plain):
        return int(plain.partition(".")[0])
    if _NUMBER.fullmatch(plain):
        return float(plain)
    meant = spellings.get(fold_text(text))
    if meant is None or meant == text:
        return text
    return int(meant) if WHOLE.fullmatch(meant) else meant


def write_number(value: float | None) -> str:
    """Return a lowest or highest value as text, whole numbers without a point; "" for None."""
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else repr(value)


def _parse_answer(refusal: Message, item: Item, raw: object) -> Answer | AnswerRefusal:
    number = as_whole_number(raw)
    return AnswerRefusal("type", refusal) if number is None else check_bounds(item, number)


def _parse_entered(kind: type[int] | type[float], entered: Any) -> Any:
    """Return the entered text as a number of type `kind`, or unchanged, to be refused later."""
    text = strip_entered(entered)
    try:
        return kind(text)
    except ValueError:
        return text


INTEGER = QuestionType(
    kind=ItemKind.INTEGER,
    xlsform_names=("integer", "int"),
    parse_answer=partial(_parse_answer, msg("Please enter a whole number.")),
    import_hint=msg("a whole number"),
    is_number=True,
    is_compared=True,
    snapshot_columns=number_columns,
    parse_cell=parse_number_cell,
    parse_entered=partial(_parse_entered, int),
)


MAX_DECIMAL = 1e15


def _parse_decimal_answer(item: Item, raw: object) -> Answer | AnswerRefusal:
    number = as_number(raw)
    if number is None or abs(number) > MAX_DECIMAL:
        return AnswerRefusal("type", msg("Please enter a number."))
    return check_bounds(item, number)


DECIMAL = QuestionType(
    kind=ItemKind.DECIMAL,
    xlsform_names=("decimal",),
    parse_answer=_parse_decimal_answer,
    import_hint=msg("a number"),
    is_number=True,
    is_compared=True,
    snapshot_columns=number_columns,
    parse_cell=parse_number_cell,
    parse_entered=partial(_parse_entered, float),
)


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
        """Whether minimum, maximum and step of the scale are whole numbers."""
        return all(n == int(n) for n in (self.minimum, self.maximum, self.step))

    @property
    def kind(self) -> ItemKind:
        """Item kind of the scale: a rating up to 11 whole numbers, else integer or decimal."""
        if not self.is_whole:
            return ItemKind.DECIMAL
        points = (self.maximum - self.minimum) / self.step + 1
        return ItemKind.RATING if points <= MAX_RATING_POINTS else ItemKind.INTEGER


def _write_xlsform(item: Item, name_list: ChoiceListNamer) -> XlsformCells:
    """Return XLSForm cells of a rating: a range or, with labels, a select named by `name_list`."""
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


def _list_problems(item: Item) -> Iterator[Message]:
    if item.minimum is None or item.maximum is None:
        yield msg("A rating needs a lowest and a highest score.")


def _list_scores(item: Item) -> list[str | int | float]:
    low, high, step = item.minimum or 0, item.maximum or 0, item.step or 1
    values = [low + step * number for number in range(int((high - low) / step + 1e-9) + 1)]
    return [int(value) if value == int(value) else value for value in values]


def _format_score(item: Item, answer: Any, language: str) -> str:
    if isinstance(answer, int | float) and len(item.choices) == 2:
        # Of yes and no the word tells it; "1 / 1" does not.
        return format_choices(item, f"{answer:g}", language)
    if isinstance(answer, int | float) and item.maximum is not None:
        return f"{answer:g} / {item.maximum:g}"
    return format_choices(item, answer, language)


RATING = QuestionType(
    kind=ItemKind.RATING,
    # A range or a select becomes a rating by its scale, its indicator or its appearance.
    xlsform_names=(),
    write_xlsform=_write_xlsform,
    parse_answer=partial(_parse_answer, msg("Please choose a score.")),
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
    parse_entered=lambda entered: entered,
)
