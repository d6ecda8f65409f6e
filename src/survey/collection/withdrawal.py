"""Withdrawal of an interview: its answers are deleted, the fact that it was withdrawn is kept.

A finished interview becomes void with the reason `withdrawn` and gives its quota place back; one
that ended in a side exit stays there. Either way its content goes at once and the database refuses
every way back (`store.guards`). Until the wave is frozen; afterwards the figures rest on it, and
the association has to be asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update
from sqlmodel import Session, SQLModel

from survey.access.audit import record
from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.parking import lock_parked_by_code, withdraw_parked
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    AnyRow,
    Invitation,
    PaperKeying,
    PaperSheet,
    Response,
    Status,
    Wave,
    table_of,
)
from survey.store.tables.erasure import DELETED_WITH_INTERVIEW, ERASURES
from survey.waves.personal_data import hash_code, read_code
from survey.waves.quota_counts import adjust_quota_counts
from survey.waves.quotas import COUNTED_STATUSES
from survey.waves.review_reasons import ReasonCode
from survey.waves.waves import COMPUTED_STATES

_RESPONSES, _WAVES, _SHEETS = table_of(Response), table_of(Wave), table_of(PaperSheet)


class MistypedCodeError(SurveyError):
    """Raised when the text cannot be a withdrawal code: a digit is missing or wrong."""

    code = "code_mistyped"


class CodeNotFoundError(SurveyError):
    """Raised when no interview has this withdrawal code."""

    code = "code_unknown"


class WaveFrozenError(SurveyError):
    """Raised when results were computed from the interview already."""

    code = "wave_frozen"


@dataclass(frozen=True)
class WithdrawalResult:
    """Result of a withdrawal; `again` if the interview was withdrawn before."""

    again: bool


def withdraw(*, session: Session, typed: str, now: datetime) -> WithdrawalResult:
    """Erase the interview with this withdrawal code, stored or parked; a repeat changes nothing.

    Raises:
        MistypedCodeError, CodeNotFoundError, WaveFrozenError: Nothing was withdrawn.
    """
    code = read_code(typed)
    if code is None:
        raise MistypedCodeError(
            msg("This code is not complete or has a digit that is wrong. It has twenty digits.")
        )
    rows = _find_by_code(session, code)
    parked = lock_parked_by_code(session, hash_code(code))
    if not rows and not parked:
        raise CodeNotFoundError(
            msg("We have no interview with this code. It may not have been sent yet.")
        )
    open_rows = [row for row in rows if row.withdrawn_at is None]
    for row in open_rows:
        _require_unfrozen(session, row)
        erase_response(session=session, response=row, now=now)
        record(
            session=session,
            actor=None,
            event=AuditEvent.RESPONSE_WITHDRAWN,
            subject_id=row.id,
            now=now,
            detail={"from": row.status, "by": "code"},
        )
    waiting = [row for row in parked if row.decision is None]
    for row in waiting:
        withdraw_parked(session, row.id, now)
    return WithdrawalResult(again=not open_rows and not waiting)


def erase_withdrawn_in_review(work: Work, *, response_id: UUID) -> None:
    """Erase an interview that a reviewer voided because its respondent withdrew.

    For those without a code: on paper, imported, or where the code was lost.
    """
    query = select(_RESPONSES).where(_RESPONSES.c.id == response_id)
    row = work.session.connection().execute(query).one()
    work.require(Action.REVIEW, row.city_code)
    _require_unfrozen(work.session, row)
    erase_response(session=work.session, response=row, now=work.now)
    work.record(AuditEvent.RESPONSE_WITHDRAWN, response_id, {"by": "reviewer"})


def erase_response(*, session: Session, response: AnyRow, now: datetime) -> None:
    """Delete the content of an interview as `ERASURES` says; its row stays with wave and city."""
    counted = response.status in COUNTED_STATUSES
    void = counted or response.status is Status.VOID
    values: dict[str, Any] = {"withdrawn_at": now, "lock_version": _RESPONSES.c.lock_version + 1}
    if void:
        values["reason"] = ReasonCode.WITHDRAWN.value
    if counted:
        values["status"] = Status.VOID
        adjust_quota_counts(session=session, changes={response.id: -1})
    connection = session.connection()
    for model, erasure in ERASURES.items():
        changed = {**erasure.erased, **(values if model is Response else {})}
        if changed:
            about = _select_rows_about(model, response)
            connection.execute(update(table_of(model)).where(about).values(changed))
    for model in DELETED_WITH_INTERVIEW:
        connection.execute(delete(table_of(model)).where(_select_rows_about(model, response)))


def _select_rows_about(model: type[SQLModel], response: AnyRow) -> ColumnElement[bool]:
    """Return the condition for the rows of a table that are about an interview."""
    columns, found = table_of(model).c, response.id
    if model is Response:
        column = columns.id
    elif model is Invitation:
        column, found = columns.id, response.invitation_id
    elif model is PaperKeying:
        column = columns.sheet_id
        found = select(_SHEETS.c.id).where(_SHEETS.c.response_id == found).scalar_subquery()
    else:
        column = columns.response_id
    condition: ColumnElement[bool] = column == found
    return condition


def _find_by_code(session: Session, code: str) -> Sequence[AnyRow]:
    query = (
        select(_RESPONSES)
        .where(_RESPONSES.c.withdrawal_sha256 == hash_code(code))
        .order_by(_RESPONSES.c.id)
        .with_for_update()
    )
    return session.connection().execute(query).all()


def _require_unfrozen(session: Session, response: AnyRow) -> None:
    """Raise `WaveFrozenError` if results were computed from the interview.

    The interview is locked, and a wave is frozen for good only after all of its own are locked.
    """
    query = select(_WAVES.c.state).where(_WAVES.c.id == response.wave_id)
    state = session.connection().execute(query).scalar_one()
    if state in COMPUTED_STATES or response.status is Status.FROZEN:
        raise WaveFrozenError(
            msg(
                "The results of this survey have been computed already, so that single interviews "
                "can no longer be taken out here."
            )
        )
