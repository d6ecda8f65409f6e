"""Start page for signed-in people; others see `web/start_page.py`."""

from html import escape
from urllib.parse import urlencode

import streamlit as st

from survey.access.principal import Principal
from survey.access.roles import ROLES, Role, demo_purposes
from survey.locale import Message
from survey.ui import page_frame, text_blocks
from survey.ui.navigation import landing_page, menu_for
from survey.ui.page_runner import ViewerContext
from survey.ui.preferences import LANGUAGE, LARGE


def draw_home(viewer: ViewerContext, principal: Principal | None) -> None:
    """Draw the start page."""
    t = viewer.t
    st.title(t("Hundred Cities Survey"), anchor=False)
    text_blocks.draw_sentence(
        t(
            "How satisfied consumers are with everyday shopping in 100 cities: the questionnaire, "
            "the fieldwork and the results in one place, every figure with its margin of error."
        )
    )
    if principal is None:
        # The session has ended since the page was opened.
        page_frame.draw_notice(
            t("Sign-in"),
            t("Accounts are given out by the administrator of this system."),
            link=("/auth/login", t("Sign in")),
        )
        return
    _draw_page_links(viewer, principal)
    if viewer.settings.demo:
        _draw_roles(viewer)


def _draw_page_links(viewer: ViewerContext, principal: Principal) -> None:
    t = viewer.t
    st.subheader(t("Your pages"), anchor=False)
    st.caption(f"{principal.name} · {t(ROLES[principal.role].name)}")
    for page in menu_for(principal):
        if page.action is not None:
            st.page_link(page.path, label=t(page.title))


def _draw_roles(viewer: ViewerContext) -> None:
    t = viewer.t
    st.subheader(t("Try another role"), anchor=False)
    st.caption(t("This is a demonstration. Everything here is generated demo data."))
    cards = "".join(_card(viewer, role, purpose) for role, purpose in demo_purposes().items())
    st.html(f'<div class="hcs-roles">{cards}</div>')


def _card(viewer: ViewerContext, role: Role, purpose: Message) -> str:
    """Render the form that signs in as a demo role with one click."""
    t = viewer.t
    target = f"/{landing_page(role).url}"
    wishes = {name: st.query_params[name] for name in (LANGUAGE, LARGE) if name in st.query_params}
    if wishes:
        target = f"{target}?{urlencode(wishes)}"
    return (
        f'<form method="post" action="/auth/demo?role={role.value}">'
        f'<input type="hidden" name="next" value="{escape(target)}">'
        f'<button type="submit"><b>{escape(t(ROLES[role].name))}</b>'
        f"{escape(t(purpose))}</button></form>"
    )
