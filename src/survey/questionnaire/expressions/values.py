"""Values and their conversions, as docs/expressions.md defines them for both evaluators."""

import math
import re
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

Value = str | float | bool

_NUMBER = re.compile(r"[ \t\r\n]*(-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))[ \t\r\n]*\Z")
_DATE = re.compile(r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}\Z")
_SPACES = re.compile(r"[ \t\r\n]+")
_EPOCH = date(1970, 1, 1)
_FIRST_DAY = (date(1000, 1, 1) - _EPOCH).days
_LAST_DAY = (date(9999, 12, 31) - _EPOCH).days


def value_of_answer(answer: object) -> Value:
    """Return an answer as a value of expressions: lists joined by blanks, no answer as ""."""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, bool):
        return answer
    if isinstance(answer, (int, float)):
        return _convert_to_float(answer)
    if isinstance(answer, list | tuple):
        return " ".join(word for word in answer if isinstance(word, str))
    return ""


def _convert_to_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # an int of more than 308 digits
        return math.inf if number > 0 else -math.inf


def to_number(value: Value) -> float:
    if isinstance(value, str):
        return _parse_number(value)
    return float(value)


@lru_cache(maxsize=1_024)
def _parse_number(text: str) -> float:
    match = _NUMBER.match(text)
    if match:
        return float(match.group(1))
    day = _find_day_number(text)
    return math.nan if day is None else float(day)


def _find_day_number(text: str) -> int | None:
    if not _DATE.match(text):
        return None
    try:
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        return None


def is_date(text: str) -> bool:
    """Return whether a text is an existing date written YYYY-MM-DD."""
    return _find_day_number(text) is not None


def to_boolean(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value != ""
    return value != 0 and value == value


def to_text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == int(value):
        return format(Decimal(repr(value)).to_integral_value(), "f") if value else "0"
    return format(Decimal(repr(value)), "f")


def to_date(value: Value) -> str:
    """Return a number of days since 1970-01-01, or a date, as YYYY-MM-DD; "" if invalid."""
    number = to_number(value)
    if math.isnan(number) or not _FIRST_DAY <= math.floor(_clip_days(number)) <= _LAST_DAY:
        return ""
    return (_EPOCH + timedelta(days=math.floor(number))).isoformat()


def _clip_days(number: float) -> float:
    return min(max(number, -1e9), 1e9)


def split_choice_names(value: Value) -> list[str]:
    """Return the choice names in a select's answer, which are separated by blanks."""
    text = to_text(value)
    if text.isidentifier():  # One name, as in nearly every answer.
        return [text]
    return [word for word in _SPACES.split(text) if word]


def equal(left: Value, right: Value) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        if isinstance(left, str) or isinstance(right, str):
            return to_text(left) == to_text(right)
        return to_boolean(left) == to_boolean(right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return to_number(left) == to_number(right)


def divide(left: float, right: float) -> float:
    if right == 0:
        if left == 0 or math.isnan(left):
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1, right)
    return left / right


def remainder(left: float, right: float) -> float:
    """Return the remainder of a truncating division, with the sign of `left`."""
    if right == 0 or math.isinf(left):
        return math.nan
    return math.fmod(left, right)


def truncate(number: float) -> float:
    return float(math.trunc(number)) if math.isfinite(number) else number
