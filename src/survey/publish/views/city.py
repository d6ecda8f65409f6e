"""View of one city: its score against a reference, strengths, weaknesses and groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from survey.access.principal import Principal
from survey.access.roles import NATION, Action
from survey.estimate.tree import COMPOSITE
from survey.locale import Message, SurveyError, msg
from survey.publish.charts import ChartKind, ChartLabels
from survey.publish.charts.marks import HIDDEN
from survey.publish.views.chart_panels import (
    ChartHeading,
    ChartPanel,
    score_chart,
    score_title,
    subtitle,
)
from survey.publish.views.chart_rows import (
    Rows,
    classify_differences,
    counts,
    gap_table,
    score_rows,
)
from survey.publish.views.estimate_text import (
    Estimate,
    EstimateDifference,
    difference_of,
    estimate_at,
    format_signed,
    unsigned_difference,
)
from survey.publish.views.measures import TOPICS, rates, ratings, series_chart
from survey.publish.views.table_slice import TableSlice
from survey.publish.views.view_context import ViewContext
from survey.results import WaveResults
from survey.results.group_questions import declared_items
from survey.sample.city_frame import FrameCity
from survey.sample.special_groups import EVERYONE

REFERENCES: Mapping[str, Message] = MappingProxyType(
    {
        "nation": msg("the nation"),
        "region3": msg("its region"),
        "size_tier": msg("cities of its size"),
    }
)
PROFILE_VARIABLES = (
    "gender",
    "age_band",
    "elderly",
    "guardian",
    "residence",
    "income",
    "education",
)


class CityNotFoundError(SurveyError):
    code = "unknown_city"


@dataclass(frozen=True)
class CityFilters:
    """Filters of the city page.

    `against` is the reference, `detail` adds third-level indicators, `topic` selects reports.
    """

    city: str
    against: str = "nation"
    detail: bool = False
    topic: str = "complaint"


@dataclass(frozen=True, eq=False)
class CityView:
    name: str
    location: str
    """Province, region, class: what kind of city it is."""
    headline: Estimate
    sentence: str
    comparison: str
    """The difference from the nation in words, or that none is detectable."""
    difference: EstimateDifference
    strengths: tuple[EstimateDifference, ...]
    weaknesses: tuple[EstimateDifference, ...]
    tree: ChartPanel
    groups: ChartPanel
    measures: tuple[ChartPanel, ...]


def city_choices(*, results: WaveResults, principal: Principal, language: str) -> dict[str, str]:
    """Return code and name of the cities that the reader may open, in the frame's order."""
    reading = ViewContext(results, principal, language)
    cells = reading.cells(area_level="city", indicator=reading.main_indicator)
    return {code: reading.names.area(code) for code in sorted(cells.texts("area"))}


def build_city_profile(
    *, results: WaveResults, principal: Principal, language: str, filters: CityFilters
) -> CityView:
    """Build everything on the page of one city.

    Raises:
        AccessDeniedError: the city is outside the reader's area and the wave is not released.
        CityNotFoundError: the wave has no such city.
    """
    reading = ViewContext(results, principal, language)
    own = reading.cells(area_level="city", area=filters.city, indicator=None, group=None)
    if not len(own):
        principal.require(Action.READ_RESULTS, filters.city)
        raise CityNotFoundError(msg("This wave has no city {code}.", code=filters.city))
    everyone = own.where("group", EVERYONE)
    main = reading.main_indicator
    headline = estimate_at(everyone.where("indicator", main))
    codes = reading.level_codes(1, 2, 3) if filters.detail else reading.level_codes(1, 2)
    gaps = reading.gaps(
        "nation",
        area_level="city",
        area=filters.city,
        indicator=[COMPOSITE, *(reading.codes or codes)],
    )
    overall = difference_of(reading.names.indicator(main), gaps.where("indicator", main))
    findings = _findings(reading, gaps.in_order("indicator", reading.level_codes(2)))
    name = reading.names.area(filters.city)
    return CityView(
        name=name,
        location=_locate_city(reading, filters.city),
        headline=headline,
        sentence=_sentence(reading, name, headline),
        comparison=_comparison(reading, overall),
        difference=overall,
        strengths=tuple(finding for finding in findings if finding.is_higher),
        weaknesses=tuple(
            finding for finding in reversed(findings) if finding.is_clear and not finding.is_higher
        ),
        tree=_tree(reading, everyone, gaps, filters, codes),
        groups=_groups(reading, own.where("indicator", main), headline, name),
        measures=_measures(reading, everyone, name, filters.topic),
    )


def _sentence(reading: ViewContext, name: str, headline: Estimate) -> str:
    indicator = reading.names.indicator(reading.main_indicator)
    if headline.n is None:
        return reading.t("{indicator} in {city}.", indicator=indicator, city=name)
    return reading.t(
        "{indicator} in {city}, from {n} valid interviews.",
        indicator=indicator,
        city=name,
        n=f"{headline.n:,d}",
    )


def _locate_city(reading: ViewContext, code: str) -> str:
    city = reading.cities.get(code)
    if city is None:
        return ""
    named = reading.names.area
    return " · ".join(
        (named(city.province_code), named(city.region3), named(city.city_class))
        + ((named(city.size_tier.value),) if city.size_tier else ())
    )


def _comparison(reading: ViewContext, difference: EstimateDifference) -> str:
    t = reading.t
    figure = difference.figure
    if not figure.available or figure.estimate is None:
        return t("A comparison with the nation is not available.")
    if not difference.is_clear and figure.low is None:
        return t("No detectable difference from the nation; no interval can be given.")
    if not difference.is_clear:
        return t(
            "No detectable difference from the nation (95% interval of the difference {low} to "
            "{high}).",
            low=format_signed(figure.low or 0.0),
            high=format_signed(figure.high or 0.0),
        )
    words = unsigned_difference(figure)
    if difference.is_higher:
        return t("{size} points above the nation (95% interval {low} to {high}).", **words)
    return t("{size} points below the nation (95% interval {low} to {high}).", **words)


def _findings(reading: ViewContext, gaps: TableSlice) -> list[EstimateDifference]:
    """Return second-level differences, largest first."""
    findings = [
        difference_of(reading.names.indicator(code), gaps, row)
        for row, code in enumerate(gaps.texts("indicator"))
    ]
    return sorted(findings, key=lambda finding: finding.figure.estimate or 0.0, reverse=True)


def _reference_area(city: FrameCity | None, against: str) -> tuple[str, str]:
    if city is None or against not in REFERENCES or against == "nation":
        return "nation", NATION
    return against, city.region3 if against == "region3" else city.size_tier.value


def _tree(
    reading: ViewContext,
    everyone: TableSlice,
    gaps: TableSlice,
    filters: CityFilters,
    codes: list[str],
) -> ChartPanel:
    t = reading.t
    level, area = _reference_area(reading.cities.get(filters.city), filters.against)
    wanted = [COMPOSITE, *codes]
    cells = everyone.in_order("indicator", wanted)
    other = reading.cells(area_level=level, area=area, indicator=wanted)
    others = dict(zip(other.texts("indicator"), other.numbers("estimate"), strict=True))
    codes_drawn = cells.texts("indicator")
    labels = [reading.names.numbered(code) for code in codes_drawn]
    city, reference = reading.names.area(filters.city), reading.names.area(area)
    rows = score_rows(cells, labels, t, key="indicator")
    rows["reference"] = np.array([others.get(code, np.nan) for code in codes_drawn])
    if level != "nation":
        gaps = reading.gaps(level, area_level="city", area=filters.city, indicator=wanted)
    verdict_by_code = dict(zip(gaps.texts("indicator"), classify_differences(gaps), strict=True))
    rows["role"] = [
        role if role == HIDDEN else verdict_by_code.get(code, role)
        for role, code in zip(rows["role"], codes_drawn, strict=True)
    ]
    title = t("{city} beside {yardstick}, indicator by indicator", city=city, yardstick=reference)
    note = (
        t(
            "Triangles mark clear differences from {yardstick}, judged together with those of all "
            "other cities; the city is part of it, and the test takes that into account.",
            yardstick=reference,
        )
        if len(gaps)
        else t("This wave was frozen before differences from this yardstick were tested.")
    )
    return ChartPanel(
        key="city-tree",
        kind=ChartKind.DUMBBELL,
        title=title,
        subtitle=subtitle(reading, score_title(t), cells.max_value("n")),
        alt=t(
            "{title}. {count} indicators. The same data follow as a table.",
            title=title,
            count=len(codes_drawn),
        ),
        text=ChartLabels(
            value=score_title(t),
            name=t("Indicator"),
            interval=t("95% interval"),
            n="n",
            series=(city, reference),
        ),
        chart_rows=rows,
        table_columns=_tree_table(reading, cells, rows, gaps, labels, city, reference),
        note=note,
    )


def _tree_table(
    reading: ViewContext,
    cells: TableSlice,
    rows: Rows,
    gaps: TableSlice,
    labels: list[str],
    city: str,
    reference: str,
) -> Rows:
    t = reading.t
    if len(gaps):
        ordered = gaps.in_order("indicator", cells.texts("indicator"))
        names = [reading.names.numbered(code) for code in ordered.texts("indicator")]
        return gap_table(ordered, names, t, name=t("Indicator"), this=city, other=reference)
    return {
        t("Indicator"): labels,
        city: cells.numbers("estimate"),
        t("95% from"): cells.numbers("ci_low"),
        t("95% to"): cells.numbers("ci_high"),
        reference: rows["reference"],
        "n": counts(cells.numbers("n")),
    }


def _groups(reading: ViewContext, cells: TableSlice, headline: Estimate, name: str) -> ChartPanel:
    t = reading.t
    order = [
        key
        for variable in (*PROFILE_VARIABLES, *declared_items(reading.results.method.grouping))
        for key in reading.results.method.groups
        if key.partition("=")[0] == variable
    ]
    groups = cells.in_order("group", order)
    reference = None if headline.estimate is None else (name, headline.estimate)
    indicator = reading.names.indicator(reading.main_indicator)
    heading = ChartHeading(
        "city-groups",
        t("{indicator} of groups in {city}", indicator=indicator, city=name),
        t("Group"),
        t("Dashed line: all respondents of {city}. Groups overlap.", city=name),
    )
    return score_chart(
        reading,
        heading,
        groups,
        [reading.names.group(key) for key in groups.texts("group")],
        key="group",
        n=headline.n,
        reference=reference,
    )


def _measures(
    reading: ViewContext, everyone: TableSlice, name: str, topic: str
) -> tuple[ChartPanel, ...]:
    """Return what people of the city report on a topic and how they rate it, beside the nation."""
    t = reading.t
    nation = reading.cells(area_level="nation", area=NATION, indicator=None)
    others = {name: everyone, t("Nation"): nation}
    words = {"city": name, "topic": t(TOPICS[topic]) if topic in TOPICS else topic}
    titles = (
        ("city-reports", t("{topic}: what people in {city} report", **words), rates),
        ("city-ratings", t("{topic}: how people in {city} rate it", **words), ratings),
    )
    drawn = [
        series_chart(
            reading,
            ChartHeading(key, title, t("Question")),
            others,
            of(reading, (topic,)),
            n=everyone.max_value("n"),
        )
        for key, title, of in titles
    ]
    return tuple(panel for panel in drawn if panel is not None)
