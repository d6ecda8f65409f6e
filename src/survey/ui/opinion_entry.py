"""Entry of opinion counts of one day by hand, with what stands there already filled in."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import uuid4

import pandas as pd
import streamlit as st

from survey.access.roles import NATION
from survey.access.work import Work
from survey.context.areas import leaf_areas
from survey.context.code_lists import CodeListName, shipped_code_lists
from survey.context.count_declaration import AREA, NOT_GIVEN
from survey.context.count_kinds import CHANNEL, DAY, ITEMS, MAX_TOPIC_CHARS, SENTIMENT, TOPIC
from survey.context.deliveries import DeliveredPeriod, DeliveryHead, DeliveryReceipt
from survey.context.opinion.day_entry import EnteredDay, check_opinion_day, enter_opinion_day
from survey.context.opinion.storage import read_month_records
from survey.publish.views.complaints import name_area
from survey.store.china_time import china_date
from survey.store.tables import now
from survey.ui.delivery_feedback import describe_receipt, draw_count_problems
from survey.ui.feedback import perform
from survey.ui.page_runner import PageContext

_PREFIX = "outside/entry"


def draw_opinion_entry(page: PageContext, periods: Sequence[DeliveredPeriod]) -> None:
    """Draw the form in an expander, which is closed to begin with."""
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
    sentiments = lists.listed(CodeListName.SENTIMENT)
    channels = {
        each.code: each.name(page.language) for each in lists.listed(CodeListName.OPINION_CHANNEL)
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

    def run(work: Work) -> DeliveryReceipt:
        return enter_opinion_day(work, entered=entered, head=head)

    perform(page, run, done=lambda receipt: describe_receipt(page, receipt))
    st.rerun()
