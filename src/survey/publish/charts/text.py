"""The words inside a chart; everything else a reader needs stands around it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ChartText:
    """Texts in the reader's language. `series` names the categories in the order of their data."""

    value: str
    """Title of the value axis, with its unit."""
    name: str = ""
    interval: str = ""
    n: str = ""
    series: tuple[str, ...] = ()
