"""Upload of a file with interviews: template, uploader, and the recognised format."""

import hashlib
from dataclasses import dataclass

import streamlit as st

from survey.fieldwork.importing.column_mapping import SOURCE_NAMES, detect_source
from survey.fieldwork.importing.table_reading import LIMITS, MAX_ROWS, ImportTable, read_table
from survey.fieldwork.importing.target_wave import list_importable_cities
from survey.fieldwork.importing.template import write_template
from survey.locale import SurveyError
from survey.store.engine import read_scope
from survey.ui.bulk_import.target import ImportTarget
from survey.ui.download_button import XLSX, File, draw_download_button
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext

MAX_FILE_MB = 50
_FIRST_ROWS = 300
_PARSED_UPLOAD = "bulk/look"


@dataclass(frozen=True)
class UploadedTable:
    """Uploaded file that can be read, with the beginning of its table."""

    name: str
    content: bytes
    sha256: str
    beginning: ImportTable


def draw_template_download(page: PageContext, aim: ImportTarget) -> None:
    """Draw the download of the template workbook for this questionnaire."""
    t = page.t

    def make() -> bytes:
        person = page.principal
        with read_scope(page.settings.store_url) as session:
            cities = list_importable_cities(session=session, principal=person)
        return write_template(
            principal=person, instrument=aim.instrument, cities=cities, language=page.language
        )

    draw_download_button(
        page, t("Template to fill in (.xlsx)"),
        File(f"{aim.instrument.name}-{aim.instrument.version}.xlsx", XLSX, make),
        key="bulk/template", icon=":material/download:",
    )  # fmt: skip


def draw_upload(page: PageContext, *, disabled: bool) -> UploadedTable | None:
    """Draw the uploader and return the file; None without one, or with one that cannot be read."""
    t = page.t
    uploaded = st.file_uploader(
        t("File with interviews (.xlsx or .csv)"), type=["xlsx", "csv", "txt", "tsv", "xls"],
        key="bulk/file", max_upload_size=MAX_FILE_MB, disabled=disabled,
    )  # fmt: skip
    st.caption(
        t(
            "At most {megabytes} MB; {rows} rows in a workbook, {text_rows} in a CSV. Our "
            "template, exports of ODK, KoboToolbox and survey sites, and other tables with one "
            "interview a row.",
            megabytes=MAX_FILE_MB, rows=f"{LIMITS.rows:,}", text_rows=f"{MAX_ROWS:,}",
        )
    )  # fmt: skip
    if uploaded is None:
        st.session_state.pop(_PARSED_UPLOAD, None)
        return None
    known = st.session_state.get(_PARSED_UPLOAD)
    if known is None or known[0] != uploaded.file_id:
        with st.spinner(t("Looking at the file …")):
            known = (uploaded.file_id, _parse_upload(uploaded.name, uploaded.getvalue()))
        st.session_state[_PARSED_UPLOAD] = known
    outcome: UploadedTable | SurveyError = known[1]
    if isinstance(outcome, SurveyError):
        draw_notice(t("This file cannot be read"), t(outcome.message), t("Nothing was written."))
        return None
    _draw_source(page, outcome)
    return outcome


def _parse_upload(name: str, content: bytes) -> UploadedTable | SurveyError:
    try:
        beginning = read_table(content, most_rows=_FIRST_ROWS)
    except SurveyError as error:
        return error
    return UploadedTable(name, content, hashlib.sha256(content).hexdigest(), beginning)


def _draw_source(page: PageContext, upload: UploadedTable) -> None:
    t, table = page.t, upload.beginning
    st.markdown(
        t(
            "Recognised as {source}: {columns} columns.",
            source=t(SOURCE_NAMES[detect_source(table)]), columns=len(table.header),
        )
    )  # fmt: skip
