"""The Core side of the tables, for the paths where an ORM object costs too much."""

from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_
from sqlmodel import SQLModel

AnyRow = Row[*tuple[Any, ...]]
"""A row whose columns are read by name."""


def revision_join(responses: Table, revisions: Table) -> ColumnElement[bool]:
    """That a revision belongs to a response; names the wave too, so that PostgreSQL looks only into
    the part of the table where the wave's answers are."""
    return and_(
        revisions.c.response_id == responses.c.id, revisions.c.wave_id == responses.c.wave_id
    )


def table_of(model: type[SQLModel]) -> Table:
    """The Core table behind a mapped class."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table
