"""The telephone number of one person to be asked again: on request, and never kept in the page."""

import streamlit as st

from survey.access.principal import Action
from survey.fieldwork.back_check import ANSWERED, Call
from survey.fieldwork.privacy.contacts import read_phone
from survey.fieldwork.privacy.sealing import seal_of
from survey.locale import SurveyError
from survey.store.engine import session_scope
from survey.store.tables import now
from survey.ui.page import Visit
from survey.ui.session import signed_in


def offer_number(visit: Visit, call: Call) -> None:
    """A button for whoever may see the number, where there is one and somebody still has to call.

    It is shown by the run that follows the click and is gone with the next one.
    """
    may = visit.principal.may(Action.SEE_PHONE) and visit.principal.covers(call.city_code)
    if not (may and call.left_phone) or call.outcome in ANSWERED:
        return
    t = visit.t
    if not st.button(
        t("Show the telephone number"), key=f"call-phone-{call.id}", icon=":material/call:",
        help=t("Your name and the time are recorded."),
    ):  # fmt: skip
        return
    try:
        number = _number(visit, call)
    except SurveyError as error:
        st.warning(t(error.message))
    else:
        st.code(number, language=None)


def _number(visit: Visit, call: Call) -> str:
    seal = seal_of(visit.settings)
    with session_scope(visit.settings.store_url) as session:
        return read_phone(
            session=session, principal=signed_in(visit.settings), seal=seal, check_id=call.id,
            now=now(),
        )  # fmt: skip
