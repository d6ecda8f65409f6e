"""One answer: is it of the kind that the item asks for? Hostile input included."""

import math
import re
from dataclasses import dataclass

from survey.instrument.compiled import CompiledItem
from survey.instrument.expressions import is_date
from survey.instrument.model import MAX_TEXT, ItemKind, Labels
from survey.locale import Message, msg

Answer = str | int | float | bool | list[str]

_MAX_INTEGER = 2**53 - 1
_MAX_DECIMAL = 1e15
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""What no database column or JSON document should hold."""


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """Why an answer was not accepted; `message` is the instrument's own or ours to translate."""

    item: str
    code: str
    message: Labels | Message


@dataclass(frozen=True, slots=True)
class AnswerRefusal:
    code: str
    message: Message


def is_blank(raw: object) -> bool:
    """What a form sends for a question without an answer."""
    if isinstance(raw, str):
        return not raw or raw.isspace()
    return raw is None or raw == [] or raw == ()


def read_answer(ready: CompiledItem, raw: object) -> Answer | AnswerRefusal:
    """The answer in its canonical form, or why it is refused."""
    if isinstance(raw, str) and raw in ready.special_codes:
        return raw
    match ready.item.kind:
        case ItemKind.RATING:
            return _rating(ready, raw)
        case ItemKind.INTEGER:
            return _integer(ready, raw)
        case ItemKind.DECIMAL:
            return _decimal(ready, raw)
        case ItemKind.SELECT_ONE:
            return _select_one(ready, raw)
        case ItemKind.SELECT_MULTIPLE:
            return _select_multiple(ready, raw)
        case ItemKind.TEXT:
            return _text(raw)
        case ItemKind.DATE:
            return _date(raw)
        case ItemKind.NOTE | ItemKind.CALCULATE:
            return _wrong_type(msg("This is not a question."))


def _wrong_type(expected: Message) -> AnswerRefusal:
    return AnswerRefusal("type", expected)


def _rating(ready: CompiledItem, raw: object) -> Answer | AnswerRefusal:
    number = _parse_whole(raw)
    if number is None:
        return _wrong_type(msg("Please choose a score."))
    return _check_bounds(ready, number)


def _integer(ready: CompiledItem, raw: object) -> Answer | AnswerRefusal:
    number = _parse_whole(raw)
    if number is None:
        return _wrong_type(msg("Please enter a whole number."))
    return _check_bounds(ready, number)


def _decimal(ready: CompiledItem, raw: object) -> Answer | AnswerRefusal:
    number = _number(raw)
    if number is None or abs(number) > _MAX_DECIMAL:
        return _wrong_type(msg("Please enter a number."))
    return _check_bounds(ready, number)


def _number(raw: object) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    return raw if isinstance(raw, int) or math.isfinite(raw) else None


def _parse_whole(raw: object) -> int | None:
    if type(raw) is int:
        return raw if -_MAX_INTEGER <= raw <= _MAX_INTEGER else None
    number = _number(raw)
    if number is None or abs(number) > _MAX_INTEGER or number != int(number):
        return None
    return int(number)


def _check_bounds(ready: CompiledItem, number: float) -> Answer | AnswerRefusal:
    item = ready.item
    if item.minimum is not None and number < item.minimum:
        return AnswerRefusal(
            "range", msg("Please enter {minimum} or more.", minimum=_format_number(item.minimum))
        )
    if item.maximum is not None and number > item.maximum:
        return AnswerRefusal(
            "range", msg("Please enter {maximum} or less.", maximum=_format_number(item.maximum))
        )
    if item.step is not None and item.step > 0:
        steps = (number - (item.minimum or 0)) / item.step
        if abs(steps - round(steps)) > 1e-6:
            return AnswerRefusal(
                "step", msg("Please enter a multiple of {step}.", step=_format_number(item.step))
            )
    return number


def _format_number(number: float) -> str:
    return format(number, ".15g")


def _select_one(ready: CompiledItem, raw: object) -> Answer | AnswerRefusal:
    if not isinstance(raw, str):
        return _wrong_type(msg("Please choose one of the answers."))
    if raw not in ready.choice_names:
        return AnswerRefusal("choice", msg("Please choose one of the answers."))
    return raw


def _select_multiple(ready: CompiledItem, raw: object) -> Answer | AnswerRefusal:
    """Chosen names in the order of the choices, each once."""
    if not isinstance(raw, list | tuple) or not all(isinstance(name, str) for name in raw):
        return _wrong_type(msg("Please choose from the answers."))
    chosen = frozenset(raw)
    if not chosen <= ready.choice_names:
        return AnswerRefusal("choice", msg("Please choose from the answers."))
    return [choice.name for choice in ready.item.choices if choice.name in chosen]


def _text(raw: object) -> Answer | AnswerRefusal:
    if not isinstance(raw, str):
        return _wrong_type(msg("Please enter a text."))
    if len(raw) > MAX_TEXT:
        return AnswerRefusal(
            "too_long", msg("Please shorten the text to {limit} characters.", limit=MAX_TEXT)
        )
    return _UNWRITABLE.sub("", raw.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _date(raw: object) -> Answer | AnswerRefusal:
    if not isinstance(raw, str) or not is_date(raw):
        return AnswerRefusal(
            "date", msg("Please enter a date of the calendar, such as 2024-05-01.")
        )
    return raw
