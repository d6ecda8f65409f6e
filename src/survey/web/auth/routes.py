"""Routes of signing in with an account."""

from starlette.routing import BaseRoute

from survey.settings import Settings
from survey.web.auth.account import AccountEndpoints
from survey.web.auth.context import AuthContext
from survey.web.auth.login import LoginEndpoints
from survey.web.auth.steps import SignInStepEndpoints
from survey.web.limits import RateLimit


def routes(settings: Settings, limit: RateLimit) -> list[BaseRoute]:
    """Return all routes; those of OpenID Connect only where a provider is configured."""
    context = AuthContext(settings, limit)
    return [
        *_oidc_routes(context),
        *LoginEndpoints(context).routes(),
        *SignInStepEndpoints(context).routes(),
        *AccountEndpoints(context).routes(),
    ]


def _oidc_routes(context: AuthContext) -> list[BaseRoute]:
    if not context.settings.oidc_issuer:
        return []
    # Imported here, because few systems need it.
    from survey.web.auth.oidc import OidcEndpoints

    return OidcEndpoints(context).routes()
