"""Rows of SPSS and Stata files laid out here: the bytes that pyreadstat writes cell by cell."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from survey.files.microdata import stata_rows, statistics_files
from survey.files.microdata.file_formats import FileFormat, RowFile, write_file
from survey.files.microdata.text_cells import TextCells
from survey.files.microdata.variables import describe_variables, texts_present
from survey.questionnaire.model import Instrument, Item, ItemKind, Language, Section

NUMBERS = [-99.0, -100.0, 151.0, 152.0, 0.5, 0.0, -0.0, 1e300, np.nan, 7.0, -5.0, 2.0**40]
_SPSS_TIME = slice(84, 109)
"""Day and time at which the file was made."""
_STATA_TIME = re.compile(rb"<timestamp>.*?</timestamp>", re.DOTALL)


def texts(length: int, count: int) -> list[str]:
    """Texts up to a length, an empty one and one of ends in a blank among them."""
    some = ["", "满意", "a ", "x" * (length // 2), "y" * length, " ", "服务" * (length // 6)]
    return [some[place % len(some)] for place in range(count)]


def spss(path: Path, table: pd.DataFrame) -> bytes:
    pyreadstat.write_sav(table, path, row_compress=True)
    return path.read_bytes()


@pytest.mark.parametrize("count", [1, 2, 12])
@pytest.mark.parametrize("numbers", [1, 6, 7, 8, 23])
@pytest.mark.parametrize("length", [0, 1, 8, 9, 252, 255, 256, 300, 510, 511, 1200])
def test_spss_rows_are_the_bytes_of_pyreadstat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, numbers: int, length: int
) -> None:
    monkeypatch.setattr(statistics_files, "_CHUNK_ROWS", 5)
    columns = {f"n{place}": np.roll(NUMBERS, place)[:count] for place in range(numbers)}
    whole = pd.DataFrame(columns)
    whole.insert(numbers // 2, "t", texts(length, count))
    cells = {"t": TextCells.of(whole["t"], 32_767)}
    one = pd.DataFrame({name: [cells[name].longest] if name in cells else [0.0] for name in whole})
    made = statistics_files.join_rows(
        spss(tmp_path / "one.sav", one),
        [cells.get(name, columns.get(name)) for name in whole],
        count,
    )
    expected = bytearray(spss(tmp_path / "whole.sav", whole))
    expected[_SPSS_TIME] = made[_SPSS_TIME]
    assert made == bytes(expected)


@pytest.mark.parametrize("count", [1, 2, 12])
@pytest.mark.parametrize("length", [0, 1, 8, 300, 2044])
@pytest.mark.parametrize("label", ["", "</header><map>", "演示数据 <N><label>"])
def test_stata_rows_are_the_bytes_of_pyreadstat(
    tmp_path: Path, count: int, length: int, label: str
) -> None:
    answers = ([1.0, "d", 3.0, "a", None] * 3)[:count]
    whole = pd.DataFrame(
        {
            "n": NUMBERS[:count],
            "i": np.arange(count, dtype=np.int8),
            "t": texts(length, count),
            "r": pd.Series(
                pd.Categorical(answers, categories=pd.Index(["d", "a", 1.0, 3.0], dtype=object))
            ),
        }
    )
    cells = TextCells.of(whole["t"], 2_044)
    codes = [{"d": -4.0, "a": -1.0, None: np.nan}.get(answer, answer) for answer in answers]
    columns = [
        stata_rows.mark_missing(whole["n"].to_numpy(), {}),
        whole["i"].to_numpy(dtype=np.int32),
        cells,
        stata_rows.mark_missing(np.array(codes, dtype=float), {-4: "d", -1: "a"}),
    ]
    one = pd.DataFrame({"n": [0.0], "i": np.zeros(1, np.int8), "t": [cells.longest], "r": [0.0]})

    def stata(table: pd.DataFrame) -> bytes:
        path = tmp_path / "rows.dta"
        labels = {"r": {"d": "not asked", "a": "unknown", 1: "<map>"}, "i": {1: "<N>"}}
        pyreadstat.write_dta(
            table,
            path,
            file_label=label,
            variable_value_labels=labels,
            missing_user_values={"r": ["a", "d"]},
        )
        return _STATA_TIME.sub(b"", path.read_bytes())

    pyreadstat_rows = stata(whole)
    path = tmp_path / "rows.dta"
    stata(one)
    assert _STATA_TIME.sub(b"", stata_rows.join_rows(path.read_bytes(), columns, count)) == (
        pyreadstat_rows
    )


def _file(table: pd.DataFrame) -> RowFile:
    items = tuple(
        Item(
            name=f"question_with_a_name_too_long_for_stata_{place}",
            kind=ItemKind.RATING,
            label={"zh": "满意吗"},
            minimum=1,
            maximum=10,
            step=1,
        )
        for place in range(120)
    )
    instrument = Instrument(
        name="long",
        version="1",
        title={"zh": "长"},
        default_language="zh",
        languages=(Language(code="zh", name="中文"),),
        sections=(Section(name="only", items=items),),
    )
    answers = {item.name: np.ones(len(table), np.int8) for item in items}
    table = table.join(pd.DataFrame(answers, index=table.index))
    return RowFile(
        table, describe_variables(texts_present(table), instrument, "zh"), "演示数据", ["为林导出"]
    )


@pytest.mark.parametrize("form", [FileFormat.SPSS, FileFormat.STATA])
@pytest.mark.parametrize("rows", [0, 3])
def test_many_long_names_make_a_file_and_so_do_no_rows(
    tmp_path: Path, form: FileFormat, rows: int
) -> None:
    """pyreadstat puts a number behind the name of a variable to name its labels."""
    file = _file(pd.DataFrame({"row": [f"{place:012x}" for place in range(rows)]}, dtype=str))
    path = tmp_path / f"rows.{form}"
    path.write_bytes(write_file(file, form))
    read = pyreadstat.read_sav if form is FileFormat.SPSS else pyreadstat.read_dta
    table, meta = read(path)
    assert len(table) == rows
    assert [name for name in table if name != "about_file"] == [
        variable.name for variable in file.variables
    ]
    assert meta.column_names_to_labels[file.variables[-1].name] == "满意吗"
