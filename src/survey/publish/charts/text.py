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


def series_name(place: int) -> str:
    """What an expression inside a chart calls the word of a series: words may hold quotes."""
    return f"series_{place}"
