"""Upload of a list that planners fill in: its template, the file, and its wrong cells."""

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

import pandas as pd
import streamlit as st
from sqlmodel import Session

from survey.publish.column_tables import csv_bytes
from survey.sample.workbook_io import CellError, WorkbookSheet, write_workbook
from survey.store.engine import read_scope
from survey.ui.download_button import CSV, XLSX, File, draw_download_button
from survey.ui.feedback import show_problems
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext


class UploadedList(Protocol):
    """Content of an uploaded file with the errors of its cells."""

    @property
    def errors(self) -> tuple[CellError, ...]: ...


_L = TypeVar("_L", bound=UploadedList)
_MAX_SHOWN_ROWS = 100


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
    """Draw the template and the upload of a list.

    Args:
        template: Builds the worksheet to fill in.
        read: Parses the file, given its name and content.
        confirm: Draws what a list without errors would change.
    """
    t = page.t

    def make() -> bytes:
        with read_scope(page.settings.store_url) as session:
            sheet = template(session)
        return write_workbook([sheet], page.language)

    draw_download_button(
        page,
        t("Template (XLSX)"),
        File(f"{name}.xlsx", XLSX, make),
        key=f"{name}-template",
        icon=":material/table:",
    )
    given = st.file_uploader(label, type=["xlsx"], key=file_key)
    if given is None:
        return
    with show_problems(t, t("Nothing was changed.")):
        with read_scope(page.settings.store_url) as session:
            listed = read(session, given.name, given.getvalue())
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
        t("Nothing was stored. Mend these cells in your file and upload it again."),
    )
    st.table(table.head(_MAX_SHOWN_ROWS).astype(str), border="horizontal", alt=t("Wrong cells"))
    if len(errors) > _MAX_SHOWN_ROWS:
        st.caption(t("The first {shown}; all of them are in the file.", shown=_MAX_SHOWN_ROWS))
    draw_download_button(
        page,
        t("All reasons (CSV)"),
        File("reasons.csv", CSV, partial(csv_bytes, table)),
        key=f"{key}/reasons",
        type="tertiary",
        icon=":material/table:",
    )
