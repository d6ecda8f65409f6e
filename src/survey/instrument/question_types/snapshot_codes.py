"""Codes of frozen waves for answers that are no score, and the columns made of such codes."""

from collections.abc import Sequence
from math import nan
from typing import Any

from survey.instrument.model import Item, SpecialAnswer
from survey.instrument.question_types.question_type import SnapshotColumn

DONT_KNOW, NOT_EXPERIENCED, REFUSED, NOT_ASKED, MISSING = -1, -2, -3, -4, -5
NOT_IN_ANSWERS = object()
"""Stands for an item that is not among the answers at all: it was off the route."""

_CODES: dict[Any, int] = {
    SpecialAnswer.DONT_KNOW.value: DONT_KNOW,
    SpecialAnswer.NOT_EXPERIENCED.value: NOT_EXPERIENCED,
    SpecialAnswer.REFUSED.value: REFUSED,
    None: MISSING,
    NOT_IN_ANSWERS: NOT_ASKED,
}


def score_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    """Return the scores of a rating with negative codes where there is none.

    An explicit null is an asked but unanswered item; an absent one was not asked.
    """
    code = _CODES.get
    scores = [value if type(value) is int else code(value, MISSING) for value in values]
    return (SnapshotColumn(item.name, "int8", scores),)


def choice_flag_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    """Return one column a choice: 1 chosen, 0 not chosen, negative as for ratings."""
    chosen = [frozenset(value) if isinstance(value, list) else None for value in values]
    gaps = [NOT_ASKED if value is NOT_IN_ANSWERS else MISSING for value in values]
    return tuple(
        SnapshotColumn(
            f"{item.name}/{choice.name}",
            "int8",
            [
                gap if names is None else int(choice.name in names)
                for names, gap in zip(chosen, gaps, strict=True)
            ],
        )
        for choice in item.choices
    )


def number_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    """Return the numbers as one column, NaN where there is none."""
    numbers = [float(value) if isinstance(value, int | float) else nan for value in values]
    return (SnapshotColumn(item.name, "float64", numbers),)


def text_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    """Return the texts as one column, null where there is none."""
    return (SnapshotColumn(item.name, "string", keep_texts(values)),)


def keep_texts(values: Sequence[Any]) -> list[str | None]:
    """Return the values that are texts, and null for every other one."""
    return [value if isinstance(value, str) else None for value in values]
