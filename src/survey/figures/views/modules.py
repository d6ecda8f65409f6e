"""View of a module of questions outside the score: one area, city by city, question by question.

A module is all measures of one topic (`measures.csv`). None of them is part of the indicator tree.
"""

from dataclasses import dataclass

import numpy as np

from survey.access.roles import NATION
from survey.figures.charts.interval_charts import UNCLEAR
from survey.figures.charts.marks import HIDDEN_ROLE
from survey.figures.views.chart_panels import ChartHeading, ChartPanel, subtitle
from survey.figures.views.chart_rows import (
    counts,
    ranges,
    roles_of_areas,
    score_table,
    verdict_texts,
)
from survey.figures.views.estimate_text import WITHHELD, estimate_at, format_interval
from survey.figures.views.interval_table import (
    IntervalTable,
    build_interval_table,
    draw_interval_bars,
    signed_verdicts,
)
from survey.figures.views.measures import TOPICS, rates, ratings, topic_charts, unit_of
from survey.figures.views.special_groups import (
    DETRIMENT,
    DETRIMENT_NOTES,
    LOSS_BOUNDS,
    describe_middle_loss,
)
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.locale import msg
from survey.locale.figures import format_quantity, format_score

NO_COMPOSITE = msg("No composite score is computed for this wave. Its questions stand below.")


def list_questions(context: ViewContext) -> dict[str, str]:
    """Return the names of all measures of the wave by key, in the order of the form."""
    cells = context.cells(area_level="city", indicator=None)
    return {code: context.names.indicator(code) for code in _list_codes(context, cells)}


def build_question_table(context: ViewContext, *, area: str = NATION) -> IntervalTable:
    """Build the table of all measures in the nation or a city, each with its own unit."""
    t = context.t
    level = "nation" if area == NATION else "city"
    cells = context.cells(area_level=level, area=area, indicator=None)
    cells = cells.in_order("indicator", _list_codes(context, cells))
    codes, estimate = cells.texts("indicator"), cells.numbers("estimate")
    roles = np.where(~cells.shown | np.isnan(estimate), HIDDEN_ROLE, UNCLEAR).tolist()
    names, units = [context.names.indicator(c) for c in codes], [unit_of(context, c) for c in codes]
    # Numbers lie on no common scale: a bar beside a per cent would compare what is not alike.
    numbers = {each.key for each in context.results.method.measures if each.is_number}
    drawn = [
        HIDDEN_ROLE if code in numbers else role for code, role in zip(codes, roles, strict=True)
    ]
    on_scale = np.array([code not in numbers for code in codes], dtype=bool)
    low, middle, high = (
        np.where(on_scale, values, np.nan)
        for values in (cells.numbers("ci_low"), estimate, cells.numbers("ci_high"))
    )
    bars = draw_interval_bars(low, middle, high, drawn, origin=None)
    figure, unit = t("Published figure"), t("Unit")
    heading = ChartHeading(
        f"questions-{level}",
        t("Every question, {area}", area=context.names.area(area)),
        t("Question"),
    )
    return build_interval_table(
        heading,
        subtitle(context, t("each question in its own unit"), cells.max_value("n")),
        codes,
        {
            heading.rows: names,
            figure: estimate,
            unit: units,
            t("95%\u00a0interval"): ranges(cells, t),
            "n": counts(cells.numbers("n")),
        },
        (t("Figure with interval"), bars),
        score_table(cells, names, t, name=heading.rows, value=figure, **{unit: units}),
        visible=[role != HIDDEN_ROLE for role in roles],
        is_signed=False,
    )


def _list_codes(context: ViewContext, cells: TableSlice) -> list[str]:
    """Return the keys with figures: measures in the order of the form, then other ratings."""
    known = [measure.key for measure in context.results.method.measures]
    asked = dict.fromkeys(cells.texts("indicator"))
    return [*(code for code in known if code in asked), *sorted(asked.keys() - set(known))]


MODULE_AREA_LEVELS = ("nation", "region3", "city")
_OUTSIDE = msg("These questions stand beside the score: none of them is part of any indicator.")


@dataclass(frozen=True, eq=False)
class ModuleView:
    """Charts and sentences on the answers of one area to a module of the questionnaire."""

    title: str
    sentences: tuple[str, ...]
    panels: tuple[ChartPanel, ...]
    """Rates, then ratings; the nation stands beside any other area."""
    notes: tuple[str, ...]

    @property
    def is_asked(self) -> bool:
        """Whether the wave asked any question of the module."""
        return bool(self.panels)


def build_module_view(context: ViewContext, *, area: str, topic: str) -> ModuleView:
    """Build charts and sentences on one module of questions in a city, a region or the nation."""
    t, name = context.t, context.names.area(area)
    here = context.cells(area_level=MODULE_AREA_LEVELS, area=area, indicator=None)
    sides = {name: here}
    if area != NATION:
        sides[t("Nation")] = context.cells(area_level="nation", area=NATION, indicator=None)
    words = {"topic": t(TOPICS[topic]), "city": name}
    panels = topic_charts(
        context,
        topic,
        sides,
        keys=(f"module-reports-{topic}", f"module-ratings-{topic}"),
        titles=(
            t("{topic}: what people in {city} report", **words),
            t("{topic}: how people in {city} rate it", **words),
        ),
        counted=(here,),
    )
    return ModuleView(
        title=t("{topic} in {city}, {year}", **words, year=context.wave.year),
        sentences=tuple(_describe_first_rate(context, here, topic)),
        panels=panels,
        notes=tuple(
            t(note) for note in (*(DETRIMENT_NOTES if topic == DETRIMENT else ()), _OUTSIDE)
        ),
    )


def _describe_first_rate(context: ViewContext, here: TableSlice, topic: str) -> list[str]:
    """Return sentences on the module's first per-cent measure and, on losses, the median loss."""
    asked = rates(context, (topic,))
    if not asked:
        return []
    t, first = context.t, estimate_at(here.where("indicator", asked[0].key))
    name = context.names.indicator(asked[0].key)
    if not first.available or first.estimate is None:
        return [t("{question}: {reason}.", question=name, reason=t(WITHHELD))]
    lines = [
        t(
            "{question}: {share}% ({interval}, n = {n}).",
            question=name,
            share=format_score(first.estimate),
            interval=format_interval(first.low, first.high, t),
            n=format_quantity(first.n),
        )
    ]
    if topic == DETRIMENT:
        shares = [estimate_at(here.where("indicator", key)) for key, _ in LOSS_BOUNDS]
        lines += describe_middle_loss(shares, t)
    return lines


def list_module_measures(context: ViewContext, *, topic: str) -> dict[str, str]:
    """Return the names of the measures of a module (`topic`) by their keys."""
    measures = (*rates(context, (topic,)), *ratings(context, (topic,)))
    return {measure.key: context.names.indicator(measure.key) for measure in measures}


def build_module_cities(context: ViewContext, *, measure: str) -> IntervalTable:
    """Build the table of one measure by city: interval, significant difference from the nation."""
    t = context.t
    cells = context.cells(area_level="city", indicator=measure).descending("estimate")
    codes, estimate = cells.texts("area"), cells.numbers("estimate")
    gaps = context.gaps("nation", area_level="city", indicator=measure)
    absent = ~cells.shown | np.isnan(estimate)
    roles = np.where(absent, HIDDEN_ROLE, roles_of_areas(codes, gaps)).tolist()
    value = unit_of(context, measure)
    names = [context.names.area(code) for code in codes]
    against = {t("Against the nation"): signed_verdicts(roles, verdict_texts(t), t)}
    nation = context.nation(measure)
    ends = cells.numbers("ci_low"), estimate, cells.numbers("ci_high")
    note = t("The line in the column of bars is the figure of the nation.")
    return build_interval_table(
        ChartHeading(
            "module-cities",
            t("{question}, by city", question=context.names.indicator(measure)),
            t("City"),
            note if nation.available else "",
        ),
        subtitle(context, value, cells.total("n")),
        codes,
        {
            t("City"): names,
            value: estimate,
            t("95%\u00a0interval"): ranges(cells, t),
            **against,
            "n": counts(cells.numbers("n")),
        },
        (
            t("Figure with interval"),
            draw_interval_bars(*ends, roles, origin=nation.estimate if nation.available else None),
        ),
        score_table(cells, names, t, name=t("City"), value=value, **against),
        visible=[role != HIDDEN_ROLE for role in roles],
        is_signed=False,
    )
