"""What pyxform objects to is said in Chinese, with its place."""

from pathlib import Path

import pytest
from pyxform.errors import ErrorCode, PyXFormError

from survey.locale import translator
from survey.questionnaire.xlsform.checker_messages import RULES, translate_checker_error
from survey.questionnaire.xlsform.import_log import XlsformError
from survey.questionnaire.xlsform.reader import read_xlsform
from survey.tabular.workbook_safety import WorkbookError
from tests.instrument.workbooks import Table, form

zh = translator("zh")
REFUSED_BEFORE = ("ENTITY_", "INTERNAL_", "SURVEY_003", "SURVEY_006", "SURVEY_007", "SURVEY_008")
"""Entities and geography, which our own reading refuses."""
OF_ENTITIES = {"HEADER_005", "NAMES_014", "NAMES_015", "SURVEY_009"}


def test_every_code_that_a_questionnaire_can_meet_has_a_text() -> None:
    reachable = {
        code.name
        for code in ErrorCode
        if not code.name.startswith(REFUSED_BEFORE) and code.name not in OF_ENTITIES
    }
    assert reachable - set(RULES) == {"NAMES_009"}, "a new version of pyxform knows more"
    assert set(RULES) <= reachable


@pytest.mark.parametrize("code", [*RULES, "NAMES_009"])
def test_a_known_code_is_said_in_chinese_with_or_without_its_number(code: str) -> None:
    context = {"row": 7, "sheet": "choices"}
    numbered = PyXFormError(code=ErrorCode[code], context=context)
    bare = PyXFormError(ErrorCode[code].value.format(**context))
    for error in (numbered, bare):
        text = zh(translate_checker_error(error).message)
        assert text.startswith("XLSForm检查程序提示：")
        assert "invalid" not in text
        assert "must" not in text
        rule = RULES["NAMES_008" if code == "NAMES_009" else code]
        assert zh(rule) in text, "the texts of two codes are alike"


def test_an_unknown_code_is_quoted() -> None:
    error = PyXFormError(code=ErrorCode.SURVEY_008, context={"row": 7})
    assert "'warning-accuracy'" in zh(translate_checker_error(error).message)


def test_the_place_is_that_of_the_error() -> None:
    context = {"row": 5, "sheet": "choices", "column": "name"}
    found = translate_checker_error(PyXFormError(code=ErrorCode.NAMES_008, context=context))
    assert (found.sheet, found.row) == ("choices", 5)
    context = {"row": 5, "sheet": "survey", "column": "relevant", "q": "age"}
    found = translate_checker_error(PyXFormError(code=ErrorCode.PYREF_003, context=context))
    assert (found.sheet, found.row) == ("survey", None)
    assert zh(found.message).startswith("XLSForm检查程序提示：第5行：")
    assert "“age”" in zh(found.message)


def test_what_has_no_code_is_quoted() -> None:
    found = translate_checker_error(PyXFormError("something\n  odd"))
    assert (found.sheet, found.row) == (None, None)
    assert zh(found.message) == "XLSForm检查程序提示：something odd"


YES = (("list_name", "name", "label"), ("yn", "y", "Yes"))
ONE = (("type", "name", "label"), ("select_one yn", "a", "A"))


@pytest.mark.parametrize(
    ("rows", "choices", "sheet", "row", "text"),
    [
        (ONE, (*YES, ("yn", "y", "No")), "choices", 3, "同一选项列表中名称重复"),
        (
            (("type", "name", "label", "parameters"), ("select_one yn", "a", "A", "foo=7")),
            YES,
            "survey",
            None,
            "第2行：该题型没有这个参数。（“foo”）",
        ),
        ((*ONE, ("integer", "meta", "B")), YES, "survey", None, "第3行：名称“meta”已被保留"),
    ],
)
def test_a_form_that_only_the_checker_refuses(
    tmp_path: Path, rows: Table, choices: Table, sheet: str, row: int | None, text: str
) -> None:
    with pytest.raises(XlsformError) as caught:
        read_xlsform(form(tmp_path, rows, choices=choices))
    (finding,) = caught.value.findings
    assert (finding.sheet, finding.row) == (sheet, row)
    assert text in zh(finding.message)


def test_two_columns_of_one_name_are_a_sentence(tmp_path: Path) -> None:
    choices = (("list_name", "name", "label", "label"), ("yn", "y", "Yes", "Ja"))
    with pytest.raises(WorkbookError) as caught:
        read_xlsform(form(tmp_path, ONE, choices=choices))
    assert zh(caught.value.message) == "无法读取工作簿：有两列的列名都是“label”。"
