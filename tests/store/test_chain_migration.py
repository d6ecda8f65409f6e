"""Entries that were there before the chain get their place in it, in the order of their writing."""

from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text
from sqlmodel import col, select

from survey.access.audit import record
from survey.access.audit_verify import verify
from survey.access.principal import OPERATOR
from survey.store import schema
from survey.store.audit_events import AuditEvent
from survey.store.engine import engine_for, read_scope, session_scope
from survey.store.migrations.versions import v0010_chain
from survey.store.tables import AuditEntry, new_id

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)


def _upgrade_to(url: str, revision: str) -> None:
    with engine_for(url).execution_options(survey_writes=True).begin() as connection:
        command.upgrade(schema._build_config(connection), revision)


def test_what_was_there_is_chained_and_the_next_entry_follows(
    bare_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(v0010_chain, "AT_ONCE", 3)
    _upgrade_to(bare_url, v0010_chain.down_revision)
    statement = text(
        "INSERT INTO audit_entry (id, at, actor_id, action, subject_kind, subject_id, detail) "
        "VALUES (:id, :at, NULL, :action, 'k', 's', :detail)"
    )
    with engine_for(bare_url).begin() as connection:
        sqlite = connection.dialect.name == "sqlite"
        at: Any = "2026-05-20 03:00:00.000123" if sqlite else NOW.replace(microsecond=123)
        for number in range(8):
            identity = new_id()
            connection.execute(
                statement,
                {
                    "id": identity.hex if sqlite else identity,
                    "at": at,
                    "action": f"old.{number}",
                    "detail": '{"to": 1.0, "from": 2.5e3, "为": "何"}',
                },
            )
    schema.upgrade(bare_url)
    with session_scope(bare_url) as session:
        record(
            session=session, actor=OPERATOR, event=AuditEvent.WAVE_CHANGED, subject_id="s", now=NOW
        )
    with read_scope(bare_url) as session:
        report = verify(session=session, principal=OPERATOR)
        order = session.exec(select(AuditEntry.action).order_by(col(AuditEntry.sequence))).all()
    assert (report.rows, report.findings) == (9, [])
    assert order == [*(f"old.{number}" for number in range(8)), AuditEvent.WAVE_CHANGED]
