"""Files of published figures and of the codebook, which need no purpose."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import streamlit as st

from survey.access.work import Work
from survey.publish.codebook.formats import CodebookFormat, codebook_file
from survey.publish.tables.formats import TableFormat, table_file
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.ui.current_principal import require_principal
from survey.ui.download_button import CSV, XLSX, File, draw_download_button
from survey.ui.page_runner import PageContext


@dataclass(frozen=True)
class _Choice:
    """A format to choose: its name on screen and the type of its file."""

    name: str
    media_type: str


def draw_tables(page: PageContext, wave_key: str) -> None:
    """Draw the downloads of the published tables of a wave."""
    t = page.t
    st.subheader(t("Published tables"), anchor=False)
    st.markdown(
        t(
            "Every published figure with its interval, number of interviews and design effect. "
            "What is not shown is marked; nothing in them is about one person."
        )
    )
    _draw_file(
        page,
        "tables",
        wave_key,
        {
            TableFormat.XLSX: _Choice(t("Workbook (XLSX)"), XLSX),
            TableFormat.CSV: _Choice(t("All figures (CSV)"), CSV),
            TableFormat.SDMX: _Choice(t("SDMX with its structure (ZIP)"), "application/zip"),
        },
        lambda form: _make_tables(page, wave_key, TableFormat(form)),
    )


def draw_codebook(page: PageContext, wave_key: str) -> None:
    """Draw the downloads of the codebook of a wave."""
    t = page.t
    st.subheader(t("Codebook"), anchor=False)
    st.markdown(
        t(
            "Questions, answers, missing values and who was asked, in Chinese and English. The "
            "bundle adds scripts for R, Stata and Python that compute the headline from the rows."
        )
    )
    _draw_file(
        page,
        "codebook",
        wave_key,
        {
            CodebookFormat.XLSX: _Choice(t("Workbook (XLSX)"), XLSX),
            CodebookFormat.HTML: _Choice(t("Page (HTML)"), "text/html"),
            CodebookFormat.DDI: _Choice("DDI-Codebook (XML)", "application/xml"),
            CodebookFormat.BUNDLE: _Choice(t("Bundle with scripts (ZIP)"), "application/zip"),
        },
        lambda form: _make_codebook(page, wave_key, CodebookFormat(form)),
    )


def _draw_file(
    page: PageContext,
    kind: str,
    wave_key: str,
    choices: dict[TableFormat, _Choice] | dict[CodebookFormat, _Choice],
    make: Callable[[StrEnum], bytes],
) -> None:
    names = {form.value: choice for form, choice in choices.items()}
    picked = st.radio(
        page.t("File"),
        list(names),
        horizontal=True,
        key=f"{kind}/form/{page.language}",
        format_func=lambda form: names[form].name,
    )
    form = next(each for each in choices if each.value == picked)
    name = f"{wave_key}-{kind}.{picked}"
    draw_download_button(
        page,
        page.t("Download {name}", name=name),
        File(name, names[picked].media_type, partial(make, form)),
        key=f"{kind}/download",
        icon=":material/download:",
    )


def _make_tables(page: PageContext, wave_key: str, form: TableFormat) -> bytes:
    with read_scope(page.settings.store_url) as session:
        return table_file(
            Work(session, require_principal(page.settings), now(), page.settings),
            wave_key=wave_key,
            form=form,
            language=page.language,
        )


def _make_codebook(page: PageContext, wave_key: str, form: CodebookFormat) -> bytes:
    with read_scope(page.settings.store_url) as session:
        return codebook_file(
            Work(session, require_principal(page.settings), now(), page.settings),
            wave_key=wave_key,
            form=form,
            language=page.language,
        )
