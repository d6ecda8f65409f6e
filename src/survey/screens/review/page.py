"""Review page: one interview with the queue around it, and late interviews."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from html import escape
from uuid import UUID

import streamlit as st

from survey.access.roles import Action
from survey.collection.submission import SubmissionReceipt
from survey.figures.views.display_names import DisplayNames
from survey.kit import response_html
from survey.kit.browser_components import bind_keys
from survey.kit.feedback import record_view_once, run_change, show_feedback
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, read_cached
from survey.kit.text_blocks import escape_markdown
from survey.kit.url_state import keep_in_address, pick, pick_by_button
from survey.locale import Translator, label_text, msg
from survey.open_answers.coding import list_coding_rounds
from survey.review.parked_decisions import (
    MAX_LISTED,
    REASON_NAMES,
    ParkedDetail,
    ParkedNotFoundError,
    ParkedSummary,
    accept_parked,
    count_parked,
    discard_parked,
    get_parked_detail,
    list_parked,
)
from survey.review.quality.assessment import get_assessment_freshness
from survey.review.quality.flags import KIND_NAMES, FlagKind, flag_text
from survey.review.response_detail import FlagDetail, ResponseDetail, get_response_detail
from survey.review.review_queue import (
    REVIEWABLE,
    QueueEntry,
    ReviewFilter,
    count_queue,
    find_previous,
    is_in_queue,
    list_queue,
)
from survey.screens.review.decision import (
    ACTIONS,
    UNDO_KEY,
    decision_key,
    draw_bulk_decision,
    draw_decision_buttons,
    draw_undo_offer,
    draw_undo_own,
    is_undo_offered,
    offered_transitions,
    open_interview,
)
from survey.screens.review.filters import (
    INTERVIEW_PARAMETER,
    ReviewSelection,
    requested_id,
    select_interview,
)
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date, format_china_minute, format_day
from survey.store.tables import Status
from survey.waves.lifecycle import STATUS_NAMES, ResponseNotFoundError
from survey.waves.review_reasons import MAX_NOTE

PART = "part"
LATE, QUEUE, OPEN = "late", "queue", "open"
_ACCEPTED = {
    Status.SUBMITTED: msg("Accepted: it is in the review queue now and counts from today."),
    Status.QUOTA_FULL: msg("Accepted, but its quota is full: it is kept and does not count."),
}


def pick_part(page: PageContext) -> str:
    """Draw the choice of what to look at, if there is one, and return its code."""
    t = page.t
    with page.read() as work:
        waiting = count_parked(work)
        leads = page.principal.may(Action.LEAD_CODING)
        codes = leads or (page.principal.may(Action.CODE_ANSWERS) and list_coding_rounds(work))
    names = {QUEUE: t("Review queue")}
    if waiting or st.query_params.get(PART) == LATE:
        names[LATE] = t("Late interviews to decide on ({count})", count=f"{waiting:,}")
    if codes:
        names[OPEN] = t("Open answers")
    return pick_by_button(page, t("What to look at"), PART, names) if len(names) > 1 else QUEUE


def draw_parked(page: PageContext) -> None:
    """Draw interviews that arrived after link or wave ended, to decide on, and the chosen one."""
    t = page.t
    show_feedback(page, toast=True)
    with page.read() as work:
        waiting = list_parked(work)
    if not waiting:
        draw_notice(
            t("No late interview waits"),
            t(
                "Finished interviews that arrive after their link expired or the wave was closed "
                "wait here for your decision."
            ),
        )
        return
    st.caption(
        t(
            "These were finished, but arrived too late to count by themselves. None of them is in "
            "any figure. What nobody decides on is deleted after {days} days.",
            days=page.settings.keep_parked_days,
        )
    )
    if len(waiting) == MAX_LISTED:
        st.caption(t("The {count} that have waited longest.", count=MAX_LISTED))
    titles = {str(each.id): _format_parked_title(page, each) for each in waiting}
    _draw_chosen(page, UUID(pick(page, t("Late interview"), "late", titles)))


def _format_parked_title(page: PageContext, each: ParkedSummary) -> str:
    city = DisplayNames(page.language, None).area(each.city_code)
    parts = (city, each.point_name, format_china_minute(page.t, each.started_at))
    return " · ".join(part for part in parts if part)


def _draw_chosen(page: PageContext, parked_id: UUID) -> None:
    try:
        with page.read() as work:
            detail = get_parked_detail(work, parked_id=parked_id)
    except ParkedNotFoundError as error:
        # Somebody else has just decided on it.
        st.info(page.t(error.message))
        return
    _draw_facts(page, detail)
    _draw_decision(page, detail)
    st.html(response_html.render_answers(page.t, detail.parts, detail.language))


def _draw_facts(page: PageContext, detail: ParkedDetail) -> None:
    t, each = page.t, detail.summary
    until = each.parked_at + timedelta(days=page.settings.keep_parked_days)
    lines = {
        t("Why it did not count"): t(REASON_NAMES[each.why]),
        t("Wave"): label_text(each.wave_title, page.language),
        t("Surveyor"): " · ".join(filter(None, (each.surveyor, t(response_html.MODES[each.mode])))),
        t("Began"): f"{format_china_minute(t, each.started_at)} · "
        f"{response_html.format_duration(t, each.duration_seconds)}",
        t("Arrived"): format_china_minute(t, each.parked_at),
        t("Deleted without a decision on"): format_day(t, china_date(until)),
    }
    st.table(lines, border="horizontal")


def _note_key(parked_id: UUID) -> str:
    return f"late/note/{parked_id}"


def _draw_decision(page: PageContext, detail: ParkedDetail) -> None:
    t, parked_id = page.t, detail.summary.id
    if detail.objection is not None:
        st.warning(t("It cannot be accepted: {why}", why=t(detail.objection)))
    with st.form(f"late-decision/{parked_id}"):
        st.text_input(t("Reason"), key=_note_key(parked_id), max_chars=MAX_NOTE)
        st.caption(
            t(
                "The reason is written into the audit trail: no names or numbers of respondents. "
                "Discarding deletes the answers for good and cannot be undone."
            )
        )
        with st.container(horizontal=True):
            st.form_submit_button(
                t("Accept into review"),
                type="primary",
                key=f"late-accept-{parked_id}",
                on_click=_accept_interview,
                args=(page, parked_id),
                disabled=detail.objection is not None,
            )
            st.form_submit_button(
                t("Discard and erase"),
                key=f"late-discard-{parked_id}",
                on_click=_discard_interview,
                args=(page, parked_id),
            )


def _accept_interview(page: PageContext, parked_id: UUID) -> None:
    def done(receipt: SubmissionReceipt) -> str:
        other = msg("Accepted. It ended early and needs no review.")
        return page.t(_ACCEPTED.get(receipt.status, other))

    note = st.session_state[_note_key(parked_id)]
    run_change(page, partial(accept_parked, parked_id=parked_id, note=note), done=done)


def _discard_interview(page: PageContext, parked_id: UUID) -> None:
    note = st.session_state[_note_key(parked_id)]
    change = partial(discard_parked, parked_id=parked_id, note=note)
    run_change(page, change, done=page.t("Discarded, and its answers are erased."))


_UPCOMING = 8
_DRAWN = "review/drawn"
"""Interview on the screen and the selection in which it was drawn."""


@dataclass(frozen=True)
class _ReviewPageData:
    """Interview under review, the entries before and after it in the queue, and its length."""

    response: ResponseDetail
    before: QueueEntry | None
    upcoming: list[QueueEntry]
    total: int
    in_queue: bool
    """Whether it is part of the selection; if not, it is only read here."""


def draw_review(page: PageContext, choice: ReviewSelection) -> None:
    """Draw one interview of selection `choice`: flags, answers, history, queue and decisions."""
    t = page.t
    show_feedback(page, toast=True)
    data = _load_page_data(page, choice)
    if data is None:
        draw_undo_offer(page)
        draw_notice(
            t("Nothing is left in this selection"),
            t("Choose another state or city above; new interviews appear by themselves."),
        )
        return
    # The list changes while others work, the interview on the screen must not.
    st.session_state[_DRAWN] = (data.response.id, choice.filter)
    if requested_id() not in {None, data.response.id}:
        st.query_params[INTERVIEW_PARAMETER] = str(data.response.id)
    keep_in_address({INTERVIEW_PARAMETER: str(data.response.id)})
    record_view_once(page, AuditEvent.VIEW_INTERVIEW, data.response.id)
    if not data.response.computed:
        _draw_freshness(page, choice)
    left, right = st.columns([2.4, 1], gap="large")
    with left:
        st.html(
            response_html.render_response_header(
                page.t, DisplayNames(page.language, None), data.response
            )
            + response_html.render_consent(page.t, data.response)
        )
        if data.response.flags:
            lines = "".join(
                f"<li>{escape(_format_flag(t, flag))}</li>" for flag in data.response.flags
            )
            title = escape(t("What looks odd: risk {score} of 100", score=data.response.risk or 0))
            st.html(f'<section class="hcs-flags"><b>{title}</b><ul>{lines}</ul></section>')
        st.html(response_html.render_answers(t, data.response.parts, data.response.language))
        st.caption(t("History"))
        st.html(response_html.render_history(t, data.response.history))
    with right:
        _draw_upcoming(page, choice, data)
    if not data.response.computed:
        draw_bulk_decision(page, choice)
    _draw_action_bar(page, choice, data)


def _draw_action_bar(page: PageContext, choice: ReviewSelection, data: _ReviewPageData) -> None:
    """Draw decisions and undo offers for `data` in a bar that remains in view; bind their keys."""
    offered = is_undo_offered()
    undoable = data.response.undoable and not offered
    with st.container(key="review-bar"):
        draw_undo_offer(page)
        if data.in_queue or data.response.computed:
            draw_decision_buttons(page, data.response, choice.filter, undoable=undoable)
        else:
            _draw_out_of_selection(page, data.response, undoable=undoable)
    keys = {"j": "review-next", "k": "review-previous"}
    if offered or undoable:
        keys["z"] = UNDO_KEY
    steps = offered_transitions(page, data.response) if data.in_queue else ()
    bind_keys(keys | {ACTIONS[to][1]: decision_key(data.response, to) for to in steps})


def _draw_out_of_selection(page: PageContext, interview: ResponseDetail, *, undoable: bool) -> None:
    """Draw that an interview is not in the selection, and buttons to select its state or undo."""
    t = page.t
    st.caption(
        t(
            "This interview is {state}. It is not in the selection above, so nothing is decided "
            "on it here.",
            state=t(STATUS_NAMES[interview.status]),
        )
    )
    with st.container(horizontal=True):
        if undoable:
            draw_undo_own(page, interview)
        if interview.status in REVIEWABLE:
            st.button(
                t("Select it to decide on it"),
                key=f"review-select-{interview.id}",
                on_click=select_interview,
                args=(interview.id, interview.status),
            )
        st.button(
            t("Back to the selection"), key="review-leave", on_click=open_interview, args=(None,)
        )


def _load_page_data(page: PageContext, choice: ReviewSelection) -> _ReviewPageData | None:
    chosen = choice.filter
    with page.read() as work:
        wanted = requested_id()
        in_queue = wanted is not None and is_in_queue(work, chosen=chosen, response_id=wanted)
        if wanted is None or (not in_queue and _has_filter_changed(wanted, chosen)):
            first = list_queue(work, chosen=chosen, size=1)
            if not first:
                return None
            wanted, in_queue = first[0].id, True
        try:
            interview = get_response_detail(work, response_id=wanted)
        except ResponseNotFoundError:
            open_interview(None)
            st.info(page.t("The interview of this link is not in your area."))
            return None
        return _ReviewPageData(
            interview,
            find_previous(work, chosen=chosen, before=interview.spot),
            list_queue(work, chosen=chosen, after=interview.spot, size=_UPCOMING),
            count_queue(work, chosen=chosen),
            in_queue,
        )


def _has_filter_changed(requested: UUID, chosen: ReviewFilter) -> bool:
    """Return whether interview `requested` was drawn last, under another filter than `chosen`."""
    drawn: tuple[UUID, ReviewFilter] | None = st.session_state.get(_DRAWN)
    return drawn is not None and drawn[0] == requested and drawn[1] != chosen


def _draw_freshness(page: PageContext, choice: ReviewSelection) -> None:
    """Draw when quality checks of `choice`'s wave last ran, and how many newer interviews wait."""
    t = page.t
    read = partial(get_assessment_freshness, wave_id=choice.wave.id)
    freshness = read_cached(page, read, "freshness of flags", choice.wave.id)
    if freshness.finished_at is None:
        st.caption(t("Nobody has looked for odd interviews yet."))
        return
    st.caption(
        t(
            "Odd interviews were last looked for on {time}; {count} newer ones wait.",
            time=format_china_minute(t, freshness.finished_at),
            count=f"{freshness.waiting:,}",
        )
    )


def _format_flag(t: Translator, flag: FlagDetail) -> str:
    if flag.kind not in set(FlagKind):
        return flag.kind
    kind = FlagKind(flag.kind)
    return t("{name}: {note}", name=t(KIND_NAMES[kind]), note=t(flag_text(kind, flag.detail)))


def _draw_upcoming(page: PageContext, choice: ReviewSelection, data: _ReviewPageData) -> None:
    t, names = page.t, DisplayNames(page.language, None)
    st.caption(t("In this selection: {count}", count=f"{data.total:,}"))
    with st.container(horizontal=True):
        before = data.before.id if data.before else None
        after = data.upcoming[0].id if data.upcoming else None
        _draw_step_button(t("Previous (K)"), "review-previous", before)
        _draw_step_button(t("Next (J)"), "review-next", after)
    for line in data.upcoming:
        origin = names.area(line.city_code) if choice.filter.city_code is None else line.surveyor
        risk = t("risk {score}", score=line.risk) if line.risk else ""
        label = " · ".join(
            part
            for part in (origin, response_html.format_duration(t, line.duration_seconds), risk)
            if part
        )
        st.button(
            escape_markdown(label),
            key=f"review-open-{line.id}",
            type="tertiary",
            on_click=open_interview,
            args=(line.id,),
        )


def _draw_step_button(label: str, key: str, to: UUID | None) -> None:
    st.button(label, key=key, disabled=to is None, on_click=open_interview, args=(to,))
