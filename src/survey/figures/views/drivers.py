"""View of what to improve first: indicators of much importance and low performance."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from survey.access.roles import NATION
from survey.figures.charts import ChartKind
from survey.figures.charts.interval_charts import FOCUS, ITEM
from survey.figures.charts.marks import HIDDEN_ROLE, REFERENCE
from survey.figures.views.chart_panels import ChartPanel, label_intervals, score_title, subtitle
from survey.figures.views.chart_rows import Rows, ranges_of
from survey.figures.views.estimate_text import Estimate, missing_text
from survey.figures.views.table_slice import Floats, TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.locale import Message, Translator, msg
from survey.locale.figures import format_score
from survey.results.drivers import DRIVER_GROUPS, DriverStatus

CITY = "city"
"""Choice of everyone in the city; any other choice is a group of the nation."""
_HALF = 50.0
_WHY: Mapping[str, Message] = {
    DriverStatus.TOO_FEW: msg(
        "Fewer than 100 people here rated their satisfaction on the whole; from so few the "
        "importance of an indicator cannot be told."
    ),
    DriverStatus.CONSTANT: msg(
        "Everybody gave the same answer to one of the questions, so that importance cannot be told."
    ),
    DriverStatus.FEW_TOGETHER: msg(
        "Too few people here answered the same questions; from so few the importance of an "
        "indicator cannot be told."
    ),
    DriverStatus.NO_POINTS: msg(
        "The sampling points of this wave were not recorded, so that it cannot be said how "
        "certain an importance is."
    ),
}


@dataclass(frozen=True)
class DriverFilters:
    city: str
    whom: str = CITY


@dataclass(frozen=True)
class Priority:
    """Indicator among the first three to improve, with its importance and its score."""

    code: str
    name: str
    importance: Estimate
    """Per cent of the explained part of overall satisfaction."""
    performance: Estimate
    agreement: float
    """Per cent of the resamples that have it among their first three."""


@dataclass(frozen=True, eq=False)
class DriversView:
    sentence: str
    certainty: str
    """Agreement of the resamples in words; empty without priorities."""
    priorities: tuple[Priority, ...]
    matrix: ChartPanel | None
    set_agreement: float | None = None
    """Per cent of the resamples with the same priorities; None where it cannot be told."""


def driver_choices(context: ViewContext) -> dict[str, str]:
    """Return (key -> name) of the domains to choose for drivers: the city, groups in the nation."""
    t = context.t
    known = [group for group in DRIVER_GROUPS if group in context.results.method.groups]
    nation = {group: t("Nation: {group}", group=context.names.group(group)) for group in known}
    return {CITY: t("This city"), **nation}


def build_driver_view(context: ViewContext, *, filters: DriverFilters) -> DriversView:
    """Build the view of importance and score by indicator, of a city or a group of the nation."""
    t = context.t
    own = filters.whom == CITY
    level, area, group = (
        ("city", filters.city, EVERYONE) if own else ("nation", NATION, filters.whom)
    )
    cells, obstacle = _find_drivers(context, level, area, group)
    if obstacle:
        return DriversView(obstacle, "", (), None)
    place = context.names.area(area)
    whom = place if own else t("{area}, {group}", area=place, group=context.names.group(group))
    first = _list_priorities(context, cells)
    resamples = int(cells.max_value("replicates") or 0)
    return DriversView(
        sentence=_describe_first_priorities(t, whom, first, resamples),
        certainty=_describe_certainty(t, cells, first, resamples),
        priorities=first,
        matrix=_build_matrix_chart(context, cells, whom),
        set_agreement=cells.max_value("set_agreement") if first and resamples else None,
    )


def list_city_priorities(context: ViewContext, city: str) -> tuple[tuple[Priority, ...], str]:
    """Return the first indicators that a city should improve; without any, also why."""
    cells, obstacle = _find_drivers(context, "city", city, EVERYONE)
    priorities = () if obstacle else _list_priorities(context, cells)
    if not priorities and not obstacle:
        obstacle = context.t(
            "No indicator both weighs more than the average and is rated below it."
        )
    return priorities, obstacle


def _find_drivers(
    context: ViewContext, level: str, area: str, group: str
) -> tuple[TableSlice, str]:
    """Return importance and score by indicator, and a text why there are none, else empty."""
    t = context.t
    cells = TableSlice(
        context.results.drivers(context.principal, area_level=level, area=area, group=group)
    )
    if not len(cells):
        return cells, t(
            "This wave has no question about satisfaction on the whole or no indicator tree, "
            "so that nothing can be said about what drives it."
        )
    why = cells.texts("no_drivers")[0]
    return cells, t(_WHY[DriverStatus(why)]) if why else ""


def _list_priorities(context: ViewContext, cells: TableSlice) -> tuple[Priority, ...]:
    """Return the indicators to improve first, the most urgent first."""
    place = cells.numbers("priority")
    chosen = cells.keep(place > 0)
    order = np.argsort(chosen.numbers("priority"), kind="stable")
    codes, agreement = chosen.texts("indicator"), chosen.numbers("agreement")
    return tuple(
        Priority(
            codes[row],
            context.names.indicator(codes[row]),
            _figure_of(chosen, "importance", row),
            _figure_of(chosen, "performance", row),
            float(agreement[row]),
        )
        for row in order
    )


def _figure_of(cells: TableSlice, name: str, row: int) -> Estimate:
    """Return the estimate and interval of column `name` (importance or performance) in one row."""
    values = (float(cells.numbers(name + end)[row]) for end in ("", "_low", "_high"))
    estimate, low, high = (None if np.isnan(value) else value for value in values)
    return Estimate(estimate, low, high, shown=True)


def _describe_first_priorities(
    t: Translator, whom: str, first: tuple[Priority, ...], resamples: int
) -> str:
    if not first:
        return t(
            "{whom}: no indicator both weighs more than the average and is rated below it.",
            whom=whom,
        )
    listed = t("; ").join(_format_priority(t, priority) for priority in first)
    if any(np.isnan(priority.agreement) for priority in first):
        return t("{whom}: first to improve are {list}.", whom=whom, list=listed)
    return t(
        "{whom}: first to improve are {list}. The per cent say in how many of {resamples} "
        "resamples of the sampling points an indicator is among the first three as well.",
        whom=whom,
        list=listed,
        resamples=resamples,
    )


def _format_priority(t: Translator, priority: Priority) -> str:
    if np.isnan(priority.agreement):
        return priority.name
    return t("{name} ({share}%)", name=priority.name, share=format_score(priority.agreement, 0))


def _describe_certainty(
    t: Translator, cells: TableSlice, first: tuple[Priority, ...], resamples: int
) -> str:
    agreement = cells.max_value("set_agreement")
    if not first:
        return ""
    if agreement is None or not resamples:
        return t("How certain these priorities are cannot be told.")
    words = {"share": format_score(agreement, 0)}
    weak = [priority.name for priority in first if priority.agreement < _HALF]
    if weak:
        return t(
            "Take this with care: {names} would give way to another indicator in more than half "
            "of the resamples. All first places stay the same in {share}%\u00a0of them.",
            names=t(", ").join(weak),
            **words,
        )
    if agreement < _HALF:
        return t(
            "Each of them comes first in more than half of the resamples, but all first places "
            "together stay the same in only {share}%\u00a0of them.",
            **words,
        )
    return t("All first places stay the same in {share}%\u00a0of the resamples.", **words)


def _build_matrix_chart(context: ViewContext, cells: TableSlice, whom: str) -> ChartPanel:
    t = context.t
    value = t("Importance (%\u00a0of the explained part of overall satisfaction)")
    rows = _build_chart_rows(context, cells)
    hidden = rows["role"].count(HIDDEN_ROLE)
    explained = cells.max_value("r_squared") or 0.0
    note = t(
        "Dashed lines: the average importance and the average score. Importance says how closely "
        "an indicator moves with satisfaction on the whole, not what causes it; together the "
        "indicators explain {share}%\u00a0of its differences. Names stand beside those that weigh "
        "much and are rated low; the table names all of them.",
        share=format_score(100 * explained, 0),
    )
    if hidden:
        note += " " + t(
            "{count} indicators are not shown: too few interviews, or to protect personal data.",
            count=hidden,
        )
    return ChartPanel(
        key="city-drivers",
        kind=ChartKind.MATRIX,
        title=t("{whom}: what weighs much and what is rated low", whom=whom),
        subtitle=subtitle(context, t("importance and score"), cells.max_value("n")),
        alt=t(
            "{title}. {count} indicators by importance and score. The same data follow as a table.",
            title=t("{whom}: what weighs much and what is rated low", whom=whom),
            count=len(rows["code"]) - 1 - hidden,
        ),
        text=label_intervals(
            t,
            value,
            t("Indicator"),
            (
                t("First to improve"),
                t("Other indicators"),
                score_title(t),
                t("Weighs much, rated high"),
                t("Weighs much, rated low"),
                t("Weighs little, rated high"),
                t("Weighs little, rated low"),
            ),
        ),
        chart_rows=rows,
        table_columns=_build_table_rows(context, cells),
        note=note,
    )


def _build_chart_rows(context: ViewContext, cells: TableSlice) -> Rows:
    """Return the columns of the matrix chart, with a last row that holds the averages."""
    importance, performance = cells.numbers("importance"), cells.numbers("performance")
    absent = np.isnan(importance) | np.isnan(performance)
    first = cells.numbers("priority") > 0
    columns: Rows = {
        "code": [*cells.texts("indicator"), ""],
        "label": [*map(context.names.indicator, cells.texts("indicator")), ""],
        "role": [*np.select([absent, first], [HIDDEN_ROLE, FOCUS], ITEM).tolist(), REFERENCE],
    }
    for name, values in (("importance", importance), ("performance", performance)):
        low, high = cells.numbers(f"{name}_low"), cells.numbers(f"{name}_high")
        average = round(float(values[~absent].mean()), 1) if not absent.all() else np.nan
        columns[name] = np.append(values, average)
        columns[f"{name}_low"], columns[f"{name}_high"] = (
            np.append(low, np.nan),
            np.append(high, np.nan),
        )
        words = "range" if name == "importance" else f"{name}_range"
        columns[words] = [*ranges_of(low, high, context.t), ""]
    weak = (importance >= columns["importance"][-1]) & (performance < columns["performance"][-1])
    columns["named"] = [*(first | weak).tolist(), False]
    return columns


def _build_table_rows(context: ViewContext, cells: TableSlice) -> Rows:
    """Return the columns of the table: first the priorities, then the others by importance."""
    t = context.t
    place = cells.numbers("priority")
    order = np.lexsort((-cells.numbers("importance"), np.where(place > 0, place, np.inf)))
    codes = [cells.texts("indicator")[row] for row in order]

    def column(name: str) -> Floats:
        return cells.numbers(name)[order]

    first = column("priority")
    return {
        t("Indicator"): [context.names.numbered(code) for code in codes],
        t("First to improve"): ["" if not p > 0 else format_score(p, 0) for p in first],
        t("Importance (%)"): column("importance"),
        t("Importance: 95%\u00a0from"): column("importance_low"),
        t("Importance: 95%\u00a0to"): column("importance_high"),
        score_title(t): column("performance"),
        t("95%\u00a0from"): column("performance_low"),
        t("95%\u00a0to"): column("performance_high"),
        t("Resamples with it among the first three (%)"): column("agreement"),
        t("Remark"): [
            missing_text(bool(cells.shown[row]), t) if np.isnan(value) else ""
            for row, value in zip(order, column("importance"), strict=True)
        ],
    }
