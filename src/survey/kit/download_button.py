"""Download button of a page, and menu of the formats of one file.

The file is made when the button is pressed, for whoever is signed in at that moment, and waits at
an address of our own that works once (`survey.web.downloads`). Streamlit's own buttons would give
it to whoever knows the address, also after signing out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

import streamlit as st

from survey.kit import viewer
from survey.kit.feedback import show_problems
from survey.kit.page_runner import PageContext, page_fragment
from survey.store.china_time import china_date
from survey.store.tables import now
from survey.web.downloads import DOWNLOAD_STORE, Download, require_unchanged_principal

CSV = "text/csv"
PDF = "application/pdf"
PNG = "image/png"
SVG = "image/svg+xml"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ZIP = "application/zip"
_SCRIPT = Path(__file__).with_suffix(".js")


class FileSubject(Protocol):
    """What a file is about, such as a wave: the key in its name, and whether it is demo data."""

    @property
    def key(self) -> str: ...

    @property
    def is_demo(self) -> bool: ...


def name_file(page: PageContext, what: str, ending: str, subject: FileSubject | None = None) -> str:
    """Return a file name: `what`, key of the subject, day in China, and a mark on demo data.

    Args:
        subject: Wave or comparative test; None for a file of neither, which is marked wherever the
            platform is a demonstration.
    """
    is_demo = page.settings.demo if subject is None else subject.is_demo
    about = () if subject is None else (subject.key,)
    mark = (page.t("Demo data"),) if is_demo else ()
    return "-".join((what, *about, china_date(now()).isoformat(), *mark)) + f".{ending}"


@dataclass(frozen=True)
class File:
    """File behind a button; `make` builds its content when the button is pressed."""

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
    """Draw a download button; the content is built anew each time it is pressed."""
    with st.container(width="content", gap=None):
        _draw_button(page, label, file, key=key, type=type, icon=icon)


def draw_csv_button(
    page: PageContext,
    label: str,
    what: str,
    make: Callable[[], bytes],
    *,
    key: str,
    subject: FileSubject | None = None,
) -> None:
    """Draw a quiet button that downloads a table as CSV; the file's name begins with `what`."""
    file = File(name_file(page, what, "csv", subject), CSV, make)
    draw_download_button(page, label, file, key=key, type="tertiary", icon=":material/table:")


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
    """Draw the button as a fragment: a press builds the file without drawing the page again."""
    if st.button(label, key=key, type=type, icon=icon):
        _hand_over(page, file, key=key)


def draw_download_menu(
    page: PageContext, label: str, files: Mapping[str, File], *, key: str, icon: str | None = None
) -> None:
    """Draw a quiet button that opens a menu of `files` by their names on screen."""
    with st.container(width="content", gap=None):
        _draw_menu(page, label, files, key=key, icon=icon)


@page_fragment()
def _draw_menu(
    page: PageContext, label: str, files: Mapping[str, File], *, key: str, icon: str | None
) -> None:
    """Draw the menu as a fragment: a choice builds that file without drawing the page again."""
    chosen = st.menu_button(label, list(files), key=key, type="tertiary", icon=icon)
    if chosen is not None and chosen in files:
        _hand_over(page, files[chosen], key=key)


def _hand_over(page: PageContext, file: File, *, key: str) -> None:
    """Build a file and let the browser fetch it; a refusal is drawn as a notice."""
    t = page.t
    with show_problems(t, t("No file was made.")):
        with st.spinner(t("Preparing the file …")):
            address = publish_file(page, file)
        begin = st.components.v2.component("survey_download", js=_read_script())
        begin(key=f"{key}/begin", data={"address": address})


def publish_file(page: PageContext, file: File) -> str:
    """Build the file for the person signed in now and return the address to fetch it from.

    Raises:
        AccessDeniedError: That person is not the one for whom the page was drawn, perhaps hours
            ago, or has another role or area since.
    """
    secret = viewer.session_cookie()
    person = viewer.require_principal(page.settings)
    require_unchanged_principal(page.principal, person)
    if page.action is not None:
        person.require(page.action)
    download = Download(file.name, file.media_type, file.make(), person, page.action)
    return DOWNLOAD_STORE.add(secret or "", download)


@lru_cache(maxsize=1)
def _read_script() -> str:
    return _SCRIPT.read_text(encoding="utf-8")
