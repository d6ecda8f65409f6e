"""Numbers as answers: what ratings, whole numbers and decimals have in common."""

import math
import re
from collections.abc import Mapping

from survey.instrument.model import Item
from survey.instrument.question_types.question_type import (
    Answer,
    AnswerRefusal,
    CellValue,
    fold_text,
    half_width,
)
from survey.locale import msg

MAX_INTEGER = 2**53 - 1
"""The largest whole number that a browser holds exactly."""
_STEP_TOLERANCE = 1e-6
WHOLE = re.compile(r"[+-]?[0-9]{1,15}(?:\.0*)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")


def as_number(raw: object) -> float | None:
    """Return a finite number; None for anything else, truth values included."""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    return raw if isinstance(raw, int) or math.isfinite(raw) else None


def as_whole_number(raw: object) -> int | None:
    """Return a whole number that a browser holds exactly; None for anything else."""
    if type(raw) is int:
        return raw if -MAX_INTEGER <= raw <= MAX_INTEGER else None
    number = as_number(raw)
    if number is None or abs(number) > MAX_INTEGER or number != int(number):
        return None
    return int(number)


def check_bounds(item: Item, number: float) -> Answer | AnswerRefusal:
    """Return the number if it lies within the item's bounds and on its steps, else the refusal."""
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
    """Return whether a cell holds a number, in full or half width."""
    return _NUMBER.fullmatch(half_width(text.strip())) is not None


def parse_number_cell(text: str, spellings: Mapping[str, str]) -> CellValue:
    """Return the number in a cell, or the code of a label; other texts unchanged."""
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
    """Return a bound as it stands in a workbook: whole numbers without a point."""
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else repr(value)
