"""Page of exports of a wave: reports, tables, codebook, rows of interviews, exact files."""

from collections.abc import Callable
from uuid import UUID

import streamlit as st

from survey.access.audit import MAX_REASON_CHARS
from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.importing.import_plan import ProgressCallback
from survey.figures.tables.formats import TableFormat, table_file
from survey.figures.views.display_names import DisplayNames
from survey.files.codebook.formats import CodebookFormat, codebook_file
from survey.files.microdata.exact_requests import (
    ExactRequest,
    RequestState,
    decide_exact_rows,
    export_exact_rows,
    list_exact_requests,
    list_pending_requests,
    request_exact_rows,
)
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
from survey.kit.background_job import BackgroundJob, draw_job_progress, take_finished_job
from survey.kit.download_button import CSV, XLSX, ZIP, File, draw_download_button
from survey.kit.feedback import run_change, show_feedback, show_problems
from survey.kit.filters import filter_row, pick_wave
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.report_downloads import draw_reports
from survey.kit.text_blocks import escape_markdown
from survey.kit.viewer import require_principal
from survey.locale import Message, label_text, msg
from survey.results import WaveInfo
from survey.store.china_time import china_date, format_china_minute, format_day
from survey.store.tables import Decision, now
from survey.store.transactions import run_in_transaction

MEDIA = {
    FileFormat.CSV: CSV,
    FileFormat.XLSX: XLSX,
    FileFormat.PARQUET: "application/vnd.apache.parquet",
    FileFormat.SPSS: "application/x-spss-sav",
    FileFormat.STATA: "application/x-stata-dta",
}
FORM_NAMES = {
    FileFormat.CSV: "CSV",
    FileFormat.XLSX: "Excel (XLSX)",
    FileFormat.PARQUET: "Parquet",
    FileFormat.SPSS: "SPSS (.sav)",
    FileFormat.STATA: "Stata (.dta)",
}
STATE_NAMES: dict[RequestState, Message] = {
    RequestState.WAITING: msg("waits for approval"),
    RequestState.APPROVED: msg("approved, not taken yet"),
    RequestState.REFUSED: msg("not approved"),
    RequestState.TAKEN: msg("file taken"),
    RequestState.EXPIRED: msg("run out"),
    RequestState.OUTDATED: msg("frozen anew since"),
}


def draw_exact_rows(page: PageContext, wave: ExportableWave) -> None:
    """Draw the reader's requests for exact microdata (nothing merged or blanked), files, a form."""
    t = page.t
    st.subheader(t("Exact file"), anchor=False)
    st.markdown(
        t(
            "With every interview's own weight, age band and gender; nothing is merged or "
            "blanked. Another person has to approve it. An approval is good for one file, within "
            "seven days, as long as the wave is not frozen anew."
        )
    )
    show_feedback(page)
    with page.read() as work:
        own = list_exact_requests(work)
    own = [request for request in own if request.wave == wave.key]
    for request in own:
        # A table each, one fact below the other: beside others a purpose is a column of single
        # characters on a phone.
        st.table(_build_request_facts(page, request), border="horizontal", alt=t("Own requests"))
        if request.state is RequestState.APPROVED:
            _draw_export(page, request)
    if not any(request.state is RequestState.WAITING for request in own):
        _draw_request_form(page, wave)


def _build_request_facts(page: PageContext, request: ExactRequest) -> dict[str, str]:
    t = page.t
    who = request.decided_by or t("operator")
    decided = f"{who} {format_china_minute(t, request.decided_at)}" if request.decided_at else "–"
    return {
        t("Requested"): format_china_minute(t, request.requested_at),
        t("Purpose of the file"): request.purpose,
        t("State"): t(STATE_NAMES[request.state]),
        t("Decided"): decided,
        t("Reason"): request.reason or "–",
    }


def _draw_request_form(page: PageContext, wave: ExportableWave) -> None:
    t = page.t
    with st.form("exact/request", border=True, enter_to_submit=False, clear_on_submit=False):
        purpose = st.text_area(
            t("What the exact file is needed for"),
            key="exact/purpose",
            help=t(PURPOSE_RULE),
            max_chars=MAX_PURPOSE_CHARS,
            height=90,
        )
        wanted = st.form_submit_button(t("Ask for an exact file"))
    if wanted:
        run_change(
            page,
            lambda work: request_exact_rows(work, wave_key=wave.key, purpose=str(purpose or "")),
            done=t("Your request waits for another person's approval."),
        )
        st.rerun()


def _draw_export(page: PageContext, request: ExactRequest) -> None:
    t, prefix = page.t, f"exact/{request.id}"
    if request.valid_until is not None:
        st.success(
            t(
                "Approved; can be taken once until {until}.",
                until=format_china_minute(t, request.valid_until),
            )
        )
    form = FileFormat(
        st.radio(
            t("File"),
            [each.value for each in FileFormat],
            horizontal=True,
            key=f"{prefix}/form",
            format_func=lambda each: FORM_NAMES[FileFormat(each)],
        )
    )
    name = f"{request.wave}-exact-rows-{request.id.hex[-8:]}.{form}"
    draw_download_button(
        page,
        t("Take the exact file"),
        File(name, MEDIA[form], lambda: _export_file(page, request.id, form)),
        key=f"{prefix}/take",
        type="primary",
        icon=":material/download:",
    )


def _export_file(page: PageContext, request_id: UUID, form: FileFormat) -> bytes:
    language = page.language
    return run_in_transaction(
        page.settings.store_url,
        lambda session: (
            export_exact_rows(
                page.work(session), request_id=request_id, form=form, language=language
            ).content
        ),
    )


def draw_pending_requests(page: PageContext) -> None:
    """Draw requests for exact microdata (nothing merged or blanked) to decide, each with a form."""
    t = page.t
    st.subheader(t("Requests for exact files"), anchor=False)
    st.markdown(
        t(
            "An exact file holds every interview's own weight: whoever knows the census can tell "
            "small groups apart. Please approve it only for a purpose that the ordinary file does "
            "not serve."
        )
    )
    show_feedback(page)
    with page.read() as work:
        waiting = list_pending_requests(work)
    if not waiting:
        draw_notice(
            t("No request waits"), t("Requests of analysts appear here until they are decided.")
        )
    for request in waiting:
        _draw_decision(page, request)


def _draw_decision(page: PageContext, request: ExactRequest) -> None:
    t = page.t
    with st.form(f"exact/decide/{request.id}", border=True, enter_to_submit=False):
        st.text(
            t(
                "{name} ({login}), area {area}, {day}",
                name=request.name,
                login=request.account,
                area=DisplayNames(page.language, None).area(request.area),
                day=format_china_minute(t, request.requested_at),
            )
        )
        st.text(t("Wave: {wave}", wave=label_text(request.title, page.language, request.wave)))
        st.text(t("Purpose: {purpose}", purpose=request.purpose))
        reason = st.text_input(
            t("Reason of the decision"),
            key=f"exact/reason/{request.id}",
            max_chars=MAX_REASON_CHARS,
        )
        with st.container(horizontal=True):
            approve = st.form_submit_button(
                t("Approve"), type="primary", key=f"exact/yes/{request.id}"
            )
            refuse = st.form_submit_button(t("Do not approve"), key=f"exact/no/{request.id}")
    if approve or refuse:
        decision = Decision.APPROVED if approve else Decision.REFUSED
        run_change(
            page,
            lambda work: decide_exact_rows(
                work, request_id=request.id, decision=decision, reason=str(reason or "")
            ),
            done=t("The request is approved.") if approve else t("The request is not approved."),
        )
        st.rerun()


def draw_tables(page: PageContext, wave_key: str) -> None:
    """Draw the choice of a format and the download of the published tables of a wave."""
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
            TableFormat.XLSX: (t("Workbook (XLSX)"), XLSX),
            TableFormat.CSV: (t("All figures (CSV)"), CSV),
            TableFormat.SDMX: (t("SDMX with its structure (ZIP)"), ZIP),
        },
        table_file,
    )


def draw_codebook(page: PageContext, wave_key: str) -> None:
    """Draw the choice of a format and the download of the codebook of a wave."""
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
            CodebookFormat.XLSX: (t("Workbook (XLSX)"), XLSX),
            CodebookFormat.HTML: (t("Page (HTML)"), "text/html"),
            CodebookFormat.DDI: ("DDI-Codebook (XML)", "application/xml"),
            CodebookFormat.BUNDLE: (t("Bundle with scripts (ZIP)"), ZIP),
        },
        codebook_file,
    )


def _draw_result_file(
    page: PageContext,
    kind: str,
    wave_key: str,
    choices: dict[TableFormat, tuple[str, str]] | dict[CodebookFormat, tuple[str, str]],
    write: Callable[..., bytes],
) -> None:
    """Draw a choice of format and the download of file `kind` that the service `write` makes.

    Args:
        choices: Name on screen and media type of each format.
    """
    names = {form.value: choice for form, choice in choices.items()}
    picked = st.radio(
        page.t("File"),
        list(names),
        horizontal=True,
        key=f"{kind}/form/{page.language}",
        format_func=lambda form: names[form][0],
    )
    form = next(each for each in choices if each.value == picked)
    name = f"{wave_key}-{kind}.{picked}"

    def make() -> bytes:
        with page.read() as work:
            return write(work, wave_key=wave_key, form=form, language=page.language)

    draw_download_button(
        page,
        page.t("Download {name}", name=name),
        File(name, names[picked][1], make),
        key=f"{kind}/download",
        icon=":material/download:",
    )


_JOB, _MADE, _MESSAGES = "export/job", "export/made", "rows"


def draw_export(page: PageContext) -> None:
    """Draw the exports of the chosen wave that the reader may take, and requests to decide on."""
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
    """Draw the download of de-identified interviews, or that it needs the wave's final freeze."""
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
    """Draw a form that makes a microdata file, and the file; while it is made, the progress."""
    t = page.t
    cancelled = page.t("The file was cancelled.")
    finished = take_finished_job(page, _JOB, slot=_MESSAGES, cancelled=cancelled)
    if finished is not None:
        about, made = finished
        st.session_state[_MADE] = (*about, made)
    show_feedback(page, _MESSAGES)
    running: BackgroundJob[MicrodataFile] | None = st.session_state.get(_JOB)
    if running is None:
        _draw_purpose_form(page, wave)
        _draw_file(page, wave.key)
    else:
        draw_job_progress(
            page,
            running,
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
    """Start the job that makes a file of interviews as `form`, as the person signed in now."""
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

    job = BackgroundJob[MicrodataFile](msg("Preparing the file …"), about=(wave.key, form))
    job.start(make)
    st.session_state[_JOB] = job


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
