"""Lines of printed text in Chinese and English, and their rows on pages."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from fpdf import FPDF

_TOKEN = re.compile(r"\n|[ \t]+|[!-~À-ɏ]+|.")
_NEVER_FIRST = frozenset("，。；：！？、）」』”’》〉】〕…％%,.;:!?)")
_NEVER_LAST = frozenset("（「『“‘《〈【〔(")

Measure = Callable[[str], float]
DrawRow = Callable[[FPDF, float, float], None]
"""Draws at a left edge and a top, in millimetres."""


@dataclass(frozen=True)
class PrintedRow:
    """A strip of the page that is never divided."""

    height: float
    draw: DrawRow


PrintedBlock = Sequence[PrintedRow]
"""Rows that stay on one page if a page can hold them."""


def wrap_lines(text: str, width: float, measure: Measure) -> list[str]:
    """Return the text in lines of at most this width.

    Chinese breaks between any two characters, but no line begins with a closing mark or ends with
    an opening one; other scripts break at blanks. A word wider than the line is cut.
    """
    lines, line = [], ""
    for token in _iter_tokens(text):
        if token == "\n" or (line and measure(line + token.rstrip()) > width):
            lines.append(line.rstrip())
            line = ""
        if token == "\n" or (not line and token.isspace()):
            continue
        while measure(token) > width and len(token) > 1:
            cut = next(n for n in range(len(token), 0, -1) if n == 1 or measure(token[:n]) <= width)
            lines.append(token[:cut])
            token = token[cut:]
        line += token
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _iter_tokens(text: str) -> Iterator[str]:
    """Yield pieces between which a line may end."""
    piece = ""
    for token in _TOKEN.findall(text):
        joins = piece and piece != "\n" and (token[0] in _NEVER_FIRST or piece[-1] in _NEVER_LAST)
        if piece and not joins:
            yield piece
            piece = ""
        piece += token
    if piece:
        yield piece


def truncate_to_width(pdf: FPDF, words: str, width: float) -> str:
    """Return `words`, cut where they would leave the line."""
    if pdf.get_string_width(words) <= width:
        return words
    while words and pdf.get_string_width(f"{words}…") > width:
        words = words[:-1]
    return f"{words}…"


def paginate(blocks: Iterable[PrintedBlock], height: float) -> list[list[PrintedRow]]:
    """Return the rows of each page; a block moves to the next page as a whole if it fits there."""
    pages: list[list[PrintedRow]] = [[]]
    free = height
    for block in blocks:
        whole = sum(row.height for row in block)
        if whole > free and pages[-1] and whole <= height:
            pages.append([])
            free = height
        for row in block:
            if row.height > free and pages[-1]:
                pages.append([])
                free = height
            pages[-1].append(row)
            free -= row.height
    return pages
