"""Rows of an SPSS file (.sav) laid out column by column, behind all else that pyreadstat wrote.

pyreadstat takes one call a cell, which is two seconds for seven million cells. A row is units of
eight bytes; eight codes of one byte stand before those of the next eight units that no code tells
(PSPP Developers Guide, "System File Format", bytecode compression).
"""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from survey.publish.microdata.text_cells import TextCells

_END, _WHOLE, _BLANK, _MISSING = 252, 253, 254, 255
"""Codes: no more rows, a unit as it is, eight blanks, a missing number; 0 fills up."""
_BIAS, _LOWEST, _HIGHEST = 100, -99, 151
"""A whole number from the lowest to the highest is its code without the bias."""
_UNIT = 8
"""Bytes of a unit, and codes that stand together."""
_SEGMENT_BYTES, _COUNTED_BYTES = 255, 252
"""Of a long text in each of its segments but the last, which have a blank more; and those that are
counted to find how many segments there are."""
_BLANKS = int.from_bytes(b" " * _UNIT, "little")
_COUNT_OFFSET = 80
_LONG_COUNT = struct.pack("=iiiiq", 7, 16, 1 * _UNIT, 2, 1)
"""Before the number of rows in 64 bits."""
_HEAD_END = struct.pack("=ii", 999, 0)
_CHUNK_ROWS = 16_000

Column = NDArray[np.float64] | TextCells


def join_rows(frame: bytes, columns: Sequence[Column], count: int) -> bytes:
    """Return the file `frame` with `count` rows in the place of its only row.

    Args:
        frame: compressed file; its texts are as long as the longest ones of `columns`.
    """
    head = bytearray(frame[: frame.rindex(_HEAD_END) + len(_HEAD_END)])
    struct.pack_into("=i", head, _COUNT_OFFSET, count)
    struct.pack_into("=q", head, head.index(_LONG_COUNT) + len(_LONG_COUNT), count)
    parts = [bytes(head)]
    for start in range(0, count, _CHUNK_ROWS):
        stop = min(start + _CHUNK_ROWS, count)
        parts.append(_row_bytes(columns, start, stop, is_last=stop == count))
    return b"".join(parts)


def _row_bytes(columns: Sequence[Column], start: int, stop: int, *, is_last: bool) -> bytes:
    sizes = [_unit_count(column) for column in columns]
    width = sum(sizes)
    groups = width // _UNIT + 1
    units = np.empty((stop - start, groups * _UNIT), dtype=np.uint64)
    numbers = units.view(np.float64)
    is_text = np.zeros(width, dtype=bool)
    place = 0
    for column, size in zip(columns, sizes, strict=True):
        if isinstance(column, TextCells):
            units[:, place : place + size] = _text_units(column, start, stop, size)
            is_text[place : place + size] = True
        else:
            numbers[:, place] = column[start:stop]
        place += size
    codes = np.zeros(units.shape, dtype=np.uint8)
    codes[:, :width] = _number_codes(numbers[:, :width])
    codes[:, :width][:, is_text] = np.where(units[:, :width][:, is_text] == _BLANKS, _BLANK, _WHOLE)
    if is_last:
        codes[-1, width] = _END
    rows = np.empty((stop - start, groups, 1 + _UNIT), dtype=np.uint64)
    rows[:, :, 0] = codes.view(np.uint64)
    rows[:, :, 1:] = units.reshape(stop - start, groups, _UNIT)
    is_written = np.ones(rows.shape, dtype=bool)
    is_written[:, :, 1:] = codes.reshape(stop - start, groups, _UNIT) == _WHOLE
    return rows[is_written].tobytes()


def _unit_count(column: Column) -> int:
    """Return the units that a cell of the column takes."""
    if not isinstance(column, TextCells):
        return 1
    width = max(column.most_bytes, 1)
    full = (width - 1) // _COUNTED_BYTES if width > _SEGMENT_BYTES else 0
    last = width - full * _COUNTED_BYTES
    return full * (_SEGMENT_BYTES + 1) // _UNIT + -(-last // _UNIT)


def _text_units(column: TextCells, start: int, stop: int, size: int) -> NDArray[np.uint64]:
    """Return texts filled up with blanks, in segments."""
    texts = column.padded(start, stop, b" ")
    laid = np.full((stop - start, size * _UNIT), ord(" "), dtype=np.uint8)
    for segment, first in enumerate(range(0, column.most_bytes, _SEGMENT_BYTES)):
        part = texts[:, first : first + _SEGMENT_BYTES]
        place = segment * (_SEGMENT_BYTES + 1)
        laid[:, place : place + part.shape[1]] = part
    return laid.view(np.uint64)


def _number_codes(numbers: NDArray[np.float64]) -> NDArray[np.uint8]:
    is_short = (numbers >= _LOWEST) & (numbers <= _HIGHEST)
    short = np.where(is_short, numbers, 0).astype(np.int16)
    is_short &= short == numbers
    codes = np.where(is_short, short + _BIAS, _WHOLE)
    codes[np.isnan(numbers)] = _MISSING
    return codes.astype(np.uint8)
