"""Kind pages for when there is no form to show."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from survey.fieldwork.device_binding import OpenedOnOtherDeviceError
from survey.fieldwork.invitations import (
    InvitationExpiredError,
    InvitationNotFoundError,
    InvitationUsedError,
    InvitationVoidedError,
)
from survey.fieldwork.waves import WaveNotOpenError
from survey.locale import Message, SurveyError, msg, translator
from survey.observe.request_id import current_request_id
from survey.store.transactions import StoreUnavailableError
from survey.web.html import HtmlPage, html_response, negotiate_language, render_template

SUBMIT_URL = "/api/responses"


@dataclass(frozen=True)
class NoticePage:
    """One kind page: what happened, and what to do now."""

    status: int
    title: Message
    advice: Message
    mark: str = "sf-stop"


_NOTICES: dict[type[SurveyError], NoticePage] = {
    InvitationUsedError: NoticePage(
        410,
        msg("This questionnaire has been handed in"),
        msg("There is nothing more to do. You may close this page now."),
        mark="sf-done",
    ),
    InvitationExpiredError: NoticePage(
        410,
        msg("This link has expired"),
        msg("A new one takes a moment. Thank you for your patience."),
    ),
    InvitationVoidedError: NoticePage(
        410,
        msg("This code is not used any more"),
        msg("A new one takes a moment. Thank you for your patience."),
    ),
    OpenedOnOtherDeviceError: NoticePage(
        409,
        msg("This link was opened on another device"),
        msg(
            "If that was you, please go on there, in the same app. Otherwise ask the surveyor for "
            "a new code: it takes a moment."
        ),
    ),
    InvitationNotFoundError: NoticePage(
        404,
        msg("This link is not complete or not valid"),
        msg("If you copied it by hand, please check that nothing is missing."),
    ),
    WaveNotOpenError: NoticePage(
        410, msg("This survey is closed"), msg("Thank you for your interest in taking part.")
    ),
    StoreUnavailableError: NoticePage(
        503,
        msg("One moment, please"),
        msg("Please reload this page in a minute."),
    ),
}


def render_invitation_error(
    request: Request, error: SurveyError, default_language: str, **boot: str
) -> Response:
    """The page for a link that opens no form; finished interviews of this browser are sent on.

    `boot` is what the page's script is told besides.
    """
    notice = _NOTICES[type(error)]
    return render_notice(request, notice, error.message, default_language, **boot)


def render_offline(request: Request, default_language: str) -> Response:
    """What a device keeps for the time without a network; its script looks for the draft."""
    notice = NoticePage(
        200,
        msg("There is no network just now"),
        msg("This page goes on by itself as soon as there is one."),
    )
    text = msg("What you answered on this device is kept.")
    return render_notice(request, notice, text, default_language, kind="offline")


def render_too_many_requests(request: Request, wait: float, default_language: str) -> Response:
    notice = NoticePage(429, msg("One moment, please"), msg("Please reload this page in a minute."))
    text = msg("There are very many visitors from your network just now.")
    response = render_notice(request, notice, text, default_language)
    response.headers["Retry-After"] = str(int(wait) + 1)
    return response


def request_id_message(number: str) -> Message:
    """What somebody who met a failure of ours can say to whoever reads the log."""
    return msg("If it happens again, tell the administrator this number: {number}", number=number)


def render_notice(
    request: Request, notice: NoticePage, text: Message, default_language: str, **more: str
) -> Response:
    """A page of one heading, what happened, and what to do now; `more` is for its script."""
    language = negotiate_language(request, default_language)
    t = translator(language)
    title = t(notice.title)
    advice, number = t(notice.advice), current_request_id()
    if notice.status >= HTTPStatus.INTERNAL_SERVER_ERROR and number:
        advice += f" {t(request_id_message(number))}"
    body = render_template("notice", mark=notice.mark, title=title, text=t(text), advice=advice)
    boot = {
        "kind": "notice",
        "submit_url": SUBMIT_URL,
        "pending": t("Interviews on this device waiting to be sent: {count}"),
        **more,
    }
    return html_response(request, HtmlPage(language, title, body, boot), status=notice.status)
