"""Steps of a test or a check (a case) on its page, refused if it has changed, and its hearing."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import streamlit as st

from survey.access.work import Seen
from survey.comparative_tests.hearings import MAX_REPLY_CHARS, MIN_REPLY_DAYS, ReplyData
from survey.kit.feedback import run_change, run_change_below_button, show_feedback
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown
from survey.locale import Message
from survey.store.china_time import china_date, format_day
from survey.store.tables import ReplyStance, now
from survey.store.tables.columns import Reply


def change_case(
    page: PageContext,
    seen: Seen,
    service: Callable[..., object],
    done: str,
    slot: str,
    **given: object,
) -> None:
    """Run `service` on a case (test or check) if as `seen`; say `done`, or in `slot` why not."""
    run_change_below_button(
        page, lambda work: service(work, seen, **given), done=done, slot=slot, drawn=[seen, service]
    )


def plan_case(
    page: PageContext, create: Callable[..., object], draft: Any, parameter: str, done: str
) -> None:
    """Create a case (test, check) from `draft` and open it by `?parameter=key`, or say why not."""
    if run_change(page, lambda work: create(work, draft=draft), done=done) is None:
        show_feedback(page)
        return
    st.query_params[parameter] = draft.key
    st.rerun()


def draw_case_button(
    page: PageContext,
    seen: Seen,
    slot: str,
    service: Callable[..., object],
    label: str,
    done: str,
    **given: Any,
) -> None:
    """Draw a button to run `service` on case `seen` and say `done`, below the message of `slot`.

    Args:
        done: What is said once the service has run.
    """
    show_feedback(page, slot)
    st.button(
        label,
        key=slot,
        type="primary",
        on_click=change_case,
        args=(page, seen, service, done, slot),
        kwargs=given,
    )


def draw_step(
    page: PageContext,
    seen: Seen,
    slot: str,
    service: Callable[..., object],
    *texts: str,
    title: str = "",
    **given: Any,
) -> None:
    """Draw a popover with a button that moves case `seen` to another state by `service`.

    Args:
        texts: What the button says, what follows, and what is said once it is done.
        title: Name of the case, where its page shows several.
    """
    label, warning, done = texts
    # By its key it closes with its step: without, that of the next step would be open instead.
    with st.popover(label, key=slot):
        show_feedback(page, slot)
        if title:
            st.markdown(f"**{escape_markdown(title)}**")
        st.markdown(warning)
        st.button(
            label,
            key=f"{slot}/take",
            type="primary",
            on_click=change_case,
            args=(page, seen, service, done, slot),
            kwargs=given,
        )


DAY_COLUMNS = (1, 2, 3)
_SENDING, _REPLY = "hearing/send", "hearing/reply"
_USUAL_DAYS = MIN_REPLY_DAYS * 2


def list_hearing_heads(page: PageContext, who: str) -> tuple[str, ...]:
    """Return the column headings of a table of replies to results; `who` is the first one."""
    t = page.t
    return (who, t("Sent on"), t("Deadline"), t("Received on"), t("Reply"), t("Text of the reply"))


def format_hearing_row(
    page: PageContext,
    name: str,
    reply: Reply,
    stances: Mapping[ReplyStance, Message],
    more: str = "",
) -> list[str]:
    """Return the table row of `name` and its reply to results; `more` joins the answer's cell."""
    t = page.t
    received = format_day(t, reply.received_on) if reply.received_on else "–"
    if reply.is_late:
        late = t("after the deadline")
        received = f"{received} ({late})"
    stance = t(stances[reply.stance]) if reply.stance else t("no reply")
    return [
        name,
        format_day(t, reply.sent_on),
        format_day(t, reply.due_on),
        received,
        f"{stance}: {reply.text}" if reply.text else stance,
        " ".join(part for part in (reply.answer, more) if part) or "–",
    ]


def draw_sending(
    page: PageContext, seen: Seen, service: Callable[..., object], texts: tuple[str, str, str]
) -> None:
    """Draw the form by which `service` records that results were sent for comment, and until when.

    Args:
        texts: What the form is about, what its button says, and what is said once it is done.
    """
    about, label, done = texts
    with st.form(_SENDING, border=True):
        usual = china_date(now()) + timedelta(_USUAL_DAYS)
        due_on = st.date_input(page.t("Last day of a reply"), usual, format="YYYY-MM-DD")
        st.caption(about)
        show_feedback(page, _SENDING)
        if st.form_submit_button(label, type="primary"):
            if isinstance(due_on, date):
                change_case(page, seen, service, done, _SENDING, due_on=due_on)
            st.rerun()


def draw_reply_form(
    page: PageContext,
    seen: Seen,
    service: Callable[..., object],
    who: tuple[str, str],
    names: Mapping[str, str],
    stances: Mapping[ReplyStance, Message],
) -> None:
    """Draw the form by which `service` records a reply to results and the association's answer.

    Args:
        who: Label of the choice of who replied, and the service's name of it.
        names: Who was heard, by what the service calls them.
    """
    t, (label, parameter) = page.t, who
    with st.form(f"{_REPLY}/{seen.version}", border=True, enter_to_submit=False):
        chosen = st.selectbox(label, list(names), format_func=names.__getitem__)
        kinds = list(ReplyStance)
        stance = st.selectbox(t("Reply"), kinds, format_func=lambda each: t(stances[each]))
        text = st.text_area(t("Wording of the reply"), max_chars=MAX_REPLY_CHARS)
        answer = st.text_area(t("Answer of the association"), max_chars=MAX_REPLY_CHARS)
        received_on = st.date_input(t("Received on"), china_date(now()), format="YYYY-MM-DD")
        show_feedback(page, _REPLY)
        if st.form_submit_button(t("Record the reply")):
            day = received_on if isinstance(received_on, date) else china_date(now())
            given = {parameter: chosen}
            data = ReplyData(stance, text, answer, day)
            done = t("The reply is recorded.")
            change_case(page, seen, service, done, _REPLY, data=data, **given)
            st.rerun()
