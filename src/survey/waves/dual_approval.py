"""Dual approval: the two approvals of an interview are given by two people.

Who gave the first approval stands in the audit trail, which nobody can change. A wave may allow
one person for both (`review_rule`), for studies too small to have two.
"""

from collections.abc import Collection, Sequence
from operator import itemgetter
from uuid import UUID

import orjson
from sqlalchemy import delete, select
from sqlmodel import Session

from survey.access.audit import actor_id
from survey.access.audit_members import iter_members
from survey.access.principal import covers
from survey.access.roles import ROLES, Action
from survey.access.secret_hashes import active_filter
from survey.access.work import Work
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.audit_writer import queued_entries
from survey.store.tables import (
    Account,
    AuditEntry,
    AuditMember,
    Response,
    ReviewRule,
    VenueCheck,
    table_of,
)
from survey.waves.quota_counts import iter_batches
from survey.waves.waves import get_wave

_MEMBERS, _ACCOUNTS = table_of(AuditMember), table_of(Account)
_AUDIT, _RESPONSES, _RULES = table_of(AuditEntry), table_of(Response), table_of(ReviewRule)


class SecondApproverRequiredError(SurveyError):
    """Raised when a second approval would be by the person who gave the first."""

    code = "same_person"
    message = msg(
        "You approved this interview for its city yourself. The last approval needs another person."
    )


def list_second_approvers(work: Work, *, city_code: str, wave_id: UUID) -> tuple[str, ...]:
    """Return the names of others who can give interviews of a city the second approval.

    Those of a venue get it from who signs the check that it belongs to.
    """
    work.require(Action.REVIEW, city_code)
    check = work.session.get(VenueCheck, wave_id)
    action, area = Action.APPROVE_FINALLY, city_code
    if check is not None:
        action, area = Action.MANAGE_VENUE_CHECKS, check.area
    roles = [role for role, known in ROLES.items() if action in known.actions]
    query = select(_ACCOUNTS.c.name, _ACCOUNTS.c.area).where(
        active_filter(work.now),
        _ACCOUNTS.c.role.in_(roles),
        _ACCOUNTS.c.is_demo == work.principal.is_demo,
        _ACCOUNTS.c.id != work.principal.account_id,
    )
    rows = work.session.connection().execute(query.order_by(_ACCOUNTS.c.name))
    return tuple(row.name for row in rows if covers(row.area, area))


def find_self_approved(work: Work, *, response_ids: Collection[UUID]) -> set[UUID]:
    """Return ids of interviews first approved by the principal, in waves that require two people.

    An interview that came in approved (an import) has no first approval by anybody.
    """
    approved: set[UUID] = set()
    for ids in iter_batches(list(response_ids)):
        me = actor_id(work.principal)
        last = _list_first_approvers(work.session, ids)
        approved |= {response_id for response_id, actor in last.items() if actor == me}
    return approved - _list_single_approval_allowed(work.session, approved)


def _list_first_approvers(session: Session, ids: Sequence[UUID]) -> dict[UUID, UUID | None]:
    """Return interview id -> account that last gave it the first approval, singly or in bulk."""
    connection = session.connection()
    alone = connection.execute(
        select(_AUDIT.c.at, _AUDIT.c.id, _AUDIT.c.subject_id, _AUDIT.c.actor_id)
        .where(_AUDIT.c.subject_id.in_([str(response_id) for response_id in ids]))
        .where(_AUDIT.c.action == AuditEvent.RESPONSE_CITY_APPROVED)
    )
    together = connection.execute(
        select(_AUDIT.c.at, _AUDIT.c.id, _MEMBERS.c.response_id, _AUDIT.c.actor_id)
        .join(_AUDIT, _AUDIT.c.id == _MEMBERS.c.entry_id)
        .where(_MEMBERS.c.response_id.in_(ids))
        .where(_AUDIT.c.action == AuditEvent.RESPONSES_CITY_APPROVED)
    )
    stored = [((row.at, row.id), UUID(row.subject_id), row.actor_id) for row in alone]
    stored += [((row.at, row.id), row.response_id, row.actor_id) for row in together]
    stored.sort(key=itemgetter(0))
    last = {response_id: actor for _, response_id, actor in stored}
    # Approved a moment ago, in this very transaction.
    for entry in queued_entries(session):
        if entry.action == AuditEvent.RESPONSE_CITY_APPROVED:
            last |= {UUID(entry.subject_id): entry.actor_id}
        elif entry.action == AuditEvent.RESPONSES_CITY_APPROVED:
            members = iter_members(orjson.loads(entry.detail))
            last |= {response_id: entry.actor_id for response_id, _ in members}
    return {response_id: last[response_id] for response_id in ids if response_id in last}


def set_single_approval(work: Work, *, wave_key: str, allowed: bool) -> None:
    """Let one person give both approvals of a wave if `allowed`, else require two; record it."""
    work.require(Action.ADMINISTER)
    wave = get_wave(session=work.session, key=wave_key)
    rule = work.session.connection().execute(
        select(_RULES.c.one_person).where(_RULES.c.wave_id == wave.id).with_for_update()
    )
    before = bool(rule.scalar_one_or_none())
    work.session.connection().execute(delete(_RULES).where(_RULES.c.wave_id == wave.id))
    if allowed:
        work.session.add(ReviewRule(wave_id=wave.id, one_person=True, set_at=work.now))
        work.session.flush()
    work.record(
        AuditEvent.WAVE_ONE_PERSON_REVIEW,
        wave.id,
        {"key": wave_key, "allowed": allowed, "from": before, "to": allowed},
    )


def _list_single_approval_allowed(session: Session, response_ids: set[UUID]) -> set[UUID]:
    enough: set[UUID] = set()
    for ids in iter_batches(list(response_ids)):
        query = (
            select(_RESPONSES.c.id)
            .join(_RULES, _RULES.c.wave_id == _RESPONSES.c.wave_id)
            .where(_RESPONSES.c.id.in_(ids), _RULES.c.one_person)
        )
        enough.update(session.connection().execute(query).scalars())
    return enough
