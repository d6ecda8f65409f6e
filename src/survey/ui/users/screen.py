"""The administrator's screen: who there is, one of them, or a new one."""

import streamlit as st

from survey.access.account_list import AccountLine, Listing, Wanted, account_line, list_accounts
from survey.access.accounts import AccountUnknown
from survey.access.principal import Role
from survey.publish.tables import for_screen
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.ui.filters import filter_row
from survey.ui.furniture import notice
from survey.ui.page import Visit
from survey.ui.roles import NAMES
from survey.ui.url import pick
from survey.ui.users.form import area_name
from survey.ui.users.outcome import say_what_happened
from survey.ui.users.person import new_person, person

ALL, NEW, LIST = "all", "new", "list"
OPEN, CLOSED = "open", "closed"
ACCOUNT = "account"


def users(visit: Visit) -> None:
    """The list with its filters; below it whoever was chosen, or the form for somebody new."""
    t = visit.t
    say_what_happened(t)
    view = pick(
        t("View"), "view", [LIST, NEW], language=visit.language, as_buttons=True,
        show={LIST: t("All accounts"), NEW: t("New account")}.__getitem__,
    )  # fmt: skip
    if view == NEW:
        new_person(visit)
        return
    listing = _listing(visit, _wanted(visit))
    _answer(visit, listing)
    chosen = _table(visit, listing)
    if chosen is not None:
        person(visit, chosen)


def _wanted(visit: Visit) -> Wanted:
    t = visit.t
    with filter_row():
        role = pick(
            t("Role"), "role", [ALL, *Role], language=visit.language,
            show=lambda code: t("All") if code == ALL else t(NAMES[Role(code)]),
        )  # fmt: skip
        states = {OPEN: t("In use"), CLOSED: t("Closed or past the end date"), ALL: t("All")}
        state = pick(
            t("State"), "state", list(states), language=visit.language, show=states.__getitem__
        )
        words = st.text_input(t("Name, login or e-mail contains"), key="users/words")
    return Wanted(
        role=None if role == ALL else Role(role),
        active={OPEN: True, CLOSED: False}.get(state),
        words=words,
        # Visitors share the demo accounts; there is nothing about them to administer.
        demo=False,
    )


def _listing(visit: Visit, wanted: Wanted) -> Listing:
    with read_scope(visit.settings.store_url) as session:
        return list_accounts(session=session, principal=visit.principal, wanted=wanted, now=now())


def _answer(visit: Visit, listing: Listing) -> None:
    t = visit.t
    if not listing.lines:
        notice(
            t("Nobody fits these filters"),
            t("Widen the filters, or create an account under “New account”."),
        )
        return
    st.caption(t("Accounts: {count}", count=f"{listing.count:,}"))


def _table(visit: Visit, listing: Listing) -> AccountLine | None:
    """The list, and whom the reader chose from it."""
    t, lines = visit.t, listing.lines
    if not lines:
        return _chosen(visit, {})
    st.dataframe(
        for_screen(
            {
                t("Login"): [line.login for line in lines],
                t("Full name"): [line.name for line in lines],
                t("Role"): [t(NAMES[line.role]) for line in lines],
                t("Area of work"): [area_name(visit, line.area) for line in lines],
                t("Last day"): [str(line.last_day) if line.last_day else "" for line in lines],
                t("State"): [_state(visit, line) for line in lines],
                t("Second factor"): [t("yes") if line.has_factor else t("no") for line in lines],
                t("Open sessions"): [str(line.open_sessions) for line in lines],
            }
        ),
        hide_index=True, alt=t("Accounts"),
    )  # fmt: skip
    if listing.count > len(lines):
        st.caption(t("The first {shown} by login; the filters find the others.", shown=len(lines)))
    return _chosen(visit, {line.login: f"{line.login} · {line.name}" for line in lines})


def _chosen(visit: Visit, shown: dict[str, str]) -> AccountLine | None:
    """Whoever is chosen below the list, or named by the address though not in the list."""
    t = visit.t
    linked = _line(visit, st.query_params.get(ACCOUNT, ""))
    if linked is not None:
        shown.setdefault(linked.login, f"{linked.login} · {linked.name}")
    chosen = pick(
        t("Account to look at"), ACCOUNT, ["", *shown], language=visit.language,
        show=lambda login: shown.get(login, t("Please choose")),
    )  # fmt: skip
    return _line(visit, chosen)


def _line(visit: Visit, login: str) -> AccountLine | None:
    if not login:
        return None
    try:
        with read_scope(visit.settings.store_url) as session:
            return account_line(session=session, principal=visit.principal, login=login, now=now())
    except AccountUnknown:
        return None


def _state(visit: Visit, line: AccountLine) -> str:
    t = visit.t
    if not line.active:
        return t("account closed")
    if line.is_over:
        return t("end date passed")
    return t("in use") if line.has_password or line.is_demo else t("not set up yet")
