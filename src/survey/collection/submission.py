"""Submission of a finished interview: validated again, stored completely and exactly once.

The unique constraints on `client_uuid` and `invitation_id` decide every race: of many sends only
one inserts, and all others are told what that one stored.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, select
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import Principal
from survey.access.work import Work
from survey.collection.collection_context import (
    CollectionContext,
    context_from_assignment,
    context_from_invitation,
)
from survey.collection.invitations import InvitationUsedError
from survey.collection.submission_envelope import (
    Submission,
    claim_visit,
    find_missing_photos,
    mask_remarks,
)
from survey.locale import SurveyError, msg
from survey.questionnaire.model import Instrument, PrivacyRole
from survey.questionnaire.validation import AnswerProblem, Validation, validate
from survey.store.audit_chain import HASH, PLACE, answers_sha256, place_sha256
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date, clamp_device_time
from survey.store.response_insert import insert_response
from survey.store.tables import (
    AnyRow,
    Mode,
    Response,
    ResponseRevision,
    Status,
    StudyUnit,
    new_id,
    revision_join,
    table_of,
)
from survey.waves.instruments import load_instrument
from survey.waves.quota_counts import (
    NO_QUOTAS,
    QuotaMembership,
    claim_quotas,
    find_quota_membership,
    quota_name,
)

OLDEST_START = timedelta(days=30)
"""An interview that claims to have begun earlier is taken to have begun then."""

_RESPONSES, _REVISIONS = table_of(Response), table_of(ResponseRevision)
_FIRST = (
    select(
        *_RESPONSES.c["id", "status", "dropped_answers"],
        *_RESPONSES.c["instrument_id", "started_at", "withdrawn_at"],
        _REVISIONS.c.answers,
    )
    .join(_REVISIONS, revision_join(_RESPONSES, _REVISIONS))
    .where(_RESPONSES.c.client_uuid == bindparam("client"), _REVISIONS.c.number == 1)
)
_DELETE_REVISION = delete(_REVISIONS).where(
    _REVISIONS.c.response_id == bindparam("response"), _REVISIONS.c.wave_id == bindparam("wave")
)
_DELETE_RESPONSE = delete(_RESPONSES).where(_RESPONSES.c.id == bindparam("response"))


@dataclass(frozen=True)
class SubmissionReceipt:
    """Proof that the interview is stored; a repeated send gets the same receipt."""

    response_id: UUID
    status: Status
    duplicate: bool
    dropped: int


class InvalidAnswersError(SurveyError):
    """Raised when answers break rules of the questionnaire; `problems` has them by item."""

    code = "answers_invalid"

    def __init__(self, problems: tuple[AnswerProblem, ...]) -> None:
        super().__init__(msg("Some answers need another look."))
        self.problems = problems


class InstrumentConflictError(SurveyError):
    """Raised when the interview was made with another version of the questionnaire."""

    code = "instrument_changed"


@dataclass(frozen=True)
class ValidSubmission:
    """A submission that passed every check and only has to be stored."""

    submission: Submission
    context: CollectionContext
    instrument: Instrument
    checked: Validation
    started: datetime
    now: datetime
    keyed_by: UUID | None = None
    """Whose keying of a paper questionnaire stands."""

    @property
    def author_id(self) -> UUID | None:
        """Account that keyed the answers; None for a respondent's own interview."""
        return self.keyed_by or self.context.author_id

    @property
    def today(self) -> date:
        """Day of the interview in China, by which its answers were validated."""
        return china_date(self.started)

    def status(self, membership: QuotaMembership) -> Status:
        """Return the status to store: an early ending, quota full by `membership`, or submitted."""
        if self.checked.ending is not None:
            return Status(self.checked.ending.value)
        return Status.SUBMITTED if membership.full is None else Status.QUOTA_FULL

    def record(self, status: Status) -> dict[str, Any]:
        """Return item -> answer to store; open questions are None unless a quota ended it.

        A form that claimed an early end without a full quota is not believed: then nulls stand for
        asked questions without an answer, as in any other interview.
        """
        if self.submission.stopped and status is Status.QUOTA_FULL:
            return dict(self.checked.answers)
        return self.checked.stored_answers

    @property
    def language(self) -> str:
        """Language in which the questionnaire was shown."""
        offered = {language.code for language in self.instrument.languages}
        wanted = self.submission.language
        return wanted if wanted in offered else self.instrument.default_language


def submit(
    *, session: Session, submission: Submission, principal: Principal | None, now: datetime
) -> SubmissionReceipt:
    """Validate and store one interview and return its receipt; sending it again changes nothing."""
    try:
        accepted = _accept_answers(session, submission, principal, now)
    except SurveyError:
        # A repeated send meets a used link, perhaps a closed wave: it has its receipt all the same.
        first = _find_original(session, submission.client_uuid)
        if first is None:
            raise
        return _build_duplicate_receipt(session, submission, first, now)
    receipt = _store_response(session, accepted, principal)
    if receipt is not None:
        return receipt
    first = _find_original(session, submission.client_uuid)
    if first is None:
        raise InvitationUsedError
    return _build_duplicate_receipt(session, submission, first, now)


def store_validated(work: Work, accepted: ValidSubmission) -> SubmissionReceipt | None:
    """Store an interview that was checked elsewhere: a settled sheet, an accepted late one.

    Returns:
        None if an interview with this `client_uuid` is stored already.
    """
    return _store_response(work.session, accepted, work.principal)


def _find_original(session: Session, client_uuid: UUID) -> AnyRow | None:
    return session.connection().execute(_FIRST, {"client": client_uuid}).one_or_none()


def _accept_answers(
    session: Session, submission: Submission, principal: Principal | None, now: datetime
) -> ValidSubmission:
    context = (
        context_from_invitation(session=session, token=submission.token or "", now=now)
        if (point_id := submission.point_id) is None
        else context_from_assignment(session=session, principal=principal, point_id=point_id)
    )
    instrument = load_instrument(session=session, instrument_id=context.instrument_id)
    if instrument.sha256 != submission.instrument_sha256:
        raise InstrumentConflictError(
            msg("The questionnaire has changed since this interview began. Please start again.")
        )
    started = clamp_device_time(submission.started_at, now=now, oldest=OLDEST_START)
    checked = check_answers(submission, instrument, started)
    missing = find_missing_photos(
        session=session, instrument=instrument, answers=checked.answers, context=context
    )
    if missing:
        raise InvalidAnswersError(missing)
    return ValidSubmission(submission, context, instrument, checked, started, now)


def check_answers(submission: Submission, instrument: Instrument, started: datetime) -> Validation:
    """Return the validation for the day of `started`; raise `InvalidAnswersError` for problems."""
    checked = validate(instrument, submission.answers, today=china_date(started))
    problems = _list_answer_problems(checked, submission, instrument)
    if problems:
        raise InvalidAnswersError(problems)
    return mask_remarks(instrument, checked)


def _list_answer_problems(
    checked: Validation, submission: Submission, instrument: Instrument
) -> tuple[AnswerProblem, ...]:
    """Return problems of the answers, without open questions if a full quota ended the form.

    A missing consent is a problem in any case, and an interview that ends by another exit did not
    end for a quota. Whether a quota is full is checked later.
    """
    if submission.stopped is None or checked.ending is not None:
        return checked.problems
    return tuple(
        problem
        for problem in checked.problems
        if problem.code != "required"
        or instrument.by_name[problem.item].privacy is PrivacyRole.CONSENT
    )


def _store_response(
    session: Session, accepted: ValidSubmission, principal: Principal | None
) -> SubmissionReceipt | None:
    """Store an interview, its quota counts and its visit; None if it was stored meanwhile."""
    response_id, membership = new_id(), _find_quotas(session, accepted)
    status, full = accepted.status(membership), membership.full

    def insert() -> bool:
        return insert_response(
            session.connection(),
            response=_build_response_row(
                accepted, response_id, membership, status, quota_name(full)
            ),
            revision=_build_revision_row(accepted, status),
            now=accepted.now,
        )

    if not insert():
        return None
    if accepted.context.unit is StudyUnit.VENUE:
        claim_visit(
            session=session,
            response_id=response_id,
            context=accepted.context,
            instrument=accepted.instrument,
            answers=accepted.checked.answers,
        )
    # As late as possible, because every surveyor of a city waits for the same few rows.
    if status is Status.SUBMITTED:
        full = claim_quotas(session=session, membership=membership)
    if status is Status.SUBMITTED and full is not None:
        # Others took the last places since the quotas were read. A status never moves to
        # `quota_full`, so the rows of this very transaction are written anew.
        status = Status.QUOTA_FULL
        written = {"response": response_id, "wave": accepted.context.wave_id}
        session.connection().execute(_DELETE_REVISION, written)
        session.connection().execute(_DELETE_RESPONSE, {"response": response_id})
        insert()
    dropped, answers = len(accepted.checked.off_route), accepted.record(status)
    record(
        session=session,
        actor=None if accepted.context.mode is Mode.SELF else principal,
        event=AuditEvent.RESPONSE_SUBMITTED,
        subject_id=response_id,
        now=accepted.now,
        detail={
            "mode": accepted.context.mode,
            "status": status,
            "dropped": dropped,
            HASH: answers_sha256(answers),
            PLACE: place_sha256(
                answers,
                city_code=accepted.context.city_code,
                point_id=accepted.context.point_id,
                cell_id=membership.cell_id,
            ),
            **({"full": quota_name(full)} if quota_name(full) else {}),
        },
    )
    return SubmissionReceipt(response_id, status, duplicate=False, dropped=dropped)


def _find_quotas(session: Session, accepted: ValidSubmission) -> QuotaMembership:
    if accepted.checked.ending is not None:
        return NO_QUOTAS
    membership = find_quota_membership(
        session=session,
        wave_id=accepted.context.wave_id,
        city_code=accepted.context.city_code,
        point_id=accepted.context.point_id,
        answers=accepted.checked.answers,
        today=accepted.today,
    )
    if membership.full is None and accepted.checked.problems:
        # The form ended early for a quota that is not full, or not any more: it goes on asking.
        raise InvalidAnswersError(accepted.checked.problems)
    return membership


def _build_response_row(
    accepted: ValidSubmission,
    response_id: UUID,
    membership: QuotaMembership,
    status: Status,
    reason: str,
) -> dict[str, object]:
    return {
        **accepted.context.columns,
        "id": response_id,
        "client_uuid": accepted.submission.client_uuid,
        "quota_cell_id": membership.cell_id,
        "status": status,
        "reason": reason,
        "language": accepted.language,
        "started_at": accepted.started,
        "submitted_at": accepted.now,
        "duration_seconds": accepted.submission.duration_seconds,
        "dropped_answers": len(accepted.checked.off_route),
        "lock_version": 1,
        "withdrawal_sha256": accepted.submission.withdrawal_sha256,
    }


def _build_revision_row(accepted: ValidSubmission, status: Status) -> dict[str, object]:
    return {
        "id": new_id(),
        "wave_id": accepted.context.wave_id,
        "number": 1,
        "is_current": True,
        "answers": accepted.record(status),
        "timings": accepted.submission.timings_of(accepted.checked.answers),
        "author_id": accepted.author_id,
        "reason": "",
        "created_at": accepted.now,
    }


def _build_duplicate_receipt(
    session: Session, submission: Submission, first: AnyRow, now: datetime
) -> SubmissionReceipt:
    if not _is_same_content(session, submission, first):
        record(
            session=session, actor=None, event=AuditEvent.RESPONSE_REPLAYED_WITH_OTHER_CONTENT,
            subject_id=first.id, now=now,
        )  # fmt: skip
    exits = {Status.SCREENED_OUT, Status.REFUSED, Status.QUOTA_FULL}
    return SubmissionReceipt(
        first.id,
        first.status if first.status in exits else Status.SUBMITTED,
        duplicate=True,
        dropped=first.dropped_answers,
    )


def _is_same_content(session: Session, submission: Submission, first: AnyRow) -> bool:
    if first.withdrawn_at is not None:
        # Nothing is left to compare with, and nothing of it is taken in again.
        return True
    if first.started_at is None:
        return False
    instrument = load_instrument(session=session, instrument_id=first.instrument_id)
    again = validate(instrument, submission.answers, today=china_date(first.started_at))
    again = mask_remarks(instrument, again)
    # Both are possible after an early end: the quota was full then, or the form was not believed.
    possible = [again.stored_answers, *([again.answers] if submission.stopped else [])]
    return not _list_answer_problems(again, submission, instrument) and first.answers in possible
