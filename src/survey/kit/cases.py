"""Changes of a case from its page, made from the version that was drawn."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from survey.access.work import Seen
from survey.kit.feedback import perform_in_popover, show_feedback
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown


def change_case(
    page: PageContext,
    seen: Seen,
    service: Callable[..., object],
    done: str,
    slot: str,
    **given: object,
) -> None:
    """Run a service on the version of the case that was drawn; a refusal is said in `slot`."""
    perform_in_popover(page, lambda work: service(work, seen, **given), done=done, slot=slot)


def draw_step(
    page: PageContext,
    seen: Seen,
    slot: str,
    service: Callable[..., object],
    *texts: str,
    title: str = "",
    **given: Any,
) -> None:
    """Draw a step to another state, which says what follows before it is taken.

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
