"""Transparency log: public acts in a fixed order, its signed states, signatures of witnesses.

Without `serves_from`: acts of an older version are entered by the next act, or by the command that
signs the log.
"""

import sqlalchemy as sa
from alembic import op

from survey.store.guards import LOG_TABLE, list_guards
from survey.store.tables import (
    TransparencyCheckpoint,
    TransparencyCosignature,
    TransparencyEntry,
    table_of,
)

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    is_new = not sa.inspect(connection).has_table(LOG_TABLE)
    for model in (TransparencyEntry, TransparencyCheckpoint, TransparencyCosignature):
        table_of(model).create(connection, checkfirst=True)
    dialect = connection.dialect.name
    for guard in list_guards(dialect) if is_new else ():
        if guard.table == LOG_TABLE:
            for statement in guard.statements(dialect):
                connection.execute(sa.text(statement))
