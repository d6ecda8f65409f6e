"""Trends and comparisons: what changed between two waves, and cities beside their peers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from survey.access.principal import Action, Principal
from survey.locale import Message, SurveyError, Translator, msg
from survey.publish.charts import ChartText, Kind
from survey.publish.charts.gaps import HIGHER, LOWER, UNCLEAR
from survey.publish.charts.layers import HIDDEN
from survey.publish.picture import Picture
from survey.publish.results.changes import FALL, NO_CROSSWALK, NONE, OTHER_COMPOSITE, RISE
from survey.publish.results.changes import GROUPS as FOLLOWED
from survey.publish.results.crosswalk import WhyNot, crosswalk
from survey.publish.views.cells import Cells
from survey.publish.views.figures import Difference, difference_of, signed
from survey.publish.views.names import COMPOSITE, NATION
from survey.publish.views.pictures import Heading, gap_picture, subtitle
from survey.publish.views.reading import EVERYONE, Reading, Results
from survey.publish.views.rows import Rows, counts, gap_rows, remarks, verdicts, with_line
from survey.publish.views.trend import Place, trend_picture

PLACES = ("nation", "region3", "size_tier", "city")
"""Levels of the places whose years are drawn. The four regions share names with the three."""
YARDSTICKS: Mapping[str, Message] = MappingProxyType(
    {
        "region3": msg("its region"),
        "size_tier": msg("cities of its size"),
        "nation": msg("the nation"),
    }
)
_ROLES = {RISE: HIGHER, FALL: LOWER, NONE: UNCLEAR}
_WORDS: Mapping[str, Message] = MappingProxyType(
    {
        HIGHER: msg("Rise"),
        LOWER: msg("Fall"),
        UNCLEAR: msg("No detectable change"),
    }
)


@dataclass(frozen=True)
class TrendFilters:
    """`before` is the key of the earlier wave, None where there is none; `region3` and `size_tier`
    narrow the lists of cities, `clear_only` leaves what is significant; `against` is the yardstick
    of the last picture, `place` the area whose years are drawn."""

    before: str | None = None
    indicator: str = COMPOSITE
    group: str = EVERYONE
    place: str = NATION
    region3: str | None = None
    size_tier: str | None = None
    clear_only: bool = False
    against: str = "region3"


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


@dataclass(frozen=True, eq=False)
class TrendsView:
    change: ChangeView | None
    obstacle: str
    """Why there is no change to show; empty where there is one."""
    years: Picture
    peers: Picture | str
    """Or what is said where only clear differences are asked for and there is none."""


def followed(results: Results) -> tuple[str, ...]:
    """The groups that are followed over the years and that the wave knows."""
    return tuple(group for group in FOLLOWED if group in results.method.groups)


def places(*, results: Results, principal: Principal, language: str) -> dict[str, str]:
    """Code -> name of the places whose years the reader may see."""
    reading = Reading(results, principal, language)
    found: dict[str, str] = {}
    for level in PLACES:
        codes = reading.cells(area_level=level).texts("area")
        found |= {code: reading.names.area(code) for code in sorted(codes)}
    return found


def trends(
    *,
    results: Results,
    principal: Principal,
    language: str,
    filters: TrendFilters,
    others: Sequence[Results] = (),
) -> TrendsView:
    """Everything on the page; `others` are the further waves of the same series.

    Raises:
        AccessDenied: a city outside the reader's area before the wave is released.
    """
    reading = Reading(results, principal, language)
    before = next((one for one in others if one.wave.key == filters.before), None)
    change, obstacle = _change(reading, before, filters)
    return TrendsView(
        change=change,
        obstacle=obstacle,
        years=_years(reading, others, filters),
        peers=_peers(reading, filters),
    )


def _change(
    reading: Reading, before: Results | None, filters: TrendFilters
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
    years = _Years(str(before.wave.year), str(reading.wave.year))
    whole = changes.where("area_level", "nation")
    cities = changes.where("area_level", "city")
    listed = _chosen(cities, reading, filters)
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
        else _cities(reading, listed, difference, filters, years),
        indicators=_indicators(reading, nation, filters, years),
    ), ""


@dataclass(frozen=True)
class _Years:
    before: str
    after: str

    @property
    def words(self) -> dict[str, str]:
        return {"before": self.before, "after": self.after}


def _obstacle(reading: Reading, before: Results, indicator: str) -> str:
    """Why the indicator cannot be compared with that wave; empty where it can."""
    t, tree = reading.t, reading.results.tree
    if before.wave.composite != reading.wave.composite:
        return t(OTHER_COMPOSITE)
    if tree is None or before.tree is None:
        return ""
    found = crosswalk(before.tree, tree)
    if found is None:
        return t(NO_CROSSWALK)
    words = {"indicator": reading.names.indicator(indicator), "before": str(before.wave.year)}
    if found.why_not.get(indicator) is WhyNot.NEW:
        return t("{indicator} did not exist in {before}, so there is no change to show.", **words)
    if indicator not in found.before_of:
        return t(
            "{indicator} was made of other parts or weights in {before}. A difference would show "
            "the new recipe, not consumers, so none is shown. Please choose another indicator.",
            **words,
        )
    return ""


def roles_of(changes: Cells) -> list[str]:
    """What each row is drawn as: an arrow only where the change holds after adjustment."""
    absent = ~changes.shown | np.isnan(changes.numbers("se"))
    return [
        HIDDEN if gone else _ROLES.get(verdict, UNCLEAR)
        for gone, verdict in zip(absent, changes.texts("verdict"), strict=True)
    ]


def _sentence(
    reading: Reading, change: Difference, roles: list[str], filters: TrendFilters, years: _Years
) -> str:
    t, figure = reading.t, change.figure
    words = {"indicator": _what(reading, filters), **years.words}
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
    nearer, farther = sorted((abs(low), abs(high)))
    words |= {
        "size": f"{abs(figure.estimate):.1f}",
        "low": f"{nearer:.1f}",
        "high": f"{farther:.1f}",
    }
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
    t, found = reading.t, Counter(roles_of(cities))
    said = t(
        "Of {count} cities {rise} rose and {fall} fell; {none} show no detectable change.",
        count=len(cities),
        rise=found[HIGHER],
        fall=found[LOWER],
        none=found[UNCLEAR],
    )
    if not found[HIDDEN]:
        return said
    more = t("{hidden} cannot be shown: their samples are too small.", hidden=found[HIDDEN])
    return f"{said} {more}" if reading.language != "zh" else f"{said}{more}"


def _chosen(cities: Cells, reading: Reading, filters: TrendFilters) -> Cells:
    """The cities of the filter, largest change first, those without one last."""
    frame = reading.cities
    keep = [
        code in frame
        and filters.region3 in {None, frame[code].region3}
        and filters.size_tier in {None, frame[code].size_tier.value}
        for code in cities.texts("area")
    ]
    return cities.keep(keep).descending("difference")


def _cities(
    reading: Reading, cities: Cells, nation: Difference, filters: TrendFilters, years: _Years
) -> Picture:
    t, figure = reading.t, nation.figure
    title = t(
        "{indicator}: change in each city from {before} to {after}",
        indicator=_what(reading, filters),
        **years.words,
    )
    note = t(
        "Arrows only where the change holds after allowing for all cities being looked at together "
        "(false discovery rate 5%); narrowing the list changes nothing in that. A line that misses "
        "zero without an arrow is what chance alone brings among many cities. Dashed line: the "
        "nation."
    )
    return _changes_picture(
        reading,
        Heading("trends-cities", _clear(title, filters, t), t("City"), note),
        cities,
        [reading.names.area(code) for code in cities.texts("area")],
        years,
        key="area",
        kind=Kind.CITY_CHANGES,
        line=(t("Nation"), figure.estimate if figure.estimate is not None else np.nan),
    )


def _indicators(reading: Reading, nation: Cells, filters: TrendFilters, years: _Years) -> Picture:
    t = reading.t
    codes = [COMPOSITE, *reading.level_codes(1, 2)]
    cells = nation.in_order("indicator", codes)
    title = t(
        "{group}: change of every indicator from {before} to {after}, nation",
        group=reading.names.group(filters.group),
        **years.words,
    )
    note = t("Each comparison stands for itself at 95%.")
    absent = [code for code in codes if code not in cells.texts("indicator")]
    if absent:
        left_out = t(
            "Not compared, because they were made of other parts or weights in {before} or did not "
            "exist: {indicators}.",
            indicators=", ".join(reading.names.numbered(code) for code in absent),
            **years.words,
        )
        note = f"{note} {left_out}"
    return _changes_picture(
        reading,
        Heading("trends-indicators", title, t("Indicator"), note),
        cells,
        [reading.names.numbered(code) for code in cells.texts("indicator")],
        years,
        key="indicator",
        kind=Kind.CHANGES,
    )


def _changes_picture(
    reading: Reading,
    heading: Heading,
    changes: Cells,
    labels: Sequence[str],
    years: _Years,
    *,
    key: str,
    kind: Kind,
    line: tuple[str, float] | None = None,
) -> Picture:
    """Changes in the order of `changes`; `line` names the row that draws the dashed line."""
    t = reading.t
    value = t("Change in points")
    roles = roles_of(changes)
    why = remarks(changes, changes.numbers("se"), t)
    notes = [text if role == HIDDEN else "" for text, role in zip(why, roles, strict=True)]
    rows = gap_rows(changes, labels, t, key=key) | {"role": roles, "note": notes}
    if line is not None and len(changes) and not np.isnan(line[1]):
        rows = with_line(rows, line, value="difference")
    n = changes.largest("n") if key == "indicator" else changes.total("n")
    return Picture(
        key=heading.key,
        kind=kind,
        title=heading.title,
        subtitle=subtitle(
            reading, value, n, wave=t("Waves of {years}", years=f"{years.before}, {years.after}")
        ),
        alt=_alt(heading.title, roles, t),
        text=ChartText(
            value=value,
            name=heading.rows,
            interval=t("95%\u00a0interval"),
            n=_n_in(t, years.after),
            series=tuple(t(_WORDS[role]) for role in (HIGHER, LOWER, UNCLEAR)),
        ),
        rows=rows,
        listing=_table(changes, labels, roles, heading.rows, years, t),
        note=heading.note,
    )


def _n_in(t: Translator, year: str) -> str:
    return t("n in {year}", year=year)


def _table(
    changes: Cells,
    labels: Sequence[str],
    roles: Sequence[str],
    name: str,
    years: _Years,
    t: Translator,
) -> Rows:
    return {
        name: list(labels),
        years.before: changes.numbers("reference"),
        years.after: changes.numbers("estimate"),
        t("Change"): changes.numbers("difference"),
        t("95%\u00a0from"): changes.numbers("ci_low"),
        t("95%\u00a0to"): changes.numbers("ci_high"),
        _n_in(t, years.before): counts(changes.numbers("n_before")),
        _n_in(t, years.after): counts(changes.numbers("n")),
        t("Verdict"): ["" if role == HIDDEN else t(_WORDS[role]) for role in roles],
        t("Remark"): remarks(changes, changes.numbers("se"), t),
    }


def _alt(title: str, roles: Sequence[str], t: Translator) -> str:
    words = {
        "title": title,
        "rise": roles.count(HIGHER),
        "fall": roles.count(LOWER),
        "none": roles.count(UNCLEAR),
    }
    if not words["none"]:
        return t("{title}. {rise} rise, {fall} fall. The same data follow as a table.", **words)
    return t(
        "{title}. {rise} rise, {fall} fall, {none} show no detectable change. The same data follow "
        "as a table.",
        **words,
    )


def _clear(title: str, filters: TrendFilters, t: Translator) -> str:
    """The title of a list, which says what the reader left out of it."""
    return t("{title} (significant only)", title=title) if filters.clear_only else title


def _what(reading: Reading, filters: TrendFilters) -> str:
    name = reading.names.indicator(filters.indicator)
    if filters.group == EVERYONE:
        return name
    group = reading.names.group(filters.group)
    return reading.t("{indicator}, {group}", indicator=name, group=group)


def _years(reading: Reading, others: Sequence[Results], filters: TrendFilters) -> Picture:
    found = reading.cells(area_level=PLACES, area=filters.place)
    if not len(found):
        reading.principal.require(Action.READ_RESULTS, filters.place)
    level = found.texts("area_level")[0] if len(found) else "nation"
    area = filters.place if len(found) else NATION
    place = Place(level, area, filters.group)
    return trend_picture(reading, others, filters.indicator, place=place, key="trends-years")


def _peers(reading: Reading, filters: TrendFilters) -> Picture | str:
    """Each city minus its yardstick."""
    t = reading.t
    against = filters.against if filters.against in YARDSTICKS else next(iter(YARDSTICKS))
    group = filters.group if against == "nation" else EVERYONE
    gaps = reading.gaps(against, area_level="city", group=group, indicator=filters.indicator)
    cities = _chosen(gaps, reading, filters)
    if filters.clear_only:
        cities = cities.keep([told in {HIGHER, LOWER} for told in verdicts(cities)])
        if not len(cities) and len(gaps):
            return t("None of the chosen cities differs detectably from its yardstick.")
    title = t(
        "{indicator} in {year}: each city minus {yardstick}",
        indicator=_what(reading, replace(filters, group=group)),
        year=reading.wave.year,
        yardstick=t(YARDSTICKS[against]),
    )
    note = t(
        "The city is part of its yardstick, and the interval takes that into account. Filled "
        "triangles: the interval excludes zero. Each comparison stands for itself at 95%: of 100 "
        "cities equal to their yardstick about five would be marked by chance."
    )
    return gap_picture(
        reading,
        Heading("trends-peers", _clear(title, filters, t), t("City"), note),
        cities,
        [reading.names.area(code) for code in cities.texts("area")],
        key="area",
        this=t("Score of the city"),
        other=t("Yardstick"),
        n=cities.total("n"),
        kind=Kind.CITY_GAPS,
    )
