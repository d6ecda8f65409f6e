"""Line breaking of text where no browser does it."""

import unicodedata
from collections.abc import Iterator


def wrap_text(text: str, characters: int) -> Iterator[str]:
    """Return lines of at most `characters` half-width columns; Chinese may break anywhere."""
    line, width = "", 0
    for word in _split_breakable(text):
        size = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in word)
        if width + size > characters and line:
            yield line.rstrip()
            line, width = "", 0
            word = word.lstrip()
        line, width = line + word, width + size
    if line.strip():
        yield line.rstrip()


def _split_breakable(text: str) -> Iterator[str]:
    """Return words with the blank before them, and each Chinese character on its own."""
    piece = ""
    for character in text:
        wide = unicodedata.east_asian_width(character) in "WF"
        if (wide or character == " ") and piece:
            yield piece
            piece = ""
        piece += character
        if wide:
            yield piece
            piece = ""
    if piece:
        yield piece
