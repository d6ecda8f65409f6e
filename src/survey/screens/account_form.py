"""Form for a new account; facts of one account, its changes, and help with its sign-in."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import partial

import streamlit as st

from survey.access.account_list import AccountSummary
from survey.access.accounts import (
    AccountData,
    change_account,
    create_account,
    create_setup_link,
    end_all_sessions,
    reset_factor,
    set_active,
)
from survey.access.principal import POINT_SEPARATOR, area_scope_of, city_of_area
from survey.access.roles import NATION, ROLES, AreaScope, Role, demo_login
from survey.access.work import Work
from survey.figures.views.display_names import DisplayNames
from survey.frame.city_frame import shipped_cities
from survey.kit.feedback import change_on_click, run_change
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown
from survey.locale import Message, Translator, msg
from survey.screens.invitation_codes import public_origin
from survey.store.china_time import china_date, format_china_minute
from survey.store.tables import now

LEVEL_NAMES: Mapping[AreaScope, Message] = {
    AreaScope.NATION: msg("Whole nation"),
    AreaScope.PROVINCE: msg("One province"),
    AreaScope.CITY: msg("One city"),
    AreaScope.POINT: msg("One sampling point"),
}
MAX_VALID_YEARS = 10
_LINK = "users/link"
"""Name and address of the setup link that the last change made; shown once."""


def area_name(page: PageContext, area: str) -> str:
    """Return the name of an account's area, with the code of its sampling point if it has one."""
    city, mark, point = area.partition(POINT_SEPARATOR)
    name = DisplayNames(page.language, None).area(city)
    return f"{name} · {point}" if mark else name


def entry_fields(
    page: PageContext, key: str, before: AccountData | None, today: date
) -> AccountData:
    """Draw an account's fields, filled from `before`, last day from `today`; return the entries."""
    t = page.t
    # The browser knows an option by its label, so each language needs widgets of its own.
    key = f"{key}/{page.language}"
    name = st.text_input(
        t("Full name"), value=before.name if before else "", max_chars=80, key=f"{key}/name"
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        roles = list(Role)
        role = st.selectbox(
            t("Role"),
            roles,
            key=f"{key}/role",
            format_func=lambda option: t(ROLES[option].name),
            index=roles.index(before.role) if before else 0,
        )
        area = _draw_area(page, key, role, before.area if before else "")
    if ROLES[role].requires_factor:
        st.caption(t("This role signs in with a second factor, set up at the first sign-in."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        last_day = st.date_input(
            t("Last day (empty: for good)"),
            value=before.last_day if before else None,
            min_value=min(today, before.last_day or today) if before else today,
            max_value=today + timedelta(days=365 * MAX_VALID_YEARS),
            key=f"{key}/until",
        )
        email = st.text_input(
            t("E-mail (optional)"),
            value=before.email if before else "",
            max_chars=255,
            key=f"{key}/email",
            help=t("Only needed to sign in through an outside provider."),
        )
    return AccountData(name, role, area, _to_date(last_day), email)


def _draw_area(page: PageContext, key: str, role: Role, before: str) -> str:
    t, levels = page.t, ROLES[role].area_scopes
    known = area_scope_of(before)
    start = levels.index(known) if known in levels else 0
    level = st.selectbox(
        t("Area of work"),
        levels,
        index=start,
        key=f"{key}/level/{role}",
        format_func=lambda option: t(LEVEL_NAMES[option]),
    )
    if level is AreaScope.NATION:
        return NATION
    names, city = DisplayNames(page.language, None), city_of_area(before)
    if level is AreaScope.PROVINCE:
        provinces = list(
            dict.fromkeys(shipped_city.province_code for shipped_city in shipped_cities())
        )
        return _pick_area(t("Province"), provinces, names, city[:2], f"{key}/province")
    cities = [shipped_city.code for shipped_city in shipped_cities()]
    chosen = _pick_area(t("City"), cities, names, city, f"{key}/city")
    if level is AreaScope.CITY:
        return chosen
    point = before.partition(POINT_SEPARATOR)[2]
    code = st.text_input(
        t("Code of the sampling point"), value=point, max_chars=60, key=f"{key}/point"
    )
    return f"{chosen}{POINT_SEPARATOR}{code.strip()}"


def _pick_area(label: str, options: list[str], names: DisplayNames, before: str, key: str) -> str:
    start = options.index(before) if before in options else 0
    return st.selectbox(
        label, options, index=start, format_func=names.area, key=key, filter_mode="contains"
    )


def _to_date(chosen: object) -> date | None:
    if isinstance(chosen, datetime):
        return chosen.date()
    return chosen if isinstance(chosen, date) else None


def draw_new_account(page: PageContext) -> None:
    """Draw the form that creates an account with a setup link for its first password."""
    t = page.t
    st.subheader(t("New account"), anchor=False)
    login = st.text_input(
        t("Login"),
        max_chars=64,
        key="users/new/login",
        help=t("Small letters and digits; it cannot be changed later."),
    )
    entry = entry_fields(page, "users/new", None, china_date(now()))
    st.button(
        t("Create the account and a setup link"),
        type="primary",
        key="users/create",
        disabled=not login.strip() or not entry.name.strip(),
        on_click=_create_account,
        args=(page, login, entry),
    )


def _create_account(page: PageContext, login: str, entry: AccountData) -> None:
    def create(work: Work) -> str:
        account = create_account(work, login=login, entry=entry)
        return create_setup_link(work, login=account.login)

    created = run_change(page, create, done=page.t("The account {login} is created.", login=login))
    if created:
        _keep_setup_link(page, entry.name, created.value)
        for key in [key for key in st.session_state if str(key).startswith("users/new/")]:
            del st.session_state[key]


def _keep_setup_link(page: PageContext, name: str, token: str) -> None:
    st.session_state[_LINK] = name, f"{public_origin(page)}/auth/setup/{token}"


def show_setup_link(page: PageContext) -> None:
    """Show the setup link that was just made, once."""
    t = page.t
    advice = t(
        "Give it to this person alone. With it they choose their password, once, within three "
        "days. It is not shown again."
    )
    show_secret_once(_LINK, lambda name: t("Setup link for {name}", name=name), advice)


def show_secret_once(memory: str, heading: Callable[[str], str], advice: str) -> None:
    """Draw (name, secret) kept at `memory`, if any, below `heading` and `advice`; delete it there.

    Without one the place stays empty, so that what is below it does not move.
    """
    made: tuple[str, str] | None = st.session_state.pop(memory, None)
    with st.container():
        if made is not None:
            name, secret = made
            draw_notice(heading(name), advice)
            st.code(secret, language=None)


def format_name(t: Translator, line: AccountSummary) -> str:
    """Return the name of an account's person; "Demo visitor" for shared demo accounts."""
    return t("Demo visitor") if line.login == demo_login(line.role) else line.name


def draw_account(page: PageContext, line: AccountSummary) -> None:
    """Draw an account's facts, the form to change it, and buttons to reset sign-in or close it."""
    t = page.t
    st.subheader(escape_markdown(f"{format_name(t, line)} · {line.login}"), anchor=False)
    st.caption(escape_markdown(" · ".join(list_facts(page, line))))
    if line.is_demo:
        st.caption(t("A demo account: visitors choose it on the start page. It has no password."))
        return
    own = line.id == page.principal.account_id
    if own:
        st.caption(t("This is your own account: role, area and end are changed by a colleague."))
    _draw_edit_form(page, line)
    _draw_help(page, line, own=own)


def list_facts(page: PageContext, line: AccountSummary) -> list[str]:
    """Return phrases on password, second factor, open sessions and last use of an account."""
    t = page.t
    texts = [t("password set") if line.has_password else t("no password yet")]
    texts.append(t("second factor set up") if line.has_factor else t("no second factor"))
    texts.append(t("open sessions: {count}", count=line.open_sessions))
    if line.last_seen is not None:
        seen = format_china_minute(t, line.last_seen)
        texts.append(t("last seen {time}", time=seen))
    return texts


def _draw_edit_form(page: PageContext, line: AccountSummary) -> None:
    t = page.t
    key = f"users/{line.login}"
    entry = entry_fields(page, key, line.entry, china_date(now()))
    change = partial(change_account, login=line.login, seen=line.entry, entry=entry)
    st.button(
        t("Save the changes"),
        type="primary",
        key=f"{key}/save",
        disabled=entry == line.entry,
        on_click=change_on_click,
        args=(page, change, t("The account {login} is changed.", login=line.login)),
    )


def _draw_help(page: PageContext, line: AccountSummary, *, own: bool) -> None:
    t, key = page.t, f"users/{line.login}"
    with st.container(horizontal=True, key=f"{key}/help"):
        st.button(
            t("New setup link"),
            key=f"{key}/link",
            on_click=_create_setup_link,
            args=(page, line),
            disabled=not line.active or line.is_over,
            help=t("With it the person chooses a new password."),
        )
        st.button(
            t("End all sessions"),
            key=f"{key}/sessions",
            disabled=not line.open_sessions,
            on_click=change_on_click,
            args=(
                page,
                partial(end_all_sessions, login=line.login),
                t("{name} is signed out.", name=line.name),
            ),
        )
        if own:
            return
        st.button(
            t("Reset the second factor"),
            key=f"{key}/factor",
            disabled=not line.has_factor,
            on_click=change_on_click,
            args=(
                page,
                partial(reset_factor, login=line.login),
                t("The second factor of {name} is reset.", name=line.name),
            ),
            help=t("For a lost phone. The person sets up another one at the next sign-in."),
        )
        if line.active:
            label = t("Close the account")
            done = t("The account {login} is closed.", login=line.login)
        else:
            label = t("Open the account again")
            done = t("The account {login} is open again.", login=line.login)
        change = partial(set_active, login=line.login, active=not line.active)
        st.button(label, key=f"{key}/active", on_click=change_on_click, args=(page, change, done))


def _create_setup_link(page: PageContext, line: AccountSummary) -> None:
    done = page.t("A link was made; earlier ones do nothing any more.")
    created = run_change(page, partial(create_setup_link, login=line.login), done=done)
    if created:
        _keep_setup_link(page, line.name, created.value)
