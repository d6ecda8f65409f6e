"""Bare HTML pages from Jinja templates, with the data of their script as inert JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from survey.locale import LANGUAGES
from survey.web.assets import CachedBody, asset_url, cached_response
from survey.web.http import PAGE_HEADERS
from survey.web.streamlit_texts import HTML_LANGUAGES

_HTML = "text/html; charset=utf-8"
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    auto_reload=False,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""Every value that a template shows is escaped; a value that is missing is an error."""
_BOOT_MARK = Markup("<boot>")
"""No value of a page can contain it, because its "<" would be escaped."""


@dataclass(frozen=True)
class HtmlPage:
    """Template of one page with its values; `title` is shown on the browser's tab."""

    template: str
    language: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    boot: Mapping[str, Any] | None = None
    """Data for the page's script, with the `kind` of page."""
    is_cached: bool = False
    """Whether many browsers get the same page but for `boot`, so that it is rendered once."""


def html_response(
    request: Request, page: HtmlPage, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the whole page, which the browser does not store."""
    headers = {**PAGE_HEADERS, "Content-Language": page.language, **(headers or {})}
    return cached_response(request, render_page(page), status=status, headers=headers)


def render_page(page: HtmlPage) -> CachedBody:
    """Return the whole page as it is sent."""
    frame = _cached_frame if page.is_cached else _render_frame
    html = frame(
        page.template,
        page.language,
        page.title,
        tuple(page.values.items()),
        _list_script_urls(page.boot),
    )
    if page.boot is not None:
        html = html.replace(_BOOT_MARK, inert_json(page.boot), 1)
    return CachedBody(html.encode(), _HTML)


def _render_frame(
    template: str,
    language: str,
    title: str,
    values: tuple[tuple[str, Any], ...],
    scripts: tuple[str, ...],
) -> str:
    """Render the page with a mark in the place of the data for its scripts."""
    return _TEMPLATES.get_template(f"{template}.html").render(
        values,
        html_language=HTML_LANGUAGES.get(language, language),
        tab_title=title,
        style=asset_url("form.css"),
        boot=_BOOT_MARK,
        scripts=scripts,
    )


_cached_frame = lru_cache(maxsize=64)(_render_frame)


def inert_json(data: Mapping[str, Any]) -> str:
    """Return JSON for a script element, in which only "<" could end the element early."""
    return orjson.dumps(data).decode().replace("<", "\\u003c")


def _list_script_urls(boot: Mapping[str, Any] | None) -> tuple[str, ...]:
    if boot is None:
        return ()
    urls = (asset_url("form.js") if boot["kind"] == "form" else asset_url("notices.js"),)
    return (*urls, asset_url("contact.js")) if "phone" in boot.get("meta", ()) else urls


def negotiate_language(request: Request, default: str, offered: tuple[str, ...] = LANGUAGES) -> str:
    """Return the first language of the browser's list that is offered, or `default`."""
    for entry in request.headers.get("accept-language", "").split(",")[:10]:
        code = entry.partition(";")[0].strip().lower().partition("-")[0]
        for language in offered:
            if code and language.lower().partition("-")[0] == code:
                return language
    return default
