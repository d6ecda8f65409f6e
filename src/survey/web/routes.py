"""Everything that is served beside Streamlit."""

from starlette.routing import BaseRoute

from survey.settings import Settings
from survey.web import assets, health, invited, responses, signin
from survey.web.desk import Desk
from survey.web.limits import RateLimit


def build_routes(settings: Settings) -> list[BaseRoute]:
    """The public form, its API, sign-in and health; pages and posts are counted together."""
    limit = RateLimit(settings.public_rate_per_minute)
    desk = Desk(settings.store_url)
    return [
        *assets.routes(),
        *invited.routes(settings, limit, desk),
        *responses.routes(settings, limit, desk),
        *signin.routes(settings, limit),
        *health.routes(settings),
    ]
