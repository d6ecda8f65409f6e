"""National figure on each basis, and its change since the wave before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.figures.charts.interval_charts import HIGHER, UNCLEAR
from survey.figures.charts.marks import HIDDEN_ROLE
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
from survey.figures.views.interval_table import SIGNS
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.locale import Message, SurveyError, Translator, msg
from survey.locale.figures import format_signed
from survey.results import WaveInfo, WaveResults
from survey.results.headlines import CITY_WEIGHTED, DOMAIN, ITEM_MEANS, PER_RESPONDENT
from survey.results.wave_results import Filter

EARLIER_UNREAD = msg(
    "An earlier wave cannot be read at the moment, so there is nothing to compare with now."
)


@dataclass(frozen=True)
class ScoreChange:
    """Change of one indicator since an earlier wave; `role` is the significance verdict on it."""

    figure: Estimate
    role: str


@dataclass(frozen=True)
class LastChanges:
    """Changes of an area since the wave before, by indicator; `year` is the earlier wave's."""

    year: str = ""
    by_indicator: Mapping[str, ScoreChange] = field(default_factory=dict)
    obstacle: str = ""
    """Why there is no change at all; empty where there is one."""

    def sentence(self, indicator: str, t: Translator) -> str:
        """Return a sentence on whether an indicator is higher or lower than in the wave before."""
        if self.obstacle:
            return self.obstacle
        change = self.by_indicator.get(indicator)
        if change is None or change.role == HIDDEN_ROLE:
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
        """Return a change as sign, number and interval; empty where there is none to show."""
        change = self.by_indicator.get(indicator)
        if change is None or change.role == HIDDEN_ROLE or change.figure.estimate is None:
            return ""
        return t(
            "{sign} {change} ({interval})",
            sign=SIGNS[change.role],
            change=format_signed(change.figure.estimate),
            interval=format_interval(change.figure.low, change.figure.high, t),
        )


def list_waves_before(wave: WaveInfo, others: Sequence[WaveResults]) -> list[WaveResults]:
    """Return the earlier waves among `others`, the newest first."""
    earlier = [o for o in others if (o.wave.year, o.wave.key) < (wave.year, wave.key)]
    return sorted(earlier, key=lambda other: (other.wave.year, other.wave.key), reverse=True)


def find_wave_before(wave: WaveInfo, others: Sequence[WaveResults]) -> WaveResults | None:
    """Return the latest earlier wave among `others`; None without one."""
    return next(iter(list_waves_before(wave, others)), None)


def find_last_changes(
    context: ViewContext,
    others: Sequence[WaveResults],
    *,
    level: str,
    area: str,
    indicators: Sequence[str] = (COMPOSITE,),
    is_earlier_unread: bool = False,
) -> LastChanges:
    """Return changes of an area (code) of this level since the wave before, or why there are none.

    Args:
        is_earlier_unread: There is an earlier wave that is not among them: it is damaged.
    """
    t = context.t
    before = find_wave_before(context.wave, others)
    if before is None and is_earlier_unread:
        return LastChanges(obstacle=t(EARLIER_UNREAD))
    if before is None:
        return LastChanges(obstacle=t("There is no earlier wave to compare with."))
    year = str(before.wave.year)
    if find_obstacle(context, before, indicators[0]):
        return LastChanges(year, obstacle=t("Not comparable with {year}.", year=year))
    try:
        rows = context.changes(before.wave, area_level=level, area=area, indicator=indicators)
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


def nation_cells(context: ViewContext, basis: str, indicator: Filter = None) -> TableSlice:
    """Return national figures: of one population, or the mean of cities if `basis` asks for it."""
    if basis != CITY_WEIGHTED:
        return context.cells(area_level="nation", area=NATION, indicator=indicator)
    official = context.wave.composite
    return context.headlines(basis=basis, composite=official, indicator=indicator)


def reference_line(
    context: ViewContext, headline: Estimate, basis: str
) -> tuple[str, float] | None:
    """Return name (with its `basis`) and score `headline` of the nation's line, else None."""
    if headline.estimate is None:
        return None
    t = context.t
    return t("the nation ({basis})", basis=t(BASES.get(basis, BASES[DOMAIN]))), headline.estimate


def describe_basis(context: ViewContext, basis: str, indicator: str) -> str:
    """Describe how the nation is counted, and what the other ways of counting give."""
    t, official = context.t, context.wave.composite
    further = ITEM_MEANS if official == PER_RESPONDENT else PER_RESPONDENT
    shown, otherwise = (
        (CITY_WEIGHTED, DOMAIN) if basis == CITY_WEIGHTED else (DOMAIN, CITY_WEIGHTED)
    )
    counted = context.headlines(indicator=indicator)
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
