"""Entry point of Alembic: runs migrations on the connection that `store.schema` provides.

On SQLite all of them are one transaction, begun by the caller. On PostgreSQL each has its own, so
that none holds its locks while the next one works.
"""

from alembic import context

from survey.store.tables import get_metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=get_metadata(),
    render_as_batch=True,
    transaction_per_migration=not connection.in_transaction(),
)
with context.begin_transaction():
    context.run_migrations()
