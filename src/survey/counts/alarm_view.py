"""Early warnings in words: what stands out this week, against what, since when, and what to do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from survey.counts.complaint_lists import Table
from survey.counts.complaint_view import describe_deliveries, name_area
from survey.counts.week_alarms import AlarmKey, WeekAlarm, WeekAlarms
from survey.counts.week_series import monday_of
from survey.disclosure import MINIMUM_N
from survey.estimate.outbreaks import LEAST_HISTORY_WEEKS
from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.views.chart_panels import ChartPanel
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.locale import Message, Translator, msg, translator
from survey.locale.figures import format_count
from survey.store.china_time import format_day


@dataclass(frozen=True)
class AlarmView:
    """Texts, table and chart of the alarms of one week; without alarms only what is said of it."""

    title: str
    sentences: tuple[str, ...]
    """Empty where there is nothing to say."""
    table: Table
    chart: ChartPanel | None
    steps: tuple[str, ...]
    """What to do next."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class AlarmTexts:
    """What is counted by week, in the words of a page."""

    key: str
    """Key of the chart."""
    title: Message
    heads: tuple[Message, ...]
    """What a series is, but its area."""
    count: Message
    value: Message
    kind: Message
    found: Message
    kept_back: Message
    too_short: Message
    first_step: Message
    last_note: Message
    name: Callable[[AlarmKey, str], tuple[str, ...]]
    """Returns the names of a series, but its area."""


def _name_codes(series: AlarmKey, language: str) -> tuple[str, str]:
    """Return the names of a series' class and nature."""
    lists = shipped_code_lists()
    _, nature, goods_class = series
    names = [
        next(each.name(language) for each in lists.codes_of(name) if each.code == code)
        for name, code in ((CodeListName.GOODS_CLASS, goods_class), (CodeListName.NATURE, nature))
    ]
    return names[0], names[1]


COMPLAINT_ALARMS = AlarmTexts(
    key="complaint-alarms",
    title=msg("More complaints this week than usual"),
    heads=(msg("Goods and services"), msg("Nature")),
    count=msg("Complaints this week"),
    value=msg("Complaints in the week"),
    kind=msg("Kind of complaints"),
    found=msg("Kinds of complaints that are more than usual in the week of {first} to {last}: "
              "{count}."),
    kept_back=msg("{count} more are not shown, because few other complaints of their kind came in "
                  "this month. Please look into your own system."),
    too_short=msg("There are {weeks} weeks of complaints on end. With fewer than {least} weeks no "
                  "warning can be given yet."),
    first_step=msg("Read these complaints in your own system: do they name the same trader, "
                   "product or practice?"),
    last_note=msg("Counts below {minimum} are not shown."),
    name=_name_codes,
)  # fmt: skip
TOPIC_ALARMS = AlarmTexts(
    key="topic-alarms",
    title=msg("More negative items this week than usual"),
    heads=(msg("Opinion topic"),),
    count=msg("Negative items this week"),
    value=msg("Negative items in the week"),
    kind=msg("Opinion topic"),
    found=msg("Topics with more negative items than usual in the week of {first} to {last}: "
              "{count}."),
    kept_back=msg("{count} more are not shown, because a day of this week has fewer than ten "
                  "items. Please ask who delivers the counts."),
    too_short=msg("There are {weeks} whole weeks of opinion counts on end. With fewer than "
                  "{least} weeks no warning can be given yet."),
    first_step=msg("Ask who delivers the counts for the pages themselves: do they name the same "
                   "trader, product or practice? A topic that was never found before may be a new "
                   "name of an old one."),
    last_note=msg("A week is shown where every day of it has no item or at least {minimum}, "
                  "negative ones and others."),
    name=lambda series, _: series[1:],
)  # fmt: skip


def build_alarm_view(found: WeekAlarms, texts: AlarmTexts, language: str) -> AlarmView:
    """Return the view of the newest week's alarms."""
    t = translator(language)
    title = t(texts.title)
    sentences = tuple(_describe(found, texts, t))
    if not found.alarms:
        return AlarmView(title, sentences, ((), ()), None, (), ())
    heads = (
        t("Area"), *(t(each) for each in texts.heads), t(texts.count),
        t("Usual in this week"), t("More than usual since"), t("Weeks since then"),
    )  # fmt: skip
    rows = tuple(
        (
            *name_series(each, texts, language),
            format_count(each.count),
            format_range(each, t),
            format_day(t, monday_of(each.since)),
            t(", ").join(_format_week(each.counts[week], t) for week in sorted(each.counts)),
        )
        for each in found.alarms
    )
    return AlarmView(
        title,
        sentences,
        (heads, rows),
        _build_chart(found.alarms, texts, language),
        (
            t(texts.first_step),
            t("If they do, tell the department in charge, and warn consumers if there is danger."),
            t("Look again when the next week is delivered. What stays goes on the city’s list of "
              "problems."),
        ),
        (
            t("Compared with what the same weeks of earlier years and the trend let expect. Of all "
              "alarms of a week at most one in twenty is false, on average. An alarm is no finding "
              "against anybody."),
            t(texts.last_note.msgid, minimum=MINIMUM_N),
            *describe_deliveries(found.periods, t),
        ),
    )  # fmt: skip


def name_series(alarm: WeekAlarm, texts: AlarmTexts, language: str) -> tuple[str, ...]:
    """Return the names of an alarm's area and series."""
    return name_area(alarm.area, language), *texts.name(alarm.key, language)


def format_range(alarm: WeekAlarm, t: Translator) -> str:
    """Return the usual range of an alarm's week in words; its ends below ten are not told."""
    if alarm.most is None:
        return t("fewer than {minimum}", minimum=MINIMUM_N)
    most = format_count(alarm.most)
    if alarm.least is None:
        return t("at most {most}", most=most)
    return t("{least} to {most}", least=format_count(alarm.least), most=most)


def _describe(found: WeekAlarms, texts: AlarmTexts, t: Translator) -> list[str]:
    if not found.weeks:
        return []
    if not found.has_history:
        return [t(texts.too_short.msgid, weeks=len(found.weeks), least=LEAST_HISTORY_WEEKS)]
    first = monday_of(found.weeks[-1])
    kept_back = sum(found.kept_back.values())
    lines = []
    if found.alarms:
        span = {"first": format_day(t, first), "last": format_day(t, first + timedelta(days=6))}
        lines.append(t(texts.found.msgid, **span, count=len(found.alarms)))
    if kept_back:
        lines.append(t(texts.kept_back.msgid, count=kept_back))
    return lines


def _format_week(count: int | None, t: Translator) -> str:
    return t("not shown") if count is None else format_count(count)


def _build_chart(alarms: Sequence[WeekAlarm], texts: AlarmTexts, language: str) -> ChartPanel:
    t = translator(language)
    names = [" · ".join(name_series(each, texts, language)) for each in alarms]
    now = [float(each.count) for each in alarms]
    usual = [np.nan if each.most is None else float(each.most) for each in alarms]
    this_week, most, kind = t("this week"), t("usually at most"), t(texts.kind)
    return ChartPanel(
        key=texts.key,
        kind=ChartKind.SHARES,
        title=t(texts.title),
        subtitle=t("Filled: this week; hollow: the most that is usual"),
        alt=t("{title}. {count} rows, the first: {name}. The same data follow as a table.",
              title=t(texts.title), count=len(names), name=names[0]),
        text=ChartLabels(value=t(texts.value), name=kind, series=(this_week, most)),
        chart_rows={"label": names, "now": now, "then": usual},
        table_columns={kind: names, this_week: now, most: usual},
    )  # fmt: skip
