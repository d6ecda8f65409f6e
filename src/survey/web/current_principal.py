"""Who is signed in: the cookie holds an opaque secret, the store knows whose it is."""

from starlette.requests import Request

from survey.access.principal import Principal
from survey.access.sessions import COOKIE, authenticate_session
from survey.settings import Settings
from survey.store.tables import now


def visitor(request: Request, settings: Settings) -> Principal | None:
    return authenticate_session(settings.store_url, request.cookies.get(COOKIE), now())
