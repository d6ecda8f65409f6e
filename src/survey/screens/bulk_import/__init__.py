"""Bulk import page: check and import of a file, with its counts and refused rows."""

import hashlib
from dataclasses import dataclass
from functools import partial
from html import escape

import pandas as pd
import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.importing.column_mapping import MappingFile, write_mapping
from survey.collection.importing.commit import ImportResult, commit_import
from survey.collection.importing.import_plan import (
    MAX_SHOWN_REJECTIONS,
    ImportPlan,
    ProgressCallback,
    plan_import,
)
from survey.collection.importing.rejections import describe_cause, reason_of, write_rejections
from survey.collection.importing.target_wave import ImportRequest
from survey.kit.background_job import BackgroundJob
from survey.kit.download_button import XLSX, File, draw_download_button, name_file
from survey.kit.navigation import PAGES_BY_KEY, PageKey
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, page_fragment
from survey.kit.viewer import require_principal
from survey.locale import label_text, msg
from survey.questionnaire.model import Instrument
from survey.screens.bulk_import.target import (
    UNREAD,
    ImportTarget,
    UploadedTable,
    draw_target,
    draw_template_download,
    draw_upload,
    map_columns,
)
from survey.settings import Settings
from survey.store.china_time import format_china_minute
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.store.transactions import run_in_transaction

_ON_SCREEN = 200
_CAUSES_ON_SCREEN = 12


def show_plan(page: PageContext, plan: ImportPlan) -> None:
    """Draw how many rows of import `plan` are accepted, refused or duplicates, and why refused."""
    t = page.t
    tiles = (
        (t("Will be written"), len(plan.accepted)),
        (t("Refused"), plan.rejected_rows),
        (t("There already"), plan.duplicates),
    )
    parts = "".join(
        f'<div class="hcs-tile"><div class="name">{escape(name)}</div>'
        f'<div class="number">{count:,}</div></div>'
        for name, count in tiles
    )
    st.html(f'<div class="hcs-tiles" role="status">{parts}</div>')
    if plan.imported_before is not None:
        at = format_china_minute(t, plan.imported_before)
        st.markdown(t("This very file was imported into this wave on {time} China time.", time=at))
    _draw_remarks(page, plan)
    if plan.rejected:
        _draw_problems(page, plan)


def _draw_remarks(page: PageContext, plan: ImportPlan) -> None:
    t = page.t
    lines = [t(remark) for remark in plan.remarks]
    if plan.unmapped:
        lines.append(t("Columns that nothing uses: {columns}", columns=_join_names(plan.unmapped)))
    if plan.absent_items:
        asked = tuple(
            _format_item_label(plan.request.instrument, name, page.language)
            for name in plan.absent_items
        )
        lines.append(t("Questions without a column: {items}", items=_join_names(asked)))
    missing = {name: count for name, count in plan.missing.items() if count}
    if missing:
        words = tuple(
            f"{_format_item_label(plan.request.instrument, name, page.language)} ({count:,})"
            for name, count in missing.items()
        )
        lines.append(
            t("Rows without an answer, which then is missing: {items}", items=_join_names(words))
        )
    if plan.dropped_answers:
        lines.append(
            t(
                "{count} answers to questions that were not to be asked are left out.",
                count=f"{plan.dropped_answers:,}",
            )
        )
    if lines:
        with st.expander(t("What else to know ({count})", count=len(lines))):
            st.html("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>")


def _format_item_label(instrument: Instrument, name: str, language: str) -> str:
    item = instrument.by_name.get(name)
    return label_text(item.label, language, name) if item else name


def _join_names(names: tuple[str, ...], most: int = 12) -> str:
    shown = " · ".join(name[:60] for name in names[:most])
    return f"{shown} …" if len(names) > most else shown


def _draw_problems(page: PageContext, plan: ImportPlan) -> None:
    t, language = page.t, page.language
    st.subheader(t("What is refused, and why"), anchor=False)
    causes = plan.causes[:_CAUSES_ON_SCREEN]
    lines = [describe_cause(cause, reason_of(cause.message, language, t), t) for cause in causes]
    if len(plan.causes) > len(causes):
        lines.append(t("{count} more causes: see the list.", count=len(plan.causes) - len(causes)))
    st.html("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>")
    rows = plan.rejected[:_ON_SCREEN]
    frame = pd.DataFrame(
        {
            t("Row"): [rejection.row for rejection in rows],
            t("Column"): [rejection.column for rejection in rows],
            t("Value"): [rejection.value for rejection in rows],
            t("Reason"): [reason_of(rejection.message, language, t) for rejection in rows],
        }
    )
    if plan.sheet:
        frame.insert(0, t("Sheet"), plan.sheet)
    st.dataframe(frame, hide_index=True)
    if len(plan.rejected) > _ON_SCREEN or len(plan.rejected) == MAX_SHOWN_REJECTIONS:
        st.caption(
            t(
                "The first {count} reasons; the list holds up to {most}.",
                count=len(rows),
                most=f"{MAX_SHOWN_REJECTIONS:,}",
            )
        )
    make = partial(write_rejections, plan.rejected, plan.causes, plan.sheet, language, t)
    draw_download_button(
        page,
        t("List of problems (.xlsx)"),
        File(name_file(page, "problems", "xlsx"), XLSX, make),
        key="bulk/problems",
        icon=":material/download:",
    )
    st.markdown(
        t(
            "Mend these rows in the file and upload it again, or write the others now: rows that "
            "are there already are recognised later."
        )
    )


def draw_confirmation(page: PageContext, plan: ImportPlan, *, disabled: bool) -> bool:
    """Draw the button that writes the accepted rows, and return whether it was pressed."""
    t, count = page.t, len(plan.accepted)
    if not count:
        if plan.duplicates and not plan.rejected_rows:
            draw_notice(
                t("Nothing is left to write"),
                t("All rows of this file are in the wave already. It is not changed."),
            )
        return False
    agreed = True
    if plan.rejected_rows:
        agreed = st.checkbox(
            t("Leave out the {count} refused rows", count=f"{plan.rejected_rows:,}"),
            key="bulk-skip",
        )
    return st.button(
        t("Write {count} interviews", count=f"{count:,}"),
        type="primary",
        key="bulk-write",
        disabled=disabled or not agreed,
        icon=":material/save:",
    )


def draw_result(page: PageContext, done: tuple[ImportResult, bool] | None) -> None:
    """Draw how many interviews were imported, and the next step; nothing if `done` is None."""
    if done is None:
        return
    t, (result, into_open) = page.t, done
    title = t("{count} interviews were written", count=f"{result.written:,}")
    again = t("{count} were there already and stay as they are.", count=f"{result.duplicates:,}")
    repeated = again if result.duplicates else ""
    if into_open and page.principal.may(Action.REVIEW):
        draw_notice(
            title,
            repeated,
            t("They count for the quotas and wait for review now."),
            link=(
                f"/{PAGES_BY_KEY[PageKey.REVIEW].url}?wave={result.wave_key}",
                t("To the review"),
            ),
        )
        return
    draw_notice(
        title, repeated, t("The next step is to freeze the wave on the page Waves and sampling.")
    )


REFRESH_SECONDS = 0.5
_CHECKING, _WRITING = "bulk/checking", "bulk/writing"
_CHECKED, _DONE, _PROBLEM, _FILE = "bulk/plan", "bulk/done", "bulk/problem", "bulk/said"


@dataclass(frozen=True)
class CheckedPlan:
    """Result of checking an import file, and the fingerprint of file and settings checked."""

    fingerprint: str
    plan: ImportPlan


def draw_bulk_import(page: PageContext) -> None:
    """Draw the import page; in one session one job (check or import) runs at a time."""
    _collect_result(page)
    aim = draw_target(page)
    if aim is None:
        return
    working = st.session_state.get(_CHECKING) or st.session_state.get(_WRITING)
    draw_template_download(page, aim)
    upload = draw_upload(page, disabled=working is not None)
    if upload is not None:
        if st.session_state.get(_FILE) != upload.sha256:
            st.session_state[_FILE] = upload.sha256
            st.session_state.pop(_DONE, None)
            st.session_state.pop(_PROBLEM, None)
        mapping = map_columns(page, aim, upload)
        if mapping is not None:
            _check_and_write(page, aim, upload, mapping, busy=working is not None)
    if working is not None:
        _draw_job_progress(page, working)
        # Outside of the part that draws itself anew twice a second, so that no click is lost.
        st.button(page.t("Cancel"), key="bulk-cancel", on_click=working.cancel)
    draw_result(page, st.session_state.get(_DONE))


def _check_and_write(
    page: PageContext, aim: ImportTarget, upload: UploadedTable, mapping: MappingFile, *, busy: bool
) -> None:
    t = page.t
    request = _build_import_request(aim, upload, mapping)
    parts = (
        aim.wave_key, aim.instrument.sha256, aim.is_new, aim.city_code, aim.reviewed, aim.title,
        aim.series,
        upload.sha256, request.mapping,
    )  # fmt: skip
    fingerprint = hashlib.sha256(repr(parts).encode()).hexdigest()
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
        settings, person = page.settings, require_principal(page.settings)
        job = BackgroundJob[CheckedPlan](msg("Checking"))
        job.start(lambda tick: _check_plan(settings, person, request, fingerprint, tick))
        st.session_state[_CHECKING] = job
        for outdated in (_CHECKED, _DONE, _PROBLEM):
            st.session_state.pop(outdated, None)
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
    """Draw the progress of a job, again every half second; the page stays usable meanwhile."""
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
    """Keep in the session the result of an ended check or import, or its error's message."""
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
