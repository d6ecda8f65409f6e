"""How one answer becomes one typed cell. Five kinds of "no score" stay five different codes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from survey.instrument.model import Item, ItemKind, SpecialAnswer

DONT_KNOW, NOT_EXPERIENCED, REFUSED, NOT_ASKED, MISSING = -1, -2, -3, -4, -5
_CODES: dict[Any, int] = {
    SpecialAnswer.DONT_KNOW.value: DONT_KNOW,
    SpecialAnswer.NOT_EXPERIENCED.value: NOT_EXPERIENCED,
    SpecialAnswer.REFUSED.value: REFUSED,
    None: MISSING,
}
NOT_IN_ANSWERS = object()
"""Stands for an item that is not among the answers at all: it was off the route."""


def encode_ratings(values: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Scores and negative codes of one rating, int8, in the order of `values`.

    An explicit null is an asked but unanswered item; an absent one was not asked.
    """
    lookup: dict[Any, int] = {**_CODES, NOT_IN_ANSWERS: NOT_ASKED}
    return np.fromiter(
        (value if type(value) is int else lookup.get(value, MISSING) for value in values),
        dtype=np.int8,
        count=len(values),
    )


def item_columns(item: Item, values: Sequence[Any]) -> dict[str, Any]:
    """The snapshot columns of one item: none for notes and open text.

    Open text stays in the store: it may name people, and no estimate reads it.
    """
    if item.kind is ItemKind.RATING:
        return {item.name: encode_ratings(values)}
    if item.kind is ItemKind.SELECT_ONE:
        known = [choice.name for choice in item.choices]
        return {item.name: pd.Categorical(_texts(values), categories=known)}
    if item.kind is ItemKind.SELECT_MULTIPLE:
        return _multiple(item, values)
    if item.kind in {ItemKind.INTEGER, ItemKind.DECIMAL, ItemKind.CALCULATE}:
        numbers = [float(v) if isinstance(v, int | float) else np.nan for v in values]
        return {item.name: np.asarray(numbers, dtype=np.float64)}
    if item.kind is ItemKind.DATE:
        return {item.name: pd.Series(_texts(values), dtype="string")}
    return {}


def _texts(values: Sequence[Any]) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in values]


def _multiple(item: Item, values: Sequence[Any]) -> dict[str, Any]:
    """One int8 column a choice: 1 chosen, 0 not chosen, negative as for ratings."""
    chosen = [frozenset(v) if isinstance(v, list) else None for v in values]
    empty = [NOT_ASKED if v is NOT_IN_ANSWERS else MISSING for v in values]
    return {
        f"{item.name}/{choice.name}": np.fromiter(
            (
                gap if picks is None else int(choice.name in picks)
                for picks, gap in zip(chosen, empty, strict=True)
            ),
            dtype=np.int8,
            count=len(values),
        )
        for choice in item.choices
    }
