"""One picture as a page shows it: words, data for the eye, and the same data as a table."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import pyarrow as pa

from survey.publish.charts import ChartText, Kind
from survey.publish.tables import for_screen


@dataclass(frozen=True, eq=False)
class Picture:
    """`data` feeds the chart, `table` is what people read and download; neither is changed."""

    key: str
    """Names the picture in widget keys and file names; latin letters and hyphens."""
    kind: Kind
    title: str
    subtitle: str
    """Wave, unit, n and interval, in words."""
    alt: str
    """What a reader who cannot see the chart should know."""
    text: ChartText
    data: pd.DataFrame
    table: pd.DataFrame
    note: str = ""

    @cached_property
    def chart_data(self) -> pa.Table:
        """`data` as the browser gets it; made once, a view may be drawn thousands of times."""
        return pa.Table.from_pandas(self.data, preserve_index=False)

    @cached_property
    def screen_table(self) -> pa.Table:
        return for_screen(self.table)

    @property
    def is_empty(self) -> bool:
        return self.data.empty
