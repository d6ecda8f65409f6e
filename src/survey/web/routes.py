"""Everything that is served beside Streamlit."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from survey.settings import Settings
from survey.web import (
    assets,
    contact,
    downloads,
    health,
    invitation_page,
    paper_lookup,
    responses,
    service_worker,
    withdraw,
)
from survey.web.auth import demo
from survey.web.auth import routes as auth
from survey.web.error_handlers import build_error_handlers
from survey.web.limits import RateLimit
from survey.web.nul_bytes import NulByteMiddleware
from survey.web.write_queue import WriteQueue

_MEDIA = "/media/"
"""Streamlit gives files away there to whoever knows the address, also after signing out; we take it
and have nothing there: every file of ours is fetched from `downloads`."""
_PREFIXES = ("/q/", "/api/", "/form/", "/assets/", "/auth/", downloads.PREFIX, _MEDIA)
_ADDRESSES = frozenset({"/health", "/ready", withdraw.WITHDRAW_PATH})
_CLOSED = frozenset({"/_stcore/metrics", "/media"})
"""Streamlit tells figures about the process there to anybody; we take it and have nothing there."""


def is_own_path(path: str) -> bool:
    """Whether this address belongs to the public door, though nothing may be there."""
    return path.startswith(_PREFIXES) or path in _ADDRESSES | _CLOSED


def build_app(settings: Settings) -> Starlette:
    """The public door as an application of its own."""
    app = Starlette(
        routes=build_routes(settings),
        middleware=[Middleware(NulByteMiddleware)],
        exception_handlers=build_error_handlers(settings),
    )
    # A redirect to the address without its last slash would name whatever host the visitor claims.
    app.router.redirect_slashes = False
    return app


def build_routes(settings: Settings) -> list[BaseRoute]:
    """The public form, its API, sign-in and health; pages and posts are counted together."""
    limit = RateLimit.per_minute(settings.public_rate_per_minute)
    write_queue = WriteQueue(settings.store_url)
    return [
        *service_worker.routes(settings),
        *invitation_page.routes(settings, limit, write_queue),
        *responses.routes(settings, limit, write_queue),
        *contact.routes(settings, limit, write_queue),
        *withdraw.routes(settings, write_queue),
        *assets.routes(),
        *paper_lookup.routes(settings),
        *demo.routes(settings, limit),
        *auth.routes(settings, limit),
        *downloads.routes(settings),
        *health.routes(settings),
    ]
