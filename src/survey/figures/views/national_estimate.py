"""National figure on each basis, and its change since the wave before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.figures.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.figures.charts.marks import HIDDEN
from survey.figures.views.changes import find_obstacle, mark_roles
from survey.figures.views.estimate_text import (
    ALONE,
    Estimate,
    decide_case,
    estimate_at,
    format_estimate,
    format_interval,
    unsigned_difference,
)
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.locale import Message, SurveyError, Translator, msg
from survey.locale.figures import format_signed
from survey.results import WaveInfo, WaveResults
from survey.results.headlines import CITY_WEIGHTED, DOMAIN, ITEM_MEANS, PER_RESPONDENT
from survey.results.wave_results import Filter

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


BASES: Mapping[str, Message] = MappingProxyType(
    {
        DOMAIN: msg("all residents as one population"),
        CITY_WEIGHTED: msg("mean of the cities, weighted by residents"),
    }
)
COMPOSITES: Mapping[str, Message] = MappingProxyType(
    {
        ITEM_MEANS: msg("weighted means of the items"),
        PER_RESPONDENT: msg("each respondent's own mean"),
    }
)
_COMPARED_WITH = msg("Differences of cities are always from the nation as one population.")


def nation_cells(reading: ViewContext, basis: str, indicator: Filter = None) -> TableSlice:
    """Return national figures of `indicator`, or of all; an unknown basis is that of the cells."""
    if basis != CITY_WEIGHTED:
        return reading.cells(area_level="nation", area=NATION, indicator=indicator)
    official = reading.wave.composite
    return reading.headlines(basis=basis, composite=official, indicator=indicator)


def reference_line(
    reading: ViewContext, headline: Estimate, basis: str
) -> tuple[str, float] | None:
    """Return name and place of the line that stands for the nation."""
    if headline.estimate is None:
        return None
    t = reading.t
    return t("the nation ({basis})", basis=t(BASES.get(basis, BASES[DOMAIN]))), headline.estimate


def describe_basis(reading: ViewContext, basis: str, indicator: str) -> str:
    """Describe the basis shown, the official composite, and what the others give."""
    t, official = reading.t, reading.wave.composite
    further = ITEM_MEANS if official == PER_RESPONDENT else PER_RESPONDENT
    shown, otherwise = (
        (CITY_WEIGHTED, DOMAIN) if basis == CITY_WEIGHTED else (DOMAIN, CITY_WEIGHTED)
    )
    counted = reading.headlines(indicator=indicator)
    by_basis, by_composite = (
        format_estimate(estimate_at(counted.where("basis", way).where("composite", composite)), t)
        for way, composite in ((otherwise, official), (shown, further))
    )
    sentence = t(
        "Nation: {basis}. Indicators are {official} (official for this wave). Counted "
        "otherwise: {by_basis} ({other_basis}); {by_composite} ({other_composite}).",
        basis=t(BASES[shown]),
        official=t(COMPOSITES.get(official, COMPOSITES[ITEM_MEANS])),
        other_basis=t(BASES[otherwise]),
        other_composite=t(COMPOSITES[further]),
        by_basis=by_basis,
        by_composite=by_composite,
    )
    return sentence if shown == DOMAIN else f"{sentence} {t(_COMPARED_WITH)}"
