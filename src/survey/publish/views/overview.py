"""The national overview: the answer, its parts, the areas, the map, the years."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey.access.principal import Principal
from survey.publish.charts import ChartText, Kind
from survey.publish.charts.gaps import HIGHER, LOWER, UNCLEAR
from survey.publish.picture import Picture
from survey.publish.results import WaveResults
from survey.publish.results.domains import EVERYONE
from survey.publish.results.headlines import CITY_WEIGHTED, DOMAIN
from survey.publish.results.store import Filter
from survey.publish.views.bands import Verdict, verdicts_on_bands
from survey.publish.views.cells import Cells
from survey.publish.views.figures import Figure, figure_of
from survey.publish.views.headline import dashed_line, how_counted, nation_cells
from survey.publish.views.names import COMPOSITE, NATION
from survey.publish.views.pictures import Heading, score_picture, score_title, subtitle
from survey.publish.views.reading import Reading
from survey.publish.views.rows import ranges, score_table, verdicts
from survey.publish.views.trend import trend_picture

_MAX_TILES = 8
"""Of a questionnaire without an indicator tree, whose ratings may be many."""
AREA_CHOICES = ("region3", "region", "city_class", "size_tier", "retail_tier", "province")


@dataclass(frozen=True)
class OverviewFilters:
    """`by` groups the areas; `basis` is how the nation is counted."""

    indicator: str = COMPOSITE
    basis: str = DOMAIN
    by: str = "region3"


@dataclass(frozen=True)
class Tile:
    """A first-level indicator beside the headline."""

    name: str
    figure: Figure


@dataclass(frozen=True)
class Standing:
    """How many cities differ clearly from the nation, all being judged together."""

    higher: int
    lower: int
    unclear: int


@dataclass(frozen=True, eq=False)
class OverviewView:
    title: str
    headline: Figure
    sentence: str
    band: Verdict | None
    """Of the composite only; None where nothing can be said."""
    counted: str
    """How the national figure is counted, and what the other ways give."""
    tiles: tuple[Tile, ...]
    standing: Standing | None
    indicators: Picture
    city_map: Picture
    areas: Picture
    trend: Picture


def overview(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: OverviewFilters,
    others: Sequence[WaveResults] = (),
) -> OverviewView:
    """Everything on the page; `others` are the further waves of the same series."""
    reading = Reading(results, principal, language)
    nation = nation_cells(reading, filters.basis)
    at_indicator = nation.where("indicator", filters.indicator)
    headline = figure_of(at_indicator)
    cells = reading.cells(indicator=filters.indicator)
    cities = cells.where("area_level", "city")
    gaps = reading.gaps("nation", area_level="city", indicator=filters.indicator)
    return OverviewView(
        title=reading.wave_title,
        headline=headline,
        sentence=_sentence(reading, headline, filters),
        band=_band(reading, filters.basis) if filters.indicator == COMPOSITE else None,
        counted=how_counted(reading, filters.basis, filters.indicator),
        tiles=_tiles(reading, nation),
        standing=_standing(gaps),
        indicators=_indicators(reading, nation),
        city_map=_map(reading, cities, gaps, headline),
        areas=_areas(reading, cells, headline, filters),
        trend=trend_picture(reading, others, filters.indicator),
    )


def _band(reading: Reading, basis: str) -> Verdict | None:
    """The band of the national composite, counted in the way that is shown."""
    wanted: dict[str, Filter] = {"indicator": COMPOSITE}
    if basis == CITY_WEIGHTED:
        wanted |= {"basis": basis, "composite": reading.wave.composite}
    else:
        wanted |= {"area_level": "nation", "group": EVERYONE}
    return verdicts_on_bands(reading, [NATION], **wanted)[0]


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
        for code in reading.level_codes(1)[:_MAX_TILES]
    )


def _standing(gaps: Cells) -> Standing | None:
    if not len(gaps):
        return None
    counts = Counter(verdicts(gaps))
    return Standing(counts[HIGHER], counts[LOWER], counts[UNCLEAR])


def _indicators(reading: Reading, nation: Cells) -> Picture:
    t = reading.t
    codes = reading.level_codes(1, 2)
    cells = nation.in_order("indicator", codes)
    return score_picture(
        reading,
        Heading("overview-indicators", _indicators_title(reading), t("Indicator")),
        cells,
        [reading.names.numbered(code) for code in cells.texts("indicator")],
        key="indicator",
        focus=reading.level_codes(1) if reading.codes else (),
        n=cells.largest("n"),
    )


def _indicators_title(reading: Reading) -> str:
    if reading.codes:
        return reading.t("First- and second-level indicators")
    return reading.t("The ratings of this form")


def _areas(reading: Reading, cells: Cells, headline: Figure, filters: OverviewFilters) -> Picture:
    t = reading.t
    level = filters.by if filters.by in AREA_CHOICES else AREA_CHOICES[0]
    areas = cells.where("area_level", level).descending("estimate")
    title = t(
        "{indicator} by area: {level}",
        indicator=reading.names.indicator(filters.indicator),
        level=reading.names.level(level),
    )
    reference = dashed_line(reading, headline, filters.basis)
    note = "" if reference is None else t("Dashed line: {name}.", name=reference[0])
    return score_picture(
        reading,
        Heading("overview-areas", title, t("Area"), note),
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
    known = np.array([code in reading.cities for code in cities.texts("area")], dtype=bool)
    cities = cities.keep(cities.shown & ~np.isnan(cities.numbers("estimate")) & known)
    codes = cities.texts("area")
    labels = [reading.names.area(code) for code in codes]
    roles = dict(zip(gaps.texts("area"), verdicts(gaps), strict=True))
    series = (t("Clearly above the nation"), t("Clearly below the nation"), t("Not told apart"))
    value = score_title(t)
    point_roles = [_known(roles.get(code)) for code in codes]
    title = t("Where cities differ from the nation")
    names = {HIGHER: series[0], LOWER: series[1], UNCLEAR: series[2]}
    verdict = {t("Verdict"): [names[role] for role in point_roles]}
    return Picture(
        key="overview-map",
        kind=Kind.MAP,
        title=title,
        subtitle=subtitle(reading, value, headline.n),
        alt=t(
            "{title}. Points by longitude and latitude: {higher} cities clearly above the nation, "
            "{lower} clearly below. The same data follow as a table.",
            title=title,
            higher=point_roles.count(HIGHER),
            lower=point_roles.count(LOWER),
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
            "role": point_roles,
        },
        listing=score_table(cities, labels, t, name=t("City"), value=value, **verdict),
        note=t(
            "City points without boundaries. All cities are judged together: of those marked at "
            "most 5% are expected to be marked by chance."
        ),
    )


def _known(role: object) -> str:
    return role if isinstance(role, str) and role in {HIGHER, LOWER} else UNCLEAR
