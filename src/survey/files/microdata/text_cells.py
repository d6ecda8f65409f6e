"""Texts cut to a number of bytes of UTF-8 and without NUL, as SPSS and Stata read them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class TextCells:
    """Texts of a column as UTF-8 bytes within a program's limit; a missing one is empty."""

    cells: list[bytes]
    longest: str

    @classmethod
    def of(cls, answers: pd.Series, most_bytes: int) -> "TextCells":
        """Return the texts of a column, each cut to `most_bytes`."""
        codes, found = pd.factorize(answers)
        distinct = [cut_bytes(str(text).replace("\0", " "), most_bytes) for text in found]
        encoded = [*(text.encode() for text in distinct), b""]
        longest = max(encoded, key=len)
        return cls([encoded[code] for code in codes.tolist()], longest.decode())

    @property
    def most_bytes(self) -> int:
        """Length of the longest text, in bytes."""
        return len(self.longest.encode())

    def padded(self, start: int, stop: int, padding: bytes = b"\0") -> NDArray[np.uint8]:
        """Return texts of some rows as a matrix of bytes, padded to the longest one."""
        width = max(self.most_bytes, 1)
        texts = np.array(self.cells[start:stop], dtype=f"S{width}")
        cells = texts.view(np.uint8).reshape(stop - start, width)
        return cells if padding == b"\0" else np.where(cells == 0, ord(padding), cells)


def cut_bytes(text: str, most: int) -> str:
    """Return a text of at most `most` bytes of UTF-8; a cut text ends in an ellipsis."""
    whole = text.encode(errors="replace")
    if len(whole) <= most:
        return whole.decode()
    ellipsis = "…"
    kept = whole[: most - len(ellipsis.encode())]
    return kept.decode(errors="ignore") + ellipsis


def cut_chars(text: str, most: int) -> str:
    """Return a text of at most `most` characters; a cut text ends in an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def wrap_bytes(text: str, most: int) -> list[str]:
    """Return a text as lines of at most `most` bytes of UTF-8 each."""
    lines, line, size = [], "", 0
    for character in text.replace("\0", " ").replace("\n", " "):
        width = len(character.encode(errors="replace"))
        if size + width > most:
            lines.append(line)
            line, size = "", 0
        line += character
        size += width
    return [*lines, line]
