"""Pages with one notice: an error, a refusal, or that something is done."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from survey.fieldwork.invitations import (
    InvitationExpiredError,
    InvitationNotFoundError,
    InvitationUsedError,
    InvitationVoidedError,
    OpenedOnOtherDeviceError,
)
from survey.fieldwork.waves import WaveNotOpenError
from survey.locale import Message, SurveyError, msg, translator
from survey.observe.logs import current_request_id
from survey.settings import Settings
from survey.store.transactions import StoreUnavailableError
from survey.web.html import HtmlPage, html_response, negotiate_language
from survey.web.http import client_address
from survey.web.limits import RateLimit

SUBMIT_URL = "/api/responses"


@dataclass(frozen=True)
class NoticePage:
    """Title, advice and status of a notice; `mark` is the CSS class of its symbol."""

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
    """Return the page for a link that opens no form; its script sends finished interviews.

    Args:
        boot: Further data for the page's script.
    """
    notice = _NOTICES[type(error)]
    return render_notice(request, notice, error.message, default_language, **boot)


def render_offline(request: Request, default_language: str) -> Response:
    """Return the page that a device keeps for times without a network."""
    notice = NoticePage(
        200,
        msg("There is no network just now"),
        msg("This page goes on by itself as soon as there is one."),
    )
    text = msg("What you answered on this device is kept.")
    return render_notice(request, notice, text, default_language, kind="offline")


def refuse_too_many_requests(
    request: Request, limit: RateLimit, settings: Settings
) -> Response | None:
    """Count the request and return the refusal if its address sent too many, else None."""
    wait = limit.seconds_until_allowed(client_address(request, settings.trusted_proxies))
    if not wait:
        return None
    notice = NoticePage(429, msg("One moment, please"), msg("Please reload this page in a minute."))
    text = msg("There are very many visitors from your network just now.")
    response = render_notice(request, notice, text, settings.language)
    response.headers["Retry-After"] = str(int(wait) + 1)
    return response


def request_id_message(request_id: str) -> Message:
    """Return the sentence that names the request, so that an administrator finds it in the log."""
    return msg(
        "If it happens again, tell the administrator this number: {number}", number=request_id
    )


def render_notice(
    request: Request, notice: NoticePage, text: Message, default_language: str, **more: str
) -> Response:
    """Return a page with a title, `text` and advice; `more` is for its script."""
    language = negotiate_language(request, default_language)
    t = translator(language)
    title = t(notice.title)
    advice, request_id = t(notice.advice), current_request_id()
    if notice.status >= HTTPStatus.INTERNAL_SERVER_ERROR and request_id:
        advice += f" {t(request_id_message(request_id))}"
    values = {"mark": notice.mark, "title": title, "text": t(text), "advice": advice}
    boot = {
        "kind": "notice",
        "submit_url": SUBMIT_URL,
        "pending": t("Interviews on this device waiting to be sent: {count}"),
        **more,
    }
    page = HtmlPage("notice", language, title, values, boot)
    return html_response(request, page, status=notice.status)
