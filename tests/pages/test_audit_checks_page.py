"""Verifying the trail, checking a backup and deleting by schedule, from the audit page."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.kit.navigation import PageKey
from survey.operations.backup import create_backup
from survey.settings import current_settings
from survey.store.engine import engine_for, read_scope, session_scope
from survey.store.tables import AuditEntry, LoginSession, now


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def admin(employ: Any) -> Principal:
    person: Principal = employ(Role.ADMINISTRATOR, NATION)
    return person


def wait(app: AppTest) -> AppTest:
    """Let the check beside the page end, and draw the page again."""
    if "audit/job" not in app.session_state:
        return app
    assert app.session_state["audit/job"].job.wait(30)
    return app.run()


def said(app: AppTest) -> str:
    boxes = (app.success, app.error, app.info, app.warning, app.markdown)
    return "\n".join(str(box.value) for kind in boxes for box in kind)


def actions(field: Any) -> list[str]:
    with read_scope(field.url) as session:
        return list(session.exec(select(AuditEntry.action)))


def test_the_trail_is_verified_and_the_result_said_in_words(
    visit_as: Any, field: Any, admin: Principal
) -> None:
    app = visit_as(PageKey.AUDIT, admin)
    app.button(key="audit-verify").click().run()
    assert "The trail is whole." in said(wait(app))
    assert "audit.verified" in actions(field)
    with engine_for(field.url).begin() as connection:
        for event in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER IF EXISTS tr_audit_entry_{event}"))
        connection.execute(text("UPDATE audit_entry SET action = 'wave.closed' WHERE sequence = 2"))
    app.button(key="audit-verify").click().run()
    shown = said(wait(app))
    assert "The trail is NOT whole: 1 places." in shown
    assert "Entry 2: Changed after it was written." in shown


def test_a_backup_is_checked_against_its_manifest(
    visit_as: Any, field: Any, admin: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit_as(PageKey.AUDIT, admin)
    app.button(key="audit-backup").click().run()
    assert "SURVEY_BACKUP_DIR" in said(app)
    folder = tmp_path / "backups"
    folder.mkdir()
    whole = folder / "monday.backup"
    create_backup(current_settings(), target=whole, secret=None, actor=OPERATOR, now=field.now)
    (folder / "broken.backup").write_bytes(whole.read_bytes()[:2000])
    monkeypatch.setenv("SURVEY_BACKUP_DIR", str(folder))
    current_settings.cache_clear()
    for name, words in (("monday", "monday.backup is whole"), ("broken", "")):
        app = visit_as(PageKey.AUDIT, admin)
        app.button(key="audit-backup").click().run()
        app.selectbox(key="audit/backup").set_value(f"{name}.backup")
        app.button(key="audit-backup-start").click().run()
        assert words in said(wait(app))
    assert actions(field).count("store.backup_checked") == 1


def test_deleting_by_schedule_names_what_goes_and_asks_for_a_word(
    visit_as: Any, field: Any, admin: Principal
) -> None:
    long_ago = now() - timedelta(days=400)
    with session_scope(field.url) as session:
        session.add(
            LoginSession(
                secret_sha256="s" * 64,
                account_id=admin.account_id,
                created_at=long_ago,
                expires_at=long_ago,
            )
        )
    app = visit_as(PageKey.AUDIT, admin)
    app.button(key="audit-retention").click().run()
    assert "Sessions of signed-in browsers: 1 older than 90 days" in said(app)
    app.button(key="audit-retention-run").click().run()
    assert "retention.run" not in actions(field)
    app.button(key="audit-retention").click().run()
    app.text_input(key="audit/retention-word").set_value("delete")
    app.button(key="audit-retention-run").click().run()
    with read_scope(field.url) as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "retention.run")).one()
    assert entry.actor_id == admin.account_id
    assert entry.detail["deleted"]["sessions"] == 1
