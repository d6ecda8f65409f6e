"""Late interviews that wait for a supervisor: list, answers, and the decision on each."""

from datetime import timedelta
from uuid import UUID

import streamlit as st

from survey.access.work import Work
from survey.collection.submission import SubmissionReceipt
from survey.figures.views.display_names import DisplayNames
from survey.kit import response_html
from survey.kit.feedback import perform, show_feedback
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.url_state import pick
from survey.locale import label_text, msg
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
from survey.store.china_time import china_date, format_china_minute, format_day
from survey.store.tables import Status
from survey.waves.review_reasons import MAX_NOTE

PART = "part"
LATE, QUEUE = "late", "queue"
_ACCEPTED = {
    Status.SUBMITTED: msg("Accepted: it is in the review queue now and counts from today."),
    Status.QUOTA_FULL: msg("Accepted, but its quota is full: it is kept and does not count."),
}


def pick_part(page: PageContext) -> str:
    """Draw the choice between the queue and late interviews, if any wait, and return it."""
    with page.read() as work:
        waiting = count_parked(work)
    if not waiting and st.query_params.get(PART) != LATE:
        return QUEUE
    t = page.t
    names = {
        QUEUE: t("Review queue"),
        LATE: t("Late interviews to decide on ({count})", count=f"{waiting:,}"),
    }
    return pick(
        t("What to look at"),
        PART,
        list(names),
        show=names.__getitem__,
        language=page.language,
        as_buttons=True,
    )


def draw_parked(page: PageContext) -> None:
    """Draw the waiting interviews, the longest first, and the chosen one with its answers."""
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
    by_id = {str(each.id): each for each in waiting}
    chosen = pick(
        t("Late interview"),
        "late",
        list(by_id),
        language=page.language,
        show=lambda code: _format_parked_title(page, by_id[code]),
    )
    _draw_chosen(page, UUID(chosen))


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
    def change(work: Work) -> SubmissionReceipt:
        return accept_parked(work, parked_id=parked_id, note=st.session_state[_note_key(parked_id)])

    def done(receipt: SubmissionReceipt) -> str:
        other = msg("Accepted. It ended early and needs no review.")
        return page.t(_ACCEPTED.get(receipt.status, other))

    perform(page, change, done=done)


def _discard_interview(page: PageContext, parked_id: UUID) -> None:
    def change(work: Work) -> None:
        discard_parked(work, parked_id=parked_id, note=st.session_state[_note_key(parked_id)])

    perform(page, change, done=page.t("Discarded, and its answers are erased."))
