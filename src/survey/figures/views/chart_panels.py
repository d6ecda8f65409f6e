"""Charts as pages show them: labels, data for drawing, and the same data as a table."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.charts.interval_charts import HIGHER, LOWER
from survey.figures.charts.marks import HIDDEN_ROLE, REFERENCE
from survey.figures.figure_table import Columns, format_for_screen, to_arrow, to_frame, to_list
from survey.figures.views.chart_rows import (
    classify_differences,
    gap_rows,
    gap_table,
    score_rows,
    score_table,
)
from survey.figures.views.table_slice import NamedRows, TableSlice
from survey.figures.views.view_context import ViewContext
from survey.locale import Translator
from survey.locale.figures import format_count, format_score, format_signed


@dataclass(frozen=True, eq=False)
class ChartPanel:
    """Chart with its data; `chart_rows` are drawn, `table_columns` are read and downloaded."""

    key: str
    """Names the chart in widget keys and file names; latin letters and hyphens."""
    kind: ChartKind
    title: str
    subtitle: str
    """Wave, unit, n and interval, in words."""
    alt: str
    """Text for readers who cannot see the chart."""
    text: ChartLabels
    chart_rows: Columns
    table_columns: Columns
    note: str = ""

    @cached_property
    def data(self) -> pd.DataFrame:
        """`chart_rows` as a data frame."""
        return to_frame(self.chart_rows)

    @cached_property
    def drawn(self) -> pd.DataFrame:
        """Rows of `data` whose figure is not hidden: a picture has no blank rows."""
        if not self.hidden_labels:
            return self.data
        visible = [role != HIDDEN_ROLE for role in self._roles]
        return self.data.loc[visible].reset_index(drop=True)

    @cached_property
    def table(self) -> pd.DataFrame:
        """`table_columns` as a data frame."""
        return to_frame(self.table_columns)

    @cached_property
    def chart_data(self) -> pa.Table:
        """Rows of the chart that are not hidden, as Arrow for the browser; built once.

        What is hidden gets no row of blanks in a chart; it is named in words below.
        """
        rows = to_arrow(self.chart_rows)
        if HIDDEN_ROLE not in self._roles:
            return rows
        return rows.filter(pa.array([role != HIDDEN_ROLE for role in self._roles]))

    @property
    def _roles(self) -> list[str]:
        return to_list(self.chart_rows.get("role", ()))

    @cached_property
    def hidden_labels(self) -> tuple[str, ...]:
        """Labels of the rows whose figure is hidden or cannot be given.

        Where another series has a figure in the row, its label names the series without one.
        """
        labels = [str(label) for label in to_list(self.chart_rows.get("label", ()))]
        series = to_list(self.chart_rows.get("series", [""] * len(labels)))
        rows = list(zip(labels, series, self._roles, strict=False))
        drawn = {label for label, _, role in rows if role != HIDDEN_ROLE}
        hidden = [
            f"{label} · {name}" if label in drawn and name else label
            for label, name, role in rows
            if role == HIDDEN_ROLE
        ]
        # Labels of cities hold a place and possible places, dashes where there are none.
        return tuple(dict.fromkeys(label.replace("\n", " ").strip(" –") for label in hidden))

    @cached_property
    def has_points_without_interval(self) -> bool:
        """Whether a figure is drawn for which the sample gives no interval.

        Means of several places have neither n nor interval, by design; they are not meant.
        """
        rows = self.chart_rows
        values = rows.get("estimate", rows.get("difference"))
        if values is None or not {"ci_low", "n"} <= rows.keys():
            return False
        counted = ~np.isnan(np.asarray(rows["n"], dtype=float))
        drawn = counted & ~np.isnan(np.asarray(values, dtype=float))
        for name in (HIDDEN_ROLE, REFERENCE):
            drawn &= np.asarray([role != name for role in self._roles] or True)
        return bool((drawn & np.isnan(np.asarray(rows["ci_low"], dtype=float))).any())

    @property
    def is_hidden(self) -> bool:
        """Whether no figure of the chart may be shown."""
        return HIDDEN_ROLE in self._roles and set(self._roles) <= {HIDDEN_ROLE, REFERENCE}

    @cached_property
    def screen_table(self) -> pa.Table:
        return format_for_screen(self.table_columns)

    @property
    def is_empty(self) -> bool:
        return not any(len(values) for values in self.chart_rows.values())


@dataclass(frozen=True)
class ChartHeading:
    """Key, title and note of a chart or table, and what its rows are called."""

    key: str
    title: str
    rows: str
    note: str = ""


def score_title(t: Translator) -> str:
    return t("Score (0–100)")


def percent_title(t: Translator) -> str:
    return t("Per cent of those asked")


def subtitle(context: ViewContext, unit: str, n: float | None, *, wave: str | None = None) -> str:
    """Return the line under a title: wave, unit, n, intervals, and an assumed design effect."""
    t = context.t
    line = t(
        "{wave} · {unit} · n = {n} · lines: 95% intervals",
        wave=wave or context.wave.label(context.language),
        unit=unit,
        n=format_count(n),
    )
    deff = context.results.method.assumed_deff
    if deff is None:
        return line
    assumed = t("assumed design effect {deff}", deff=f"{deff:g}")
    return f"{line} · {assumed}"


def label_intervals(
    t: Translator, value: str, name: str, series: tuple[str, ...] = ()
) -> ChartLabels:
    """Return a chart's labels: `value` heads the axis, `name` the rows; `series` are names."""
    return ChartLabels(
        value=value, name=name, interval=t("95%\u00a0interval"), n="n", series=series
    )


def score_chart(
    context: ViewContext,
    heading: ChartHeading,
    named: NamedRows,
    *,
    n: float | None,
    focus: Collection[str] = (),
    reference: tuple[str, float] | None = None,
) -> ChartPanel:
    """Build a chart of estimates from `n` interviews; rows with a key in `focus` stand out."""
    t, cells, labels = context.t, named.cells, named.labels
    value = score_title(t)
    rows = score_rows(cells, labels, t, key=named.key, focus=focus, reference=reference)
    return ChartPanel(
        key=heading.key,
        kind=ChartKind.INTERVALS,
        title=heading.title,
        subtitle=subtitle(context, value, n),
        alt=_describe_score_chart(heading.title, cells, labels, t),
        text=label_intervals(t, value, heading.rows),
        chart_rows=rows,
        table_columns=score_table(cells, labels, t, name=heading.rows, value=value),
        note=heading.note,
    )


def gap_chart(
    context: ViewContext,
    heading: ChartHeading,
    named: NamedRows,
    *,
    this: str,
    other: str,
    n: float | None,
) -> ChartPanel:
    """Build a chart of differences (`this` minus `other`) in the order of `named`, with its `n`."""
    t, gaps, labels = context.t, named.cells, named.labels
    value = t("Difference in points")
    rows = gap_rows(gaps, labels, t, key=named.key)
    return ChartPanel(
        key=heading.key,
        kind=ChartKind.GAPS,
        title=heading.title,
        subtitle=subtitle(context, value, n),
        alt=_describe_gap_chart(heading.title, gaps, labels, t),
        text=label_intervals(t, value, heading.rows),
        chart_rows=rows,
        table_columns=gap_table(gaps, labels, t, name=heading.rows, this=this, other=other),
        note=heading.note,
    )


def _describe_score_chart(
    title: str, cells: TableSlice, labels: Sequence[str], t: Translator
) -> str:
    estimates = cells.numbers("estimate")
    drawn = np.flatnonzero(~np.isnan(estimates))
    if not len(drawn):
        return t("{title}. No figure can be shown.", title=title)
    top, bottom = drawn[estimates[drawn].argmax()], drawn[estimates[drawn].argmin()]
    return t(
        "{title}. {count} rows. Largest estimate: {top} {most}; smallest: {bottom} {least}. "
        "The same data follow as a table.",
        title=title,
        count=len(drawn),
        top=labels[top],
        most=format_score(estimates[top]),
        bottom=labels[bottom],
        least=format_score(estimates[bottom]),
    )


def _describe_gap_chart(title: str, gaps: TableSlice, labels: Sequence[str], t: Translator) -> str:
    gap_verdicts = classify_differences(gaps)
    clear = [row for row, verdict in enumerate(gap_verdicts) if verdict in {HIGHER, LOWER}]
    if not clear:
        return t("{title}. No difference is clear. The same data follow as a table.", title=title)
    difference = gaps.numbers("difference")
    widest = max(clear, key=lambda row: abs(difference[row]))
    return t(
        "{title}. {higher} clearly higher, {lower} clearly lower of {count}; the largest clear "
        "difference: {label} {difference}. The same data follow as a table.",
        title=title,
        higher=gap_verdicts.count(HIGHER),
        lower=gap_verdicts.count(LOWER),
        count=len(gap_verdicts),
        label=labels[widest],
        difference=format_signed(difference[widest]),
    )
