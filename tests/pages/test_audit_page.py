"""The page of the audit trail: who may see it, what it says, how it is filtered and taken away."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from survey.access.audit import actor_id
from survey.access.audit_queries import TrailFilter, read_trail, stream_trail
from survey.access.audit_verify import record_verification, verify
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.locale import translator
from survey.release.audit_export import build_audit_workbook, write_csv
from survey.store.audit_chain import ChainEntry, canonical_json
from survey.store.audit_writer import queue_entries
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, new_id, now
from tests.audit_tampering import disable_triggers, run
from tests.work_of import work_of

Read = Callable[[AppTest], str]


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """The page does not know which database it is; one is enough here."""
    return sqlite_url


@pytest.fixture
def administrator(employ: Any) -> Principal:
    return employ(Role.ADMINISTRATOR, "CN")


def _note(field: Any, actor: Principal | None, action: str, **more: Any) -> None:
    """Enter any action about the wave, also one that no version of the platform would enter."""
    with session_scope(field.url) as session:
        entry = ChainEntry(
            new_id(),
            now(),
            actor_id(actor),
            action,
            "wave",
            str(field.wave.id),
            canonical_json(more),
        )
        queue_entries(session, [entry])


def _check(field: Any) -> None:
    with session_scope(field.url) as session:
        report = verify(work_of(session, OPERATOR))
        record_verification(work_of(session, OPERATOR, now()), report=report)


def _page(app: AppTest, read: Read) -> str:
    boxes = (*app.success, *app.error, *app.warning)
    return read(app) + "\n".join(str(box.value) for box in boxes)


def test_changes_read_as_before_and_after(
    visit_as: Any, field: Any, administrator: Principal, read: Read
) -> None:
    _note(
        field,
        administrator,
        "wave.changed",
        **{"from": {"status": "submitted", "size": 20}, "to": {"status": "void", "size": 25}},
    )
    text = read(visit_as(PageKey.AUDIT, administrator))
    assert "size: 20 → 25" in text
    assert "state: submitted → void" in text
    assert "wave main-2026" in text
    assert administrator.name in text


def test_the_state_of_the_chain_is_said_in_plain_words(
    visit_as: Any, field: Any, administrator: Principal, read: Read
) -> None:
    assert "has not been checked yet" in _page(visit_as(PageKey.AUDIT, administrator), read)
    _check(field)
    assert "was found as it was written" in _page(visit_as(PageKey.AUDIT, administrator), read)
    with session_scope(field.url) as session:
        disable_triggers(session)
        run(session, "UPDATE audit_entry SET action = 'x' WHERE sequence = 1")
    _check(field)
    assert "found 1 places" in _page(visit_as(PageKey.AUDIT, administrator), read)


def test_filters_of_the_address_narrow_the_page(
    visit_as: Any, field: Any, administrator: Principal, read: Read
) -> None:
    _note(field, administrator, "quota.policy_set", cells=11)
    _note(field, None, "invitation.opened")
    text = read(visit_as(PageKey.AUDIT, administrator, action="quota"))
    assert "Set what a full quota does" in text
    assert "Opened a link" not in text
    theirs = read(visit_as(PageKey.AUDIT, administrator, who="public"))
    assert "Opened a link" in theirs
    assert "Set what a full quota does" not in theirs
    assert "No entry fits" in read(visit_as(PageKey.AUDIT, administrator, to="2021-01-01"))
    assert "No entry fits" in read(visit_as(PageKey.AUDIT, administrator, subject="nothing"))
    odd = {"from": "<b>", "to": "9999-99-99", "below": "-1", "who": "'", "action": "%"}
    assert "Opened a link" in read(visit_as(PageKey.AUDIT, administrator, **odd))


def test_many_entries_are_turned_page_by_page(
    visit_as: Any, field: Any, administrator: Principal, read: Read
) -> None:
    for number in range(30):
        _note(field, None, "wave.changed", to=f"step {number}.")
    app = visit_as(PageKey.AUDIT, administrator, action="wave")
    assert "step 29." in read(app)
    assert "step 9." not in read(app)
    app.button(key="audit/older").click().run()
    assert "step 9." in read(app)
    assert "step 29." not in read(app)
    app.button(key="audit/newest").click().run()
    assert "step 29." in read(app)


def test_looking_and_taking_away_are_entered(
    visit_as: Any, field: Any, administrator: Principal
) -> None:
    visit_as(PageKey.AUDIT, administrator).run()
    with read_scope(field.url) as session:
        actions = session.exec(select(AuditEntry.action).order_by(col(AuditEntry.id))).all()
    assert actions.count("view.audit") == 1


def test_markup_in_an_entry_stays_text(
    visit_as: Any, field: Any, administrator: Principal, read: Read
) -> None:
    _note(field, None, "wave.<script>", **{"to": "<img src=x onerror=alert(1)>"})
    text = read(visit_as(PageKey.AUDIT, administrator))
    assert "<script>" not in text
    assert "<img" not in text


def test_files_hold_no_formula_and_every_entry(field: Any) -> None:
    _note(field, None, "=cmd()", **{"from": "=1+1", "to": "@x\x01"})
    with read_scope(field.url) as session:
        entries = list(stream_trail(work_of(session, OPERATOR), choice=TrailFilter()))
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    file = io.StringIO(newline="")
    assert write_csv(file, entries, translator("en")) == len(entries)
    rows = list(csv.reader(io.StringIO(file.getvalue().lstrip("\ufeff"))))
    assert len(rows) == len(entries) + 1
    assert rows[-1][3] == "'=cmd()"
    assert rows[-1][6:8] == ["'=1+1", "'@x\x01"]
    sheet = load_workbook(io.BytesIO(build_audit_workbook(entries, "zh"))).worksheets[0]
    assert sheet.cell(1, 1).value == "编号"
    last = sheet.max_row
    assert (sheet.cell(last, 4).value, sheet.cell(last, 4).data_type) == ("=cmd()", "s")
    assert sheet.cell(last, 8).value == "@x"


def test_only_an_administrator_reads_the_trail(field: Any) -> None:
    for role in Role:
        if role is Role.ADMINISTRATOR:
            continue
        stranger = Principal(new_id(), "x", role, "CN")
        with read_scope(field.url) as session:
            with pytest.raises(AccessDeniedError):
                read_trail(work_of(session, stranger), choice=TrailFilter())
            with pytest.raises(AccessDeniedError):
                next(stream_trail(work_of(session, stranger), choice=TrailFilter()))
