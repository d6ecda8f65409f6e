"""The button by which a page gives a file away; nothing else does.

The file is made when the button is pressed, for whoever is signed in at that moment, and waits at
an address of our own that works once (`survey.web.downloads`). Streamlit's own buttons would give
it to whoever knows the address, also after signing out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import streamlit as st

from survey.locale import SurveyError
from survey.ui import current_principal
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext, page_fragment
from survey.web.downloads import DOWNLOAD_STORE, Download, require_unchanged_principal

CSV = "text/csv"
PDF = "application/pdf"
PNG = "image/png"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SCRIPT = Path(__file__).with_suffix(".js")


@dataclass(frozen=True)
class File:
    """What a button gives away; `make` runs when it is pressed."""

    name: str
    media_type: str
    make: Callable[[], bytes]


def draw_download_button(
    page: PageContext,
    label: str,
    file: File,
    *,
    key: str,
    type: Literal["primary", "secondary", "tertiary"] = "secondary",
    icon: str | None = None,
) -> None:
    """A button like any other; pressing it again makes the file anew."""
    with st.container(width="content", gap=None):
        _draw_button(page, label, file, key=key, type=type, icon=icon)


@page_fragment()
def _draw_button(
    page: PageContext,
    label: str,
    file: File,
    *,
    key: str,
    type: Literal["primary", "secondary", "tertiary"],
    icon: str | None,
) -> None:
    """Runs alone: the page is not drawn anew for a file."""
    t = page.t
    if not st.button(label, key=key, type=type, icon=icon):
        return
    try:
        with st.spinner(t("Preparing the file …")):
            address = publish_file(page, file)
    except SurveyError as error:
        draw_notice(t("No file was made."), t(error.message))
        return
    begin = st.components.v2.component("survey_download", js=_script())
    begin(key=f"{key}/begin", data={"address": address})


def publish_file(page: PageContext, file: File) -> str:
    """Make the file and leave it for the person who is signed in now; its address.

    The page may have been drawn hours ago: raises `AccessDeniedError` when that person has
    signed out
    since, or has another role or area.
    """
    secret, person = (
        current_principal.session_cookie(),
        current_principal.require_principal(page.settings),
    )
    require_unchanged_principal(page.principal, person)
    if page.action is not None:
        person.require(page.action)
    download = Download(file.name, file.media_type, file.make(), person, page.action)
    return DOWNLOAD_STORE.add(secret or "", download)


@lru_cache(maxsize=1)
def _script() -> str:
    return _SCRIPT.read_text(encoding="utf-8")
