"""Steps of migrations that also work where an empty store was made with the present tables."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op


def add_column(table: str, column: "sa.Column[object]") -> bool:
    """Add a column if it is missing; return whether it was, so that it must be filled."""
    known = {each["name"] for each in sa.inspect(op.get_bind()).get_columns(table)}
    if column.name in known:
        return False
    op.add_column(table, column)
    return True


def replace_check(table: str, name: str, before: str, after: str) -> None:
    """Put the condition `after` in the place of `before` in a check of a table.

    SQLite has no statement for it: its manual writes the new text into the schema, which leaves
    the rows, and the tables and triggers that name this one, as they are.
    """
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f(name), table, type_="check")
        op.create_check_constraint(op.f(name), table, after)
        return
    version = op.get_bind().exec_driver_sql("PRAGMA schema_version").scalar_one()
    op.execute("PRAGMA writable_schema = ON")
    op.get_bind().exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?",
        (before, after, table),
    )
    op.execute(f"PRAGMA schema_version = {version + 1}")
    op.execute("PRAGMA writable_schema = OFF")


@contextmanager
def statement_by_statement() -> Iterator[bool]:
    """Commit each statement of the block, and yield True; yield False while a backup is restored.

    Not so while a backup is restored, which is one transaction and has the store to itself: there
    an index cannot be made `CONCURRENTLY`.
    """
    context = op.get_context()
    if not context.opts["transaction_per_migration"]:
        yield False
        return
    with context.autocommit_block():
        yield True
