"""Experience checks of venues: waves about venues, plans, visits, revisits, replies, photos.

Version 0032 knows no wave about venues and would list it among the others; the database keeps it
from being frozen or scored.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

UNIT_RULES = (
    ("ck_wave_studyunit", "unit IN ('person', 'venue')"),
    (
        "ck_wave_venues_apart",
        "unit = 'person' OR (tree_id IS NULL AND state NOT IN ('frozen', 'released'))",
    ),
)
KIND_RULE = "ck_sampling_point_pointkind"
OLD_KINDS = "'compound', 'mall', 'supermarket', 'scenic', 'village'"
NEW_KINDS = f"{OLD_KINDS}, 'venue'"
CHECK, VISIT, REVISIT, REPLY = "venue_check", "venue_visit", "venue_revisit", "venue_reply"


def _id(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _text(name: str, length: int | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.String(length), nullable=False)


def _number(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _day(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Date(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _points_to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [target], name=f"fk_{table}_{name}")


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _add_unit() -> None:
    """Add the unit with its rules; SQLite takes rules of a new column only with the column."""
    if op.get_bind().dialect.name == "sqlite":
        rules = "".join(f"\n\tCONSTRAINT {name} CHECK ({rule})" for name, rule in UNIT_RULES)
        op.execute(f"ALTER TABLE wave ADD COLUMN unit VARCHAR(24) DEFAULT 'person' NOT NULL{rules}")
        return
    op.add_column("wave", sa.Column("unit", sa.String(24), nullable=False, server_default="person"))
    for name, rule in UNIT_RULES:
        op.create_check_constraint(op.f(name), "wave", rule)


def _allow_venues() -> None:
    """Let a sampling point be a venue.

    SQLite changes a CHECK constraint only by a new table, which other tables refer to, or in the
    text of the schema (sqlite.org/lang_altertable.html, “other kinds of table schema changes”).
    """
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        op.drop_constraint(op.f(KIND_RULE), "sampling_point", type_="check")
        op.create_check_constraint(op.f(KIND_RULE), "sampling_point", f"kind IN ({NEW_KINDS})")
        return
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) "
        "WHERE type = 'table' AND name = 'sampling_point' AND instr(sql, ?) > 0",
        (f"({OLD_KINDS})", f"({NEW_KINDS})", f"({OLD_KINDS})"),
    ).rowcount
    connection.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema=OFF")
    if changed != 1:
        raise RuntimeError("the kinds of sampling points stand elsewhere in this database")


def _create_checks() -> None:
    op.create_table(
        CHECK,
        _id("wave_id"),
        _text("area"),
        _text("scenario"),
        _number("observers"),
        _number("lock_version"),
        _id("planned_by", nullable=True),
        _id("released_by", nullable=True),
        _time("released_at", nullable=True),
        _check(CHECK, "observers", "observers BETWEEN 1 AND 4"),
        _points_to(CHECK, "wave_id", "wave.id"),
        _points_to(CHECK, "planned_by", "account.id"),
        _points_to(CHECK, "released_by", "account.id"),
        sa.PrimaryKeyConstraint("wave_id", name=f"pk_{CHECK}"),
    )
    op.create_table(
        VISIT,
        _id("response_id"),
        _id("point_id"),
        _id("observer_id"),
        _number("round"),
        _check(VISIT, "round", "round IN (1, 2)"),
        _points_to(VISIT, "response_id", "response.id"),
        _points_to(VISIT, "point_id", "sampling_point.id"),
        _points_to(VISIT, "observer_id", "account.id"),
        sa.PrimaryKeyConstraint("response_id", name=f"pk_{VISIT}"),
        sa.UniqueConstraint(
            "point_id", "observer_id", "round", name=f"uq_{VISIT}_point_id_observer_id_round"
        ),
    )
    op.create_table(
        REVISIT,
        _id("point_id"),
        _text("reason"),
        _id("ordered_by", nullable=True),
        _time("ordered_at"),
        _check(REVISIT, "with_reason", "reason <> ''"),
        _points_to(REVISIT, "point_id", "sampling_point.id"),
        _points_to(REVISIT, "ordered_by", "account.id"),
        sa.PrimaryKeyConstraint("point_id", name=f"pk_{REVISIT}"),
    )


def _create_replies() -> None:
    stance = sa.Enum(
        "agrees",
        "objects",
        "wants_retest",
        "remarks",
        name=op.f(f"ck_{REPLY}_replystance"),
        native_enum=False,
        create_constraint=True,
        length=24,
    )
    op.create_table(
        REPLY,
        _id("point_id"),
        _day("sent_on"),
        _day("due_on"),
        _day("received_on", nullable=True),
        sa.Column("stance", stance, nullable=True),
        _text("text"),
        _text("answer"),
        _check(REPLY, "received", "(received_on IS NULL) = (stance IS NULL)"),
        _check(REPLY, "deadline", "due_on > sent_on"),
        _points_to(REPLY, "point_id", "sampling_point.id"),
        sa.PrimaryKeyConstraint("point_id", name=f"pk_{REPLY}"),
    )


def _create_photos() -> None:
    op.create_table(
        "photo",
        _id("id"),
        _text("sha256", 64),
        _text("sent_sha256", 64),
        _number("bytes"),
        _number("width"),
        _number("height"),
        _id("point_id", nullable=True),
        _id("response_id", nullable=True),
        _id("sent_by", nullable=True),
        _time("received_at"),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        _text("taken_at"),
        _check("photo", "size", "bytes > 0 AND width > 0 AND height > 0"),
        _points_to("photo", "point_id", "sampling_point.id"),
        _points_to("photo", "response_id", "response.id"),
        _points_to("photo", "sent_by", "account.id"),
        sa.PrimaryKeyConstraint("id", name="pk_photo"),
    )
    op.create_index("ix_photo_sha256", "photo", ["sha256"])
    op.create_index("ix_photo_response_id", "photo", ["response_id"])


def upgrade() -> None:
    _add_unit()
    _allow_venues()
    _create_checks()
    _create_replies()
    _create_photos()
