"""Rankings: all choices put in order."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from survey.locale import msg
from survey.questionnaire.model import Item, ItemKind
from survey.questionnaire.question_types.question_type import (
    MISSING,
    NOT_ASKED,
    NOT_IN_ANSWERS,
    Answer,
    AnswerRefusal,
    SnapshotColumn,
)
from survey.questionnaire.question_types.select_one import SELECT_MULTIPLE


def _parse_answer(item: Item, raw: object) -> Answer | AnswerRefusal:
    """Return the names of all choices, each once, in the order given, or a refusal."""
    if not isinstance(raw, list | tuple) or not all(isinstance(name, str) for name in raw):
        return AnswerRefusal("type", msg("Please give every answer a place of its own."))
    if len(raw) != len(item.choices) or frozenset(raw) != item.choice_names:
        return AnswerRefusal("rank", msg("Please give every answer a place of its own."))
    return list(raw)


def _build_position_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    """Return a column per choice: its place from 1, or a negative code without an answer."""
    places = [
        {name: place for place, name in enumerate(value, start=1)}
        if isinstance(value, list)
        else {}
        for value in values
    ]
    gaps = [NOT_ASKED if value is NOT_IN_ANSWERS else MISSING for value in values]
    return tuple(
        SnapshotColumn(
            f"{item.name}/{choice.name}",
            "int8",
            [place.get(choice.name, gap) for place, gap in zip(places, gaps, strict=True)],
        )
        for choice in item.choices
    )


RANK = replace(
    SELECT_MULTIPLE,
    kind=ItemKind.RANK,
    xlsform_names=("rank",),
    parse_answer=_parse_answer,
    import_hint=msg("all codes from the sheet “codes” in their order, with a space between them"),
    # Every choice is in every answer: shares of those who chose it would say nothing.
    has_choice_list=False,
    allows_several=False,
    is_coded=False,
    is_ranked=True,
    is_compared=False,
    snapshot_columns=_build_position_columns,
    coded_columns=lambda _item: (),
)
