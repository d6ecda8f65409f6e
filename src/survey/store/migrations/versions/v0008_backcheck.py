"""Back-checks, notes on surveyors, background work, and waves with their own rules of review."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _draws()
    _checks()
    op.create_table(
        "surveyor_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("retrain_by", sa.Date(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("made_at", TIME, nullable=False),
        _refers("surveyor_note", "account_id", "account.id"),
        _refers("surveyor_note", "made_by", "account.id"),
        _refers("surveyor_note", "wave_id", "wave.id"),
        sa.PrimaryKeyConstraint("id", name="pk_surveyor_note"),
    )
    op.create_index("ix_surveyor_note_account_id", "surveyor_note", ["account_id"])
    op.create_table(
        "background_run",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("leased_until", TIME, nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("result", JSON, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_background_run"),
    )
    op.create_table(
        "review_rule",
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("one_person", sa.Boolean(), nullable=False),
        sa.Column("set_at", TIME, nullable=False),
        _refers("review_rule", "wave_id", "wave.id"),
        sa.PrimaryKeyConstraint("wave_id", name="pk_review_rule"),
    )


def _draws() -> None:
    op.create_table(
        "back_check_draw",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.Column("seed", sa.String(length=40), nullable=False),
        sa.Column("random_share", sa.Float(), nullable=False),
        sa.Column("risk_share", sa.Float(), nullable=False),
        sa.Column("as_of", TIME, nullable=False),
        sa.Column("pool", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.Column("drawn_sha256", sa.String(length=64), nullable=False),
        sa.Column("drawn_by", sa.Uuid(), nullable=True),
        sa.Column("drawn_at", TIME, nullable=False),
        _refers("back_check_draw", "drawn_by", "account.id"),
        _refers("back_check_draw", "wave_id", "wave.id"),
        sa.PrimaryKeyConstraint("id", name="pk_back_check_draw"),
    )
    op.create_index("ix_back_check_draw_wave_id", "back_check_draw", ["wave_id"])


def _checks() -> None:
    op.create_table(
        "back_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("response_id", sa.Uuid(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("city_code", sa.String(), nullable=False),
        sa.Column("surveyor_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("chosen_by", _words("chosenby", "random", "risk"), nullable=False),
        sa.Column(
            "outcome",
            _words("outcome", "reached", "not_reached", "refused", "never_interviewed"),
            nullable=True,
        ),
        sa.Column("channel", _words("channel", "phone", "on_site"), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("answers", JSON, nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("checked_by", sa.Uuid(), nullable=True),
        sa.Column("checked_at", TIME, nullable=True),
        sa.Column("lock_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_back_check_attempts")),
        _refers("back_check", "checked_by", "account.id"),
        _refers("back_check", "city_code", "city.code"),
        _refers("back_check", "draw_id", "back_check_draw.id"),
        _refers("back_check", "instrument_id", "instrument_version.id"),
        _refers("back_check", "response_id", "response.id"),
        _refers("back_check", "surveyor_id", "account.id"),
        _refers("back_check", "wave_id", "wave.id"),
        sa.PrimaryKeyConstraint("id", name="pk_back_check"),
        sa.UniqueConstraint("response_id", name="uq_back_check_response_id"),
    )
    op.create_index("ix_back_check_wave_city", "back_check", ["wave_id", "city_code"])
    op.create_index("ix_back_check_surveyor_id", "back_check", ["surveyor_id"])


def _words(name: str, *allowed: str) -> sa.Enum:
    return sa.Enum(
        *allowed,
        name=op.f(f"ck_back_check_{name}"),
        native_enum=False,
        create_constraint=True,
        length=24,
    )


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")
