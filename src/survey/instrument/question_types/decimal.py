"""Numbers with decimal places that people type."""

from typing import Any

from survey.instrument.model import Item, ItemKind
from survey.instrument.question_types.numbers import as_number, check_bounds, parse_number_cell
from survey.instrument.question_types.question_type import (
    Answer,
    AnswerRefusal,
    QuestionType,
    XlsformCells,
    strip_entered,
)
from survey.instrument.question_types.snapshot_codes import number_columns
from survey.locale import msg

MAX_DECIMAL = 1e15


def _parse_answer(item: Item, raw: object) -> Answer | AnswerRefusal:
    number = as_number(raw)
    if number is None or abs(number) > MAX_DECIMAL:
        return AnswerRefusal("type", msg("Please enter a number."))
    return check_bounds(item, number)


def _parse_entered(entered: Any) -> Any:
    text = strip_entered(entered)
    try:
        return float(text)
    except ValueError:
        return text


DECIMAL = QuestionType(
    kind=ItemKind.DECIMAL,
    xlsform_names=("decimal",),
    write_xlsform=lambda _item, _name_list: XlsformCells("decimal"),
    parse_answer=_parse_answer,
    import_hint=msg("a number"),
    is_number=True,
    is_compared=True,
    snapshot_columns=number_columns,
    parse_cell=parse_number_cell,
    parse_entered=_parse_entered,
)
