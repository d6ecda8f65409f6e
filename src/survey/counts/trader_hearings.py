"""Naming a trader: it is heard about its total, two people sign, and one can take it back.

Nothing is named before the answer is in or its deadline has passed. A name that is public stands
beside the answer, the base and the sentence that complaints are no finding.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlmodel import and_, col, select

from survey.access.approval import (
    NextSignature,
    PeopleRule,
    SecondPersonRequiredError,
    approve,
    find_next_signature,
    find_people_rule,
)
from survey.access.audit import actor_id, require_reason
from survey.access.principal import list_areas_above
from survey.access.roles import Action
from survey.access.work import Case, Seen, Work
from survey.comparative_tests.hearings import (
    ReplyData,
    fill_in_reply,
    is_heard,
    require_heard,
    require_reply_deadline,
)
from survey.counts.trader_lists import TOTALS, JoinState, TraderRow, find_shown_row
from survey.counts.trader_rules import NEEDS_REASON, require_trader_rule
from survey.locale import Message, msg, translator
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import EvidenceRelease, ReplyStance, TraderHearing, TraderTotal

STANCE_NAMES: Mapping[ReplyStance, Message] = {
    ReplyStance.AGREES: msg("agrees"),
    ReplyStance.OBJECTS: msg("objects"),
    ReplyStance.WANTS_RETEST: msg("asks to look at it again"),
    ReplyStance.REMARKS: msg("remarks"),
}


class NamingState(StrEnum):
    """State of a hearing: sent, signed by one person, named, or taken back."""

    SENT = "sent"
    SIGNED = "signed"
    NAMED = "named"
    TAKEN_BACK = "taken_back"


NAMING_STATE_NAMES: Mapping[NamingState, Message] = {
    NamingState.SENT: msg("sent to the trader"),
    NamingState.SIGNED: msg("signed by one person"),
    NamingState.NAMED: msg("named"),
    NamingState.TAKEN_BACK: msg("taken back"),
}


def find_naming_state(row: TraderHearing) -> NamingState:
    """Return the state of a hearing."""
    if row.taken_back_at is not None:
        return NamingState.TAKEN_BACK
    if row.named_at is not None:
        return NamingState.NAMED
    return NamingState.SIGNED if row.first_at is not None else NamingState.SENT


HEARINGS = Case(
    table=TraderHearing,
    name="trader_hearing",
    refused="trader_hearing_refused",
    keeping=Action.DELIVER_EVIDENCE,
    unknown=msg("There is no such hearing in your area."),
    area=col(TraderHearing.area),
    is_demo=col(TraderHearing.is_demo),
    is_open=and_(
        col(TraderHearing.named_at).is_not(None), col(TraderHearing.taken_back_at).is_(None)
    ),
    changed=msg("Somebody changed this hearing meanwhile. Please look at it again."),
    not_now=msg("This is not possible while the hearing is in the state “{state}”."),
    states=NAMING_STATE_NAMES,
    state_of=find_naming_state,
    details=lambda row: {"area": row.area},
)
_ANSWERED = msg("The trader has answered since.")
_TO_SIGN = (NamingState.SENT, NamingState.SIGNED)


def send_to_trader(work: Work, seen: Seen, *, due_on: date) -> UUID:
    """Record that trader `seen` (total, version) was sent its figures; return the hearing's id.

    Raises:
        RefusedError: no rule stands, the name is not shown, is heard or named already, or the
            deadline leaves fewer days than the rule.
    """
    rule = require_trader_rule(work)
    total = work.lock(TOTALS, seen, (JoinState.ALONE,))
    if find_shown_row(work, total).hearing is not None:
        raise HEARINGS.refuse(msg("This trader was sent its figures before."))
    require_reply_deadline(work, HEARINGS, due_on, rule.reply_days)
    row = TraderHearing(
        total_id=total.id,
        area=total.area,
        is_demo=total.is_demo,
        sent_on=china_date(work.now),
        due_on=due_on,
        sent_by=actor_id(work.principal),
    )
    detail = {**HEARINGS.details(row), "due_on": due_on.isoformat()}
    work.add(row, AuditEvent.TRADER_SENT, row.id, detail)
    return row.id


def record_trader_reply(work: Work, seen: Seen, *, data: ReplyData) -> None:
    """Record the answer in hearing `seen` (id, version), and what the association says to it.

    A first signature from before is given anew: it was not about this answer.

    Raises:
        RefusedError: the day or the texts cannot be.
    """
    row = work.lock(HEARINGS, seen, (*_TO_SIGN, NamingState.NAMED))
    replied = fill_in_reply(work, HEARINGS, row, data, has_lines=True)
    if row.named_at is None:
        row.first_by = row.first_at = None
    else:
        # What was signed before lacks the answer.
        _retract_releases(work, row, translator("zh")(_ANSWERED))
    work.save(HEARINGS, row, AuditEvent.TRADER_REPLY_RECEIVED, **replied)


def find_naming_signature(work: Work, *, hearing_id: UUID) -> NextSignature:
    """Return what the principal's signature under a hearing would do now, or who signs instead."""
    row = work.find(HEARINGS, hearing_id, HEARINGS.keeping)
    return find_next_signature(
        work,
        action=HEARINGS.keeping,
        is_demo=row.is_demo,
        areas=list_areas_above(row.area),
        first=row.first_by,
        is_signed=row.first_at is not None,
    )


def is_naming_to_sign(work: Work, *, hearing_id: UUID) -> bool:
    """Return whether the principal can sign now that a heard trader is named."""
    row = work.find(HEARINGS, hearing_id, HEARINGS.keeping)
    if find_naming_state(row) not in _TO_SIGN or not is_heard(row, china_date(work.now)):
        return False
    return not find_naming_signature(work, hearing_id=row.id).awaited


def sign_naming(work: Work, seen: Seen, *, releases: bool | None = None) -> bool:
    """Sign that hearing `seen` (id, version) makes the name public; return whether it now is.

    Args:
        releases: What the person was told that this signature does; None where nobody was told.

    Raises:
        RefusedError: no rule stands, the trader can still answer, its total is not shown any more,
            or the signature would do something else than the person was told.
        SecondPersonRequiredError: the principal gave the first signature.
    """
    require_trader_rule(work)
    row = work.lock(HEARINGS, seen, _TO_SIGN)
    shown = _require_nameable(work, row)
    if releases not in {None, find_naming_signature(work, hearing_id=row.id).releases}:
        raise HEARINGS.refuse(
            msg("Meanwhile it has changed what a signature does. Please read again and sign then.")
        )
    rule = find_people_rule(
        work, action=HEARINGS.keeping, is_demo=row.is_demo, areas=list_areas_above(row.area)
    )
    person = actor_id(work.principal)
    if row.first_at is None:
        row.first_by, row.first_at = person, work.now
        if rule is PeopleRule.TWO:
            work.save(HEARINGS, row, AuditEvent.TRADER_SIGNED)
            return False
        row.one_person = rule.value
    else:
        own = msg("You signed this yourself. Another person signs next.")
        row.one_person = approve(work.principal, rule, row.first_by, SecondPersonRequiredError(own))
    row.named_by, row.named_at = person, work.now
    told = {"name": shown.name, "cases": shown.cases, "one_person": row.one_person}
    work.save(HEARINGS, row, AuditEvent.TRADER_NAMED, **{k: v for k, v in told.items() if v})
    return True


def _require_nameable(work: Work, row: TraderHearing) -> TraderRow:
    """Return the name as it is shown; raise while it can answer, or if it may not be shown."""
    total = work.session.get_one(TraderTotal, row.total_id)
    shown = find_shown_row(work, total)
    require_heard(work, HEARINGS, [(shown.name, row)])
    return shown


def take_back_naming(work: Work, seen: Seen, *, reason: str) -> None:
    """Take back hearing `seen` (id, version), named or not; the name is public no more.

    One person is enough, for it has to be quick. The trader can be heard again.

    Raises:
        RefusedError: it was taken back before, or no reason is given.
    """
    row = work.lock(HEARINGS, seen, (*_TO_SIGN, NamingState.NAMED))
    row.reason = require_reason(reason, HEARINGS.refuse(NEEDS_REASON))
    row.taken_back_by, row.taken_back_at = actor_id(work.principal), work.now
    work.save(HEARINGS, row, AuditEvent.TRADER_TAKEN_BACK, reason=row.reason)
    _retract_releases(work, row, row.reason)


def _retract_releases(work: Work, row: TraderHearing, reason: str) -> None:
    """Take the signed files of a hearing back that stand, with the name or for the answer."""
    query = select(EvidenceRelease).where(
        EvidenceRelease.hearing_id == row.id, col(EvidenceRelease.retracted_at).is_(None)
    )
    for release in work.session.exec(query):
        release.retracted_by, release.retracted_at = actor_id(work.principal), work.now
        release.retraction_reason = reason
        detail = {"reason": reason}
        work.add(release, AuditEvent.RELEASE_EVIDENCE_RETRACTED, release.key, detail)
