"""Numbers as people write them in a file: full width, 1,234, 3.2 wan, 40 pieces."""

import re
from decimal import Decimal, InvalidOperation

from survey.tabular.written_dates import fold

_NUMBER = re.compile(
    r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*([\u5343\u4e07\u4ebf]?)\s*"
    r"[\u4ef6\u6761\u8d77\u5143\u6b21\u7b14\u4eba\u540d]?"
)
SCALES = {"": 1, "\u5343": 1_000, "\u4e07": 10_000, "\u4ebf": 100_000_000}
"""Thousand, ten thousand, hundred million."""


def parse_number(text: str, factor: int = 1) -> str | None:
    """Return a number from 0 on times `factor` in plain digits; None if it is not understood."""
    match = _NUMBER.fullmatch(fold(text))
    if match is None:
        return None
    try:
        number = Decimal(match[1].replace(",", "")) * SCALES[match[2]] * factor
    except InvalidOperation:
        return None
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
