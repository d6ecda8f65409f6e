"""Kind pages for when there is no form to show."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from survey.fieldwork.devices import OpenedElsewhere
from survey.fieldwork.invitations import (
    InvitationExpired,
    InvitationUnknown,
    InvitationUsed,
    InvitationVoided,
)
from survey.fieldwork.waves import WaveNotOpen
from survey.locale import Message, SurveyError, msg, translator
from survey.observe.request import current_number
from survey.store.unavailable import StoreUnavailable
from survey.web.render import Page, fragment, reader_language, respond

SUBMIT_URL = "/api/responses"


@dataclass(frozen=True)
class Notice:
    """One kind page: what happened, and what to do now."""

    status: int
    title: Message
    advice: Message
    mark: str = "sf-stop"


_NOTICES: dict[type[SurveyError], Notice] = {
    InvitationUsed: Notice(
        410,
        msg("This questionnaire has been handed in"),
        msg("There is nothing more to do. You may close this page now."),
        mark="sf-done",
    ),
    InvitationExpired: Notice(
        410,
        msg("This link has expired"),
        msg("A new one takes a moment. Thank you for your patience."),
    ),
    InvitationVoided: Notice(
        410,
        msg("This code is not used any more"),
        msg("A new one takes a moment. Thank you for your patience."),
    ),
    OpenedElsewhere: Notice(
        409,
        msg("This link was opened on another device"),
        msg(
            "If that was you, please go on there, in the same app. Otherwise ask the surveyor for "
            "a new code: it takes a moment."
        ),
    ),
    InvitationUnknown: Notice(
        404,
        msg("This link is not complete or not valid"),
        msg("If you copied it by hand, please check that nothing is missing."),
    ),
    WaveNotOpen: Notice(
        410, msg("This survey is closed"), msg("Thank you for your interest in taking part.")
    ),
    StoreUnavailable: Notice(
        503,
        msg("One moment, please"),
        msg("Please reload this page in a minute."),
    ),
}


def show_refusal(
    request: Request, error: SurveyError, default_language: str, **boot: str
) -> Response:
    """The page for a link that opens no form; finished interviews of this browser are sent on.

    `boot` is what the page's script is told besides.
    """
    notice = _NOTICES[type(error)]
    return show_notice(request, notice, error.message, default_language, **boot)


def show_offline(request: Request, default_language: str) -> Response:
    """What a device keeps for the time without a network; its script looks for the draft."""
    notice = Notice(
        200,
        msg("There is no network just now"),
        msg("This page goes on by itself as soon as there is one."),
    )
    text = msg("What you answered on this device is kept.")
    return show_notice(request, notice, text, default_language, kind="offline")


def show_busy(request: Request, wait: float, default_language: str) -> Response:
    notice = Notice(429, msg("One moment, please"), msg("Please reload this page in a minute."))
    text = msg("There are very many visitors from your network just now.")
    response = show_notice(request, notice, text, default_language)
    response.headers["Retry-After"] = str(int(wait) + 1)
    return response


def tell_number(number: str) -> Message:
    """What somebody who met a failure of ours can say to whoever reads the log."""
    return msg("If it happens again, tell the administrator this number: {number}", number=number)


def show_notice(
    request: Request, notice: Notice, text: Message, default_language: str, **more: str
) -> Response:
    """A page of one heading, what happened, and what to do now; `more` is for its script."""
    language = reader_language(request, default_language)
    t = translator(language)
    title = t(notice.title)
    advice, number = t(notice.advice), current_number()
    if notice.status >= HTTPStatus.INTERNAL_SERVER_ERROR and number:
        advice += f" {t(tell_number(number))}"
    body = fragment("notice", mark=notice.mark, title=title, text=t(text), advice=advice)
    boot = {
        "kind": "notice",
        "submit_url": SUBMIT_URL,
        "pending": t("Interviews on this device waiting to be sent: {count}"),
        **more,
    }
    return respond(request, Page(language, title, body, boot), status=notice.status)
