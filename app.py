"""The entry: which pages there are for whoever looks, and the one that was asked for."""

import streamlit as st

from survey.access.principal import Principal
from survey.locale import translator
from survey.settings import current_settings
from survey.ui.navigation import PAGES, may_open
from survey.ui.preferences import current
from survey.ui.script_runs import page_turn
from survey.ui.session import visitor_or_nobody


def pages(principal: Principal | None) -> list[st.Page]:
    """Every page is known, so that its address answers; only one's own are in the menu."""
    t = translator(current(current_settings().language).language)
    return [
        st.Page(
            page.path,
            title=t(page.title),
            url_path=page.url or None,
            default=not page.url,
            visibility="visible" if may_open(page, principal) else "hidden",
        )
        for page in PAGES
    ]


with page_turn():
    st.navigation(pages(visitor_or_nobody(current_settings())), expanded=True).run()
