"""All routes and error handlers of the Starlette application that runs beside Streamlit."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from survey.locale import Message, msg, translator
from survey.observe.logs import current_request_id
from survey.settings import Settings
from survey.site import SITE_PATH
from survey.store.transactions import UNAVAILABLE_ERRORS, StoreUnavailableError
from survey.web import (
    api,
    assets,
    downloads,
    health,
    invitation_page,
    notice_pages,
    photo_endpoint,
    release_check,
    withdraw,
)
from survey.web.auth import login
from survey.web.auth.account import AccountEndpoints
from survey.web.auth.login import LoginEndpoints
from survey.web.auth.pages import AuthContext
from survey.web.auth.steps import SignInStepEndpoints
from survey.web.deliveries_api import DeliveriesApi
from survey.web.http import RateLimit, json_response
from survey.web.notice_pages import (
    NoticePage,
    TooManyRequestsError,
    build_too_many_response,
    negotiate_language,
    render_invitation_error,
    render_notice,
    request_id_message,
)
from survey.web.request_middleware import NulByteMiddleware
from survey.web.results_api import ResultsApi
from survey.web.results_tables import RequestKeys
from survey.web.site_endpoints import SiteEndpoints
from survey.web.write_queue import WriteQueue

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
    """Return the handlers that answer errors with a notice page, or with JSON under `/api/`."""

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

    async def too_many(request: Request, error: Exception) -> Response:
        assert isinstance(error, TooManyRequestsError)
        return build_too_many_response(request, settings, error.wait)

    async def failed(request: Request, _: Exception) -> Response:
        # `RequestMiddleware`, further out, writes the line in the log.
        return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR)

    handlers: dict[int | type[Exception], Handler] = {
        HTTPException: refused,
        Exception: failed,
        StoreUnavailableError: unavailable,
        TooManyRequestsError: too_many,
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


_STREAMLIT_MEDIA = "/media/"
"""Streamlit serves files there to everyone who knows the address, also after signing out. It is
routed here, where nothing is served: every file is fetched from `downloads`."""
_PREFIXES = (
    "/q/",
    "/api/",
    "/form/",
    "/assets/",
    "/auth/",
    SITE_PATH,
    downloads.PREFIX,
    _STREAMLIT_MEDIA,
)
_PATHS = frozenset({"/health", "/ready", withdraw.WITHDRAW_PATH, *release_check.PATHS})
_BLOCKED_PATHS = frozenset({"/_stcore/metrics", "/media"})
"""Streamlit shows figures about the process there to everyone; nothing is served here."""


def is_own_path(path: str) -> bool:
    """Return whether the Starlette application, not Streamlit, answers for a path."""
    return path.startswith(_PREFIXES) or path in _PATHS | _BLOCKED_PATHS


def build_app(settings: Settings) -> Starlette:
    """Return the Starlette application for everything that Streamlit does not serve."""
    app = Starlette(
        routes=build_routes(settings),
        middleware=[Middleware(NulByteMiddleware)],
        exception_handlers=build_error_handlers(settings),
    )
    # A redirect to the address without its last slash would contain the host the client claims.
    app.router.redirect_slashes = False
    return app


def build_routes(settings: Settings) -> list[BaseRoute]:
    """Return all routes; public pages, posts and sign-in share one rate limit per address."""
    limit = RateLimit.per_minute(settings.public_rate_per_minute)
    write_queue = WriteQueue(settings.store_url)
    key_limit = RateLimit.per_minute(settings.api_rate_per_minute)
    keys = RequestKeys(limit, key_limit, settings.trusted_proxies)
    return [
        *notice_pages.routes(settings),
        *invitation_page.routes(settings, limit, write_queue),
        *api.routes(settings, limit, write_queue),
        *photo_endpoint.routes(settings, limit),
        *ResultsApi(settings, keys).routes(),
        *DeliveriesApi(settings, keys).routes(),
        *withdraw.routes(settings, write_queue),
        *release_check.routes(settings, limit),
        *SiteEndpoints(settings, limit).routes(),
        *assets.routes(),
        *login.routes(settings, limit),
        *_list_account_routes(AuthContext(settings, limit)),
        *downloads.routes(settings),
        *health.routes(settings),
    ]


def _list_account_routes(context: AuthContext) -> list[BaseRoute]:
    """Return the routes to sign in with an account, by password, code or provider."""
    routes = [
        *LoginEndpoints(context).routes(),
        *SignInStepEndpoints(context).routes(),
        *AccountEndpoints(context).routes(),
    ]
    if context.settings.oidc_issuer:
        # Imported here, because few systems need it.
        from survey.web.auth.oidc import OidcEndpoints

        routes += OidcEndpoints(context).routes()
    return routes
