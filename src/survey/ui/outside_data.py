"""Page of outside data: template, upload with its checking result, deliveries and revisions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.context.complaints.code_lists import shipped_code_lists
from survey.context.complaints.count_checks import CheckedCounts
from survey.context.complaints.storage import check_file, compare_revisions, import_complaints
from survey.context.complaints.template import write_template
from survey.context.count_check import CountCheck
from survey.context.deliveries import (
    DeliveredPeriod,
    DeliveryHead,
    DeliveryReceipt,
    list_delivered_periods,
)
from survey.fieldwork.importing.rejections import reason_of
from survey.locale import SurveyError
from survey.publish.views.complaints import format_count, name_area
from survey.store.china_time import china_date, format_china_minute, format_day
from survey.store.engine import read_scope
from survey.store.tables import DeliveryKind, now
from survey.ui.download_button import XLSX, File, draw_download_button
from survey.ui.feedback import perform, show_feedback
from survey.ui.html_table import render_table
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext

MAX_FILE_MB = 100
_MAX_DIFFERENCES = 200
_CHECKED = "outside/checked"


@dataclass(frozen=True)
class CheckedUpload:
    """Uploaded file with what its check found, or why it cannot be read."""

    name: str
    version: str
    outcome: CountCheck[CheckedCounts] | SurveyError


def draw_outside_data(page: PageContext) -> None:
    """Draw the page for those who deliver; deliveries are of the whole nation."""
    t = page.t
    page.principal.require(Action.DELIVER_EVIDENCE)
    show_feedback(page)
    st.caption(
        t(
            "Complaint statistics stand beside the score and never enter it. A month that is "
            "delivered again is a new revision; the older ones stay readable."
        )
    )
    _draw_upload(page)
    with read_scope(page.settings.store_url) as session:
        periods = list_delivered_periods(
            session=session, principal=page.principal, kind=DeliveryKind.COMPLAINTS
        )
    st.subheader(t("Deliveries"), anchor=False)
    if not periods:
        draw_notice(
            t("Nothing has been delivered yet"),
            t("Download the template, fill it in, and choose the file above."),
        )
        return
    _draw_periods(page, periods)
    _draw_differences(page, periods)


def _draw_upload(page: PageContext) -> None:
    t = page.t
    draw_download_button(
        page,
        t("Template to fill in (.xlsx)"),
        File("complaints-template.xlsx", XLSX, write_template),
        key="outside/template",
        icon=":material/download:",
    )
    version = st.selectbox(
        t("Version of the code lists"), shipped_code_lists().versions, key="outside/version"
    )
    uploaded = st.file_uploader(
        t("File with complaint counts (.xlsx or .csv)"),
        type=["xlsx", "csv", "txt", "tsv"],
        key="outside/file",
        max_upload_size=MAX_FILE_MB,
    )
    if uploaded is None:
        st.session_state.pop(_CHECKED, None)
        return
    checked = _check(page, uploaded.file_id, uploaded.name, uploaded.getvalue, version)
    if isinstance(checked.outcome, SurveyError):
        draw_notice(
            t("This file cannot be read"), t(checked.outcome.message), t("Nothing was written.")
        )
    elif checked.outcome.counts is None:
        _draw_problems(page, checked.outcome)
    else:
        _draw_form(page, checked, checked.outcome)


def _check(
    page: PageContext, file_id: str, name: str, read: Callable[[], bytes], version: str
) -> CheckedUpload:
    known = st.session_state.get(_CHECKED)
    if known is not None and known[0] == (file_id, version):
        upload: CheckedUpload = known[1]
        return upload
    with st.spinner(page.t("Looking at the file …")):
        outcome: CountCheck[CheckedCounts] | SurveyError
        try:
            outcome = check_file(read(), version=version)
        except SurveyError as error:
            outcome = error
    checked = CheckedUpload(name, version, outcome)
    st.session_state[_CHECKED] = ((file_id, version), checked)
    return checked


def _draw_problems(page: PageContext, check: CountCheck[CheckedCounts]) -> None:
    t = page.t
    draw_notice(
        t("{count} problems in {rows} rows", count=check.problem_count, rows=check.row_count),
        t("Nothing was written. Please correct the file and choose it again."),
        alert=True,
    )
    rows = [
        (str(each.row), each.column, each.value, reason_of(each.message, page.language, t))
        for each in check.problems
    ]
    st.html(render_table((t("Row"), t("Column"), t("Value"), t("Reason")), rows, long_names=True))
    if check.problem_count > len(rows):
        st.caption(t("The first {count} are listed.", count=len(rows)))


def _draw_form(page: PageContext, checked: CheckedUpload, check: CountCheck[CheckedCounts]) -> None:
    t, counts = page.t, check.counts
    assert counts is not None
    st.success(
        t(
            "{rows} counts of {months} are right; {totals} rows of totals agree with them.",
            rows=format_count(len(counts.frame)),
            months=", ".join(counts.periods),
            totals=counts.total_rows,
        )
    )
    if check.ignored_columns:
        st.caption(
            t("Columns that nothing uses: {columns}", columns=", ".join(check.ignored_columns))
        )
    with st.form("outside/form", border=True):
        source = st.text_input(t("Source"), max_chars=200, key="outside/source")
        day = st.date_input(
            t("Data as of"),
            value=china_date(now()),
            max_value=china_date(now()),
            format="YYYY-MM-DD",
            key="outside/day",
        )
        faults = st.text_area(
            t("Known faults; shown with every figure"), max_chars=2_000, key="outside/faults"
        )
        sent = st.form_submit_button(t("Store this delivery"), type="primary")
    if sent and isinstance(day, date):
        said = (source or "", day, faults or "")
        head = DeliveryHead(_upload_id(check.sha256, *said), *said, checked.version, checked.name)
        _store(page, check, head)


def _upload_id(content_sha256: str, source: str, day: date, faults: str) -> str:
    """Return the id of a file that comes without one: the same file twice is one delivery.

    With other known faults it is a new one: a new revision, with which these are shown.
    """
    said = "\n".join((content_sha256, source.strip(), day.isoformat(), faults.strip()))
    return f"upload-{sha256(said.encode()).hexdigest()[:16]}"


def _store(page: PageContext, check: CountCheck[CheckedCounts], head: DeliveryHead) -> None:
    t = page.t

    def run(session: Session, principal: Principal) -> DeliveryReceipt:
        return import_complaints(
            session=session, principal=principal, check=check, head=head, now=now()
        )

    def say(receipt: DeliveryReceipt) -> str:
        months = ", ".join(
            t("{month} (revision {number})", month=month, number=number)
            for month, number in receipt.revisions.items()
        )
        if receipt.is_repeated:
            return t("This very file is stored already: {months}.", months=months)
        return t("Stored: {months}.", months=months)

    perform(page, run, done=say, spinner=t("Storing …"))
    st.session_state.pop(_CHECKED, None)
    st.rerun()


def _draw_periods(page: PageContext, periods: list[DeliveredPeriod]) -> None:
    t = page.t
    heads = (
        t("Month"), t("Revision"), t("In use"), t("Source"), t("Data as of"), t("Known faults"),
        t("Delivered"), t("Code lists"),
    )  # fmt: skip
    demo_mark = (t("Demo data"),)
    rows = [
        (
            each.period,
            str(each.number),
            t("yes") if each.is_current else t("no"),
            " · ".join((each.source, *demo_mark)) if each.is_demo else each.source,
            format_day(t, each.data_as_of),
            each.known_faults or "–",
            " ".join((format_china_minute(t, each.delivered_at), each.delivered_by)).strip(),
            each.code_version,
        )
        for each in periods
    ]
    st.html(render_table(heads, rows, long_names=True))


def _draw_differences(page: PageContext, periods: list[DeliveredPeriod]) -> None:
    """Draw what the newest revision of a month changed, to those who deliver."""
    t = page.t
    revised = [each for each in periods if each.is_current and each.number > 1]
    if not revised or not page.principal.may(Action.DELIVER_EVIDENCE):
        return
    st.subheader(t("What the last revision changed"), anchor=False)
    by_month = {each.period: each for each in revised}
    month = st.selectbox(t("Month"), list(by_month), key="outside/revised")
    newer = by_month[month]
    older = next(
        each for each in periods if each.period == month and each.number == newer.number - 1
    )
    with read_scope(page.settings.store_url) as session:
        differences = compare_revisions(
            session=session, principal=page.principal, older=older, newer=newer
        )
    if not differences:
        st.caption(t("No sum of an area has changed."))
        return
    rows = [
        (
            name_area(each.area, page.language),
            format_count(each.before),
            format_count(each.after),
            format_count(each.solved_before),
            format_count(each.solved_after),
        )
        for each in differences[:_MAX_DIFFERENCES]
    ]
    heads = (
        t("Area"), t("Accepted before"), t("Accepted now"), t("Solved before"), t("Solved now"),
    )  # fmt: skip
    st.html(render_table(heads, rows))
