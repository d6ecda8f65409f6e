"""One picture as a page shows it: words, data for the eye, and the same data as a table."""

from dataclasses import dataclass

import pandas as pd

from survey.publish.charts import ChartText, Kind


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

    @property
    def is_empty(self) -> bool:
        return self.data.empty
