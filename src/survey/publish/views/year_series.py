"""Series over the years: own waves with intervals, published scores clearly apart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.access.roles import NATION
from survey.context.published_figures import published_series
from survey.locale import SurveyError
from survey.publish.charts import ChartKind, ChartLabels
from survey.publish.charts.interval_charts import OWN, PUBLISHED
from survey.publish.views.chart_panels import ChartPanel, score_title, subtitle
from survey.publish.views.chart_rows import Rows
from survey.publish.views.estimate_text import Estimate, estimate_at, format_interval
from survey.publish.views.view_context import ViewContext
from survey.results import WaveResults
from survey.results.crosswalk import crosswalk
from survey.results.domains import MAIN_SERIES
from survey.sample.special_groups import EVERYONE


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
