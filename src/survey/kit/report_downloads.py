"""Downloads of reports: of one area as a button each, of all cities as one archive."""

from collections.abc import Mapping

import streamlit as st

from survey.access.roles import NATION, Action
from survey.figures.drawing import CHART_PROCESS
from survey.figures.views.city import city_choices
from survey.figures.views.view_context import list_area_choices
from survey.kit.background_job import BackgroundJob, draw_job_progress, take_finished_job
from survey.kit.download_button import File, draw_download_button
from survey.kit.feedback import set_feedback, show_feedback, show_problems
from survey.kit.page_runner import PageContext
from survey.kit.results_cache import get_results, get_view
from survey.kit.url_state import pick_by_search
from survey.kit.viewer import require_principal
from survey.locale import Message, msg
from survey.reports.contents import ReportEdition, ReportKind
from survey.reports.report_batch import ARCHIVE_MEDIA_TYPE, ReportArchive, make_archive
from survey.reports.report_builder import NO_REPORTS
from survey.reports.report_service import (
    MEDIA_TYPES,
    ReportFormat,
    ReportOrder,
    import_writers,
    make_report_file,
    order_method,
    read_report_waves,
    record_reports,
)
from survey.results import WaveInfo
from survey.store.transactions import run_in_transaction

_FORMAT_NAMES: Mapping[ReportFormat, Message] = {
    ReportFormat.DOCX: msg("Report (Word)"),
    ReportFormat.PDF: msg("Report (PDF)"),
    ReportFormat.PPTX: msg("Slides (PowerPoint)"),
}
_EDITIONS: Mapping[tuple[ReportEdition, ReportFormat], Message] = {
    (ReportEdition.EASY, ReportFormat.PDF): msg("Easy to read (PDF)"),
    (ReportEdition.EASY, ReportFormat.DOCX): msg("Easy to read (Word)"),
    (ReportEdition.LARGE, ReportFormat.PDF): msg("Large print (PDF)"),
    (ReportEdition.LARGE, ReportFormat.DOCX): msg("Large print (Word)"),
}
_JOB, _ARCHIVE, _MESSAGES = "reports/job", "reports/archive", "reports"
_LEVELS = ("nation", "province")


def draw_report_buttons(page: PageContext, wave: WaveInfo, kind: ReportKind, area: str) -> None:
    """Draw a download button for each format (Word, PDF, slides) of an area's report of `kind`."""
    # Ready by the time a reader has chosen: its start would be half of the first report.
    CHART_PROCESS.start()
    import_writers()
    with st.container(horizontal=True, key=f"report-buttons-{kind}"):
        for form, name in _FORMAT_NAMES.items():
            _draw_button(page, wave, ReportOrder(kind, area, form, page.language), page.t(name))
        title = page.t("Large print, easy reading")
        with st.popover(title, type="tertiary", key=f"report-editions-{kind}"):
            for (edition, form), name in _EDITIONS.items():
                if edition is not ReportEdition.EASY or kind is ReportKind.CITY:
                    order = ReportOrder(kind, area, form, page.language, edition)
                    _draw_button(page, wave, order, page.t(name))


def _draw_button(page: PageContext, wave: WaveInfo, order: ReportOrder, label: str) -> None:
    edition = "" if order.edition is ReportEdition.STANDARD else f"/{order.edition}"
    draw_download_button(
        page,
        label,
        _build_report_file(page, wave, order),
        key=f"report/{wave.key}/{order.kind}/{order.area}{edition}/{order.form}",
        icon=":material/download:",
    )


def _build_report_file(page: PageContext, wave: WaveInfo, order: ReportOrder) -> File:
    """Return the file of report `order`, made and recorded in the audit trail when pressed."""

    def make() -> bytes:
        waves = read_report_waves(page.settings, wave.key)
        file = make_report_file(page.settings, waves, principal=page.principal, order=order)
        run_in_transaction(
            page.settings.store_url,
            lambda session: record_reports(page.work(session), waves=waves, files=[(order, file)]),
        )
        return file.content

    return File(order.name_file(wave.key), MEDIA_TYPES[order.form], make)


def draw_method_button(page: PageContext, wave: WaveInfo) -> None:
    """Draw the download of how the figures of a wave were made, for those who may take reports."""
    if wave.tree_name is not None and page.principal.may(Action.SEE_EXPORTS):
        label = page.t("Method of this wave (PDF)")
        _draw_button(page, wave, order_method(page.language), label)


def draw_reports(page: PageContext, wave: WaveInfo) -> None:
    """Draw downloads of an area's reports, and of all reports for readers beyond one city."""
    t = page.t
    st.subheader(t("Reports"), anchor=False)
    if wave.tree_name is None:
        st.caption(t(NO_REPORTS))
        return
    st.markdown(
        t(
            "A letter of two pages, the report with pictures and the list of problems, and an "
            "annex with all tables, from the published figures of the wave."
        )
    )
    results = get_results(page, wave)
    larger = get_view(page, list_area_choices, results, levels=_LEVELS)
    choices = {**larger, **get_view(page, city_choices, results)}
    area = pick_by_search(page, t("Report on"), "report-area", choices, default=page.principal.area)
    draw_report_buttons(page, wave, kind_of(area), area)
    draw_method_button(page, wave)
    if kind_of(page.principal.area) is not ReportKind.CITY:
        _draw_archive(page, wave)


def kind_of(area: str) -> ReportKind:
    """Return whether an area code is of the nation, a province or a city."""
    if area == NATION:
        return ReportKind.NATION
    return ReportKind.PROVINCE if len(area) == len("32") else ReportKind.CITY


def _draw_archive(page: PageContext, wave: WaveInfo) -> None:
    """Draw the button that makes the reports of all cities, its progress, or the archive."""
    t = page.t
    _collect_archive(page)
    show_feedback(page, _MESSAGES)
    running: BackgroundJob[ReportArchive] | None = st.session_state.get(_JOB)
    if running is not None:
        draw_job_progress(
            page,
            running,
            lambda job: t("{done} of {total} reports", done=job.done, total=job.total),
            key="reports/cancel",
        )
        return
    if st.button(t("Make the reports of all cities"), key="reports/all"):
        with show_problems(t, t("No file was made.")):
            _start_archive(page, wave)
            st.rerun()
    kept: tuple[str, ReportArchive] | None = st.session_state.get(_ARCHIVE)
    if kept is not None and kept[0] == wave.key:
        archive = kept[1]
        draw_download_button(
            page,
            t("Download {name}", name=archive.name),
            File(archive.name, ARCHIVE_MEDIA_TYPE, lambda: archive.content),
            key="reports/archive/download",
            type="primary",
            icon=":material/download:",
        )


def _start_archive(page: PageContext, wave: WaveInfo) -> None:
    """Start the job that makes the archive, as the person signed in now; it goes on in a thread."""
    principal = require_principal(page.settings)
    settings, language = page.settings, page.language
    job = BackgroundJob[ReportArchive](msg("Reports of all cities"), about=wave)
    job.start(
        lambda tick: make_archive(
            settings,
            read_report_waves(settings, wave.key),
            principal=principal,
            form=ReportFormat.DOCX,
            language=language,
            tick=tick,
        )
    )
    st.session_state.pop(_ARCHIVE, None)
    st.session_state[_JOB] = job


def _collect_archive(page: PageContext) -> None:
    """Keep the archive of a job that has ended and record it, or keep the message why it failed."""
    t = page.t
    cancelled = t("The reports were cancelled.")
    made: tuple[WaveInfo, ReportArchive] | None = take_finished_job(
        page, _JOB, slot=_MESSAGES, cancelled=cancelled
    )
    if made is None:
        return
    wave, archive = made
    waves = read_report_waves(page.settings, wave.key)
    run_in_transaction(
        page.settings.store_url,
        lambda session: record_reports(page.work(session), waves=waves, files=archive.files),
    )
    st.session_state[_ARCHIVE] = (wave.key, archive)
    ready = t("{count} reports are ready.", count=len(archive.files))
    set_feedback(page, ready, slot=_MESSAGES)
