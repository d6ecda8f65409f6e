"""Page of outside data: template, upload with its check, deliveries and their revisions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from uuid import UUID

import streamlit as st

from survey.access.roles import NATION, Action
from survey.collection.importing.mapping_documents import write_mapping_json
from survey.counts.bringing_in.count_files import CountFile, read_count_file, write_problems
from survey.counts.bringing_in.proposal import propose_mapping
from survey.counts.bringing_in.published_tables import PublishedFile, read_published_tables
from survey.counts.bringing_in.saved_mappings import list_count_mappings
from survey.counts.bringing_in.table_mapping import TableMapping
from survey.counts.bringing_in.trader_totals import NAMES_OF, NamesOf, TraderQuestion
from survey.counts.closed_months import list_closed_months
from survey.counts.complaint_view import name_area
from survey.counts.complaints.sums import compare_revisions
from survey.counts.count_declaration import CheckedCounts, CountKind
from survey.counts.count_kinds import COMPLAINTS, COUNT_KINDS
from survey.counts.deliveries import (
    DeliveryHead,
    build_upload_id,
    list_delivery_areas,
    preview_delivery,
    withdraw_delivery,
)
from survey.counts.delivery_changes import DeliveryNotAllowedError
from survey.counts.overdue_deliveries import OverdueMonth, list_overdue_months
from survey.counts.standing_deliveries import DeliveredPeriod, list_own_deliveries
from survey.counts.trader_lists import import_cases
from survey.counts.trader_rules import ask_for_traders, find_trader_rule
from survey.frame.code_lists import shipped_code_lists
from survey.kit.delivery_feedback import (
    describe_receipt,
    draw_count_problems,
    draw_delivery_changes,
    draw_head_form,
)
from survey.kit.download_button import CSV, XLSX, File, draw_download_button, name_file
from survey.kit.feedback import run_change, show_feedback
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import (
    MAX_LISTED_ROWS,
    draw_first_rows,
    draw_long_table,
    escape_markdown,
    render_text_table,
)
from survey.kit.url_state import pick_by_button
from survey.locale import SurveyError, Translator
from survey.locale.figures import format_count
from survey.screens.closed_months import draw_closing
from survey.screens.complaints import draw_opinion_entry
from survey.screens.count_mapping import READ, MappingEditor, draw_keeping, remember
from survey.screens.published_quarters import draw_published_form, draw_published_withdrawal
from survey.store.china_time import china_date, format_china_minute, format_day
from survey.store.tables import DeliveryKind, now

MAX_FILE_MB = 100
_MAX_DIFFERENCES, _MAX_NAMED = 200, 8
_CHECKED, _APPLIED = "outside/checked", "outside/applied"
_AS_UNDERSTOOD = ""


_Outcome = CountFile | PublishedFile | SurveyError
"""A file with the result of its check, or the error why it cannot be read."""


@dataclass(frozen=True)
class Upload:
    """Uploaded file and what was said about how to read it."""

    key: str
    """Name of this upload among others of the session."""
    name: str
    content: bytes
    version: str
    of_cases: bool
    mapping: TableMapping | None
    """Mapping that a person chose; None where the file was read as it was understood."""
    traders: TraderQuestion | None
    """By which names single complaints are counted as well."""


def draw_outside_data(page: PageContext) -> None:
    """Draw the upload of outside counts of one kind, for those who deliver, and past deliveries."""
    t = page.t
    page.principal.require(Action.DELIVER_EVIDENCE)
    show_feedback(page)
    st.caption(
        t(
            "Outside data stand beside the score and never enter it. What is delivered again "
            "is a new revision; the older ones stay readable."
        )
    )
    names = {
        kind.value: t(each.name)
        for kind, each in COUNT_KINDS.items()
        # Opinion of the nation is no sum over its places, and is delivered for it as a whole.
        if kind is not DeliveryKind.OPINION or page.principal.covers(NATION)
    }
    chosen = pick_by_button(page, t("What is delivered"), "kind", names)
    kind = COUNT_KINDS[DeliveryKind(chosen)]
    with page.read() as work:
        periods = list_own_deliveries(work, kind=kind.kind)
        overdue = list_overdue_months(work, kind=kind)
    _draw_overdue(page, overdue)
    _draw_upload(page, kind, periods)
    if kind.kind is DeliveryKind.COMPLAINTS:
        draw_published_withdrawal(page)
        draw_closing(page)
    if kind.kind is DeliveryKind.OPINION:
        draw_opinion_entry(page, periods)
    if not periods:
        draw_notice(
            t("Nothing has been delivered yet"),
            t("Download the template, fill it in, and choose the file above."),
        )
        return
    with st.expander(t("Deliveries")):
        _draw_periods(page, kind, periods)
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
    of_cases = kind.kind is not DeliveryKind.OPINION and _pick_contents(page)
    chosen = _pick_mapping(page, kind, of_cases)
    traders = _pick_names(page) if of_cases and kind is COMPLAINTS else None
    uploaded = st.file_uploader(
        t(
            "File (.xlsx or .csv): {rows}",
            rows=t("one row a complaint") if of_cases else t(kind.rows),
        ),
        type=["xlsx", "csv", "txt", "tsv"],
        key=f"{key}/file",
        max_upload_size=MAX_FILE_MB,
    )
    if uploaded is None:
        for each in (_CHECKED, _APPLIED, READ):
            st.session_state.pop(each, None)
        return
    applied = st.session_state.get(_APPLIED, (None, None))
    asked = (kind.kind, uploaded.file_id, of_cases, None if chosen is None else chosen[0])
    mapping = applied[1] if applied[0] == asked else chosen[1] if chosen else None
    upload = Upload(
        uploaded.file_id, uploaded.name, uploaded.getvalue(), version, of_cases, mapping, traders
    )
    outcome = _check_upload(page, kind, upload, (asked, version, mapping, traders))
    if isinstance(outcome, PublishedFile):
        draw_published_form(page, outcome, upload.name)
        return
    if isinstance(outcome, CountFile) and outcome.remarks:
        st.caption(escape_markdown(" · ".join(map(t, outcome.remarks))))
    if isinstance(outcome, SurveyError):
        draw_notice(t("This file cannot be read"), t(outcome.message), t("Nothing was written."))
    elif outcome.check.counts is None:
        _draw_problems(page, outcome)
    edited = _draw_mapping(page, kind, upload, outcome)
    if edited is not None:
        st.session_state[_APPLIED] = (asked, edited)
        st.rerun()
    if isinstance(outcome, CountFile) and outcome.check.counts is not None:
        _draw_form(page, upload, outcome, periods)


def _draw_problems(page: PageContext, file: CountFile) -> None:
    t = page.t
    draw_count_problems(page, file.check)
    draw_download_button(
        page,
        t("All problems with their rows (.csv)"),
        File(name_file(page, "problems", "csv"), CSV,
             partial(write_problems, file, page.language, t)),
        key="outside/problems",
        icon=":material/download:",
    )  # fmt: skip


def _pick_contents(page: PageContext) -> bool:
    """Draw what a file of complaints holds; return whether it is a list of single complaints."""
    t = page.t
    names = {"counts": t("counts"), "cases": t("single complaints, to be counted")}
    of_cases = pick_by_button(page, t("What the file holds"), "rows", names) == "cases"
    if of_cases:
        st.caption(
            t(
                "Only the columns that are named below are read. The complaints are counted at "
                "once; nothing of a single one is kept."
            )
        )
    return of_cases


def _pick_names(page: PageContext) -> TraderQuestion | None:
    """Draw by which names complaints are counted as well, where the rule on traders allows it."""
    t, no = page.t, ""
    with page.read() as work:
        if find_trader_rule(work) is None:
            return None
        names_of = st.selectbox(
            t("Totals by name"),
            [no, *NamesOf],
            format_func=lambda each: t(NAMES_OF[each]) if each else t("none: no name is read"),
            help=t(
                "For a list of a whole year. They are kept once and for good, from the threshold "
                "on; sole traders are left out."
            ),
            key="outside/names",
        )
        if not names_of:
            return None
        st.caption(
            t("The column of names is read as well. A name below the threshold is not kept.")
        )
        return ask_for_traders(work, names_of=names_of)


def _pick_mapping(
    page: PageContext, kind: CountKind, of_cases: bool
) -> tuple[str, TableMapping] | None:
    """Draw the choice of a kept mapping, if there are any that fit what the file holds."""
    t = page.t
    with page.read() as work:
        kept = {
            name: mapping
            for name, mapping in list_count_mappings(work, kind=kind).items()
            if (mapping.cases is not None) is of_cases
        }
    if not kept:
        return None
    name = st.selectbox(
        t("Mapping"),
        [_AS_UNDERSTOOD, *kept],
        format_func=lambda each: t("as the file is understood") if each == _AS_UNDERSTOOD else each,
        key=f"outside/kept/{kind.kind.value}/{of_cases}",
    )
    return None if name == _AS_UNDERSTOOD else (name, kept[name])


def _check_upload(page: PageContext, kind: CountKind, upload: Upload, asked: object) -> _Outcome:
    """Return the check of an upload, which is kept until something else is asked."""
    known = st.session_state.get(_CHECKED)
    if known is not None and known[0] == asked:
        kept: _Outcome = known[1]
        return kept
    outcome: _Outcome
    with st.spinner(page.t("Looking at the file …")):
        try:
            is_plain = kind.kind is DeliveryKind.COMPLAINTS and not upload.of_cases
            published = (
                read_published_tables(upload.content)
                if is_plain and upload.mapping is None
                else None
            )
            outcome = published or read_count_file(
                kind, upload.content, mapping=upload.mapping, of_cases=upload.of_cases,
                version=upload.version, traders=upload.traders,
            )  # fmt: skip
        except SurveyError as error:
            outcome = error
    st.session_state[_CHECKED] = (asked, outcome)
    return outcome


def _draw_mapping(
    page: PageContext, kind: CountKind, upload: Upload, outcome: _Outcome
) -> TableMapping | None:
    """Draw what the columns of a file mean, unless it is the template; return what was changed."""
    read = outcome if isinstance(outcome, CountFile) else None
    if read is not None and read.proposal is None and upload.mapping is None:
        return None
    try:
        proposal = remember(
            (upload.key, upload.of_cases),
            lambda: propose_mapping(kind, upload.content, of_cases=upload.of_cases),
        )
    except SurveyError:
        return None
    current = upload.mapping or proposal.mapping
    key = f"{upload.key}/{sha256(write_mapping_json(current)).hexdigest()[:16]}"
    is_right = read is not None and read.check.counts is not None
    with st.expander(page.t("What the columns mean"), expanded=not is_right):
        editor = MappingEditor(page, kind, upload.content, current, key)
        edited = editor.draw(proposal.sheets, upload.version)
        if is_right:
            draw_keeping(page, kind, current)
    return edited


def _pick_area(page: PageContext, counts: CheckedCounts) -> str:
    """Draw of which area the file speaks, where there is a choice; return its code."""
    t = page.t
    with page.read() as work:
        areas = list_delivery_areas(work, counts=counts)
    if len(areas) < 2:
        return areas[0] if areas else page.principal.area
    chosen: str = st.selectbox(
        t("The file speaks of"),
        areas,
        format_func=lambda code: name_area(code, page.language),
        help=t("Only what stands of this area is replaced; other areas keep what they have."),
        key=f"outside/area/{'/'.join(areas)}",
    )
    return chosen


def _draw_form(
    page: PageContext, upload: Upload, file: CountFile, periods: list[DeliveredPeriod]
) -> None:
    t, check = page.t, file.check
    counts = check.require_counts()
    about = {"rows": format_count(len(counts.frame)), "months": ", ".join(counts.periods)}
    if upload.of_cases:
        cases = format_count(check.row_count)
        right = t("{cases} complaints make {rows} counts of {months}.", cases=cases, **about)
    else:
        right = t(
            "{rows} counts of {months} are right; {totals} rows of totals agree with them.",
            totals=counts.total_rows,
            **about,
        )
    st.success(right)
    area = _pick_area(page, counts)
    try:
        with page.read() as work:
            changes = preview_delivery(work, counts=counts, area=area)
            closed = list_closed_months(work) if counts.kind is COMPLAINTS else {}
    except DeliveryNotAllowedError as error:
        draw_notice(t("This cannot be stored"), t(error.message), t("Nothing was written."))
        return
    draw_delivery_changes(page, counts.kind, changes)
    said = draw_head_form(
        page,
        changes,
        DeliveryHead("", "", china_date(now()), "", upload.version, upload.name, area=area),
        sorted(closed.keys() & {*counts.periods}),
    )
    if said is not None:
        withdrawn = {each.external_id for each in periods if each.withdrawn_at is not None}
        head = replace(said, external_id=build_upload_id(check.sha256, said, withdrawn))
        change = partial(import_cases, file=file, head=head)
        with st.spinner(page.t("Storing …")):
            stored = run_change(page, change, done=partial(describe_receipt, page))
        if stored:
            st.session_state.pop(_CHECKED, None)
        st.rerun()


def _draw_periods(page: PageContext, kind: CountKind, periods: list[DeliveredPeriod]) -> None:
    t = page.t
    heads = (
        t(kind.period), t("Revision"), t("Area"), t("In use"), t("Source"), t("Data as of"),
        t("Known faults"), t("Delivered"), t("Code lists"),
    )  # fmt: skip
    demo_mark = (t("Demo data"),)
    rows = [
        (
            each.period,
            str(each.number),
            name_area(each.area, page.language),
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
        whole=(0, 1, 3, 5),
    )


def _describe_standing(edition: DeliveredPeriod, t: Translator) -> str:
    if edition.withdrawn_at is not None:
        return t("withdrawn: {reason}", reason=edition.withdrawal_reason)
    if edition.is_current and edition.overridden:
        return t("yes, but for what was delivered later")
    return t("yes") if edition.is_current else t("no")


def _draw_withdrawal(page: PageContext, periods: list[DeliveredPeriod]) -> None:
    """Draw the form that withdraws a delivery with all its months."""
    t = page.t
    standing: dict[UUID, list[DeliveredPeriod]] = {}
    for each in periods:
        if each.withdrawn_at is None and page.principal.covers(each.area):
            standing.setdefault(each.delivery_id, []).append(each)
    if not standing:
        return
    st.subheader(t("Withdraw a delivery"), anchor=False)
    st.caption(
        t(
            "Nothing of the delivery holds any more; what stood before it holds again, if there "
            "is anything. The withdrawn edition stays readable here."
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
    with page.read() as work:
        differences = compare_revisions(work, older=older)
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
    draw_first_rows(t, heads, rows, key=f"outside/differences/{older.revision_id}")
