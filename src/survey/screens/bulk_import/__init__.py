"""The bulk import page: target, file, column mapping, check, and writing."""

import hashlib
from dataclasses import dataclass

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.work import Work
from survey.collection.importing.column_mapping import MappingFile, write_mapping
from survey.collection.importing.commit import ImportResult, commit_import
from survey.collection.importing.import_plan import ImportPlan, ProgressCallback, plan_import
from survey.collection.importing.target_wave import ImportRequest
from survey.kit.background_job import BackgroundJob
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, page_fragment
from survey.kit.viewer import require_principal
from survey.locale import msg
from survey.screens.bulk_import.check_report import draw_confirmation, draw_result, show_plan
from survey.screens.bulk_import.column_mapping import UNREAD, map_columns
from survey.screens.bulk_import.target import (
    ImportTarget,
    UploadedTable,
    draw_target,
    draw_template_download,
    draw_upload,
)
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.store.transactions import run_in_transaction

REFRESH_SECONDS = 0.5
_CHECKING, _WRITING = "bulk/checking", "bulk/writing"
_CHECKED, _DONE, _PROBLEM, _FILE = "bulk/plan", "bulk/done", "bulk/problem", "bulk/said"


@dataclass(frozen=True)
class CheckedPlan:
    """Import plan with a fingerprint of its inputs."""

    fingerprint: str
    plan: ImportPlan


def draw_bulk_import(page: PageContext) -> None:
    """Draw the page; only one job runs at a time in one browser tab."""
    _collect_result(page)
    aim = draw_target(page)
    if aim is None:
        return
    working = st.session_state.get(_CHECKING) or st.session_state.get(_WRITING)
    draw_template_download(page, aim)
    upload = draw_upload(page, disabled=working is not None)
    if upload is not None:
        _clear_messages_of(upload)
        mapping = map_columns(page, aim, upload)
        if mapping is not None:
            _check_and_write(page, aim, upload, mapping, busy=working is not None)
    if working is not None:
        _draw_job_progress(page, working)
        # Outside of the part that draws itself anew twice a second, so that no click is lost.
        st.button(page.t("Cancel"), key="bulk-cancel", on_click=working.cancel)
    draw_result(page, st.session_state.get(_DONE))


def _clear_messages_of(upload: UploadedTable) -> None:
    """Remove the messages about an earlier file."""
    if st.session_state.get(_FILE) != upload.sha256:
        st.session_state[_FILE] = upload.sha256
        st.session_state.pop(_DONE, None)
        st.session_state.pop(_PROBLEM, None)


def _check_and_write(
    page: PageContext, aim: ImportTarget, upload: UploadedTable, mapping: MappingFile, *, busy: bool
) -> None:
    t = page.t
    request = _build_import_request(aim, upload, mapping)
    fingerprint = _build_request_key(aim, upload, request)
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            t("Check the file"),
            key="bulk-check",
            disabled=busy,
            icon=":material/fact_check:",
            type="primary" if st.session_state.get(_CHECKED) is None else "secondary",
        )
        st.caption(t("Nothing is written yet."))
    if pressed:
        _start_check(page, request, fingerprint)
        st.rerun()
    if _PROBLEM in st.session_state:
        draw_notice(*st.session_state[_PROBLEM])
    checked: CheckedPlan | None = st.session_state.get(_CHECKED)
    if checked is None:
        return
    if checked.fingerprint != fingerprint:
        st.caption(t("Something was changed since the check. Please check the file again."))
        return
    show_plan(page, checked.plan)
    if draw_confirmation(page, checked.plan, disabled=busy):
        _start_writing(page, checked.plan)
        st.rerun()


def _build_import_request(
    aim: ImportTarget, upload: UploadedTable, mapping: MappingFile
) -> ImportRequest:
    return ImportRequest(
        content=upload.content,
        instrument=aim.instrument,
        wave_key=aim.wave_key,
        mapping=write_mapping(mapping),
        city_code=aim.city_code,
        reviewed=aim.reviewed,
        title={"zh": aim.title, "en": aim.title} if aim.title else {},
        file_name=upload.name,
        series=aim.series,
    )


def _build_request_key(aim: ImportTarget, upload: UploadedTable, request: ImportRequest) -> str:
    parts = (
        aim.wave_key, aim.instrument.sha256, aim.is_new, aim.city_code, aim.reviewed, aim.title,
        aim.series,
        upload.sha256, request.mapping,
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _start_check(page: PageContext, request: ImportRequest, fingerprint: str) -> None:
    settings, person = page.settings, require_principal(page.settings)
    job = BackgroundJob[CheckedPlan](msg("Checking"))
    job.start(lambda tick: _check_plan(settings, person, request, fingerprint, tick))
    st.session_state[_CHECKING] = job
    for outdated in (_CHECKED, _DONE, _PROBLEM):
        st.session_state.pop(outdated, None)


def _check_plan(
    settings: Settings,
    person: Principal,
    request: ImportRequest,
    fingerprint: str,
    tick: ProgressCallback,
) -> CheckedPlan:
    with read_scope(settings.store_url, long_running=True) as session:
        plan = plan_import(Work(session, person, now(), settings), request=request, tick=tick)
    return CheckedPlan(fingerprint, plan)


def _start_writing(page: PageContext, plan: ImportPlan) -> None:
    settings, person = page.settings, require_principal(page.settings)
    person.require_changes_allowed()

    def write(tick: ProgressCallback) -> ImportResult:
        return run_in_transaction(
            settings.store_url, lambda session: commit(session, tick), long_running=True
        )

    def commit(session: Session, tick: ProgressCallback) -> ImportResult:
        result = commit_import(Work(session, person, now(), page.settings), plan=plan, tick=tick)
        # The last moment at which it can still be taken back.
        tick(result.written, result.written)
        return result

    job = BackgroundJob[ImportResult](msg("Writing"))
    job.start(write)
    st.session_state[_WRITING] = job
    st.session_state.pop(_PROBLEM, None)


@page_fragment(run_every=REFRESH_SECONDS)
def _draw_job_progress(
    page: PageContext, job: BackgroundJob[CheckedPlan] | BackgroundJob[ImportResult]
) -> None:
    """Draw the progress of a job; the page stays usable meanwhile."""
    if not job.running:
        st.rerun()
    t = page.t
    words = t(
        "{work}: {done} of {total} rows",
        work=t(job.name),
        done=f"{job.done:,}",
        total=f"{job.total:,}",
    )
    st.progress(job.share, text=t("Cancelling …") if job.cancelled else words)


def _collect_result(page: PageContext) -> None:
    """Keep the result or problem of a job that has ended."""
    t = page.t
    checking: BackgroundJob[CheckedPlan] | None = st.session_state.get(_CHECKING)
    if checking is not None and not checking.running:
        del st.session_state[_CHECKING]
        if checking.cancelled:
            # Whatever it found: between its last look and its end nobody would have stopped it.
            st.session_state[_PROBLEM] = (
                t("The check was cancelled"), t("Nothing was written. You can check it again."),
            )  # fmt: skip
        elif checking.result is not None:
            st.session_state[_CHECKED] = checking.result
            plan = checking.result.plan
            st.session_state[UNREAD] = (plan.sha256, plan.unparsed)
        elif checking.problem is not None:
            st.session_state[_PROBLEM] = (t("The file could not be checked"), t(checking.problem))
    writing: BackgroundJob[ImportResult] | None = st.session_state.get(_WRITING)
    if writing is not None and not writing.running:
        del st.session_state[_WRITING]
        if writing.result is not None:
            checked: CheckedPlan = st.session_state.pop(_CHECKED)
            st.session_state[_DONE] = (writing.result, checked.plan.into_open)
            st.session_state.pop(UNREAD, None)
        elif writing.problem is not None:
            title = t("The import was cancelled") if writing.cancelled else t("Nothing was written")
            st.session_state[_PROBLEM] = (
                title, t(writing.problem),
                t("The result of the check is kept; you can write it again."),
            )  # fmt: skip
