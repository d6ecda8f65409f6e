"""Migrations while another version serves: its work goes on, and the rules that make it so."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlmodel import func, select

from survey.collection.submission import SubmissionReceipt, submit
from survey.collection.submission_envelope import Submission
from survey.store import schema
from survey.store.engine import engine_for, read_scope, session_scope
from survey.store.tables import Response, SchemaFloor
from survey.store.transactions import run_in_transaction
from tests.error_codes import raises_code
from tests.next_version import NEXT
from tests.store.migration_rules import broken_rules


def _hand_in(field: Any, url: str) -> UUID:
    submission = Submission.model_validate(
        {
            "client_uuid": uuid4(), "point_id": field.point.id,
            "instrument_sha256": field.instrument.sha256, "answers": field.complete,
            "started_at": field.now - timedelta(minutes=6),
        }
    )  # fmt: skip
    receipt: SubmissionReceipt = run_in_transaction(
        url,
        lambda session: submit(
            session=session, submission=submission, principal=field.surveyor, now=field.now
        ),
    )
    return receipt.response_id


@pytest.mark.postgres
def test_interviews_come_in_while_the_next_version_upgrades(
    postgres_url: str, make_field: Any, next_version: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = make_field(postgres_url)
    monkeypatch.setattr(schema, "_LOCK_SECONDS", 0.2)
    monkeypatch.setattr(schema, "_MAX_PAUSE_SECONDS", 0.1)
    upgraded, reading, tried = Event(), Event(), Event()
    original = schema._LOG.warning
    monkeypatch.setattr(
        schema._LOG,
        "warning",
        lambda *given: tried.set() or original(*given),  # type: ignore[func-returns-value]
    )  # a try that got no lock

    def old_version_writes() -> list[UUID]:
        written = [_hand_in(field, postgres_url)]
        while not upgraded.is_set() and len(written) < 2000:
            written.append(_hand_in(field, postgres_url))
        return written

    def old_version_reads_long() -> int:
        with read_scope(postgres_url, long_running=True) as session:
            query = select(func.count()).select_from(Response)
            session.exec(query).one()
            reading.set()
            assert tried.wait(60)
            return session.exec(query).one()

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(old_version_writes) for _ in range(2)]
        reader = pool.submit(old_version_reads_long)
        assert reading.wait(30)
        next_version()
        try:
            schema.upgrade(postgres_url)
        finally:
            upgraded.set()
        assert schema.stored_revision(postgres_url) == "9001"
        reader.result(60)
        written = [each for writer in writers for each in writer.result(60)]
    next_version.back()
    schema.require_compatible_schema(postgres_url)
    written.append(_hand_in(field, postgres_url))
    with read_scope(postgres_url) as session:
        assert set(session.exec(select(Response.id)).all()) == set(written)
    inspector = inspect(engine_for(postgres_url))
    assert "ix_next" in {index["name"] for index in inspector.get_indexes("response")}


def test_a_store_says_how_old_a_version_may_be(store_url: str, next_version: Any) -> None:
    with read_scope(store_url) as session:
        known = {script.revision for script in _scripts().walk_revisions()}
        assert session.exec(select(SchemaFloor.revision)).one() in known
    next_version()
    with raises_code("store_too_old", match="survey init"):
        schema.require_compatible_schema(store_url)
    schema.upgrade(store_url)
    schema.require_compatible_schema(store_url)
    next_version.back()
    schema.require_compatible_schema(store_url)
    schema.upgrade(store_url)
    assert schema.stored_revision(store_url) == "9001"


def test_a_version_that_is_too_old_refuses_to_serve(store_url: str, next_version: Any) -> None:
    next_version(floor="9001")
    schema.upgrade(store_url)
    next_version.back()
    for refuse in (schema.require_compatible_schema, schema.upgrade):
        with raises_code("store_too_new", match="newer version"):
            refuse(store_url)
    assert schema.stored_revision(store_url) == "9001"


def test_a_newer_store_that_says_nothing_is_not_served(store_url: str) -> None:
    with session_scope(store_url) as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = '9999'"))
        session.connection().execute(text("DROP TABLE schema_floor"))
    with raises_code("store_too_new"):
        schema.require_compatible_schema(store_url)


def test_an_empty_database_is_told_from_an_old_one(bare_url: str) -> None:
    with raises_code("store_empty"):
        schema.require_compatible_schema(bare_url)


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(schema._build_config())


def test_migrations_since_the_release_keep_the_rules() -> None:
    for script in _scripts().walk_revisions():
        assert broken_rules(Path(script.path).read_text()) == [], script.path


def test_a_store_from_before_the_release_is_upgraded_by_the_release(store_url: str) -> None:
    with session_scope(store_url) as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = '0037'"))
    for refuse in (schema.require_compatible_schema, schema.upgrade):
        with raises_code("store_too_old", match=r"0037.*version 0\.1\.0"):
            refuse(store_url)
    assert schema.stored_revision(store_url) == "0037"


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ('op.drop_column("response", "mode")', "drops a column"),
        ('op.add_column("city", sa.Column("x", sa.Text(), nullable=True))', "migrations.steps"),
        ('op.create_table("new", sa.Column("id", sa.Uuid()))', "if_not_exists"),
        ("with op.get_context().autocommit_block():\n    pass", "statement_by_statement"),
        ('op.drop_table("city")', "drops a table"),
        ('op.rename_table("a", "b")', "renames"),
        ('op.execute("alter table response rename column a to b")', "renames"),
        ('op.alter_column("city", "name_zh", type_=sa.Text())', "changes a column"),
        ('op.alter_column("city", "name_zh", nullable=False)', "changes a column"),
        ('add_column("city", sa.Column("x", sa.Text(), nullable=False))', "server_default"),
        (
            'op.create_index("ix", "response", ["mode"], if_not_exists=True)',
            "postgresql_concurrently",
        ),
        ('op.execute("ALTER TABLE a ALTER b SET NOT NULL")', "NOT VALID"),
        ('op.create_foreign_key("fk", "invitation", "wave", ["w"], ["id"])', "NOT VALID"),
        ('with op.batch_alter_table("wave") as batch:\n    pass', "triggers are lost"),
    ],
)
def test_the_rules_find_what_is_forbidden(statement: str, rule: str) -> None:
    assert [rule in broken for broken in broken_rules(statement)] == [True]


@pytest.mark.parametrize(
    "statement",
    [
        'op.create_table("new", sa.Column("id", sa.Uuid(), nullable=False), if_not_exists=True)',
        'add_column("city", sa.Column("x", sa.Text(), nullable=True))',
        'add_column("city", sa.Column("x", sa.Text(), nullable=False, server_default="")) ',
        'op.create_index("i", "response", ["a"], postgresql_concurrently=True, if_not_exists=True)',
        'op.create_index("ix", "city", ["region"], if_not_exists=True)',
    ],
)
def test_the_rules_let_through_what_is_safe(statement: str) -> None:
    assert broken_rules(statement.strip()) == []


def test_the_example_of_a_safe_migration_keeps_the_rules() -> None:
    assert broken_rules(NEXT.format(head="0001", floor="")) == []
