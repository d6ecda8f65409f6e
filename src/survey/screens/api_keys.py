"""Keys for programs on the administrator's page: list, a new one shown once, withdrawal."""

import streamlit as st

from survey.access.api_keys import (
    MAX_NAME_CHARS,
    MAX_VALID_DAYS,
    SCOPE_NAMES,
    ApiKeySummary,
    create_api_key,
    list_api_keys,
    revoke_api_key,
)
from survey.access.work import Work
from survey.kit.feedback import perform_in_popover, show_feedback
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import render_text_table
from survey.store.china_time import format_day
from survey.store.tables import KeyScope, now

_MADE = "users/keys/made"
"""What the last change made: the purpose of a key and the key, which is shown once."""
_USUAL_DAYS = 365
_WITHDRAWING, _MAKING = "users/keys/withdrawing", "users/keys/making"


def draw_api_keys(page: PageContext) -> None:
    """Draw the keys there are, and the form that makes one."""
    t = page.t
    _show_new_key(page)
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
        st.button(
            t("Withdraw this key"),
            key="users/keys/withdraw",
            on_click=_withdraw_key,
            args=(page, working[chosen]),
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
        t("Days that it is valid"), 1, MAX_VALID_DAYS, _USUAL_DAYS, key="users/keys/days"
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
    def create(work: Work) -> str:
        return create_api_key(work, login=login, name=name, days=days, scope=scope)

    made = perform_in_popover(page, create, done=page.t("The key is made."), slot=_MAKING)
    if made:
        st.session_state[_MADE] = name, made.value
        for field in ("login", "name"):
            st.session_state.pop(f"users/keys/{field}", None)


def _show_new_key(page: PageContext) -> None:
    """Show the key that was just made, once, in a place that is there without one too."""
    made: tuple[str, str] | None = st.session_state.pop(_MADE, None)
    with st.container():
        if made is None:
            return
        t, (name, key) = page.t, made
        draw_notice(
            t("Key for: {name}", name=name),
            t(
                "Copy it into the program now. It is not shown again; the platform keeps its hash "
                "only."
            ),
        )
        st.code(key, language=None)


def _withdraw_key(page: PageContext, key: ApiKeySummary) -> None:
    perform_in_popover(
        page,
        lambda work: revoke_api_key(work, key_id=key.id),
        done=page.t("The key “{name}” is withdrawn.", name=key.name),
        slot=_WITHDRAWING,
    )
