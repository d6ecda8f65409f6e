"""Intake of finished interviews and keyed sheets, for the public endpoint and Streamlit pages."""

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
    """HTTP status and JSON body of an answer."""

    status: int
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """Label for metrics: the code of the refusal, or the state in the store."""
        if "code" in self.body:
            return str(self.body["code"])
        if self.body.get("duplicate"):
            return "duplicate"
        return str(self.body.get("status") or self.body.get("state") or "gone")


def refuse(status: int, code: str, message: str) -> ApiResult:
    """Return a refusal with a code for programs and a message for people."""
    return ApiResult(status, {"code": code, "message": message})


def store_submission(
    document: object, principal: Principal | None, settings: Settings
) -> ApiResult:
    """Store the document in a transaction of its own; refusals are in its language."""
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
    """Store the submission in the caller's transaction; the result is valid after its commit."""
    if isinstance(submission, Keying):
        if principal is None:
            raise AccessDeniedError(msg("Please sign in first."))
        return _build_sheet_result(
            submit_keying(Work(session, principal, now(), settings), submission)
        )
    return _build_receipt_result(
        submit_or_park(session=session, submission=submission, principal=principal, now=now())
    )


def parse_submission(document: object, default_language: str) -> IncomingDocument | ApiResult:
    """Return the interview or keyed sheet, or the refusal if the document is neither."""
    try:
        return _parse_document(document)
    except ValidationError as error:
        # Where and what kind, never the values: they may be somebody's answers.
        fields = [(".".join(map(str, each["loc"][:1])), each["type"]) for each in error.errors()]
        _LOG.info("malformed submission: %s", fields[:10])
        t = translator(_choose_language(document, default_language))
        return refuse(400, "malformed", t("These answers did not arrive in a readable form."))


def error_result(
    error: SurveyError, language: str, default_language: str, *, known: bool
) -> ApiResult:
    """Return the refusal for an error; `known` tells whether the sender is signed in."""
    t = translator(screen_language(language, default_language))
    if isinstance(error, InvalidAnswersError):
        return _build_problems_result(error, language, t)
    status = _STATUS.get(type(error), 409)
    if isinstance(error, AccessDeniedError) and not known:
        status = 401
    return refuse(status, error.code, t(error.message))


def _parse_document(document: object) -> IncomingDocument:
    """Return a keyed sheet if the document has the head of one, else an interview."""
    if isinstance(document, Mapping) and "sheet" in document:
        return Keying.model_validate(document)
    return Submission.model_validate(document)


def _choose_language(document: object, default: str) -> str:
    language = document.get("language") if isinstance(document, Mapping) else None
    return screen_language(language, default) if isinstance(language, str) else default


def _build_receipt_result(receipt: SubmissionReceipt | ParkingReceipt) -> ApiResult:
    if isinstance(receipt, ParkingReceipt):
        body = {
            "response_id": str(receipt.parked_id), "status": PARKED, "duplicate": receipt.duplicate,
        }  # fmt: skip
        return ApiResult(200, body)
    return ApiResult(
        200,
        {
            "response_id": str(receipt.response_id),
            "status": receipt.status.value,
            "duplicate": receipt.duplicate,
            "dropped": receipt.dropped,
        },
    )


def _build_sheet_result(receipt: KeyingReceipt) -> ApiResult:
    response = None if receipt.response_id is None else str(receipt.response_id)
    return ApiResult(
        200,
        {
            "serial": receipt.serial,
            "state": receipt.state.value,
            "response_id": response,
            "duplicate": receipt.duplicate,
        },
    )


def _build_problems_result(error: InvalidAnswersError, language: str, t: Translator) -> ApiResult:
    problems = [
        {"item": each.item, "code": each.code, "message": _format_problem(each, language, t)}
        for each in error.problems
    ]
    body = {"code": error.code, "message": t(error.message), "problems": problems}
    return ApiResult(REFUSED, body)


def _format_problem(problem: AnswerProblem, language: str, t: Translator) -> str:
    """Return the questionnaire's message in the language of the interview, else a general one."""
    message = problem.message
    if isinstance(message, Message):
        return t(message)
    return label_text(message, language, t("Please check this answer."))


WRONG_TYPE = msg("Please send JSON.")
TOO_SLOW = msg("These answers took too long to arrive. Please send them again.")
TOO_LARGE = msg("These answers are too large.")
ELSEWHERE = msg("This was sent from another site.")
TOO_MANY = msg("Too many requests. Please try again in a moment.")
