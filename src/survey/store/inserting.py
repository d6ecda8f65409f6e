"""Inserts that tell a newcomer from a repetition, the same on both databases."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from survey.store.core import table_of


@lru_cache(maxsize=64)
def _statement(dialect: str, model: type[SQLModel]) -> Insert:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table_of(model)).on_conflict_do_nothing()
    return statement.execution_options(preserve_rowcount=True)


def insert_if_new(connection: Connection, model: type[SQLModel], values: Mapping[str, Any]) -> bool:
    """Insert one row; False when any unique constraint says that it is there already.

    A concurrent transaction that inserts the same row is waited for, so exactly one of them
    gets True, and the other sees the committed row when it looks.
    """
    return connection.execute(_statement(connection.dialect.name, model), values).rowcount == 1
