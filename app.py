"""The entry: which pages there are for whoever looks, and the one that was asked for."""

import streamlit as st

from survey.access.principal import Principal
from survey.kit.navigation import PAGES, may_open
from survey.kit.page_runner import script_run_slot
from survey.kit.viewer import find_principal_or_none, get_preferences
from survey.locale import translator
from survey.settings import current_settings


def pages(principal: Principal | None) -> list[st.Page]:
    """Every page is known, so that its address answers; only one's own are in the menu."""
    t = translator(get_preferences(current_settings().language).language)
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


with script_run_slot():
    st.navigation(pages(find_principal_or_none(current_settings())), expanded=True).run()
