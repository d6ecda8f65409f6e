"""`survey audit` in the hands of an operator or a nightly job."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlmodel import col, select

from survey.access.audit_verify import ANCHOR
from survey.settings import current_settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry
from tests.audit_tampering import disable_triggers, run

Survey = Callable[..., Result]


def _entries() -> list[AuditEntry]:
    with read_scope(current_settings().store_url) as session:
        return list(session.exec(select(AuditEntry).order_by(col(AuditEntry.sequence))).all())


def _by_force(statement: str) -> None:
    with session_scope(current_settings().store_url) as session:
        disable_triggers(session)
        run(session, statement)


def test_a_whole_trail_is_said_to_be_whole_and_the_check_is_entered(survey: Survey) -> None:
    survey("init")
    before = len(_entries())
    result = survey("audit", "verify")
    assert result.exit_code == 0, result.output
    assert "The trail is whole." in result.output

    assert "whoever owns the database could rewrite" in result.output
    last = _entries()[-1]
    assert (last.action, last.detail["entries"], last.detail["wrong"]) == (
        AuditEvent.AUDIT_VERIFIED,
        before,
        0,
    )


def test_a_changed_entry_is_named_and_the_exit_code_says_so(survey: Survey) -> None:
    survey("init")
    _by_force("UPDATE audit_entry SET action = 'nothing' WHERE sequence = 1")
    result = survey("audit", "verify", "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [
        {"from": 1, "to": 1, "finding": "Changed after it was written."}
    ]
    assert "NOT whole" in result.stderr
    assert _entries()[-1].detail["wrong"] == 1


def test_without_its_head_the_trail_is_read_all_the_same(survey: Survey) -> None:
    survey("init")
    _by_force("DELETE FROM audit_head")
    result = survey("audit", "verify")
    assert result.exit_code == 1
    assert "The head of the chain is gone." in result.output
    assert "Traceback" not in result.output


def test_anchors_of_the_log_are_found_among_other_lines(survey: Survey, tmp_path: Path) -> None:
    survey("init")
    entry = _entries()[-1]
    log = tmp_path / "platform.log"
    anchor = {"event": ANCHOR, "sequence": entry.sequence, "hash": entry.hash}
    log.write_text(f"plain words\n{{broken {ANCHOR}\n" + json.dumps(anchor) + "\n")
    assert survey("audit", "verify", "--anchors", str(log)).exit_code == 0
    log.write_text(json.dumps({**anchor, "sequence": 999}) + "\n")
    cut = survey("audit", "verify", "--anchors", str(log))
    assert cut.exit_code == 1
    assert "999" in cut.output
    assert survey("audit", "verify", "--anchor", f"{entry.sequence}:{entry.hash}").exit_code == 0
    assert survey("audit", "verify", "--anchor", "1:xyz").exit_code == 2


def test_a_short_key_stops_the_command_with_a_clear_line(
    survey: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey("init")
    monkeypatch.setenv("SURVEY_AUDIT_KEY", "short")
    result = survey("audit", "verify")
    assert result.exit_code == 1
    assert "fewer than 32 characters" in result.output
    assert "short" not in result.output.replace("shorter", "")


def test_there_is_nothing_to_adopt_on_a_new_store(survey: Survey) -> None:
    survey("init")
    assert "0 entries were taken" in survey("audit", "adopt").output


def test_the_export_holds_every_entry_and_is_entered_itself(survey: Survey, tmp_path: Path) -> None:
    survey("init")
    before = _entries()
    out = tmp_path / "trail.csv"
    result = survey("audit", "export", str(out))
    assert result.exit_code == 0, result.output
    rows = list(csv.reader(out.read_text("utf-8-sig").splitlines()))
    assert rows[0][:4] == ["Number", "Time (China)", "Person", "Action"]
    assert [row[0] for row in rows[1:]] == [str(entry.sequence) for entry in before]
    last = _entries()[-1]
    assert (last.action, last.subject_id) == ("export.downloaded", "trail.csv")
    assert survey("audit", "export", str(tmp_path / "no" / "folder.csv")).exit_code == 2
