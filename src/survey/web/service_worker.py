"""The service worker: keeps the form's own files on the device, so that it opens without a network.

It answers for addresses under `/q/` only, and runs over HTTPS or on this machine; elsewhere the
page works as long as it stays open.
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
    """The worker with the addresses it keeps; other files make another worker."""
    kept = orjson.dumps([OFFLINE_URL, notice_script_url(), style_url()]).decode()
    return CachedBody(
        f"{STRICT}\nconst FILES = {kept};\n{read_script('service_worker')}".encode(), JAVASCRIPT
    )


async def _worker(request: Request) -> Response:
    return cached_response(request, worker_script(), headers=PAGE_HEADERS)


def routes(settings: Settings) -> list[BaseRoute]:
    async def shell(request: Request) -> Response:
        return render_offline(request, settings.language)

    # Before `/q/{token}`, which takes whatever stands there.
    return [
        Route(WORKER_URL, _worker, methods=["GET"]),
        Route(OFFLINE_URL, shell, methods=["GET"]),
    ]
