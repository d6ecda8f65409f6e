"""Selects with one answer and with several."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from survey.locale import msg
from survey.questionnaire.model import Item, ItemKind
from survey.questionnaire.question_types.choices import (
    format_choices,
    keep_entered,
    list_choice_names,
    list_choice_problems,
    write_select,
)
from survey.questionnaire.question_types.numbers import WHOLE
from survey.questionnaire.question_types.question_type import (
    Answer,
    AnswerRefusal,
    CellValue,
    QuestionType,
    SnapshotColumn,
    choice_flag_columns,
    fold_text,
    keep_texts,
)

_SEPARATORS = re.compile(r"\s*[;；|,，、\u250b]\s*")
"""Separators between several choices; the last one is that of Chinese survey sites."""


def _parse_chosen_answer(item: Item, raw: object) -> Answer | AnswerRefusal:
    """Return the chosen names in the order of the choices, each once."""
    if not isinstance(raw, list | tuple) or not all(isinstance(name, str) for name in raw):
        return AnswerRefusal("type", msg("Please choose from the answers."))
    chosen = frozenset(raw)
    if not chosen <= item.choice_names:
        return AnswerRefusal("choice", msg("Please choose from the answers."))
    return [choice.name for choice in item.choices if choice.name in chosen]


def _parse_chosen_cell(text: str, spellings: Mapping[str, str]) -> CellValue:
    by_space = text.split()
    if all(fold_text(part) in spellings for part in by_space):
        parts = by_space
    else:
        parts = [part for part in _SEPARATORS.split(text) if part]
    chosen = [spellings.get(fold_text(part), part) for part in parts]
    return list(dict.fromkeys(chosen))


SELECT_MULTIPLE = QuestionType(
    kind=ItemKind.SELECT_MULTIPLE,
    xlsform_names=(
        "select_multiple",
        "select all that apply",
        "select all that apply from",
        "add select multiple prompt using",
    ),
    write_xlsform=write_select,
    parse_answer=_parse_chosen_answer,
    import_hint=msg("codes from the sheet “codes”, with a space between them"),
    has_choice_list=True,
    allows_several=True,
    is_coded=True,
    is_compared=True,
    list_problems=list_choice_problems,
    list_codes=list_choice_names,
    snapshot_columns=choice_flag_columns,
    coded_columns=lambda item: tuple(f"{item.name}/{name}" for name in list_choice_names(item)),
    format_answer=format_choices,
    parse_cell=_parse_chosen_cell,
    parse_entered=keep_entered,
)


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
