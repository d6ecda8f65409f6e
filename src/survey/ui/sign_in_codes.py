"""Page on which a supervisor creates and prints one-time sign-in codes for surveyors."""

from datetime import datetime

import streamlit as st

from survey.access.sign_in_codes import (
    MAX_CODES_PER_SHEET,
    MAX_VALID_DAYS,
    SurveyorCodeStatus,
    generate_codes,
    issue_sign_in_codes,
    list_surveyors_for_codes,
)
from survey.access.work import Work
from survey.publish.code_sheets_pdf import sign_in_sheet_pdf
from survey.publish.column_tables import format_for_screen
from survey.store.china_time import CHINA
from survey.ui.account_form import area_name
from survey.ui.download_button import PDF, File, draw_download_button, name_file
from survey.ui.feedback import perform, show_feedback
from survey.ui.invitation_codes import public_origin
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext

_PRINTED = "sign-in-codes/printed"


def draw_sign_in_codes(page: PageContext) -> None:
    """Draw the choice of surveyors, the sheet of their new codes, and the list of valid codes."""
    t = page.t
    show_feedback(page)
    with page.read() as work:
        people = list_surveyors_for_codes(work)
    if not people:
        draw_notice(
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
    _draw_surveyor_choice(page, {person.login: person for person in people})
    _draw_download(page)
    _draw_code_status(page, people)


def _draw_surveyor_choice(page: PageContext, people: dict[str, SurveyorCodeStatus]) -> None:
    t = page.t
    chosen = st.multiselect(
        t("Surveyors"),
        list(people),
        format_func=lambda login: _format_surveyor_label(people, login),
        max_selections=MAX_CODES_PER_SHEET,
        placeholder=t("Please choose"),
        key=f"sign-in-codes/people/{page.language}",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = st.number_input(
            t("Days they are valid"), 1, MAX_VALID_DAYS, 1, key="sign-in-codes/days"
        )
        st.button(
            t("Make the codes"),
            type="primary",
            key="sign-in-codes/make",
            disabled=not chosen,
            on_click=_issue_codes,
            args=(page, tuple(chosen), int(days)),
            icon=":material/print:",
        )


def _format_surveyor_label(people: dict[str, SurveyorCodeStatus], login: str) -> str:
    return f"{people[login].name} · {login}" if login in people else login


def _issue_codes(page: PageContext, logins: tuple[str, ...], days: int) -> None:
    codes = generate_codes(len(logins))

    def issue(work: Work) -> tuple[int, bytes]:
        sheet = issue_sign_in_codes(work, logins=logins, codes=codes, days=days)
        # Printed before the codes are kept: without its paper no code would be of any use.
        pdf = sign_in_sheet_pdf(sheet, origin=public_origin(page), language=page.language)
        return len(sheet.people), pdf

    issued = perform(page, issue)
    if issued:
        st.session_state[_PRINTED] = issued.value


def _draw_download(page: PageContext) -> None:
    t = page.t
    printed: tuple[int, bytes] | None = st.session_state.get(_PRINTED)
    if printed is None:
        return
    count, content = printed
    draw_download_button(
        page,
        t("Download {count} codes (PDF)", count=count),
        File(name_file(page, "sign-in-codes", "pdf"), PDF, lambda: content),
        key="sign-in-codes/download",
        type="primary",
    )
    st.caption(t("Print it, cut it, and delete the file: whoever has a code can sign in with it."))


def _draw_code_status(page: PageContext, people: list[SurveyorCodeStatus]) -> None:
    t = page.t
    st.dataframe(
        format_for_screen(
            {
                t("Login"): [person.login for person in people],
                t("Full name"): [person.name for person in people],
                t("Area of work"): [area_name(page, person.area) for person in people],
                t("Code good until"): [_format_expiry(person.code_expires_at) for person in people],
            }
        ),
        hide_index=True,
        alt=t("Surveyors and their codes"),
    )


def _format_expiry(moment: datetime | None) -> str:
    return f"{moment.astimezone(CHINA):%m-%d %H:%M}" if moment else "–"
