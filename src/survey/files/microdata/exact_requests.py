"""Exact files of interviews: requested by one, decided by another, and traced afterwards.

An approval is good for one export, of the results that were asked for, by the person who asked,
within seven days.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from survey.access.audit import actor_id, record, require_reason
from survey.access.principal import OPERATOR, AccessDeniedError
from survey.access.roles import Action
from survey.access.work import Work
from survey.files.microdata.export import (
    SAMPLE_MARK,
    MicrodataFile,
    RowOrder,
    final_snapshot,
    get_readable_wave,
    make_file,
    operator_detail,
    require_purpose,
)
from survey.files.microdata.file_formats import FileFormat
from survey.files.microdata.pseudonyms import Pseudonyms
from survey.locale import DEFAULT_LANGUAGE, SurveyError, Translator, labels_of, msg, translator
from survey.records import build_from
from survey.store.audit_events import AuditEvent
from survey.store.china_time import format_china_minute
from survey.store.tables import (
    Account,
    AuditEntry,
    Decision,
    ExactRowRequest,
    Response,
    RowExport,
    SamplingPoint,
    Snapshot,
    Wave,
    new_id,
    table_of,
)
from survey.waves.waves import COMPUTED_STATES, get_wave


@dataclass(frozen=True)
class TracedExport:
    """Export that made pseudonyms of a file found somewhere; `matched` is their number."""

    export_id: UUID
    account: str
    purpose: str
    made_at: datetime
    matched: int


@dataclass(frozen=True)
class UndoableExport:
    """Old export of all interviews, whose blanked answers can be reconstructed from tables."""

    export_id: UUID
    wave_id: UUID
    wave: str
    account: str
    made_at: datetime
    rows: int


def list_undoable_exports(work: Work) -> list[UndoableExport]:
    """Return exports whose blanked answers published tables reveal, not yet settled, by time.

    They were made before a file held nine in ten interviews. Exact files blank nothing,
    demonstrations hold nobody, and some were dealt with (`settle_undoable_exports`).
    """
    work.require(Action.ADMINISTER)
    entries = work.session.exec(
        select(AuditEntry.action, AuditEntry.detail).where(
            col(AuditEntry.action).in_(
                [AuditEvent.ROWS_EXPORTED, AuditEvent.ROWS_EXACT_EXPORTED, AuditEvent.ROWS_SETTLED]
            )
        )
    )
    safe = {
        detail["export"]
        for action, detail in entries
        if action != AuditEvent.ROWS_EXPORTED or SAMPLE_MARK in detail
    }
    query = (
        select(RowExport, Wave, Account.login)
        .join(Wave, col(Wave.id) == col(RowExport.wave_id))
        .outerjoin(Account, col(Account.id) == col(RowExport.account_id))
        .where(~col(Wave.is_demo))
        .order_by(col(RowExport.made_at))
    )
    return [
        UndoableExport(export.id, wave.id, wave.key, login or "", export.made_at, export.rows)
        for export, wave, login in work.session.exec(query)
        if str(export.id) not in safe
    ]


def settle_undoable_exports(work: Work, *, reason: str) -> list[UndoableExport]:
    """Record all exports whose blanks can be undone as settled for a reason; return them."""
    exports = list_undoable_exports(work)
    for export in exports:
        work.record(
            AuditEvent.ROWS_SETTLED,
            export.wave_id,
            {"export": str(export.export_id), "reason": reason},
        )
    return exports


def trace_export(work: Work, *, wave_key: str, names: Collection[str]) -> list[TracedExport]:
    """Return exports of a wave that made pseudonyms in `names`, with matches, most first."""
    work.require(Action.ADMINISTER)
    wanted = {name.strip().lower() for name in names}
    wave_id = get_wave(session=work.session, key=wave_key).id
    responses = work.session.exec(select(Response.id).where(Response.wave_id == wave_id)).all()
    points = work.session.exec(
        select(SamplingPoint.code).where(SamplingPoint.wave_id == wave_id)
    ).all()
    query = (
        select(RowExport, Account.login)
        .outerjoin(Account, col(Account.id) == col(RowExport.account_id))
        .where(RowExport.wave_id == wave_id)
    )
    traced = []
    for export, login in work.session.exec(query):
        pseudonyms = Pseudonyms(export.secret)
        made = pseudonyms.make_names("row", map(str, responses))
        made += pseudonyms.make_names("psu", points)
        matched = sum(name.hex() in wanted for name in made)
        traced.append(TracedExport(export.id, login or "", export.purpose, export.made_at, matched))
    return sorted((entry for entry in traced if entry.matched), key=lambda entry: -entry.matched)


VALID_FOR = timedelta(days=7)
_REQUESTS = table_of(ExactRowRequest)


class ExactRowsRefusedError(SurveyError):
    code = "exact_rows_refused"


class ExactRequestNotFoundError(SurveyError):
    code = "exact_request_unknown"
    message = msg("There is no such request for an exact file.")


class RequestState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    TAKEN = "taken"
    EXPIRED = "expired"
    OUTDATED = "outdated"
    """The wave was frozen anew since."""


@dataclass(frozen=True)
class ExactRequest:
    """Request for an exact file with its state and decision, as lists show it."""

    id: UUID
    wave: str
    title: dict[str, str]
    account: str
    name: str
    area: str
    purpose: str
    requested_at: datetime
    state: RequestState
    decided_by: str
    """Empty before the decision, and where the operator of the server decided."""
    decided_at: datetime | None
    reason: str
    valid_until: datetime | None


def request_exact_rows(
    work: Work, *, wave_key: str, purpose: str, by_operator: bool = False
) -> UUID:
    """Store and record a request for an exact file of one wave; return the id of the request.

    Args:
        by_operator: requested at the command line in the name of `principal`; then the decision
            is not made there.

    Raises:
        ExportNotAllowedError: no purpose, or no final results.
        ExactRowsRefusedError: requested already.
    """
    work.require(Action.EXPORT_ROWS)
    why = require_purpose(purpose)
    wave = get_readable_wave(work, wave_key)
    snapshot_id = final_snapshot(work.session, wave).id
    same = select(ExactRowRequest.id).where(
        ExactRowRequest.account_id == work.principal.account_id,
        ExactRowRequest.wave_id == wave.id,
        ExactRowRequest.snapshot_id == snapshot_id,
        col(ExactRowRequest.decision).is_(None),
    )
    if work.session.exec(same.limit(1)).first() is not None:
        raise ExactRowsRefusedError(msg("You have asked for this file already; the request waits."))
    request = ExactRowRequest(
        id=new_id(),
        account_id=work.principal.account_id,
        wave_id=wave.id,
        snapshot_id=snapshot_id,
        area=work.principal.area,
        purpose=why,
        by_operator=by_operator,
        requested_at=work.now,
    )
    work.session.add(request)
    work.session.flush()
    record(
        session=work.session,
        actor=OPERATOR if by_operator else work.principal,
        event=AuditEvent.ROWS_EXACT_REQUESTED,
        subject_id=wave.id,
        now=work.now,
        detail={
            "request": str(request.id),
            "purpose": why,
            "area": request.area,
            **operator_detail(work, by_operator),
        },
    )
    return request.id


def decide_exact_rows(work: Work, *, request_id: UUID, decision: Decision, reason: str) -> None:
    """Approve or refuse somebody else's request for an exact file, and record why.

    Raises:
        ExactRowsRefusedError: the own request, no reason, decided already, or frozen anew since.
        ExactRequestNotFoundError: no such request.
    """
    work.require(Action.APPROVE_EXACT_ROWS)
    request, wave = _request(work, request_id)
    if request.account_id == work.principal.account_id:
        raise ExactRowsRefusedError(
            msg("You asked for this file yourself. Another person decides.")
        )
    if request.by_operator and work.principal == OPERATOR:
        raise ExactRowsRefusedError(
            msg("This file was asked for at the command line. Somebody decides on the page.")
        )
    why = require_reason(
        reason,
        ExactRowsRefusedError(msg("Please give the reason for the decision in a few words.")),
    )
    if decision is Decision.APPROVED:
        _require_current_snapshot(work.session, request, wave)
    changed = work.session.connection().execute(
        update(_REQUESTS)
        .where(_REQUESTS.c.id == request_id, _REQUESTS.c.decision.is_(None))
        .values(
            decision=decision, decided_by=actor_id(work.principal), decided_at=work.now, reason=why
        )
    )
    if changed.rowcount != 1:
        raise ExactRowsRefusedError(msg("This request has been decided already."))
    is_approved = decision is Decision.APPROVED
    event = AuditEvent.ROWS_EXACT_APPROVED if is_approved else AuditEvent.ROWS_EXACT_REFUSED
    work.record(event, wave.id, {"request": str(request_id), "reason": why})


def export_exact_rows(
    work: Work,
    *,
    request_id: UUID,
    form: FileFormat,
    language: str = DEFAULT_LANGUAGE,
    by_operator: bool = False,
) -> MicrodataFile:
    """Make the file of an approved request for the account that asked; record and return it.

    Raises:
        ExactRowsRefusedError: not approved, too late, exported already, frozen anew, or another
            area.
        ExactRequestNotFoundError: no such request.
        RefusedError: a workbook cannot hold the rows.
        SnapshotDamagedError: the responses are not those that were frozen.
    """
    work.require(Action.EXPORT_ROWS)
    request, wave = _request(work, request_id)
    if request.account_id != work.principal.account_id:
        raise AccessDeniedError(msg("Somebody else asked for this file."))
    snapshot = _require_usable(work, request, wave)
    order = RowOrder(
        wave,
        snapshot,
        request.purpose,
        form,
        language,
        approval=_list_approval_remarks(translator(language), work.session, wave, request),
        actor=OPERATOR if by_operator else work.principal,
        detail={"request": str(request.id), **operator_detail(work, by_operator)},
    )
    file, export_id = make_file(work, order)
    # Two at the same time: the second finds the request used and takes nothing.
    used = work.session.connection().execute(
        update(_REQUESTS)
        .where(_REQUESTS.c.id == request_id, _REQUESTS.c.export_id.is_(None))
        .values(export_id=export_id)
    )
    if used.rowcount != 1:
        raise _build_already_exported_error()
    return file


def list_exact_requests(work: Work) -> list[ExactRequest]:
    """Return requests, newest first: all to those who decide, else the principal's own."""
    decider = aliased(Account)
    query = (
        select(ExactRowRequest, Wave, Account, decider)
        .join(Wave, col(Wave.id) == col(ExactRowRequest.wave_id))
        .join(Account, col(Account.id) == col(ExactRowRequest.account_id))
        .outerjoin(decider, col(decider.id) == col(ExactRowRequest.decided_by))
        .order_by(col(ExactRowRequest.requested_at).desc())
    )
    if work.principal.may(Action.APPROVE_EXACT_ROWS):
        work.require(Action.APPROVE_EXACT_ROWS)
    else:
        work.require(Action.EXPORT_ROWS)
        query = query.where(ExactRowRequest.account_id == work.principal.account_id)
    if work.principal.is_demo:
        query = query.where(col(Wave.is_demo))
    rows = work.session.exec(query).all()
    holding = _find_latest_snapshots(work.session, {wave.id for _, wave, _, _ in rows})
    return [
        build_from(
            ExactRequest,
            request,
            wave=wave.key,
            title=labels_of(wave, "title"),
            account=account.login,
            name=account.name,
            state=_request_state(request, wave, holding.get(wave.id), work.now),
            decided_by=by.name if by else "",
            valid_until=_compute_valid_until(request),
        )
        for request, wave, account, by in rows
    ]


def list_pending_requests(work: Work) -> list[ExactRequest]:
    """Return the waiting requests of others that the principal can decide, oldest first."""
    work.require(Action.APPROVE_EXACT_ROWS)
    own = work.session.get(Account, work.principal.account_id)
    return [
        request
        for request in reversed(list_exact_requests(work))
        if request.state is RequestState.WAITING and (own is None or request.account != own.login)
    ]


def _request(work: Work, request_id: UUID) -> tuple[ExactRowRequest, Wave]:
    request = work.session.get(ExactRowRequest, request_id, with_for_update=True)
    if request is None:
        raise ExactRequestNotFoundError
    key = work.session.get_one(Wave, request.wave_id).key
    return request, get_readable_wave(work, key)


def _require_usable(work: Work, request: ExactRowRequest, wave: Wave) -> Snapshot:
    if request.decision is None:
        raise ExactRowsRefusedError(msg("Nobody has approved this request yet."))
    if request.decision is Decision.REFUSED:
        raise ExactRowsRefusedError(
            msg("This request was refused: {reason}", reason=request.reason)
        )
    if request.export_id is not None:
        raise _build_already_exported_error()
    until = _compute_valid_until(request)
    if until is None or work.now >= until:
        raise ExactRowsRefusedError(
            msg("The approval was good for seven days and has run out. Please ask again.")
        )
    if request.area != work.principal.area:
        raise ExactRowsRefusedError(msg("Your area has changed since. Please ask again."))
    return _require_current_snapshot(work.session, request, wave)


def _build_already_exported_error() -> ExactRowsRefusedError:
    return ExactRowsRefusedError(
        msg("This file was taken already; an approval is good for one. Please ask again.")
    )


def _require_current_snapshot(session: Session, request: ExactRowRequest, wave: Wave) -> Snapshot:
    snapshot = final_snapshot(session, wave)
    if snapshot.id != request.snapshot_id:
        raise ExactRowsRefusedError(
            msg("The wave was frozen anew after this request. Please ask again.")
        )
    return snapshot


def _compute_valid_until(request: ExactRowRequest) -> datetime | None:
    if request.decision is not Decision.APPROVED or request.decided_at is None:
        return None
    return request.decided_at + VALID_FOR


def _request_state(
    request: ExactRowRequest, wave: Wave, newest: UUID | None, now: datetime
) -> RequestState:
    if request.decision is Decision.REFUSED:
        return RequestState.REFUSED
    if request.export_id is not None:
        return RequestState.TAKEN
    until = _compute_valid_until(request)
    if until is not None and now >= until:
        return RequestState.EXPIRED
    if wave.state not in COMPUTED_STATES or newest != request.snapshot_id:
        return RequestState.OUTDATED
    return RequestState.WAITING if request.decision is None else RequestState.APPROVED


def _find_latest_snapshots(session: Session, wave_ids: set[UUID]) -> dict[UUID, UUID]:
    """Return `wave id -> id of its newest final snapshot`; waves without one are left out."""
    query = (
        select(Snapshot.wave_id, Snapshot.id)
        .where(col(Snapshot.wave_id).in_(wave_ids), col(Snapshot.final))
        .order_by(col(Snapshot.created_at))
    )
    return dict(session.exec(query).all())


def _list_approval_remarks(
    t: Translator, session: Session, wave: Wave, request: ExactRowRequest
) -> tuple[str, ...]:
    """Return the remarks of an exact file that say who asked and who approved."""
    decider = session.get(Account, request.decided_by) if request.decided_by else None
    decided_at = request.decided_at or request.requested_at
    return (
        t(
            "EXACT FILE. Wave {wave}: every interview with its own weight, age band and gender; "
            "nothing was merged or blanked. Whoever knows the census can tell small groups apart.",
            wave=wave.key,
        ),
        t(
            "Requested on {requested}; approved by {name} on {decided}: {reason}",
            requested=format_china_minute(t, request.requested_at),
            name=decider.name if decider else t("the operator of the server"),
            decided=format_china_minute(t, decided_at),
            reason=request.reason,
        ),
    )
