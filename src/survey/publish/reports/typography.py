"""Typography of reports: numbers, intervals, lists and spaces, in Chinese and in English."""

import re
from collections.abc import Sequence
from math import isnan

from survey.locale import translator
from survey.locale.figures import MISSING, format_count, format_score
from survey.publish.views.estimate_text import Estimate, format_interval

_NO_BREAK = "\u00a0"
_HAN = r"[\u3400-\u9fff]"
_NUMBER_AND_UNIT = re.compile(rf"(?<=\d) (?={_HAN}|points?\b|interviews?\b|cities\b)")
_HAN_THEN_LATIN = re.compile(rf"({_HAN})(?=[A-Za-z0-9±−+])")
_LATIN_THEN_HAN = re.compile(rf"([A-Za-z0-9%])(?={_HAN})")
_MINUS = re.compile(r"(?<![A-Za-z0-9–-])-(?=\d)")


def write_interval(low: float | None, high: float | None, language: str) -> str:
    """Format an interval in words; a dash where there is none."""
    if low is None or high is None or isnan(low) or isnan(high):
        return MISSING
    return format_interval(low, high, translator(language))


def write_estimate(figure: Estimate, language: str) -> str:
    """Format a score and, on further lines, its interval, n and design effect."""
    lines = [format_score(figure.estimate), write_interval(figure.low, figure.high, language)]
    lines.append(f"n {format_count(figure.n)}")
    if figure.deff is not None:
        lines[-1] += f", deff {format_score(figure.deff)}"
    return "\n".join(line for line in lines if line != MISSING)


def write_places(low: float | None, high: float | None) -> str:
    """Format a set of places; a dash where there is none."""
    if low is None or high is None or isnan(low) or isnan(high):
        return MISSING
    return f"{int(low)}" if low == high else f"{int(low)}–{int(high)}"


def join_list(parts: Sequence[str], language: str, *, long: bool = False) -> str:
    """Join the parts of a list inside a sentence; `long` ones hold commas of their own."""
    if language == "zh":
        return ("；" if long else "、").join(parts)
    return ("; " if long else ", ").join(parts)


def set_text(text: str, language: str) -> str:
    """Return a sentence as it is printed: true minus signs, spaces, numbers beside their units."""
    text = _MINUS.sub("\u2212", text)
    if language == "zh":
        text = _HAN_THEN_LATIN.sub(r"\1 ", text)
        text = _LATIN_THEN_HAN.sub(r"\1 ", text)
    return _NUMBER_AND_UNIT.sub(_NO_BREAK, text)
