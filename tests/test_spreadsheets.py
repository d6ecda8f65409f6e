"""Nothing that we write runs in a spreadsheet program, and numbers stay numbers."""

import ast
import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from survey.cli.output import OutputFormat, print_table
from survey.collection.importing.column_mapping import MappingFile, read_mapping, write_mapping
from survey.collection.importing.rejections import text_cell
from survey.figures.figure_table import csv_bytes
from survey.frame.workbook_io import WorkbookColumn, WorkbookSheet, write_workbook
from survey.locale import msg
from survey.questionnaire.indicator_tree import (
    Indicator,
    IndicatorTree,
    Provenance,
    read_tree,
    tree_bytes,
)
from survey.questionnaire.model import Instrument, Item, ItemKind, Language, Section
from survey.questionnaire.xlsform.writer import xlsform_bytes
from survey.spreadsheets import csv_cell, escape_formula, is_formula, unescape_formula

SOURCE = Path(__file__).parents[1] / "src" / "survey"
FORMULAS = (
    "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1+1",
    "－1+1", "＠SUM(A1)", " =1+1", "\u3000=1", "\ufeff=1", "\u200b＝1", "+86 138", "-", "--1",
    "-1-", "+", "=",
)  # fmt: skip
NUMBERS = ("-1", "-1.5", "+2", "-0.25", "1e-5", "-1e10", "-.5", "0")
RUN_AT = frozenset("=+-@\t\r\n＝＋－＠")


def runs(cell: str) -> bool:
    """Whether a program that skips blanks and invisible signs would run the cell."""
    bare = cell.lstrip(" \u3000\ufeff\u200b")
    try:
        float(cell)
    except ValueError:
        return bool(cell) and (cell[0] in RUN_AT or bare[:1] in RUN_AT)
    return False


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    assert is_formula(text)
    assert escape_formula(text) == f"'{text}"
    assert unescape_formula(escape_formula(text)) == text


@pytest.mark.parametrize("text", [*NUMBERS, "", "abc", "a=b", "3-2", "'", "'abc", "满意", "–"])
def test_numbers_and_words_are_left_alone(text: str) -> None:
    assert escape_formula(text) == text
    assert unescape_formula(text) == text


@given(st.text(alphabet=st.sampled_from("=+-@＝＋－＠'\t\r \u3000a1.e0"), max_size=8) | st.text())
def test_whatever_is_written_does_not_run_and_comes_back(text: str) -> None:
    assert not runs(escape_formula(text))
    assert unescape_formula(escape_formula(text)) == text


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_as_one(number: float) -> None:
    assert csv_cell(number) == number
    assert escape_formula(repr(number)) == repr(number)


def cells_of(content: bytes | str) -> list[str]:
    text = content if isinstance(content, str) else content.decode("utf-8-sig")
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]


def test_tables_of_the_pages() -> None:
    table = pd.DataFrame({"=name": FORMULAS, "number": [-1.5] * len(FORMULAS)})
    cells = cells_of(csv_bytes(table, ("=remark",)))
    assert not any(map(runs, cells))
    assert cells.count("-1.5") == len(FORMULAS)


def test_tables_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("=head", "n"), [(text, -2) for text in FORMULAS], OutputFormat.CSV)
    cells = cells_of(capsys.readouterr().out)
    assert not any(map(runs, cells))
    assert cells.count("-2") == len(FORMULAS)


def test_mapping_files_come_back_as_they_were() -> None:
    names = [text.strip() for text in FORMULAS if text.strip()]
    mapping = MappingFile(dict.fromkeys(names, "quality"), {name: {"=yes": "1"} for name in names})
    content = write_mapping(mapping)
    assert not any(map(runs, cells_of(content)))
    assert read_mapping(content) == mapping


def node(code: str, zh: str, en: str) -> Indicator:
    return Indicator(
        code=code,
        parent=code.rpartition(".")[0] or None,
        level=code.count(".") + 1,
        name={"zh": zh, "en": en},
        weight=1.0,
        name_status=Provenance.ASSUMED,
        weight_status=Provenance.ASSUMED,
    )


def test_indicator_trees_come_back_as_they_were(tmp_path: Path) -> None:
    nodes = (node("1", "=1+1", "+1 x"), node("1.1", "＝1", "@a"), node("1.1.1", "-", "b"))
    tree = IndicatorTree(name="t", indicators=nodes)
    (tmp_path / "t.csv").write_bytes(tree_bytes(tree))
    assert not any(map(runs, cells_of((tmp_path / "t.csv").read_bytes())))
    assert read_tree(tmp_path / "t.csv") == tree


def kinds(content: bytes | Path) -> set[str]:
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    book = load_workbook(source)
    return {
        cell.data_type
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str)
    }


def test_workbooks_of_plans() -> None:
    sheet = WorkbookSheet(
        "s",
        (WorkbookColumn("a", msg("a")), WorkbookColumn("b", msg("b"))),
        [(f, -1) for f in FORMULAS],
    )
    content = write_workbook([sheet], "en")
    assert kinds(content) == {"s"}
    rows = list(load_workbook(io.BytesIO(content)).active.iter_rows(min_row=2, values_only=True))
    assert {row[1] for row in rows} == {-1}


def test_workbooks_of_imports() -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("s")
    for text in FORMULAS:
        sheet.append([text_cell(sheet, text)])
    buffer = io.BytesIO()
    book.save(buffer)
    assert kinds(buffer.getvalue()) == {"s"}


def test_workbooks_of_questionnaires(tmp_path: Path) -> None:
    items = tuple(
        Item(name=f"q{number}", kind=ItemKind.NOTE, label={"en": text})
        for number, text in enumerate(FORMULAS)
    )
    instrument = Instrument(
        name="=x",
        version="1",
        title={"en": "=t"},
        default_language="en",
        languages=(Language(code="en", name="English"),),
        sections=(Section(name="s", title={"en": "@s"}, items=items),),
    )
    (tmp_path / "x.xlsx").write_bytes(xlsform_bytes(instrument))
    assert kinds(tmp_path / "x.xlsx") == {"s"}


WRITES = {"writer", "DictWriter", "to_csv", "to_excel", "Workbook", "WriteOnlyCell"}
STORED_ONLY = {"frame/sampling_plan.py"}
"""The list of points as it was drawn from: hashed and kept, handed out to nobody."""


def test_no_table_is_written_past_the_shared_function() -> None:
    without = set()
    for path in SOURCE.rglob("*.py"):
        source = path.read_text("utf-8")
        called = {
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Call)
        }
        writes = (called & WRITES and "openpyxl" in source) or called & {"writer", "DictWriter"}
        shared = "survey.spreadsheets" in source or "text_cell" in source
        if (writes or called & {"to_csv", "to_excel"}) and not shared:
            without.add(path.relative_to(SOURCE).as_posix())
    assert without == STORED_ONLY
