"""Tab of opinion monitoring: an event, the days around it, topics and channels."""

from datetime import date

import streamlit as st

from survey.access.principal import Principal
from survey.access.roles import NATION
from survey.access.work import Work
from survey.context.opinion.storage import list_opinion_areas
from survey.publish.opinion_tables import (
    EventWindow,
    OpinionEvent,
    find_busy_days,
    read_opinion_event,
)
from survey.publish.outside_evidence import AROUND_DAYS
from survey.publish.views.complaints import Table, name_area
from survey.publish.views.opinion import build_opinion_view
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.read_replica import LateReading, read_late
from survey.store.tables import now
from survey.ui import filters, text_blocks
from survey.ui.count_panel import CountSource, draw_count_panel
from survey.ui.data_freshness import draw_freshness
from survey.ui.html_table import render_table
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.url_state import keep_in_address, pick

_NEW_DELIVERIES_AFTER = 15.0
"""Seconds until a page notices a delivery."""
_AROUND_DAYS = ("14", "28", "56")
MAX_EVENT_DAYS = 62


def draw_opinion(page: PageContext) -> None:
    """Draw the tab."""
    t = page.t
    areas = _get_areas(page)
    if not areas:
        draw_notice(
            t("No opinion counts have been delivered yet"),
            t("An administrator or the national office delivers them on the page of outside data."),
        )
        return
    with filters.filter_row("opinion"):
        names = {area: name_area(area, page.language) for area in areas}
        area = pick(
            t("Nation or city"),
            "opinion_area",
            areas,
            show=names.__getitem__,
            language=page.language,
            default=NATION,
        )
        chosen = _pick_event(page, area)
    if chosen is None:
        return
    reading = _get_event(page, area, chosen)
    found = reading.value
    if found is None:
        draw_notice(
            t("Nothing was delivered for these days"), t("Choose days that were delivered.")
        )
        return
    _draw_event(page, found)
    draw_freshness(t, reading.freshness)


def _pick_event(page: PageContext, area: str) -> EventWindow | None:
    t = page.t
    usual = _get_busy_days(page, area)
    if usual is None:
        return None
    first, last = (
        _parse_day(st.query_params.get(name, "")) or otherwise
        for name, otherwise in zip(("from", "to"), usual, strict=True)
    )
    arrived = (first, last)
    if not arrived[0] <= arrived[1]:
        arrived = usual
    days = st.date_input(
        t("Days of the event"), value=arrived, format="YYYY-MM-DD", key=f"opinion/days/{area}"
    )
    around = int(
        pick(
            t("Days before and after"),
            "around",
            list(_AROUND_DAYS),
            show=lambda count: t("{count} days", count=count),
            language=page.language,
            default=str(AROUND_DAYS),
        )
    )
    if not isinstance(days, tuple) or len(days) != 2:
        return None
    first, last = days
    if (last - first).days >= MAX_EVENT_DAYS:
        draw_notice(
            t("This event is too long"), t("Choose at most {count} days.", count=MAX_EVENT_DAYS)
        )
        return None
    if (first, last) != usual:
        keep_in_address({"from": first.isoformat(), "to": last.isoformat()})
    return EventWindow(first, last, around)


def _parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _draw_event(page: PageContext, event: OpinionEvent) -> None:
    t = page.t
    view = build_opinion_view(event=event, language=page.language)
    if event.is_demo:
        st.caption(t("DEMO DATA: generated, no result of any survey"))
    st.subheader(text_blocks.escape_markdown(view.title), anchor=False)
    text_blocks.draw_sentences(view.sentences)
    source = CountSource(f"opinion-{event.area}", event.is_demo, view.notes)
    draw_count_panel(page, view.shares, source)
    _draw_table(t("Before, during and after"), view.windows)
    draw_count_panel(page, view.items, source)
    if view.topics[1]:
        _draw_table(t("Topics with their peak day"), view.topics)
    _draw_table(t("By channel"), view.channels)
    for note in view.notes:
        st.caption(text_blocks.escape_markdown(note))


def _draw_table(title: str, table: Table) -> None:
    st.subheader(title, anchor=False)
    st.html(render_table(*table))


def _get_areas(page: PageContext) -> list[str]:
    return _read_cached_areas(*_build_cache_key(page), page.principal, page.settings)


def _get_busy_days(page: PageContext, area: str) -> tuple[date, date] | None:
    return _read_cached_busy_days(*_build_cache_key(page), area, page.principal, page.settings)


def _get_event(
    page: PageContext, area: str, event: EventWindow
) -> LateReading[OpinionEvent | None]:
    return _read_cached_event(*_build_cache_key(page), area, event, page.principal, page.settings)


def _build_cache_key(page: PageContext) -> tuple[str, bool, str]:
    """Return what decides which counts a reader may see; part of the key of every cache."""
    return page.settings.store_url, page.principal.is_demo, page.principal.area


@st.cache_data(ttl=_NEW_DELIVERIES_AFTER, max_entries=64, show_spinner=False)
def _read_cached_areas(
    store_url: str, is_demo: bool, own_area: str, _principal: Principal, _settings: Settings
) -> list[str]:
    del is_demo, own_area
    with read_scope(store_url) as session:
        return list_opinion_areas(Work(session, _principal, now(), _settings))


@st.cache_data(ttl=_NEW_DELIVERIES_AFTER, max_entries=64, show_spinner=False)
def _read_cached_busy_days(
    store_url: str,
    is_demo: bool,
    own_area: str,
    area: str,
    _principal: Principal,
    _settings: Settings,
) -> tuple[date, date] | None:
    del is_demo, own_area
    with read_scope(store_url) as session:
        return find_busy_days(Work(session, _principal, now(), _settings), area=area)


@st.cache_resource(ttl=_NEW_DELIVERIES_AFTER, max_entries=64, show_spinner=False)
def _read_cached_event(
    store_url: str,
    is_demo: bool,
    own_area: str,
    area: str,
    event: EventWindow,
    _principal: Principal,
    _settings: Settings,
) -> LateReading[OpinionEvent | None]:
    del store_url, is_demo, own_area
    return read_late(
        _settings,
        lambda session: read_opinion_event(
            Work(session, _principal, now(), _settings), area=area, event=event
        ),
    )
