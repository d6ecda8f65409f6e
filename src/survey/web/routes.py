"""Routes of everything that is served beside Streamlit."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from survey.settings import Settings
from survey.web import (
    api,
    assets,
    deliveries_api,
    downloads,
    health,
    invitation_page,
    notice_pages,
    photo_endpoint,
    release_check,
    results_api,
    withdraw,
)
from survey.web.auth import demo
from survey.web.auth.account import AccountEndpoints
from survey.web.auth.login import LoginEndpoints
from survey.web.auth.pages import AuthContext
from survey.web.auth.steps import SignInStepEndpoints
from survey.web.error_handlers import build_error_handlers
from survey.web.http import RateLimit
from survey.web.request_keys import RequestKeys
from survey.web.request_middleware import NulByteMiddleware
from survey.web.write_queue import WriteQueue

_STREAMLIT_MEDIA = "/media/"
"""Streamlit serves files there to everyone who knows the address, also after signing out. It is
routed here, where nothing is served: every file is fetched from `downloads`."""
_PREFIXES = ("/q/", "/api/", "/form/", "/assets/", "/auth/", downloads.PREFIX, _STREAMLIT_MEDIA)
_PATHS = frozenset({"/health", "/ready", withdraw.WITHDRAW_PATH, *release_check.PATHS})
_BLOCKED_PATHS = frozenset({"/_stcore/metrics", "/media"})
"""Streamlit shows figures about the process there to everyone; nothing is served here."""


def is_own_path(path: str) -> bool:
    """Return whether this application answers for a path, though perhaps with 404."""
    return path.startswith(_PREFIXES) or path in _PATHS | _BLOCKED_PATHS


def build_app(settings: Settings) -> Starlette:
    """Return the application beside Streamlit."""
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
        *results_api.routes(settings, keys),
        *deliveries_api.routes(settings, keys),
        *withdraw.routes(settings, write_queue),
        *release_check.routes(settings, limit),
        *assets.routes(),
        *demo.routes(settings, limit),
        *_list_account_routes(AuthContext(settings, limit)),
        *downloads.routes(settings),
        *health.routes(settings),
    ]


def _list_account_routes(context: AuthContext) -> list[BaseRoute]:
    """Return the routes of signing in with an account."""
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
