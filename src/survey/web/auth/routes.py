"""All routes of signing in with an account."""

from starlette.routing import BaseRoute

from survey.settings import Settings
from survey.web.auth.account import AccountEndpoints
from survey.web.auth.context import AuthContext
from survey.web.auth.login import LoginEndpoints
from survey.web.auth.steps import SignInStepEndpoints
from survey.web.rate_limit import RateLimit


def routes(settings: Settings, limit: RateLimit) -> list[BaseRoute]:
    door = AuthContext(settings, limit)
    return [
        *_oidc_routes(door),
        *LoginEndpoints(door).routes(),
        *SignInStepEndpoints(door).routes(),
        *AccountEndpoints(door).routes(),
    ]


def _oidc_routes(door: AuthContext) -> list[BaseRoute]:
    if not door.settings.oidc_issuer:
        return []
    # What few systems need is not loaded by the others.
    from survey.web.auth.oidc import OidcEndpoints

    return OidcEndpoints(door).routes()
