"""A supervisor makes one-time sign-in codes for surveyors and prints them."""

from datetime import datetime

import streamlit as st

from survey.access.sign_in_codes import (
    LONGEST_DAYS,
    MOST_AT_ONCE,
    Colleague,
    colleagues,
    draw_codes,
    hand_out,
)
from survey.fieldwork.clock import CHINA
from survey.locale import SurveyError
from survey.publish.sign_in_sheet import sign_in_sheet_pdf
from survey.publish.tables import for_screen
from survey.store.engine import read_scope, session_scope
from survey.store.tables import now
from survey.ui.download_button import PDF, File, download_button
from survey.ui.furniture import notice
from survey.ui.handing_out import origin
from survey.ui.page import Visit
from survey.ui.session import signed_in
from survey.ui.users.form import area_name

_PRINTED = "sign-in-codes/printed"


def sign_in_codes(visit: Visit) -> None:
    """Choose surveyors, make their codes, download the sheet; below it, whose code is good."""
    t = visit.t
    with read_scope(visit.settings.store_url) as session:
        people = colleagues(session=session, principal=visit.principal, now=now())
    if not people:
        notice(
            t("There are no surveyors in your area"),
            t("The administrator creates their accounts on the page “Users and rights”."),
        )
        return
    st.caption(
        t(
            "With such a code a surveyor signs in once, without a password. A new code replaces "
            "the one before. Codes are good until the end of the day unless you choose more days."
        )
    )
    _choose(visit, {person.login: person for person in people})
    _download(visit)
    _list(visit, people)


def _choose(visit: Visit, people: dict[str, Colleague]) -> None:
    t = visit.t
    chosen = st.multiselect(
        t("Surveyors"), list(people), format_func=lambda login: _named(people, login),
        max_selections=MOST_AT_ONCE, placeholder=t("Please choose"),
        key=f"sign-in-codes/people/{visit.language}",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = st.number_input(
            t("Days they are valid"), 1, LONGEST_DAYS, 1, key="sign-in-codes/days"
        )
        st.button(
            t("Make the codes"), type="primary", key="sign-in-codes/make", disabled=not chosen,
            on_click=_make, args=(visit, tuple(chosen), int(days)), icon=":material/print:",
        )  # fmt: skip


def _named(people: dict[str, Colleague], login: str) -> str:
    return f"{people[login].name} · {login}" if login in people else login


def _make(visit: Visit, logins: tuple[str, ...], days: int) -> None:
    t = visit.t
    drawn = draw_codes(len(logins))
    try:
        with session_scope(visit.settings.store_url) as session:
            sheet = hand_out(
                session=session, principal=signed_in(visit.settings), logins=logins, drawn=drawn,
                days=days, now=now(),
            )  # fmt: skip
            # Drawn before the codes are kept: without its paper no code would be of any use.
            content = sign_in_sheet_pdf(sheet, origin=origin(visit), language=visit.language)
    except SurveyError as error:
        st.toast(t(error.message))
        return
    st.session_state[_PRINTED] = len(sheet.people), content


def _download(visit: Visit) -> None:
    t = visit.t
    printed: tuple[int, bytes] | None = st.session_state.get(_PRINTED)
    if printed is None:
        return
    count, content = printed
    download_button(
        visit, t("Download {count} codes (PDF)", count=count),
        File("sign-in-codes.pdf", PDF, lambda: content), key="sign-in-codes/download",
        type="primary",
    )  # fmt: skip
    st.caption(t("Print it, cut it, and delete the file: whoever has a code can sign in with it."))


def _list(visit: Visit, people: list[Colleague]) -> None:
    t = visit.t
    st.dataframe(
        for_screen(
            {
                t("Login"): [person.login for person in people],
                t("Full name"): [person.name for person in people],
                t("Area of work"): [area_name(visit, person.area) for person in people],
                t("Code good until"): [_until(person.code_until) for person in people],
            }
        ),
        hide_index=True, alt=t("Surveyors and their codes"),
    )  # fmt: skip


def _until(moment: datetime | None) -> str:
    return f"{moment.astimezone(CHINA):%m-%d %H:%M}" if moment else "–"
