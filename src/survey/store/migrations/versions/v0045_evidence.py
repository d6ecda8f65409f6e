"""Drawn controls among the revisits of venues, and releases of evidence in the register."""

import sqlalchemy as sa
from alembic import op

from survey.store.migrations.steps import add_column

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

serves_from = "0045"
"""Oldest revision whose code works with this store: before, drawn venues were taken for chosen."""

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    add_column(
        "venue_revisit",
        sa.Column("is_control", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    if sa.inspect(op.get_bind()).has_table("evidence_release"):
        return
    op.create_table(
        "evidence_release",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("key", sa.String(), nullable=False, unique=True),
        sa.Column("check_id", sa.Uuid(), sa.ForeignKey("venue_check.wave_id"), index=True),
        sa.Column("test_id", sa.Uuid(), sa.ForeignKey("comparative_test.id"), index=True),
        sa.Column("title_zh", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("released_at", _TIME, nullable=False),
        sa.Column("archive_sha256", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(16), sa.ForeignKey("publication_key.id"), nullable=False),
        sa.Column("made_by", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("retracted_by", sa.Uuid(), sa.ForeignKey("account.id")),
        sa.Column("retracted_at", _TIME),
        sa.Column("retraction_reason", sa.String(), nullable=False),
        sa.CheckConstraint("(check_id IS NULL) <> (test_id IS NULL)", name="of_one"),
        sa.CheckConstraint("retracted_at IS NULL OR retraction_reason <> ''", name="retracted"),
    )
