"""The reviewer's page: one interview, the decisions on it, and the queue around it."""

from dataclasses import dataclass
from html import escape
from uuid import UUID

import streamlit as st

from survey.access.work import Work
from survey.figures.views.display_names import DisplayNames
from survey.kit import response_html
from survey.kit.browser_components import bind_keys
from survey.kit.feedback import record_view_once, show_feedback
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, read_cached
from survey.kit.text_blocks import escape_markdown
from survey.kit.url_state import keep_in_address
from survey.locale import Translator
from survey.review.quality.assessment import AssessmentFreshness, get_assessment_freshness
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
from survey.store.china_time import format_china_minute
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.waves.lifecycle import STATUS_NAMES, ResponseNotFoundError

_UPCOMING = 8
_DRAWN = "review/drawn"
"""Interview on the screen and the selection in which it was drawn."""


@dataclass(frozen=True)
class _ReviewPageData:
    """Interview under review and its neighbours in the queue."""

    response: ResponseDetail
    before: QueueEntry | None
    upcoming: list[QueueEntry]
    total: int
    in_queue: bool
    """Whether it is part of the selection; if not, it is only read here."""


def draw_review(page: PageContext, choice: ReviewSelection) -> None:
    """Draw the interview, the decisions on it, and its neighbours in the queue."""
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
    _name_in_address(data.response.id, choice.filter)
    record_view_once(page, AuditEvent.VIEW_INTERVIEW, data.response.id)
    if not data.response.computed:
        _draw_freshness(page, choice)
    left, right = st.columns([2.4, 1], gap="large")
    with left:
        _draw_response(page, data.response)
        if data.response.flags:
            _draw_flags(t, data.response)
        st.html(response_html.render_answers(t, data.response.parts, data.response.language))
        st.caption(t("History"))
        st.html(response_html.render_history(t, data.response.history))
    with right:
        _draw_upcoming(page, choice, data)
    if not data.response.computed:
        draw_bulk_decision(page, choice)
    _draw_action_bar(page, choice, data)


def _draw_action_bar(page: PageContext, choice: ReviewSelection, data: _ReviewPageData) -> None:
    """Draw the decisions in a bar that stays in view, below what was just decided."""
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
    """Say that the interview is not in the list beside it, and offer the list that holds it."""
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
    person, chosen = page.principal, choice.filter
    with read_scope(page.settings.store_url) as session:
        wanted = requested_id()
        in_queue = wanted is not None and is_in_queue(
            Work(session, person, now(), page.settings), chosen=chosen, response_id=wanted
        )
        if wanted is None or (not in_queue and _has_filter_changed(wanted, chosen)):
            first = list_queue(Work(session, person, now(), page.settings), chosen=chosen, size=1)
            if not first:
                return None
            wanted, in_queue = first[0].id, True
        try:
            interview = get_response_detail(
                Work(session, person, now(), page.settings), response_id=wanted
            )
        except ResponseNotFoundError:
            open_interview(None)
            st.info(page.t("The interview of this link is not in your area."))
            return None
        return _ReviewPageData(
            interview,
            find_previous(
                Work(session, person, now(), page.settings), chosen=chosen, before=interview.spot
            ),
            list_queue(
                Work(session, person, now(), page.settings),
                chosen=chosen,
                after=interview.spot,
                size=_UPCOMING,
            ),
            count_queue(Work(session, person, now(), page.settings), chosen=chosen),
            in_queue,
        )


def _has_filter_changed(requested: UUID, chosen: ReviewFilter) -> bool:
    """Whether the reader chose another selection while this interview was on the screen."""
    drawn: tuple[UUID, ReviewFilter] | None = st.session_state.get(_DRAWN)
    return drawn is not None and drawn[0] == requested and drawn[1] != chosen


def _name_in_address(response_id: UUID, chosen: ReviewFilter) -> None:
    """Name the interview that is drawn: the list changes while others work, the screen must not."""
    st.session_state[_DRAWN] = (response_id, chosen)
    if requested_id() not in {None, response_id}:
        st.query_params[INTERVIEW_PARAMETER] = str(response_id)
    keep_in_address({INTERVIEW_PARAMETER: str(response_id)})


def _draw_freshness(page: PageContext, choice: ReviewSelection) -> None:
    """Draw how far the quality detectors have come; newer interviews have no flags yet."""
    t = page.t

    def read() -> AssessmentFreshness:
        with page.read() as work:
            return get_assessment_freshness(work, wave_id=choice.wave.id)

    look = read_cached(page, read, "freshness of flags", choice.wave.id)
    if look.finished_at is None:
        st.caption(t("Nobody has looked for odd interviews yet."))
        return
    st.caption(
        t(
            "Odd interviews were last looked for on {time}; {count} newer ones wait.",
            time=format_china_minute(t, look.finished_at),
            count=f"{look.waiting:,}",
        )
    )


def _draw_response(page: PageContext, interview: ResponseDetail) -> None:
    st.html(
        response_html.render_response_header(page.t, DisplayNames(page.language, None), interview)
        + response_html.render_consent(page.t, interview)
    )


def _draw_flags(t: Translator, interview: ResponseDetail) -> None:
    lines = "".join(f"<li>{escape(_format_flag(t, flag))}</li>" for flag in interview.flags)
    title = escape(t("What looks odd: risk {score} of 100", score=interview.risk or 0))
    st.html(f'<section class="hcs-flags"><b>{title}</b><ul>{lines}</ul></section>')


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
