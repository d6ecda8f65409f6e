"""A list that the planner fills in and uploads: its template, the file, what is wrong with it."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import streamlit as st
from sqlmodel import Session

from survey.sample.workbook_io import CellError, WorkbookSheet, write_workbook
from survey.store.engine import read_scope
from survey.ui.download_button import XLSX, File, draw_download_button
from survey.ui.page_runner import PageContext
from survey.ui.plan.outcome import show_errors, show_problems


class UploadedList(Protocol):
    """What a file holds, checked row by row."""

    @property
    def errors(self) -> tuple[CellError, ...]: ...


_L = TypeVar("_L", bound=UploadedList)


def draw_list_upload(
    page: PageContext,
    *,
    name: str,
    label: str,
    file_key: str,
    template: Callable[[Session], WorkbookSheet],
    read: Callable[[Session, str, bytes], _L],
    confirm: Callable[[_L], None],
) -> None:
    """Offer the template and take the file in; `confirm` draws what a right one would change.

    `read` takes the name and the bytes of the file.
    """
    t = page.t

    def make() -> bytes:
        with read_scope(page.settings.store_url) as session:
            sheet = template(session)
        return write_workbook([sheet], page.language)

    draw_download_button(
        page, t("Template (XLSX)"), File(f"{name}.xlsx", XLSX, make), key=f"{name}-template",
        icon=":material/table:",
    )  # fmt: skip
    given = st.file_uploader(label, type=["xlsx"], key=file_key)
    if given is None:
        return
    with show_problems(t):
        with read_scope(page.settings.store_url) as session:
            listed = read(session, given.name, given.getvalue())
        if listed.errors:
            show_errors(page, listed.errors, name)
        else:
            confirm(listed)
