"""Texts and dates as people write them in a file: full width, any case, 2025/4/30 or 20250430."""

import re
import unicodedata
from datetime import date

_YEAR_MONTH = re.compile(
    r"((?:19|20)\d\d)(?:\s*[-/.]\s*|\s*\u5e74\s*)(\d{1,2})(?:\s*\u6708)?"
    r"(?:(?:\s*[-/.]\s*|\s*)(\d{1,2})\s*\u65e5?)?(?:[ T]\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?)?"
)
_DIGITS = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)?")


def fold(text: str) -> str:
    """Return a text in half width and lower case, with single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def parse_date(text: str) -> tuple[int, int, int | None] | None:
    """Return year, month and day (None: a month alone) of a date as people write it."""
    plain = fold(text).upper()
    match = _YEAR_MONTH.fullmatch(plain) or _DIGITS.fullmatch(plain)
    if match is None:
        return None
    year, month, day = int(match[1]), int(match[2]), int(match[3]) if match[3] else None
    try:
        date(year, month, day or 1)
    except ValueError:
        return None
    return year, month, day
