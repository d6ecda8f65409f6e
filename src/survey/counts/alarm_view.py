"""Early warnings in words: what stands out this week, against what, since when, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from survey.counts.complaint_alarms import ComplaintAlarm, ComplaintAlarms
from survey.counts.complaint_view import Table, describe_deliveries, name_area
from survey.counts.week_series import monday_of
from survey.disclosure import MINIMUM_N
from survey.estimate.outbreaks import LEAST_HISTORY_WEEKS
from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.views.chart_panels import ChartPanel
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.locale import Translator, translator
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


def build_alarm_view(found: ComplaintAlarms, language: str) -> AlarmView:
    """Return the view of the newest week's alarms."""
    t = translator(language)
    title = t("More complaints this week than usual")
    sentences = tuple(_describe(found, t))
    if not found.alarms:
        return AlarmView(title, sentences, ((), ()), None, (), ())
    heads = (
        t("Area"), t("Goods and services"), t("Nature"), t("Complaints this week"),
        t("Usual in this week"), t("More than usual since"), t("Weeks since then"),
    )  # fmt: skip
    rows = tuple(
        (
            name_area(each.key.area, language),
            *_name_codes(each, language),
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
        _build_chart(found.alarms, title, language),
        (
            t("Read these complaints in your own system: do they name the same trader, product or "
              "practice?"),
            t("If they do, tell the department in charge, and warn consumers if there is danger."),
            t("Look again when the next week is delivered. What stays goes on the city’s list of "
              "problems."),
        ),
        (
            t("Compared with what the same weeks of earlier years and the trend let expect. Of all "
              "alarms of a week at most one in twenty is false, on average. An alarm is no finding "
              "against anybody."),
            t("Counts below {minimum} are not shown.", minimum=MINIMUM_N),
            *describe_deliveries(found.periods, t),
        ),
    )  # fmt: skip


def format_range(alarm: ComplaintAlarm, t: Translator) -> str:
    """Return the usual range of an alarm's week in words; its ends below ten are not told."""
    if alarm.most is None:
        return t("fewer than {minimum}", minimum=MINIMUM_N)
    most = format_count(alarm.most)
    if alarm.least is None:
        return t("at most {most}", most=most)
    return t("{least} to {most}", least=format_count(alarm.least), most=most)


def _describe(found: ComplaintAlarms, t: Translator) -> list[str]:
    if not found.weeks:
        return []
    if not found.has_history:
        return [
            t(
                "There are {weeks} weeks of complaints on end. With fewer than {least} weeks no "
                "warning can be given yet.",
                weeks=len(found.weeks),
                least=LEAST_HISTORY_WEEKS,
            )
        ]
    first = monday_of(found.weeks[-1])
    kept_back = sum(found.kept_back.values())
    lines = []
    if found.alarms:
        lines.append(
            t(
                "Kinds of complaints that are more than usual in the week of {first} to {last}: "
                "{count}.",
                first=format_day(t, first),
                last=format_day(t, first + timedelta(days=6)),
                count=len(found.alarms),
            )
        )
    if kept_back:
        lines.append(
            t(
                "{count} more are not shown, because few other complaints of their kind came in "
                "this month. Please look into your own system.",
                count=kept_back,
            )
        )
    return lines


def _name_codes(alarm: ComplaintAlarm, language: str) -> tuple[str, str]:
    """Return the names of an alarm's class and nature."""
    lists = shipped_code_lists()
    goods_class, nature = (
        next(each.name(language) for each in lists.codes_of(name) if each.code == code)
        for name, code in (
            (CodeListName.GOODS_CLASS, alarm.key.goods_class),
            (CodeListName.NATURE, alarm.key.nature),
        )
    )
    return goods_class, nature


def _format_week(count: int | None, t: Translator) -> str:
    return t("not shown") if count is None else format_count(count)


def _build_chart(alarms: Sequence[ComplaintAlarm], title: str, language: str) -> ChartPanel:
    t = translator(language)
    names = [" · ".join((name_area(each.key.area, language), *_name_codes(each, language)))
             for each in alarms]  # fmt: skip
    now = [float(each.count) for each in alarms]
    usual = [np.nan if each.most is None else float(each.most) for each in alarms]
    this_week, most = t("this week"), t("usually at most")
    return ChartPanel(
        key="complaint-alarms",
        kind=ChartKind.SHARES,
        title=title,
        subtitle=t("Filled: this week; hollow: the most that is usual"),
        alt=t("{title}. {count} rows, the first: {name}. The same data follow as a table.",
              title=title, count=len(names), name=names[0]),
        text=ChartLabels(value=t("Complaints in the week"), name=t("Kind of complaints"),
                         series=(this_week, most)),
        chart_rows={"label": names, "now": now, "then": usual},
        table_columns={t("Kind of complaints"): names, this_week: now, most: usual},
    )  # fmt: skip
