"""Register of releases: calendar, signatures, early readers, errata."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

CHECKS = {
    "first_places": "(shown = 'names') = (first_places IS NOT NULL)",
    "two_people": (
        "second_signed_at IS NULL OR one_person <> '' "
        "OR (first_signed_by IS NULL) <> (second_signed_by IS NULL) "
        "OR (first_signed_by IS NOT NULL AND first_signed_by <> second_signed_by)"
    ),
    "not_before_its_minute": "published_at IS NULL OR published_at >= embargo_until",
    "published_signed": "published_at IS NULL OR second_signed_at IS NOT NULL",
}
PEOPLE = ("planned_by", "first_signed_by", "second_signed_by", "published_by", "retracted_by")


def _words(name: str, *values: str) -> sa.Enum:
    return sa.Enum(
        *values, name=op.f(name), native_enum=False, create_constraint=True, length=24
    )  # fmt: skip


def _time(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _person(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=True)


def _create_register() -> None:
    states = ("planned", "signed", "published", "corrected", "retracted")
    document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.create_table(
        "publication",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("wave_id", sa.Uuid(), nullable=False),
        sa.Column("title_zh", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("state", _words("ck_publication_publicationstate", *states), nullable=False),
        sa.Column(
            "shown", _words("ck_publication_shown", "scores", "names", "nothing"), nullable=False
        ),
        sa.Column("first_places", sa.Integer(), nullable=True),
        sa.Column("builders", document, nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        _time("embargo_until", nullable=False),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("correction_reason", sa.String(), nullable=False),
        _person("planned_by"),
        _time("planned_at", nullable=False),
        sa.Column("snapshot_id", sa.Uuid(), nullable=True),
        sa.Column("seal_sha256", sa.String(), nullable=False),
        sa.Column("archive_sha256", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=True),
        _person("first_signed_by"),
        _time("first_signed_at"),
        _person("second_signed_by"),
        _time("second_signed_at"),
        sa.Column("one_person", sa.String(), nullable=False),
        _person("published_by"),
        _time("published_at"),
        _person("retracted_by"),
        _time("retracted_at"),
        sa.Column("retraction_reason", sa.String(), nullable=False),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_publication_{name}"))
            for name, rule in CHECKS.items()
        ),
        sa.ForeignKeyConstraint(["wave_id"], ["wave.id"], name="fk_publication_wave_id"),
        sa.ForeignKeyConstraint(
            ["corrects_id"], ["publication.id"], name="fk_publication_corrects_id"
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshot.id"], name="fk_publication_snapshot_id"
        ),
        sa.ForeignKeyConstraint(["key_id"], ["publication_key.id"], name="fk_publication_key_id"),
        *(
            sa.ForeignKeyConstraint([name], ["account.id"], name=f"fk_publication_{name}")
            for name in PEOPLE
        ),
        sa.PrimaryKeyConstraint("id", name="pk_publication"),
        sa.UniqueConstraint("key", name="uq_publication_key"),
    )
    op.create_index("ix_publication_wave_id", "publication", ["wave_id"])


def _create_readers() -> None:
    table = "publication_reader"
    keys = {"publication_id": "publication.id", "account_id": "account.id"}
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("publication_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        _time("opens_at", nullable=False),
        sa.Column("listed_by", sa.Uuid(), nullable=True),
        _time("listed_at", nullable=False),
        *(
            sa.ForeignKeyConstraint([name], [target], name=f"fk_{table}_{name}")
            for name, target in {**keys, "listed_by": "account.id"}.items()
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(*keys, name=f"uq_{table}_publication_id_account_id"),
    )


def _create_errata() -> None:
    table = "publication_erratum"
    document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("publication_id", sa.Uuid(), nullable=False),
        sa.Column("figure", sa.String(), nullable=False),
        sa.Column("before", document, nullable=False),
        sa.Column("after", document, nullable=False),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publication.id"], name=f"fk_{table}_publication_id"
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("publication_id", "figure", name=f"uq_{table}_publication_id_figure"),
    )
    op.create_index(f"ix_{table}_figure", table, ["figure"])


def upgrade() -> None:
    _create_register()
    _create_readers()
    _create_errata()
