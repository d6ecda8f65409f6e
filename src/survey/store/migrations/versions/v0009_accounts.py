"""Accounts: end dates, passwords and second factors, one-time links and codes, idle sessions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _account()
    op.add_column("login_session", sa.Column("seen_at", TIME, nullable=True))
    op.add_column("login_session", sa.Column("idle_until", TIME, nullable=True))
    _factors()
    _handed_out()
    op.create_table(
        "sign_in_step",
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        _account_key("sign_in_step"),
        sa.PrimaryKeyConstraint("secret_sha256", name="pk_sign_in_step"),
    )
    op.create_index("ix_sign_in_step_account_id", "sign_in_step", ["account_id"])
    op.create_table(
        "sign_in_tries",
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("locked_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("subject", name="pk_sign_in_tries"),
    )
    op.create_index("ix_sign_in_tries_last_at", "sign_in_tries", ["last_at"])
    op.create_table(
        "outside_identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_sha256", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("linked_at", TIME, nullable=False),
        _account_key("outside_identity"),
        sa.PrimaryKeyConstraint("id", name="pk_outside_identity"),
        sa.UniqueConstraint("key_sha256", name="uq_outside_identity_key_sha256"),
    )
    op.create_index("ix_outside_identity_account_id", "outside_identity", ["account_id"])


def _account() -> None:
    op.add_column("account", sa.Column("ends_at", TIME, nullable=True))
    op.add_column("account", sa.Column("email", sa.String(), nullable=True))
    # An index, because SQLite takes a new constraint only by building the table anew.
    op.create_index("ux_account_email", "account", ["email"], unique=True)


def _factors() -> None:
    op.create_table(
        "credential",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("password_set_at", TIME, nullable=True),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("totp_secret", sa.String(length=64), nullable=True),
        sa.Column("totp_since", TIME, nullable=True),
        sa.Column("totp_step", sa.Integer(), nullable=True),
        _account_key("credential"),
        sa.PrimaryKeyConstraint("account_id", name="pk_credential"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        _account_key("recovery_code"),
        sa.PrimaryKeyConstraint("code_sha256", name="pk_recovery_code"),
    )
    op.create_index("ix_recovery_code_account_id", "recovery_code", ["account_id"])


def _handed_out() -> None:
    op.create_table(
        "setup_link",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("expires_at", TIME, nullable=False),
        _account_key("setup_link"),
        _account_key("setup_link", "created_by"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_setup_link"),
    )
    op.create_index("ix_setup_link_account_id", "setup_link", ["account_id"])
    op.create_table(
        "sign_in_code",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("expires_at", TIME, nullable=False),
        _account_key("sign_in_code"),
        _account_key("sign_in_code", "created_by"),
        sa.PrimaryKeyConstraint("account_id", name="pk_sign_in_code"),
    )


def _account_key(table: str, column: str = "account_id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["account.id"], name=f"fk_{table}_{column}")
