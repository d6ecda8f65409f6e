"""Deciding on interviews: one that was looked at, or everything in a selection as previewed."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from survey.access.principal import Action, Principal
from survey.fieldwork.lifecycle import MOVES, move, move_all, require_uncomputed
from survey.fieldwork.privacy.withdrawal import erase_reviewed
from survey.fieldwork.reasons import Reason, ReasonCode
from survey.fieldwork.review.listing import Filter, in_filter
from survey.fieldwork.second_person import approved_by_same
from survey.locale import SurveyError, msg
from survey.store.core import AnyRow, table_of
from survey.store.tables import Response, Status

MOST_AT_ONCE = 5_000
"""Interviews that one bulk action may move."""

_RESPONSES = table_of(Response)


class SelectionChanged(SurveyError):
    """What a bulk action would move is no longer what its preview showed."""

    code = "selection_changed"


class TooManyAtOnce(SurveyError):
    code = "too_many_at_once"


class OneByOne(SurveyError):
    """What cannot be undone is not done to many interviews at once."""

    code = "one_by_one"


@dataclass(frozen=True)
class Preview:
    """What a bulk action would do, exactly: interviews by their present state."""

    to: Status
    will: Mapping[Status, int]
    cannot: Mapping[Status, int]
    """Left as they are: this state does not lead there, or not for this role."""
    fingerprint: str
    own: int = 0
    """Of those left as they are: approved for the city by this person, so that another decides."""

    @property
    def total(self) -> int:
        return sum(self.will.values())


def decide(
    *,
    session: Session,
    principal: Principal,
    response_id: UUID,
    expected_version: int,
    to: Status,
    reason: Reason | None,
    now: datetime,
) -> int:
    """Move the interview that was looked at; fails when it is no longer in the version seen.

    Void because the respondent withdrew deletes what was answered; nothing brings it back.
    """
    principal.require(Action.REVIEW)
    version = move(
        session=session, principal=principal, response_id=response_id, to=to,
        reason="" if reason is None else reason.text, now=now, expected_version=expected_version,
    )  # fmt: skip
    if not _withdraws(to, reason):
        return version
    erase_reviewed(session=session, principal=principal, response_id=response_id, now=now)
    return version + 1


def _withdraws(to: Status, reason: Reason | None) -> bool:
    return to is Status.VOID and reason is not None and reason.code is ReasonCode.WITHDRAWN


def next_steps(principal: Principal, status: Status) -> tuple[Status, ...]:
    """Where this reviewer may move an interview in this state, approval first."""
    order = (
        Status.CITY_APPROVED, Status.APPROVED, Status.RETURNED, Status.VOID, Status.SUBMITTED
    )  # fmt: skip
    rules = [(to, MOVES.get((status, to))) for to in order]
    return tuple(
        to
        for to, rule in rules
        if rule is not None and rule.action is not Action.INTERVIEW and principal.may(rule.action)
    )


def preview(*, session: Session, principal: Principal, chosen: Filter, to: Status) -> Preview:
    """Count what moving everything in the filter to `to` would change, without changing it."""
    require_uncomputed(session, {chosen.wave_id})
    rows = _selection(session, principal, chosen, lock=False)
    will, cannot, own = _split(session, principal, rows, to)
    return Preview(
        to,
        Counter(row.status for row in will),
        Counter(row.status for row in cannot),
        _fingerprint(will),
        own,
    )


def decide_all(
    *,
    session: Session,
    principal: Principal,
    chosen: Filter,
    seen: Preview,
    reason: Reason | None,
    now: datetime,
) -> int:
    """Make the moves of a preview, all or none; fails when they are no longer the same ones."""
    if _withdraws(seen.to, reason):
        raise OneByOne(
            msg("Withdrawing deletes the answers for good. Please do it interview by interview.")
        )
    rows = _selection(session, principal, chosen, lock=True)
    will, _, _ = _split(session, principal, rows, seen.to)
    if _fingerprint(will) != seen.fingerprint:
        raise SelectionChanged(
            msg("Some of these interviews have changed in the meantime. Please look again.")
        )
    return move_all(
        session=session, principal=principal, rows=will, to=seen.to,
        reason="" if reason is None else reason.text, now=now,
    )  # fmt: skip


def _selection(
    session: Session, principal: Principal, chosen: Filter, *, lock: bool
) -> Sequence[AnyRow]:
    principal.require(Action.REVIEW)
    query = (
        select(
            _RESPONSES.c.id, _RESPONSES.c.wave_id, _RESPONSES.c.status, _RESPONSES.c.city_code,
            _RESPONSES.c.surveyor_id, _RESPONSES.c.quota_cell_id, _RESPONSES.c.lock_version,
            _RESPONSES.c.withdrawn_at,
        )
        .where(in_filter(principal, chosen))
        .order_by(_RESPONSES.c.id)
        .limit(MOST_AT_ONCE + 1)
    )  # fmt: skip
    rows = session.connection().execute(query.with_for_update() if lock else query).all()
    if len(rows) > MOST_AT_ONCE:
        raise TooManyAtOnce(
            msg("These are more than {most} interviews. Please narrow the choice.",
                most=f"{MOST_AT_ONCE:,}")
        )  # fmt: skip
    return rows


def _split(
    session: Session, principal: Principal, rows: Sequence[AnyRow], to: Status
) -> tuple[list[AnyRow], list[AnyRow], int]:
    """Those that this reviewer may move there, the others, and how many of these are the own."""
    steps = {row.status for row in rows if to in next_steps(principal, row.status)}
    own: set[UUID] = set()
    if to is Status.APPROVED:
        ids = [row.id for row in rows if row.status in steps]
        own = approved_by_same(session=session, principal=principal, response_ids=ids)
    will = [
        row
        for row in rows
        if row.status in steps and row.id not in own and row.withdrawn_at is None
    ]
    moved = {row.id for row in will}
    return will, [row for row in rows if row.id not in moved], len(own)


def _fingerprint(rows: Sequence[AnyRow]) -> str:
    """Which interviews in which version; changes when any of them does."""
    seen = hashlib.sha256()
    for row in rows:
        seen.update(row.id.bytes + row.lock_version.to_bytes(8, "big"))
    return seen.hexdigest()
