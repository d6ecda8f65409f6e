"""Whole numbers that people type."""

from typing import Any

from survey.instrument.model import Item, ItemKind
from survey.instrument.question_types.numbers import (
    as_whole_number,
    check_bounds,
    parse_number_cell,
)
from survey.instrument.question_types.question_type import (
    Answer,
    AnswerRefusal,
    QuestionType,
    XlsformCells,
    strip_entered,
)
from survey.instrument.question_types.snapshot_codes import number_columns
from survey.locale import msg


def _parse_answer(item: Item, raw: object) -> Answer | AnswerRefusal:
    number = as_whole_number(raw)
    if number is None:
        return AnswerRefusal("type", msg("Please enter a whole number."))
    return check_bounds(item, number)


def _parse_entered(entered: Any) -> Any:
    text = strip_entered(entered)
    try:
        return int(text)
    except ValueError:
        return text


INTEGER = QuestionType(
    kind=ItemKind.INTEGER,
    xlsform_names=("integer", "int"),
    write_xlsform=lambda _item, _name_list: XlsformCells("integer"),
    parse_answer=_parse_answer,
    import_hint=msg("a whole number"),
    is_number=True,
    is_compared=True,
    snapshot_columns=number_columns,
    parse_cell=parse_number_cell,
    parse_entered=_parse_entered,
)
