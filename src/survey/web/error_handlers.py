"""Answers to requests that failed: an address that does not exist, or an error of the server.

Programs, such as the form that sends interviews, get JSON with a code; people get a page.
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from survey.locale import Message, msg, translator
from survey.observe.logs import current_request_id
from survey.settings import Settings
from survey.store.transactions import UNAVAILABLE_ERRORS, StoreUnavailableError
from survey.web.html import negotiate_language
from survey.web.http import json_response
from survey.web.notice_pages import (
    NoticePage,
    render_invitation_error,
    render_notice,
    request_id_message,
)

_LOG = logging.getLogger(__name__)
_API = "/api/"

Handler = Callable[[Request, Exception], Awaitable[Response]]

_NOT_FOUND = msg("There is nothing at this address.")
_WRONG_METHOD = msg("This address is not used in this way.")
_FAILED = msg("Something went wrong on our side. Nothing was saved; please try again soon.")

_PAGES: dict[int, tuple[str, NoticePage, Message]] = {
    403: (
        "forbidden",
        NoticePage(
            403, msg("This is not possible"), msg("Please start again from the start page.")
        ),
        msg("This did not come from a page of ours."),
    ),
    404: (
        "not_found",
        NoticePage(404, msg("This page does not exist"), msg("Please check the address.")),
        _NOT_FOUND,
    ),
    405: (
        "method_not_allowed",
        NoticePage(405, msg("This page does not exist"), msg("Please check the address.")),
        _WRONG_METHOD,
    ),
    500: (
        "server_error",
        NoticePage(500, msg("One moment, please"), msg("Please reload this page in a minute.")),
        _FAILED,
    ),
}


def build_error_handlers(settings: Settings) -> dict[int | type[Exception], Handler]:
    """Return the handlers for `Starlette(exception_handlers=...)`."""

    def answer(request: Request, status: int) -> Response:
        code, notice, text = _PAGES.get(status, _PAGES[404])
        if request.url.path.startswith(_API):
            return _build_error_response(request, settings, status, code, text)
        return render_notice(request, notice, text, settings.language)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = answer(request, error.status_code)
        for name, value in (error.headers or {}).items():
            response.headers[name] = value
        return response

    async def unavailable(request: Request, error: Exception) -> Response:
        _LOG.error("the store does not answer: %s", type(error).__name__)
        unavailable_error = StoreUnavailableError()
        if request.url.path.startswith(_API):
            code, text = unavailable_error.code, unavailable_error.message
            return _build_error_response(request, settings, 503, code, text)
        return render_invitation_error(request, unavailable_error, settings.language)

    async def failed(request: Request, _: Exception) -> Response:
        # `RequestMiddleware`, further out, writes the line in the log.
        return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR)

    handlers: dict[int | type[Exception], Handler] = {
        HTTPException: refused,
        Exception: failed,
        StoreUnavailableError: unavailable,
    }
    return {**handlers, **dict.fromkeys(UNAVAILABLE_ERRORS, unavailable)}


def _build_error_response(
    request: Request, settings: Settings, status: int, code: str, text: Message
) -> Response:
    t = translator(negotiate_language(request, settings.language))
    body = {"code": code, "message": t(text)}
    request_id = current_request_id()
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and request_id:
        message = f"{t(text)} {t(request_id_message(request_id))}"
        body |= {"message": message, "request": request_id}
    return json_response(status, body)
