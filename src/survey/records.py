"""Records: the fields that people enter about a thing, each declared once for all its uses.

A field is an annotation such as `Annotated[str, Text(label=msg("Title"), least=2, most=100)]`. The
table inherits it as a column, the service checks it, and form and worksheet are made from it. A
record can be made with any values; it is checked by the service, which knows the day.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Self, TypeVar
from uuid import UUID

from sqlmodel import SQLModel

from survey.locale import Message, RefusedError, msg

_D = TypeVar("_D")
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{2,39}")


def build_from(kind: type[_D], row: Any, **other: Any) -> _D:
    """Return a `kind` made of the fields that `row` has under the same names, and of `other`."""
    names = [each.name for each in fields(kind) if each.name not in other]  # type: ignore[arg-type]
    return kind(**{name: getattr(row, name) for name in names}, **other)


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID that a text spells; None if it spells none."""
    try:
        return UUID(text)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True, eq=False)
class Column(ABC):
    """Declaration of one field of a record: its label, and which values it accepts."""

    label: Message
    help: Message | None = None
    refusal: Message | None = None
    """Sentence about a value that is not accepted, where the usual one does not do."""
    width: int = 14
    """Width in a worksheet, in characters."""
    key: str = ""
    """Name in files; that of the field if empty."""
    is_optional: bool = False
    """Whether a file may lack the column."""

    def clean(self, value: Any) -> Any:
        """Return the value as it is stored."""
        return value

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Return whether a value, already cleaned, can be stored."""

    def find_problem(self, value: Any, today: date) -> Message | None:
        """Return why a cleaned value is refused on the day `today`; None if it is accepted."""
        del today
        return None if self.accepts(value) else self.explain()

    def explain(self) -> Message:
        """Return the sentence that people read when a value is refused."""
        return self.refusal or msg("{what}: this is not possible.", what=self.label)


@dataclass(frozen=True, kw_only=True, eq=False)
class Text(Column):
    """Text between two lengths, in characters, without blanks around it."""

    least: int = 2
    most: int = 500
    is_long: bool = False
    """Whether a form gives it several lines."""
    has_lines: bool = False
    """Whether it keeps its line breaks; else every run of blanks is one blank."""

    def clean(self, value: str) -> str:
        return value.strip() if self.has_lines else " ".join(value.split())

    def accepts(self, value: str) -> bool:
        return self.least <= len(value) <= self.most

    def explain(self) -> Message:
        return self.refusal or msg(
            "{what}: between {least} and {most} characters.",
            what=self.label,
            least=self.least,
            most=self.most,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Key(Column):
    """Short name that addresses and files use."""

    label: Message = field(default_factory=lambda: msg("Short name"))
    refusal: Message | None = field(
        default_factory=lambda: msg("The short name has 3 to 40 small letters, digits and hyphens.")
    )

    def accepts(self, value: str) -> bool:
        return _KEY.fullmatch(value) is not None


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice(Column):
    """Code of a list, which people see by its name."""

    names: Mapping[str, Message]

    def accepts(self, value: str) -> bool:
        return value in self.names


@dataclass(frozen=True, kw_only=True, eq=False)
class Flag(Column):
    """Whether something is so; files say yes or no."""

    names: Mapping[str, Message]

    def accepts(self, value: bool) -> bool:
        return isinstance(value, bool)


@dataclass(frozen=True, kw_only=True, eq=False)
class Number(Column):
    """Whole number between two limits."""

    least: int
    most: int

    def accepts(self, value: int) -> bool:
        return self.least <= value <= self.most


@dataclass(frozen=True, kw_only=True, eq=False)
class Year(Number):
    """Calendar year that has begun."""

    most: int = 9_999

    def find_problem(self, value: int, today: date) -> Message | None:
        if value > today.year:
            return msg("This year is yet to come.")
        return super().find_problem(value, today)


@dataclass(frozen=True, kw_only=True, eq=False)
class Yuan(Number):
    """Amount that is stored in fen and entered in yuan; its limits are in yuan."""

    step: int = 100

    def accepts(self, value: int) -> bool:
        return self.least * 100 <= value <= self.most * 100


@dataclass(frozen=True, kw_only=True, eq=False)
class Day(Column):
    """Day not before `first`, whose `refusal` says so; `may_come` allows days after today."""

    first: date = date.min
    may_come: bool = False

    def accepts(self, value: date) -> bool:
        return value >= self.first

    def find_problem(self, value: date, today: date) -> Message | None:
        if value > today and not self.may_come:
            return msg("This day is yet to come.")
        return super().find_problem(value, today)


class Record(SQLModel):
    """Base of what people enter about a thing; a table inherits its fields without the checks."""

    @classmethod
    def columns(cls) -> dict[str, Column]:
        """Return the fields that people enter, in the order in which they are declared."""
        return {
            name: part
            for name, declared in cls.model_fields.items()
            for part in declared.metadata
            if isinstance(part, Column)
        }

    @classmethod
    def of(cls, row: SQLModel, **other: Any) -> Self:
        """Return a record of the values of a table's row or of another record, or of `other`."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields} | other)

    def checked(self, code: str, today: date) -> Self:
        """Return the record with cleaned values; raise an error with `code` if one is refused.

        Raises:
            RefusedError: about the first field that is not accepted, with this code.
        """
        clean = {}
        for name, column in self.columns().items():
            clean[name] = column.clean(getattr(self, name))
            problem = column.find_problem(clean[name], today)
            if problem is not None:
                raise RefusedError(code, problem)
        return self.of(self, **clean)

    def write_to(self, row: SQLModel) -> list[str]:
        """Write the record into a row of its table and return the names of what changed."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        changed = [name for name, value in values.items() if getattr(row, name) != value]
        for name in changed:
            setattr(row, name, values[name])
        return changed
