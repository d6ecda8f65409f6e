"""Chart as a page shows it: labels, data for drawing, and the same data as a table."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import pyarrow as pa

from survey.publish.charts import ChartKind, ChartLabels
from survey.publish.column_tables import Columns, format_for_screen, to_arrow, to_frame


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
    def table(self) -> pd.DataFrame:
        """`table_columns` as a data frame."""
        return to_frame(self.table_columns)

    @cached_property
    def chart_data(self) -> pa.Table:
        """`chart_rows` for the browser; made once, as a view may be drawn thousands of times."""
        return to_arrow(self.chart_rows)

    @cached_property
    def screen_table(self) -> pa.Table:
        return format_for_screen(self.table_columns)

    @property
    def is_empty(self) -> bool:
        return not any(len(values) for values in self.chart_rows.values())
