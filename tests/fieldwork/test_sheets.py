"""Codes on paper: all or none, for a while, not too many, taken back when they are not used."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.collection.invitation_sheets import (
    INVITATIONS_PER_PAGE,
    MAX_OPEN_INVITATIONS,
    InvitationSheet,
    issue_invitation_sheet,
    list_invitation_sheets,
    void_invitation_sheet,
)
from survey.collection.invitations import InvitationVoidedError, open_invitation
from survey.review.progress.wave_progress import get_progress, list_progress_waves
from survey.store.china_time import CHINA, china_date
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, Invitation, Wave, new_id
from survey.waves.waves import WaveNotOpenError, close_wave
from tests.error_codes import raises_code
from tests.work_of import work_of


def _issue(
    field: Any, *, pages: int = 1, days: int = 3, point_id: UUID | None = None
) -> InvitationSheet:
    with session_scope(field.url) as session:
        return issue_invitation_sheet(
            work_of(session, field.surveyor, field.now),
            point_id=point_id or field.point.id,
            pages=pages,
            days=days,
        )


def _open(field: Any, token: str) -> None:
    with session_scope(field.url) as session:
        open_invitation(session=session, token=token, proof="phone", now=field.now)


def _void(field: Any, sheet_id: UUID, principal: Principal | None = None) -> int:
    with session_scope(field.url) as session:
        return void_invitation_sheet(
            work_of(session, principal or field.surveyor, field.now), sheet_id=sheet_id
        )


def test_every_printed_code_is_a_link_of_its_own(field: Any) -> None:
    sheet = _issue(field, pages=2)
    assert [code.serial for code in sheet.codes] == list(range(1, 2 * INVITATIONS_PER_PAGE + 1))
    assert len({code.token for code in sheet.codes}) == 2 * INVITATIONS_PER_PAGE
    _open(field, sheet.codes[7].token)
    with read_scope(field.url) as session:
        rows = session.exec(select(Invitation)).all()
        (state,) = list_invitation_sheets(work_of(session, field.surveyor, field.now))
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "sheet.issued")).all()
    assert [row.serial for row in rows if row.opened_at] == [8]
    assert not {code.token for code in sheet.codes} & {row.token_sha256 for row in rows}
    assert (state.name, state.printed, state.untouched) == (sheet.name, 40, 39)
    assert [entry.detail["codes"] for entry in entries] == [40]


@pytest.mark.parametrize(
    ("days", "closes_on", "last"),
    [
        (1, None, date(2026, 5, 20)),
        (3, None, date(2026, 5, 22)),
        (99, None, date(2026, 6, 2)),
        (5, date(2026, 5, 21), date(2026, 5, 21)),
        (2, date(2026, 5, 1), date(2026, 5, 21)),
    ],
)
def test_they_open_until_the_end_of_a_day_in_china(
    field: Any, days: int, closes_on: date | None, last: date
) -> None:
    with session_scope(field.url) as session:
        session.get_one(Wave, field.wave.id).closes_on = closes_on
    ends = _issue(field, days=days).expires_at.astimezone(CHINA)
    assert ends.hour == ends.minute == 0
    assert china_date(ends - timedelta(seconds=1)) == last


def test_a_surveyor_has_a_bounded_number_of_them_out(field: Any) -> None:
    sheets = [
        _issue(field, pages=5) for _ in range(MAX_OPEN_INVITATIONS // (5 * INVITATIONS_PER_PAGE))
    ]
    with raises_code("too_many_codes"):
        _issue(field)
    with read_scope(field.url) as session:
        assert len(session.exec(select(Invitation)).all()) == MAX_OPEN_INVITATIONS
    for code in sheets[0].codes[:INVITATIONS_PER_PAGE]:
        _open(field, code.token)
    _issue(field)


def test_what_is_taken_back_does_not_open_and_what_was_opened_goes_on(field: Any) -> None:
    sheet = _issue(field)
    used, unused = sheet.codes[0].token, sheet.codes[1].token
    _open(field, used)
    assert _void(field, sheet.id) == INVITATIONS_PER_PAGE - 1
    with pytest.raises(InvitationVoidedError):
        _open(field, unused)
    _open(field, used)
    assert _void(field, sheet.id) == 0
    _issue(field, pages=5)


def test_only_the_own_sheets_and_points_in_an_open_wave(field: Any) -> None:
    sheet = _issue(field)
    with raises_code("sheet_unknown"):
        _void(field, sheet.id, field.colleague)
    with raises_code("sheet_unknown"):
        _void(field, new_id())
    with pytest.raises(AccessDeniedError):
        _issue(field, point_id=field.foreign_point.id)
    with read_scope(field.url) as session:
        assert list_invitation_sheets(work_of(session, field.colleague, field.now)) == []
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key="main-2026")
    with pytest.raises(WaveNotOpenError):
        _issue(field)


def test_paper_that_nobody_scanned_is_no_attempt(field: Any) -> None:
    sheet = _issue(field, days=1)
    _open(field, sheet.codes[0].token)
    later = field.now + timedelta(days=3)
    with read_scope(field.url) as session:
        (wave,) = list_progress_waves(work_of(session, OPERATOR))
        seen = get_progress(work_of(session, OPERATOR, later), wave=wave, usual_waste=0.08)
    assert (seen.dispositions.break_offs, seen.dispositions.unknown_eligibility) == (1, 0)
