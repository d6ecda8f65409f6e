"""Scripts and styles of the forms: joined, minified, and served at addresses with their digest.

What is sent many times is compressed once.
"""

import gzip
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path

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
    "control_rating", "control_select_one", "control_select_multiple", "control_rank", "inputs",
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
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_NEVER = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class CachedBody:
    """Body of a response with its media type; its compressed form and digest are computed once."""

    content: bytes
    media_type: str

    @cached_property
    def compressed(self) -> bytes:
        """Content compressed by gzip, without a time stamp, so that the bytes never differ."""
        return gzip.compress(self.content, 9, mtime=0)

    @cached_property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the content's SHA-256, which its address contains."""
        return hashlib.sha256(self.content).hexdigest()[:16]


def cached_response(
    request: Request,
    body: CachedBody,
    *,
    status: int = 200,
    forever: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a response with `body`, gzipped if accepted; browsers keep it a year if `forever`.

    Args:
        forever: Let browsers keep it for a year, else forbid to store it.
    """
    every = {**(FOREVER if forever else _NEVER), "Vary": "Accept-Encoding"}
    every.update(headers or {})
    content = body.content
    accepted = request.headers.get("accept-encoding", "")
    if len(content) >= MIN_COMPRESSED_BYTES and "gzip" in accepted:
        content = body.compressed
        every["Content-Encoding"] = "gzip"
    return Response(content, status_code=status, media_type=body.media_type, headers=every)


def read_script(part: str) -> str:
    """Return script `part` minified, without its line `"use strict"`, which the bundle has once."""
    lines = (STATIC / f"{part}.js").read_text(encoding="utf-8").splitlines()
    lean: str = jsmin("\n".join(line for line in lines if line.strip() != STRICT))
    return lean + "\n"


@cache
def read_style(*parts: str) -> CachedBody:
    """Return the style sheets with the given names, joined and minified."""
    sources = ((STATIC / f"{part}.css").read_text(encoding="utf-8") for part in parts)
    return CachedBody(cssmin("\n".join(sources)).encode(), CSS)


def _join_scripts(*parts: str) -> str:
    return "".join(map(read_script, parts))


@cache
def form_script() -> str:
    """Return the interview form as one script, for the public and for the surveyor's page."""
    return f"{STRICT}\n{_join_scripts(*FORM_PARTS)}"


@cache
def page_script() -> CachedBody:
    """Return the script of the public page with the form, for respondents."""
    return CachedBody((form_script() + read_script("public_page")).encode(), JAVASCRIPT)


@cache
def notice_script() -> CachedBody:
    """Return the script of public notices; it contains the form, which it may have to start."""
    return CachedBody(page_script().content + read_script("notices").encode(), JAVASCRIPT)


def _build_module(
    parts: str, component: str, *texts: Callable[[str], dict[str, str]]
) -> CachedBody:
    """Return source `parts`, all `texts`, and script `component`, which mounts the form."""
    words = {
        language: {key: text for each in texts for key, text in each(language).items()}
        for language in LANGUAGES
    }
    mounted = _join_scripts("streamlit_mount", component)
    module = f"{parts}const SCREEN_TEXTS = {orjson.dumps(words).decode()};\n{mounted}"
    return CachedBody(module.encode(), JAVASCRIPT)


@cache
def embedded_script() -> CachedBody:
    """Return the script of the interview form within the surveyor's Streamlit page."""
    parts = form_script() + _join_scripts(*PHOTO_PARTS, "contact")
    return _build_module(parts, "interview_component", form_texts, photo_texts)


@cache
def preview_script() -> CachedBody:
    """Return the script of the form for trying out a questionnaire in a Streamlit page."""
    parts = form_script() + _join_scripts(*PHOTO_PARTS)
    return _build_module(parts, "preview_component", form_texts, photo_texts, preview_texts)


@cache
def contact_script() -> CachedBody:
    """Return the script that asks for a phone number; pages load it only if a key is configured."""
    return CachedBody(f"{STRICT}\n{read_script('contact')}".encode(), JAVASCRIPT)


@cache
def paper_script() -> CachedBody:
    """Return the script of the grid in which typists key paper sheets."""
    parts = f"{STRICT}\n{_join_scripts(*PAPER_PARTS)}"
    return _build_module(parts, "keying_component", form_texts, paper_texts)


@cache
def streamlit_script() -> CachedBody:
    """Return the script that translates Streamlit's own texts in the browser."""
    words = orjson.dumps(frontend_languages()).decode()
    script = f"{STRICT}\nconst STREAMLIT_TEXTS = {words};\n{read_script('streamlit_language')}"
    return CachedBody(script.encode(), JAVASCRIPT)


def component_script() -> str:
    """Return the Streamlit component's script, which loads interview form or paper-keying grid."""
    return (STATIC / "component.js").read_text(encoding="utf-8")


_ASSETS: Mapping[str, Callable[[], CachedBody]] = {
    "form.js": page_script,
    "notices.js": notice_script,
    "contact.js": contact_script,
    "form.css": partial(read_style, "form", "page"),
    "embedded.js": embedded_script,
    "embedded.css": partial(read_style, "form"),
    "preview.js": preview_script,
    "paper.js": paper_script,
    "paper.css": partial(read_style, "form", "paper"),
    "streamlit.js": streamlit_script,
}
"""What builds each file that browsers fetch; `form` is for the bare pages, `embedded` for pages of
Streamlit with the form, `preview` for those that only try it, `paper` for the typist's grid and
`streamlit` for every page of Streamlit."""


def asset_url(name: str) -> str:
    """Return the address of a file such as `form.js`, which contains the digest of its content."""
    stem, _, suffix = name.partition(".")
    return f"/assets/{stem}.{_ASSETS[name]().digest}.{suffix}"


@cache
def _build_assets_by_url() -> dict[str, CachedBody]:
    return {asset_url(name): build() for name, build in _ASSETS.items()}


def warm_assets() -> None:
    """Build and compress all scripts and styles, so that the first request need not wait."""
    for body in _build_assets_by_url().values():
        _ = body.compressed


async def _serve_asset(request: Request) -> Response:
    body = _build_assets_by_url().get(request.url.path)
    if body is None:
        raise HTTPException(404)
    return cached_response(request, body, forever=True, headers=FILE_HEADERS)


def routes() -> list[BaseRoute]:
    """Return the one route that serves all scripts and styles."""
    return [Route("/assets/{name}", _serve_asset, methods=["GET"])]
