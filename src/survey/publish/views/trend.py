"""The years: this platform's waves with intervals, published scores clearly apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.context.published import published_series
from survey.locale import SurveyError
from survey.publish.charts import ChartText, Kind
from survey.publish.charts.trend import OWN, PUBLISHED
from survey.publish.picture import Picture
from survey.publish.views.figures import interval_words
from survey.publish.views.pictures import score_title, subtitle
from survey.publish.views.reading import Reading, Results
from survey.publish.views.rows import Rows


def trend_picture(reading: Reading, others: Sequence[Results], indicator: str) -> Picture:
    """Own waves and published scores of one indicator, by year."""
    t = reading.t
    own = t("Demo waves of this platform") if reading.wave.is_demo else t("Waves of this platform")
    said = t("Published by the association (press)")
    points = sorted(
        [*_own(reading, others, indicator), *_published(indicator)],
        key=lambda point: (point.series, point.year),
    )
    title = t("{indicator} over the years, nation", indicator=reading.names.indicator(indicator))
    value = score_title(t)
    return Picture(
        key="overview-trend",
        kind=Kind.TREND,
        title=title,
        subtitle=subtitle(reading, value, _n(points), wave=_waves(reading, others)),
        alt=t(
            "{title}. {count} points. The same data follow as a table.",
            title=title,
            count=len(points),
        ),
        text=ChartText(
            value=value,
            name=t("Year"),
            interval=t("95% interval"),
            n="n",
            series=(own, said),
        ),
        rows={
            "year": [point.year for point in points],
            "series": [point.series for point in points],
            "estimate": [point.estimate for point in points],
            "ci_low": _numbers(point.low for point in points),
            "ci_high": _numbers(point.high for point in points),
            "n": _numbers(point.n for point in points),
            "range": [interval_words(point.low, point.high) for point in points],
        },
        listing=_table(points, reading, own, said),
        note=t(
            "Published scores come from press coverage, without intervals; cities and indicators "
            "changed between years. The waves of this platform are another source: compare shapes, "
            "not decimals."
        ),
    )


@dataclass(frozen=True)
class Point:
    """One year of one source; published scores come without interval and n."""

    year: int
    series: str
    estimate: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    derived: bool = False


def _numbers(values: Iterable[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _own(reading: Reading, others: Sequence[Results], indicator: str) -> list[Point]:
    points = []
    for results in (reading.results, *others):
        try:
            figure = Reading(results, reading.principal, reading.language).nation(indicator)
        except SurveyError:
            continue
        if figure.available and figure.estimate is not None:
            year = results.wave.year
            points.append(Point(year, OWN, figure.estimate, figure.low, figure.high, figure.n))
    return points


@lru_cache(maxsize=64)
def _published(indicator: str) -> tuple[Point, ...]:
    series = published_series(indicator=indicator)
    return tuple(
        Point(int(year), PUBLISHED, float(score), derived=status == "derived")
        for year, score, status in zip(
            series["year"], series["score"], series["status"], strict=True
        )
        if pd.notna(score)
    )


def _waves(reading: Reading, others: Sequence[Results]) -> str:
    years = sorted({results.wave.year for results in (reading.results, *others)})
    return reading.t("Waves of {years}", years=", ".join(str(year) for year in years))


def _n(points: Sequence[Point]) -> float | None:
    known = [point.n for point in points if point.n is not None]
    return float(sum(known)) if known else None


def _table(points: Sequence[Point], reading: Reading, own: str, said: str) -> Rows:
    t = reading.t
    remark = t("Our arithmetic from published scores")
    return {
        t("Year"): [str(point.year) for point in points],
        t("Source"): [own if point.series == OWN else said for point in points],
        t("Score"): [point.estimate for point in points],
        t("95% from"): _numbers(point.low for point in points),
        t("95% to"): _numbers(point.high for point in points),
        "n": [point.n for point in points],
        t("Remark"): [remark if point.derived else "" for point in points],
    }
