"""The public site and its API below `/data/`: for everybody, without account or cookie.

Only files of a folder that was built from signed archives are served, by their exact names; this
module opens no result. What may be seen is looked up in the register every few seconds.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import Lock, to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from survey.compute.worker import Worker
from survey.locale import SurveyError, msg, translator
from survey.release.reader_answers import count_reader_answer
from survey.settings import Settings
from survey.site import CHARTS, CHECKING_PAGES, SITE_PATH, TABLES, USEFUL
from survey.store.engine import read_scope
from survey.store.transactions import UNAVAILABLE_ERRORS, StoreUnavailableError, run_in_transaction
from survey.web.assets import CachedBody, cached_response
from survey.web.http import JSON, RateLimit, json_response, read_form
from survey.web.notice_pages import NoticePage, negotiate_language, render_notice, require_turn

KEPT_SECONDS = 5.0
"""How long an answer of the register counts: what is taken back is gone after so long."""
PATIENCE_SECONDS = 15.0
"""How long the first request waits for a site that is being built; later it has to come back."""
_BROWSER_SECONDS = 60
_RETRY_SECONDS = 30
_MAX_CACHED_BYTES = 2_000_000
"""Larger files are sent from the disk as they are."""
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; "
    "form-action 'self'; frame-ancestors {ancestors}"
)
_CHECKING_POLICY = "; connect-src 'self'"
"""Added on the pages that check a file: their script reads manifests and keys of this site."""
_DRAWING_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_HEADERS = {
    "Cache-Control": f"public, max-age={_BROWSER_SECONDS}",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "cross-origin",
    # Nothing here depends on who asks; no credentials are allowed with it.
    "Access-Control-Allow-Origin": "*",
}
_TEXTS = frozenset(
    {"text/html", "text/css", "text/javascript", "text/csv", "application/json", "image/svg+xml"}
)
_FURTHER_TYPES = {
    "api/v1/releases": "application/json",
    "catalog.jsonld": "application/ld+json",
    "log/checkpoint": "text/plain",
}
"""Kinds of files that their names do not tell."""
_PAGE_FILE = "index.html"
_ANSWERS = {"yes": True, "no": False}
_Find = Callable[["SiteApi"], bytes | None]

if TYPE_CHECKING:  # Building a site imports what draws reports; few processes ever do.
    from survey.site.public_site import SitePlan
    from survey.site.site_api import SiteApi

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _InstalledSite:
    """Folder that is served, the archives behind it, and the names of its files."""

    folder: Path
    archives: frozenset[str]
    api: "SiteApi"
    files: frozenset[str]

    @classmethod
    def open(cls, folder: Path, plan: "SitePlan") -> "_InstalledSite":
        from survey.site.site_api import SiteApi

        names = (path for path in folder.rglob("*") if path.is_file())
        files = frozenset(path.relative_to(folder).as_posix() for path in names)
        return cls(folder, plan.archive_names, SiteApi(folder), files)

    @property
    def tag(self) -> str:
        """Entity tag of every answer: the folder's name is a hash of all that it shows."""
        return f'"{self.folder.name}"'


@dataclass
class SiteEndpoints:
    """Endpoints of the public site, which is rebuilt when the register says that it changed."""

    settings: Settings
    limit: RateLimit
    _site: _InstalledSite | None = None
    _looked_at: float = -KEPT_SECONDS
    _looking: Lock = field(default_factory=Lock)
    _building: asyncio.Task[None] | None = None
    _build_again_at: float = 0.0

    def routes(self) -> list[BaseRoute]:
        """Return the routes below `/data/`; where the site is off every one answers 404."""
        return [
            Route(f"{SITE_PATH}api/v1/figures", self.list_figures, methods=["GET"]),
            Route(f"{SITE_PATH}api/v1/figures/{{figure}}", self.get_figure, methods=["GET"]),
            Route(f"{SITE_PATH}{USEFUL}", self.count_answer, methods=["POST"]),
            Route(f"{SITE_PATH}{{path:path}}", self.get_file, methods=["GET"]),
        ]

    async def get_file(self, request: Request) -> Response:
        """`GET /data/…`: return a page or file of the site."""
        site = await self._enter(request)
        if site is None:
            return self._build_waiting(request)
        path = request.path_params["path"]
        name = f"{path}{_PAGE_FILE}" if not path or path.endswith("/") else path
        if name not in site.files:
            if f"{path}/{_PAGE_FILE}" in site.files:
                # Relative, so that it holds no host that a client claims.
                return Response(status_code=308, headers={"Location": f"{path.split('/')[-1]}/"})
            raise HTTPException(404)
        headers = _list_headers(site, name)
        if _is_known(request, site):
            return Response(status_code=304, headers=headers)
        media_type = _FURTHER_TYPES.get(name) or guess_type(name)[0] or "application/octet-stream"
        file = site.folder / name
        if name.endswith(".gz"):
            media_type = "application/gzip"
        if media_type not in _TEXTS or file.stat().st_size > _MAX_CACHED_BYTES:
            return FileResponse(file, media_type=media_type, headers=headers)
        body = await to_thread.run_sync(_read_body, file, media_type)
        return cached_response(request, body, headers=headers)

    async def count_answer(self, request: Request) -> Response:
        """`POST /data/useful`: count that a page was useful or not, and go back to it."""
        site = await self._enter(request)
        if site is None:
            return self._build_waiting(request)
        fields = await read_form(request)
        page, answer = fields.get("page", ""), fields.get("useful", "")
        if answer not in _ANSWERS or f"{page}{_PAGE_FILE}" not in site.files:
            raise HTTPException(404)
        await to_thread.run_sync(self._count_answer, page, _ANSWERS[answer])
        return Response(status_code=303, headers={"Location": f"{SITE_PATH}{page}#thanks"})

    def _count_answer(self, page: str, is_useful: bool) -> None:
        run_in_transaction(
            self.settings.store_url,
            partial(count_reader_answer, page=page, is_useful=is_useful, moment=datetime.now(UTC)),
        )

    async def get_figure(self, request: Request) -> Response:
        """`GET /data/api/v1/figures/{figure}`: return one released figure by its id."""
        figure = request.path_params["figure"]
        return await self._answer(request, lambda api: api.find_figure(figure))

    async def list_figures(self, request: Request) -> Response:
        """`GET /data/api/v1/figures?wave=…&area=…`: return released figures of an area."""
        asked = dict(request.query_params)
        return await self._answer(request, lambda api: api.list_figures(asked))

    async def _answer(self, request: Request, find: _Find) -> Response:
        site = await self._enter(request)
        if site is None:
            return self._build_waiting(request)
        headers = _list_headers(site, "")
        if _is_known(request, site):
            return Response(status_code=304, headers=headers)
        found = await to_thread.run_sync(find, site.api)
        if found is None:
            t = translator(negotiate_language(request, self.settings.language))
            text = t("There is no such released figure.")
            answer = json_response(404, {"code": "not_found", "message": text})
            answer.headers["Access-Control-Allow-Origin"] = "*"
            return answer
        return cached_response(request, CachedBody(found, JSON), headers=headers)

    async def _enter(self, request: Request) -> _InstalledSite | None:
        """Return the site to answer from, None while it is built; 404 while the site is off."""
        if not self.settings.serves_site:
            raise HTTPException(404)
        require_turn(request, self.limit, self.settings)
        if time.monotonic() - self._looked_at < KEPT_SECONDS:
            return self._site
        async with self._looking:
            if time.monotonic() - self._looked_at >= KEPT_SECONDS:
                await self._look()
        return self._site

    async def _look(self) -> None:
        """Ask the register what the site shows, and change to it; what is gone is gone at once."""
        try:
            plan = await to_thread.run_sync(self._read_plan)
        except (StoreUnavailableError, *UNAVAILABLE_ERRORS) as error:
            _LOG.warning("the public site stays as it was: %s", type(error).__name__)
            return
        finally:
            self._looked_at = time.monotonic()
        if self._site is not None and self._site.folder.name == plan.digest:
            return
        if self._site is not None and not self._site.archives <= plan.archive_names:
            self._site = None
        if self._building is None and time.monotonic() >= self._build_again_at:
            self._building = asyncio.create_task(self._build(plan))
        if self._building is not None and self._site is None:
            await asyncio.wait({self._building}, timeout=PATIENCE_SECONDS)

    def _read_plan(self) -> "SitePlan":
        from survey.site.public_site import plan_current_site

        with read_scope(self.settings.store_url) as session:
            return plan_current_site(session, self.settings)

    async def _build(self, plan: "SitePlan") -> None:
        """Build the planned site in a process of its own unless it is there, and change to it."""
        try:
            self._site = await to_thread.run_sync(_open_site, self.settings, plan)
        except SurveyError as error:
            self._build_again_at = time.monotonic() + _RETRY_SECONDS
            _LOG.error("the public site could not be built: %s", translator("en")(error.message))
        except Exception:
            self._build_again_at = time.monotonic() + _RETRY_SECONDS
            _LOG.exception("the public site could not be built")
        finally:
            # Whatever changed meanwhile is looked for by the next request.
            self._looked_at, self._building = -KEPT_SECONDS, None

    def _build_waiting(self, request: Request) -> Response:
        text = msg("The released figures are being made ready.")
        response = render_notice(request, _WAITING, text, self.settings.language)
        response.headers["Retry-After"] = str(_RETRY_SECONDS)
        return response


_WAITING = NoticePage(503, msg("One moment, please"), msg("Please reload this page in a minute."))


def _open_site(settings: Settings, plan: "SitePlan") -> _InstalledSite:
    from survey.site.public_site import install_site

    folder = settings.site_dir / plan.digest
    if not folder.is_dir():
        with Worker() as worker:
            worker.apply(partial(install_site, settings), plan)
    return _InstalledSite.open(folder, plan)


def _is_known(request: Request, site: _InstalledSite) -> bool:
    """Return whether the client has this answer already."""
    known = request.headers.get("if-none-match", "").split(",")
    return site.tag in {each.strip().removeprefix("W/") for each in known}


def content_policy(name: str) -> str:
    """Return the content security policy of a file: only charts and tables may be framed."""
    if name.endswith(".svg"):
        return _DRAWING_POLICY
    ancestors = "*" if {CHARTS, TABLES} & set(name.split("/")) else "'none'"
    checking = _CHECKING_POLICY if name in CHECKING_PAGES else ""
    return _PAGE_POLICY.format(ancestors=ancestors) + checking


def _list_headers(site: _InstalledSite, name: str) -> Mapping[str, str]:
    return {**_HEADERS, "ETag": site.tag, "Content-Security-Policy": content_policy(name)}


@lru_cache(maxsize=200)
def _read_body(file: Path, media_type: str) -> CachedBody:
    charset = "" if media_type == "application/json" else "; charset=utf-8"
    return CachedBody(file.read_bytes(), f"{media_type}{charset}")
