"""What changed between two waves: arrows only where the change holds after adjustment."""

from collections import Counter
from dataclasses import dataclass

from survey.locale import SurveyError
from survey.publish.charts.gaps import HIGHER, LOWER, UNCLEAR
from survey.publish.charts.layers import HIDDEN
from survey.publish.picture import Picture
from survey.publish.results import WaveResults
from survey.publish.results.changes import FALL, NO_CROSSWALK, OTHER_COMPOSITE, RISE
from survey.publish.results.crosswalk import WhyNot, crosswalk
from survey.publish.views.cells import Cells
from survey.publish.views.change_pictures import (
    Years,
    cities_picture,
    indicators_picture,
    roles_of,
)
from survey.publish.views.figures import Difference, difference_of, in_size, signed
from survey.publish.views.names import COMPOSITE
from survey.publish.views.reading import Reading
from survey.publish.views.trend_filters import TrendFilters, listed_cities, what_is_read


@dataclass(frozen=True, eq=False)
class ChangeView:
    """What changed from one wave to the other."""

    before: str
    """What the nation is compared with, as it stands in a sentence: the year of that wave."""
    difference: Difference
    sentence: str
    counted: str
    cities: Picture | str
    """Or what is said where only clear changes are asked for and there is none."""
    indicators: Picture


def change(
    reading: Reading, before: WaveResults | None, filters: TrendFilters
) -> tuple[ChangeView | None, str]:
    """The change, or why there is none."""
    t = reading.t
    if before is None:
        return None, t(
            "A change needs two waves of the same series, and there is none before this one. "
            "Please choose a later wave above. If there is no other, changes appear here as soon "
            "as a second wave has been frozen."
        )
    obstacle = _obstacle(reading, before, filters.indicator)
    if obstacle:
        return None, obstacle
    try:
        changes = reading.changes(
            before.wave,
            area_level=["nation", "city"],
            group=filters.group,
            indicator=filters.indicator,
        )
        nation = reading.changes(
            before.wave,
            area_level="nation",
            group=filters.group,
            indicator=[COMPOSITE, *reading.level_codes(1, 2)],
        )
    except SurveyError as error:
        return None, t(error.message)
    years = Years(str(before.wave.year), str(reading.wave.year))
    whole = changes.where("area_level", "nation")
    cities = changes.where("area_level", "city")
    listed = listed_cities(cities, reading, filters)
    if filters.clear_only:
        listed = listed.among("verdict", (RISE, FALL))
    difference = difference_of(reading.names.group(filters.group), whole)
    return ChangeView(
        before=t("the year {year}", year=years.before),
        difference=difference,
        sentence=_sentence(reading, difference, roles_of(whole), filters, years),
        counted=_counted(reading, cities),
        cities=t("None of the chosen cities shows a detectable change.")
        if filters.clear_only and not len(listed)
        else cities_picture(reading, listed, difference, filters, years),
        indicators=indicators_picture(reading, nation, filters, years),
    ), ""


def _obstacle(reading: Reading, before: WaveResults, indicator: str) -> str:
    """Why the indicator cannot be compared with that wave; empty where it can."""
    t, tree = reading.t, reading.results.tree
    if before.wave.composite != reading.wave.composite:
        return t(OTHER_COMPOSITE)
    if tree is None or before.tree is None:
        return t("Changes between waves are computed for questionnaires with an indicator tree.")
    mapping = crosswalk(before.tree, tree)
    if mapping is None:
        return t(NO_CROSSWALK)
    words = {"indicator": reading.names.indicator(indicator), "before": str(before.wave.year)}
    if mapping.why_not.get(indicator) is WhyNot.NEW:
        return t("{indicator} did not exist in {before}, so there is no change to show.", **words)
    if indicator not in mapping.before_of:
        return t(
            "{indicator} was made of other parts or weights in {before}. A difference would show "
            "the new recipe, not consumers, so none is shown. Please choose another indicator.",
            **words,
        )
    return ""


def _sentence(
    reading: Reading, change: Difference, roles: list[str], filters: TrendFilters, years: Years
) -> str:
    t, figure = reading.t, change.figure
    words = {"indicator": what_is_read(reading, filters), **years.words}
    if roles in ([], [HIDDEN]) or figure.estimate is None:
        return t("{indicator}: the change from {before} to {after} cannot be shown.", **words)
    low, high = figure.low or 0.0, figure.high or 0.0
    if roles == [UNCLEAR]:
        return t(
            "{indicator}: no detectable change from {before} to {after} in the nation "
            "(95%\u00a0interval of the change {low} to {high}).",
            low=signed(low),
            high=signed(high),
            **words,
        )
    words |= in_size(figure)
    if roles == [HIGHER]:
        return t(
            "{indicator}: {size} points higher in {after} than in {before} in the nation "
            "(95%\u00a0interval {low}–{high}).",
            **words,
        )
    return t(
        "{indicator}: {size} points lower in {after} than in {before} in the nation "
        "(95%\u00a0interval {low}–{high}).",
        **words,
    )


def _counted(reading: Reading, cities: Cells) -> str:
    t, counts = reading.t, Counter(roles_of(cities))
    sentence = t(
        "Of {count} cities {rise} rose and {fall} fell; {none} show no detectable change.",
        count=len(cities),
        rise=counts[HIGHER],
        fall=counts[LOWER],
        none=counts[UNCLEAR],
    )
    if not counts[HIDDEN]:
        return sentence
    return t(
        "{counted} {hidden} are not shown: too few interviews, or to protect personal data.",
        counted=sentence,
        hidden=counts[HIDDEN],
    )
