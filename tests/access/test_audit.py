"""Audit entries say who did what; the command line and the public have no account."""

from datetime import UTC, datetime

import pytest
from sqlmodel import col, select

from survey.access.audit import record
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, ROLES, Action, Role
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, new_id

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)


def test_the_three_kinds_of_actor_can_be_told_apart(store_url: str) -> None:
    account = Account(login="li", name="Li", role="surveyor", area="110000")
    li = Principal(account.id, "Li", Role.SURVEYOR, "110000")
    with session_scope(store_url) as session:
        session.add(account)
        session.flush()
        for actor in (li, OPERATOR, None):
            record(
                session=session,
                actor=actor,
                event=AuditEvent.WAVE_CHANGED,
                subject_id="s",
                now=NOW,
                detail={"why": "因为"},
            )
    with read_scope(store_url) as session:
        entries = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
    assert [(entry.actor_id, entry.detail) for entry in entries] == [
        (account.id, {"why": "因为"}),
        (None, {"by": "operator", "why": "因为"}),
        (None, {"why": "因为"}),
    ]


@pytest.mark.parametrize("role", Role)
def test_what_is_not_granted_is_denied(role: Role) -> None:
    principal = Principal(new_id(), "x", role, NATION)
    for action in Action:
        if action in ROLES[role].actions:
            principal.require(action, "110000")
        else:
            with pytest.raises(AccessDeniedError):
                principal.require(action, "110000")


@pytest.mark.parametrize(
    ("area", "inside", "outside"),
    [("110000", "110000", "120000"), ("32", "320500", "330100"), (NATION, "650500", None)],
)
def test_an_area_covers_its_cities_and_no_other(
    area: str, inside: str, outside: str | None
) -> None:
    principal = Principal(new_id(), "x", Role.SUPERVISOR, area)
    principal.require(Action.REVIEW, inside)
    if outside is not None:
        with pytest.raises(AccessDeniedError):
            principal.require(Action.REVIEW, outside)


@pytest.mark.parametrize("area", ["", "1", "110", "11000", "*", "%"])
def test_an_area_that_is_none_covers_nothing(area: str) -> None:
    assert not Principal(new_id(), "x", Role.SUPERVISOR, area).covers("110000")
