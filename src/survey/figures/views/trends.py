"""Views of trends: what changed between two waves, cities beside their peers, and years."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.access.roles import NATION, Action
from survey.estimate.tree import COMPOSITE
from survey.figures.charts import ChartKind
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
from survey.figures.views.chart_panels import (
    ChartHeading,
    ChartPanel,
    label_intervals,
    score_title,
    subtitle,
)
from survey.figures.views.chart_rows import Rows, classify_differences
from survey.figures.views.estimate_text import MULTIPLE_TESTING_NOTE, estimate_at, format_interval
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
    """Level, area and group of the scores that are drawn by year."""

    level: str = "nation"
    area: str = NATION
    group: str = EVERYONE


NATIONWIDE = TrendScope()


def trend_chart(
    context: ViewContext,
    others: Sequence[WaveResults],
    indicator: str,
    *,
    scope: TrendScope = NATIONWIDE,
    key: str = "overview-trend",
) -> ChartPanel:
    """Build the chart (id `key`) of an indicator by year, in this and `others` and as published.

    A wave in which the indicator was something else is left out, and named.
    """
    t = context.t
    waves = sorted((context.results, *others), key=lambda results: results.wave.year)
    codes = {
        results.wave.key: find_code_in(results, context.results, indicator) for results in waves
    }
    own = t("Demo waves of this platform") if context.wave.is_demo else t("Waves of this platform")
    published = t("Published by the association (press)")
    points = sorted(
        [
            *_list_own_points(context, waves, codes, scope),
            # What the association published is about its study of cities, and no other one.
            *(
                _list_published_points(indicator, scope)
                if context.wave.series == MAIN_SERIES
                else ()
            ),
        ],
        key=lambda point: (point.series, point.year),
    )
    title = _describe_series(context, indicator, scope)
    value = score_title(t)
    return ChartPanel(
        key=key,
        kind=ChartKind.TREND,
        title=title,
        subtitle=subtitle(
            context, value, _sum_interviews(points), wave=_describe_waves(context, points)
        ),
        alt=t(
            "{title}. {count} points. The same data follow as a table.",
            title=title,
            count=len(points),
        ),
        text=label_intervals(t, value, t("Year"), (own, published)),
        chart_rows={
            "year": [point.year for point in points],
            "series": [point.series for point in points],
            "estimate": [point.estimate for point in points],
            "ci_low": _convert_to_numbers(point.low for point in points),
            "ci_high": _convert_to_numbers(point.high for point in points),
            "n": _convert_to_numbers(point.n for point in points),
            "range": [format_interval(point.low, point.high, t) for point in points],
        },
        table_columns=_build_trend_rows(points, context, own, published),
        note=_list_notes(
            context, points, [results for results in waves if codes[results.wave.key] is None]
        ),
    )


@dataclass(frozen=True)
class TrendPoint:
    """Score of one year in one series (own waves or published); `low`, `high`, `n` may be None."""

    year: int
    series: str
    estimate: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    derived: bool = False


def _convert_to_numbers(values: Iterable[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _describe_series(context: ViewContext, indicator: str, scope: TrendScope) -> str:
    words = {
        "indicator": context.names.indicator(indicator),
        "area": context.names.area(scope.area),
        "group": context.names.group(scope.group),
    }
    if scope.group == EVERYONE:
        return context.t("{indicator} over the years, {area}", **words)
    return context.t("{indicator} over the years, {area}, {group}", **words)


def _list_notes(
    context: ViewContext, points: Sequence[TrendPoint], left_out: Sequence[WaveResults]
) -> str:
    t, notes = context.t, []
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
    """Return the code in `results` comparable with `indicator` in `reference`; None without one."""
    if results.tree is None or reference.tree is None:
        return indicator if results.tree is reference.tree else None
    mapping = crosswalk(results.tree, reference.tree)
    return mapping.before_of.get(indicator) if mapping else None


def _list_own_points(
    context: ViewContext,
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
            cells = ViewContext(results, context.principal, context.language).cells(
                area_level=scope.level, area=scope.area, group=scope.group, indicator=code
            )
            figure = estimate_at(cells)
        except SurveyError:
            continue
        if figure.available and figure.estimate is not None:
            year = results.wave.year
            points.append(TrendPoint(year, OWN, figure.estimate, figure.low, figure.high, figure.n))
    return points


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


def _describe_waves(context: ViewContext, points: Sequence[TrendPoint]) -> str:
    years = sorted({point.year for point in points if point.series == OWN})
    if not years:
        return context.wave.label(context.language)
    return context.t("Waves of {years}", years=", ".join(str(year) for year in years))


def _sum_interviews(points: Sequence[TrendPoint]) -> float | None:
    known = [point.n for point in points if point.n is not None]
    return float(sum(known)) if known else None


def _build_trend_rows(
    points: Sequence[TrendPoint], context: ViewContext, own: str, published: str
) -> Rows:
    t = context.t
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
    """Return those groups of the wave for which changes between waves are shown."""
    return tuple(group for group in CHANGE_GROUPS if group in results.method.groups)


def build_trends_answer(
    context: ViewContext,
    *,
    filters: TrendFilters,
    others: Sequence[WaveResults] = (),
    is_earlier_unread: bool = False,
) -> tuple[ChangeView | None, str]:
    """Return the change since the chosen wave, else None and why (`is_earlier_unread`: damaged).

    Args:
        others: Further waves of the same series.
        is_earlier_unread: There is an earlier wave that is not among them: it is damaged.
    """
    before = _find_wave_before(others, filters)
    if before is None and is_earlier_unread:
        return None, context.t(EARLIER_UNREAD)
    return build_change_view(context, before, filters)


def _find_wave_before(others: Sequence[WaveResults], filters: TrendFilters) -> WaveResults | None:
    return next((other for other in others if other.wave.key == filters.before), None)


def build_city_changes(
    context: ViewContext, *, filters: TrendFilters, others: Sequence[WaveResults] = ()
) -> IntervalTable | str:
    """Build the table of changes by city, or return the text why none can be listed."""
    before = _find_wave_before(others, filters)
    cities, obstacle = find_changes(
        context, before, filters, area_level="city", indicator=filters.indicator
    )
    if cities is None or before is None:
        return obstacle
    listed = listed_cities(cities, context, filters)
    if filters.clear_only:
        listed = listed.among("verdict", (RISE, FALL))
        if not len(listed):
            return context.t("None of the chosen cities shows a detectable change.")
    return city_change_table(context, listed, filters, wave_years(context, before))


def build_indicator_changes(
    context: ViewContext, *, filters: TrendFilters, others: Sequence[WaveResults] = ()
) -> IntervalTable | str:
    """Build the table of national changes by indicator, or return why there is none."""
    before = _find_wave_before(others, filters)
    codes = [COMPOSITE, *context.level_codes(1, 2)]
    nation, obstacle = find_changes(context, before, filters, area_level="nation", indicator=codes)
    if nation is None or before is None:
        return obstacle
    return indicator_change_table(context, nation, filters, wave_years(context, before))


def build_peer_gaps(context: ViewContext, *, filters: TrendFilters) -> IntervalTable | str:
    """Build a table of cities minus their reference; a text if none differs significantly."""
    t = context.t
    against = filters.against if filters.against in PEER_REFERENCES else next(iter(PEER_REFERENCES))
    group = filters.group if against == "nation" else EVERYONE
    gaps = context.gaps(against, area_level="city", group=group, indicator=filters.indicator)
    cities = listed_cities(gaps, context, filters)
    if filters.clear_only:
        cities = cities.keep(
            [verdict in {HIGHER, LOWER} for verdict in classify_differences(cities)]
        )
        if not len(cities) and len(gaps):
            return t("None of the chosen cities differs detectably from its yardstick.")
    title = t(
        "{indicator} in {year}: each city minus {yardstick}",
        indicator=describe_selection(context, replace(filters, group=group)),
        year=context.wave.year,
        yardstick=t(PEER_REFERENCES[against]),
    )
    part = t("The city is part of its yardstick, and the interval takes that into account.")
    note = f"{part} {t(MULTIPLE_TESTING_NOTE)}"
    heading = ChartHeading("trends-peers", list_title(title, filters, t), t("City"), note)
    return gap_interval_table(
        context,
        heading,
        context.name_rows(cities, "area"),
        this=t("Score of the city"),
        other=t("Yardstick"),
    )


def build_years(
    context: ViewContext, *, filters: TrendFilters, others: Sequence[WaveResults] = ()
) -> ChartPanel:
    """Build the chart of one area's scores over the years.

    Raises:
        AccessDeniedError: a city outside the reader's area before the wave is released.
    """
    cells = context.cells(
        area_level=TREND_AREA_LEVELS, area=filters.place, indicator=context.area_indicator
    )
    if not len(cells):
        context.principal.require(Action.READ_RESULTS, filters.place)
    level = cells.texts("area_level")[0] if len(cells) else "nation"
    area = filters.place if len(cells) else NATION
    scope = TrendScope(level, area, filters.group)
    return trend_chart(context, others, filters.indicator, scope=scope, key="trends-years")
