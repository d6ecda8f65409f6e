"""Outside evidence delivered by period: complaint counts, keys to deliver."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

OF_REVISION = "fk_{table}_revision_id"
MEASURES = (
    ("mediated", sa.Integer()),
    ("mediation_succeeded", sa.Integer()),
    ("settled_first", sa.Integer()),
    ("recovered_fen", sa.BigInteger()),
    ("consultations", sa.Integer()),
    ("fraud", sa.Integer()),
)


def _kind(table: str) -> sa.Column[str]:
    words = sa.Enum(
        "complaints",
        "opinion",
        name=op.f(f"ck_{table}_deliverykind"),
        native_enum=False,
        create_constraint=True,
        length=24,
    )
    return sa.Column("kind", words, nullable=False)


def _text(name: str, length: int | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _create_deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        _kind("delivery"),
        _text("external_id"),
        _text("source"),
        sa.Column("data_as_of", sa.Date(), nullable=False),
        _text("known_faults"),
        _text("code_version"),
        _text("file_name"),
        _text("sha256", 64),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_delivery_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint(
            "kind", "external_id", "is_demo", name="uq_delivery_kind_external_id_is_demo"
        ),
    )
    op.create_table(
        "delivery_revision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        _kind("delivery_revision"),
        _text("period", 7),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name="fk_delivery_revision_delivery_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_revision"),
        sa.UniqueConstraint(
            "kind",
            "period",
            "is_demo",
            "number",
            name="uq_delivery_revision_kind_period_is_demo_number",
        ),
    )
    op.create_index("ix_delivery_revision_delivery_id", "delivery_revision", ["delivery_id"])


def _create_counts(table: str, key: tuple[tuple[str, int], ...], *checks: tuple[str, str]) -> None:
    names = ("revision_id", *(name for name, _ in key))
    op.create_table(
        table,
        sa.Column("revision_id", sa.Uuid(), nullable=False),
        *(_text(name, length) for name, length in key),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("solved", sa.Integer(), nullable=False),
        *(sa.Column(name, kind, nullable=True) for name, kind in MEASURES),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}")) for name, rule in checks),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["delivery_revision.id"], name=OF_REVISION.format(table=table)
        ),
        sa.PrimaryKeyConstraint(*names, name=f"pk_{table}"),
    )


def upgrade() -> None:
    _create_deliveries()
    _create_counts(
        "complaint_count",
        (("area", 6), ("nature", 24), ("goods_class", 24), ("channel", 24), ("age_group", 24)),
        ("solved", "solved <= accepted"),
        ("mediation", "mediation_succeeded <= mediated"),
    )
    _create_counts("complaint_summary", (("lens", 12), ("area", 6), ("code", 24)))
    op.add_column(
        "api_key", sa.Column("scope", sa.String(24), nullable=False, server_default="results")
    )
