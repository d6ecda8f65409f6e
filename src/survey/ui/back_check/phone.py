"""Telephone number of a person to ask again, shown on request and not kept in the page."""

import streamlit as st

from survey.access.roles import Action
from survey.fieldwork.back_check import ANSWERED, CallEntry
from survey.fieldwork.back_check.phone_numbers import reveal_phone_number
from survey.store.cipher import configured_cipher
from survey.store.tables import now
from survey.ui.feedback import perform, show_feedback
from survey.ui.page_runner import PageContext

_PLACE = "phone"


def draw_phone_number(page: PageContext, call: CallEntry) -> None:
    """Draw the button that reveals the number, if the principal may see it and needs it.

    The number is shown by the run that follows the click and is gone with the next one.
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
    revealed = perform(
        page,
        lambda session, principal: reveal_phone_number(
            session=session,
            principal=principal,
            cipher=configured_cipher(page.settings),
            check_id=call.id,
            now=now(),
        ),
        place=_PLACE,
    )
    show_feedback(page, _PLACE)
    if revealed:
        st.code(revealed.value, language=None)
