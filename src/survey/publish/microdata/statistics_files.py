"""Files of SPSS and Stata: numbers with labels, and missing values that are told apart.

SPSS keeps the codes below 0 as user-missing values. Stata has letters for them: `.a` does not know,
`.b` has not experienced it, `.c` refused, `.d` was not asked, `.e` has no answer. What is too long
for a program is cut between two characters and ends in an ellipsis; the codebook has the whole.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from survey.instrument.question_types.snapshot_codes import (
    DONT_KNOW,
    MISSING,
    NOT_ASKED,
    NOT_EXPERIENCED,
    REFUSED,
)
from survey.publish.microdata.variables import Variable

STATA_LETTERS = {DONT_KNOW: "a", NOT_EXPERIENCED: "b", REFUSED: "c", NOT_ASKED: "d", MISSING: "e"}
ABOUT_FILE = "about_file"
"""Variable of a Stata file whose label holds the remarks: Stata files written here take no notes.
"""
_SPSS_LABEL_BYTES, _SPSS_VALUE_BYTES, _SPSS_FILE_BYTES, _SPSS_NOTE_BYTES = 255, 120, 60, 80
_STATA_LABEL_CHARS, _STATA_FILE_CHARS, _STATA_VALUE_BYTES = 80, 80, 32_000
_STATA_TEXT_BYTES = 2_045
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
    return _written(
        lambda path: pyreadstat.write_sav(
            pd.DataFrame(columns),
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


def stata_bytes(
    rows: pd.DataFrame, variables: Sequence[Variable], title: str, remarks: Sequence[str]
) -> bytes:
    """Return the rows as a Stata file (.dta, from Stata 14 on), its remarks in `about_file`."""
    columns = {
        variable.name: _stata_column(rows[variable.column], variable) for variable in variables
    }
    columns[ABOUT_FILE] = pd.Series(np.ones(len(rows), dtype=np.int8), index=rows.index)
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
    return _written(
        lambda path: pyreadstat.write_dta(
            pd.DataFrame(columns),
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


def _written(write: Callable[[str], Any]) -> bytes:
    """Return what `write` puts into a file; its folder is closed to other accounts."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        write(str(path))
        return path.read_bytes()


def _codes(answers: pd.Series, variable: Variable) -> pd.Series:
    """Return the numbers of a column with values, null where nothing is known."""
    numbers = {value.value: value.code for value in variable.values}
    if not pd.api.types.is_numeric_dtype(answers):
        positions = pd.Categorical(answers, categories=list(numbers)).codes
        codes = np.array([*numbers.values(), 0], dtype=np.int64)[positions]
        return pd.Series(np.where(positions < 0, np.nan, codes), index=answers.index)
    if answers.isna().any():
        return answers.astype("float64")
    return answers


def _texts(answers: pd.Series, most_bytes: int) -> pd.Series:
    """Return texts that a program of C strings can hold: no NUL, and not too long."""
    texts = answers.astype(object).where(answers.notna(), "")
    distinct = {text: cut_bytes(str(text).replace("\0", " "), most_bytes) for text in set(texts)}
    return texts.map(distinct)


def _spss_column(answers: pd.Series, variable: Variable) -> pd.Series:
    if variable.values:
        return _codes(answers, variable)
    if pd.api.types.is_numeric_dtype(answers):
        return answers.astype("float64")
    return _texts(answers, _SPSS_TEXT_BYTES)


def _stata_column(answers: pd.Series, variable: Variable) -> pd.Series:
    """Return the numbers with letters where there is no answer to count."""
    if not variable.values:
        if pd.api.types.is_numeric_dtype(answers):
            return answers.astype("float64")
        return _texts(answers, _STATA_TEXT_BYTES)
    codes = _codes(answers, variable)
    if not (codes < 0).any():
        return codes
    # A category says its type. Of a column of objects the writer guesses it from the first hundred
    # rows, and takes a question that few were asked for text.
    distinct = sorted(codes.dropna().unique().tolist())
    positions = pd.Index(distinct).get_indexer(codes)
    values = [STATA_LETTERS.get(int(code), float(code)) for code in distinct]
    lettered = pd.Categorical.from_codes(positions, pd.Index(values, dtype=object), ordered=True)
    return pd.Series(lettered, index=codes.index)


def cut_bytes(text: str, most: int) -> str:
    """Return a text of at most `most` bytes of UTF-8, cut between two characters."""
    whole = text.encode(errors="replace")
    if len(whole) <= most:
        return whole.decode()
    ellipsis = "…"
    kept = whole[: most - len(ellipsis.encode())]
    return kept.decode(errors="ignore") + ellipsis


def cut_chars(text: str, most: int) -> str:
    """Return a text of at most `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def wrap_bytes(text: str, most: int) -> list[str]:
    """Return the lines of a text, none longer than `most` bytes of UTF-8."""
    lines, line, size = [], "", 0
    for character in text.replace("\0", " ").replace("\n", " "):
        width = len(character.encode(errors="replace"))
        if size + width > most:
            lines.append(line)
            line, size = "", 0
        line += character
        size += width
    return [*lines, line]
