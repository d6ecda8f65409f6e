"""National figure on the basis that the reader chose, and on the others."""

from collections.abc import Mapping
from types import MappingProxyType

from survey.access.roles import NATION
from survey.locale import Message, msg
from survey.publish.views.estimate_text import Estimate, estimate_at, format_estimate
from survey.publish.views.table_slice import TableSlice
from survey.publish.views.view_context import ViewContext
from survey.results.headlines import CITY_WEIGHTED, DOMAIN, ITEM_MEANS, PER_RESPONDENT
from survey.results.wave_results import Filter

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
