"""Overlap of a wave: a part of its points is asked the earlier questionnaire.

`serves_from`: an older version would ask the questionnaire of the wave at these points.
"""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column
from survey.store.tables import WaveOverlap, table_of

revision = "0057"
down_revision = "0055"
branch_labels = None
depends_on = None

serves_from = "0057"
"""Oldest revision whose code works with this store: before, the overlap was not read."""


def upgrade() -> None:
    table_of(WaveOverlap).create(op.get_bind(), checkfirst=True)
    add_column(
        "sampling_point",
        sa.Column("asks_earlier", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
