"""The entry: the menu for whoever looks, and the page that was asked for."""

import streamlit as st

from survey.access.principal import Principal
from survey.kit.navigation import PAGES, PageInfo, list_menu
from survey.kit.page_runner import script_run_slot
from survey.kit.viewer import find_principal_or_none, get_preferences
from survey.locale import translator
from survey.settings import current_settings


def pages(principal: Principal | None, shown: str) -> dict[str, list[st.Page]]:
    """Every page is known, so that its address answers; the menu shows one page of each entry.

    That is the one that is open, else the first: the menu marks where somebody is.
    """
    t = translator(get_preferences(current_settings().language).language)
    menu = list_menu(principal)
    sections: dict[str, list[st.Page]] = {}
    for section in menu:
        heading = t(section.heading) if section.heading else ""
        for entry in section.entries:
            visible = next((page for page in entry.pages if page.url == shown), entry.pages[0])
            sections.setdefault(heading, []).extend(
                _declare(page, t(entry.title), is_visible=page is visible) for page in entry.pages
            )
    known = {page.key for section in menu for entry in section.entries for page in entry.pages}
    sections[""] += [
        _declare(page, t(page.title), is_visible=False) for page in PAGES if page.key not in known
    ]
    return sections


def _declare(page: PageInfo, title: str, *, is_visible: bool) -> st.Page:
    return st.Page(
        page.path,
        title=title,
        url_path=page.url or None,
        default=not page.url,
        visibility="visible" if is_visible else "hidden",
    )


with script_run_slot():
    reader = find_principal_or_none(current_settings())
    # Asked once for the page that is open, and again for the menu that marks it.
    opened = st.navigation(pages(reader, ""), position="hidden")
    st.navigation(pages(reader, opened.url_path), expanded=True).run()
