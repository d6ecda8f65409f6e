"""Administrator's page of accounts and API keys; sheets of one-time codes for surveyors."""

from datetime import datetime
from functools import partial

import streamlit as st

from survey.access.account_list import (
    AccountFilter,
    AccountPage,
    AccountSummary,
    get_account_summary,
    list_accounts,
)
from survey.access.api_keys import (
    MAX_NAME_CHARS,
    SCOPE_NAMES,
    ApiKeySummary,
    create_api_key,
    list_api_keys,
    revoke_api_key,
)
from survey.access.api_keys import MAX_VALID_DAYS as MAX_KEY_DAYS
from survey.access.roles import ROLES, Action, Role
from survey.access.sessions import AccountNotFoundError
from survey.access.sign_in_codes import (
    MAX_CODES_PER_SHEET,
    MAX_VALID_DAYS,
    SurveyorCodeStatus,
    generate_codes,
    issue_sign_in_codes,
    list_surveyors_for_codes,
)
from survey.access.work import Work
from survey.kit.download_button import PDF, File, draw_download_button, name_file
from survey.kit.feedback import change_on_click, run_change, run_change_below_button, show_feedback
from survey.kit.filters import filter_row
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import draw_columns, render_text_table
from survey.kit.url_state import pick, pick_by_button
from survey.reports.code_sheets_pdf import sign_in_sheet_pdf
from survey.screens.account_batch import draw_account_batch, draw_pending_links
from survey.screens.account_form import (
    area_name,
    draw_account,
    draw_new_account,
    format_name,
    show_secret_once,
    show_setup_link,
)
from survey.screens.invitation_codes import public_origin
from survey.store.china_time import CHINA, format_day
from survey.store.tables import KeyScope, now

_MADE = "users/keys/made"
"""What the last change made: the purpose of a key and the key, which is shown once."""
_USUAL_DAYS = 365
_WITHDRAWING, _MAKING = "users/keys/withdrawing", "users/keys/making"


def draw_api_keys(page: PageContext) -> None:
    """Draw the API keys there are, and the form that makes one."""
    t = page.t
    advice = t(
        "Copy it into the program now. It is not shown again; the platform keeps its hash only."
    )
    show_secret_once(_MADE, lambda name: t("Key for: {name}", name=name), advice)
    st.caption(
        t(
            "A key lets a program work with the rights of one account, and for one thing only: to "
            "read released results, or to deliver outside data. It signs nobody in."
        )
    )
    with page.read() as work:
        keys = list_api_keys(work)
    if keys:
        _draw_keys(page, keys)
    else:
        draw_notice(t("There is no key yet"), t("Fill in the form below to make one."))
    _draw_new_key(page)


def _draw_keys(page: PageContext, keys: list[ApiKeySummary]) -> None:
    t = page.t
    heads = (t("What for"), t("Account"), t("Opens"), t("Made"), t("Valid until"), t("State"))
    rows = [
        (
            key.name,
            key.login,
            t(SCOPE_NAMES[key.scope]),
            format_day(t, key.created_at),
            format_day(t, key.expires_at),
            _describe_key_state(page, key),
        )
        for key in keys
    ]
    st.html(render_text_table(heads, rows))
    working = {str(key.id): key for key in keys if _describe_key_state(page, key) == t("works")}
    if not working:
        return
    with st.popover(t("Withdraw a key"), key=_WITHDRAWING):
        show_feedback(page, _WITHDRAWING)
        chosen = st.selectbox(
            t("API key"),
            list(working),
            format_func=lambda key_id: f"{working[key_id].name} · {working[key_id].login}",
            key="users/keys/withdrawn",
        )
        st.caption(t("It ends at once and for good; a program that uses it is refused."))
        done = t("The key “{name}” is withdrawn.", name=working[chosen].name)
        st.button(
            t("Withdraw this key"),
            key="users/keys/withdraw",
            on_click=change_on_click,
            args=(page, partial(revoke_api_key, key_id=working[chosen].id), done, _WITHDRAWING),
        )


def _describe_key_state(page: PageContext, key: ApiKeySummary) -> str:
    if key.revoked_at is not None:
        return page.t("withdrawn")
    return page.t("works") if key.expires_at > now() else page.t("end date passed")


def _draw_new_key(page: PageContext) -> None:
    t = page.t
    st.subheader(t("New key"), anchor=False)
    login = st.text_input(t("Login of the account"), key="users/keys/login")
    name = st.text_input(t("What the key is for"), max_chars=MAX_NAME_CHARS, key="users/keys/name")
    scope = st.radio(
        t("The key opens"),
        list(KeyScope),
        format_func=lambda each: t(SCOPE_NAMES[each]),
        key="users/keys/scope",
    )
    days = st.number_input(
        t("Days that it is valid"), 1, MAX_KEY_DAYS, _USUAL_DAYS, key="users/keys/days"
    )
    show_feedback(page, _MAKING)
    st.button(
        t("Make the key"),
        type="primary",
        key="users/keys/create",
        disabled=not (login and name),
        on_click=_create_key,
        args=(page, login, name, scope, int(days)),
    )


def _create_key(page: PageContext, login: str, name: str, scope: KeyScope, days: int) -> None:
    create = partial(create_api_key, login=login, name=name, days=days, scope=scope)
    done = page.t("The key is made.")
    made = run_change_below_button(page, create, done=done, slot=_MAKING, drawn=[name])
    if made:
        st.session_state[_MADE] = name, made.value
        for field in ("login", "name"):
            st.session_state.pop(f"users/keys/{field}", None)


_PRINTED = "sign-in-codes/printed"


def draw_sign_in_codes(page: PageContext) -> None:
    """Draw the choice of surveyors, the sheet of codes made for them, and who has a valid code."""
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
        format_func=lambda login: f"{people[login].name} · {login}" if login in people else login,
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


def _issue_codes(page: PageContext, logins: tuple[str, ...], days: int) -> None:
    codes = generate_codes(len(logins))

    def issue(work: Work) -> tuple[int, bytes]:
        sheet = issue_sign_in_codes(work, logins=logins, codes=codes, days=days)
        # Printed before the codes are kept: without its paper no code would be of any use.
        pdf = sign_in_sheet_pdf(sheet, origin=public_origin(page), language=page.language)
        return len(sheet.people), pdf

    issued = run_change(page, issue)
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
    draw_columns(
        t("Surveyors and their codes"),
        {
            t("Login"): [person.login for person in people],
            t("Full name"): [person.name for person in people],
            t("Area of work"): [area_name(page, person.area) for person in people],
            t("Code good until"): [_format_expiry(person.code_expires_at) for person in people],
        },
    )


def _format_expiry(moment: datetime | None) -> str:
    return f"{moment.astimezone(CHINA):%m-%d %H:%M}" if moment else "–"


ALL_OPTION, NEW_OPTION, LIST_OPTION = "all", "new", "list"
BATCH_OPTION, LINKS_OPTION, KEYS_OPTION = "batch", "links", "keys"
OPEN_OPTION, CLOSED_OPTION = "open", "closed"
ACCOUNT = "account"


def draw_users(page: PageContext) -> None:
    """Draw the chosen view of the page: accounts, a new one, many, setup links, or API keys."""
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
    view = pick_by_button(page, t("View"), "view", views)
    if view == LIST_OPTION:
        wanted = _draw_account_filter(page)
        with page.read() as work:
            listing = list_accounts(work, account_filter=wanted)
        _draw_count(page, listing)
        chosen = _draw_account_table(page, listing)
        if chosen is not None:
            draw_account(page, chosen)
    else:
        {
            NEW_OPTION: draw_new_account,
            BATCH_OPTION: draw_account_batch,
            LINKS_OPTION: draw_pending_links,
            KEYS_OPTION: draw_api_keys,
        }[view](page)


def _draw_account_filter(page: PageContext) -> AccountFilter:
    t = page.t
    with filter_row():
        roles = {ALL_OPTION: t("All")} | {role.value: t(ROLES[role].name) for role in Role}
        role = pick(page, t("Role"), "role", roles)
        states = {
            OPEN_OPTION: t("In use"),
            CLOSED_OPTION: t("Closed or past the end date"),
            ALL_OPTION: t("All"),
        }
        state = pick(page, t("State"), "state", states)
        words = st.text_input(t("Name, login or e-mail contains"), key="users/words")
    return AccountFilter(
        role=None if role == ALL_OPTION else Role(role),
        active={OPEN_OPTION: True, CLOSED_OPTION: False}.get(state),
        words=words,
        # Visitors share the demo accounts; there is nothing about them to administer.
        demo=page.principal.is_demo,
    )


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
    """Draw the list of accounts and the choice of one; return the account chosen, else None."""
    t, lines = page.t, listing.lines
    if not lines:
        return _get_chosen_account(page, {})
    draw_columns(
        t("Accounts"),
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
        },
    )
    if listing.count > len(lines):
        st.caption(t("The first {shown} by login; the filters find the others.", shown=len(lines)))
    return _get_chosen_account(
        page, {line.login: _format_option_label(page, line) for line in lines}
    )


def _get_chosen_account(page: PageContext, shown: dict[str, str]) -> AccountSummary | None:
    """Draw the choice among `shown` and the account in the address; return it, None without one."""
    t = page.t
    linked = _find_account(page, st.query_params.get(ACCOUNT, ""))
    if linked is not None:
        shown.setdefault(linked.login, _format_option_label(page, linked))
    choices = {"": t("Please choose"), **shown}
    return _find_account(page, pick(page, t("Account to look at"), ACCOUNT, choices))


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
