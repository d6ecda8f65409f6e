"""The public example forms of pyxform: which are taken whole, and what is said of the others.

They are fetched, not copied: tools/ensure-xlsform-examples.sh, or `SURVEY_XLSFORM_EXAMPLES`.
"""

import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from survey.questionnaire.checks import Finding
from survey.questionnaire.xlsform.group_tree import QuestionGroup, build_group_tree
from survey.questionnaire.xlsform.import_log import ImportLog, XlsformError
from survey.questionnaire.xlsform.reader import read_xlsform
from survey.questionnaire.xlsform.worksheets import FormWorksheets, read_worksheets
from survey.settings import PROJECT_ROOT
from survey.tabular.workbook_safety import WorkbookError, open_workbook

LIST = PROJECT_ROOT / "tools" / "pyxform-examples-4.5.0.sha256"
EXAMPLES = tuple(
    name
    for name in (line.split()[1] for line in LIST.read_text("utf-8").splitlines())
    if not name.endswith(".jpg")
)
WHOLE = frozenset(
    {
        "allow_comment_rows_test.xls",
        "calculate.xls",
        "cascading_select_test_equivalent.xls",
        "choice_filter_test.xlsx",
        "choice_name_as_type.xls",
        "choice_name_same_as_select_name.xls",
        "default_time_demo.xls",
        "extra_columns.xlsx",
        "extra_sheet_names.xlsx",
        "field-list.xlsx",
        "group.csv",
        "group.md",
        "group.xls",
        "group.xlsx",
        "or_other.xlsx",
        "specify_other.csv",
        "specify_other.md",
        "specify_other.xls",
        "specify_other.xlsx",
        "style_settings.xls",
        "survey_no_name.xlsx",
        "table-list.xls",
        "text_and_integer.csv",
        "text_and_integer.md",
        "text_and_integer.xls",
        "text_and_integer.xlsx",
        "utf_csv.csv",
        "xml_escaping.xls",
        "yes_or_no_question.csv",
        "yes_or_no_question.md",
        "yes_or_no_question.xls",
        "yes_or_no_question.xlsx",
    }
)
LEFT_OUT = {
    "attribute_columns_test": "repeat, location, barcode, sound, video, photo of no venue",
    "bad_calc": "an error on purpose: a text that is not closed",
    "case_insensitivity": "OSM, and a filter by a column that the choices lack",
    "flat_xlsform_test": "location, barcode, sound, video, photo of no venue",
    "gps": "location",
    "hidden": "nothing but a hidden field of the device, so no question",
    "include": "include",
    "include_json": "include",
    "loop": "loop",
    "pull_data": "pulldata(): nothing is looked up in files, which no phone has",
    "repeat_date_test": "repeat",
    "simple_loop": "loop",
    "sms_info": "location, photo of no venue",
    "tutorial": "repeat",
    "unknown_question_type": "an error on purpose, location, paths in place of names",
    "widgets": "location, barcode, sound, video, photo of no venue",
    "xlsform_spec_test": "repeat, location, barcode, sound, video, photo of no venue",
}
"""Stem of each other form -> what of it is left out, and why."""
NO_FORM = "fruits.csv"
"""The table that pull_data.xlsx looks things up in."""


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    fetched = cache / "hundred-cities-survey" / LIST.stem
    folder = Path(os.environ.get("SURVEY_XLSFORM_EXAMPLES") or fetched)
    if folder.exists():
        # Several of the forms show the pictures that lie in the folder of one.
        together = tmp_path_factory.mktemp("examples")
        for file in (*folder.iterdir(), *(folder / "widgets-media").iterdir()):
            if file.is_file():
                shutil.copy(file, together)
        return together
    message = (
        "NO EXAMPLE FORMS: run tools/ensure-xlsform-examples.sh, or set "
        "SURVEY_XLSFORM_EXAMPLES to pyxform's tests/example_xls; they are not read"
    )
    warnings.warn(message, stacklevel=1)
    pytest.skip(message)


def test_the_lists_name_examples() -> None:
    stems = {name.partition(".")[0] for name in (*WHOLE, NO_FORM)}
    assert {*WHOLE, NO_FORM} < set(EXAMPLES)
    assert stems.isdisjoint(LEFT_OUT)
    assert {name.partition(".")[0] for name in EXAMPLES} == stems | LEFT_OUT.keys()


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name in WHOLE])
def test_an_example_is_taken_whole(examples: Path, name: str) -> None:
    imported = read_xlsform(examples / name)
    assert imported.skipped == ()
    assert imported.pictures.keys() == imported.instrument.pictures
    assert any(imported.instrument.items())


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in {*WHOLE, NO_FORM}])
def test_what_is_left_out_of_an_example_is_named_with_its_row(examples: Path, name: str) -> None:
    with pytest.raises(XlsformError) as refused:
        read_xlsform(examples / name)
    assert all(finding.row for finding in refused.value.findings)
    kept, findings = read_what_is_supported(examples / name)
    sheets = read_worksheets(open_workbook(examples / name))
    named = {finding.row for finding in findings if finding.sheet in (None, "survey")}
    assert list_unnamed_rows(sheets, kept, named) == []


def test_a_table_is_no_form(examples: Path) -> None:
    with pytest.raises(WorkbookError):
        read_xlsform(examples / NO_FORM)


def read_what_is_supported(path: Path) -> tuple[frozenset[str], tuple[Finding, ...]]:
    """Return the names of the questions that are kept, and everything that is said."""
    try:
        imported = read_xlsform(path, unsupported="skip")
    except XlsformError as error:
        return frozenset(), error.findings
    return frozenset(imported.instrument.by_name), (*imported.skipped, *imported.warnings)


def list_unnamed_rows(
    sheets: FormWorksheets, kept: frozenset[str], named: set[int | None]
) -> list[int]:
    """Return the rows of questions that are neither kept nor named, nor in a group that is."""

    def visit(group: QuestionGroup) -> Iterator[int]:
        for child in group.children:
            if child.row.number in named or child.name in kept:
                continue
            if isinstance(child, QuestionGroup):
                yield from visit(child)
            else:
                yield child.row.number

    return list(visit(build_group_tree(sheets.survey, ImportLog(sheets.survey, "skip"))))
