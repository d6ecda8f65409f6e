"""One-time links: only for one's own points, only for a while, only for one interview."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.collection.invitations import (
    COMPLETION_GRACE_PERIOD,
    INVITATION_LIFETIME,
    InvitationExpiredError,
    InvitationNotFoundError,
    InvitationPageData,
    InvitationState,
    InvitationUsedError,
    IssuedInvitation,
    OpenedOnOtherDeviceError,
    get_invitation_states,
    issue_invitation,
    open_invitation,
    read_invitation,
)
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, Invitation, new_id
from survey.waves.waves import WaveNotOpenError, close_wave, open_wave
from tests.work_of import work_of

SECOND = timedelta(seconds=1)


def _issue(field: Any, **changes: Any) -> IssuedInvitation:
    person, now = changes.pop("principal", field.surveyor), changes.pop("now", field.now)
    request = {"wave_key": "main-2026", "point_id": field.point.id, **changes}
    with session_scope(field.url) as session:
        return issue_invitation(work_of(session, person, now), **request)


def _look(field: Any, token: str, after: timedelta = timedelta(0)) -> InvitationPageData:
    with read_scope(field.url) as session:
        return read_invitation(session=session, token=token, now=field.now + after, proof="phone")


def _open(field: Any, token: str, after: timedelta = timedelta(0)) -> None:
    with session_scope(field.url) as session:
        open_invitation(session=session, token=token, proof="phone", now=field.now + after)


def _status(
    field: Any, issued: IssuedInvitation, after: timedelta = timedelta(0)
) -> InvitationState:
    with read_scope(field.url) as session:
        states = get_invitation_states(
            work_of(session, field.surveyor, field.now + after),
            invitation_ids=[issued.invitation_id],
        )
    return states[issued.invitation_id]


def _mark_used(field: Any, issued: IssuedInvitation) -> None:
    with session_scope(field.url) as session:
        session.get_one(Invitation, issued.invitation_id).used_at = field.now


def test_a_link_opens_what_it_is_bound_to(field: Any) -> None:
    issued = _issue(field)
    _open(field, issued.token)
    opened = _look(field, issued.token)
    assert opened.city_name == {"zh": "北京市", "en": "Beijing"}
    assert opened.instrument_sha256 == field.instrument.sha256
    assert opened.is_demo is False
    assert opened.full == ()
    assert issued.expires_at == field.now + INVITATION_LIFETIME


def test_looking_at_a_link_does_not_open_it(field: Any) -> None:
    """Messengers look at a link before a person does, and it is nobody's yet."""
    issued = _issue(field)
    assert _look(field, issued.token).city_name["en"] == "Beijing"
    assert _status(field, issued) is InvitationState.ISSUED
    _open(field, issued.token)
    assert _status(field, issued) is InvitationState.OPENED
    with read_scope(field.url) as session, pytest.raises(OpenedOnOtherDeviceError):
        read_invitation(session=session, token=issued.token, now=field.now, proof="another")


def test_a_token_is_long_random_and_kept_nowhere(field: Any) -> None:
    tokens = {_issue(field).token for _ in range(20)}
    assert len(tokens) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22,}", token) for token in tokens)
    with read_scope(field.url) as session:
        rows = [*session.exec(select(Invitation)).all(), *session.exec(select(AuditEntry)).all()]
    kept = " ".join(str(row.model_dump()) for row in rows)
    assert not any(token in kept for token in tokens)


def test_opening_is_recorded_once_and_reloading_is_no_second_use(field: Any) -> None:
    issued = _issue(field)
    _open(field, issued.token, after=SECOND)
    _open(field, issued.token, after=5 * SECOND)
    with read_scope(field.url) as session:
        stored = session.get_one(Invitation, issued.invitation_id)
        actions = session.exec(select(AuditEntry.action).order_by(col(AuditEntry.id))).all()
    assert stored.opened_at == field.now + SECOND
    assert actions[2:] == ["invitation.issued", "invitation.opened"]


def test_a_link_that_nobody_opened_in_time_is_dead(field: Any) -> None:
    issued = _issue(field)
    with pytest.raises(InvitationExpiredError):
        _open(field, issued.token, after=INVITATION_LIFETIME)
    assert _status(field, issued, after=INVITATION_LIFETIME) is InvitationState.EXPIRED


def test_a_link_opened_at_the_last_second_may_be_finished(field: Any) -> None:
    issued = _issue(field)
    _open(field, issued.token, after=INVITATION_LIFETIME - SECOND)
    _open(field, issued.token, after=INVITATION_LIFETIME + COMPLETION_GRACE_PERIOD - SECOND)
    with pytest.raises(InvitationExpiredError):
        _open(field, issued.token, after=INVITATION_LIFETIME + COMPLETION_GRACE_PERIOD)


def test_a_used_link_is_used_even_after_it_expired(field: Any) -> None:
    issued = _issue(field)
    _mark_used(field, issued)
    for after in (timedelta(0), INVITATION_LIFETIME + COMPLETION_GRACE_PERIOD):
        with pytest.raises(InvitationUsedError):
            _open(field, issued.token, after=after)


def test_the_surveyor_watches_a_link_being_answered(field: Any) -> None:
    issued = _issue(field)
    assert _status(field, issued) is InvitationState.ISSUED
    _open(field, issued.token)
    assert _status(field, issued) is InvitationState.OPENED
    _mark_used(field, issued)
    assert _status(field, issued) is InvitationState.ANSWERED


def test_nobody_watches_the_links_of_others(field: Any) -> None:
    issued = _issue(field)

    def states(asking: Principal, invitation_id: UUID) -> dict[UUID, InvitationState]:
        with read_scope(field.url) as session:
            return get_invitation_states(
                work_of(session, asking, field.now), invitation_ids=[invitation_id]
            )

    assert states(field.surveyor, issued.invitation_id) != {}
    assert states(field.colleague, issued.invitation_id) == {}
    assert states(field.surveyor, new_id()) == {}
    with pytest.raises(AccessDeniedError):
        states(OPERATOR, issued.invitation_id)


def test_links_are_issued_for_own_points_only(field: Any) -> None:
    for point_id in (field.foreign_point.id, uuid4()):
        with pytest.raises(AccessDeniedError):
            _issue(field, point_id=point_id)
    with pytest.raises(AccessDeniedError):
        _issue(field, wave_key="main-2025")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SURVEYOR])
def test_roles_that_do_not_interview_issue_no_links(field: Any, role: Role) -> None:
    principal = Principal(field.surveyor.account_id, "x", role, NATION)
    with pytest.raises(AccessDeniedError):
        _issue(field, principal=principal)


def test_an_assignment_outside_the_own_area_is_worth_nothing(field: Any) -> None:
    moved = Principal(field.surveyor.account_id, "Li", Role.SURVEYOR, "310000")
    with pytest.raises(AccessDeniedError):
        _issue(field, principal=moved)


def test_a_closed_wave_neither_issues_nor_opens_links(field: Any) -> None:
    issued = _issue(field)
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key="main-2026")
    with pytest.raises(WaveNotOpenError):
        _issue(field)
    with pytest.raises(WaveNotOpenError):
        _open(field, issued.token)
    with session_scope(field.url) as session:
        open_wave(work_of(session, OPERATOR, field.now), key="main-2026")
    _open(field, issued.token)
    assert _status(field, issued) is InvitationState.OPENED


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(forged=st.text() | st.text(min_size=200, max_size=3000) | st.just("' OR 1=1 --"))
def test_no_invented_token_opens_anything(field: Any, forged: str) -> None:
    with pytest.raises(InvitationNotFoundError):
        _open(field, forged)
