"""Changes of an experience check from its page: with the version that was drawn."""

from collections.abc import Callable

import streamlit as st

from survey.context.experience_checks.reading import ExperienceCheckDetail
from survey.ui.feedback import perform_in_popover, show_feedback
from survey.ui.page_runner import PageContext
from survey.ui.text_blocks import escape_markdown


def change_check(
    page: PageContext,
    check: ExperienceCheckDetail,
    service: Callable[..., object],
    done: str,
    slot: str,
    **given: object,
) -> None:
    """Run a service on the version of the check that was drawn; a refusal is said in `slot`."""
    perform_in_popover(
        page,
        lambda work: service(
            work, wave_id=check.summary.id, expected_version=check.version, **given
        ),
        done=done,
        slot=slot,
    )


def draw_step(
    page: PageContext,
    check: ExperienceCheckDetail,
    service: Callable[..., object],
    label: str,
    warning: str,
    done: str,
) -> None:
    """Draw a step to another state: it names the check and says what follows before it is taken."""
    # By its key it closes with its step: without, that of the next step would be open instead.
    slot = f"experience-check/step/{service.__name__}"
    with st.popover(label, key=slot):
        show_feedback(page, slot)
        st.markdown(f"**{escape_markdown(check.summary.title[page.language])}**")
        st.write(warning)
        st.button(
            label,
            key=f"experience-check/{service.__name__}/{check.version}",
            type="primary",
            on_click=change_check,
            args=(page, check, service, done, slot),
        )
