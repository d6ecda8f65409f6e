"""The years: this platform's waves with intervals, published scores clearly apart."""

from collections.abc import Sequence
from functools import lru_cache

import pandas as pd

from survey.context.published import published_series
from survey.locale import SurveyError
from survey.publish.charts import ChartText, Kind
from survey.publish.charts.trend import OWN, PUBLISHED
from survey.publish.picture import Picture
from survey.publish.views.figures import interval_words
from survey.publish.views.pictures import score_title, subtitle
from survey.publish.views.reading import Reading, Results
from survey.publish.views.rows import counts


def trend_picture(reading: Reading, others: Sequence[Results], indicator: str) -> Picture:
    """Own waves and published scores of one indicator, by year."""
    t = reading.t
    own = t("Demo waves of this platform") if reading.wave.is_demo else t("Waves of this platform")
    said = t("Published by the association (press)")
    rows = sorted([*_own(reading, others, indicator), *_published(indicator)], key=_in_years)
    frame = pd.DataFrame(
        rows,
        columns=["year", "series", "estimate", "ci_low", "ci_high", "n", "range", "derived"],
    )
    title = t("{indicator} over the years, nation", indicator=reading.names.indicator(indicator))
    value = score_title(t)
    return Picture(
        key="overview-trend",
        kind=Kind.TREND,
        title=title,
        subtitle=subtitle(reading, value, _n(frame), wave=_waves(reading, others)),
        alt=t(
            "{title}. {count} points. The same data follow as a table.",
            title=title,
            count=len(frame),
        ),
        text=ChartText(
            value=value,
            name=t("Year"),
            interval=t("95% interval"),
            n="n",
            series=(own, said),
        ),
        data=frame.drop(columns="derived"),
        table=_table(frame, reading, own, said),
        note=t(
            "Published scores come from press coverage, without intervals; cities and indicators "
            "changed between years. The waves of this platform are another source: compare shapes, "
            "not decimals."
        ),
    )


def _own(reading: Reading, others: Sequence[Results], indicator: str) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for results in (reading.results, *others):
        try:
            figure = Reading(results, reading.principal, reading.language).nation(indicator)
        except SurveyError:
            continue
        if figure.available:
            rows.append(
                (
                    results.wave.year,
                    OWN,
                    figure.estimate,
                    figure.low,
                    figure.high,
                    figure.n,
                    interval_words(figure.low, figure.high),
                    False,
                )
            )
    return rows


@lru_cache(maxsize=64)
def _published(indicator: str) -> tuple[tuple[object, ...], ...]:
    series = published_series(indicator=indicator)
    return tuple(
        (int(year), PUBLISHED, float(score), None, None, None, "", status == "derived")
        for year, score, status in zip(
            series["year"], series["score"], series["status"], strict=True
        )
        if pd.notna(score)
    )


def _in_years(row: tuple[object, ...]) -> tuple[str, str]:
    year, series = row[:2]
    return str(series), str(year)


def _waves(reading: Reading, others: Sequence[Results]) -> str:
    years = sorted({results.wave.year for results in (reading.results, *others)})
    return reading.t("Waves of {years}", years=", ".join(str(year) for year in years))


def _n(frame: pd.DataFrame) -> float | None:
    own = frame.loc[frame["series"] == OWN, "n"].dropna()
    return float(own.sum()) if len(own) else None


def _table(frame: pd.DataFrame, reading: Reading, own: str, said: str) -> pd.DataFrame:
    t = reading.t
    return pd.DataFrame(
        {
            t("Year"): [str(year) for year in frame["year"]],
            t("Source"): [own if kind == OWN else said for kind in frame["series"]],
            t("Score"): frame["estimate"].astype(float),
            t("95% from"): frame["ci_low"].astype(float),
            t("95% to"): frame["ci_high"].astype(float),
            "n": counts(frame["n"].to_numpy(dtype=float)),
            t("Remark"): [
                t("Our arithmetic from published scores") if derived else ""
                for derived in frame["derived"]
            ],
        }
    )
