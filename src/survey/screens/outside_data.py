"""Page of outside data: template, upload with its check, deliveries and their revisions."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import sha256
from uuid import UUID

import streamlit as st

from survey.access.roles import Action
from survey.counts.complaint_view import name_area
from survey.counts.complaints.sums import compare_revisions
from survey.counts.count_check import CountCheck, check_counts
from survey.counts.count_declaration import CountKind
from survey.counts.count_kinds import COUNT_KINDS
from survey.counts.deliveries import (
    DeliveredPeriod,
    DeliveryHead,
    import_delivery,
    list_delivered_periods,
    preview_delivery,
    withdraw_delivery,
)
from survey.counts.delivery_changes import DeliveryNotAllowedError
from survey.counts.overdue_deliveries import OverdueMonth, list_overdue_months
from survey.frame.code_lists import shipped_code_lists
from survey.kit.delivery_feedback import (
    describe_receipt,
    draw_count_problems,
    draw_delivery_changes,
)
from survey.kit.download_button import XLSX, File, draw_download_button
from survey.kit.feedback import run_change, show_feedback
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import MAX_LISTED_ROWS, draw_long_table, render_table, render_text_table
from survey.kit.url_state import pick_by_button
from survey.locale import SurveyError, Translator
from survey.locale.figures import format_count
from survey.screens.complaints import draw_opinion_entry
from survey.store.china_time import china_date, format_china_minute, format_day
from survey.store.tables import DeliveryKind, now
from survey.tabular.reading import read_text_table

MAX_FILE_MB = 100
_MAX_DIFFERENCES, _MAX_NAMED = 200, 8
_CHECKED = "outside/checked"


@dataclass(frozen=True)
class CheckedUpload:
    """Uploaded file with the result of its check, or the error why it cannot be read."""

    name: str
    version: str
    outcome: CountCheck | SurveyError


def draw_outside_data(page: PageContext) -> None:
    """Draw the upload of outside counts of one kind, for those who deliver, and past deliveries."""
    t = page.t
    page.principal.require(Action.DELIVER_EVIDENCE)
    show_feedback(page)
    st.caption(
        t(
            "Outside data stand beside the score and never enter it. A month that is delivered "
            "again is a new revision; the older ones stay readable."
        )
    )
    names = {kind.value: t(each.name) for kind, each in COUNT_KINDS.items()}
    chosen = pick_by_button(page, t("What is delivered"), "kind", names)
    kind = COUNT_KINDS[DeliveryKind(chosen)]
    with page.read() as work:
        periods = list_delivered_periods(work, kind=kind.kind)
        overdue = list_overdue_months(work, kind=kind)
    _draw_overdue(page, overdue)
    _draw_upload(page, kind, periods)
    if kind.kind is DeliveryKind.OPINION:
        draw_opinion_entry(page, periods)
    st.subheader(t("Deliveries"), anchor=False)
    if not periods:
        draw_notice(
            t("Nothing has been delivered yet"),
            t("Download the template, fill it in, and choose the file above."),
        )
        return
    _draw_periods(page, periods)
    if kind.kind is DeliveryKind.COMPLAINTS:
        _draw_differences(page, periods)
    _draw_withdrawal(page, periods)


def _draw_overdue(page: PageContext, overdue: Sequence[OverdueMonth]) -> None:
    """Draw the months that should be there already, each with its day and the areas that lack."""
    if not overdue:
        return
    t = page.t
    st.subheader(t("Months overdue: {count}", count=len(overdue)), anchor=False)
    heads = (t("Month"), t("Due on"), t("Areas that lack"))
    rows = [
        (each.period, format_day(t, each.due), _name_areas(page, each.areas)) for each in overdue
    ]
    st.html(render_text_table(heads, rows, whole=(0, 1)))


def _name_areas(page: PageContext, areas: Sequence[str]) -> str:
    named = page.t(", ").join(name_area(area, page.language) for area in areas[:_MAX_NAMED])
    if len(areas) <= _MAX_NAMED:
        return named
    return page.t("{areas} and {count} more areas", areas=named, count=len(areas) - _MAX_NAMED)


def _draw_upload(page: PageContext, kind: CountKind, periods: list[DeliveredPeriod]) -> None:
    t, key = page.t, f"outside/{kind.kind.value}"
    draw_download_button(
        page,
        t("Template to fill in (.xlsx)"),
        File(f"{kind.kind.value}-template.xlsx", XLSX, kind.write_template),
        key=f"{key}/template",
        icon=":material/download:",
    )
    version = st.selectbox(
        t("Version of the code lists"), shipped_code_lists().versions, key=f"{key}/version"
    )
    uploaded = st.file_uploader(
        t("File (.xlsx or .csv): {rows}", rows=t(kind.rows)),
        type=["xlsx", "csv", "txt", "tsv"],
        key=f"{key}/file",
        max_upload_size=MAX_FILE_MB,
    )
    if uploaded is None:
        st.session_state.pop(_CHECKED, None)
        return
    checked = _check_upload(page, kind, uploaded.file_id, uploaded.name, uploaded.getvalue, version)
    if isinstance(checked.outcome, SurveyError):
        draw_notice(
            t("This file cannot be read"), t(checked.outcome.message), t("Nothing was written.")
        )
    elif checked.outcome.counts is None:
        draw_count_problems(page, checked.outcome)
    else:
        _draw_form(page, checked, checked.outcome, periods)


def _check_upload(
    page: PageContext,
    kind: CountKind,
    file_id: str,
    name: str,
    read: Callable[[], bytes],
    version: str,
) -> CheckedUpload:
    known = st.session_state.get(_CHECKED)
    if known is not None and known[0] == (kind.kind, file_id, version):
        upload: CheckedUpload = known[1]
        return upload
    with st.spinner(page.t("Looking at the file …")):
        outcome: CountCheck | SurveyError
        try:
            content = read()
            outcome = check_counts(
                kind, read_text_table(content), sha256=sha256(content).hexdigest(), version=version
            )
        except SurveyError as error:
            outcome = error
    checked = CheckedUpload(name, version, outcome)
    st.session_state[_CHECKED] = ((kind.kind, file_id, version), checked)
    return checked


def _draw_form(
    page: PageContext, checked: CheckedUpload, check: CountCheck, periods: list[DeliveredPeriod]
) -> None:
    t, counts = page.t, check.require_counts()
    kept = len(counts.frame)
    st.success(
        t(
            "{rows} counts of {months} are right; {totals} rows of totals agree with them.",
            rows=format_count(kept),
            months=", ".join(counts.periods),
            totals=check.row_count - kept,
        )
    )
    try:
        with page.read() as work:
            changes = preview_delivery(work, counts=counts)
    except DeliveryNotAllowedError as error:
        draw_notice(t("This cannot be stored"), t(error.message), t("Nothing was written."))
        return
    draw_delivery_changes(page, changes)
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
        is_confirmed = bool(changes.losses) and st.checkbox(
            t("What is listed in red shall be lost; the edition that stands stays readable."),
            key=f"outside/confirmed/{changes.confirmation}",
        )
        sent = st.form_submit_button(t("Store this delivery"), type="primary")
    if sent and isinstance(day, date):
        said = (source or "", day, faults or "")
        withdrawn = {each.external_id for each in periods if each.withdrawn_at is not None}
        head = DeliveryHead(
            _build_upload_id(check.sha256, *said, withdrawn), *said, checked.version, checked.name,
            confirmed_losses=changes.confirmation if is_confirmed else "",
        )  # fmt: skip
        change = partial(import_delivery, check=check, head=head)
        with st.spinner(page.t("Storing …")):
            stored = run_change(page, change, done=partial(describe_receipt, page))
        if stored:
            st.session_state.pop(_CHECKED, None)
        st.rerun()


def _build_upload_id(
    content_sha256: str, source: str, day: date, faults: str, withdrawn: Collection[str]
) -> str:
    """Return an uploaded file's id from hash, source, day, known faults; none of `withdrawn`.

    With other known faults, or after it was withdrawn, it is a new one.
    """
    said = "\n".join((content_sha256, source.strip(), day.isoformat(), faults.strip()))
    upload_id = f"upload-{sha256(said.encode()).hexdigest()[:16]}"
    while upload_id in withdrawn:
        upload_id += "-2"
    return upload_id


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
            _describe_standing(each, t),
            " · ".join((each.source, *demo_mark)) if each.is_demo else each.source,
            format_day(t, each.data_as_of),
            each.known_faults or "–",
            " ".join((format_china_minute(t, each.delivered_at), each.delivered_by)).strip(),
            each.code_version,
        )
        for each in periods
    ]
    draw_long_table(
        heads,
        rows,
        key="outside/all",
        show_all=t("Show all {count} deliveries", count=len(rows)),
        listed=t("The newest {count} deliveries.", count=MAX_LISTED_ROWS),
        whole=(0, 1, 2, 4),
    )


def _describe_standing(edition: DeliveredPeriod, t: Translator) -> str:
    if edition.withdrawn_at is not None:
        return t("withdrawn: {reason}", reason=edition.withdrawal_reason)
    return t("yes") if edition.is_current else t("no")


def _draw_withdrawal(page: PageContext, periods: list[DeliveredPeriod]) -> None:
    """Draw the form that withdraws a delivery with all its months."""
    t = page.t
    standing: dict[UUID, list[DeliveredPeriod]] = {}
    for each in periods:
        if each.withdrawn_at is None:
            standing.setdefault(each.delivery_id, []).append(each)
    if not standing:
        return
    st.subheader(t("Withdraw a delivery"), anchor=False)
    st.caption(
        t(
            "All months of the delivery no longer hold; of each the edition before it holds again, "
            "if there is one. The withdrawn edition stays readable here."
        )
    )
    with st.form("outside/withdrawal", border=True):
        chosen = st.selectbox(
            t("Delivery"),
            list(standing),
            format_func=lambda key: " · ".join(
                (
                    ", ".join(f"{each.period} ({each.number})" for each in standing[key]),
                    standing[key][0].source,
                    format_china_minute(t, standing[key][0].delivered_at),
                )
            ),
            key="outside/withdrawn",
        )
        reason = st.text_input(t("Reason"), max_chars=200, key="outside/reason")
        sent = st.form_submit_button(t("Withdraw this delivery"), key="outside/withdraw")
    if sent:
        change = partial(withdraw_delivery, delivery_id=chosen, reason=reason or "")
        run_change(page, change, done=t("The delivery is withdrawn."))
        st.rerun()


def _draw_differences(page: PageContext, periods: list[DeliveredPeriod]) -> None:
    """Draw, by area, how a month's earlier or withdrawn counts differ from those in use."""
    t = page.t
    others = {each.revision_id: each for each in periods if not each.is_current}
    if not others or not page.principal.may(Action.DELIVER_EVIDENCE):
        return
    st.subheader(t("Earlier and withdrawn editions"), anchor=False)
    older = others[
        st.selectbox(
            t("Edition"),
            list(others),
            format_func=lambda key: t(
                "{month} · revision {number}", month=others[key].period, number=others[key].number
            ),
            key="outside/edition",
        )
    ]
    in_use = next((each for each in periods if each.period == older.period and each.is_current),
                  None)  # fmt: skip
    with page.read() as work:
        differences = compare_revisions(work, older=older, newer=in_use)
    if not differences:
        st.caption(t("Every sum of an area is that of the edition in use."))
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
        t("Area"), t("Accepted, this edition"), t("Accepted, in use"), t("Solved, this edition"),
        t("Solved, in use"),
    )  # fmt: skip
    st.html(render_table(heads, rows))
