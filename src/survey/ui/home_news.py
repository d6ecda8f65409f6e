"""What is new since somebody's last visit, on the start page."""

from dataclasses import replace
from datetime import timedelta

import streamlit as st

from survey.access.roles import NATION
from survey.publish.news import NewsItem, NewsKind, list_news
from survey.store.china_time import format_china_minute
from survey.store.tables import now
from survey.ui.current_principal import find_visit_before
from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext
from survey.ui.results_cache import all_waves
from survey.ui.text_blocks import draw_links

FIRST_VISIT_DAYS = 30
"""Days that are looked back on where no earlier visit is known."""
_MAX_ITEMS = 6
_SUPPLEMENTS = ("elderly", "minors")


def draw_news(page: PageContext) -> None:
    """Draw what is new since the last visit, each line with its time and a link."""
    t, moment = page.t, now()
    visited = find_visit_before(page.settings)
    since = visited or moment - timedelta(days=FIRST_VISIT_DAYS)
    with page.read() as work:
        news = list_news(
            replace(work, now=moment), waves=all_waves(page), since=since, language=page.language
        )
    title = t("New since your last visit") if visited else t("New in the last 30 days")
    st.subheader(title, anchor=False)
    if visited:
        st.caption(t("You were last here {when}.", when=format_china_minute(t, visited)))
    if not news:
        st.caption(t("Nothing new has come."))
    draw_links([_format_item(page, item) for item in news[:_MAX_ITEMS]])
    if len(news) > _MAX_ITEMS:
        st.caption(t("The first {shown} of {count}.", shown=_MAX_ITEMS, count=len(news)))


def _format_item(page: PageContext, item: NewsItem) -> tuple[str, str]:
    """Return address and text of a line."""
    return _build_news_address(page, item), f"{format_china_minute(page.t, item.at)} · {item.text}"


def _build_news_address(page: PageContext, item: NewsItem) -> str:
    if item.kind is NewsKind.RESULTS:
        return _build_results_address(page, item)
    if item.kind is NewsKind.PROBLEMS:
        return page.address(PageKey.RECTIFICATION, show=item.subject)
    if item.kind is NewsKind.COMPARATIVE_TEST:
        return page.address(PageKey.COMPARATIVE_TESTS, test=item.subject)
    return page.address(PageKey.RELEASES if item.kind is NewsKind.RELEASE else PageKey.COMPLAINTS)


def _build_results_address(page: PageContext, item: NewsItem) -> str:
    """Return the page that shows the results of a wave to this reader first."""
    if item.series in _SUPPLEMENTS:
        return page.address(PageKey.SPECIAL_GROUPS, study=item.series)
    key = PageKey.OVERVIEW if page.principal.area == NATION else PageKey.CITY
    return page.address(key, wave=item.subject)
