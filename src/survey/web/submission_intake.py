"""Storing of finished interviews and keyed sheets, for the public endpoint and Streamlit pages."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from survey.access.principal import AccessDeniedError, Principal
from survey.access.work import Work
from survey.collection.invitations import (
    InvitationExpiredError,
    InvitationNotFoundError,
    InvitationUsedError,
    InvitationVoidedError,
)
from survey.collection.paper.keying import Keying
from survey.collection.paper.keying_service import KeyingReceipt, SheetNotFoundError, submit_keying
from survey.collection.parking import ParkingFullError, ParkingReceipt, submit_or_park
from survey.collection.submission import (
    InstrumentConflictError,
    InvalidAnswersError,
    SubmissionReceipt,
)
from survey.collection.submission_envelope import Submission
from survey.locale import Message, SurveyError, Translator, label_text, msg, translator
from survey.questionnaire.validation import AnswerProblem
from survey.settings import Settings
from survey.store.tables import now
from survey.store.transactions import StoreUnavailableError, run_in_transaction
from survey.waves.waves import WaveNotOpenError
from survey.web.form_texts import screen_language

_LOG = logging.getLogger(__name__)

_STATUS: dict[type[SurveyError], int] = {
    InvitationNotFoundError: 404,
    InvitationUsedError: 409,
    InstrumentConflictError: 409,
    InvitationExpiredError: 410,
    InvitationVoidedError: 410,
    WaveNotOpenError: 410,
    SheetNotFoundError: 404,
    AccessDeniedError: 403,
    ParkingFullError: 429,
    StoreUnavailableError: 503,
}
REFUSED = 422
PARKED = "parked"
"""Status in the receipt of an interview that waits, uncounted, for a supervisor."""

IncomingDocument = Submission | Keying
"""Documents that a browser's outbox sends."""


@dataclass(frozen=True)
class ApiResult:
    """HTTP status and JSON body with which a submission is answered."""

    status: int
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """Label for metrics: the code of a refusal, or the state of the stored document."""
        if "code" in self.body:
            return str(self.body["code"])
        if self.body.get("duplicate"):
            return "duplicate"
        return str(self.body.get("status") or self.body.get("state") or "gone")


def build_refusal_result(status: int, code: str, message: str) -> ApiResult:
    """Return a refusal with a code for programs and a message for people."""
    return ApiResult(status, {"code": code, "message": message})


def store_submission(
    document: object, principal: Principal | None, settings: Settings
) -> ApiResult:
    """Store a submission in its own transaction; return receipt or refusal in its language."""
    submission = parse_submission(document, settings.language)
    if isinstance(submission, ApiResult):
        return submission
    try:
        return run_in_transaction(
            settings.store_url,
            lambda session: store_in_session(session, submission, principal, settings),
        )
    except SurveyError as error:
        return error_result(
            error, submission.language, settings.language, known=principal is not None
        )


def store_in_session(
    session: Session, submission: IncomingDocument, principal: Principal | None, settings: Settings
) -> ApiResult:
    """Store a submission in the caller's transaction; return the receipt, valid once committed."""
    if isinstance(submission, Keying):
        if principal is None:
            raise AccessDeniedError(msg("Please sign in first."))
        work = Work(session, principal, now(), settings)
        return _build_receipt_result(submit_keying(work, submission))
    return _build_receipt_result(
        submit_or_park(session=session, submission=submission, principal=principal, now=now())
    )


def parse_submission(document: object, default_language: str) -> IncomingDocument | ApiResult:
    """Return the document as a keyed sheet or an interview, or the refusal if it is neither."""
    is_sheet = isinstance(document, Mapping) and "sheet" in document
    try:
        return (Keying if is_sheet else Submission).model_validate(document)
    except ValidationError as error:
        # Where and what kind, never the values: they may be somebody's answers.
        fields = [(".".join(map(str, each["loc"][:1])), each["type"]) for each in error.errors()]
        _LOG.info("malformed submission: %s", fields[:10])
        named = document.get("language") if isinstance(document, Mapping) else None
        is_named = isinstance(named, str)
        language = screen_language(str(named), default_language) if is_named else default_language
        t = translator(language)
        return build_refusal_result(
            400, "malformed", t("These answers did not arrive in a readable form.")
        )


def error_result(
    error: SurveyError, language: str, default_language: str, *, known: bool
) -> ApiResult:
    """Return the refusal for an error; `known` says whether the sender is signed in."""
    t = translator(screen_language(language, default_language))
    if isinstance(error, InvalidAnswersError):
        problems = [
            {"item": each.item, "code": each.code, "message": _format_problem(each, language, t)}
            for each in error.problems
        ]
        body = {"code": error.code, "message": t(error.message), "problems": problems}
        return ApiResult(REFUSED, body)
    status = _STATUS.get(type(error), 409)
    if isinstance(error, AccessDeniedError) and not known:
        status = 401
    return build_refusal_result(status, error.code, t(error.message))


def _build_receipt_result(receipt: SubmissionReceipt | ParkingReceipt | KeyingReceipt) -> ApiResult:
    body = {
        key: value if value is None or isinstance(value, bool | int) else str(value)
        for key, value in vars(receipt).items()
    }
    if isinstance(receipt, ParkingReceipt):
        body = {"response_id": body.pop("parked_id"), "status": PARKED, **body}
    return ApiResult(200, body)


def _format_problem(problem: AnswerProblem, language: str, t: Translator) -> str:
    """Return the message on a refused answer: the questionnaire's own, else a general one."""
    message = problem.message
    if isinstance(message, Message):
        return t(message)
    return label_text(message, language, t("Please check this answer."))


WRONG_TYPE = msg("Please send JSON.")
TOO_SLOW = msg("These answers took too long to arrive. Please send them again.")
TOO_LARGE = msg("These answers are too large.")
ELSEWHERE = msg("This was sent from another site.")
TOO_MANY = msg("Too many requests. Please try again in a moment.")
