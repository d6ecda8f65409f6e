"""Comparative tests of products: plan, samples, measured values, replies, grades, errata.

Version 0029 does not know the tables and leaves them alone.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TEST, SAMPLE, VALUE = "comparative_test", "product_sample", "product_measurement"
REPLY, GRADE, ERRATUM = "maker_reply", "product_grade", "comparative_test_erratum"
STATES = ("planned", "bought", "at_laboratory", "results_in", "makers_heard", "released")


def _words(table: str, name: str, *values: str) -> sa.Enum:
    return sa.Enum(
        *values,
        name=op.f(f"ck_{table}_{name}"),
        native_enum=False,
        create_constraint=True,
        length=24,
    )


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _id(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _day(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Date(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _flag(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _document(name: str) -> sa.Column[object]:
    document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    return sa.Column(name, document, nullable=False)


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _points_to(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [target], name=f"fk_{table}_{name}")


def _two_people(table: str, first: str, second: str) -> sa.CheckConstraint:
    rule = (
        f"{second}_at IS NULL OR one_person <> '' "
        f"OR ({first}_by IS NULL) <> ({second}_by IS NULL) "
        f"OR ({first}_by IS NOT NULL AND {first}_by <> {second}_by)"
    )
    return _check(table, "two_people", rule)


def _create_tests() -> None:
    op.create_table(
        TEST,
        _id("id"),
        *(_text(name) for name in ("key", "area", "title_zh", "title_en", "purpose", "funder")),
        _text("laboratory"),
        _text("accreditation"),
        _document("rules"),
        _text("rules_sha256"),
        _day("reply_due_on", nullable=True),
        sa.Column("state", _words(TEST, "comparativeteststate", *STATES), nullable=False),
        _number("lock_version"),
        _flag("is_demo"),
        _id("planned_by", nullable=True),
        _time("planned_at"),
        _id("first_signed_by", nullable=True),
        _time("first_signed_at", nullable=True),
        _text("signed_sha256"),
        _id("released_by", nullable=True),
        _time("released_at", nullable=True),
        _text("one_person"),
        _two_people(TEST, "first_signed", "released"),
        _check(TEST, "released", "(state = 'released') = (released_at IS NOT NULL)"),
        _check(TEST, "released_with_rules", "released_at IS NULL OR rules_sha256 <> ''"),
        *(
            _points_to(TEST, name, "account.id")
            for name in ("planned_by", "first_signed_by", "released_by")
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TEST}"),
        sa.UniqueConstraint("key", name=f"uq_{TEST}_key"),
    )


def _create_samples() -> None:
    op.create_table(
        SAMPLE,
        _id("id"),
        _id("test_id"),
        *(_text(name) for name in ("code", "brand", "model", "gtin", "batch", "maker")),
        _text("channel"),
        _text("place"),
        _day("bought_on"),
        _number("price_fen"),
        _text("receipt"),
        _flag("is_anonymous"),
        _check(SAMPLE, "price", "price_fen > 0"),
        _points_to(SAMPLE, "test_id", f"{TEST}.id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{SAMPLE}"),
        sa.UniqueConstraint("test_id", "code", name=f"uq_{SAMPLE}_test_id_code"),
    )
    rounds = _words(VALUE, "measurementround", "first", "correction", "retest")
    op.create_table(
        VALUE,
        _id("id"),
        _id("sample_id"),
        _text("characteristic"),
        _number("number"),
        sa.Column("round", rounds, nullable=False),
        _text("value"),
        _flag("is_below"),
        _text("uncertainty", nullable=True),
        _text("coverage", nullable=True),
        _day("measured_on"),
        _text("reason"),
        _id("entered_by", nullable=True),
        _time("entered_at"),
        _check(VALUE, "number", "number > 0"),
        _check(VALUE, "with_reason", "round = 'first' OR reason <> ''"),
        _points_to(VALUE, "sample_id", f"{SAMPLE}.id"),
        _points_to(VALUE, "entered_by", "account.id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{VALUE}"),
        sa.UniqueConstraint(
            "sample_id",
            "characteristic",
            "number",
            name=f"uq_{VALUE}_sample_id_characteristic_number",
        ),
    )
    op.create_table(
        GRADE,
        _id("sample_id"),
        _text("mark"),
        _text("grade"),
        _document("steps"),
        _points_to(GRADE, "sample_id", f"{SAMPLE}.id"),
        sa.PrimaryKeyConstraint("sample_id", name=f"pk_{GRADE}"),
    )


def _create_replies() -> None:
    stances = _words(REPLY, "replystance", "agrees", "objects", "wants_retest", "remarks")
    op.create_table(
        REPLY,
        _id("id"),
        _id("test_id"),
        _text("maker"),
        _day("sent_on"),
        _day("due_on"),
        _day("received_on", nullable=True),
        sa.Column("stance", stances, nullable=True),
        _text("text"),
        _text("answer"),
        _check(REPLY, "received", "(received_on IS NULL) = (stance IS NULL)"),
        _points_to(REPLY, "test_id", f"{TEST}.id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{REPLY}"),
        sa.UniqueConstraint("test_id", "maker", name=f"uq_{REPLY}_test_id_maker"),
    )


def _create_errata() -> None:
    op.create_table(
        ERRATUM,
        _id("id"),
        _id("test_id"),
        _number("number"),
        _id("sample_id"),
        _text("characteristic"),
        _text("value"),
        _flag("is_below"),
        _text("uncertainty", nullable=True),
        _text("coverage", nullable=True),
        _day("measured_on"),
        _text("reason"),
        _id("proposed_by", nullable=True),
        _time("proposed_at"),
        _id("confirmed_by", nullable=True),
        _time("confirmed_at", nullable=True),
        _text("one_person"),
        _check(ERRATUM, "with_reason", "reason <> ''"),
        _two_people(ERRATUM, "proposed", "confirmed"),
        _points_to(ERRATUM, "test_id", f"{TEST}.id"),
        _points_to(ERRATUM, "sample_id", f"{SAMPLE}.id"),
        _points_to(ERRATUM, "proposed_by", "account.id"),
        _points_to(ERRATUM, "confirmed_by", "account.id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{ERRATUM}"),
        sa.UniqueConstraint("test_id", "number", name=f"uq_{ERRATUM}_test_id_number"),
    )


def upgrade() -> None:
    _create_tests()
    _create_samples()
    _create_replies()
    _create_errata()
