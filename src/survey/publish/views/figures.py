"""One number as people may quote it: with its interval, or with the reason why not."""

from dataclasses import dataclass
from math import isnan

from survey.disclosure import MINIMUM_N
from survey.locale import Message, Translator, msg
from survey.publish.views.cells import Cells

UNRELIABLE = "unreliable"
QUOTA_SAMPLE = msg(
    "The interval measures the spread between sampling points. These are quota samples taken on "
    "site: it does not measure whom the interviewers could not reach or who declined."
)
"""Stands beside every headline and in every download."""
QUOTA_SAMPLE_SHORT = msg(
    "Quota sample taken on site: lines show the spread between sampling points only."
)
"""Stands beside every chart that shows a margin of error."""
WITHHELD = msg("Sample too small, not shown")
NEEDED = msg(
    "Sample too small, not shown: at least {minimum} valid answers are needed.", minimum=MINIMUM_N
)
NOT_AVAILABLE = msg("Not available")
NO_CLEAR_DIFFERENCE = msg("No detectable difference")


@dataclass(frozen=True)
class Figure:
    """A score or rate (0-100). Without an interval `low` and `high` are None."""

    estimate: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    status: str = "empty"
    shown: bool = False

    @property
    def available(self) -> bool:
        return self.shown and self.estimate is not None

    @property
    def is_unreliable(self) -> bool:
        return self.status == UNRELIABLE


NOTHING = Figure(estimate=None)


@dataclass(frozen=True)
class Difference:
    """A difference with its interval; it is called one only where the interval excludes zero."""

    name: str
    figure: Figure
    """`figure.estimate` is the difference itself."""
    group: float | None
    reference: float | None

    @property
    def is_clear(self) -> bool:
        low, high = self.figure.low, self.figure.high
        return self.figure.available and low is not None and high is not None and low * high > 0

    @property
    def is_higher(self) -> bool:
        return self.is_clear and (self.figure.estimate or 0.0) > 0


def figure_of(cells: Cells, *, value: str = "estimate", row: int = 0) -> Figure:
    """The figure in one row; `NOTHING` when there is no such row."""
    if row >= len(cells):
        return NOTHING
    n = _number(cells, "n", row)
    return Figure(
        estimate=_number(cells, value, row),
        low=_number(cells, "ci_low", row),
        high=_number(cells, "ci_high", row),
        n=None if n is None else int(n),
        status=cells.texts("status")[row],
        shown=bool(cells.shown[row]),
    )


def _number(cells: Cells, column: str, row: int) -> float | None:
    value = float(cells.numbers(column)[row])
    return None if isnan(value) else value


def difference_of(name: str, gaps: Cells, row: int = 0) -> Difference:
    """The difference in one row of a gaps table."""
    figure = figure_of(gaps, value="difference", row=row)
    if row >= len(gaps):
        return Difference(name, figure, None, None)
    sides = (_number(gaps, column, row) for column in ("estimate", "reference"))
    return Difference(name, figure, *sides)


def decimal(value: float) -> str:
    return f"{value:.1f}"


def signed(value: float) -> str:
    """A difference with its sign; the minus is the typographic one."""
    return f"{value:+.1f}".replace("-", "\u2212")


def interval_words(low: float | None, high: float | None) -> str:
    """`79.6–80.2`; empty without an interval. Negative bounds are joined by a blank and a dash."""
    if low is None or high is None:
        return ""
    if low < 0 or high < 0:
        return f"{signed(low)} – {signed(high)}"
    return f"{decimal(low)}–{decimal(high)}"


def in_words(figure: Figure, t: Translator) -> str:
    """The number and its interval in one breath, or why there is none."""
    if not figure.available or figure.estimate is None:
        return t(WITHHELD if not figure.shown else NOT_AVAILABLE)
    number = decimal(figure.estimate)
    if figure.low is None:
        return t("{score}, no interval can be given", score=number)
    return t(
        "{score}, 95% interval {interval}",
        score=number,
        interval=interval_words(figure.low, figure.high),
    )


def why_nothing(row_shown: bool, t: Translator) -> str:
    """What stands in a chart or table where no figure is."""
    message: Message = NOT_AVAILABLE if row_shown else WITHHELD
    return t(message)
