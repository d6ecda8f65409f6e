"""Dates of the calendar, written as 2024-05-01."""

import re
from collections.abc import Mapping

from survey.instrument.expressions.values import is_date
from survey.instrument.model import Item, ItemKind
from survey.instrument.question_types.question_type import (
    Answer,
    AnswerRefusal,
    CellValue,
    QuestionType,
    XlsformCells,
)
from survey.instrument.question_types.snapshot_codes import text_columns
from survey.locale import msg

_DAY = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[ T].*)?")


def _parse_answer(_item: Item, raw: object) -> Answer | AnswerRefusal:
    if not isinstance(raw, str) or not is_date(raw):
        return AnswerRefusal(
            "date", msg("Please enter a date of the calendar, such as 2024-05-01.")
        )
    return raw


def _parse_cell(text: str, _spellings: Mapping[str, str]) -> CellValue:
    match = _DAY.fullmatch(text)
    return f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}" if match else text


DATE = QuestionType(
    kind=ItemKind.DATE,
    xlsform_names=("date",),
    write_xlsform=lambda _item, _name_list: XlsformCells("date"),
    parse_answer=_parse_answer,
    import_hint=msg("a date such as 2024-05-01"),
    is_compared=True,
    snapshot_columns=text_columns,
    parse_cell=_parse_cell,
)
