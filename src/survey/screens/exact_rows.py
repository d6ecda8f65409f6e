"""Requests for exact microdata files: asking for one, downloading it, deciding requests."""

from uuid import UUID

import streamlit as st

from survey.access.work import Work
from survey.figures.views.display_names import DisplayNames
from survey.files.microdata.exact_requests import (
    MAX_REASON_CHARS,
    ExactRequest,
    RequestState,
    decide_exact_rows,
    export_exact_rows,
    list_exact_requests,
    list_pending_requests,
    request_exact_rows,
)
from survey.files.microdata.export import MAX_PURPOSE_CHARS, PURPOSE_RULE, ExportableWave
from survey.files.microdata.file_formats import FileFormat
from survey.kit.download_button import CSV, XLSX, File, draw_download_button
from survey.kit.feedback import perform, show_feedback
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.viewer import require_principal
from survey.locale import Message, label_text, msg
from survey.store.china_time import format_china_minute
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
    """Draw an analyst's requests for this wave, the approved files and the request form."""
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
        perform(
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
    return run_in_transaction(
        page.settings.store_url,
        lambda session: (
            export_exact_rows(
                Work(session, require_principal(page.settings), now(), page.settings),
                request_id=request_id,
                form=form,
                language=page.language,
            ).content
        ),
    )


def draw_pending_requests(page: PageContext) -> None:
    """Draw the requests of others that wait for a decision."""
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
        perform(
            page,
            lambda work: decide_exact_rows(
                work, request_id=request.id, decision=decision, reason=str(reason or "")
            ),
            done=t("The request is approved.") if approve else t("The request is not approved."),
        )
        st.rerun()
