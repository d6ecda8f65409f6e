"""Selects with one answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from survey.instrument.model import Item, ItemKind
from survey.instrument.question_types.choices import (
    format_choices,
    keep_entered,
    list_choice_names,
    list_choice_problems,
    write_select,
)
from survey.instrument.question_types.numbers import WHOLE
from survey.instrument.question_types.question_type import (
    Answer,
    AnswerRefusal,
    CellValue,
    QuestionType,
    SnapshotColumn,
    fold_text,
)
from survey.instrument.question_types.snapshot_codes import keep_texts
from survey.locale import msg


def _parse_answer(item: Item, raw: object) -> Answer | AnswerRefusal:
    if not isinstance(raw, str):
        return AnswerRefusal("type", msg("Please choose one of the answers."))
    if raw not in item.choice_names:
        return AnswerRefusal("choice", msg("Please choose one of the answers."))
    return raw


def _build_snapshot_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    names = list_choice_names(item)
    return (SnapshotColumn(item.name, "category", keep_texts(values), names),)


def _parse_cell(text: str, spellings: Mapping[str, str]) -> CellValue:
    plain = fold_text(text)
    name = spellings.get(plain)
    if name is None and WHOLE.fullmatch(plain):
        # Spreadsheets turn the code 1 into 1.0.
        name = spellings.get(plain.partition(".")[0])
    return text if name is None else name


SELECT_ONE = QuestionType(
    kind=ItemKind.SELECT_ONE,
    xlsform_names=(
        "select_one",
        "select1",
        "select one",
        "select one from",
        "add select one prompt using",
    ),
    write_xlsform=write_select,
    parse_answer=_parse_answer,
    import_hint=msg("a code from the list"),
    has_choice_list=True,
    is_coded=True,
    is_compared=True,
    list_problems=list_choice_problems,
    list_codes=list_choice_names,
    snapshot_columns=_build_snapshot_columns,
    coded_columns=lambda item: (item.name,),
    format_answer=format_choices,
    parse_cell=_parse_cell,
    parse_entered=keep_entered,
)
