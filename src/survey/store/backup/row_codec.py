"""Conversion of a row to one line of JSON, the same on both databases, and back.

The databases store the same value differently (a UUID as 32 letters, a document with its keys in
another order, 1e16 as 10000000000000000). A line has one canonical form, so the checksum of a table
does not depend on the database.
"""

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy import Column, MetaData, Table
from sqlalchemy.sql.elements import ColumnElement

from survey.store.backup.manifest import ColumnKind, ColumnRecord
from survey.store.tables import UtcDateTime

Convert = Callable[[Any], Any]
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
_UNSURE = re.compile(r"[0-9][eE]|-0|[0-9]{15}")
"""Numbers that PostgreSQL writes in another way than it was given them."""
_EXACT = 1e15

_TYPES: dict[ColumnKind, Any] = {
    ColumnKind.TEXT: sa.Text(),
    ColumnKind.INTEGER: sa.BigInteger(),
    ColumnKind.REAL: sa.Float(),
    ColumnKind.BOOLEAN: sa.Boolean(),
    ColumnKind.UUID: sa.Uuid(),
    ColumnKind.TIME: UtcDateTime(),
    ColumnKind.DATE: sa.Date(),
    ColumnKind.JSON: sa.JSON(),
    ColumnKind.BYTES: sa.LargeBinary(),
}
_KINDS: tuple[tuple[type[Any], ColumnKind], ...] = (
    (sa.Uuid, ColumnKind.UUID),
    (UtcDateTime, ColumnKind.TIME),
    (sa.Date, ColumnKind.DATE),
    (sa.Boolean, ColumnKind.BOOLEAN),
    (sa.JSON, ColumnKind.JSON),
    (sa.LargeBinary, ColumnKind.BYTES),
    (sa.Float, ColumnKind.REAL),
    (sa.Integer, ColumnKind.INTEGER),
    (sa.String, ColumnKind.TEXT),
)


def column_kind_of(column: Column[Any]) -> ColumnKind:
    """Return the kind of a column's values; raises `TypeError` if backups do not support it."""
    stored = column.type
    if isinstance(stored, sa.types.TypeDecorator) and not isinstance(stored, UtcDateTime):
        stored = stored.impl_instance
    for known, kind in _KINDS:
        if isinstance(stored, known):
            return kind
    raise TypeError(f"a backup cannot carry {column.table.name}.{column.name}: {column.type}")


def plain_table(name: str, columns: Iterable[ColumnRecord]) -> Table:
    """Return an SQL table with exactly the columns that a backup records."""
    return Table(name, MetaData(), *(Column(each.name, _TYPES[each.kind]) for each in columns))


def select_expression(column: Column[Any], kind: ColumnKind, dialect: str) -> ColumnElement[Any]:
    """Return a column's SQL expression; JSON comes as text, so that its null differs from NULL."""
    if kind is not ColumnKind.JSON:
        return column
    if dialect == "postgresql":
        return sa.cast(column, sa.Text).label(column.name)
    return sa.type_coerce(column, sa.Text).label(column.name)


def line_writer(columns: Sequence[ColumnRecord]) -> Callable[[Sequence[Any]], bytes]:
    """Return a function that formats a row of `select_expression` columns as a line."""
    converts = [
        (place, _ENCODE[column.kind])
        for place, column in enumerate(columns)
        if column.kind in _ENCODE
    ]

    def write(row: Sequence[Any]) -> bytes:
        values = list(row)
        for place, convert in converts:
            if values[place] is not None:
                values[place] = convert(values[place])
        return orjson.dumps(values, option=_OPTIONS)

    return write


def line_reader(
    columns: Sequence[ColumnRecord], dialect: str
) -> Callable[[bytes], tuple[object, ...]]:
    """Return a function that parses a line into values for the driver of the database."""
    decode = _DECODE_SQLITE if dialect == "sqlite" else _DECODE_POSTGRES
    converts = [
        (place, decode[column.kind])
        for place, column in enumerate(columns)
        if column.kind in decode
    ]

    def read(line: bytes) -> tuple[object, ...]:
        values = orjson.loads(line)
        for place, convert in converts:
            if values[place] is not None:
                values[place] = convert(values[place])
        return tuple(values)

    return read


def line_checker(columns: Sequence[ColumnRecord], key: Sequence[str]) -> Callable[[bytes], bool]:
    """Return a function that tests whether a line is as `line_writer` writes it, its key ascending.

    It can if it is what `line_writer` makes of its own values, after the line before in the order
    of the key: nothing else comes back with the checksum of its table.
    """
    read, write = line_reader(columns, "postgresql"), line_writer(columns)
    plain = [(place, _PLAIN[c.kind]) for place, c in enumerate(columns) if c.kind in _PLAIN]
    names = [column.name for column in columns]
    places = [names.index(part) for part in key]
    before: tuple[Any, ...] | None = None

    def check(line: bytes) -> bool:
        nonlocal before
        try:
            values = read(line)
            fits = write(values) == line and len(values) == len(columns)
            fits &= all(
                values[place] is None or is_plain(values[place]) for place, is_plain in plain
            )
            after = tuple(values[place] for place in places)
            fits &= None not in after and (before is None or before < after)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
            return False
        before = after
        return fits

    return check


def _encode_document(stored: str | float) -> list[Any]:
    # In a list: JSON's own null is `[null]`, and no document at all is `null`.
    if not isinstance(stored, str):
        # SQLite keeps a document that is a mere number as that number.
        return [_normalise_numbers(stored)]
    value = orjson.loads(stored)
    return [_normalise_numbers(value) if _UNSURE.search(stored) else value]


def _normalise_numbers(value: Any) -> Any:
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) >= _EXACT and -(2.0**63) <= value < 2.0**64
        return int(value) if whole else value + 0.0
    if isinstance(value, list):
        return [_normalise_numbers(each) for each in value]
    if isinstance(value, dict):
        return {key: _normalise_numbers(each) for key, each in value.items()}
    return value


def _encode_real(value: float) -> float | str:
    # Adding zero takes the sign from a zero, which SQLite does not keep.
    return value + 0.0 if isfinite(value) else repr(value)


def _decode_sqlite_time(text: str) -> str:
    return datetime.fromisoformat(text).replace(tzinfo=None).isoformat(" ", "microseconds")


_PLAIN: dict[ColumnKind, Callable[[object], bool]] = {
    ColumnKind.TEXT: lambda value: type(value) is str,
    ColumnKind.INTEGER: lambda value: type(value) is int and -(2**63) <= value < 2**63,
    ColumnKind.BOOLEAN: lambda value: type(value) is bool,
}
"""Values of these stand in a line as they are."""
_ENCODE: dict[ColumnKind, Convert] = {
    ColumnKind.TIME: lambda value: value.astimezone(UTC),
    ColumnKind.JSON: _encode_document,
    ColumnKind.BYTES: lambda value: base64.b64encode(value).decode(),
    ColumnKind.REAL: _encode_real,
}
_DECODE: dict[ColumnKind, Convert] = {
    ColumnKind.JSON: lambda value: orjson.dumps(value[0]).decode(),
    ColumnKind.BYTES: base64.b64decode,
    ColumnKind.REAL: float,
}
_DECODE_POSTGRES: dict[ColumnKind, Convert] = _DECODE | {
    ColumnKind.UUID: UUID,
    ColumnKind.TIME: datetime.fromisoformat,
    ColumnKind.DATE: date.fromisoformat,
}
_DECODE_SQLITE: dict[ColumnKind, Convert] = _DECODE | {
    ColumnKind.UUID: lambda text: text.replace("-", ""),
    ColumnKind.TIME: _decode_sqlite_time,
}
