"""Opinion monitoring: daily counts by channel, sentiment and topic."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "opinion_count",
        sa.Column("revision_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("area", sa.String(6), nullable=False),
        sa.Column("channel", sa.String(24), nullable=False),
        sa.Column("sentiment", sa.String(24), nullable=False),
        sa.Column("topic", sa.String(40), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["delivery_revision.id"], name="fk_opinion_count_revision_id"
        ),
        sa.PrimaryKeyConstraint(
            "revision_id", "day", "area", "channel", "sentiment", "topic", name="pk_opinion_count"
        ),
    )
