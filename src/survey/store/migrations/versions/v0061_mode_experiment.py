"""Mode experiment of a wave: chance decides at which points the own phone is offered.

`serves_from`: an older version would draw points without an offer.
"""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column
from survey.store.tables import ModeExperiment, table_of

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

serves_from = "0061"
"""Oldest revision whose code works with this store: before, the experiment was not read."""


def upgrade() -> None:
    table_of(ModeExperiment).create(op.get_bind(), checkfirst=True)
    add_column("sampling_point", sa.Column("offered_mode", sa.String(24), nullable=True))
