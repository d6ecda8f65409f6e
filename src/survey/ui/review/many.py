"""Everything in the selection at once: first what it would change, then the change."""

from html import escape

import streamlit as st

from survey.fieldwork.lifecycle import STATUS_NAMES
from survey.fieldwork.reasons import REASONS
from survey.fieldwork.review import REVIEWABLE, Preview, decide_all, next_steps, preview
from survey.locale import SurveyError, Translator
from survey.store.engine import read_scope
from survey.store.repeating import write
from survey.store.tables import Status, now
from survey.ui.page import Visit, fragment
from survey.ui.review.choice import Choice
from survey.ui.review.decision import ACTIONS
from survey.ui.review.outcome import act_and_go_on, given_reason, pick_reason
from survey.ui.session import signed_in

AGAIN = "review/again"
"""Set when a decision on many was made: the whole page is out of date, not only their part."""


@fragment()
def everything_at_once(visit: Visit, choice: Choice) -> None:
    """Everything in the selection at once: first what it would change, then the change."""
    if st.session_state.pop(AGAIN, False):
        st.rerun()
    t = visit.t
    place = st.expander(
        t("Decide on everything in this selection"), key="review/many", on_change="rerun"
    )
    if not place.open:
        return
    with place:
        steps = _bulk_steps(visit)
        to = st.selectbox(
            t("What should happen"), steps, format_func=lambda step: t(ACTIONS[step][0]),
            key=f"many/to/{visit.language}",
        )  # fmt: skip
        try:
            with read_scope(visit.settings.store_url) as session:
                seen = preview(
                    session=session, principal=visit.principal, chosen=choice.filter, to=to
                )
        except SurveyError as error:
            st.caption(t(error.message))
            return
        st.html(preview_words(t, seen))
        if seen.total:
            _confirm_many(visit, choice, seen)


def _bulk_steps(visit: Visit) -> list[Status]:
    possible = {to for status in REVIEWABLE for to in next_steps(visit.principal, status)}
    return [to for to in ACTIONS if to in possible]


def preview_words(t: Translator, seen: Preview) -> str:
    """What will change and what stays, as a list."""
    lines = [
        t("{count} {state}: will be changed", count=f"{total:,}", state=t(STATUS_NAMES[status]))
        for status, total in seen.will.items()
    ] + [
        t("{count} {state}: stay as they are", count=f"{total:,}", state=t(STATUS_NAMES[status]))
        for status, total in seen.cannot.items()
    ]
    if seen.own:
        lines.append(
            t("{count} of these you approved for the city: another person decides",
              count=f"{seen.own:,}")
        )  # fmt: skip
    if not lines:
        lines = [t("There is nothing in this selection.")]
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _confirm_many(visit: Visit, choice: Choice, seen: Preview) -> None:
    t, place = visit.t, f"many/{seen.to.value}"
    with st.form(f"review-{place}"):
        if seen.to in REASONS:
            pick_reason(visit, seen.to, place)
        st.form_submit_button(
            t("{action}: {count} interviews", action=t(ACTIONS[seen.to][0]),
              count=f"{seen.total:,}"),
            type="primary", key="review-many-confirm",
            on_click=_decide_many, args=(visit, choice, seen, place),
        )  # fmt: skip


def _decide_many(visit: Visit, choice: Choice, seen: Preview, place: str) -> None:
    def act() -> None:
        reason = given_reason(place) if seen.to in REASONS else None
        principal = signed_in(visit.settings)
        write(
            visit.settings.store_url,
            lambda session: decide_all(
                session=session, principal=principal, chosen=choice.filter,
                seen=seen, reason=reason, now=now(),
            ),
        )  # fmt: skip

    note = st.session_state.get(f"note/{place}") or ""
    done = visit.t("{count} interviews: now {state}.", count=f"{seen.total:,}",
                   state=visit.t(STATUS_NAMES[seen.to]))  # fmt: skip
    act_and_go_on(visit, act, done, after=None, note=note)
    st.session_state[AGAIN] = True
