"""The administrator's page: accounts, details of one, form for a new one, one-time codes."""

from datetime import datetime

import streamlit as st

from survey.access.account_list import (
    AccountFilter,
    AccountPage,
    AccountSummary,
    get_account_summary,
    list_accounts,
)
from survey.access.account_lookup import AccountNotFoundError
from survey.access.roles import ROLES, Action, Role
from survey.access.sign_in_codes import (
    MAX_CODES_PER_SHEET,
    MAX_VALID_DAYS,
    SurveyorCodeStatus,
    generate_codes,
    issue_sign_in_codes,
    list_surveyors_for_codes,
)
from survey.access.work import Work
from survey.figures.figure_table import format_for_screen
from survey.kit.download_button import PDF, File, draw_download_button, name_file
from survey.kit.feedback import perform, show_feedback
from survey.kit.filters import filter_row
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.url_state import pick
from survey.reports.code_sheets_pdf import sign_in_sheet_pdf
from survey.screens.account_batch import draw_account_batch, draw_pending_links
from survey.screens.account_form import (
    area_name,
    draw_account,
    draw_new_account,
    format_name,
    show_setup_link,
)
from survey.screens.api_keys import draw_api_keys
from survey.screens.invitation_codes import public_origin
from survey.store.china_time import CHINA, format_day

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


ALL_OPTION, NEW_OPTION, LIST_OPTION = "all", "new", "list"
BATCH_OPTION, LINKS_OPTION, KEYS_OPTION = "batch", "links", "keys"
OPEN_OPTION, CLOSED_OPTION = "open", "closed"
ACCOUNT = "account"


def draw_users(page: PageContext) -> None:
    """Draw the list of accounts with its filters, and the chosen account or a new one."""
    page.principal.require(Action.ADMINISTER)
    t = page.t
    show_feedback(page)
    show_setup_link(page)
    views = {
        LIST_OPTION: t("All accounts"),
        NEW_OPTION: t("New account"),
        BATCH_OPTION: t("Many accounts"),
        LINKS_OPTION: t("Setup links"),
        KEYS_OPTION: t("Keys for programs"),
    }
    view = pick(
        t("View"),
        "view",
        list(views),
        language=page.language,
        as_buttons=True,
        show=views.__getitem__,
    )
    if view == LIST_OPTION:
        _draw_all_accounts(page)
    else:
        {
            NEW_OPTION: draw_new_account,
            BATCH_OPTION: draw_account_batch,
            LINKS_OPTION: draw_pending_links,
            KEYS_OPTION: draw_api_keys,
        }[view](page)


def _draw_all_accounts(page: PageContext) -> None:
    listing = _get_account_page(page, _draw_account_filter(page))
    _draw_count(page, listing)
    chosen = _draw_account_table(page, listing)
    if chosen is not None:
        draw_account(page, chosen)


def _draw_account_filter(page: PageContext) -> AccountFilter:
    t = page.t
    with filter_row():
        role = pick(
            t("Role"),
            "role",
            [ALL_OPTION, *Role],
            language=page.language,
            show=lambda code: t("All") if code == ALL_OPTION else t(ROLES[Role(code)].name),
        )
        states = {
            OPEN_OPTION: t("In use"),
            CLOSED_OPTION: t("Closed or past the end date"),
            ALL_OPTION: t("All"),
        }
        state = pick(
            t("State"), "state", list(states), language=page.language, show=states.__getitem__
        )
        words = st.text_input(t("Name, login or e-mail contains"), key="users/words")
    return AccountFilter(
        role=None if role == ALL_OPTION else Role(role),
        active={OPEN_OPTION: True, CLOSED_OPTION: False}.get(state),
        words=words,
        # Visitors share the demo accounts; there is nothing about them to administer.
        demo=page.principal.is_demo,
    )


def _get_account_page(page: PageContext, wanted: AccountFilter) -> AccountPage:
    with page.read() as work:
        return list_accounts(work, account_filter=wanted)


def _draw_count(page: PageContext, listing: AccountPage) -> None:
    t = page.t
    if not listing.lines:
        draw_notice(
            t("Nobody fits these filters"),
            t("Widen the filters, or create an account under “New account”."),
        )
        return
    st.caption(t("Accounts: {count}", count=f"{listing.count:,}"))


def _draw_account_table(page: PageContext, listing: AccountPage) -> AccountSummary | None:
    """Draw the list of accounts and return the one chosen below it."""
    t, lines = page.t, listing.lines
    if not lines:
        return _get_chosen_account(page, {})
    st.dataframe(
        format_for_screen(
            {
                t("Login"): [line.login for line in lines],
                t("Full name"): [format_name(t, line) for line in lines],
                t("Role"): [t(ROLES[line.role].name) for line in lines],
                t("Area of work"): [area_name(page, line.area) for line in lines],
                t("Last day"): [
                    format_day(t, line.last_day) if line.last_day else "" for line in lines
                ],
                t("State"): [_describe_account_state(page, line) for line in lines],
                t("Second factor"): [t("yes") if line.has_factor else t("no") for line in lines],
                t("Open sessions"): [str(line.open_sessions) for line in lines],
            }
        ),
        hide_index=True,
        alt=t("Accounts"),
    )
    if listing.count > len(lines):
        st.caption(t("The first {shown} by login; the filters find the others.", shown=len(lines)))
    return _get_chosen_account(
        page, {line.login: _format_option_label(page, line) for line in lines}
    )


def _get_chosen_account(page: PageContext, shown: dict[str, str]) -> AccountSummary | None:
    """Return the account chosen below the list or named by the URL; None if there is none."""
    t = page.t
    linked = _find_account(page, st.query_params.get(ACCOUNT, ""))
    if linked is not None:
        shown.setdefault(linked.login, _format_option_label(page, linked))
    chosen = pick(
        t("Account to look at"),
        ACCOUNT,
        ["", *shown],
        language=page.language,
        show=lambda login: shown.get(login, t("Please choose")),
    )
    return _find_account(page, chosen)


def _format_option_label(page: PageContext, line: AccountSummary) -> str:
    return f"{line.login} · {format_name(page.t, line)}"


def _find_account(page: PageContext, login: str) -> AccountSummary | None:
    if not login:
        return None
    try:
        with page.read() as work:
            return get_account_summary(work, login=login)
    except AccountNotFoundError:
        return None


def _describe_account_state(page: PageContext, line: AccountSummary) -> str:
    t = page.t
    if not line.active:
        return t("account closed")
    if line.is_over:
        return t("end date passed")
    return t("in use") if line.has_password or line.is_demo else t("not set up yet")
