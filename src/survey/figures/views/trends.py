"""Views of trends: what changed between two waves, cities beside their peers, and years."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.access.principal import Principal
from survey.access.roles import NATION, Action
from survey.estimate.tree import COMPOSITE
from survey.figures.charts import ChartKind, ChartLabels
from survey.figures.charts.interval_charts import HIGHER, LOWER, OWN, PUBLISHED
from survey.figures.published_figures import published_series
from survey.figures.views.changes import (
    ChangeView,
    TrendFilters,
    build_change_view,
    city_change_table,
    describe_selection,
    find_changes,
    indicator_change_table,
    list_title,
    listed_cities,
    wave_years,
)
from survey.figures.views.chart_panels import ChartHeading, ChartPanel, score_title, subtitle
from survey.figures.views.chart_rows import Rows, classify_differences
from survey.figures.views.estimate_text import (
    MULTIPLE_TESTING_NOTE,
    Estimate,
    estimate_at,
    format_interval,
)
from survey.figures.views.interval_table import IntervalTable, gap_interval_table
from survey.figures.views.national_estimate import EARLIER_UNREAD
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.locale import Message, SurveyError, msg
from survey.results import WaveResults
from survey.results.changes import CHANGE_GROUPS, FALL, RISE
from survey.results.crosswalk import crosswalk
from survey.results.domains import MAIN_SERIES


@dataclass(frozen=True)
class TrendScope:
    """Area and group whose years are shown."""

    level: str = "nation"
    area: str = NATION
    group: str = EVERYONE


NATIONWIDE = TrendScope()


def trend_chart(
    reading: ViewContext,
    others: Sequence[WaveResults],
    indicator: str,
    *,
    scope: TrendScope = NATIONWIDE,
    key: str = "overview-trend",
) -> ChartPanel:
    """Return the chart of own waves and published scores of one indicator, by year.

    A wave in which the indicator was something else is left out, and named.
    """
    t = reading.t
    waves = sorted((reading.results, *others), key=lambda results: results.wave.year)
    codes = {
        results.wave.key: find_code_in(results, reading.results, indicator) for results in waves
    }
    own = t("Demo waves of this platform") if reading.wave.is_demo else t("Waves of this platform")
    published = t("Published by the association (press)")
    points = sorted(
        [
            *_list_own_points(reading, waves, codes, scope),
            # What the association published is about its study of cities, and no other one.
            *(
                _list_published_points(indicator, scope)
                if reading.wave.series == MAIN_SERIES
                else ()
            ),
        ],
        key=lambda point: (point.series, point.year),
    )
    title = _describe_series(reading, indicator, scope)
    value = score_title(t)
    return ChartPanel(
        key=key,
        kind=ChartKind.TREND,
        title=title,
        subtitle=subtitle(
            reading, value, _sum_interviews(points), wave=_describe_waves(reading, points)
        ),
        alt=t(
            "{title}. {count} points. The same data follow as a table.",
            title=title,
            count=len(points),
        ),
        text=ChartLabels(
            value=value, name=t("Year"), interval=t("95% interval"), n="n", series=(own, published)
        ),
        chart_rows={
            "year": [point.year for point in points],
            "series": [point.series for point in points],
            "estimate": [point.estimate for point in points],
            "ci_low": _convert_to_numbers(point.low for point in points),
            "ci_high": _convert_to_numbers(point.high for point in points),
            "n": _convert_to_numbers(point.n for point in points),
            "range": [format_interval(point.low, point.high, t) for point in points],
        },
        table_columns=_build_trend_rows(points, reading, own, published),
        note=_list_notes(
            reading, points, [results for results in waves if codes[results.wave.key] is None]
        ),
    )


@dataclass(frozen=True)
class TrendPoint:
    """Year of one source; published scores come without interval and n."""

    year: int
    series: str
    estimate: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    derived: bool = False


def _convert_to_numbers(values: Iterable[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _describe_series(reading: ViewContext, indicator: str, scope: TrendScope) -> str:
    words = {
        "indicator": reading.names.indicator(indicator),
        "area": reading.names.area(scope.area),
        "group": reading.names.group(scope.group),
    }
    if scope.group == EVERYONE:
        return reading.t("{indicator} over the years, {area}", **words)
    return reading.t("{indicator} over the years, {area}, {group}", **words)


def _list_notes(
    reading: ViewContext, points: Sequence[TrendPoint], left_out: Sequence[WaveResults]
) -> str:
    t, notes = reading.t, []
    if any(point.series == PUBLISHED for point in points):
        notes.append(
            t(
                "Published scores come from press coverage, without intervals; cities and "
                "indicators changed between years. The waves of this platform are another source: "
                "compare shapes, not decimals."
            )
        )
    if left_out:
        years = ", ".join(str(results.wave.year) for results in left_out)
        notes.append(
            t(
                "Left out, because the indicator was made of other parts or weights then: {years}.",
                years=years,
            )
        )
    return " ".join(notes)


def find_code_in(results: WaveResults, reference: WaveResults, indicator: str) -> str | None:
    """Return the code of `reference`'s indicator in `results`; None where it is another one."""
    if results.tree is None or reference.tree is None:
        return indicator if results.tree is reference.tree else None
    mapping = crosswalk(results.tree, reference.tree)
    return mapping.before_of.get(indicator) if mapping else None


def _list_own_points(
    reading: ViewContext,
    waves: Sequence[WaveResults],
    codes: Mapping[str, str | None],
    scope: TrendScope,
) -> list[TrendPoint]:
    points = []
    for results in waves:
        code = codes[results.wave.key]
        if code is None:
            continue
        try:
            figure = _get_estimate_in_wave(
                ViewContext(results, reading.principal, reading.language), code, scope
            )
        except SurveyError:
            continue
        if figure.available and figure.estimate is not None:
            year = results.wave.year
            points.append(TrendPoint(year, OWN, figure.estimate, figure.low, figure.high, figure.n))
    return points


def _get_estimate_in_wave(reading: ViewContext, code: str, scope: TrendScope) -> Estimate:
    cells = reading.cells(
        area_level=scope.level, area=scope.area, group=scope.group, indicator=code
    )
    return estimate_at(cells)


@lru_cache(maxsize=512)
def _list_published_points(indicator: str, scope: TrendScope) -> tuple[TrendPoint, ...]:
    series = published_series(
        area_level=scope.level, area=scope.area, group=scope.group, indicator=indicator
    )
    return tuple(
        TrendPoint(int(year), PUBLISHED, float(score), derived=status == "derived")
        for year, score, status in zip(
            series["year"], series["score"], series["status"], strict=True
        )
        if pd.notna(score)
    )


def _describe_waves(reading: ViewContext, points: Sequence[TrendPoint]) -> str:
    years = sorted({point.year for point in points if point.series == OWN})
    if not years:
        return reading.wave.label(reading.language)
    return reading.t("Waves of {years}", years=", ".join(str(year) for year in years))


def _sum_interviews(points: Sequence[TrendPoint]) -> float | None:
    known = [point.n for point in points if point.n is not None]
    return float(sum(known)) if known else None


def _build_trend_rows(
    points: Sequence[TrendPoint], reading: ViewContext, own: str, published: str
) -> Rows:
    t = reading.t
    remark = t("Our arithmetic from published scores")
    return {
        t("Year"): [str(point.year) for point in points],
        t("Source"): [own if point.series == OWN else published for point in points],
        t("Score"): [point.estimate for point in points],
        t("95% from"): _convert_to_numbers(point.low for point in points),
        t("95% to"): _convert_to_numbers(point.high for point in points),
        "n": [point.n for point in points],
        t("Remark"): [remark if point.derived else "" for point in points],
    }


PEER_REFERENCES: Mapping[str, Message] = MappingProxyType(
    {
        "region3": msg("its region"),
        "size_tier": msg("cities of its size"),
        "nation": msg("the nation"),
    }
)


TREND_AREA_LEVELS = ("nation", "region3", "size_tier", "city")
"""Levels of the places whose years are drawn. The four regions share names with the three."""


def list_followed_groups(results: WaveResults) -> tuple[str, ...]:
    """Return the groups that are followed over the years and that the wave has."""
    return tuple(group for group in CHANGE_GROUPS if group in results.method.groups)


def build_trends_answer(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: TrendFilters,
    others: Sequence[WaveResults] = (),
    is_earlier_unread: bool = False,
) -> tuple[ChangeView | None, str]:
    """Build the answer on the change, or the reason why there is none.

    Args:
        others: Further waves of the same series.
        is_earlier_unread: There is an earlier wave that is not among them: it is damaged.
    """
    reading = ViewContext(results, principal, language)
    before = _find_wave_before(others, filters)
    if before is None and is_earlier_unread:
        return None, reading.t(EARLIER_UNREAD)
    return build_change_view(reading, before, filters)


def _find_wave_before(others: Sequence[WaveResults], filters: TrendFilters) -> WaveResults | None:
    return next((other for other in others if other.wave.key == filters.before), None)


def build_city_changes(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: TrendFilters,
    others: Sequence[WaveResults] = (),
) -> IntervalTable | str:
    """Build the table of the cities' changes, or what is said where there is none to list."""
    reading = ViewContext(results, principal, language)
    before = _find_wave_before(others, filters)
    cities, obstacle = find_changes(
        reading, before, filters, area_level="city", indicator=filters.indicator
    )
    if cities is None or before is None:
        return obstacle
    listed = listed_cities(cities, reading, filters)
    if filters.clear_only:
        listed = listed.among("verdict", (RISE, FALL))
        if not len(listed):
            return reading.t("None of the chosen cities shows a detectable change.")
    return city_change_table(reading, listed, filters, wave_years(reading, before))


def build_indicator_changes(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: TrendFilters,
    others: Sequence[WaveResults] = (),
) -> IntervalTable | str:
    """Build the table of the indicators' changes in the nation, or why there is none."""
    reading = ViewContext(results, principal, language)
    before = _find_wave_before(others, filters)
    codes = [COMPOSITE, *reading.level_codes(1, 2)]
    nation, obstacle = find_changes(reading, before, filters, area_level="nation", indicator=codes)
    if nation is None or before is None:
        return obstacle
    return indicator_change_table(reading, nation, filters, wave_years(reading, before))


def build_peer_gaps(
    *, results: WaveResults, principal: Principal, language: str, filters: TrendFilters
) -> IntervalTable | str:
    """Build the table of each city minus its reference, or what is said where none is clear."""
    reading = ViewContext(results, principal, language)
    t = reading.t
    against = filters.against if filters.against in PEER_REFERENCES else next(iter(PEER_REFERENCES))
    group = filters.group if against == "nation" else EVERYONE
    gaps = reading.gaps(against, area_level="city", group=group, indicator=filters.indicator)
    cities = listed_cities(gaps, reading, filters)
    if filters.clear_only:
        cities = cities.keep(
            [verdict in {HIGHER, LOWER} for verdict in classify_differences(cities)]
        )
        if not len(cities) and len(gaps):
            return t("None of the chosen cities differs detectably from its yardstick.")
    title = t(
        "{indicator} in {year}: each city minus {yardstick}",
        indicator=describe_selection(reading, replace(filters, group=group)),
        year=reading.wave.year,
        yardstick=t(PEER_REFERENCES[against]),
    )
    part = t("The city is part of its yardstick, and the interval takes that into account.")
    note = f"{part} {t(MULTIPLE_TESTING_NOTE)}"
    heading = ChartHeading("trends-peers", list_title(title, filters, t), t("City"), note)
    return gap_interval_table(
        reading,
        heading,
        cities,
        [reading.names.area(code) for code in cities.texts("area")],
        key="area",
        this=t("Score of the city"),
        other=t("Yardstick"),
    )


def build_years(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: TrendFilters,
    others: Sequence[WaveResults] = (),
) -> ChartPanel:
    """Build the chart of one area over the years.

    Raises:
        AccessDeniedError: a city outside the reader's area before the wave is released.
    """
    reading = ViewContext(results, principal, language)
    cells = reading.cells(
        area_level=TREND_AREA_LEVELS, area=filters.place, indicator=reading.area_indicator
    )
    if not len(cells):
        principal.require(Action.READ_RESULTS, filters.place)
    level = cells.texts("area_level")[0] if len(cells) else "nation"
    area = filters.place if len(cells) else NATION
    scope = TrendScope(level, area, filters.group)
    return trend_chart(reading, others, filters.indicator, scope=scope, key="trends-years")
