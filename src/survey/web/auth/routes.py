"""All routes of signing in with an account."""

from starlette.routing import BaseRoute

from survey.settings import Settings
from survey.web.auth.door import Door
from survey.web.auth.login import Login
from survey.web.auth.own import Own
from survey.web.auth.steps import Steps
from survey.web.limits import RateLimit


def routes(settings: Settings, limit: RateLimit) -> list[BaseRoute]:
    door = Door(settings, limit)
    return [*_outside(door), *Login(door).routes(), *Steps(door).routes(), *Own(door).routes()]


def _outside(door: Door) -> list[BaseRoute]:
    if not door.settings.oidc_issuer:
        return []
    # What few systems need is not loaded by the others.
    from survey.web.auth.outside import Outside

    return Outside(door).routes()
