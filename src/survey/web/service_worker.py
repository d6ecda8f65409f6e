"""Service worker that keeps the form's files on the device, so that it opens without a network.

It handles addresses under `/q/` only, and browsers run it over HTTPS or on this machine; elsewhere
the page works as long as it stays open.
"""

from functools import lru_cache

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.settings import Settings
from survey.web.assets import JAVASCRIPT, STRICT, notice_script_url, read_script, style_url
from survey.web.compression import CachedBody, cached_response
from survey.web.http import PAGE_HEADERS
from survey.web.notice_pages import render_offline

WORKER_URL = "/q/worker.js"
OFFLINE_URL = "/q/offline"


@lru_cache(maxsize=1)
def worker_script() -> CachedBody:
    """Return the worker with the addresses it keeps; new addresses make browsers replace it."""
    kept = orjson.dumps([OFFLINE_URL, notice_script_url(), style_url()]).decode()
    return CachedBody(
        f"{STRICT}\nconst FILES = {kept};\n{read_script('service_worker')}".encode(), JAVASCRIPT
    )


async def _worker(request: Request) -> Response:
    return cached_response(request, worker_script(), headers=PAGE_HEADERS)


def routes(settings: Settings) -> list[BaseRoute]:
    """Return the routes of the worker and of the page for times without a network."""

    async def offline_page(request: Request) -> Response:
        return render_offline(request, settings.language)

    # These come before `/q/{token}`, which matches every address of this form.
    return [
        Route(WORKER_URL, _worker, methods=["GET"]),
        Route(OFFLINE_URL, offline_page, methods=["GET"]),
    ]
