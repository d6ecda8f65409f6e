"""Everything that is served beside Streamlit."""

from starlette.routing import BaseRoute

from survey.settings import Settings
from survey.web import assets, health, invited, offline, paper, responses, signin
from survey.web.limits import RateLimit


def build_routes(settings: Settings) -> list[BaseRoute]:
    """The public form, its API, sign-in and health; pages and posts are counted together."""
    limit = RateLimit(settings.public_rate_per_minute)
    return [
        *assets.routes(),
        *offline.routes(settings),
        *invited.routes(settings, limit),
        *responses.routes(settings, limit),
        *paper.routes(settings),
        *signin.routes(settings, limit),
        *health.routes(settings),
    ]
