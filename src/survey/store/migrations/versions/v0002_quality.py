"""Quality: flags and risk of each interview."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "response_flag",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("response_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("strength", sa.Float(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("detected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detector_version", sa.String(length=24), nullable=False),
        sa.CheckConstraint(
            "strength > 0 AND strength <= 1", name=op.f("ck_response_flag_strength")
        ),
        sa.ForeignKeyConstraint(
            ["response_id"], ["response.id"], name="fk_response_flag_response_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_response_flag"),
        sa.UniqueConstraint("response_id", "kind", name="uq_response_flag_response_id_kind"),
    )
    op.create_table(
        "response_risk",
        sa.Column("response_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("pace", sa.Float(), nullable=True),
        sa.Column("mean_score", sa.Float(), nullable=True),
        sa.Column("detected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detector_version", sa.String(length=24), nullable=False),
        sa.CheckConstraint("score >= 0 AND score <= 100", name=op.f("ck_response_risk_score")),
        sa.ForeignKeyConstraint(
            ["response_id"], ["response.id"], name="fk_response_risk_response_id"
        ),
        sa.PrimaryKeyConstraint("response_id", name="pk_response_risk"),
    )
