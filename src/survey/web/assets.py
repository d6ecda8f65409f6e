"""Scripts and styles of the forms: plain files, joined in order, addressed by their content.

What is sent many times is compressed once.
"""

import gzip
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType

import orjson
from rcssmin import cssmin
from rjsmin import jsmin
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.locale import LANGUAGES
from survey.web.form_texts import form_texts, paper_texts, photo_texts, preview_texts
from survey.web.http import FILE_HEADERS
from survey.web.streamlit_texts import frontend_languages

STATIC = Path(__file__).parent / "static"
CONTROL_PARTS = (
    "control_parts", "control_text", "control_date", "control_decimal", "control_integer",
    "control_rating", "control_select_one", "control_select_multiple", "inputs",
)  # fmt: skip
"""Controls of the question types, a file each, and the table of them."""

FORM_PARTS = (
    "expressions", "dom", "routing", "browser_storage", "outbox", "item_timer", "speech",
    "screen_order", "texts", "quota", "withdrawal_code", "answer_state", "interview",
    *CONTROL_PARTS, "questions", "form_chrome", "form_keyboard", "form_view", "form",
)  # fmt: skip
"""Order of use: each part is one global that names only those before it when it is loaded."""

PAPER_PARTS = (
    "expressions", "dom", "routing", "browser_storage", "outbox", "texts", "answer_state",
    *CONTROL_PARTS, "keying_codes", "paper_sheet", "grid_lines", "grid_view", "outbox_status",
    "grid_keyboard", "grid",
)  # fmt: skip
"""Typist's grid: the same questionnaire, storage and outbox under another screen."""

PHOTO_PARTS = ("photos", "control_photo")
"""Photos, for the pages of Streamlit alone: nobody who opens a link is asked for one."""

STRICT = '"use strict";'
JAVASCRIPT = "text/javascript; charset=utf-8"
CSS = "text/css; charset=utf-8"
MIN_COMPRESSED_BYTES = 400
_FOREVER = "public, max-age=31536000, immutable"
_NEVER = "no-store"


@dataclass(frozen=True)
class CachedBody:
    """Content with its media type, its compressed form and its digest."""

    content: bytes
    media_type: str

    @cached_property
    def compressed(self) -> bytes:
        """Content compressed by gzip, always to the same bytes."""
        return gzip.compress(self.content, 9, mtime=0)

    @cached_property
    def digest(self) -> str:
        """Start of the SHA-256 of the content, for its address."""
        return hashlib.sha256(self.content).hexdigest()[:16]


def cached_response(
    request: Request,
    body: CachedBody,
    *,
    status: int = 200,
    forever: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return `body` in an encoding that the browser accepts.

    Args:
        forever: Let browsers keep it for a year, else forbid to store it.
    """
    every = {"Cache-Control": _FOREVER if forever else _NEVER, "Vary": "Accept-Encoding"}
    every.update(headers or {})
    content = body.content
    if len(content) >= MIN_COMPRESSED_BYTES and "gzip" in request.headers.get(
        "accept-encoding", ""
    ):
        content = body.compressed
        every["Content-Encoding"] = "gzip"
    return Response(content, status_code=status, media_type=body.media_type, headers=every)


def read_script(part: str) -> str:
    """Return a script without comments and spaces; the bundle declares strict mode once."""
    lines = (STATIC / f"{part}.js").read_text(encoding="utf-8").splitlines()
    lean: str = jsmin("\n".join(line for line in lines if line.strip() != STRICT))
    return lean + "\n"


def _read_style(*parts: str) -> CachedBody:
    sources = ((STATIC / f"{part}.css").read_text(encoding="utf-8") for part in parts)
    return CachedBody(cssmin("\n".join(sources)).encode(), CSS)


@lru_cache(maxsize=1)
def form_script() -> str:
    """Return the form as one script, which the bare page and the surveyor's page share."""
    return "\n".join((STRICT, "".join(map(read_script, FORM_PARTS))))


@lru_cache(maxsize=1)
def page_script() -> CachedBody:
    """Return the script of the bare page with the form."""
    return CachedBody((form_script() + read_script("public_page")).encode(), JAVASCRIPT)


@lru_cache(maxsize=1)
def notice_script() -> CachedBody:
    """Return the script of the bare pages around the form, which may have to start it again."""
    return CachedBody(page_script().content + read_script("notices").encode(), JAVASCRIPT)


@lru_cache(maxsize=1)
def embedded_script() -> CachedBody:
    """Return the module of the surveyor's form, with its texts in every screen language."""
    words = orjson.dumps(
        {language: form_texts(language) | photo_texts(language) for language in LANGUAGES}
    ).decode()
    parts = form_script() + "".join(map(read_script, (*PHOTO_PARTS, "contact")))
    module = f"{parts}const SCREEN_TEXTS = {words};\n{_build_mounted_script('interview_component')}"
    return CachedBody(module.encode(), JAVASCRIPT)


@lru_cache(maxsize=1)
def preview_script() -> CachedBody:
    """Return the module of the form that is only tried out."""
    texts = {
        language: form_texts(language) | photo_texts(language) | preview_texts(language)
        for language in LANGUAGES
    }
    words = orjson.dumps(texts).decode()
    mounted = _build_mounted_script("preview_component")
    parts = form_script() + "".join(map(read_script, PHOTO_PARTS))
    return CachedBody(f"{parts}const SCREEN_TEXTS = {words};\n{mounted}".encode(), JAVASCRIPT)


@lru_cache(maxsize=1)
def contact_script() -> CachedBody:
    """Return the script that asks for a phone number; pages load it only if a key is configured."""
    return CachedBody(f"{STRICT}\n{read_script('contact')}".encode(), JAVASCRIPT)


def _build_mounted_script(name: str) -> str:
    """Return the script that mounts a form in a Streamlit page and follows later runs."""
    return read_script("streamlit_mount") + read_script(name)


@lru_cache(maxsize=1)
def paper_script() -> CachedBody:
    """Return the module of the typist's grid, with its texts in every screen language."""
    texts = {language: form_texts(language) | paper_texts(language) for language in LANGUAGES}
    words = orjson.dumps(texts).decode()
    parts = "\n".join((STRICT, "".join(map(read_script, PAPER_PARTS))))
    module = f"{parts}const SCREEN_TEXTS = {words};\n{_build_mounted_script('keying_component')}"
    return CachedBody(module.encode(), JAVASCRIPT)


@lru_cache(maxsize=1)
def streamlit_script() -> CachedBody:
    """Return the script that puts Streamlit's own texts into the reader's language."""
    words = orjson.dumps(frontend_languages()).decode()
    script = f"{STRICT}\nconst STREAMLIT_TEXTS = {words};\n{read_script('streamlit_language')}"
    return CachedBody(script.encode(), JAVASCRIPT)


@lru_cache(maxsize=1)
def form_style() -> CachedBody:
    """Return the style of the form in a Streamlit page."""
    return _read_style("form")


@lru_cache(maxsize=1)
def page_style() -> CachedBody:
    """Return the style of the bare pages."""
    return _read_style("form", "page")


@lru_cache(maxsize=1)
def paper_style() -> CachedBody:
    """Return the style of the typist's grid."""
    return _read_style("form", "paper")


def component_script() -> str:
    """Return the component script for Streamlit, which fetches the form or the grid."""
    return (STATIC / "component.js").read_text(encoding="utf-8")


_ASSETS: Mapping[str, Callable[[], CachedBody]] = MappingProxyType(
    {
        "form.js": page_script,
        "notices.js": notice_script,
        "contact.js": contact_script,
        "form.css": page_style,
        "embedded.js": embedded_script,
        "embedded.css": form_style,
        "preview.js": preview_script,
        "paper.js": paper_script,
        "paper.css": paper_style,
        "streamlit.js": streamlit_script,
    }
)
"""What builds each file that browsers fetch; `form` is for the bare pages, `embedded` for pages of
Streamlit with the form, `preview` for those that only try it, `paper` for the typist's grid and
`streamlit` for every page of Streamlit."""


def asset_url(name: str) -> str:
    """Return the address of a file such as `form.js`, which changes with its content."""
    stem, _, suffix = name.partition(".")
    return f"/assets/{stem}.{_ASSETS[name]().digest}.{suffix}"


@lru_cache(maxsize=1)
def _build_assets_by_url() -> dict[str, CachedBody]:
    return {asset_url(name): build() for name, build in _ASSETS.items()}


def warm_assets() -> None:
    """Join and compress all files before the first request."""
    for body in _build_assets_by_url().values():
        _ = body.compressed


async def _serve_asset(request: Request) -> Response:
    body = _build_assets_by_url().get(request.url.path)
    if body is None:
        raise HTTPException(404)
    return cached_response(request, body, forever=True, headers=FILE_HEADERS)


def routes() -> list[BaseRoute]:
    """Return the route of all files."""
    return [Route("/assets/{name}", _serve_asset, methods=["GET"])]
