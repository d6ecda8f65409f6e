"""The form's script and style: plain files, joined in order, addressed by their content."""

from functools import lru_cache
from pathlib import Path

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from survey.locale import LANGUAGES
from survey.web.encoding import Body, send
from survey.web.security import PAGE_HEADERS
from survey.web.texts import form_texts

STATIC = Path(__file__).parent / "static"
FORM_PARTS = (
    "expressions", "dom", "route", "drafts", "sender", "watch", "speech", "flow", "words",
    "interview", "inputs", "questions", "screens", "keys", "drawing", "form",
)  # fmt: skip
"""In order of use: each part is one global that names only those before it when it is loaded."""

JAVASCRIPT = "text/javascript; charset=utf-8"
CSS = "text/css; charset=utf-8"


def _lean(source: str) -> str:
    """Without indentation, blank lines and comment lines; nothing within a line is touched."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


def _read(name: str) -> str:
    return _lean((STATIC / name).read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def form_script() -> str:
    """The form as one script; the bare page and the surveyor's page share it."""
    return "".join(_read(f"{part}.js") for part in FORM_PARTS)


@lru_cache(maxsize=1)
def page_script() -> Body:
    """The form of the bare page, with its start."""
    return Body((form_script() + _read("page.js")).encode(), JAVASCRIPT)


@lru_cache(maxsize=1)
def embedded_script() -> Body:
    """The form as a module for the surveyor's page, with its words in every screen language."""
    words = orjson.dumps({language: form_texts(language) for language in LANGUAGES}).decode()
    module = f"{form_script()}const SCREEN_TEXTS = {words};\n{_read('embedded.js')}"
    return Body(module.encode(), JAVASCRIPT)


@lru_cache(maxsize=1)
def form_style() -> Body:
    return Body(_read("form.css").encode(), CSS)


@lru_cache(maxsize=1)
def page_style() -> Body:
    return Body((_read("form.css") + _read("page.css")).encode(), CSS)


def component_script() -> str:
    """What Streamlit itself is given: it fetches the embedded form."""
    return (STATIC / "component.js").read_text(encoding="utf-8")


def script_url() -> str:
    return f"/assets/form.{page_script().digest}.js"


def style_url() -> str:
    return f"/assets/form.{page_style().digest}.css"


def embedded_script_url() -> str:
    return f"/assets/embedded.{embedded_script().digest}.js"


def embedded_style_url() -> str:
    return f"/assets/embedded.{form_style().digest}.css"


@lru_cache(maxsize=1)
def _by_url() -> dict[str, Body]:
    return {
        script_url(): page_script(),
        style_url(): page_style(),
        embedded_script_url(): embedded_script(),
        embedded_style_url(): form_style(),
    }


def warm_assets() -> None:
    """Join and compress everything before the first visitor."""
    for body in _by_url().values():
        _ = body.compressed


async def _asset(request: Request) -> Response:
    body = _by_url().get(request.url.path)
    if body is None:
        raise HTTPException(404)
    return send(request, body, forever=True, headers=PAGE_HEADERS)


def routes() -> list[BaseRoute]:
    return [Route("/assets/{name}", _asset, methods=["GET"])]
