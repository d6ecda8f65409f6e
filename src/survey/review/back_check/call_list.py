"""Call list of the back-checks, the outcome of each attempt, and what follows for a surveyor.

Whoever asks sees neither the answers of the interview nor a name: a checker who knows what was said
hears it again. A telephone number, where one was left, is read one at a time and by supervisors
only (`survey.review.back_check.phone_numbers`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, case, exists, func, select, update
from sqlmodel import Session

from survey.access.audit import actor_id
from survey.access.principal import AccessDeniedError, Principal, area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.submission import InvalidAnswersError
from survey.locale import ConflictError, Message, RefusedError, SurveyError, msg
from survey.questionnaire.validation import validate
from survey.review.back_check.comparison_items import WAS_INTERVIEWED, list_comparisons
from survey.review.review_queue import ReviewFilter
from survey.store.audit_events import AuditEvent, state_event
from survey.store.china_time import china_date
from survey.store.inserts import insert_columns
from survey.store.tables import (
    Account,
    AnyRow,
    BackCheck,
    Channel,
    ChosenBy,
    Outcome,
    Response,
    ResponseContact,
    ResponseRevision,
    SamplingPoint,
    Status,
    SurveyorNote,
    new_id,
    table_of,
)
from survey.waves.instruments import load_instrument
from survey.waves.personal_data import clean_note
from survey.waves.quotas import COUNTED_STATUSES
from survey.waves.review_reasons import MAX_NOTE, ReasonCode
from survey.waves.waves import require_answers_present

_CHECKS, _RESPONSES = table_of(BackCheck), table_of(Response)


@dataclass(frozen=True)
class WorkSelection:
    """The interviews in a wave of one surveyor, or at one sampling point, for a bulk decision."""

    wave_id: UUID
    surveyor_id: UUID | None = None
    point_id: UUID | None = None

    def void_filter(self) -> ReviewFilter:
        """Return the review filter for these interviews in any state, to void those that can be."""
        return ReviewFilter(**vars(self), status=None)

    def restore_filter(self) -> ReviewFilter:
        """Return the review filter for those interviews voided for failed back-checks."""
        return ReviewFilter(**vars(self), status=Status.VOID, reason=ReasonCode.BACK_CHECK)


def note_retraining(
    work: Work, *, wave_id: UUID, surveyor_ids: Collection[UUID], retrain_by: date, note: str
) -> int:
    """Record that surveyors are retrained by day `retrain_by`, all or none; return how many.

    Only surveyors with back-checks in the reader's area can be named.
    """
    work.require(Action.BACK_CHECK)
    wanted = sorted(set(surveyor_ids))
    if not wanted:
        raise RefusedError("retraining_impossible", msg("Please choose at least one surveyor."))
    if retrain_by < china_date(work.now):
        raise RefusedError("retraining_impossible", msg("The day of the training is over already."))
    query = (
        select(_CHECKS.c.surveyor_id)
        .where(
            _CHECKS.c.wave_id == wave_id,
            _CHECKS.c.surveyor_id.in_(wanted),
            area_filter(work.principal, _CHECKS.c.city_code),
        )
        .distinct()
    )
    if set(work.session.connection().execute(query).scalars()) != set(wanted):
        raise AccessDeniedError(msg("Not all of these surveyors work in your area."))
    words = clean_note(note)[:MAX_NOTE]
    insert_columns(
        work.session.connection(),
        SurveyorNote,
        {"id": [new_id() for _ in wanted], "account_id": wanted},
        {
            "wave_id": wave_id,
            "retrain_by": retrain_by,
            "note": words,
            "made_by": actor_id(work.principal),
            "made_at": work.now,
        },
    )
    work.record_many(
        AuditEvent.SURVEYOR_RETRAIN,
        {
            each: {
                "wave": str(wave_id),
                "by": retrain_by.isoformat(),
                "note": words,
                "together": len(wanted),
            }
            for each in wanted
        },
    )
    return len(wanted)


OUTCOME_NAMES: Mapping[Outcome, Message] = {
    Outcome.REACHED: msg("reached"),
    Outcome.NOT_REACHED: msg("not reached"),
    Outcome.REFUSED: msg("does not want to answer"),
    Outcome.NEVER_INTERVIEWED: msg("says: was never interviewed"),
}
CHANNEL_NAMES: Mapping[Channel, Message] = {
    Channel.PHONE: msg("by phone"),
    Channel.ON_SITE: msg("on site"),
}
ANSWERED = frozenset({Outcome.REACHED, Outcome.NEVER_INTERVIEWED})
"""Outcomes that say something about the interview."""
MAX_NOTE_CHARS = 500

_REVISIONS, _POINTS = table_of(ResponseRevision), table_of(SamplingPoint)
_CONTACTS = table_of(ResponseContact)
_CURRENT_NUMBER = select(_REVISIONS.c.number).where(
    _REVISIONS.c.response_id == bindparam("response"),
    _REVISIONS.c.wave_id == bindparam("wave"),
    _REVISIONS.c.is_current,
)
_UPDATE = update(_CHECKS).where(_CHECKS.c.id == bindparam("check"))
_SURVEYORS, _CHECKERS = table_of(Account), table_of(Account).alias("checker")


class BackCheckNotFoundError(SurveyError):
    """Raised when no such back-check exists in the principal's area."""

    code = "back_check_unknown"


@dataclass(frozen=True)
class CallEntry:
    """Interview on the list of back-checks by telephone, without respondent's name and answers."""

    id: UUID
    response_id: UUID
    city_code: str
    point_name: str
    surveyor: str
    surveyor_id: UUID
    interviewed_at: datetime
    chosen_by: ChosenBy
    outcome: Outcome | None
    attempts: int
    checked_at: datetime | None
    checker: str
    note: str
    version: int
    instrument_id: UUID
    has_phone: bool
    """The respondent left a telephone number."""

    @property
    def code(self) -> str:
        """Number of the interview on the respondent's receipt."""
        return receipt_code(self.response_id)


@dataclass(frozen=True)
class CallAttempt:
    """Outcome of one call, with the answers to the short questionnaire if it was asked."""

    outcome: Outcome
    channel: Channel
    answers: Mapping[str, Any]
    note: str = ""


def receipt_code(response_id: UUID) -> str:
    """Return the number on the respondent's receipt, which the contact sheet repeats."""
    return response_id.hex[-8:].upper()


def list_calls(
    work: Work, *, wave_id: UUID, city_code: str | None = None, size: int = 200
) -> list[CallEntry]:
    """Return up to `size` respondents to call who were not reached yet, those never tried first.

    Interviews that were taken out since the draw are left out, and so are the reader's own.
    """
    work.require(Action.BACK_CHECK, city_code)
    query = (
        _select_calls(work.principal)
        .where(
            _CHECKS.c.wave_id == wave_id,
            _CHECKS.c.outcome.is_(None) | (_CHECKS.c.outcome == Outcome.NOT_REACHED),
            _CHECKS.c.surveyor_id != work.principal.account_id,
            _RESPONSES.c.status.in_(COUNTED_STATUSES),
        )
        .order_by(
            case((_CHECKS.c.outcome.is_(None), 0), else_=1),
            *_CHECKS.c["attempts", "city_code"],
            _SURVEYORS.c.name,
            _POINTS.c.name,
            _CHECKS.c.id,
        )
        .limit(size)
    )
    if city_code is not None:
        query = query.where(_CHECKS.c.city_code == city_code)
    return [CallEntry(*row) for row in work.session.connection().execute(query)]


def get_call(work: Work, *, check_id: UUID) -> CallEntry:
    """Return one entry of the call list. Raises `BackCheckNotFoundError`, also outside the area."""
    work.require(Action.BACK_CHECK)
    query = _select_calls(work.principal).where(_CHECKS.c.id == check_id)
    row = work.session.connection().execute(query).one_or_none()
    if row is None:
        raise BackCheckNotFoundError(msg("This back-check does not exist."))
    return CallEntry(*row)


def record_attempt(
    work: Work, *, check_id: UUID, expected_version: int, attempt: CallAttempt
) -> Outcome:
    """Store and record the outcome of call `attempt`; raise unless at `expected_version`.

    Whoever was reached and says no to the first question was never interviewed. A slip is mended by
    entering the answers again; that somebody was spoken to cannot be undone. Raises
    `BackCheckNotFoundError`, `AccessDeniedError` (also for the surveyor who made the interview),
    `ConflictError`, `RefusedError` and `InvalidAnswersError`.
    """
    row = _lock_check(work, check_id)
    if row.lock_version != expected_version:
        raise ConflictError(
            "back_check_changed",
            msg("Somebody else entered something here in the meantime. Please look at it again."),
        )
    if row.outcome in ANSWERED and attempt.outcome not in ANSWERED:
        raise RefusedError("outcome_impossible", msg("This person has been asked already."))
    outcome, answers = _parse_attempt(work.session, row, attempt, work.now)
    changed = {
        "outcome": outcome,
        "channel": attempt.channel,
        "answers": answers,
        "note": clean_note(attempt.note)[:MAX_NOTE_CHARS],
        "attempts": row.attempts + 1,
        "checked_by": actor_id(work.principal),
        "checked_at": work.now,
        "lock_version": row.lock_version + 1,
        "revision": row.revision
        or _get_revision_number(work.session, row.wave_id, row.response_id),
    }
    work.session.connection().execute(_UPDATE, {**changed, "check": check_id})
    work.record(
        state_event(outcome),
        check_id,
        {
            "response": str(row.response_id),
            "from": row.outcome,
            "to": outcome,
            "channel": attempt.channel,
            "attempt": changed["attempts"],
            "mended": sorted(
                name
                for name in {*row.answers, *answers}
                if row.outcome in ANSWERED and row.answers.get(name) != answers.get(name)
            ),
        },
    )
    return outcome


def _lock_check(work: Work, check_id: UUID) -> AnyRow:
    work.require(Action.BACK_CHECK)
    query = select(_CHECKS).where(
        _CHECKS.c.id == check_id, area_filter(work.principal, _CHECKS.c.city_code)
    )
    row = work.session.connection().execute(query.with_for_update()).one_or_none()
    if row is None:
        raise BackCheckNotFoundError(msg("This back-check does not exist."))
    if row.surveyor_id == work.principal.account_id:
        raise AccessDeniedError(
            msg("You made this interview yourself. Somebody else has to check it.")
        )
    return row


def _parse_attempt(
    session: Session, row: AnyRow, attempt: CallAttempt, now: datetime
) -> tuple[Outcome, dict[str, Any]]:
    """Return the outcome of an attempt and the answers that are stored with it."""
    if attempt.outcome is Outcome.NEVER_INTERVIEWED:
        return attempt.outcome, {WAS_INTERVIEWED: "no"}
    if attempt.outcome is not Outcome.REACHED:
        return attempt.outcome, {}
    instrument = load_instrument(session=session, instrument_id=row.instrument_id)
    given = {WAS_INTERVIEWED: "yes", **attempt.answers}
    verdict = validate(instrument, given, today=china_date(now))
    if verdict.problems:
        raise InvalidAnswersError(verdict.problems)
    if verdict.answers.get(WAS_INTERVIEWED) == "no":
        return Outcome.NEVER_INTERVIEWED, {WAS_INTERVIEWED: "no"}
    if not any(comparison.item in verdict.answers for comparison in list_comparisons()):
        raise RefusedError("outcome_impossible", msg("Please enter at least one answer."))
    return Outcome.REACHED, dict(verdict.answers)


def _get_revision_number(session: Session, wave_id: UUID, response_id: UUID) -> int:
    """Return the revision number of an interview's current answers. Raises `RefusedError`."""
    require_answers_present(session=session, wave_id=wave_id)
    wanted = {"response": response_id, "wave": wave_id}
    number: int = session.connection().execute(_CURRENT_NUMBER, wanted).scalar_one()
    return number


def _select_calls(principal: Principal) -> Select[Any]:
    """Return a query of the fields of `CallEntry`, in their order, in the principal's area."""
    return (
        select(
            *_CHECKS.c["id", "response_id", "city_code"],
            func.coalesce(_POINTS.c.name, ""),
            _SURVEYORS.c.name,
            _CHECKS.c.surveyor_id,
            func.coalesce(
                *_RESPONSES.c["started_at", "submitted_at"], type_=_RESPONSES.c.submitted_at.type
            ),
            *_CHECKS.c["chosen_by", "outcome", "attempts", "checked_at"],
            func.coalesce(_CHECKERS.c.name, ""),
            *_CHECKS.c["note", "lock_version", "instrument_id"],
            exists().where(_CONTACTS.c.response_id == _CHECKS.c.response_id),
        )
        .select_from(
            _CHECKS.join(_RESPONSES, _RESPONSES.c.id == _CHECKS.c.response_id)
            .join(_SURVEYORS, _SURVEYORS.c.id == _CHECKS.c.surveyor_id)
            .outerjoin(_POINTS, _POINTS.c.id == _RESPONSES.c.point_id)
            .outerjoin(_CHECKERS, _CHECKERS.c.id == _CHECKS.c.checked_by)
        )
        .where(area_filter(principal, _CHECKS.c.city_code))
    )
