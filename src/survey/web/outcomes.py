"""One finished interview in, one answer out, for the public door and the surveyor's page alike."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from survey.access.principal import AccessDenied, Principal
from survey.fieldwork.invitations import (
    InvitationExpired,
    InvitationUnknown,
    InvitationUsed,
    InvitationVoided,
)
from survey.fieldwork.paper import Keying, SheetReceipt, SheetUnknown, hand_in
from survey.fieldwork.submission import (
    AnswersInvalid,
    InstrumentChanged,
    Receipt,
    Submission,
    submit,
)
from survey.fieldwork.waves import WaveNotOpen
from survey.instrument.answers import Problem
from survey.locale import Message, SurveyError, Translator, msg, translator
from survey.settings import Settings
from survey.store.repeating import write
from survey.store.tables import now
from survey.store.unavailable import StoreUnavailable
from survey.web.texts import screen_language

_LOG = logging.getLogger(__name__)

_STATUS: dict[type[SurveyError], int] = {
    InvitationUnknown: 404,
    InvitationUsed: 409,
    InstrumentChanged: 409,
    InvitationExpired: 410,
    InvitationVoided: 410,
    WaveNotOpen: 410,
    SheetUnknown: 404,
    AccessDenied: 403,
    StoreUnavailable: 503,
}
REFUSED = 422

Arrived = Submission | Keying
"""What a browser's outbox may bring."""


@dataclass(frozen=True)
class Outcome:
    """An HTTP status and the JSON that goes with it."""

    status: int
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """One of few words: why it was refused, or what became of it in the store."""
        if "code" in self.body:
            return str(self.body["code"])
        if self.body.get("duplicate"):
            return "duplicate"
        return str(self.body.get("status") or self.body.get("state") or "gone")


def refusal(status: int, code: str, message: str) -> Outcome:
    return Outcome(status, {"code": code, "message": message})


def take_in(document: object, principal: Principal | None, settings: Settings) -> Outcome:
    """Store the interview in a transaction of its own, or say in its language why not."""
    arrived = read_arrived(document, settings.language)
    if isinstance(arrived, Outcome):
        return arrived
    try:
        return write(settings.store_url, lambda session: taken_in(session, arrived, principal))
    except SurveyError as error:
        return refused(error, arrived.language, settings.language, known=principal is not None)


def taken_in(session: Session, arrived: Arrived, principal: Principal | None) -> Outcome:
    """Store it within a transaction that somebody else commits; the outcome counts after that."""
    if isinstance(arrived, Keying):
        return _sheet(hand_in(session=session, keying=arrived, principal=principal, now=now()))
    return _receipt(submit(session=session, submission=arrived, principal=principal, now=now()))


def read_arrived(document: object, default_language: str) -> Arrived | Outcome:
    """The envelope of an interview or of a keyed sheet, or the refusal when it is neither."""
    try:
        return _read(document)
    except ValidationError as error:
        # Where and what kind, never the values: they may be somebody's answers.
        places = [(".".join(map(str, each["loc"][:1])), each["type"]) for each in error.errors()]
        _LOG.info("malformed submission: %s", places[:10])
        t = translator(_language(document, default_language))
        return refusal(400, "malformed", t("These answers did not arrive in a readable form."))


def refused(error: SurveyError, language: str, default_language: str, *, known: bool) -> Outcome:
    """Why an interview was not stored; `known` says whether the sender is signed in."""
    t = translator(screen_language(language, default_language))
    if isinstance(error, AnswersInvalid):
        return _problems(error, language, t)
    status = _STATUS.get(type(error), 409)
    if isinstance(error, AccessDenied) and not known:
        status = 401
    return refusal(status, error.code, t(error.message))


def _read(document: object) -> Arrived:
    """A browser has one outbox, whatever waits in it: a sheet of paper says so by its head."""
    if isinstance(document, Mapping) and "sheet" in document:
        return Keying.model_validate(document)
    return Submission.model_validate(document)


def _language(document: object, default: str) -> str:
    language = document.get("language") if isinstance(document, Mapping) else None
    return screen_language(language, default) if isinstance(language, str) else default


def _receipt(receipt: Receipt) -> Outcome:
    return Outcome(
        200,
        {
            "response_id": str(receipt.response_id),
            "status": receipt.status.value,
            "duplicate": receipt.duplicate,
            "dropped": receipt.dropped,
        },
    )


def _sheet(receipt: SheetReceipt) -> Outcome:
    response = None if receipt.response_id is None else str(receipt.response_id)
    return Outcome(
        200,
        {
            "serial": receipt.serial,
            "state": receipt.state.value,
            "response_id": response,
            "duplicate": receipt.duplicate,
        },
    )


def _problems(error: AnswersInvalid, language: str, t: Translator) -> Outcome:
    problems = [
        {"item": each.item, "code": each.code, "message": _words(each, language, t)}
        for each in error.problems
    ]
    body = {"code": error.code, "message": t(error.message), "problems": problems}
    return Outcome(REFUSED, body)


def _words(problem: Problem, language: str, t: Translator) -> str:
    """The questionnaire's own words in the language of the interview, else ours."""
    message = problem.message
    if isinstance(message, Message):
        return t(message)
    return message.get(language) or next(iter(message.values()), t("Please check this answer."))


WRONG_TYPE = msg("Please send JSON.")
TOO_SLOW = msg("These answers took too long to arrive. Please send them again.")
TOO_LARGE = msg("These answers are too large.")
ELSEWHERE = msg("This was sent from another site.")
TOO_MANY = msg("Too many requests. Please try again in a moment.")
