"""Selects with one answer and with several."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from survey.locale import Message, msg
from survey.questionnaire.model import Item, ItemKind
from survey.questionnaire.question_types.numbers import WHOLE
from survey.questionnaire.question_types.question_type import (
    Answer,
    AnswerRefusal,
    CellValue,
    ChoiceListNamer,
    QuestionType,
    SnapshotColumn,
    XlsformCells,
    choice_flag_columns,
    fold_text,
    format_choices,
    keep_texts,
)

_SEPARATORS = re.compile(r"\s*[;；|,，、\u250b]\s*")
"""Separators between several choices; the last one is that of Chinese survey sites."""


def _parse_answer(item: Item, raw: object) -> Answer | AnswerRefusal:
    if not isinstance(raw, str):
        return AnswerRefusal("type", msg("Please choose one of the answers."))
    if raw not in item.choice_names:
        return AnswerRefusal("choice", msg("Please choose one of the answers."))
    return raw


def _list_names(item: Item) -> tuple[str, ...]:
    """Return the names of an item's choices in the order in which they are offered."""
    return tuple(choice.name for choice in item.choices)


def _list_problems(item: Item) -> Iterator[Message]:
    if not item.choices:
        yield msg("This question has no choices.")


def _write_xlsform(item: Item, name_list: ChoiceListNamer) -> XlsformCells:
    return XlsformCells(f"{item.kind.value} {name_list(item, item.choices)}")


def _build_snapshot_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    return (SnapshotColumn(item.name, "category", keep_texts(values), _list_names(item)),)


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
        "select_one_external",
        "select_one_from_file",
        "select one from file",
        "add select one prompt using",
    ),
    write_xlsform=_write_xlsform,
    parse_answer=_parse_answer,
    import_hint=msg("a code from the list"),
    has_choice_list=True,
    is_coded=True,
    is_compared=True,
    list_problems=_list_problems,
    list_codes=_list_names,
    snapshot_columns=_build_snapshot_columns,
    coded_columns=lambda item: (item.name,),
    format_answer=format_choices,
    parse_cell=_parse_cell,
    parse_entered=lambda entered: entered,
)


def _parse_chosen_answer(item: Item, raw: object) -> Answer | AnswerRefusal:
    """Return the chosen names in the order of the choices, each once, or a refusal."""
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


SELECT_MULTIPLE = replace(
    SELECT_ONE,
    kind=ItemKind.SELECT_MULTIPLE,
    xlsform_names=(
        "select_multiple",
        "select all that apply",
        "select all that apply from",
        "select_multiple_from_file",
        "select multiple from file",
        "add select multiple prompt using",
    ),
    parse_answer=_parse_chosen_answer,
    import_hint=msg("codes from the sheet “codes”, with a space between them"),
    allows_several=True,
    snapshot_columns=choice_flag_columns,
    coded_columns=lambda item: tuple(f"{item.name}/{name}" for name in _list_names(item)),
    parse_cell=_parse_chosen_cell,
)
