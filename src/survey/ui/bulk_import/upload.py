"""The file: our own template to fill in, the upload, and a first look at what came."""

import hashlib
from dataclasses import dataclass

import streamlit as st

from survey.fieldwork.importing.places import cities_within
from survey.fieldwork.importing.reading import MOST_ROWS, Table
from survey.fieldwork.importing.sources import SOURCE_NAMES, recognise
from survey.fieldwork.importing.template import write_template
from survey.fieldwork.importing.workbooks import LIMITS, read_table
from survey.locale import SurveyError
from survey.store.engine import read_scope
from survey.ui.bulk_import.aim import Aim
from survey.ui.download_button import XLSX, File, download_button
from survey.ui.furniture import notice
from survey.ui.page import Visit

LARGEST_MB = 50
_FIRST_ROWS = 300
_LOOK = "bulk/look"


@dataclass(frozen=True)
class Upload:
    """A file that can be read: its bytes and the beginning of its table."""

    name: str
    content: bytes
    sha256: str
    beginning: Table


def offer_template(visit: Visit, aim: Aim) -> None:
    """The workbook for this questionnaire, made when it is asked for."""
    t = visit.t

    def make() -> bytes:
        person = visit.principal
        with read_scope(visit.settings.store_url) as session:
            cities = cities_within(session=session, principal=person)
        return write_template(
            principal=person, instrument=aim.instrument, cities=cities, language=visit.language
        )

    download_button(
        visit, t("Template to fill in (.xlsx)"),
        File(f"{aim.instrument.name}-{aim.instrument.version}.xlsx", XLSX, make),
        key="bulk/template", icon=":material/download:",
    )  # fmt: skip


def take_file(visit: Visit, *, disabled: bool) -> Upload | None:
    """The uploaded file, or None: with what is wrong with it, if there is one."""
    t = visit.t
    uploaded = st.file_uploader(
        t("File with interviews (.xlsx or .csv)"), type=["xlsx", "csv", "txt", "tsv", "xls"],
        key="bulk/file", max_upload_size=LARGEST_MB, disabled=disabled,
    )  # fmt: skip
    st.caption(
        t(
            "At most {megabytes} MB; {rows} rows in a workbook, {text_rows} in a CSV. Our "
            "template, exports of ODK, KoboToolbox and survey sites, and other tables with one "
            "interview a row.",
            megabytes=LARGEST_MB, rows=f"{LIMITS.rows:,}", text_rows=f"{MOST_ROWS:,}",
        )
    )  # fmt: skip
    if uploaded is None:
        st.session_state.pop(_LOOK, None)
        return None
    known = st.session_state.get(_LOOK)
    if known is None or known[0] != uploaded.file_id:
        with st.spinner(t("Looking at the file …")):
            known = (uploaded.file_id, _look(uploaded.name, uploaded.getvalue()))
        st.session_state[_LOOK] = known
    outcome: Upload | SurveyError = known[1]
    if isinstance(outcome, SurveyError):
        notice(t("This file cannot be read"), t(outcome.message), t("Nothing was written."))
        return None
    _say_source(visit, outcome)
    return outcome


def _look(name: str, content: bytes) -> Upload | SurveyError:
    try:
        beginning = read_table(content, most_rows=_FIRST_ROWS)
    except SurveyError as error:
        return error
    return Upload(name, content, hashlib.sha256(content).hexdigest(), beginning)


def _say_source(visit: Visit, upload: Upload) -> None:
    t, table = visit.t, upload.beginning
    st.markdown(
        t(
            "Recognised as {source}: {columns} columns.",
            source=t(SOURCE_NAMES[recognise(table)]), columns=len(table.header),
        )
    )  # fmt: skip
