"""One answer: is it of the kind that the item asks for? Hostile input included."""

import math
import re
from dataclasses import dataclass

from survey.instrument.expressions import is_date
from survey.instrument.model import MAX_TEXT, Kind, Labels
from survey.instrument.routing import ReadyItem
from survey.locale import Message, msg

Answer = str | int | float | bool | list[str]

_LARGEST_INTEGER = 2**53 - 1
_LARGEST_DECIMAL = 1e15
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""What no database column or JSON document should hold."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an answer was not accepted; `message` is the instrument's own or ours to translate."""

    item: str
    code: str
    message: Labels | Message


@dataclass(frozen=True, slots=True)
class Refusal:
    code: str
    message: Message


def is_blank(raw: object) -> bool:
    """What a form sends for a question without an answer."""
    if isinstance(raw, str):
        return not raw or raw.isspace()
    return raw is None or raw == [] or raw == ()


def read_answer(ready: ReadyItem, raw: object) -> Answer | Refusal:
    """The answer in its canonical form, or why it is refused."""
    if isinstance(raw, str) and raw in ready.special_codes:
        return raw
    match ready.item.kind:
        case Kind.RATING:
            return _rating(ready, raw)
        case Kind.INTEGER:
            return _integer(ready, raw)
        case Kind.DECIMAL:
            return _decimal(ready, raw)
        case Kind.SELECT_ONE:
            return _select_one(ready, raw)
        case Kind.SELECT_MULTIPLE:
            return _select_multiple(ready, raw)
        case Kind.TEXT:
            return _text(raw)
        case Kind.DATE:
            return _date(raw)
        case Kind.NOTE | Kind.CALCULATE:
            return _wrong_type(msg("This is not a question."))


def _wrong_type(expected: Message) -> Refusal:
    return Refusal("type", expected)


def _rating(ready: ReadyItem, raw: object) -> Answer | Refusal:
    number = _whole(raw)
    if number is None:
        return _wrong_type(msg("Please choose a score."))
    return _within(ready, number)


def _integer(ready: ReadyItem, raw: object) -> Answer | Refusal:
    number = _whole(raw)
    if number is None:
        return _wrong_type(msg("Please enter a whole number."))
    return _within(ready, number)


def _decimal(ready: ReadyItem, raw: object) -> Answer | Refusal:
    number = _number(raw)
    if number is None or abs(number) > _LARGEST_DECIMAL:
        return _wrong_type(msg("Please enter a number."))
    return _within(ready, number)


def _number(raw: object) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    return raw if isinstance(raw, int) or math.isfinite(raw) else None


def _whole(raw: object) -> int | None:
    if type(raw) is int:
        return raw if -_LARGEST_INTEGER <= raw <= _LARGEST_INTEGER else None
    number = _number(raw)
    if number is None or abs(number) > _LARGEST_INTEGER or number != int(number):
        return None
    return int(number)


def _within(ready: ReadyItem, number: float) -> Answer | Refusal:
    item = ready.item
    if item.minimum is not None and number < item.minimum:
        return Refusal(
            "range", msg("Please enter {minimum} or more.", minimum=_shown(item.minimum))
        )
    if item.maximum is not None and number > item.maximum:
        return Refusal(
            "range", msg("Please enter {maximum} or less.", maximum=_shown(item.maximum))
        )
    if item.step is not None and item.step > 0:
        steps = (number - (item.minimum or 0)) / item.step
        if abs(steps - round(steps)) > 1e-6:
            return Refusal(
                "step", msg("Please enter a multiple of {step}.", step=_shown(item.step))
            )
    return number


def _shown(number: float) -> str:
    return format(number, ".15g")


def _select_one(ready: ReadyItem, raw: object) -> Answer | Refusal:
    if not isinstance(raw, str):
        return _wrong_type(msg("Please choose one of the answers."))
    if raw not in ready.choice_names:
        return Refusal("choice", msg("Please choose one of the answers."))
    return raw


def _select_multiple(ready: ReadyItem, raw: object) -> Answer | Refusal:
    """Chosen names in the order of the choices, each once."""
    if not isinstance(raw, list | tuple) or not all(isinstance(name, str) for name in raw):
        return _wrong_type(msg("Please choose from the answers."))
    chosen = frozenset(raw)
    if not chosen <= ready.choice_names:
        return Refusal("choice", msg("Please choose from the answers."))
    return [choice.name for choice in ready.item.choices if choice.name in chosen]


def _text(raw: object) -> Answer | Refusal:
    if not isinstance(raw, str):
        return _wrong_type(msg("Please enter a text."))
    if len(raw) > MAX_TEXT:
        return Refusal(
            "too_long", msg("Please shorten the text to {limit} characters.", limit=MAX_TEXT)
        )
    return _UNWRITABLE.sub("", raw.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _date(raw: object) -> Answer | Refusal:
    if not isinstance(raw, str) or not is_date(raw):
        return Refusal("date", msg("Please enter a date of the calendar, such as 2024-05-01."))
    return raw
