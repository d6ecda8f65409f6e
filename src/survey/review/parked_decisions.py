"""Decisions on parked interviews: a supervisor accepts one into review, or discards it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlmodel import Session

from survey.access.audit import actor_id
from survey.access.principal import Principal, area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.collection_context import CollectionContext
from survey.collection.parking import erase_parked
from survey.collection.submission import (
    InvalidAnswersError,
    SubmissionReceipt,
    ValidSubmission,
    check_answers,
    store_validated,
)
from survey.collection.submission_envelope import Submission
from survey.locale import Message, RefusedError, SurveyError, labels_of, msg
from survey.questionnaire.model import Instrument
from survey.questionnaire.validation import Validation
from survey.records import build_from
from survey.review.response_detail import AnsweredSection, build_answered_sections
from survey.store.audit_chain import HASH, answers_sha256
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import (
    Account,
    AnyRow,
    AuditEntry,
    Mode,
    ParkedInterview,
    ParkingDecision,
    ParkingReason,
    Response,
    SamplingPoint,
    Wave,
    WaveState,
    table_of,
)
from survey.waves.instruments import load_instrument
from survey.waves.overlap import AT_OVERLAP, OVERLAPS, asked_instrument
from survey.waves.personal_data import clean_note
from survey.waves.review_reasons import MAX_NOTE

MAX_LISTED = 200
REASON_NAMES: Mapping[ParkingReason, Message] = {
    ParkingReason.LINK_EXPIRED: msg("The link had expired when the answers arrived"),
    ParkingReason.LINK_VOIDED: msg("The surveyor had taken the code back"),
    ParkingReason.WAVE_CLOSED: msg("The wave was closed when the answers arrived"),
    ParkingReason.INSTRUMENT_REPLACED: msg("Made with another version of the questionnaire"),
    ParkingReason.POINT_REASSIGNED: msg("The surveyor no longer works at this sampling point"),
}
_OPEN_STATES = frozenset({WaveState.OPEN, WaveState.CLOSED})

_PARKED, _RESPONSES = table_of(ParkedInterview), table_of(Response)
_POINTS, _ACCOUNTS, _WAVES = table_of(SamplingPoint), table_of(Account), table_of(Wave)
_AUDIT = table_of(AuditEntry)


class ParkedNotFoundError(SurveyError):
    """Raised when no waiting parked interview has this id in the principal's area."""

    code = "parked_unknown"
    message = msg("This interview does not wait for a decision any more.")


class ParkedNotAcceptableError(SurveyError):
    """Raised when a parked interview cannot be accepted into review."""

    code = "parked_not_acceptable"


@dataclass(frozen=True)
class ParkedSummary:
    """One parked interview that waits for a decision, as the list of a supervisor shows it."""

    id: UUID
    wave_title: Mapping[str, str]
    city_code: str
    point_name: str
    surveyor: str
    mode: Mode
    why: ParkingReason
    started_at: datetime
    duration_seconds: float | None
    parked_at: datetime


@dataclass(frozen=True)
class ParkedDetail:
    """One parked interview with its answers, and why it cannot be accepted, if so."""

    summary: ParkedSummary
    language: str
    instrument: Instrument
    parts: tuple[AnsweredSection, ...]
    objection: Message | None


def count_parked(work: Work) -> int:
    """Return how many parked interviews wait for a decision in the principal's area."""
    work.require(Action.REVIEW)
    query = (
        select(func.count())
        .select_from(_PARKED)
        .where(_PARKED.c.decision.is_(None), area_filter(work.principal, _PARKED.c.city_code))
    )
    return int(work.session.connection().execute(query).scalar_one())


def find_oldest_parked_at(work: Work) -> datetime | None:
    """Return since when a parked interview of the principal's area waits; None if none does."""
    work.require(Action.REVIEW)
    query = select(func.min(_PARKED.c.parked_at)).where(
        _PARKED.c.decision.is_(None), area_filter(work.principal, _PARKED.c.city_code)
    )
    oldest: datetime | None = work.session.connection().execute(query).scalar_one()
    return oldest


def list_parked(work: Work) -> list[ParkedSummary]:
    """Return the parked interviews of the principal's area, those that wait longest first."""
    work.require(Action.REVIEW)
    query = (
        _select_waiting(work.principal)
        .order_by(_PARKED.c.parked_at, _PARKED.c.id)
        .limit(MAX_LISTED)
    )
    return [_build_summary(row) for row in work.session.connection().execute(query)]


def get_parked_detail(work: Work, *, parked_id: UUID) -> ParkedDetail:
    """Return a parked interview's answers. Raises `ParkedNotFoundError`, also outside the area."""
    work.require(Action.REVIEW)
    row = _find_waiting(work, parked_id)
    instrument = load_instrument(session=work.session, instrument_id=row.instrument_id)
    objection = None
    try:
        _check_acceptable(work.session, row)
    except ParkedNotAcceptableError as error:
        objection = error.message
    return ParkedDetail(
        summary=_build_summary(row),
        language=row.language,
        instrument=instrument,
        parts=build_answered_sections(
            instrument, row, row.answers, today=china_date(row.started_at)
        ),
        objection=objection,
    )


def accept_parked(work: Work, *, parked_id: UUID, note: str) -> SubmissionReceipt:
    """Store a parked interview as if it came in now; it goes through review like any other.

    Raises:
        ParkedNotAcceptableError: The wave is computed, its questionnaire is another one, or the
            link has brought in an interview meanwhile.
    """
    work.require(Action.REVIEW)
    words = _require_note(note)
    row = _find_waiting(work, parked_id, lock=True)
    _require_untouched(work.session, row)
    instrument, checked = _check_acceptable(work.session, row)
    try:
        receipt = store_validated(
            work,
            ValidSubmission(
                _rebuild_submission(row, instrument),
                build_from(CollectionContext, row, instrument_id=row.asked_instrument_id),
                instrument,
                checked,
                row.started_at,
                work.now,
            ),
        )
    except InvalidAnswersError as error:
        raise ParkedNotAcceptableError(
            msg("The interview ended early for a full quota that is not full, so it is incomplete.")
        ) from error
    if receipt is None:
        raise ParkedNotAcceptableError(
            msg("An interview of this link came in meanwhile. A link is good for one.")
        )
    work.session.connection().execute(
        update(_RESPONSES)
        .where(_RESPONSES.c.id == receipt.response_id)
        .values(withdrawal_sha256=row.withdrawal_sha256)
    )
    erase_parked(
        work.session,
        parked_id,
        ParkingDecision.ACCEPTED,
        decided_at=work.now,
        decided_by=actor_id(work.principal),
        response_id=receipt.response_id,
    )
    work.record(
        AuditEvent.PARKED_ACCEPTED,
        parked_id,
        {"response": str(receipt.response_id), "status": receipt.status, "reason": words},
    )
    return receipt


def discard_parked(work: Work, *, parked_id: UUID, note: str) -> None:
    """Erase a parked interview for good; that there was one stays in the audit trail."""
    work.require(Action.REVIEW)
    words = _require_note(note)
    _find_waiting(work, parked_id, lock=True)
    erase_parked(
        work.session,
        parked_id,
        ParkingDecision.DISCARDED,
        decided_at=work.now,
        decided_by=actor_id(work.principal),
    )
    work.record(AuditEvent.PARKED_DISCARDED, parked_id, {"reason": words})


def _require_note(note: str) -> str:
    words = clean_note(note)[:MAX_NOTE]
    if not words:
        raise RefusedError("note_missing", msg("Please write the reason down."))
    return words


def _select_waiting(principal: Principal) -> Select[Any]:
    return (
        select(
            _PARKED,
            *_WAVES.c["title_zh", "title_en", "is_demo", "unit"],
            _WAVES.c.state.label("wave_state"),
            asked_instrument().label("asked_instrument_id"),
            _POINTS.c.name.label("point_name"),
            _ACCOUNTS.c.name.label("surveyor"),
        )
        .select_from(
            _PARKED.join(_WAVES, _WAVES.c.id == _PARKED.c.wave_id)
            .outerjoin(_POINTS, _POINTS.c.id == _PARKED.c.point_id)
            .outerjoin(OVERLAPS, AT_OVERLAP)
            .outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _PARKED.c.surveyor_id)
        )
        .where(_PARKED.c.decision.is_(None), area_filter(principal, _PARKED.c.city_code))
    )


def _find_waiting(work: Work, parked_id: UUID, *, lock: bool = False) -> AnyRow:
    if lock:
        # The wave first: it is not frozen for good while one of its interviews is decided on.
        wave = select(_PARKED.c.wave_id).where(_PARKED.c.id == parked_id).scalar_subquery()
        work.session.connection().execute(
            select(_WAVES.c.id).where(_WAVES.c.id == wave).with_for_update()
        )
        work.session.connection().execute(
            select(_PARKED.c.id).where(_PARKED.c.id == parked_id).with_for_update()
        )
    query = _select_waiting(work.principal).where(_PARKED.c.id == parked_id)
    row = work.session.connection().execute(query).one_or_none()
    if row is None:
        raise ParkedNotFoundError
    return row


def _require_untouched(session: Session, row: AnyRow) -> None:
    """Raise `ParkedNotAcceptableError` unless the answers match their hash in the audit trail."""
    query = select(_AUDIT.c.detail).where(
        _AUDIT.c.subject_id == str(row.id), _AUDIT.c.action == AuditEvent.PARKED_KEPT
    )
    detail = session.connection().execute(query).scalar_one_or_none()
    if detail is None or detail.get(HASH) != answers_sha256(row.answers):
        raise ParkedNotAcceptableError(
            msg("These answers are not those that came in. Please tell the administrator.")
        )


def _check_acceptable(session: Session, row: AnyRow) -> tuple[Instrument, Validation]:
    """Return the wave's questionnaire and validated answers; raise if these cannot be accepted."""
    if row.wave_state not in _OPEN_STATES:
        raise ParkedNotAcceptableError(
            msg("The figures of this wave are computed; nothing can be added to it.")
        )
    instrument = load_instrument(session=session, instrument_id=row.asked_instrument_id)
    submission = _rebuild_submission(row, instrument)
    try:
        return instrument, check_answers(submission, instrument, row.started_at)
    except InvalidAnswersError as error:
        raise ParkedNotAcceptableError(
            msg("These answers do not fit the questionnaire that the wave asks now.")
        ) from error


def _rebuild_submission(row: AnyRow, instrument: Instrument) -> Submission:
    """Return a parked interview in the form in which a browser would send it."""
    lasted = row.duration_seconds
    return Submission(
        client_uuid=row.client_uuid,
        point_id=row.point_id,
        instrument_sha256=instrument.sha256,
        language=row.language,
        started_at=row.started_at,
        finished_at=None if lasted is None else row.started_at + timedelta(seconds=lasted),
        answers=row.answers,
        timings=row.timings,
        stopped="quota_full" if row.stopped else None,
    )


def _build_summary(row: AnyRow) -> ParkedSummary:
    return build_from(
        ParkedSummary,
        row,
        wave_title=labels_of(row, "title"),
        point_name=row.point_name or "",
        surveyor=row.surveyor or "",
    )
