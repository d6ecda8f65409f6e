"""Change of an area's scores since the wave before, in words and with its verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from survey.estimate.tree import COMPOSITE
from survey.locale import SurveyError, Translator, msg
from survey.locale.figures import format_signed
from survey.publish.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.publish.charts.marks import HIDDEN
from survey.publish.views.changes import find_obstacle, mark_roles
from survey.publish.views.estimate_text import (
    ALONE,
    Estimate,
    decide_case,
    estimate_at,
    format_interval,
    unsigned_difference,
)
from survey.publish.views.view_context import ViewContext
from survey.results import WaveInfo, WaveResults

SIGNS: Mapping[str, str] = {HIGHER: "▲", LOWER: "▼", UNCLEAR: "○"}
"""Sign of each verdict; the same shapes are in the charts."""
EARLIER_UNREAD = msg(
    "An earlier wave cannot be read at the moment, so there is nothing to compare with now."
)


@dataclass(frozen=True)
class ScoreChange:
    """Change of one indicator; `role` is `higher`, `lower`, `unclear` or `hidden`."""

    figure: Estimate
    role: str


@dataclass(frozen=True)
class LastChanges:
    """Changes since the wave before, by indicator; `year` is that of the earlier wave."""

    year: str = ""
    by_indicator: Mapping[str, ScoreChange] = field(default_factory=dict)
    obstacle: str = ""
    """Why there is no change at all; empty where there is one."""

    def sentence(self, indicator: str, t: Translator) -> str:
        """Return whether the score is better or worse than last time."""
        if self.obstacle:
            return self.obstacle
        change = self.by_indicator.get(indicator)
        if change is None or change.role == HIDDEN:
            return t("The change since {year} cannot be shown.", year=self.year)
        case = decide_case(change.figure, change.role)
        if case == ALONE:
            words = {
                "year": self.year,
                "interval": format_interval(change.figure.low, change.figure.high, t),
            }
            if change.figure.interval_side > 0:
                return t(
                    "○ Taken alone, it looks higher than in {year} ({interval}); judged together "
                    "with all other cities that is not enough to be sure.",
                    **words,
                )
            return t(
                "○ Taken alone, it looks lower than in {year} ({interval}); judged together "
                "with all other cities that is not enough to be sure.",
                **words,
            )
        if case == UNCLEAR:
            return t(
                "○ No detectable change since {year} ({interval}).",
                year=self.year,
                interval=format_interval(change.figure.low, change.figure.high, t),
            )
        words = unsigned_difference(change.figure) | {"year": self.year}
        if change.role == HIGHER:
            return t("▲ {size} points higher than in {year} ({low} to {high}).", **words)
        return t("▼ {size} points lower than in {year} ({low} to {high}).", **words)

    def short(self, indicator: str, t: Translator) -> str:
        """Return the change in few words; empty where there is none to show."""
        change = self.by_indicator.get(indicator)
        if change is None or change.role == HIDDEN or change.figure.estimate is None:
            return ""
        return t(
            "{sign} {change} ({interval})",
            sign=SIGNS[change.role],
            change=format_signed(change.figure.estimate),
            interval=format_interval(change.figure.low, change.figure.high, t),
        )


def find_wave_before(wave: WaveInfo, others: Sequence[WaveResults]) -> WaveResults | None:
    """Return the latest earlier wave among `others`; None without one."""
    earlier = [o for o in others if (o.wave.year, o.wave.key) < (wave.year, wave.key)]
    return max(earlier, key=lambda other: (other.wave.year, other.wave.key), default=None)


def find_last_changes(
    reading: ViewContext,
    others: Sequence[WaveResults],
    *,
    level: str,
    area: str,
    indicators: Sequence[str] = (COMPOSITE,),
    is_earlier_unread: bool = False,
) -> LastChanges:
    """Return the changes of an area since the latest earlier wave among `others`.

    Args:
        is_earlier_unread: There is an earlier wave that is not among them: it is damaged.
    """
    t = reading.t
    before = find_wave_before(reading.wave, others)
    if before is None and is_earlier_unread:
        return LastChanges(obstacle=t(EARLIER_UNREAD))
    if before is None:
        return LastChanges(obstacle=t("There is no earlier wave to compare with."))
    year = str(before.wave.year)
    if find_obstacle(reading, before, indicators[0]):
        return LastChanges(year, obstacle=t("Not comparable with {year}.", year=year))
    try:
        rows = reading.changes(before.wave, area_level=level, area=area, indicator=indicators)
    except SurveyError:
        return LastChanges(year, obstacle=t("Not compared with {year} yet.", year=year))
    roles = mark_roles(rows)
    return LastChanges(
        year,
        {
            code: ScoreChange(estimate_at(rows, value="difference", row=row), roles[row])
            for row, code in enumerate(rows.texts("indicator"))
        },
    )
