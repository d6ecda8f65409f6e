"""Opinion monitoring around an event: sentences, charts and tables for the page of one area."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import exp

import numpy as np

from survey.access.roles import NATION
from survey.counts.complaint_lists import Table
from survey.counts.complaint_view import describe_deliveries, name_area
from survey.counts.count_declaration import NOT_GIVEN
from survey.counts.count_kinds import ITEMS, NEGATIVE
from survey.counts.opinion.event_windows import WindowDifference
from survey.counts.opinion_tables import Numbers, OpinionDay, OpinionEvent
from survey.disclosure import MINIMUM_N
from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.charts.count_charts import AFTER, BEFORE, DURING, MEAN, WINDOWS
from survey.figures.views.chart_panels import ChartPanel
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.locale import Message, Translator, msg, translator
from survey.locale.figures import (
    format_count,
    format_percent,
    format_quantity,
    format_score,
    format_signed,
)
from survey.store.china_time import format_day

WINDOW_NAMES: dict[str, Message] = {
    BEFORE: msg("Before"),
    DURING: msg("During the event"),
    AFTER: msg("After"),
}
_HIDDEN = f"<{MINIMUM_N}"
_MAX_NAMED_SPANS = 8
_NO_SAMPLE = msg(
    "Items that a vendor found on public pages, not the opinion of residents: who writes is no "
    "sample of anybody. None of it is part of the score."
)


@dataclass(frozen=True, eq=False)
class OpinionView:
    """Texts, charts and tables that the page of opinion monitoring shows of one area."""

    title: str
    sentences: tuple[str, ...]
    shares: ChartPanel
    items: ChartPanel
    windows: Table
    topics: Table
    channels: Table
    notes: tuple[str, ...]


def build_opinion_view(*, event: OpinionEvent, language: str) -> OpinionView:
    """Return the view of an area's opinion counts around one event."""
    t, name = translator(language), name_area(event.area, language)
    first, last = event.event.first, event.event.last
    title = t(
        "Opinion in {area}, {first} to {last}",
        area=name,
        first=format_day(t, first),
        last=format_day(t, last),
    )
    return OpinionView(
        title=title,
        sentences=tuple(_describe_event(event, t)),
        shares=_build_day_chart(
            event,
            "opinion-shares",
            t("Negative share of the items of a day"),
            t("Per cent of the items of a day"),
            [day.share for day in event.days],
            t,
        ),
        items=_build_day_chart(
            event,
            "opinion-items",
            t("Items found on a day"),
            t("Items a day"),
            [day.items for day in event.days],
            t,
        ),
        windows=_build_window_table(event, t),
        topics=_build_topic_table(event, t),
        channels=_build_channel_table(event, language),
        notes=tuple(_list_notes(event, t)),
    )


def name_event(event: OpinionEvent, t: Translator) -> str:
    """Return the days of an event as they stand in tables and titles."""
    return t("{first} to {last}", first=event.event.first, last=event.event.last)


def build_event_comparison(events: Sequence[OpinionEvent], language: str) -> Table:
    """Return the windows of events of one area, each window of all events below one another.

    No test compares events: how many items are found depends on the vendor's sources of the time.
    """
    t = translator(language)
    tables = {name_event(each, t): _build_window_table(each, t) for each in events}
    heads = next(iter(tables.values()))[0]
    rows = [
        (" · ".join((row[0], name)), *row[1:])
        for message in WINDOW_NAMES.values()
        for name, (_, windows) in tables.items()
        for row in windows
        if row[0] == t(message)
    ]
    return heads, tuple(rows)


def describe_opinion_sources(event: OpinionEvent, t: Translator) -> list[str]:
    """Return the notes on what items are, which area they name, their source and known errors."""
    lines = [t(_NO_SAMPLE)]
    if event.area != NATION:
        lines.append(t("Only items that name this area; most items name none."))
    return [*lines, *describe_deliveries(event.periods, t)]


def describe_opinion(event: OpinionEvent, t: Translator) -> list[str]:
    """Return sentences on an event: items found, their negative share, and the busiest day."""
    during = event.totals.get(DURING)
    if during is None or NEGATIVE not in during or ITEMS not in during:
        return [t("The counts of this event are kept back or were not delivered.")]
    lines = [
        t(
            "{items} items were found on the {days} days of the event, {share} per cent of them "
            "negative.",
            items=format_count(during[ITEMS]),
            days=sum(day.window == DURING for day in event.days),
            share=format_score(100 * during[NEGATIVE] / during[ITEMS], 2),
        )
    ]
    peak = find_peak(event)
    if peak is not None:
        lines.append(
            t(
                "Most were found on {day}: {items}.",
                day=format_day(t, peak.day),
                items=format_count(peak.items),
            )
        )
    return lines


def find_peak(event: OpinionEvent) -> OpinionDay | None:
    """Return the day during the event with most items; None if the items of all days are hidden."""
    known = [day for day in event.days if day.items is not None and day.window == DURING]
    return max(known, key=lambda day: day.items or 0.0, default=None)


def _describe_event(event: OpinionEvent, t: Translator) -> list[str]:
    lines = describe_opinion(event, t)
    for window in (DURING, AFTER):
        change = event.share_changes.get(window)
        if change is not None:
            lines.append(_describe_share(change, window, t))
    change = event.item_changes.get(DURING)
    if change is not None:
        lines.append(
            t(
                "A day of the event had {ratio} times as many items as a day before "
                "(95%\u00a0interval {low} to {high}).",
                ratio=format_score(exp(change.value), 2),
                low=format_score(exp(change.low), 2),
                high=format_score(exp(change.high), 2),
            )
        )
    return lines


def _describe_share(change: WindowDifference, window: str, t: Translator) -> str:
    interval = t(
        "95%\u00a0interval {low} to {high}",
        low=format_signed(change.low),
        high=format_signed(change.high),
    )
    if not change.is_clear:
        return t(
            "{window}: no difference of the negative share from before can be told ({value} "
            "points, {interval}).",
            window=t(WINDOW_NAMES[window]),
            value=format_signed(change.value),
            interval=interval,
        )
    words = (
        msg("{window}: the negative share of a day was {value} points higher than before "
            "({interval}).")
        if change.value > 0
        else msg("{window}: the negative share of a day was {value} points lower than before "
                 "({interval}).")
    )  # fmt: skip
    return t(
        words.msgid,
        window=t(WINDOW_NAMES[window]),
        value=format_score(abs(change.value)),
        interval=interval,
    )


def _build_day_chart(
    event: OpinionEvent,
    key: str,
    title: str,
    value: str,
    numbers: Sequence[float | None],
    t: Translator,
) -> ChartPanel:
    """Return a chart of daily `numbers` of `value`, with means of windows without hidden days."""
    at = [datetime.combine(day.day, time(), UTC).timestamp() * 1_000 for day in event.days]
    rows: dict[str, list[object]] = {
        name: [] for name in ("at", "value", "role", "window", "first", "last", "label", "run")
    }

    def add(*cells: object) -> None:
        for name, cell in zip(rows, cells, strict=True):
            rows[name].append(cell)

    run, last = 0, None
    for moment, day, number in zip(at, event.days, numbers, strict=True):
        if number is not None:
            # A day that was not delivered, or is kept back, breaks the line.
            run += last is not None and day.day - last > timedelta(days=1)
            last = day.day
            label = format_day(t, day.day)
            add(moment, number, day.window, day.window, np.nan, np.nan, label, run)
    for window in WINDOWS:
        own = [place for place, day in enumerate(event.days) if day.window == window]
        known = [numbers[place] for place in own]
        if own and all(number is not None for number in known):
            mean = float(np.mean([number for number in known if number is not None]))
            add(np.nan, mean, MEAN, window, at[own[0]], at[own[-1]], "", run)
    count = sum(number is not None for number in numbers)
    names = tuple(t(WINDOW_NAMES[window]) for window in WINDOWS)
    return ChartPanel(
        key=key,
        kind=ChartKind.DAYS,
        title=title,
        subtitle=t(
            "{count} days; horizontal lines: mean of the days of a window; the line breaks where a "
            "day was not delivered or is kept back",
            count=count,
        ),
        alt=t("{title}. {count} days. The same data follow as a table.", title=title, count=count),
        text=ChartLabels(value=value, name=t("Day"), series=names),
        chart_rows=rows if count else {},
        table_columns={
            t("Day"): [format_day(t, day.day) for day in event.days],
            t("Window"): [t(WINDOW_NAMES[day.window]) for day in event.days],
            value: [np.nan if number is None else number for number in numbers],
        },
    )


def _build_window_table(event: OpinionEvent, t: Translator) -> Table:
    rows: list[tuple[str, ...]] = []
    for window in WINDOWS:
        days = [day for day in event.days if day.window == window]
        if not days:
            continue
        shares = [day.share for day in days if day.share is not None]
        numbers = event.totals.get(window)
        change = event.share_changes.get(window)
        rows.append(
            (
                t(WINDOW_NAMES[window]),
                str(len(days)),
                _format_items(numbers),
                format_quantity(numbers[ITEMS] / len(days), 1)
                if numbers is not None and ITEMS in numbers
                else "–",
                format_percent(float(np.mean(shares)) if len(shares) == len(days) else None, 1),
                "–" if change is None else format_signed(change.value),
                "–"
                if change is None
                else t(
                    "{low} to {high}",
                    low=format_signed(change.low),
                    high=format_signed(change.high),
                ),
            )
        )
    heads = (
        t("Window"),
        t("Days"),
        t("Items"),
        t("Items a day"),
        t("Negative share, mean of the days"),
        t("Difference from before, in points"),
        t("95%\u00a0interval"),
    )
    return heads, tuple(rows)


def _format_items(numbers: Numbers | None) -> str:
    return _HIDDEN if numbers is None or ITEMS not in numbers else format_count(numbers[ITEMS])


def _format_share(part: float | None, whole: float | None) -> str:
    return format_percent(None if part is None or not whole else 100 * part / whole)


def _build_topic_table(event: OpinionEvent, t: Translator) -> Table:
    whole = (event.whole or {}).get(ITEMS)
    rows = tuple(
        (
            topic.name,
            format_count(topic.items),
            _format_share(topic.items, whole),
            _format_share(topic.negative, topic.items),
            format_day(t, topic.peak_day),
            format_count(topic.peak_items),
        )
        for topic in event.topics
    )
    heads = (
        t("Opinion topic"),
        t("Items"),
        t("Share of everything found"),
        t("Negative share"),
        t("Peak day"),
        t("Items on that day"),
    )
    return heads, rows


def _build_channel_table(event: OpinionEvent, language: str) -> Table:
    t = translator(language)
    names = {
        each.code: each.name(language)
        for each in shipped_code_lists().codes_of(CodeListName.OPINION_CHANNEL)
    } | {NOT_GIVEN: t("Not given")}
    whole = (event.whole or {}).get(ITEMS)
    rows = sorted(
        (
            -(numbers or {}).get(ITEMS, 0.0),
            (
                names.get(code, code),
                _format_items(numbers),
                _format_share((numbers or {}).get(ITEMS), whole),
                _format_share((numbers or {}).get(NEGATIVE), (numbers or {}).get(ITEMS)),
            ),
        )
        for code, numbers in event.channels.items()
    )
    heads = (t("Channel"), t("Items"), t("Share of everything found"), t("Negative share"))
    return heads, tuple(row for _, row in rows)


def _name_days(days: Sequence[date], t: Translator) -> str:
    """Return days as text, consecutive days as one span; after the first spans an ellipsis."""
    spans: list[list[date]] = []
    for day in days:
        if spans and day - spans[-1][-1] == timedelta(days=1):
            spans[-1].append(day)
        else:
            spans.append([day])
    words = [
        format_day(t, span[0])
        if len(span) == 1
        else t("{low} to {high}", low=format_day(t, span[0]), high=format_day(t, span[-1]))
        for span in spans[:_MAX_NAMED_SPANS]
    ]
    return t(", ").join(words) + (" …" if len(spans) > _MAX_NAMED_SPANS else "")


def _list_notes(event: OpinionEvent, t: Translator) -> list[str]:
    lines = []
    change = event.share_changes.get(DURING)
    if change is not None:
        lines.append(
            t(
                "A day resembles the day before (autocorrelation {rho}); the intervals take this "
                "into account. A difference in time is no proof of a cause.",
                rho=format_score(change.autocorrelation, 2),
            )
        )
    else:
        lines.append(t("No interval: too few days, or days with counts that are kept back."))
    if event.missing_days:
        lines.append(
            t(
                "{count} days of these windows were not delivered: {days}.",
                count=len(event.missing_days),
                days=_name_days(event.missing_days, t),
            )
        )
    if event.topics:
        lines.append(
            t(
                "Topics: days with 1 to {most} negative items, or 1 to {most} others, are not "
                "counted.",
                most=MINIMUM_N - 1,
            )
        )
    return [*lines, *describe_opinion_sources(event, t)]
