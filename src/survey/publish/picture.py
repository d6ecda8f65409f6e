"""One picture as a page shows it: words, data for the eye, and the same data as a table."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import pyarrow as pa

from survey.publish.charts import ChartText, Kind
from survey.publish.columns import Columns, to_arrow, to_frame
from survey.publish.tables import for_screen


@dataclass(frozen=True, eq=False)
class Picture:
    """`rows` feed the chart, `listing` is what people read and download; neither is changed."""

    key: str
    """Names the picture in widget keys and file names; latin letters and hyphens."""
    kind: Kind
    title: str
    subtitle: str
    """Wave, unit, n and interval, in words."""
    alt: str
    """What a reader who cannot see the chart should know."""
    text: ChartText
    rows: Columns
    listing: Columns
    note: str = ""

    @cached_property
    def data(self) -> pd.DataFrame:
        """`rows` for those who calculate."""
        return to_frame(self.rows)

    @cached_property
    def table(self) -> pd.DataFrame:
        """`listing` for those who take it away."""
        return to_frame(self.listing)

    @cached_property
    def chart_data(self) -> pa.Table:
        """`rows` as the browser gets them; made once, a view may be drawn thousands of times."""
        return to_arrow(self.rows)

    @cached_property
    def screen_table(self) -> pa.Table:
        return for_screen(self.listing)

    @property
    def is_empty(self) -> bool:
        return not any(len(values) for values in self.rows.values())
