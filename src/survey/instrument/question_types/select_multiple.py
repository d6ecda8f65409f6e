"""Selects with any number of answers."""

import re
from collections.abc import Mapping

from survey.instrument.model import Item, ItemKind
from survey.instrument.question_types.choices import (
    format_choices,
    keep_entered,
    list_choice_names,
    list_choice_problems,
    write_select,
)
from survey.instrument.question_types.question_type import (
    Answer,
    AnswerRefusal,
    CellValue,
    QuestionType,
    fold_text,
)
from survey.instrument.question_types.snapshot_codes import choice_flag_columns
from survey.locale import msg

_SEPARATORS = re.compile(r"\s*[;；|,，、\u250b]\s*")
"""Separators between several choices; the last one is that of Chinese survey sites."""


def _parse_answer(item: Item, raw: object) -> Answer | AnswerRefusal:
    """Return the chosen names in the order of the choices, each once."""
    if not isinstance(raw, list | tuple) or not all(isinstance(name, str) for name in raw):
        return AnswerRefusal("type", msg("Please choose from the answers."))
    chosen = frozenset(raw)
    if not chosen <= item.choice_names:
        return AnswerRefusal("choice", msg("Please choose from the answers."))
    return [choice.name for choice in item.choices if choice.name in chosen]


def _parse_cell(text: str, spellings: Mapping[str, str]) -> CellValue:
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
    parse_answer=_parse_answer,
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
    parse_cell=_parse_cell,
    parse_entered=keep_entered,
)
