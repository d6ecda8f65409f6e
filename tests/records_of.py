"""A record or a row with something in every field, whatever its fields are."""

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from survey.records import Choice, Column, Day, Flag, Key, Number, Record, Text

R = TypeVar("R", bound=Record)
_FILLED: tuple[tuple[type[Column], Callable[[Any, str], Any]], ...] = (
    (Text, lambda column, words: (words * column.least)[: column.most] if column.least else words),
    (Key, lambda _, words: words.casefold()),
    (Choice, lambda column, _: next(iter(column.names))),
    (Day, lambda *_: date(2026, 4, 1)),
    (Flag, lambda *_: True),
    (Number, lambda column, _: column.least + 100),
)


def record_of(kind: type[R], words: str = "Example", **other: Any) -> R:
    """A record of any kind, or a row of its table; `words` stand in every text."""
    filled = {
        name: fill(column, words)
        for name, column in kind.columns().items()
        for part, fill in _FILLED
        if isinstance(column, part)
    }
    return kind(**{**filled, **other})
