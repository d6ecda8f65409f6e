"""Store of version 0.1.0, from which every later one starts.

An empty store gets the tables as they are declared now, whichever version that is: what a later
migration adds is there already, so each says `if_not_exists`. A store of an earlier version is
upgraded with 0.1.0 first (docs/postgresql.md).
"""

import sqlalchemy as sa
from alembic import op

from survey.store.audit_chain import GENESIS_SEAL
from survey.store.guards import create_guards
from survey.store.tables import get_metadata

revision = "0038"
down_revision = None
branch_labels = None
depends_on = None

serves_from = "0038"
"""Oldest revision whose code works with this store."""


def upgrade() -> None:
    connection = op.get_bind()
    get_metadata().create_all(connection)
    head = sa.text("INSERT INTO audit_head VALUES (1, 0, :seal, 0, :seal)")
    connection.execute(head, {"seal": GENESIS_SEAL})
    create_guards(connection)
