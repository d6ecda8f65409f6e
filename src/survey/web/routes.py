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
    invited,
    offline,
    paper,
    responses,
    signin,
    withdraw,
)
from survey.web.addresses import NulReplaced
from survey.web.auth import routes as auth
from survey.web.desk import Desk
from survey.web.faults import fault_handlers
from survey.web.limits import RateLimit

_MEDIA = "/media/"
"""Streamlit gives files away there to whoever knows the address, also after signing out; we take it
and have nothing there: every file of ours is fetched from `downloads`."""
_PREFIXES = ("/q/", "/api/", "/form/", "/assets/", "/auth/", downloads.PREFIX, _MEDIA)
_ADDRESSES = frozenset({"/health", "/ready", withdraw.PATH})
_CLOSED = frozenset({"/_stcore/metrics", "/media"})
"""Streamlit tells figures about the process there to anybody; we take it and have nothing there."""


def is_ours(path: str) -> bool:
    """Whether this address belongs to the public door, though nothing may be there."""
    return path.startswith(_PREFIXES) or path in _ADDRESSES | _CLOSED


def build_app(settings: Settings) -> Starlette:
    """The public door as an application of its own."""
    app = Starlette(
        routes=build_routes(settings),
        middleware=[Middleware(NulReplaced)],
        exception_handlers=fault_handlers(settings),
    )
    # A redirect to the address without its last slash would name whatever host the visitor claims.
    app.router.redirect_slashes = False
    return app


def build_routes(settings: Settings) -> list[BaseRoute]:
    """The public form, its API, sign-in and health; pages and posts are counted together."""
    limit = RateLimit(settings.public_rate_per_minute)
    desk = Desk(settings.store_url)
    return [
        *offline.routes(settings),
        *invited.routes(settings, limit, desk),
        *responses.routes(settings, limit, desk),
        *contact.routes(settings, limit, desk),
        *withdraw.routes(settings, desk),
        *assets.routes(),
        *paper.routes(settings),
        *signin.routes(settings, limit),
        *auth.routes(settings, limit),
        *downloads.routes(settings),
        *health.routes(settings),
    ]
