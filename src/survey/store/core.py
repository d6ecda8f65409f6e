"""The Core side of the tables, for the paths where an ORM object costs too much."""

from typing import Any

from sqlalchemy import Row, Table
from sqlmodel import SQLModel

AnyRow = Row[*tuple[Any, ...]]
"""A row whose columns are read by name."""


def table_of(model: type[SQLModel]) -> Table:
    """The Core table behind a mapped class."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table
