"""Changes of a comparative test from its page: with the version that was drawn."""

from collections.abc import Callable

import streamlit as st

from survey.context.comparative_tests.plan import advance_comparative_test
from survey.context.comparative_tests.reading import ComparativeTestDetail
from survey.store.tables import ComparativeTestState
from survey.ui.feedback import perform_in_popover, show_feedback
from survey.ui.page_runner import PageContext


def change_test(
    page: PageContext,
    test: ComparativeTestDetail,
    service: Callable[..., object],
    done: str,
    slot: str,
    **given: object,
) -> None:
    """Run a service on the version of the test that was drawn; a refusal is said in `slot`."""
    perform_in_popover(
        page,
        lambda work: service(work, test_id=test.summary.id, expected_version=test.version, **given),
        done=done,
        slot=slot,
    )


def draw_advance_button(
    page: PageContext,
    test: ComparativeTestDetail,
    to: ComparativeTestState,
    label: str,
    warning: str,
    done: str,
) -> None:
    """Draw the step to the next state, which cannot be taken back: it says so before."""
    # By its key it closes with its step: without, that of the next step would be open instead.
    slot = f"comparative-test/step/{to}"
    with st.popover(label, key=slot):
        show_feedback(page, slot)
        st.markdown(warning)
        st.button(
            label,
            key=f"comparative-test/advance/{to}",
            type="primary",
            on_click=change_test,
            args=(page, test, advance_comparative_test, done, slot),
            kwargs={"to": to},
        )
