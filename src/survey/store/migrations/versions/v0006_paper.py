"""Paper: sheets, what was keyed of them, and the share of a wave that is keyed twice."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
STATES = ("second", "verdict", "settled")


def upgrade() -> None:
    op.create_table(
        "paper_plan",
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("share >= 0 AND share <= 1", name=op.f("ck_paper_plan_share")),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_paper_plan_wave_id"),
        sa.PrimaryKeyConstraint("wave_id", name="pk_paper_plan"),
    )
    op.create_table(
        "paper_sheet",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("city_code", sa.String(), nullable=False),
        sa.Column("serial", sa.String(length=20), nullable=False),
        sa.Column("keyed_twice", sa.Boolean(), nullable=False),
        sa.Column("state", _words("sheetstate", STATES), nullable=False),
        sa.Column("response_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'settled') = (response_id IS NOT NULL)", name=op.f("ck_paper_sheet_settled")
        ),
        sa.ForeignKeyConstraint(["city_code"], ["city.code"], name="fk_paper_sheet_city_code"),
        sa.ForeignKeyConstraint(
            ["response_id"], ["response.id"], name="fk_paper_sheet_response_id"
        ),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_paper_sheet_wave_id"),
        sa.PrimaryKeyConstraint("id", name="pk_paper_sheet"),
        sa.UniqueConstraint("response_id", name="uq_paper_sheet_response_id"),
        sa.UniqueConstraint("wave_id", "serial", name="uq_paper_sheet_wave_id_serial"),
    )
    op.create_index("ix_paper_sheet_city_code", "paper_sheet", ["city_code"])
    op.create_table(
        "paper_keying",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sheet_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("client_uuid", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("surveyor_id", sa.Uuid(), nullable=False),
        sa.Column("interview_on", sa.Date(), nullable=False),
        sa.Column("answers", JSON, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("strokes", sa.Integer(), nullable=True),
        sa.Column("fields", sa.Integer(), nullable=True),
        sa.Column("errors", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number >= 1 AND number <= 3", name=op.f("ck_paper_keying_number")),
        sa.CheckConstraint("errors >= 0 AND errors <= fields", name=op.f("ck_paper_keying_errors")),
        sa.ForeignKeyConstraint(["sheet_id"], ["paper_sheet.id"], name="fk_paper_keying_sheet_id"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_paper_keying_account_id"),
        sa.ForeignKeyConstraint(
            ["point_id"], ["sampling_point.id"], name="fk_paper_keying_point_id"
        ),
        sa.ForeignKeyConstraint(
            ["surveyor_id"], ["account.id"], name="fk_paper_keying_surveyor_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_paper_keying"),
        sa.UniqueConstraint("client_uuid", name="uq_paper_keying_client_uuid"),
        sa.UniqueConstraint("sheet_id", "number", name="uq_paper_keying_sheet_id_number"),
        sa.UniqueConstraint("sheet_id", "account_id", name="uq_paper_keying_sheet_id_account_id"),
    )
    op.create_index("ix_paper_keying_account_id", "paper_keying", ["account_id"])


def _words(name: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=24)
