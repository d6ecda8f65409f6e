"""Files of SPSS and Stata: numbers with labels, and missing values that are told apart.

SPSS keeps the codes below 0 as user-missing values. Stata has letters for them: `.a` does not know,
`.b` has not experienced it, `.c` refused, `.d` was not asked, `.e` has no answer. What is too long
for a program is cut between two characters and ends in an ellipsis; the codebook has the whole.
pyreadstat writes all but the rows, which it would take cell by cell: a file of one row with the
longest text of each column.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
from numpy.typing import NDArray

from survey.files.microdata import stata_rows
from survey.files.microdata.text_cells import TextCells, cut_bytes, cut_chars, wrap_bytes
from survey.files.microdata.variables import Variable
from survey.questionnaire.question_types.question_type import (
    DONT_KNOW,
    MISSING,
    NOT_ASKED,
    NOT_EXPERIENCED,
    REFUSED,
)

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
    """Return the SPSS file `frame` with `count` rows of `columns` instead of its only row.

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
    """Return how many units of 8 bytes a cell of the column takes."""
    if not isinstance(column, TextCells):
        return 1
    width = max(column.most_bytes, 1)
    full = (width - 1) // _COUNTED_BYTES if width > _SEGMENT_BYTES else 0
    last = width - full * _COUNTED_BYTES
    return full * (_SEGMENT_BYTES + 1) // _UNIT + -(-last // _UNIT)


def _text_units(column: TextCells, start: int, stop: int, size: int) -> NDArray[np.uint64]:
    """Return rows of texts as 8-byte units, padded with blanks and laid out in segments."""
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


STATA_LETTERS = {DONT_KNOW: "a", NOT_EXPERIENCED: "b", REFUSED: "c", NOT_ASKED: "d", MISSING: "e"}
ABOUT_FILE = "about_file"
"""Variable of a Stata file whose label holds the remarks: Stata files written here take no notes.
"""
_SPSS_LABEL_BYTES, _SPSS_VALUE_BYTES, _SPSS_FILE_BYTES, _SPSS_NOTE_BYTES = 255, 120, 60, 80
_STATA_LABEL_CHARS, _STATA_FILE_CHARS, _STATA_VALUE_BYTES = 80, 80, 32_000
_STATA_TEXT_BYTES = 2_044
"""Of 2,045 pyreadstat makes a text of any length, which stands behind the rows."""
_SPSS_TEXT_BYTES = 32_767
_LOWEST_GAP, _HIGHEST_GAP = min(STATA_LETTERS), max(STATA_LETTERS)


def spss_bytes(
    rows: pd.DataFrame, variables: Sequence[Variable], title: str, remarks: Sequence[str]
) -> bytes:
    """Return the rows as an SPSS file (.sav), with `remarks` as its document lines."""
    columns = {
        variable.name: _spss_column(rows[variable.column], variable) for variable in variables
    }
    coded = [variable for variable in variables if variable.values]
    frame = _written(
        lambda path: pyreadstat.write_sav(
            _one_row(columns),
            path,
            file_label=cut_bytes(title, _SPSS_FILE_BYTES),
            column_labels={
                variable.name: cut_bytes(variable.label, _SPSS_LABEL_BYTES)
                for variable in variables
            },
            variable_value_labels={
                variable.name: {
                    value.code: cut_bytes(value.label, _SPSS_VALUE_BYTES)
                    for value in variable.values
                    if value.label
                }
                for variable in coded
            },
            missing_ranges={
                variable.name: [{"lo": _LOWEST_GAP, "hi": _HIGHEST_GAP}]
                for variable in coded
                if any(value.is_missing for value in variable.values)
            },
            variable_measure={variable.name: variable.scale for variable in variables},
            variable_format={
                variable.name: "F8.0" if variable.values else "F20.8"
                for variable in variables
                if variable.values or variable.scale == "scale"
            },
            note=[line for remark in remarks for line in wrap_bytes(remark, _SPSS_NOTE_BYTES)],
            row_compress=True,
        )
    )
    return join_rows(frame, list(columns.values()), len(rows))


def stata_bytes(
    rows: pd.DataFrame, variables: Sequence[Variable], title: str, remarks: Sequence[str]
) -> bytes:
    """Return the rows as a Stata file (.dta, from Stata 14 on), its remarks in `about_file`."""
    columns = {
        variable.name: _stata_column(rows[variable.column], variable) for variable in variables
    }
    columns[ABOUT_FILE] = np.ones(len(rows), dtype=np.int32)
    labels = {
        variable.name: {
            STATA_LETTERS.get(value.code, value.code): cut_bytes(value.label, _STATA_VALUE_BYTES)
            for value in variable.values
            if value.label
        }
        for variable in variables
        if variable.values
    }
    labels[ABOUT_FILE] = {1: cut_bytes("; ".join([title, *remarks]), _STATA_VALUE_BYTES)}
    frame = _written(
        lambda path: pyreadstat.write_dta(
            _one_row(columns),
            path,
            file_label=cut_chars(title, _STATA_FILE_CHARS),
            column_labels={
                **{
                    variable.name: cut_chars(variable.label, _STATA_LABEL_CHARS)
                    for variable in variables
                },
                ABOUT_FILE: cut_chars(title, _STATA_LABEL_CHARS),
            },
            variable_value_labels=labels,
            missing_user_values={
                name: sorted(set(STATA_LETTERS.values()) & set(texts))
                for name, texts in labels.items()
                if set(STATA_LETTERS.values()) & set(texts)
            },
        )
    )
    return stata_rows.join_rows(frame, list(columns.values()), len(rows))


def _one_row(columns: Mapping[str, stata_rows.Column]) -> pd.DataFrame:
    """Return one row with the longest texts, from which pyreadstat takes types and widths."""
    return pd.DataFrame(
        {
            name: [column.longest] if isinstance(column, TextCells) else np.zeros(1, column.dtype)
            for name, column in columns.items()
        }
    )


def _written(write: Callable[[str], Any]) -> bytes:
    """Return the bytes that `write` puts into a file of a private temporary folder."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        write(str(path))
        return path.read_bytes()


def _codes(answers: pd.Series, variable: Variable) -> NDArray[np.float64]:
    """Return the numeric codes of a labelled column by row; NaN for unknown values."""
    if pd.api.types.is_numeric_dtype(answers):
        return answers.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = {value.value: value.code for value in variable.values}
    positions = pd.Categorical(answers, categories=list(numbers)).codes
    codes: NDArray[np.float64] = np.array([*numbers.values(), np.nan], dtype=np.float64)[positions]
    return codes


def _spss_column(answers: pd.Series, variable: Variable) -> Column:
    if variable.values:
        return _codes(answers, variable)
    if pd.api.types.is_numeric_dtype(answers):
        return answers.to_numpy(dtype=np.float64, na_value=np.nan)
    return TextCells.of(answers, _SPSS_TEXT_BYTES)


def _stata_column(answers: pd.Series, variable: Variable) -> stata_rows.Column:
    """Return a column for Stata: numbers, with a letter code in place of missing answers."""
    if variable.values:
        codes = _codes(answers, variable)
        if pd.api.types.is_integer_dtype(answers) and (codes >= 0).all():
            return codes.astype(np.int32)
        return stata_rows.mark_missing(codes, STATA_LETTERS)
    if pd.api.types.is_numeric_dtype(answers):
        return stata_rows.mark_missing(answers.to_numpy(dtype=np.float64, na_value=np.nan), {})
    return TextCells.of(answers, _STATA_TEXT_BYTES)
