"""Calculations: values worked out from other answers, never asked."""

from collections.abc import Iterator

from survey.instrument.model import Item, ItemKind
from survey.instrument.question_types.question_type import QuestionType, XlsformCells, refuse_any
from survey.instrument.question_types.snapshot_codes import number_columns
from survey.locale import Message, msg


def _list_problems(item: Item) -> Iterator[Message]:
    if item.calculation is None:
        yield msg("The calculation is missing.")


CALCULATE = QuestionType(
    kind=ItemKind.CALCULATE,
    xlsform_names=("calculate", "calculate_here", "hidden"),
    write_xlsform=lambda _item, _name_list: XlsformCells("calculate"),
    parse_answer=refuse_any,
    import_hint=None,
    is_shown=False,
    list_problems=_list_problems,
    snapshot_columns=number_columns,
)
