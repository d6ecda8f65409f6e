"""Formats of exported rows: everything comes back, labels and missing values, whatever the text."""

import io
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from survey.files.microdata.file_formats import FileFormat, RowFile, write_file
from survey.files.microdata.row_workbook import workbook_bytes
from survey.files.microdata.statistics_files import STATA_LETTERS
from survey.files.microdata.text_cells import cut_bytes, wrap_bytes
from survey.files.microdata.variables import (
    MAX_NAME_CHARS,
    Variable,
    describe_variables,
    texts_present,
)
from survey.questionnaire.model import (
    Choice,
    Instrument,
    Item,
    ItemKind,
    Language,
    Section,
    SpecialAnswer,
)
from tests.error_codes import raises_code

LONG = "环境整洁，服务周到；" * 40
NASTY = [
    LONG,
    '他说："好"',
    "=1+1",
    "@SUM(A1)",
    "-cmd|' /C calc'!A0",
    "😀👨\u200d👩\u200d👧",
    "a\0b",
    "两\n行",
    "_x0041_",
    "  blanks  ",
    "<b>&amp;</b>",
    "",
]
LONG_QUESTION = "您对本市商品和服务的种类是否满意？" * 20


def instrument() -> Instrument:
    """A rating, a choice with special answers, several choices, and names no program takes."""
    yes_no = (
        Choice(name="yes", label={"zh": "是", "en": "Yes"}),
        Choice(name="no", label={"zh": "否" * 60, "en": "No"}),
        Choice(name="dk", label={"zh": "不知道", "en": "Don't know"}),
        Choice(name="refused", label={"zh": "不愿说", "en": "Refused"}),
    )
    several = (
        Choice(name="a", label={"zh": "甲", "en": "A"}),
        Choice(name="b", label={"zh": "乙", "en": "B"}),
    )
    long_name = "a_very_long_name_of_a_question_that_stata_would_not_take"
    rating = Item(
        name="overall",
        kind=ItemKind.RATING,
        label={"zh": LONG_QUESTION, "en": "Overall?"},
        minimum=1,
        maximum=10,
        step=1,
        low_label={"zh": "很不满意"},
        high_label={"zh": "很满意"},
        specials=(SpecialAnswer.DONT_KNOW,),
    )
    select = Item(name="with", kind=ItemKind.SELECT_ONE, label={"zh": "有没有"}, choices=yes_no)
    items = (
        rating,
        select,
        Item(name=long_name, kind=ItemKind.SELECT_MULTIPLE, label={"zh": "哪些"}, choices=several),
    )
    return Instrument(
        name="files",
        version="1",
        title={"zh": "文件"},
        default_language="zh",
        languages=(Language(code="zh", name="中文"),),
        sections=(Section(name="only", items=items),),
    )


LONG_FLAG = "a_very_long_name_of_a_question_that_stata_would_not_take"


@pytest.fixture(scope="module")
def file() -> RowFile:
    count = len(NASTY)
    with_gaps = ["yes", "no", "dk", "refused", None] * 3
    table = pd.DataFrame(
        {
            "row": [f"{place:012x}" for place in range(count)],
            "city_code": ["110000", "310000"] * (count // 2),
            "weight": np.linspace(0.123456789012, 98765.4321, count),
            "day": ["2024-11-02"] * count,
            "age_band": pd.Categorical(["15-24", None, "6-14", "55-70"] * (count // 4)),
            "overall": np.array([-5, -4, -3, -2, -1, 1, 5, 10, 9, 8, 7, 6], dtype=np.int8),
            "with": pd.Categorical(with_gaps[:count]),
            f"{LONG_FLAG}/a": pd.array([1, 0, -4, None] * (count // 4), dtype="Int16"),
            f"{LONG_FLAG}/b": np.array([0, 1, -4, -5] * (count // 4), dtype=np.int8),
            "comment": NASTY,
        }
    )
    variables = describe_variables(texts_present(table), instrument(), "zh")
    return RowFile(
        table, variables, "演示数据 " + "很长的名称" * 30, ["为林导出", "=HYPERLINK()", LONG]
    )


def variable_of(file: RowFile, column: str) -> Variable:
    (found,) = [each for each in file.variables if each.column == column]
    return found


def test_names_are_such_as_spss_and_stata_take(file: RowFile) -> None:
    names = [variable.name for variable in file.variables]
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert len(name) <= MAX_NAME_CHARS
        assert name.isascii()
        assert name[0].isalpha()
        assert name.replace("_", "").isalnum()
    assert variable_of(file, "with").name == "v_with"


def expected_codes(file: RowFile, column: str) -> list[float]:
    """The code of every row by the description of the variable; not a number without a value."""
    codes = {value.value: value.code for value in variable_of(file, column).values}
    values = file.table[column].astype(object)
    return [np.nan if pd.isna(value) else codes[value] for value in values]


def test_an_spss_file_gives_back_every_value_label_and_missing_value(
    file: RowFile, tmp_path: Path
) -> None:
    path = tmp_path / "rows.sav"
    path.write_bytes(write_file(file, FileFormat.SPSS))
    rows, meta = pyreadstat.read_sav(path, user_missing=True)
    assert list(rows) == [variable.name for variable in file.variables]
    for variable in file.variables:
        column = rows[variable.name]
        if variable.values:
            np.testing.assert_array_equal(column, expected_codes(file, variable.column))
            for value in variable.values:
                if value.label:
                    label = meta.variable_value_labels[variable.name][value.code]
                    assert label == cut_bytes(value.label, 120)
        assert meta.column_names_to_labels[variable.name] == cut_bytes(variable.label, 255)
    np.testing.assert_array_equal(rows["weight"], file.table["weight"])
    assert list(rows["comment"]) == [text.replace("\0", " ").rstrip(" ") for text in NASTY]
    assert meta.missing_ranges["overall"] == [{"lo": -5.0, "hi": -1.0}]
    assert meta.missing_ranges["v_with"] == [{"lo": -5.0, "hi": -1.0}]
    assert meta.variable_value_labels["v_with"] == {
        1: "是", 2: cut_bytes("否" * 60, 120), -1: "不知道", -3: "不愿说",
    }  # fmt: skip
    assert meta.variable_value_labels["city_code"] == {110000: "北京", 310000: "上海"}
    assert meta.variable_measure["overall"] == "ordinal"
    assert meta.file_label.startswith("演示数据")
    assert "".join(meta.notes).startswith("为林导出=HYPERLINK()")
    ordinary, _ = pyreadstat.read_sav(path)
    assert ordinary["overall"].tolist()[5:] == [1, 5, 10, 9, 8, 7, 6]
    assert ordinary["overall"].isna().sum() == 5


def test_a_stata_file_gives_back_every_value_label_and_missing_value(
    file: RowFile, tmp_path: Path
) -> None:
    path = tmp_path / "rows.dta"
    path.write_bytes(write_file(file, FileFormat.STATA))
    rows, meta = pyreadstat.read_dta(path, user_missing=True)
    assert list(rows) == [*(variable.name for variable in file.variables), "about_file"]
    for variable in file.variables:
        if not variable.values:
            continue
        expected = [STATA_LETTERS.get(code, code) for code in expected_codes(file, variable.column)]
        for found, code in zip(rows[variable.name], expected, strict=True):
            assert found == code or (pd.isna(found) and pd.isna(code))
        for value in variable.values:
            if value.label:
                code = STATA_LETTERS.get(value.code, value.code)
                assert meta.variable_value_labels[variable.name][code] == value.label
    np.testing.assert_array_equal(rows["weight"], file.table["weight"])
    assert list(rows["comment"]) == [cut_bytes(text.replace("\0", " "), 2044) for text in NASTY]
    assert len(meta.column_names_to_labels["overall"]) == 80
    assert LONG_QUESTION.startswith(meta.column_names_to_labels["overall"][:-1])
    assert meta.file_label.startswith("演示数据")
    assert "为林导出" in meta.variable_value_labels["about_file"][1]
    ordinary, _ = pyreadstat.read_dta(path)
    assert ordinary["overall"].isna().sum() == 5


@pytest.mark.parametrize("leading", ["letters", "blanks"])
def test_a_question_that_few_were_asked_is_a_number_in_stata_too(
    file: RowFile, tmp_path: Path, leading: str
) -> None:
    """The writer looks at a hundred rows to see what a column is."""
    answers = file.table["overall"]
    numbers = answers[answers > 0].tolist()
    few = file.table[answers < 0] if leading == "letters" else file.table[answers > 0]
    table = pd.concat([few] * 40 + [file.table], ignore_index=True)
    if leading == "blanks":
        table["overall"] = table["overall"].astype("float64")
        table.loc[: 40 * len(few) - 1, "overall"] = np.nan
    path = tmp_path / "rows.dta"
    path.write_bytes(write_file(replace(file, rows=table), FileFormat.STATA))
    rows, _ = pyreadstat.read_dta(path)
    assert len(rows) == len(table) > 150
    assert rows["overall"].dropna().tolist() == numbers


def test_a_parquet_file_gives_back_every_value_and_its_labels(file: RowFile) -> None:
    table = pq.read_table(io.BytesIO(write_file(file, FileFormat.PARQUET)))
    pd.testing.assert_frame_equal(table.to_pandas(), file.table)
    assert json.loads(table.schema.metadata[b"remarks"]) == list(file.remarks)
    assert table.schema.metadata[b"title"].decode() == file.title
    field = table.schema.field("overall")
    assert field.metadata[b"label"].decode() == LONG_QUESTION
    values = {each["value"]: each for each in json.loads(field.metadata[b"values"])}
    assert values[10]["label"] == "很满意"
    assert values[-4]["missing"] is True


def test_a_workbook_gives_back_every_value_and_runs_no_formula(file: RowFile) -> None:
    content = write_file(file, FileFormat.XLSX)
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name("rows")
    lines = sheet.to_python()
    assert [line[0] for line in lines[:3]] == list(file.remarks)
    assert lines[3] == list(file.table.columns)
    book = load_workbook(io.BytesIO(content))
    assert book.properties.creator == "为林导出"
    assert book.properties.title == file.title
    cells = [cell for line in book["rows"].iter_rows() for cell in line if cell.value is not None]
    assert all(cell.data_type != "f" for cell in cells)
    found = pd.DataFrame(lines[4:], columns=lines[3])
    for column in file.table:
        for read, value in zip(found[column], file.table[column].tolist(), strict=True):
            assert read == ("" if pd.isna(value) else value)
    formulas = [cell for cell in cells if str(cell.value).startswith(("=", "@", "-cmd"))]
    assert len(formulas) == 4
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in formulas)


def test_a_csv_gives_back_every_value_behind_its_remarks(file: RowFile) -> None:
    text = write_file(file, FileFormat.CSV).decode("utf-8-sig")
    assert text.startswith("为林导出\r\n'=HYPERLINK()\r\n")
    read = pd.read_csv(io.StringIO(text), skiprows=3, dtype=str, keep_default_na=False)
    assert [float(weight) for weight in read["weight"]] == file.table["weight"].tolist()
    escaped = [f"'{text}" if text[:1] in set("=@-") else text for text in NASTY]
    assert read["comment"].tolist() == escaped
    assert read["overall"].tolist() == [str(score) for score in file.table["overall"]]


def test_a_sheet_takes_no_more_rows_than_excel_has() -> None:
    table = pd.DataFrame({"n": np.zeros(1_048_576, dtype=np.int8)})
    with raises_code("too_large_for_sheet"):
        workbook_bytes(table, "", [])


@pytest.mark.parametrize("most", range(3, 12))
def test_texts_are_cut_between_two_characters(most: int) -> None:
    for text in ("满意度", "😀😀😀", "plain text", "é" * 9):
        cut = cut_bytes(text, most)
        assert len(cut.encode()) <= most
        assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))
        lines = wrap_bytes(text, most + 1)
        assert "".join(lines) == text
        assert all(len(line.encode()) <= most + 1 for line in lines)


def test_a_workbook_opens_in_libreoffice(file: RowFile, tmp_path: Path) -> None:
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("soffice is not installed: nothing shows that LibreOffice opens the workbook")
    source = tmp_path / "rows.xlsx"
    source.write_bytes(write_file(file, FileFormat.XLSX))
    subprocess.run(
        [program, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless",
         "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1", "--outdir", str(tmp_path),
         str(source)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    converted = (tmp_path / "rows.csv").read_text(encoding="utf-8")
    assert "为林导出" in converted
    assert "他说" in converted
    assert LONG in converted
    assert "=1+1" in converted
