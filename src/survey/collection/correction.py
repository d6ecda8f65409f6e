"""Correction of returned interviews by their surveyor."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.submission import InvalidAnswersError
from survey.collection.submission_envelope import mask_remarks
from survey.locale import RefusedError, labels_of, msg
from survey.questionnaire.model import Instrument
from survey.questionnaire.validation import Validation, validate
from survey.records import build_from
from survey.store.audit_chain import HASH, PLACE, REVISION, answers_sha256, place_sha256
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import (
    AnyRow,
    Response,
    ResponseRevision,
    SamplingPoint,
    Status,
    Wave,
    WaveState,
    new_id,
    revision_join,
    table_of,
)
from survey.waves.instruments import load_instrument
from survey.waves.lifecycle import ResponseNotFoundError, transition
from survey.waves.personal_data import clean_note
from survey.waves.quota_counts import MatchedCell, find_quota_membership, move_quota_counts
from survey.waves.review_reasons import MAX_NOTE, ReviewReason

_CORRECTING = (WaveState.OPEN, WaveState.CLOSED)
"""After collecting has ended corrections still arrive; after freezing none does."""

_RESPONSES, _REVISIONS = table_of(Response), table_of(ResponseRevision)
_POINTS, _WAVES = table_of(SamplingPoint), table_of(Wave)


@dataclass(frozen=True)
class ReturnedResponse:
    """An interview that was returned to its surveyor, with its current answers."""

    response_id: UUID
    version: int
    wave_title: Mapping[str, str]
    is_demo: bool
    point_name: str
    submitted_at: datetime
    reason: ReviewReason
    """What the reviewer asks."""
    language: str
    day: date
    """Of the interview, in China: what `today()` meant to the questionnaire."""
    instrument: Instrument
    answers: Mapping[str, Any]


def list_returned(work: Work) -> list[ReturnedResponse]:
    """Return the surveyor's own interviews that were sent back, the oldest first."""
    work.require(Action.INTERVIEW)
    query = (
        select(
            _RESPONSES,
            *_WAVES.c["title_zh", "title_en"],
            _POINTS.c.name.label("point_name"),
            _POINTS.c.code.label("point_code"),
            _REVISIONS.c.answers,
        )
        .select_from(
            _RESPONSES.join(_WAVES, _WAVES.c.id == _RESPONSES.c.wave_id)
            .join(_REVISIONS, revision_join(_RESPONSES, _REVISIONS))
            .outerjoin(_POINTS, _POINTS.c.id == _RESPONSES.c.point_id)
        )
        .where(
            _RESPONSES.c.surveyor_id == work.principal.account_id,
            _RESPONSES.c.status == Status.RETURNED,
            _REVISIONS.c.is_current,
            _WAVES.c.state.in_(_CORRECTING),
        )
        .order_by(_RESPONSES.c.submitted_at, _RESPONSES.c.id)
    )
    rows = work.session.connection().execute(query).all()
    return [
        build_from(
            ReturnedResponse,
            row,
            response_id=row.id,
            version=row.lock_version,
            wave_title=labels_of(row, "title"),
            point_name=row.point_name or "",
            reason=ReviewReason.parse(row.reason),
            day=china_date(row.started_at or row.submitted_at),
            instrument=load_instrument(session=work.session, instrument_id=row.instrument_id),
        )
        for row in rows
        if work.principal.covers_point(row.city_code, row.point_code or "")
    ]


def validate_correction(returned: ReturnedResponse, answers: Mapping[str, Any]) -> Validation:
    """Return the validation of corrected answers for the day of the interview; store nothing."""
    return validate(returned.instrument, answers, today=returned.day)


def resubmit(
    work: Work, *, response_id: UUID, answers: Mapping[str, Any], note: str, expected_version: int
) -> int:
    """Submit a returned interview again with corrected answers and return its new version.

    The answers become a new revision beside the old ones, with the timings of the first: what is
    typed later tells nothing about how long the respondent took. A corrected age or gender moves
    the interview to its quota cell.

    Raises:
        InvalidAnswersError: Names the questions to look at again.
    """
    words = clean_note(note)[:MAX_NOTE]
    if not words:
        raise RefusedError("reason_missing", msg("Please say what you checked or corrected."))
    _require_correctable(work, response_id)
    version = transition(
        work,
        response_id=response_id,
        to=Status.SUBMITTED,
        reason=words,
        expected_version=expected_version,
    )
    query = (
        select(_RESPONSES, _REVISIONS.c.answers, _REVISIONS.c.timings, _REVISIONS.c.number)
        .select_from(_RESPONSES.join(_REVISIONS, revision_join(_RESPONSES, _REVISIONS)))
        .where(_RESPONSES.c.id == response_id, _REVISIONS.c.is_current)
    )
    row = work.session.connection().execute(query).one()
    instrument = load_instrument(session=work.session, instrument_id=row.instrument_id)
    day = china_date(row.started_at or row.submitted_at)
    checked = mask_remarks(instrument, validate(instrument, answers, today=day))
    if checked.problems:
        raise InvalidAnswersError(checked.problems)
    if checked.ending is not None:
        raise RefusedError(
            "interview_ends",
            msg(
                "With these answers the interview would have ended early. Please tell your "
                "supervisor, who can take it out."
            ),
        )
    _save_correction(work, row, checked, words)
    cell_id = _move_quota_counts(work.session, row, checked.answers, day)
    work.record(
        AuditEvent.RESPONSE_CORRECTED,
        response_id,
        {
            REVISION: row.number + 1,
            HASH: answers_sha256(checked.stored_answers, row.given_weight),
            PLACE: place_sha256(
                checked.stored_answers,
                city_code=row.city_code,
                point_id=row.point_id,
                cell_id=cell_id,
            ),
        },
    )
    return version


def _require_correctable(work: Work, response_id: UUID) -> None:
    """Raise `ResponseNotFoundError` if the state of the interview's wave allows no corrections."""
    query = (
        select(_WAVES.c.state)
        .join(_RESPONSES, _RESPONSES.c.wave_id == _WAVES.c.id)
        .where(
            _RESPONSES.c.id == response_id, _RESPONSES.c.surveyor_id == work.principal.account_id
        )
    )
    state = work.session.connection().execute(query).scalar_one_or_none()
    if state is not None and state not in _CORRECTING:
        raise ResponseNotFoundError(msg("This wave takes no corrections any more."))


def _save_correction(work: Work, row: AnyRow, checked: Validation, note: str) -> None:
    connection = work.session.connection()
    connection.execute(
        update(_REVISIONS)
        .where(
            _REVISIONS.c.response_id == row.id,
            _REVISIONS.c.wave_id == row.wave_id,
            _REVISIONS.c.is_current,
        )
        .values(is_current=False)
    )
    connection.execute(
        insert(_REVISIONS),
        {
            "id": new_id(),
            "response_id": row.id,
            "wave_id": row.wave_id,
            "number": row.number + 1,
            "is_current": True,
            "answers": checked.stored_answers,
            "timings": row.timings,
            "author_id": work.principal.account_id,
            "reason": note,
            "created_at": work.now,
        },
    )
    connection.execute(
        update(_RESPONSES)
        .where(_RESPONSES.c.id == row.id)
        .values(dropped_answers=len(checked.off_route))
    )


def _move_quota_counts(
    session: Session, row: AnyRow, answers: Mapping[str, Any], day: date
) -> UUID | None:
    """Move the interview to the quotas of its corrected answers, even if they are full.

    Return its quota cell.
    """
    before, after = (
        find_quota_membership(
            session=session,
            wave_id=row.wave_id,
            city_code=row.city_code,
            point_id=row.point_id,
            answers=each,
            today=day,
        )
        for each in (row.answers, answers)
    )
    left = None if row.quota_cell_id is None else MatchedCell(row.quota_cell_id, full=False)
    move_quota_counts(session=session, before=replace(before, cell=left), after=after)
    if after.cell_id != row.quota_cell_id:
        session.connection().execute(
            update(_RESPONSES).where(_RESPONSES.c.id == row.id).values(quota_cell_id=after.cell_id)
        )
    return after.cell_id
