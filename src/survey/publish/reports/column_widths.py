"""Widths of the columns of a report's table: as wanted, but with every word on one line."""

import re
from collections.abc import Sequence

PAGE_EMS = 52.0
"""Width of the text on A4 in letters' heights of a cell: 468 points at 9 points."""
_PADDING_EMS = 1.3
"""Left and right of the text of a cell."""
_WIDE_EMS, _NARROW_EMS = 1.0, 0.58
"""Of a Chinese character and, on average, of a bold letter or digit."""
_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_UNIT = re.compile(rf"[{_WIDE}]|[^\s{_WIDE}]+(?:\u00a0[^\s{_WIDE}]+)*")
"""What a line is never broken within: a Chinese character, a word, a number."""


def fit_widths(wanted: Sequence[float], rows: Sequence[Sequence[str]]) -> tuple[float, ...]:
    """Return the width of each column as its part of 1.

    A column keeps the part it wants unless a word of it would break; then it takes what the word
    needs, and the columns with room to spare give it. Where all words together are wider than the
    page, each column gets its part of what it needs.

    Args:
        wanted: wanted parts of the width, on any scale.
        rows: cells of the heads and of every row.
    """
    needed = [
        max((_measure_longest_word(row[place]) for row in rows), default=0.0) + _PADDING_EMS
        for place in range(len(wanted))
    ]
    if sum(needed) >= PAGE_EMS:
        return tuple(width / sum(needed) for width in needed)
    fixed: set[int] = set()
    while True:
        room = PAGE_EMS - sum(needed[place] for place in fixed)
        whole = sum(part for place, part in enumerate(wanted) if place not in fixed)
        widths = [
            needed[place] if place in fixed else room * part / whole
            for place, part in enumerate(wanted)
        ]
        narrow = {place for place, width in enumerate(widths) if width < needed[place] - 1e-9}
        if not narrow:
            return tuple(width / PAGE_EMS for width in widths)
        fixed |= narrow


def _measure_longest_word(text: str) -> float:
    """Return the width in ems of the longest part that is never broken."""
    return max(map(_measure_word, _UNIT.findall(text)), default=0.0)


def _measure_word(word: str) -> float:
    return sum(_WIDE_EMS if re.match(f"[{_WIDE}]", char) else _NARROW_EMS for char in word)
