"""Many accounts at once: from a pasted list or a workbook, and their links as a printable sheet."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from survey.access.account_list import (
    MAX_ACCOUNTS_AT_ONCE,
    PendingAccount,
    create_accounts,
    issue_setup_links,
    list_pending_accounts,
)
from survey.access.roles import ROLES
from survey.access.sign_in_codes import SecretSheet
from survey.access.work import Work
from survey.kit.download_button import PDF, File, draw_download_button, name_file
from survey.kit.feedback import run_change
from survey.kit.list_entry import ListFile, draw_list_paste, draw_list_upload, pick_pasting
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import draw_columns
from survey.reports.code_sheets_pdf import setup_link_sheet_pdf
from survey.screens.account_form import area_name
from survey.screens.invitation_codes import public_origin
from survey.store.china_time import format_china_minute, format_day
from survey.waves.planning.point_staff import (
    AccountList,
    account_template,
    read_account_file,
    read_pasted_accounts,
)

_TEXT, _CREATED = "users/batch/text", "users/batch/created"
_ISSUED, _TAKEN = "users/links/issued", "users/links/taken"
"""Links that were just made, which exist nowhere else, and whether their sheet was downloaded."""
_SHOWN = 300


def draw_account_batch(page: PageContext) -> None:
    """Draw the field for a list of new accounts, then its errors or a button to create them."""
    t = page.t
    draw_link_sheet(page)
    st.caption(
        t(
            "One person a line: name, login, role, area of work and, if wanted, last day and "
            "e-mail. Every line is checked first; while one is wrong nothing is stored. Logins "
            "that exist already are skipped."
        )
    )
    if pick_pasting(page, t("List of accounts")):
        label = t("Cells copied from a spreadsheet, or one line a person")
        draw_list_paste(
            page,
            ListFile("users/batch", label, _TEXT),
            example=t("Li Na, lina, Surveyor, Beijing"),
            read=read_pasted_accounts,
            confirm=partial(_draw_confirmation, page),
        )
        return
    key = f"users/batch/file/{st.session_state.get(_CREATED, 0)}"
    draw_list_upload(
        page,
        ListFile("accounts", t("List of accounts (XLSX)"), key),
        template=lambda _: account_template(),
        read=read_account_file,
        confirm=partial(_draw_confirmation, page),
    )


def _draw_confirmation(page: PageContext, listed: AccountList) -> None:
    """Draw the accounts that a list without errors would create, and the button for it."""
    t, accounts = page.t, listed.accounts
    if listed.present:
        draw_notice(
            t("{count} logins exist already and are skipped", count=len(listed.present)),
            ", ".join(listed.present[:_SHOWN]),
            t("Nothing about them is changed. A lost link is renewed under “Setup links”."),
        )
    if not accounts:
        st.caption(t("The list holds no new account."))
        return
    draw_columns(
        t("New accounts"),
        {
            t("Full name"): [account.entry.name for account in accounts],
            t("Login"): [account.login for account in accounts],
            t("Role"): [t(ROLES[account.entry.role].name) for account in accounts],
            t("Area of work"): [area_name(page, account.entry.area) for account in accounts],
            t("Last day"): [
                format_day(t, account.entry.last_day) if account.entry.last_day else ""
                for account in accounts
            ],
            t("E-mail"): [account.entry.email for account in accounts],
        },
    )
    if len(accounts) > MAX_ACCOUNTS_AT_ONCE:
        st.caption(t("At most {count} accounts at once.", count=MAX_ACCOUNTS_AT_ONCE))
    st.button(
        t("Create {count} accounts and their links", count=f"{len(accounts):,}"),
        type="primary",
        key="users/batch/create",
        disabled=len(accounts) > MAX_ACCOUNTS_AT_ONCE,
        on_click=_create_accounts,
        args=(page, listed),
    )


def _create_accounts(page: PageContext, listed: AccountList) -> None:
    create = partial(create_accounts, accounts=listed.accounts)
    done = page.t("{count} accounts are created.", count=f"{len(listed.accounts):,}")
    if _keep_links(page, create, done):
        st.session_state.pop(_TEXT, None)
        # Another list, another uploader: the one before would only say that everybody is there.
        st.session_state[_CREATED] = st.session_state.get(_CREATED, 0) + 1


def draw_pending_links(page: PageContext) -> None:
    """Draw the accounts without a password yet, and buttons that make new setup links for them."""
    t = page.t
    draw_link_sheet(page)
    with page.read() as work:
        waiting = list_pending_accounts(work)
    if not waiting:
        draw_notice(
            t("Nobody waits for a link"),
            t("Everybody with an account in use has chosen a password."),
        )
        return
    st.caption(
        t(
            "People with an account who have not chosen a password yet. A new link replaces the "
            "one before and is good for three days."
        )
    )
    _draw_link_choice(page, waiting)
    _draw_waiting(page, waiting)


def _draw_link_choice(page: PageContext, waiting: Sequence[PendingAccount]) -> None:
    t, people = page.t, {person.login: person for person in waiting}
    chosen = st.multiselect(
        t("People"),
        list(people),
        placeholder=t("Please choose"),
        format_func=lambda login: f"{people[login].name} · {login}" if login in people else login,
        key=f"users/links/people/{page.language}",
    )
    expired = [person.login for person in waiting if person.link_expires_at is None]
    with st.container(horizontal=True):
        for key, label, logins in (
            ("chosen", t("New links for {count} chosen", count=len(chosen)), chosen),
            (
                "expired",
                t("New links for {count} whose link has expired", count=len(expired)),
                expired,
            ),
            ("all", t("New links for all {count}", count=len(people)), list(people)),
        ):
            st.button(
                label,
                key=f"users/links/{key}",
                on_click=_renew_links,
                args=(page, tuple(logins)),
                disabled=not 1 <= len(logins) <= MAX_ACCOUNTS_AT_ONCE,
                icon=":material/print:",
            )


def _draw_waiting(page: PageContext, waiting: Sequence[PendingAccount]) -> None:
    t, shown = page.t, waiting[:_SHOWN]
    draw_columns(
        t("People without a password"),
        {
            t("Login"): [person.login for person in shown],
            t("Full name"): [person.name for person in shown],
            t("Role"): [t(ROLES[person.role].name) for person in shown],
            t("Area of work"): [area_name(page, person.area) for person in shown],
            t("Link good until"): [_format_expiry(page, person) for person in shown],
        },
    )
    if len(waiting) > _SHOWN:
        st.caption(t("The first {shown} by area and login.", shown=_SHOWN))


def _format_expiry(page: PageContext, person: PendingAccount) -> str:
    if person.link_expires_at is None:
        return page.t("expired")
    return format_china_minute(page.t, person.link_expires_at)


def _renew_links(page: PageContext, logins: tuple[str, ...]) -> None:
    done = page.t("{count} links were made; earlier ones do nothing any more.", count=len(logins))
    _keep_links(page, partial(issue_setup_links, logins=logins), done)


def _keep_links(page: PageContext, issue: Callable[[Work], SecretSheet], done: str) -> bool:
    """Run `issue`, keep its setup links for download, say `done`; return whether it worked."""
    issued = run_change(page, issue, done=done)
    if issued is None:
        return False
    st.session_state[_ISSUED] = issued.value
    st.session_state.pop(_TAKEN, None)
    return True


def draw_link_sheet(page: PageContext) -> None:
    """Draw the download of the sheet of setup links just made, until it was downloaded once."""
    if st.session_state.get(_TAKEN):
        st.session_state.pop(_ISSUED, None)
        st.session_state.pop(_TAKEN, None)
    sheet: SecretSheet | None = st.session_state.get(_ISSUED)
    # One place of the page with the sheet or without: what is typed below outlives its going.
    with st.container():
        if sheet is not None:
            _draw_sheet_download(page, sheet)


def _draw_sheet_download(page: PageContext, sheet: SecretSheet) -> None:
    t, count = page.t, f"{len(sheet.people):,}"

    def print_sheet() -> bytes:
        pdf = setup_link_sheet_pdf(sheet, origin=public_origin(page), language=page.language)
        st.session_state[_TAKEN] = True
        return pdf

    draw_notice(
        t("Setup links of {count} people are ready to print", count=count),
        t(
            "They can be downloaded once. Print them, cut them, hand each to its person alone, and "
            "delete the file: whoever has a link can choose the password."
        ),
    )
    draw_download_button(
        page,
        t("Download {count} links (PDF)", count=count),
        File(name_file(page, "setup-links", "pdf"), PDF, print_sheet),
        key="users/links/download",
        type="primary",
    )
