"""Files of SPSS and Stata: numbers with labels, and missing values that are told apart.

SPSS keeps the codes below 0 as user-missing values. Stata has letters for them: `.a` does not know,
`.b` has not experienced it, `.c` refused, `.d` was not asked, `.e` has no answer. What is too long
for a program is cut between two characters and ends in an ellipsis; the codebook has the whole.
pyreadstat writes all but the rows, which it would take cell by cell: a file of one row with the
longest text of each column.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
from numpy.typing import NDArray

from survey.instrument.question_types.snapshot_codes import (
    DONT_KNOW,
    MISSING,
    NOT_ASKED,
    NOT_EXPERIENCED,
    REFUSED,
)
from survey.publish.microdata import spss_rows, stata_rows
from survey.publish.microdata.text_cells import TextCells, cut_bytes, cut_chars, wrap_bytes
from survey.publish.microdata.variables import Variable

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
    return spss_rows.join_rows(frame, list(columns.values()), len(rows))


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
    """Return a row from which pyreadstat tells types and widths of the columns."""
    return pd.DataFrame(
        {
            name: [column.longest] if isinstance(column, TextCells) else np.zeros(1, column.dtype)
            for name, column in columns.items()
        }
    )


def _written(write: Callable[[str], Any]) -> bytes:
    """Return what `write` puts into a file; its folder is closed to other accounts."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        write(str(path))
        return path.read_bytes()


def _codes(answers: pd.Series, variable: Variable) -> NDArray[np.float64]:
    """Return the numbers of a column with values, not a number where nothing is known."""
    if pd.api.types.is_numeric_dtype(answers):
        return answers.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = {value.value: value.code for value in variable.values}
    positions = pd.Categorical(answers, categories=list(numbers)).codes
    codes: NDArray[np.float64] = np.array([*numbers.values(), np.nan], dtype=np.float64)[positions]
    return codes


def _spss_column(answers: pd.Series, variable: Variable) -> spss_rows.Column:
    if variable.values:
        return _codes(answers, variable)
    if pd.api.types.is_numeric_dtype(answers):
        return answers.to_numpy(dtype=np.float64, na_value=np.nan)
    return TextCells.of(answers, _SPSS_TEXT_BYTES)


def _stata_column(answers: pd.Series, variable: Variable) -> stata_rows.Column:
    """Return the numbers with letters where there is no answer to count."""
    if variable.values:
        codes = _codes(answers, variable)
        if pd.api.types.is_integer_dtype(answers) and (codes >= 0).all():
            return codes.astype(np.int32)
        return stata_rows.mark_missing(codes, STATA_LETTERS)
    if pd.api.types.is_numeric_dtype(answers):
        return stata_rows.mark_missing(answers.to_numpy(dtype=np.float64, na_value=np.nan), {})
    return TextCells.of(answers, _STATA_TEXT_BYTES)
