"""Lists that planners fill in: pasted or uploaded, their template, and their wrong cells."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import pandas as pd
import streamlit as st
from sqlmodel import Session

from survey.publish.column_tables import csv_bytes
from survey.sample.workbook_io import CellError, WorkbookSheet, write_workbook
from survey.store.engine import read_scope
from survey.ui.download_button import CSV, XLSX, File, draw_download_button, name_file
from survey.ui.feedback import show_problems
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.url_state import pick


class UploadedList(Protocol):
    """Content of an uploaded file with the errors of its cells."""

    @property
    def errors(self) -> tuple[CellError, ...]: ...


_L = TypeVar("_L", bound=UploadedList)
_MAX_SHOWN_ROWS = 100
_PASTE, _WORKBOOK = "paste", "workbook"


def pick_pasting(page: PageContext, label: str) -> bool:
    """Draw the choice between pasting a list, which comes first, and uploading a workbook."""
    names = {_PASTE: page.t("Paste"), _WORKBOOK: page.t("Workbook")}
    chosen = pick(
        label, "list", list(names), language=page.language, as_buttons=True, show=names.__getitem__
    )
    return chosen == _PASTE


def draw_list_paste(
    page: PageContext,
    *,
    name: str,
    label: str,
    text_key: str,
    example: str,
    read: Callable[[Session, str], _L],
    confirm: Callable[[_L], None],
) -> None:
    """Draw the field for a list that is pasted or typed, a line a row.

    Args:
        text_key: Key of the field, whose text the caller may remove from the session.
        example: One line, as it could be typed.
        read: Parses the text.
        confirm: Draws what a list without errors would change.
    """
    t = page.t
    text = st.text_area(label, key=text_key, height=220, placeholder=example)
    st.button(t("Check the list"), key=f"{name}/check")
    if text.strip():
        _draw_read_list(page, name, lambda session: read(session, text), confirm)


def draw_list_upload(
    page: PageContext,
    *,
    name: str,
    label: str,
    file_key: str,
    template: Callable[[Session], WorkbookSheet | Sequence[WorkbookSheet]],
    read: Callable[[Session, str, bytes], _L],
    confirm: Callable[[_L], None],
    types: Sequence[str] = ("xlsx",),
) -> None:
    """Draw the template and the upload of a list.

    Args:
        template: Builds the worksheets to fill in.
        read: Parses the file, given its name and content.
        confirm: Draws what a list without errors would change.
    """
    t = page.t

    def make() -> bytes:
        with read_scope(page.settings.store_url) as session:
            built = template(session)
        sheets = [built] if isinstance(built, WorkbookSheet) else built
        return write_workbook(sheets, page.language)

    draw_download_button(
        page,
        t("Template (XLSX)"),
        File(f"{name}.xlsx", XLSX, make),
        key=f"{name}-template",
        icon=":material/table:",
    )
    given = st.file_uploader(label, type=list(types), key=file_key)
    if given is None:
        return
    _draw_read_list(
        page, name, lambda session: read(session, given.name, given.getvalue()), confirm
    )


def _draw_read_list(
    page: PageContext, name: str, read: Callable[[Session], _L], confirm: Callable[[_L], None]
) -> None:
    """Draw the wrong cells of a list; what it would change if there are none."""
    with show_problems(page.t, page.t("Nothing was changed.")):
        with read_scope(page.settings.store_url) as session:
            listed = read(session)
        if listed.errors:
            draw_cell_errors(page, listed.errors, name)
        else:
            confirm(listed)


def draw_cell_errors(page: PageContext, errors: tuple[CellError, ...], key: str) -> None:
    """Draw a table of wrong cells with their reasons, and offer all of them as a file."""
    t = page.t
    table = pd.DataFrame(
        [
            (error.sheet, error.row, t(error.column), error.value, t(error.message))
            for error in errors
        ],
        columns=[t("Sheet"), t("Row"), t("Column"), t("Found"), t("Reason")],
    )
    draw_notice(
        t("{count} cells need another look", count=f"{len(errors):,}"),
        t("Nothing was stored. Mend these cells in your list and check it again."),
    )
    st.table(table.head(_MAX_SHOWN_ROWS).astype(str), border="horizontal", alt=t("Wrong cells"))
    if len(errors) > _MAX_SHOWN_ROWS:
        st.caption(t("The first {shown}; all of them are in the file.", shown=_MAX_SHOWN_ROWS))
    draw_download_button(
        page,
        t("All reasons (CSV)"),
        File(name_file(page, "reasons", "csv"), CSV, partial(csv_bytes, table)),
        key=f"{key}/reasons",
        type="tertiary",
        icon=":material/table:",
    )
