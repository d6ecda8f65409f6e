"""The telephone number of one person to be asked again: on request, and never kept in the page."""

import streamlit as st

from survey.access.principal import Action
from survey.fieldwork.back_check import ANSWERED, CallEntry
from survey.fieldwork.back_check.phone_numbers import reveal_phone_number
from survey.locale import SurveyError
from survey.store.cipher import configured_cipher
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.ui.current_principal import require_principal
from survey.ui.page_runner import PageContext


def draw_phone_number(page: PageContext, call: CallEntry) -> None:
    """A button for whoever may see the number, where there is one and somebody still has to call.

    It is shown by the run that follows the click and is gone with the next one.
    """
    may = page.principal.may(Action.SEE_PHONE) and page.principal.covers(call.city_code)
    if not (may and call.has_phone) or call.outcome in ANSWERED:
        return
    t = page.t
    if not st.button(
        t("Show the telephone number"), key=f"call-phone-{call.id}", icon=":material/call:",
        help=t("Your name and the time are recorded."),
    ):  # fmt: skip
        return
    try:
        number = _reveal_number(page, call)
    except SurveyError as error:
        st.warning(t(error.message))
    else:
        st.code(number, language=None)


def _reveal_number(page: PageContext, call: CallEntry) -> str:
    return run_in_transaction(
        page.settings.store_url,
        lambda session: reveal_phone_number(
            session=session,
            principal=require_principal(page.settings),
            cipher=configured_cipher(page.settings),
            check_id=call.id,
            now=now(),
        ),
    )
