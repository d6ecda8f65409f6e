"""Public files for checking a release: the list of signing keys, and the checking script.

They come from here because a forger ships a script and keys of his own with what he forged.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

from anyio import Lock, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.release import verify
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.web.assets import CachedBody, cached_response
from survey.web.http import FILE_HEADERS, JSON, RateLimit
from survey.web.notice_pages import require_turn

PATHS = KEYS_PATH, SCRIPT_PATH = "/release-keys.json", "/verify.py"
KEPT_SECONDS = 60
"""A release that was taken back is named in the list so soon."""


@dataclass
class _ReleaseCheckEndpoints:
    """Endpoints of the list of signing keys, read once a minute at most, and of `verify.py`."""

    settings: Settings
    limit: RateLimit
    _keys: CachedBody | None = None
    _read_again_at: float = 0.0
    _reading: Lock = field(default_factory=Lock)

    async def get_keys(self, request: Request) -> Response:
        """`GET /release-keys.json`: return the published signing keys."""
        require_turn(request, self.limit, self.settings)
        async with self._reading:
            if self._keys is None or time.monotonic() >= self._read_again_at:
                self._keys = CachedBody(await to_thread.run_sync(self._read_keys), JSON)
                self._read_again_at = time.monotonic() + KEPT_SECONDS
        return _build_response(request, self._keys)

    def _read_keys(self) -> bytes:
        # Imported here, because it builds reports as well, and few ask for the list.
        from survey.release.publishing_steps import build_key_list

        with read_scope(self.settings.store_url) as session:
            return build_key_list(session, self.settings)

    async def get_script(self, request: Request) -> Response:
        """`GET /verify.py`: return the script that checks a release."""
        require_turn(request, self.limit, self.settings)
        return _build_response(request, _SCRIPT)


_SCRIPT = CachedBody(Path(verify.__file__).read_bytes(), "text/x-python; charset=utf-8")


def _build_response(request: Request, body: CachedBody) -> Response:
    name = request.url.path.removeprefix("/")
    headers = {
        **FILE_HEADERS,
        "Cache-Control": f"public, max-age={KEPT_SECONDS}",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return cached_response(request, body, headers=headers)


def routes(settings: Settings, limit: RateLimit) -> list[BaseRoute]:
    """Return the routes of the list of signing keys and of the script `verify.py`."""
    endpoints = _ReleaseCheckEndpoints(settings, limit)
    return [
        Route(KEYS_PATH, endpoints.get_keys, methods=["GET"]),
        Route(SCRIPT_PATH, endpoints.get_script, methods=["GET"]),
    ]
