"""One number as people may quote it: with its interval, or with the reason why not."""

from dataclasses import dataclass
from math import isnan

from survey.disclosure import MINIMUM_N
from survey.locale import Translator, msg
from survey.publish.results.verdicts import HIGHER, LOWER, UNTESTED
from survey.publish.views.cells import Cells

UNRELIABLE = "unreliable"
QUOTA_SAMPLE = msg(
    "The interval measures sampling error only. These are quota samples taken on site: it does "
    "not measure whom the interviewers could not reach or who declined."
)
"""Stands beside every headline and in every download."""
QUOTA_SAMPLE_SHORT = msg("Quota sample taken on site: lines show sampling error only.")
"""Stands beside every chart that shows a margin of error."""
WITHHELD = msg("Not shown: too few interviews, or to protect personal data")
"""The one thing that is said of every hidden figure: why it is hidden tells how many are in it."""
NEEDED = msg(
    "Not shown: a figure needs at least {minimum} valid answers, and none is shown from which one "
    "that rests on fewer could be worked out.",
    minimum=MINIMUM_N,
)
NOT_AVAILABLE = msg("Not available")
NO_CLEAR_DIFFERENCE = msg("No detectable difference")
JUDGED_TOGETHER = msg(
    "Filled triangles: clear differences, all areas of a list being judged together. An interval "
    "stands for its own row, so that it may exclude zero although the difference is not called "
    "clear."
)
"""Stands beside every list of differences that are judged."""


@dataclass(frozen=True)
class Figure:
    """A score or rate (0-100). Without an interval `low` and `high` are None."""

    estimate: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    status: str = "empty"
    shown: bool = False
    assumed_deff: float | None = None

    @property
    def available(self) -> bool:
        return self.shown and self.estimate is not None

    @property
    def is_unreliable(self) -> bool:
        return self.status == UNRELIABLE


NOTHING = Figure(estimate=None)


@dataclass(frozen=True)
class Difference:
    """A difference with its interval and what the results call it."""

    name: str
    figure: Figure
    """`figure.estimate` is the difference itself."""
    group: float | None
    reference: float | None
    verdict: str = UNTESTED

    @property
    def is_clear(self) -> bool:
        return self.figure.available and self.verdict in {HIGHER, LOWER}

    @property
    def is_higher(self) -> bool:
        return self.is_clear and self.verdict == HIGHER


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
        assumed_deff=cells.assumed_deff,
    )


def _number(cells: Cells, column: str, row: int) -> float | None:
    value = float(cells.numbers(column)[row])
    return None if isnan(value) else value


def difference_of(name: str, gaps: Cells, row: int = 0) -> Difference:
    """The difference in one row of a gaps table."""
    figure = figure_of(gaps, value="difference", row=row)
    if row >= len(gaps):
        return Difference(name, figure, None, None)
    group, reference = (_number(gaps, column, row) for column in ("estimate", "reference"))
    return Difference(name, figure, group, reference, gaps.texts("verdict")[row])


def what_margins_are_not(figure: Figure, t: Translator) -> str:
    """What stands beside a margin of error: its limits, and what it assumes."""
    if figure.assumed_deff is None:
        return t(QUOTA_SAMPLE)
    assumed = t(
        "No sampling points were recorded: margins assume a design effect of {deff}.",
        deff=f"{figure.assumed_deff:g}",
    )
    return f"{assumed} {t(QUOTA_SAMPLE)}"


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


def in_size(figure: Figure) -> dict[str, str]:
    """`size` of a difference without its sign, and its interval from the nearer end (`low`) to
    the farther (`high`), as a sentence says them."""
    low, high = sorted((abs(figure.low or 0.0), abs(figure.high or 0.0)))
    return {
        "size": decimal(abs(figure.estimate or 0.0)),
        "low": decimal(low),
        "high": decimal(high),
    }


def in_words(figure: Figure, t: Translator) -> str:
    """The number and its interval in one breath, or why there is none."""
    if not figure.available or figure.estimate is None:
        return why_nothing(figure.shown, t)
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
    return t(NOT_AVAILABLE if row_shown else WITHHELD)


def what_is_needed(t: Translator) -> str:
    """Why a figure is not shown, in a whole sentence."""
    return t(NEEDED)
