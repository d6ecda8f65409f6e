"""Page of what may be taken of a wave: reports, result files, codebook, single interviews."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import streamlit as st

from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.importing.import_plan import ProgressCallback
from survey.figures.tables.formats import TableFormat, table_file
from survey.files.codebook.formats import CodebookFormat, codebook_file
from survey.files.microdata.export import (
    MAX_PURPOSE_CHARS,
    PURPOSE_RULE,
    ExportableWave,
    MicrodataFile,
    deviation_lines,
    export_rows,
    list_exportable_waves,
    recording_refusals,
    require_purpose,
)
from survey.files.microdata.file_formats import FileFormat
from survey.kit.background_job import BackgroundJob, draw_job_progress, take_result
from survey.kit.download_button import CSV, XLSX, File, draw_download_button
from survey.kit.feedback import show_feedback, show_problems
from survey.kit.filters import filter_row, pick_wave
from survey.kit.page_runner import PageContext
from survey.kit.report_downloads import draw_reports
from survey.kit.text_blocks import escape_markdown
from survey.kit.viewer import require_principal
from survey.locale import msg
from survey.results import WaveInfo
from survey.screens.exact_rows import FORM_NAMES, MEDIA, draw_exact_rows, draw_pending_requests
from survey.store.china_time import china_date, format_day
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.store.transactions import run_in_transaction


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
    _draw_result_file(
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
    _draw_result_file(
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


def _draw_result_file(
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


_JOB, _MADE, _MESSAGES = "export/job", "export/made", "rows"


@dataclass(frozen=True)
class _RowJob:
    """File of rows that is being made."""

    wave: str
    form: FileFormat
    job: BackgroundJob[MicrodataFile]


def draw_export(page: PageContext) -> None:
    """Draw what the reader may take of one wave, a card each, and requests to be decided."""
    if page.principal.may(Action.APPROVE_EXACT_ROWS):
        draw_pending_requests(page)
    with filter_row():
        wave = pick_wave(page)
    if wave is None:
        return
    _draw_facts(page, wave)
    with st.container(border=True):
        draw_reports(page, wave)
    with st.container(border=True):
        draw_tables(page, wave.key)
    if not page.principal.may(Action.EXPORT_ROWS):
        return
    with st.container(border=True):
        draw_codebook(page, wave.key)
    with st.container(border=True):
        _draw_rows(page, wave)


def _draw_facts(page: PageContext, wave: WaveInfo) -> None:
    t = page.t
    st.caption(
        t(
            "{wave}: {count} interviews of {cities} cities, frozen on {day}. Every file is made "
            "when you press its button and is recorded.",
            wave=escape_markdown(wave.label(page.language)),
            count=f"{wave.n:,}",
            cities=wave.cities,
            day=format_day(t, china_date(wave.frozen_at)),
        )
    )


def _draw_rows(page: PageContext, wave: WaveInfo) -> None:
    """Draw the export of single interviews, or when there will be one."""
    t = page.t
    st.subheader(t("Single interviews, de-identified"), anchor=False)
    with page.read() as work:
        waves = {exportable.key: exportable for exportable in list_exportable_waves(work)}
    if wave.key not in waves:
        st.caption(t("Interviews can be taken away once a wave has been frozen for good."))
        return
    _draw_contents(page, waves[wave.key])
    # One place of the page whatever it holds: a file may be ready while somebody types below.
    with st.container():
        _draw_row_file(page, waves[wave.key])
    draw_exact_rows(page, waves[wave.key])


def _draw_row_file(page: PageContext, wave: ExportableWave) -> None:
    """Draw the form that makes a file of rows and the file once made, or how far it is."""
    t = page.t
    _collect_file(page)
    show_feedback(page, _MESSAGES)
    running: _RowJob | None = st.session_state.get(_JOB)
    if running is None:
        _draw_purpose_form(page, wave)
        _draw_file(page, wave.key)
    else:
        draw_job_progress(
            page,
            running.job,
            lambda job: t(
                "Preparing the file: step {step} of {steps}",
                step=min(job.done + 1, job.total),
                steps=job.total,
            ),
            key="export/cancel",
        )


def _draw_contents(page: PageContext, wave: ExportableWave) -> None:
    t = page.t
    st.markdown(
        t(
            "Rated and chosen answers with weights and design, so that published figures can be "
            "computed again. Without ids, links, surveyors, exact times, ages in years and "
            "anything typed in. Rare combinations are blanked. A file holds nine in ten "
            "interviews, drawn at random; its first lines say how far it may lie. Scores by "
            "background are weakened in it: take them from the published tables, or use an exact "
            "file."
        )
    )
    st.caption(
        t(
            "{count} interviews are frozen in this wave; a file holds those of your area. Each "
            "file is recorded with your name and purpose and carries marks of your account.",
            count=f"{wave.rows:,}",
        )
    )


def _draw_purpose_form(page: PageContext, wave: ExportableWave) -> None:
    t = page.t
    with st.form("export/rows", border=True, enter_to_submit=False):
        purpose = st.text_area(
            t("What the rows are needed for"),
            key="export/purpose",
            help=t(PURPOSE_RULE),
            max_chars=MAX_PURPOSE_CHARS,
            height=90,
        )
        form = st.radio(
            t("File"),
            [choice.value for choice in FileFormat],
            horizontal=True,
            key="export/form",
            format_func=lambda choice: FORM_NAMES[FileFormat(choice)],
        )
        wanted = st.form_submit_button(t("Make the file"), type="primary")
    if wanted:
        st.session_state.pop(_MADE, None)
        with show_problems(t, t("No file was made.")):
            _start_export(page, wave, str(purpose or ""), FileFormat(form))
            st.rerun()


def _start_export(page: PageContext, wave: ExportableWave, purpose: str, form: FileFormat) -> None:
    """Start the file as the person signed in now; a purpose that is too short is said at once."""
    principal = require_principal(page.settings)
    principal.require_changes_allowed()
    require_purpose(purpose)
    settings, language = page.settings, page.language

    def make(tick: ProgressCallback) -> MicrodataFile:
        with recording_refusals(settings):
            return run_in_transaction(
                settings.store_url,
                lambda session: export_rows(
                    Work(session, principal, now(), settings),
                    wave_key=wave.key,
                    purpose=purpose,
                    form=form,
                    language=language,
                    tick=tick,
                ),
                long_running=True,
            )

    job = BackgroundJob[MicrodataFile](msg("Preparing the file …"))
    job.start(make)
    st.session_state[_JOB] = _RowJob(wave.key, form, job)


def _collect_file(page: PageContext) -> None:
    """Keep the file of a job that has ended, or say why there is none."""
    running: _RowJob | None = st.session_state.get(_JOB)
    if running is None or running.job.running:
        return
    del st.session_state[_JOB]
    cancelled = page.t("The file was cancelled.")
    made = take_result(page, running.job, slot=_MESSAGES, cancelled=cancelled)
    if made is not None:
        st.session_state[_MADE] = (running.wave, running.form, made)


def _draw_file(page: PageContext, key: str) -> None:
    t = page.t
    kept: tuple[str, FileFormat, MicrodataFile] | None = st.session_state.get(_MADE)
    if kept is None or kept[0] != key:
        return
    _, form, made = kept
    st.success(
        t(
            "{rows} interviews. {blanked} rare values were blanked, {dropped} interviews left out.",
            rows=f"{made.rows:,}",
            blanked=f"{made.blanked:,}",
            dropped=f"{made.dropped:,}",
        )
    )
    for line in deviation_lines(t, made.deviation):
        st.caption(line)
    draw_download_button(
        page,
        t("Download {name}", name=made.name),
        File(made.name, MEDIA[form], lambda: made.content),
        key="export/download",
        type="primary",
        icon=":material/download:",
    )
