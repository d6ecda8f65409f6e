"""Unscored measures in views: rates, and means of their own ratings."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.charts.marks import wrap_text
from survey.figures.figure_table import concat_columns
from survey.figures.views.chart_panels import (
    ChartHeading,
    ChartPanel,
    percent_title,
    score_title,
    subtitle,
)
from survey.figures.views.chart_rows import Rows, score_rows, score_table
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.locale import Message, msg
from survey.results.measures import FORM, Measure

BACKGROUND = "background"
"""Topic of facts about respondents; they describe the sample and are not results."""

TOPICS: Mapping[str, Message] = MappingProxyType(
    {
        "complaint": msg("Disputes and complaints"),
        "detriment": msg("Losses from disputes"),
        "education": msg("Consumer education"),
        "confidence": msg("Consumer confidence"),
        "service": msg("Services and culture"),
        "green": msg("Green shopping"),
        "elderly": msg("Older people"),
        "minors": msg("Children"),
        "rural": msg("Rural shopping"),
        FORM: msg("Questions of this form"),
    }
)
"""In the order in which they are offered."""
_LABEL_WIDTH = 26
"""Half-width columns of a label before it is broken; phones have no room for more."""


def rates(context: ViewContext, topics: Sequence[str] | None = None) -> list[Measure]:
    """Return the measures on `topics` that are per cents, in the order of their declaration."""
    return [measure for measure in _list_measures_on_topics(context, topics) if measure.choices]


def ratings(context: ViewContext, topics: Sequence[str] | None = None) -> list[Measure]:
    """Return the measures on `topics` that are means of a rating question (0-100)."""
    return [
        measure
        for measure in _list_measures_on_topics(context, topics)
        if not measure.choices and not measure.is_number
    ]


def unit_of(context: ViewContext, key: str) -> str:
    """Return the unit of a measure: per cent, score, or mean of the answers."""
    known = next((each for each in context.results.method.measures if each.key == key), None)
    if known is None or not (known.choices or known.is_number):
        return score_title(context.t)
    return percent_title(context.t) if known.choices else context.t("Mean of the answers")


def is_asked(context: ViewContext, key: str) -> bool:
    """Return whether the wave has the measure `key` at all; else nothing of it can be hidden."""
    return any(measure.key == key for measure in context.results.method.measures)


def answers_to(context: ViewContext, item: str) -> list[Measure]:
    """Return the measures that are computed from the answers to the question `item`."""
    return [measure for measure in context.results.method.measures if measure.item == item]


def _list_measures_on_topics(context: ViewContext, topics: Sequence[str] | None) -> list[Measure]:
    return [
        measure
        for measure in context.results.method.measures
        if (measure.topic in topics if topics else measure.topic != BACKGROUND)
    ]


def topic_charts(
    context: ViewContext,
    topic: str,
    sides: Mapping[str, TableSlice],
    *,
    keys: tuple[str, str],
    titles: tuple[str, str],
    counted: Sequence[TableSlice],
) -> tuple[ChartPanel, ...]:
    """Build a chart of a topic's rates and one of its ratings, if any; `sides`: cells by series.

    Args:
        sides: Cells of each series.
        keys: Keys of the two charts, with their `titles`.
        counted: Sides whose respondents, together, are the n of a chart.
    """
    drawn = []
    for key, title, of in zip(keys, titles, (rates, ratings), strict=True):
        measures = of(context, (topic,))
        names = [measure.key for measure in measures]
        asked = [side.among("indicator", names).max_value("n") for side in counted]
        drawn.append(
            series_chart(
                context,
                ChartHeading(key, title, context.t("Question")),
                sides,
                measures,
                n=sum(n or 0.0 for n in asked),
            )
        )
    return tuple(panel for panel in drawn if panel is not None)


def series_chart(
    context: ViewContext,
    heading: ChartHeading,
    cells_of: Mapping[str, TableSlice],
    measures: Sequence[Measure],
    *,
    n: float | None,
) -> ChartPanel | None:
    """Build a chart with a row per measure and a mark per series of `cells_of` (name -> cells).

    None when the wave asked nothing of the kind.
    """
    t = context.t
    keys = [measure.key for measure in measures]
    unit = percent_title(t) if any(measure.choices for measure in measures) else score_title(t)
    parts = [
        _build_measure_rows(context, heading, unit, name, cells.in_order("indicator", keys))
        for name, cells in cells_of.items()
    ]
    rows, listing = (
        concat_columns(rows for rows, _ in parts),
        concat_columns(table for _, table in parts),
    )
    if not rows["code"]:
        return None
    place = {key: index for index, key in enumerate(keys)}
    order = sorted(range(len(rows["code"])), key=lambda row: place[rows["code"][row]])
    return ChartPanel(
        key=heading.key,
        kind=ChartKind.GROUPED,
        title=heading.title,
        subtitle=subtitle(context, unit, n),
        alt=t(
            "{title}. {count} rows for {groups}. The same data follow as a table.",
            title=heading.title,
            count=len(set(rows["code"])),
            groups=", ".join(cells_of),
        ),
        text=ChartLabels(
            value=unit,
            name=heading.rows,
            interval=t("95% interval"),
            n="n",
            series=tuple(cells_of),
            label_lines=1 + max(str(label).count("\n") for label in rows["label"]),
        ),
        chart_rows=rows,
        table_columns={name: [values[row] for row in order] for name, values in listing.items()},
        note=heading.note,
    )


def _build_measure_rows(
    context: ViewContext, heading: ChartHeading, unit: str, name: str, cells: TableSlice
) -> tuple[Rows, Rows]:
    t = context.t
    labels = [context.names.indicator(key) for key in cells.texts("indicator")]
    lines = ["\n".join(wrap_text(label, _LABEL_WIDTH)) for label in labels]
    who = [name] * len(labels)
    rows = score_rows(cells, lines, t, key="indicator")
    table = score_table(cells, labels, t, name=heading.rows, value=unit, **{t("Who"): who})
    return {**rows, "series": who}, table
