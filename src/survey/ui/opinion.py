"""Tab of opinion monitoring: an event, the days around it, topics and channels."""

from datetime import date

import streamlit as st

from survey.access.roles import NATION
from survey.context.opinion.storage import list_opinion_areas
from survey.publish.opinion_tables import (
    EventWindow,
    OpinionEvent,
    find_busy_days,
    read_opinion_event,
)
from survey.publish.outside_evidence import AROUND_DAYS
from survey.publish.views.complaints import name_area
from survey.publish.views.opinion import build_opinion_view
from survey.store.read_replica import LateReading, read_late
from survey.ui import filters, text_blocks
from survey.ui.count_panel import (
    CountSource,
    draw_count_notes,
    draw_count_panel,
    draw_count_table,
    draw_demo_mark,
    draw_none_delivered,
)
from survey.ui.data_freshness import draw_freshness
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.reading_cache import read_cached
from survey.ui.url_state import keep_in_address, pick

_AROUND_DAYS = ("14", "28", "56")
MAX_EVENT_DAYS = 62


def draw_opinion(page: PageContext) -> None:
    """Draw the tab."""
    t = page.t
    areas = _get_areas(page)
    if not areas:
        draw_none_delivered(page, t("No opinion counts have been delivered yet"))
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
    draw_demo_mark(page, event.is_demo)
    st.subheader(text_blocks.escape_markdown(view.title), anchor=False)
    text_blocks.draw_sentences(view.sentences)
    source = CountSource(f"opinion-{event.area}", event.is_demo, view.notes)
    draw_count_panel(page, view.shares, source)
    draw_count_table(t("Before, during and after"), view.windows)
    draw_count_panel(page, view.items, source)
    if view.topics[1]:
        draw_count_table(t("Topics with their peak day"), view.topics)
    draw_count_table(t("By channel"), view.channels)
    draw_count_notes(view.notes)


def _get_areas(page: PageContext) -> list[str]:
    def read() -> list[str]:
        with page.read() as work:
            return list_opinion_areas(work)

    return read_cached(page, read, "opinion areas")


def _get_busy_days(page: PageContext, area: str) -> tuple[date, date] | None:
    def read() -> tuple[date, date] | None:
        with page.read() as work:
            return find_busy_days(work, area=area)

    return read_cached(page, read, "busy days", area)


def _get_event(
    page: PageContext, area: str, event: EventWindow
) -> LateReading[OpinionEvent | None]:
    def read() -> LateReading[OpinionEvent | None]:
        return read_late(
            page.settings,
            lambda session: read_opinion_event(page.work(session), area=area, event=event),
        )

    return read_cached(page, read, "event", area, event)
