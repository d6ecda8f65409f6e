"""Lists that people paste or upload: what is wrong with them, or what they would change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import pandas as pd
import streamlit as st

from survey.access.work import Work
from survey.collection.importing.mapped_list import ListMapping, ListProposal, describe_mapping
from survey.collection.importing.mapping_documents import write_mapping_json
from survey.figures.figure_table import csv_bytes
from survey.frame.workbook_io import CellError, WorkbookSheet, tabulate_errors, write_workbook
from survey.kit.browser_components import read_when_pasted
from survey.kit.download_button import XLSX, File, draw_csv_button, draw_download_button, name_file
from survey.kit.feedback import show_problems
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import MAX_LISTED_ROWS, escape_markdown
from survey.kit.url_state import pick_by_button
from survey.locale import SurveyError


class UploadedList(Protocol):
    """Protocol of a parsed list: it has the errors that were found in its cells."""

    @property
    def errors(self) -> tuple[CellError, ...]: ...


@dataclass(frozen=True)
class ListFile:
    """Field in which a list is entered: its label, key and file types, and its template's name."""

    name: str
    """Begins the name of its template and the keys of its widgets."""
    prompt: str
    key: str
    """Key of the field, of which the caller may forget what is in it."""
    types: tuple[str, ...] = ("xlsx",)


_L = TypeVar("_L", bound=UploadedList)
_PASTE, _WORKBOOK = "paste", "workbook"


def pick_pasting(page: PageContext, label: str) -> bool:
    """Draw the choice of pasting or uploading a list; return whether it is pasted."""
    names = {_PASTE: page.t("Paste"), _WORKBOOK: page.t("Workbook")}
    chosen = pick_by_button(page, label, "list", names)
    return chosen == _PASTE


def draw_list_paste(
    page: PageContext,
    file: ListFile,
    *,
    example: str,
    read: Callable[..., _L],
    confirm: Callable[[_L], None],
) -> None:
    """Draw a field for a list, parsed by `read`; then its errors, or what `confirm` draws.

    What is pasted is read at once; the button is for what is typed.

    Args:
        example: One line, as it could be typed.
        read: Parses the text, given the work and `text`.
        confirm: Draws what a list without errors would change.
    """
    t, field = page.t, f"{file.name.replace('/', '-')}-field"
    with st.container(key=field):
        text = st.text_area(file.prompt, key=file.key, height=220, placeholder=example)
    read_when_pasted(field)
    st.button(t("Check the list"), key=f"{file.name}/check")
    if text.strip():
        _draw_read_list(page, file.name, partial(read, text=text), confirm)


def draw_list_upload(
    page: PageContext,
    file: ListFile,
    *,
    template: Callable[[Work], WorkbookSheet | Sequence[WorkbookSheet]],
    read: Callable[..., _L],
    confirm: Callable[[_L], None],
) -> None:
    """Draw a list's template and upload, parsed by `read`; then its errors or what `confirm` draws.

    Args:
        template: Builds the worksheets to fill in.
        read: Parses the file, given the work, and `name` and `content` of the file.
        confirm: Draws what a list without errors would change.
    """
    t = page.t

    def make() -> bytes:
        with page.read() as work:
            built = template(work)
        sheets = [built] if isinstance(built, WorkbookSheet) else built
        return write_workbook(sheets, page.language)

    draw_download_button(
        page,
        t("Template (XLSX)"),
        File(f"{file.name}.xlsx", XLSX, make),
        key=f"{file.name}-template",
        icon=":material/table:",
    )
    given = st.file_uploader(file.prompt, type=list(file.types), key=file.key)
    if given is not None:
        read = partial(read, name=given.name, content=given.getvalue())
        _draw_read_list(page, file.name, read, confirm)


def draw_mapped_upload(
    page: PageContext,
    file: ListFile,
    *,
    template: Callable[[Work], WorkbookSheet | Sequence[WorkbookSheet]],
    read: Callable[..., _L],
    propose: Callable[..., ListProposal[Any]],
    confirm: Callable[[_L], None],
) -> None:
    """Draw a list's template and upload, which may have columns of its own, and their mapping.

    Args:
        read: As of `draw_list_upload`, and given `mapping`, the JSON of a corrected mapping.
        propose: Returns the mapping of a file, given the work and `content`.
    """
    t = page.t
    # The list stands above the mapping, which it needs.
    place = st.container()
    with st.expander(t("Its columns are read wrongly")):
        _draw_proposed_mapping(page, file, propose)
        given = st.file_uploader(t("Corrected mapping (JSON)"), ["json"], key=f"{file.key}/mapping")
    mapping = given.getvalue() if given is not None else b""
    with place:
        read = partial(read, mapping=mapping)
        draw_list_upload(page, file, template=template, read=read, confirm=confirm)


def _draw_proposed_mapping(
    page: PageContext, file: ListFile, propose: Callable[..., ListProposal[Any]]
) -> None:
    """Draw the proposed mapping of the uploaded file, to be corrected, as a download."""
    uploaded = st.session_state.get(file.key)
    if uploaded is None:
        return
    try:
        with page.read() as work:
            proposal = propose(work, content=uploaded.getvalue())
    except SurveyError:
        # The list says why the file cannot be read.
        return
    content = write_mapping_json(proposal.mapping)
    draw_download_button(
        page,
        page.t("How the columns were read (JSON)"),
        File(name_file(page, "mapping", "json"), "application/json", lambda: content),
        key=f"{file.name}/mapping",
    )


def draw_read_columns(page: PageContext, mapping: ListMapping | None, sheet: WorkbookSheet) -> None:
    """Draw which columns of a file were read as what; nothing of the template."""
    if mapping is not None:
        st.caption(escape_markdown(describe_mapping(mapping, sheet, page.t)))


def _draw_read_list(
    page: PageContext, name: str, read: Callable[[Work], _L], confirm: Callable[[_L], None]
) -> None:
    """Parse a list by `read`; draw its errors or, by `confirm`, what it would change."""
    with show_problems(page.t, page.t("Nothing was changed.")):
        with page.read() as work:
            listed = read(work)
        if listed.errors:
            draw_cell_errors(page, listed.errors, name)
        else:
            confirm(listed)


def draw_cell_errors(page: PageContext, errors: tuple[CellError, ...], key: str) -> None:
    """Draw a table of the wrong cells with reasons, and all of them as a download."""
    t = page.t
    heads, rows = tabulate_errors(errors, t)
    table = pd.DataFrame(rows, columns=heads)
    draw_notice(
        t("{count} cells need another look", count=f"{len(errors):,}"),
        t("Nothing was stored. Mend these cells in your list and check it again."),
    )
    st.table(table.head(MAX_LISTED_ROWS).astype(str), border="horizontal", alt=t("Wrong cells"))
    if len(errors) > MAX_LISTED_ROWS:
        st.caption(t("The first {shown}; all of them are in the file.", shown=MAX_LISTED_ROWS))
    make = partial(csv_bytes, table)
    draw_csv_button(page, t("All reasons (CSV)"), "reasons", make, key=f"{key}/reasons")
