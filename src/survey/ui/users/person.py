"""One account: what it is, changing it, and help for somebody who cannot sign in."""

from collections.abc import Callable

import streamlit as st
from sqlmodel import Session

from survey.access.account_list import AccountLine
from survey.access.account_resets import end_all_sessions, make_link, reset_factor
from survey.access.accounts import Entry, change_account, create_account, set_active
from survey.access.principal import Principal
from survey.fieldwork.clock import CHINA, china_date
from survey.store.tables import now
from survey.ui.page import Visit
from survey.ui.users.form import entry_fields
from survey.ui.users.outcome import act, keep_link


def new_person(visit: Visit) -> None:
    """Make an account and the link for its first password."""
    t = visit.t
    st.subheader(t("New account"), anchor=False)
    login = st.text_input(
        t("Login"), max_chars=64, key="users/new/login",
        help=t("Small letters and digits; it cannot be changed later."),
    )  # fmt: skip
    entry = entry_fields(visit, "users/new", None, china_date(now()))
    st.button(
        t("Create the account and a setup link"), type="primary", key="users/create",
        disabled=not login.strip() or not entry.name.strip(), on_click=_create,
        args=(visit, login, entry),
    )  # fmt: skip


def _create(visit: Visit, login: str, entry: Entry) -> None:
    tokens: list[str] = []

    def change(session: Session, person: Principal) -> None:
        account = create_account(
            session=session, principal=person, login=login, entry=entry, now=now()
        )
        tokens.append(make_link(session=session, principal=person, login=account.login, now=now()))

    if act(visit, change, visit.t("The account {login} is created.", login=login)):
        keep_link(visit, entry.name, tokens[0])
        for key in [key for key in st.session_state if str(key).startswith("users/new/")]:
            del st.session_state[key]


def person(visit: Visit, line: AccountLine) -> None:
    """Facts first, then what can be done."""
    t = visit.t
    st.subheader(f"{line.name} · {line.login}", anchor=False)
    st.caption(" · ".join(facts(visit, line)))
    if line.is_demo:
        st.caption(t("A demo account: visitors choose it on the start page. It has no password."))
        return
    own = line.id == visit.principal.account_id
    if own:
        st.caption(t("This is your own account: role, area and end are changed by a colleague."))
    _change(visit, line)
    _help(visit, line, own=own)


def facts(visit: Visit, line: AccountLine) -> list[str]:
    """What is worth knowing before changing it."""
    t = visit.t
    texts = [t("password set") if line.has_password else t("no password yet")]
    texts.append(t("second factor set up") if line.has_factor else t("no second factor"))
    texts.append(t("open sessions: {count}", count=line.open_sessions))
    if line.last_seen is not None:
        seen = f"{line.last_seen.astimezone(CHINA):%Y-%m-%d %H:%M}"
        texts.append(t("last seen {time}", time=seen))
    return texts


def _change(visit: Visit, line: AccountLine) -> None:
    t = visit.t
    key = f"users/{line.login}"
    entry = entry_fields(visit, key, line.entry, china_date(now()))
    st.button(
        t("Save the changes"), type="primary", key=f"{key}/save", disabled=entry == line.entry,
        on_click=_save, args=(visit, line, entry),
    )  # fmt: skip


def _save(visit: Visit, line: AccountLine, entry: Entry) -> None:
    def change(session: Session, who: Principal) -> None:
        change_account(
            session=session,
            principal=who,
            login=line.login,
            seen=line.entry,
            entry=entry,
            now=now(),
        )

    act(visit, change, visit.t("The account {login} is changed.", login=line.login))


def _help(visit: Visit, line: AccountLine, *, own: bool) -> None:
    t, key = visit.t, f"users/{line.login}"
    with st.container(horizontal=True, key=f"{key}/help"):
        st.button(
            t("New setup link"), key=f"{key}/link", on_click=_link, args=(visit, line),
            disabled=not line.active or line.is_over,
            help=t("With it the person chooses a new password."),
        )  # fmt: skip
        st.button(
            t("End all sessions"), key=f"{key}/sessions", disabled=not line.open_sessions,
            on_click=_sessions, args=(visit, line),
        )  # fmt: skip
        if own:
            return
        st.button(
            t("Reset the second factor"), key=f"{key}/factor", disabled=not line.has_factor,
            on_click=_factor, args=(visit, line),
            help=t("For a lost phone. The person sets up another one at the next sign-in."),
        )  # fmt: skip
        words = t("Close the account") if line.active else t("Open the account again")
        st.button(words, key=f"{key}/active", on_click=_active, args=(visit, line))


def _link(visit: Visit, line: AccountLine) -> None:
    tokens: list[str] = []

    def change(session: Session, who: Principal) -> None:
        tokens.append(make_link(session=session, principal=who, login=line.login, now=now()))

    if act(visit, change, visit.t("A link was made; earlier ones do nothing any more.")):
        keep_link(visit, line.name, tokens[0])


def _sessions(visit: Visit, line: AccountLine) -> None:
    _simply(visit, line, end_all_sessions, visit.t("{name} is signed out.", name=line.name))


def _factor(visit: Visit, line: AccountLine) -> None:
    done = visit.t("The second factor of {name} is reset.", name=line.name)
    _simply(visit, line, reset_factor, done)


def _simply(visit: Visit, line: AccountLine, service: Callable[..., object], done: str) -> None:
    def change(session: Session, who: Principal) -> None:
        service(session=session, principal=who, login=line.login, now=now())

    act(visit, change, done)


def _active(visit: Visit, line: AccountLine) -> None:
    t, closes = visit.t, line.active

    def change(session: Session, who: Principal) -> None:
        set_active(session=session, principal=who, login=line.login, active=not closes, now=now())

    act(
        visit, change,
        t("The account {login} is closed.", login=line.login)
        if closes
        else t("The account {login} is open again.", login=line.login),
    )  # fmt: skip
