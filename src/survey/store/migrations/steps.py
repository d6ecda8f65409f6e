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
