"""What became of a click: said at the top of the next drawing, with the link that was made."""

from collections.abc import Callable

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.locale import SurveyError, Translator
from survey.store.transactions import run_in_transaction
from survey.ui.current_principal import require_principal
from survey.ui.invitation_codes import public_origin
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext

_DONE, _PROBLEM, _LINK = "users/done", "users/problem", "users/link"


def run_change(
    page: PageContext, change: Callable[[Session, Principal], object], done: str
) -> bool:
    """Run one change in one transaction as whoever is signed in now; say how it went."""
    try:
        run_in_transaction(
            page.settings.store_url,
            lambda session: change(session, require_principal(page.settings)),
        )
    except SurveyError as error:
        st.session_state[_PROBLEM] = page.t(error.message)
        return False
    st.session_state[_DONE] = done
    return True


def keep_setup_link(page: PageContext, name: str, token: str) -> None:
    """Show the link at the next drawing, and at no later one."""
    st.session_state[_LINK] = name, f"{public_origin(page)}/auth/setup/{token}"


def show_feedback(t: Translator) -> None:
    done = st.session_state.pop(_DONE, None)
    if done is not None:
        st.success(done)
    problem = st.session_state.pop(_PROBLEM, None)
    if problem is not None:
        draw_notice(problem, t("Nothing was changed."))
    made: tuple[str, str] | None = st.session_state.pop(_LINK, None)
    if made is not None:
        name, link = made
        draw_notice(
            t("Setup link for {name}", name=name),
            t(
                "Give it to this person alone. With it they choose their password, once, within "
                "three days. It is not shown again."
            ),
        )
        st.code(link, language=None)
