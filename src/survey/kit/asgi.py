"""ASGI application of the platform: Streamlit's pages, public form, sign-in, health checks."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from anyio import create_task_group, to_thread
from sqlmodel import select
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.starlette import App

from survey.figures.charts import prebuild_specs
from survey.figures.drawing import CHART_PROCESS
from survey.kit.page_access import PageAccess
from survey.kit.periodic_tasks import (
    run_anchor_loop,
    run_assessment_loop,
    run_audit_loop,
    run_retention_loop,
    run_unfinished_loop,
)
from survey.locale import LANGUAGES, translator
from survey.settings import PROJECT_ROOT, Settings, current_settings
from survey.store.engine import read_scope
from survey.store.tables import InstrumentVersion, Wave, WaveState
from survey.web.assets import warm_assets
from survey.web.http import DASHBOARD_HEADERS, PAGE_HEADERS, STRICT_TRANSPORT, is_https
from survey.web.invitation_page import form_body
from survey.web.request_middleware import AddressLimitMiddleware, RequestMiddleware
from survey.web.routes import build_app, is_own_path

_LOG = logging.getLogger(__name__)


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


def _disable_page_discovery() -> None:
    """Turn off the discovery of `pages/` before the first visitor.

    Until some session has run `st.navigation`, Streamlit runs `pages/x.py` itself for the address
    `/x`, without app.py, its sign-in and its menu.
    """
    bare_mode = logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")
    bare_mode.disabled = True
    st.navigation([st.Page(lambda: None, title="-")])
    bare_mode.disabled = False


def _warm_caches(settings: Settings) -> None:
    """Load assets, translations and the open questionnaires before the first request."""
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
    """Build the chart specifications in the background; errors are logged and ignored."""
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
    """Build the whole platform as one ASGI application."""
    _disable_page_discovery()
    own = build_app(settings)
    pages = App(script, lifespan=_build_lifespan(settings))
    doors = PathDispatcher(own, PageAccess(pages, settings))
    limited = AddressLimitMiddleware(doors, settings)
    return RequestMiddleware(SecurityHeadersMiddleware(limited, settings.trusted_proxies), settings)


def __getattr__(name: str) -> ASGIApp:
    # `uvicorn survey.kit.asgi:app`: made when asked for, with the settings of that moment.
    if name == "app":
        return create_app(current_settings())
    raise AttributeError(name)
