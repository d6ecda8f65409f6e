"""Estimates as text: with their interval, or with the reason why there is none."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan

from survey.figures.charts.interval_charts import UNCLEAR
from survey.figures.charts.marks import HIDDEN_ROLE
from survey.figures.views.table_slice import TableSlice
from survey.locale import Translator, msg
from survey.locale.figures import format_score, format_signed
from survey.results.analysis import HIGHER, LOWER, UNTESTED

UNRELIABLE = "unreliable"
QUOTA_SAMPLE = msg(
    "The interval measures sampling error only. These are quota samples taken on site: it does "
    "not measure whom the interviewers could not reach or who declined."
)
"""Stands in the notes of every headline and in every download."""
QUOTA_SAMPLE_SHORT = msg("Quota sample taken on site: lines show sampling error only.")
"""Stands beside every chart that shows a margin of error."""
WITHHELD = msg("Not shown: too few interviews, or to protect personal data")
"""The one thing that is said of every hidden figure: why it is hidden tells how many are in it."""
NOT_AVAILABLE = msg("Not available")
NOT_ASKED = msg("Not asked in this wave")
"""Said of what the questionnaire does not have: nothing of it is hidden."""
NO_CLEAR_DIFFERENCE = msg("No detectable difference")
MULTIPLE_TESTING_NOTE = msg(
    "Filled triangles: clear differences, all areas of a list being judged together. An interval "
    "stands for its own row, so that it may exclude zero although the difference is not called "
    "clear."
)
"""Stands beside every list of differences that are judged."""


@dataclass(frozen=True)
class Estimate:
    """Score or rate (0-100); without an interval `low` and `high` are None."""

    estimate: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    status: str = "empty"
    shown: bool = False
    assumed_deff: float | None = None
    deff: float | None = None
    """Design effect; None for differences, and where none can be given."""

    @property
    def available(self) -> bool:
        return self.shown and self.estimate is not None

    @property
    def interval_side(self) -> int:
        """Return 1 if the whole interval of a difference is above zero, -1 if below, else 0.

        A verdict is about all areas of a list together, so that such an interval may stand beside
        "no detectable difference": a sentence has to say why.
        """
        if self.low is None or self.high is None:
            return 0
        return (self.low > 0) - (self.high < 0)


NO_ESTIMATE = Estimate(estimate=None)
ALONE = "alone"
"""Case of a difference that is clear taken alone, and not judged together with the others."""
NO_INTERVAL = "no_interval"
"""Case of a difference that has no interval and so no verdict."""


def decide_case(figure: Estimate, role: str) -> str:
    """Return `role`, or `alone` for a difference significant only without adjustment."""
    return ALONE if role == UNCLEAR and figure.interval_side else role


@dataclass(frozen=True)
class EstimateDifference:
    """Difference of a group or area from its reference, with interval and significance verdict."""

    name: str
    figure: Estimate
    """`figure.estimate` is the difference itself."""
    group: float | None
    reference: float | None
    verdict: str = UNTESTED

    @property
    def is_clear(self) -> bool:
        return self.figure.available and self.verdict in {HIGHER, LOWER}

    @property
    def case(self) -> str:
        """Return the key of the sentence on a difference, by its verdict and what may be shown.

        `higher`, `lower`, `unclear`, `ALONE`, `NO_INTERVAL`, or `hidden`.
        """
        if not self.figure.available:
            return HIDDEN_ROLE
        if self.is_clear:
            return self.verdict
        if self.figure.low is None:
            return NO_INTERVAL
        return decide_case(self.figure, UNCLEAR)

    @property
    def is_higher(self) -> bool:
        return self.is_clear and self.verdict == HIGHER


def estimate_at(cells: TableSlice, *, value: str = "estimate", row: int = 0) -> Estimate:
    """Return the estimate in one row of results; `NO_ESTIMATE` where the row does not exist."""
    if row >= len(cells):
        return NO_ESTIMATE
    n = _find_number(cells, "n", row)
    return Estimate(
        estimate=_find_number(cells, value, row),
        low=_find_number(cells, "ci_low", row),
        high=_find_number(cells, "ci_high", row),
        n=None if n is None else int(n),
        status=cells.texts("status")[row],
        shown=bool(cells.shown[row]),
        assumed_deff=cells.assumed_deff,
        deff=_find_number(cells, "deff", row) if cells.has("deff") else None,
    )


def iter_available(cells: TableSlice, key: str) -> Iterator[tuple[str, Estimate]]:
    """Yield (value of column `key`, estimate) of each row whose figure may be shown."""
    for row, text in enumerate(cells.texts(key)):
        figure = estimate_at(cells, row=row)
        if figure.available:
            yield text, figure


def _find_number(cells: TableSlice, column: str, row: int) -> float | None:
    value = float(cells.numbers(column)[row])
    return None if isnan(value) else value


def difference_of(name: str, gaps: TableSlice, row: int = 0) -> EstimateDifference:
    """Return the difference in one row of a table of gaps; `name` is what it is called."""
    figure = estimate_at(gaps, value="difference", row=row)
    if row >= len(gaps):
        return EstimateDifference(name, figure, None, None)
    group, reference = (_find_number(gaps, column, row) for column in ("estimate", "reference"))
    return EstimateDifference(name, figure, group, reference, gaps.texts("verdict")[row])


def margin_of_error_caveat(figure: Estimate, t: Translator) -> str:
    """Return the note on a margin of error: sampling error only, and any assumed design effect."""
    if figure.assumed_deff is None:
        return t(QUOTA_SAMPLE)
    assumed = t(
        "No sampling points were recorded: margins assume a design effect of {deff}.",
        deff=f"{figure.assumed_deff:g}",
    )
    return f"{assumed} {t(QUOTA_SAMPLE)}"


def format_interval(low: float | None, high: float | None, t: Translator) -> str:
    """Format `79.6 to 80.2`, with signs if an end is negative; empty without an interval."""
    if low is None or high is None:
        return ""
    write = format_signed if low < 0 or high < 0 else format_score
    return t("{low} to {high}", low=write(low), high=write(high))


def unsigned_difference(figure: Estimate) -> dict[str, str]:
    """Return the size of a difference and the ends of its interval, all formatted without sign.

    `low` is the end nearer to 0, `high` the farther, as a sentence says them.
    """
    low, high = sorted((abs(figure.low or 0.0), abs(figure.high or 0.0)))
    return {
        "size": format_score(abs(figure.estimate or 0.0)),
        "low": format_score(low),
        "high": format_score(high),
    }


def signed_ends(figure: Estimate) -> dict[str, str]:
    """Return (`low`, `high` -> that end of a difference's interval as a text with sign)."""
    return {"low": format_signed(figure.low), "high": format_signed(figure.high)}


def format_estimate(figure: Estimate, t: Translator) -> str:
    """Format a score with its interval, or say why there is none."""
    if not figure.available or figure.estimate is None:
        return missing_text(figure.shown, t)
    number = format_score(figure.estimate)
    if figure.low is None:
        return t("{score}, no interval can be given", score=number)
    return t(
        "{score}, 95% interval {interval}",
        score=number,
        interval=format_interval(figure.low, figure.high, t),
    )


def missing_text(row_shown: bool, t: Translator) -> str:
    """Return why there is no figure: not available, or withheld where the row is not shown."""
    return t(NOT_AVAILABLE if row_shown else WITHHELD)
