"""HTML document of Streamlit's pages: the reader's language, and the script of its texts."""

import re
from functools import lru_cache
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from streamlit import file_util

from survey.kit.viewer import LANGUAGE
from survey.locale import LANGUAGES, translator
from survey.web.assets import CachedBody, asset_url, cached_response
from survey.web.streamlit_texts import HTML_LANGUAGES

_MEDIA_TYPE = "text/html; charset=utf-8"
_OPENING, _TITLE, _FIRST_SCRIPT = '<html lang="en">', "<title>Streamlit</title>", "<script>"
_WITHOUT_SCRIPTS = re.compile(r"<noscript>.*?</noscript>", re.DOTALL)
_HEADERS = {"Cache-Control": "no-cache"}


class DocumentChangedError(Exception):
    """Streamlit's document lacks what is replaced in it: another version was installed."""


def serve_document(request: Request, default_language: str) -> Response:
    """Return the document of a page in the language of its address."""
    asked = request.query_params.get(LANGUAGE)
    language = asked if asked in LANGUAGES else default_language
    return cached_response(request, build_document(language), headers=_HEADERS)


@lru_cache(maxsize=len(LANGUAGES))
def build_document(language: str) -> CachedBody:
    """Return Streamlit's own document with our language, title and script."""
    t = translator(language)
    html = (Path(file_util.get_static_dir()) / "index.html").read_text(encoding="utf-8")
    notice = t("This page needs JavaScript. Please switch it on in your browser and reload.")
    html, notices = _WITHOUT_SCRIPTS.subn(
        lambda _: f"<noscript><p>{escape(notice)}</p></noscript>", html
    )
    if notices != 1:
        raise DocumentChangedError("<noscript>")
    script = f'<script src="{asset_url("streamlit.js")}"></script>'
    html = _replace_first(html, _OPENING, f'<html lang="{HTML_LANGUAGES[language]}">')
    title = escape(t("Hundred Cities Survey"))
    html = _replace_first(html, _TITLE, f"<title>{title}</title>")
    html = _replace_first(html, _FIRST_SCRIPT, f"{script}\n    {_FIRST_SCRIPT}")
    return CachedBody(html.encode(), _MEDIA_TYPE)


def _replace_first(html: str, part: str, replacement: str) -> str:
    if part not in html:
        raise DocumentChangedError(part)
    return html.replace(part, replacement, 1)
