"""Problems of a wave measured again by the next one: smaller, larger, or not to be told.

The verdict is that of the change between the two waves (docs/statistics.md): without significance
after all cities are allowed for, nothing is called smaller.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from survey.estimate.tree import COMPOSITE
from survey.figures.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.figures.views.changes import find_obstacle, mark_roles
from survey.figures.views.estimate_text import (
    NO_ESTIMATE,
    WITHHELD,
    Estimate,
    estimate_at,
    format_interval,
)
from survey.figures.views.trends import find_code_in
from survey.figures.views.view_context import ViewContext
from survey.locale import Message, SurveyError, Translator, msg
from survey.locale.figures import format_signed
from survey.rectification.problem_records import ProblemFigure
from survey.results import WaveResults
from survey.store.tables import WaveState


class ProblemTrend(StrEnum):
    """Trend of a problem by the next wave: smaller, larger, unclear, or not tested."""

    SMALLER = "smaller"
    LARGER = "larger"
    UNCLEAR = "unclear"
    """Tested, and not told apart from no change."""
    UNTESTED = "untested"
    """Not comparable, hidden or not computed; the reason says which."""


TREND_NAMES: Mapping[ProblemTrend, Message] = {
    ProblemTrend.SMALLER: msg("smaller"),
    ProblemTrend.LARGER: msg("larger"),
    ProblemTrend.UNCLEAR: msg("cannot be told"),
    ProblemTrend.UNTESTED: msg("not measured again"),
}
_TRENDS = {HIGHER: ProblemTrend.SMALLER, LOWER: ProblemTrend.LARGER, UNCLEAR: ProblemTrend.UNCLEAR}
"""A higher score is a smaller problem: every figure with a test is a score."""


@dataclass(frozen=True)
class Remeasurement:
    """Tested change of a problem's figure from its wave to the next, or why it was not tested."""

    trend: ProblemTrend
    year: int
    """Year of the wave that measured again."""
    before: Estimate = NO_ESTIMATE
    after: Estimate = NO_ESTIMATE
    change: Estimate = NO_ESTIMATE
    reason: str = ""
    """Why it was not tested; empty where it was."""

    def sentence(self, t: Translator) -> str:
        """Return whether the figure shows a change, with its interval, or why it was not tested."""
        if self.trend is ProblemTrend.UNTESTED:
            return t("{year}: {reason}", year=str(self.year), reason=self.reason)
        return t(
            "{year}: {verdict} (change of the score {change}, {interval})",
            year=str(self.year),
            verdict=t(TREND_NAMES[self.trend]),
            change=format_signed(self.change.estimate or 0.0),
            interval=format_interval(self.change.low, self.change.high, t),
        )


def find_next_wave(results: WaveResults, others: Iterable[WaveResults]) -> WaveResults | None:
    """Return the next released wave of the series among `others`; None if there is none yet."""
    wave = results.wave
    later = [
        other
        for other in others
        if (other.wave.year, other.wave.key) > (wave.year, wave.key)
        and other.wave.series == wave.series
        and other.wave.state is WaveState.RELEASED
    ]
    return min(later, key=lambda other: (other.wave.year, other.wave.key), default=None)


def measure_problems_again(
    context: ViewContext,
    *,
    city: str,
    figures: tuple[ProblemFigure, ...],
    others: Sequence[WaveResults],
) -> dict[ProblemFigure, Remeasurement]:
    """Return figure -> its tested change to the next released wave of `others`; empty without one.

    None of them is in the result while there is no such wave.
    """
    later = find_next_wave(context.results, others)
    if later is None:
        return {}
    return compare_figures(
        ViewContext(later, context.principal, context.language), context.results, city, figures
    )


def compare_figures(
    reading: ViewContext, before: WaveResults, city: str, figures: Iterable[ProblemFigure]
) -> dict[ProblemFigure, Remeasurement]:
    """Return figure -> its change from wave `before` to that of `reading`, by published tests."""
    codes = (COMPOSITE, *reading.codes)
    pairs = {find_code_in(before, reading.results, code): code for code in codes}
    now_of = {then: now for then, now in pairs.items() if then is not None}
    return {
        figure: _compare(reading, before, city, figure, now_of.get(figure.indicator))
        for figure in figures
    }


def _compare(
    reading: ViewContext, before: WaveResults, city: str, figure: ProblemFigure, code: str | None
) -> Remeasurement:
    t, year = reading.t, reading.wave.year
    if code is None:
        tree = before.tree
        known = tree is not None and figure.indicator in {each.code for each in tree.indicators}
        reason = (
            t("made of other parts or weights, so that the two waves cannot be compared")
            if known
            else t("no test of change is made for this figure")
        )
        return Remeasurement(ProblemTrend.UNTESTED, year, reason=reason)
    obstacle = find_obstacle(reading, before, code)
    if obstacle:
        return Remeasurement(ProblemTrend.UNTESTED, year, reason=obstacle)
    try:
        rows = reading.changes(
            before.wave, area_level="city", area=city, group=figure.group, indicator=code
        )
    except SurveyError:
        reason = t("the change between the two waves has not been computed")
        return Remeasurement(ProblemTrend.UNTESTED, year, reason=reason)
    trend = _TRENDS.get(mark_roles(rows)[0]) if len(rows) else None
    if trend is None:
        return Remeasurement(ProblemTrend.UNTESTED, year, reason=t(WITHHELD))
    return Remeasurement(
        trend,
        year,
        before=estimate_at(rows, value="reference"),
        after=estimate_at(rows),
        change=estimate_at(rows, value="difference"),
    )
