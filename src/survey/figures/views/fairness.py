"""Fair comparison: scores as published beside those without the effects of people and mode."""

from dataclasses import dataclass
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.figures.charts import ChartKind
from survey.figures.views.chart_panels import (
    ChartHeading,
    ChartPanel,
    label_intervals,
    percent_title,
    score_title,
    subtitle,
)
from survey.figures.views.chart_rows import Rows, counts, ranges_of, score_rows
from survey.figures.views.estimate_text import Estimate, estimate_at, format_interval
from survey.figures.views.interval_table import IntervalTable, gap_interval_table
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import MODE_NAMES, ViewContext
from survey.locale import msg
from survey.locale.figures import format_count, format_score, format_signed
from survey.results.method_sheets import FAIRNESS, OBSTACLE, OBSTACLE_SENTENCES
from survey.results.wave_results import CellFilters

STAYS = msg("The published score and the place of the city stay as they are.")
_SCORES = {
    "adjusted": "estimate", "adjusted_low": "ci_low", "adjusted_high": "ci_high",
    "raw": "reference",
}  # fmt: skip
_SHIFTS = {
    "raw": "estimate", "adjusted": "reference", "shift": "difference", "shift_low": "ci_low",
    "shift_high": "ci_high",
}  # fmt: skip


@dataclass(frozen=True)
class FairnessView:
    """Fair comparison of one city in sentences, with the charts and notes below it."""

    sentences: tuple[str, ...]
    panels: tuple[ChartPanel, ...]
    notes: tuple[str, ...]


def build_city_fairness(context: ViewContext, *, city: str) -> FairnessView:
    """Build what a city's score is without the effects of who was asked and how."""
    t = context.t
    rows = _read_lines(context, "score", _SCORES, area_level="city", area=city)
    codes = [COMPOSITE, *context.level_codes(1, 2)]
    rows = rows.in_order("indicator", codes)
    if not len(rows) or not rows.shown[0] or rows.texts(OBSTACLE)[0]:
        return FairnessView((_explain(context, rows),), (), ())
    adjusted = estimate_at(rows)
    return FairnessView(
        (
            t(
                "Without the effects of who was asked and how, {city} has {score} ({interval}); "
                "published is {published}.",
                city=context.names.area(city),
                score=format_score(adjusted.estimate),
                interval=format_interval(adjusted.low, adjusted.high, t),
                published=format_score(rows.numbers("reference")[0]),
            ),
            _describe_shift(context, rows),
            t(STAYS),
        ),
        (_build_panel(context, rows, city), *_build_rate_panel(context, city)),
        _list_notes(context, city),
    )


def _read_lines(
    context: ViewContext, line: str, names: dict[str, str], **keys: Unpack[CellFilters]
) -> TableSlice:
    """Return the lines of the sheet of one kind, or the row that says why there is no sheet."""
    rows = context.results.sheet(context.principal, FAIRNESS, **keys)
    if not len(rows):
        rows = context.results.sheet(context.principal, FAIRNESS, area=NATION)
    kept = rows["line"].astype(str).isin([line, ""])
    return TableSlice(rows[kept].rename(columns=names).assign(status="ok"))


def _explain(context: ViewContext, rows: TableSlice) -> str:
    t = context.t
    code = rows.texts(OBSTACLE)[0] if len(rows) else ""
    if code:
        return t(OBSTACLE_SENTENCES[code])
    return t("Nothing is shown here: too few interviews, or to protect personal data.")


def _describe_shift(context: ViewContext, rows: TableSlice) -> str:
    """Return what moved the composite: who was asked, and how."""
    low, high = (rows.numbers(name)[0] for name in ("shift_low", "shift_high"))
    words = {
        "shift": format_signed(rows.numbers("shift")[0]),
        "interval": format_interval(low, high, context.t),
        "people": format_signed(rows.numbers("by_people")[0]),
        "mode": format_signed(rows.numbers("by_mode")[0]),
    }
    return context.t(
        "The two move the published score by {shift} points ({interval}): who was asked {people}, "
        "how they were asked {mode}.",
        **words,
    )


def _build_panel(context: ViewContext, rows: TableSlice, city: str) -> ChartPanel:
    t = context.t
    title = t("{city}: as published and compared fairly", city=context.names.area(city))
    heading = ChartHeading("city-fairness", title, score_title(t))
    parts = {
        t("Who was asked"): rows.numbers("by_people"),
        t("How they were asked"): rows.numbers("by_mode"),
    }
    return _draw_pairs(context, rows, heading, (t("Compared fairly"), t("As published")), parts)


def _build_rate_panel(context: ViewContext, city: str) -> tuple[ChartPanel, ...]:
    """Return the chart of the shares that people and mode move as well; none without any."""
    t = context.t
    rows = _read_lines(context, "rate", _SCORES, area_level="city", area=city)
    rows = rows.keep(~np.isnan(rows.numbers("estimate")))
    if not len(rows):
        return ()
    title = t("{city}: shares as published and compared fairly", city=context.names.area(city))
    heading = ChartHeading("city-fairness-rates", title, percent_title(t))
    series = (t("Share compared fairly"), t("Share as published"))
    return (_draw_pairs(context, rows, heading, series, {}),)


def _draw_pairs(
    context: ViewContext,
    rows: TableSlice,
    heading: ChartHeading,
    series: tuple[str, str],
    parts: dict[str, NDArray[np.float64]],
) -> ChartPanel:
    """Return the chart of figures as published and compared fairly.

    Args:
        heading: with the unit of the figures as what its rows are called.
        series: what the two are called.
        parts: further columns of the table.
    """
    t = context.t
    labels = [context.names.numbered(code) for code in rows.texts("indicator")]
    drawn: Rows = score_rows(rows, labels, t, key="indicator")
    drawn["reference"] = rows.numbers("reference")
    return ChartPanel(
        key=heading.key,
        kind=ChartKind.DUMBBELL,
        title=heading.title,
        subtitle=subtitle(context, heading.rows, rows.max_value("n")),
        alt=t(
            "{title}. {count} indicators. The same data follow as a table.",
            title=heading.title,
            count=len(labels),
        ),
        text=label_intervals(t, heading.rows, t("Indicator"), series),
        chart_rows=drawn,
        table_columns={
            t("Indicator"): labels,
            series[1]: rows.numbers("reference"),
            series[0]: rows.numbers("estimate"),
            t("95%\u00a0interval"): ranges_of(rows.numbers("ci_low"), rows.numbers("ci_high"), t),
            **parts,
            "n": counts(rows.numbers("n")),
        },
    )


def _list_notes(context: ViewContext, city: str) -> tuple[str, ...]:
    """Return the effects of the modes, how many interviews each has here, and the model."""
    t = context.t
    modes = {code: t(text) for code, text in MODE_NAMES.items()}
    notes = []
    effects = _read_lines(
        context,
        "effect",
        {"effect": "estimate", "effect_low": "ci_low", "effect_high": "ci_high"},
        area=NATION,
        indicator=COMPOSITE,
    )
    for row, item in enumerate(effects.texts("item")):
        figure = estimate_at(effects, row=row)
        if figure.available and item:
            notes.append(_describe_effect(context, modes[item.partition("=")[2]], figure))
    overlap = _read_lines(context, "overlap", {}, area_level="city", area=city)
    counted = [
        t("{mode} {count}", mode=modes[item.partition("=")[2]], count=format_count(size))
        for item, size in zip(overlap.texts("item"), overlap.numbers("n_effective"), strict=True)
        if item and size == size
    ]
    if counted:
        notes.append(t("Effective interviews here by mode: {modes}.", modes=t(", ").join(counted)))
    notes += _describe_check(context, city)
    notes.append(
        t(
            "Computed as if every city had asked people of the nation's age, gender, schooling, "
            "income and residence, in the nation's mix of modes."
        )
    )
    return tuple(notes)


def _describe_effect(context: ViewContext, mode: str, figure: Estimate) -> str:
    return context.t(
        "Everything else alike, answers given {mode} are {effect} points apart from those given in "
        "the most frequent mode ({interval}).",
        mode=mode,
        effect=format_signed(figure.estimate),
        interval=format_interval(figure.low, figure.high, context.t),
    )


def _describe_check(context: ViewContext, city: str) -> list[str]:
    """Return the composite by other ways: the wave's experiment, and no model at all."""
    t, notes = context.t, []
    for line in ("given", "direct"):
        names = {"adjusted": "estimate", "adjusted_low": "ci_low", "adjusted_high": "ci_high"}
        rows = _read_lines(context, line, names, area_level="city", area=city).where("line", line)
        if not len(rows) or not rows.shown[0]:
            continue
        if code := rows.texts(OBSTACLE)[0]:
            notes.append(t(OBSTACLE_SENTENCES[code]))
            continue
        figure = estimate_at(rows)
        words = {
            "score": format_score(figure.estimate),
            "interval": format_interval(figure.low, figure.high, t),
        }
        notes.append(
            t(
                "With the effect of the mode from the wave's experiment: {score} ({interval}).",
                **words,
            )
            if line == "given"
            else t(
                "Checked without a model: with the nation's ages and schooling alone, {score} "
                "({interval}).",
                **words,
            )
        )
    return notes


def build_shifts(context: ViewContext, *, indicator: str) -> IntervalTable | str:
    """Build the table of the cities by shift, the largest first; a text where there is none."""
    t = context.t
    rows = _read_lines(context, "score", _SHIFTS, indicator=indicator)
    known = [not code for code in rows.texts(OBSTACLE)]
    if not any(known) or not len(rows):
        return _explain(context, rows)
    note = t("A score is published as it is; this is no other order of the cities.")
    heading = ChartHeading(
        "trends-fairness",
        t("{indicator}: what people and mode move", indicator=context.names.indicator(indicator)),
        t("City"),
        note,
    )
    return gap_interval_table(
        context,
        heading,
        context.name_rows(rows.keep(known).descending("difference"), "area"),
        this=t("As published"),
        other=t("Compared fairly"),
    )
