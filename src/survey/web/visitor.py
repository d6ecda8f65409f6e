"""Who is signed in: the cookie holds an opaque secret, the store knows whose it is."""

from starlette.requests import Request

from survey.access.principal import Principal
from survey.access.sessions import COOKIE, principal_for
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now


def visitor(request: Request, settings: Settings) -> Principal | None:
    secret = request.cookies.get(COOKIE)
    if not secret:
        return None
    with read_scope(settings.store_url) as session:
        return principal_for(session=session, secret=secret, now=now())
