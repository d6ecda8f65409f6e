"""ASGI application of the platform and its periodic tasks: anchors, quality, audits, retention."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import streamlit as st
from anyio import create_task_group, to_thread
from sqlmodel import Session, select
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.starlette import App

from survey.access.audit_verify import ANCHOR, Anchor, get_latest_anchor
from survey.collection.retention import clean_up_when_due
from survey.collection.retention import is_due as cleaning_is_due
from survey.figures.charts import prebuild_specs
from survey.figures.drawing import CHART_PROCESS
from survey.kit.page_access import PageAccess
from survey.locale import LANGUAGES, translator
from survey.observe.logs import event_logger
from survey.observe.metrics import AUDIT_SEQUENCE
from survey.results.whole_audits import is_audit_due
from survey.review.quality.assessment import is_assessment_due
from survey.settings import PROJECT_ROOT, Settings, current_settings
from survey.snapshots.snapshot_files import remove_old_unfinished
from survey.store.engine import read_scope
from survey.store.private_files import remove_unfinished_work
from survey.store.tables import InstrumentVersion, Wave, WaveState, now
from survey.web.assets import warm_assets
from survey.web.http import DASHBOARD_HEADERS, PAGE_HEADERS, STRICT_TRANSPORT, is_https
from survey.web.invitation_page import form_body
from survey.web.request_middleware import AddressLimitMiddleware, RequestMiddleware
from survey.web.routes import build_app, is_own_path

ANCHOR_INTERVAL_SECONDS = 600.0
"""Seconds: what is cut off the trail sooner than this cannot be noticed."""

_EVENTS = event_logger(__name__)
_LOG = logging.getLogger(__name__)


async def run_anchor_loop(settings: Settings, every: float = ANCHOR_INTERVAL_SECONDS) -> None:
    """Log number and hash of the newest audit entry, if new, every `every` seconds for ever."""
    last: Anchor | None = None
    while True:
        try:
            last = await to_thread.run_sync(log_anchor, settings, last)
        except Exception:
            # The store may be away for a moment; the next round asks again.
            _LOG.exception("the newest seal could not be written down")
        await asyncio.sleep(every)


def log_anchor(settings: Settings, last: Anchor | None) -> Anchor | None:
    """Log number and hash of the newest audit entry unless it is `last`; return both or None.

    In the log the owner of the database cannot reach them (docs/audit.md).
    """
    with read_scope(settings.store_url) as session:
        newest = get_latest_anchor(session=session)
    if newest is not None:
        AUDIT_SEQUENCE.set(newest.sequence)
        if newest != last:
            _EVENTS.info(ANCHOR, sequence=newest.sequence, hash=newest.hash)
    return newest


ASSESSMENT_INTERVAL_SECONDS = 60.0
"""Seconds between two questions whether there is something to look at."""
AUDIT_INTERVAL_SECONDS = 60.0
RETENTION_INTERVAL_SECONDS = 600.0
"""Seconds between two questions whether today's deletion has been made."""
UNFINISHED_INTERVAL_SECONDS = 3600.0
_PROGRAM = (sys.executable, "-c", "from survey.cli import main; main()")


async def run_assessment_loop(
    settings: Settings, every: float = ASSESSMENT_INTERVAL_SECONDS
) -> None:
    """Every `every` seconds, if due, start a process that checks new interviews for quality."""
    await _run_when_due(settings, every, is_assessment_due, "quality-new")


async def run_audit_loop(settings: Settings, every: float = AUDIT_INTERVAL_SECONDS) -> None:
    """Every `every` seconds, if due, start an audit of how closely hidden counts are known."""
    await _run_when_due(settings, every, is_audit_due, "disclosure", "audit-new")


async def _run_when_due(
    settings: Settings, every: float, is_due: Callable[[Session, datetime], bool], *command: str
) -> None:
    """Every `every` seconds ask `is_due` whether work is due; if so run `command` in a process."""

    def ask() -> bool:
        with read_scope(settings.store_url) as session:
            return is_due(session, now())

    while True:
        await asyncio.sleep(every)
        try:
            if await to_thread.run_sync(ask):
                await _run_command(settings, *command)
        except Exception:
            # The store may be away for a moment, and flags must never take the platform down with
            # them; the next round asks again.
            _LOG.exception("work beside the pages could not be done: %s", " ".join(command))


async def run_retention_loop(settings: Settings, every: float = RETENTION_INTERVAL_SECONDS) -> None:
    """Once a day (asked every `every` seconds) delete data kept long enough, until cancelled."""
    while True:
        await asyncio.sleep(every)
        try:
            if await to_thread.run_sync(cleaning_is_due, settings):
                await to_thread.run_sync(clean_up_when_due, settings)
        except Exception:
            _LOG.exception("what was kept long enough could not be deleted")


async def run_unfinished_loop(
    settings: Settings, every: float = UNFINISHED_INTERVAL_SECONDS
) -> None:
    """Every `every` seconds remove files left by interrupted freezes and other killed work.

    Runs until cancelled.
    """
    while True:
        await asyncio.sleep(every)
        try:
            await to_thread.run_sync(remove_old_unfinished, settings.snapshot_dir)
            await to_thread.run_sync(remove_unfinished_work, settings.data_dir)
        except Exception:
            _LOG.exception("what interrupted work kept could not be removed")


async def _run_command(settings: Settings, *command: str) -> None:
    environment = {
        **os.environ,
        "SURVEY_DATABASE_URL": settings.store_url,
        "SURVEY_DATA_DIR": str(settings.data_dir),
    }
    process = await asyncio.create_subprocess_exec(
        *_PROGRAM, *command, env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
    if code != 0:
        # What went wrong stands above, where the process wrote it.
        _LOG.error("%s ended with exit code %s", " ".join(command), code)


class SecurityHeadersMiddleware:
    """Middleware that adds security headers to responses without them."""

    def __init__(self, app: ASGIApp, trusted_proxies: int = 0) -> None:
        self.app, self.trusted_proxies = app, trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        usual = PAGE_HEADERS if is_own_path(scope["path"]) else DASHBOARD_HEADERS

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in usual.items():
                    headers.setdefault(name, value)
                if is_https(Request(scope), self.trusted_proxies):
                    headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
            await send(message)

        await self.app(scope, receive, send_safely)


def _warm_caches(settings: Settings) -> None:
    """Load assets, translations and the questionnaires of open waves before the first request."""
    warm_assets()
    for language in LANGUAGES:
        translator(language)
    with read_scope(settings.store_url) as session:
        query = (
            select(InstrumentVersion.sha256)
            .join(Wave, Wave.instrument_id == InstrumentVersion.id)  # type: ignore[arg-type]
            .where(Wave.state == WaveState.OPEN)
            .distinct()
        )
        for sha256 in session.exec(query).all():
            form_body(settings.store_url, sha256)


def _prebuild_charts() -> None:
    """Build the specifications of all charts ahead of the first page; log and ignore errors."""
    try:
        prebuild_specs()
    except Exception:
        _LOG.exception("pictures could not be laid out ahead")


def _build_lifespan(
    settings: Settings,
) -> Callable[[App], AbstractAsyncContextManager[dict[str, Any]]]:
    @asynccontextmanager
    async def warm(_: App) -> AsyncIterator[dict[str, Any]]:
        await to_thread.run_sync(_warm_caches, settings)
        with CHART_PROCESS.allowed():
            async with create_task_group() as behind:
                behind.start_soon(to_thread.run_sync, _prebuild_charts)
                behind.start_soon(run_anchor_loop, settings)
                behind.start_soon(run_unfinished_loop, settings)
                if settings.look_at_new:
                    behind.start_soon(run_assessment_loop, settings)
                    behind.start_soon(run_audit_loop, settings)
                if settings.clean_up:
                    behind.start_soon(run_retention_loop, settings)
                yield {}
                behind.cancel_scope.cancel()

    return warm


class PathDispatcher:
    """ASGI application that sends our own paths to our routes and all others to Streamlit.

    An interview at the public door then does not walk through Streamlit's sessions and gzip.
    """

    def __init__(self, own: Starlette, pages: ASGIApp) -> None:
        self.own, self.pages = own, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        mine = scope["type"] == "http" and is_own_path(scope["path"])
        await (self.own if mine else self.pages)(scope, receive, send)


def create_app(settings: Settings, script: Path = PROJECT_ROOT / "app.py") -> ASGIApp:
    """Build the platform as an ASGI application: own routes, pages of `script`, limits, headers."""
    # The discovery of `pages/` is turned off before the first visitor.
    # Until some session has run `st.navigation`, Streamlit runs `pages/x.py` itself for the address
    # `/x`, without app.py, its sign-in and its menu.
    bare_mode = logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")
    bare_mode.disabled = True
    st.navigation([st.Page(lambda: None, title="-")])
    bare_mode.disabled = False
    own = build_app(settings)
    pages = App(script, lifespan=_build_lifespan(settings))
    routed = PathDispatcher(own, PageAccess(pages, settings))
    limited = AddressLimitMiddleware(routed, settings)
    return RequestMiddleware(SecurityHeadersMiddleware(limited, settings.trusted_proxies), settings)


def __getattr__(name: str) -> ASGIApp:
    # `uvicorn survey.kit.asgi:app`: made when asked for, with the settings of that moment.
    if name == "app":
        return create_app(current_settings())
    raise AttributeError(name)
