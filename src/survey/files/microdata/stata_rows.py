"""Rows of a Stata file (.dta) laid out column by column, within all else that pyreadstat wrote.

pyreadstat takes one call a cell, which is two seconds for seven million cells. Every row of the
format 118 and 119 has the same width, and a map at the beginning says where each part of the file
begins (Stata Programming Reference Manual, "File formats .dta").
"""

import struct
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from survey.files.microdata.text_cells import TextCells

_COUNT, _LABEL, _MAP = b"<N>", b"<label>", b"</header><map>"
_DATA = b"<data>"
_MAP_ENTRIES = struct.Struct("=14q")
_DATA_ENTRY = 9
"""Entry of the map that says where the rows begin; what follows moves with their end."""
_MISSING = 0x7FE0 << 48
"""Bits of the number that stands for `.`; those of `.a` to `.z` follow."""
_LETTER_BITS = 40

Column = NDArray[np.float64] | NDArray[np.int32] | TextCells


def join_rows(frame: bytes, columns: Sequence[Column], count: int) -> bytes:
    """Return the Stata file `frame` with `count` rows of `columns` instead of its only row.

    Args:
        frame: file whose texts are as long as the longest ones of `columns`.
    """
    parts = [_cell_bytes(column, count) for column in columns]
    width = sum(part.shape[1] for part in parts)
    rows = np.empty((count, width), dtype=np.uint8)
    place = 0
    for part in parts:
        rows[:, place : place + part.shape[1]] = part
        place += part.shape[1]
    size = frame.index(_LABEL) + len(_LABEL)
    (label_bytes,) = struct.unpack_from("=H", frame, size)
    map_place = frame.index(_MAP, size + label_bytes) + len(_MAP)
    offsets = list(_MAP_ENTRIES.unpack_from(frame, map_place))
    first = offsets[_DATA_ENTRY] + len(_DATA)
    head, tail = bytearray(frame[:first]), frame[first + width :]
    grown = (count - 1) * width
    offsets[_DATA_ENTRY + 1 :] = [offset + grown for offset in offsets[_DATA_ENTRY + 1 :]]
    _MAP_ENTRIES.pack_into(head, map_place, *offsets)
    struct.pack_into("=q", head, head.index(_COUNT) + len(_COUNT), count)
    return b"".join((head, rows.data, tail))


def _cell_bytes(column: Column, count: int) -> NDArray[np.uint8]:
    """Return the cells of a column as a matrix of bytes, a row for each cell."""
    if isinstance(column, TextCells):
        return column.padded(0, count)
    return column.view(np.uint8).reshape(count, column.itemsize)


def mark_missing(numbers: NDArray[np.float64], letters: Mapping[int, str]) -> NDArray[np.float64]:
    """Return numbers with Stata's `.` for NaN, and `.a` to `.z` for the codes in `letters`."""
    result = np.where(np.isnan(numbers), _missing_number(), numbers)
    for number, letter in letters.items():
        result[numbers == number] = _missing_number(letter)
    return result


def _missing_number(letter: str | None = None) -> float:
    """Return the float whose bits mean `.` in Stata, or `.a` to `.z` for a letter."""
    place = 0 if letter is None else ord(letter) - ord("a") + 1
    bits = _MISSING + (place << _LETTER_BITS)
    (number,) = struct.unpack("=d", struct.pack("=q", bits))
    return float(number)
