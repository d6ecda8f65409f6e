"""Charts as pages show them: labels, data for drawing, and the same data as a table."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.charts.interval_charts import HIGHER, LOWER
from survey.figures.charts.marks import HIDDEN, REFERENCE
from survey.figures.figure_table import Columns, format_for_screen, to_arrow, to_frame, to_list
from survey.figures.views.chart_rows import (
    classify_differences,
    gap_rows,
    gap_table,
    score_rows,
    score_table,
)
from survey.figures.views.table_slice import TableSlice
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
        """Rows of `data` that have a figure: what is hidden gets no row of blanks in a picture."""
        if not self.hidden_labels:
            return self.data
        visible = [role != HIDDEN for role in self._roles]
        return self.data.loc[visible].reset_index(drop=True)

    @cached_property
    def table(self) -> pd.DataFrame:
        """`table_columns` as a data frame."""
        return to_frame(self.table_columns)

    @cached_property
    def chart_data(self) -> pa.Table:
        """Rows with a figure for the browser; made once, as a view may be drawn thousands of times.

        What is hidden gets no row of blanks in a chart; it is named in words below.
        """
        rows = to_arrow(self.chart_rows)
        if HIDDEN not in self._roles:
            return rows
        return rows.filter(pa.array([role != HIDDEN for role in self._roles]))

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
        drawn = {label for label, _, role in rows if role != HIDDEN}
        hidden = [
            f"{label} · {name}" if label in drawn and name else label
            for label, name, role in rows
            if role == HIDDEN
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
        for name in (HIDDEN, REFERENCE):
            drawn &= np.asarray([role != name for role in self._roles] or True)
        return bool((drawn & np.isnan(np.asarray(rows["ci_low"], dtype=float))).any())

    @property
    def is_hidden(self) -> bool:
        """Whether no figure of the chart may be shown."""
        return HIDDEN in self._roles and set(self._roles) <= {HIDDEN, REFERENCE}

    @cached_property
    def screen_table(self) -> pa.Table:
        return format_for_screen(self.table_columns)

    @property
    def is_empty(self) -> bool:
        return not any(len(values) for values in self.chart_rows.values())


@dataclass(frozen=True)
class ChartHeading:
    """Title of a chart and of its rows."""

    key: str
    title: str
    rows: str
    note: str = ""


def score_title(t: Translator) -> str:
    return t("Score (0–100)")


def percent_title(t: Translator) -> str:
    return t("Per cent of those asked")


def subtitle(reading: ViewContext, unit: str, n: float | None, *, wave: str | None = None) -> str:
    """Return the line under every title: wave, unit, n and interval."""
    t = reading.t
    count = format_count(n)
    line = t(
        "{wave} · {unit} · n = {n} · lines: 95% intervals",
        wave=wave or reading.wave.label(reading.language),
        unit=unit,
        n=count,
    )
    deff = reading.results.method.assumed_deff
    return line if deff is None else f"{line} · {_describe_assumed_deff(deff, t)}"


def _describe_assumed_deff(deff: float, t: Translator) -> str:
    return t("assumed design effect {deff}", deff=f"{deff:g}")


def score_chart(
    reading: ViewContext,
    heading: ChartHeading,
    cells: TableSlice,
    labels: Sequence[str],
    *,
    key: str,
    n: float | None,
    kind: ChartKind = ChartKind.INTERVALS,
    unit: str | None = None,
    focus: Collection[str] = (),
    reference: tuple[str, float] | None = None,
) -> ChartPanel:
    """Return a chart of estimates with intervals in the order of `cells`."""
    t = reading.t
    value = unit or score_title(t)
    rows = score_rows(cells, labels, t, key=key, focus=focus, reference=reference)
    return ChartPanel(
        key=heading.key,
        kind=kind,
        title=heading.title,
        subtitle=subtitle(reading, value, n),
        alt=_describe_score_chart(heading.title, cells, labels, t),
        text=ChartLabels(value=value, name=heading.rows, interval=t("95% interval"), n="n"),
        chart_rows=rows,
        table_columns=score_table(cells, labels, t, name=heading.rows, value=value),
        note=heading.note,
    )


def gap_chart(
    reading: ViewContext,
    heading: ChartHeading,
    gaps: TableSlice,
    labels: Sequence[str],
    *,
    key: str,
    this: str,
    other: str,
    n: float | None,
    kind: ChartKind = ChartKind.GAPS,
) -> ChartPanel:
    """Return a chart of differences with intervals in the order of `gaps`; `this` minus `other`."""
    t = reading.t
    value = t("Difference in points")
    rows = gap_rows(gaps, labels, t, key=key)
    return ChartPanel(
        key=heading.key,
        kind=kind,
        title=heading.title,
        subtitle=subtitle(reading, value, n),
        alt=_describe_gap_chart(heading.title, gaps, labels, t),
        text=ChartLabels(value=value, name=heading.rows, interval=t("95% interval"), n="n"),
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
