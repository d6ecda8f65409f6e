"""The national overview: the answer, its parts, the cities, the areas, the years."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey.access.principal import Principal
from survey.publish.charts import ChartText, Kind
from survey.publish.charts.gaps import HIGHER, LOWER, UNCLEAR
from survey.publish.picture import Picture
from survey.publish.views.cells import Cells
from survey.publish.views.figures import Figure, figure_of
from survey.publish.views.names import COMPOSITE, NATION
from survey.publish.views.pictures import Heading, score_picture, score_title, subtitle
from survey.publish.views.reading import Reading, Results
from survey.publish.views.rows import RANKED_FROM_N, ranges, score_table, verdicts
from survey.publish.views.trend import trend_picture

AREA_CHOICES = ("region3", "region", "city_class", "size_tier", "retail_tier", "province")


@dataclass(frozen=True)
class OverviewFilters:
    """`region3` and `city_class` narrow the list of cities; `by` groups the areas."""

    indicator: str = COMPOSITE
    by: str = "region3"
    region3: str | None = None
    city_class: str | None = None


@dataclass(frozen=True)
class Tile:
    """A first-level indicator beside the headline."""

    name: str
    figure: Figure


@dataclass(frozen=True)
class Standing:
    """How many cities differ from the nation so clearly that the interval excludes zero."""

    higher: int
    lower: int
    unclear: int


@dataclass(frozen=True, eq=False)
class OverviewView:
    title: str
    headline: Figure
    sentence: str
    tiles: tuple[Tile, ...]
    standing: Standing | None
    indicators: Picture
    cities: Picture
    city_map: Picture
    areas: Picture
    trend: Picture
    city_codes: tuple[str, ...]


def overview(
    *,
    results: Results,
    principal: Principal,
    language: str,
    filters: OverviewFilters,
    others: Sequence[Results] = (),
) -> OverviewView:
    """Everything on the page; `others` are the further waves of the same series."""
    reading = Reading(results, principal, language)
    nation = reading.cells(area_level="nation", area=NATION, indicator=None)
    headline = figure_of(nation.where("indicator", filters.indicator))
    cells = reading.cells(indicator=filters.indicator)
    every_city = cells.where("area_level", "city")
    cities = _chosen(every_city, reading, filters)
    gaps = reading.gaps("nation", area_level="city", indicator=filters.indicator)
    return OverviewView(
        title=reading.wave_title,
        headline=headline,
        sentence=_sentence(reading, headline, filters),
        tiles=_tiles(reading, nation),
        standing=_standing(gaps),
        indicators=_indicators(reading, nation),
        cities=_cities(reading, cities, headline, filters),
        city_map=_map(reading, every_city, gaps, headline),
        areas=_areas(reading, cells, headline, filters),
        trend=trend_picture(reading, others, filters.indicator),
        city_codes=tuple(cities.texts("area")),
    )


def _sentence(reading: Reading, headline: Figure, filters: OverviewFilters) -> str:
    t = reading.t
    return t(
        "{indicator} in the nation, from {n} valid interviews in {cities} cities.",
        indicator=reading.names.indicator(filters.indicator),
        n=f"{reading.wave.n if headline.n is None else headline.n:,d}",
        cities=reading.wave.cities,
    )


def _tiles(reading: Reading, nation: Cells) -> tuple[Tile, ...]:
    return tuple(
        Tile(reading.names.indicator(code), figure_of(nation.where("indicator", code)))
        for code in reading.level_codes(1)
    )


def _standing(gaps: Cells) -> Standing | None:
    if not len(gaps):
        return None
    found = Counter(verdicts(gaps))
    return Standing(found[HIGHER], found[LOWER], found[UNCLEAR])


def _indicators(reading: Reading, nation: Cells) -> Picture:
    t = reading.t
    codes = reading.level_codes(1, 2)
    cells = nation.in_order("indicator", codes)
    return score_picture(
        reading,
        Heading("overview-indicators", t("First- and second-level indicators"), t("Indicator")),
        cells,
        [reading.names.numbered(code) for code in cells.texts("indicator")],
        key="indicator",
        focus=reading.level_codes(1),
        n=cells.largest("n"),
    )


def _chosen(cities: Cells, reading: Reading, filters: OverviewFilters) -> Cells:
    """The cities of the filter, largest estimate first, those without a figure last."""
    frame = reading.cities
    keep = [
        code in frame
        and filters.region3 in {None, frame[code].region3}
        and filters.city_class in {None, frame[code].city_class}
        for code in cities.texts("area")
    ]
    kept = cities.keep(keep) if filters.region3 or filters.city_class else cities
    return kept.descending("estimate")


def _cities(reading: Reading, cities: Cells, headline: Figure, filters: OverviewFilters) -> Picture:
    t = reading.t
    reference = None if headline.estimate is None else (t("Nation"), headline.estimate)
    note = t(
        "Dashed line: the nation. Cities whose lines overlap widely should not be told apart. "
        "Hollow: fewer than {n} interviews, not to be put in an order.",
        n=RANKED_FROM_N,
    )
    title = t(
        "{indicator} by city ({count})",
        indicator=reading.names.indicator(filters.indicator),
        count=len(cities),
    )
    return score_picture(
        reading,
        Heading("overview-cities", title, t("City"), note),
        cities,
        [reading.names.area(code) for code in cities.texts("area")],
        key="area",
        n=cities.total("n"),
        kind=Kind.CATERPILLAR,
        focus=() if reading.principal.area == NATION else (reading.principal.area,),
        ranked_from=RANKED_FROM_N,
        reference=reference,
    )


def _areas(reading: Reading, cells: Cells, headline: Figure, filters: OverviewFilters) -> Picture:
    t = reading.t
    level = filters.by if filters.by in AREA_CHOICES else AREA_CHOICES[0]
    areas = cells.where("area_level", level).descending("estimate")
    title = t(
        "{indicator} by area: {level}",
        indicator=reading.names.indicator(filters.indicator),
        level=reading.names.level(level),
    )
    reference = None if headline.estimate is None else (t("Nation"), headline.estimate)
    return score_picture(
        reading,
        Heading("overview-areas", title, t("Area"), t("Dashed line: the nation.")),
        areas,
        [reading.names.area(area) for area in areas.texts("area")],
        key="area",
        n=areas.total("n"),
        reference=reference,
    )


def _map(
    reading: Reading,
    cities: Cells,
    gaps: Cells,
    headline: Figure,
) -> Picture:
    """Cities as points; what a point says is whether the city differs from the nation."""
    t = reading.t
    known = [code in reading.cities for code in cities.texts("area")]
    cities = cities.keep(cities.shown & ~np.isnan(cities.numbers("estimate")) & known)
    codes = cities.texts("area")
    labels = [reading.names.area(code) for code in codes]
    roles = dict(zip(gaps.texts("area"), verdicts(gaps), strict=True))
    series = (t("Clearly above the nation"), t("Clearly below the nation"), t("Not told apart"))
    value = score_title(t)
    told = [_known(roles.get(code)) for code in codes]
    title = t("Where cities differ from the nation")
    names = {HIGHER: series[0], LOWER: series[1], UNCLEAR: series[2]}
    verdict = {t("Verdict"): [names[role] for role in told]}
    return Picture(
        key="overview-map",
        kind=Kind.MAP,
        title=title,
        subtitle=subtitle(reading, value, headline.n),
        alt=t(
            "{title}. Points by longitude and latitude: {higher} cities clearly above the nation, "
            "{lower} clearly below. The same data follow as a table.",
            title=title,
            higher=told.count(HIGHER),
            lower=told.count(LOWER),
        ),
        text=ChartText(
            value=value, name=t("City"), interval=t("95% interval"), n="n", series=series
        ),
        rows={
            "label": labels,
            "lon": [reading.cities[code].lon for code in codes],
            "lat": [reading.cities[code].lat for code in codes],
            "estimate": cities.numbers("estimate"),
            "n": cities.numbers("n"),
            "range": ranges(cities),
            "role": told,
        },
        listing=score_table(cities, labels, t, name=t("City"), value=value, **verdict),
        note=t(
            "City points without boundaries. Each comparison stands for itself at 95%: of 100 "
            "cities equal to the nation about five would be marked by chance."
        ),
    )


def _known(role: object) -> str:
    return role if isinstance(role, str) and role in {HIGHER, LOWER} else UNCLEAR
