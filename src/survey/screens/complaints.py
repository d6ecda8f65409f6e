"""Page of rights and education: complaints by four lenses, opinion counts and their entry."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from uuid import uuid4

import pandas as pd
import streamlit as st

from survey.access.roles import NATION, Action
from survey.counts.alarm_view import COMPLAINT_ALARMS, TOPIC_ALARMS, AlarmTexts, build_alarm_view
from survey.counts.closed_months import list_closed_months
from survey.counts.complaint_alarms import read_complaint_alarms
from survey.counts.complaint_amounts import AMOUNT_NOTE, build_amount_table, read_amount_year
from survey.counts.complaint_charts import build_month_chart, build_share_chart
from survey.counts.complaint_lists import AGE_NOTE, build_age_table
from survey.counts.complaint_tables import (
    ComplaintYear,
    list_complaint_years,
    read_complaint_year,
    read_year_before,
)
from survey.counts.complaint_view import (
    area_choices,
    build_complaint_view,
    describe_closed,
    lens_choices,
    name_area,
)
from survey.counts.count_declaration import AREA, NOT_GIVEN
from survey.counts.count_kinds import (
    CHANNEL,
    COMPLAINTS,
    DAY,
    ITEMS,
    MAX_TOPIC_CHARS,
    SENTIMENT,
    TOPIC,
)
from survey.counts.deliveries import DeliveryHead
from survey.counts.opinion.storage import (
    EnteredDay,
    check_opinion_day,
    enter_opinion_day,
    list_opinion_areas,
    read_month_records,
)
from survey.counts.opinion.topic_alarms import read_topic_alarms
from survey.counts.opinion_tables import (
    EventWindow,
    OpinionEvent,
    find_busy_days,
    read_opinion_event,
)
from survey.counts.opinion_view import build_event_comparison, build_opinion_view, name_event
from survey.counts.standing_deliveries import DeliveredPeriod
from survey.counts.week_alarms import WeekAlarms
from survey.evidence_city.outside_city import AROUND_DAYS
from survey.frame.code_lists import CodeListName, is_within, leaf_areas, shipped_code_lists
from survey.kit import filters, text_blocks
from survey.kit.chart_panel import (
    CountSource,
    draw_chart,
    draw_count_notes,
    draw_count_panel,
    draw_count_table,
    draw_demo_mark,
    draw_none_delivered,
)
from survey.kit.delivery_feedback import describe_receipt, draw_count_problems
from survey.kit.feedback import run_change
from survey.kit.navigation import PAGES_BY_KEY, PageKey
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, read_cached, read_cached_late
from survey.kit.text_blocks import draw_freshness, render_table, render_text_table
from survey.kit.url_state import draw_tabs, keep_in_address, pick
from survey.rectification.problem_records import key_of
from survey.screens.problems.overview import draw_problem_links
from survey.screens.published_quarters import draw_published_quarters
from survey.screens.special_groups import draw_losses
from survey.screens.traders import draw_traders, read_rule
from survey.store.china_time import china_date
from survey.store.read_replica import LateReading
from survey.store.tables import EvidenceKind, now

_PREFIX = "outside/entry"


def draw_opinion_entry(page: PageContext, periods: Sequence[DeliveredPeriod]) -> None:
    """Draw an expander with the form that enters or corrects the opinion counts of one day."""
    t = page.t
    expander = st.expander(
        t("Enter or correct one day by hand"), key=f"{_PREFIX}/open", on_change="rerun"
    )
    if expander.open:
        with expander:
            _draw_form(page, periods)


def _draw_form(page: PageContext, periods: Sequence[DeliveredPeriod]) -> None:
    t = page.t
    st.caption(
        t(
            "The day takes the place of what stands there; the rest of its month stays. Both "
            "together are a new revision. Leave a row empty where a channel was not looked at."
        )
    )
    with st.container(horizontal=True):
        yesterday = china_date(now()) - timedelta(days=1)
        day = st.date_input(
            t("Day"),
            value=yesterday,
            max_value=yesterday,
            format="YYYY-MM-DD",
            key=f"{_PREFIX}/day",
        )
        area = st.selectbox(
            t("Area"),
            [NATION, *leaf_areas()],
            format_func=lambda code: name_area(code, page.language),
            key=f"{_PREFIX}/area",
        )
        topic = st.text_input(
            t("Topic; empty for everything found"),
            max_chars=MAX_TOPIC_CHARS,
            key=f"{_PREFIX}/topic",
        )
    period = day.strftime("%Y-%m")
    held = next((each for each in periods if each.period == period and each.is_current), None)
    grid = _draw_grid(page, day, area, topic.strip())
    source = st.text_input(
        t("Source"),
        value=held.source if held else "",
        max_chars=200,
        key=f"{_PREFIX}/source/{period}",
    )
    faults = st.text_area(
        t("Known faults; shown with every figure"),
        value=held.known_faults if held else "",
        max_chars=2_000,
        key=f"{_PREFIX}/faults/{period}",
    )
    if st.button(t("Check and store this day"), key=f"{_PREFIX}/store", disabled=not source):
        entered = EnteredDay(day, area, topic.strip(), _read_grid(grid))
        _store_day(page, entered, source, faults)


def _draw_grid(page: PageContext, day: date, area: str, topic: str) -> pd.DataFrame:
    t, lists = page.t, shipped_code_lists()
    sentiments = lists.codes_of(CodeListName.SENTIMENT)
    channels = {
        each.code: each.name(page.language) for each in lists.codes_of(CodeListName.OPINION_CHANNEL)
    } | {NOT_GIVEN: t("Not given")}
    known = _read_known_counts(page, day, area, topic)
    rows = pd.DataFrame(
        {
            sentiment.code: [known.get((channel, sentiment.code)) for channel in channels]
            for sentiment in sentiments
        },
        index=pd.Index(list(channels), name=CHANNEL),
        dtype="Int64",
    )
    rows.insert(0, CHANNEL, list(channels.values()))
    edited: pd.DataFrame = st.data_editor(
        rows,
        hide_index=True,
        disabled=[CHANNEL],
        column_config={
            CHANNEL: t("Channel"),
            **{
                sentiment.code: st.column_config.NumberColumn(
                    sentiment.name(page.language), min_value=0, step=1
                )
                for sentiment in sentiments
            },
        },
        key=f"{_PREFIX}/grid/{day}/{area}/{topic}",
    )
    return edited


def _read_known_counts(
    page: PageContext, day: date, area: str, topic: str
) -> dict[tuple[str, str], int]:
    with page.read() as work:
        records = read_month_records(work, period=day.strftime("%Y-%m"))
    place = (day.isoformat(), "" if area == NATION else area, topic)
    return {
        (str(record[CHANNEL]), str(record[SENTIMENT])): int(str(record[ITEMS]))
        for record in records
        if (record[DAY], record[AREA], record[TOPIC]) == place
    }


def _read_grid(grid: pd.DataFrame) -> dict[tuple[str, str], int]:
    return {
        (str(channel), str(sentiment)): int(count)
        for sentiment in grid.columns.drop(CHANNEL)
        for channel, count in grid[sentiment].dropna().items()
    }


def _store_day(page: PageContext, entered: EnteredDay, source: str, faults: str) -> None:
    t = page.t
    if not entered.items:
        st.warning(t("There is no count in the table."))
        return
    with page.read() as work:
        check = check_opinion_day(work, entered=entered)
    if check.counts is None:
        draw_count_problems(page, check)
        return
    head = DeliveryHead(
        f"entry-{entered.day}-{uuid4().hex[:12]}", source, china_date(now()), faults
    )
    change = partial(enter_opinion_day, entered=entered, head=head)
    run_change(page, change, done=partial(describe_receipt, page))
    st.rerun()


_AROUND_DAYS = ("14", "28", "56")
MAX_EVENT_DAYS = 62


def draw_opinion(page: PageContext) -> None:
    """Draw what stands out this week, and an area's counts around a chosen event."""
    t = page.t
    areas = read_cached(page, list_opinion_areas, "opinion areas")
    if not areas:
        draw_none_delivered(page, t("No opinion counts have been delivered yet"))
        return
    _draw_alarms(page, read_cached(page, read_topic_alarms, "topic alarms"), TOPIC_ALARMS)
    with filters.filter_row("opinion"):
        names = {area: name_area(area, page.language) for area in areas}
        area = pick(page, t("Nation or city"), "opinion_area", names, default=NATION)
        chosen = _pick_event(page, area)
    if chosen is None:
        return
    read = partial(read_opinion_event, area=area, event=chosen)
    reading = read_cached_late(page, read, "event", area, chosen)
    found = reading.value
    if found is None:
        draw_notice(
            t("Nothing was delivered for these days"), t("Choose days that were delivered.")
        )
        return
    _draw_event(page, found)
    _draw_second_event(page, found)
    draw_freshness(t, reading.freshness)


def _pick_event(page: PageContext, area: str) -> EventWindow | None:
    t = page.t
    usual = read_cached(page, partial(find_busy_days, area=area), "busy days", area)
    if usual is None:
        return None
    days = _pick_days(page, t("Days of the event"), ("from", "to"), area, usual)
    counts = {count: t("{count} days", count=count) for count in _AROUND_DAYS}
    around = pick(page, t("Days before and after"), "around", counts, default=str(AROUND_DAYS))
    return EventWindow(*days, int(around)) if days is not None else None


def _pick_days(
    page: PageContext,
    label: str,
    names: tuple[str, str],
    area: str,
    usual: tuple[date, date] | None = None,
) -> tuple[date, date] | None:
    """Draw the choice of an event's days; return them, None while there are none or too many.

    Args:
        names: Names of first and last day in the address.
        usual: Days that are chosen at first.
    """
    t = page.t
    first, last = (_parse_day(st.query_params.get(name, "")) for name in names)
    if usual is not None:
        first, last = first or usual[0], last or usual[1]
    arrived = (first, last) if first and last and first <= last else usual
    key = f"opinion/{names[0]}/{area}"
    days = st.date_input(label, value=arrived or [], format="YYYY-MM-DD", key=key)
    if not isinstance(days, tuple) or len(days) != 2:
        return None
    if (days[1] - days[0]).days >= MAX_EVENT_DAYS:
        draw_notice(
            t("This event is too long"), t("Choose at most {count} days.", count=MAX_EVENT_DAYS)
        )
        return None
    if days != usual:
        keep_in_address({name: day.isoformat() for name, day in zip(names, days, strict=True)})
    return days


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


def _draw_second_event(page: PageContext, first: OpinionEvent) -> None:
    """Draw the choice of another event of the same area, and both beside one another."""
    t, area = page.t, first.area
    st.subheader(t("Beside another event"), anchor=False)
    days = _pick_days(page, t("Days of the other event"), ("other_from", "other_to"), area)
    if days is None:
        return
    window = EventWindow(*days, first.event.around)
    read = partial(read_opinion_event, area=area, event=window)
    second = read_cached_late(page, read, "event", area, window).value
    if second is None:
        draw_notice(
            t("Nothing was delivered for these days"), t("Choose days that were delivered.")
        )
        return
    with st.container(horizontal=True):
        for number, event in enumerate((first, second), start=1):
            view = build_opinion_view(event=event, language=page.language)
            source = CountSource(f"opinion-{area}", event.is_demo, view.notes)
            with st.container(width=_PICTURE_PX):
                draw_demo_mark(page, event.is_demo)
                st.markdown(f"**{text_blocks.escape_markdown(name_event(event, t))}**")
                text_blocks.draw_sentences(view.sentences)
                draw_count_panel(page, replace(view.shares, key=f"opinion-event-{number}"), source)
    st.html(render_table(*build_event_comparison((first, second), page.language)))
    st.caption(
        t(
            "No test compares the two events: what a vendor finds depends on the pages that it "
            "searched at the time. Differences from before are tested within each event."
        )
    )


_LINES_PX = 760
_PICTURE_PX = 540


def draw_complaints_page(page: PageContext) -> None:
    """Draw complaints, losses and opinion in tabs; consumer education was one, and is a page."""
    if st.query_params.get("part") == "education":
        kept = {name: value for name, value in st.query_params.items() if name != "part"}
        st.switch_page(PAGES_BY_KEY[PageKey.EDUCATION].path, query_params=kept)
    t = page.t
    tabs = {
        "complaints": (t("Complaints"), partial(draw_complaints, page)),
        "detriment": (t("Losses and topics"), partial(draw_losses, page)),
        "opinion": (t("Opinion monitoring"), partial(draw_opinion, page)),
    }
    rule = read_rule(page)
    if rule is not None or page.principal.may(Action.RELEASE):
        tabs["traders"] = (t("Traders and brands"), partial(draw_traders, page, rule))
    draw_tabs(page, tabs)


def draw_complaints(page: PageContext) -> None:
    """Draw what stands out this week, the chosen area's and year's statistics, and quarters."""
    found = read_cached(page, read_complaint_alarms, "complaint alarms")
    _draw_alarms(page, found, COMPLAINT_ALARMS)
    years = read_cached(page, list_complaint_years, "years")
    if years:
        _draw_year(page, years)
    else:
        draw_none_delivered(page, page.t("No complaint statistics have been delivered yet"))
    draw_published_quarters(page)


def _draw_year(page: PageContext, years: dict[int, int]) -> None:
    with filters.filter_row():
        reading = _pick_year(page, years)
        year = reading.value
        if year is None:
            return
        areas = area_choices(year, page.language)
        area = filters.pick_area_scope(page, areas, page.t("Nation, province or city"))
        lenses = lens_choices(year, page.language)
        lens = pick(page, page.t("Split by"), "lens", lenses)
    if area is None:
        return
    before = page.read_late(partial(read_year_before, year=year)).value
    view = build_complaint_view(
        year=year, before=before, lens=lens, area=area, language=page.language
    )
    draw_demo_mark(page, year.is_demo)
    st.subheader(text_blocks.escape_markdown(view.title), anchor=False)
    text_blocks.draw_sentences(view.sentences, answers=2)
    source = CountSource(f"complaints-{year.year}-{area}", year.is_demo, view.notes)
    shares = build_share_chart(
        shares=view.shares, title=view.lens_title, years=(year.year, year.year - 1), t=page.t
    )
    # Side by side where both fit; in large letters and on a phone the table stands below.
    with st.container(horizontal=True):
        with st.container(width=_PICTURE_PX):
            draw_count_panel(page, shares, source)
        st.html(render_table(*view.lens), width="content")
    _draw_people_and_amounts(page, year, area, lens)
    months = build_month_chart(year=year, area=area, language=page.language)
    with st.container(horizontal=True):
        with st.container(width=_LINES_PX):
            draw_count_panel(page, months, source)
        with st.container(width="content"):
            draw_count_table(view.month_title, view.months)
    closed = read_cached(page, list_closed_months, "closed months")
    draw_count_notes((*view.notes, describe_closed(year, closed, page.t)))
    draw_freshness(page.t, reading.freshness)


def _draw_people_and_amounts(page: PageContext, year: ComplaintYear, area: str, lens: str) -> None:
    """Draw an expander: older people and minors, and amounts, by nature or class.

    They are read once it is open: both take as long as all the rest of the page.
    """
    t = page.t
    crossed = [name for name, each in COMPLAINTS.crossed.items() if each.by == lens]
    if not crossed:
        return
    title = t("Older people and minors; amounts claimed and recovered")
    expander = st.expander(title, key="complaints/people/data", on_change="rerun")
    if not expander.open:
        return
    read_ages = partial(read_complaint_year, year=year.year, lenses=(lens, *crossed))
    by_age = read_cached_late(page, read_ages, "complaints by age", year.year, lens).value
    ages = by_age and build_age_table(year=by_age, area=area, lens=lens, language=page.language)
    read_amounts = partial(read_amount_year, year=year, lens=lens)
    found = read_cached_late(page, read_amounts, "amounts", year.year, lens).value
    amounts = found and build_amount_table(
        found=found, year=year, area=area, lens=lens, language=page.language
    )
    with expander:
        if ages:
            draw_count_table(t("Older people and minors"), ages)
            st.caption(t(AGE_NOTE))
        if found and amounts:
            draw_count_table(t("Amounts claimed and recovered"), amounts)
            came = sum(is_within(leaf, area) for leaf in found.areas)
            st.caption(f"{t(AMOUNT_NOTE)} " + t("Amounts are known of {count} areas.", count=came))
        if not ages and not amounts:
            st.caption(t("Neither ages nor amounts were delivered, or none can be shown."))


def _draw_alarms(page: PageContext, found: WeekAlarms, texts: AlarmTexts) -> None:
    """Draw the early warnings of the newest week; nothing where nothing stands out."""
    view = build_alarm_view(found, texts, page.language)
    if not view.sentences:
        return
    if not found.alarms:
        st.caption(text_blocks.escape_markdown(" ".join(view.sentences)))
        return
    with st.container(border=True, key=texts.key):
        draw_demo_mark(page, found.is_demo)
        st.subheader(text_blocks.escape_markdown(view.title), anchor=False)
        text_blocks.draw_sentences(view.sentences, answers=1)
        if view.chart is not None:
            draw_chart(page, view.chart)
        st.html(render_text_table(*view.table))
        st.markdown("\n".join(f"- {text_blocks.escape_markdown(each)}" for each in view.steps))
        if texts is COMPLAINT_ALARMS:
            own = [each for each in found.alarms if each.area == page.principal.area]
            draw_problem_links(
                page,
                {
                    key_of(
                        EvidenceKind.EARLY_WARNING, "/".join((*each.key[1:], each.since))
                    ): " · ".join(texts.name(each.key, page.language))
                    for each in own
                },
            )
        draw_count_notes(view.notes)


def _pick_year(page: PageContext, years: dict[int, int]) -> LateReading[ComplaintYear | None]:
    labels = {
        str(year): page.t("{year} ({months} months)", year=year, months=months)
        for year, months in years.items()
    }
    chosen = pick(page, page.t("Year"), "year", labels)
    return page.read_late(partial(read_complaint_year, year=int(chosen)))
