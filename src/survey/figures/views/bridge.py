"""Bridge to the earlier questionnaire: two levels of one series, side by side, never joined."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey.access.roles import NATION
from survey.estimate.bridge import carry
from survey.figures.charts import ChartKind
from survey.figures.charts.interval_charts import OWN, PUBLISHED
from survey.figures.views.chart_panels import (
    ChartHeading,
    ChartPanel,
    label_intervals,
    score_title,
    subtitle,
)
from survey.figures.views.chart_rows import ranges_of
from survey.figures.views.estimate_text import format_interval
from survey.figures.views.interval_table import IntervalTable, gap_interval_table
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.locale import msg
from survey.locale.figures import format_score, format_signed
from survey.results import WaveResults
from survey.results.analysis import HIGHER, LOWER
from survey.results.crosswalk import list_counterparts
from survey.results.method_sheets import BRIDGE, OBSTACLE, OBSTACLE_SENTENCES

NOT_JOINED = msg(
    "The two levels are shown side by side and never joined: no published score changes."
)
_STEPS = {
    "later": "estimate", "earlier": "reference", "step": "difference", "step_low": "ci_low",
    "step_high": "ci_high", "n_earlier": "n",
}  # fmt: skip


@dataclass(frozen=True)
class BridgeView:
    """Step of the nation in sentences, with the chart of both levels and the table of the cities.

    Without a step there is one sentence, which says why.
    """

    sentences: tuple[str, ...]
    panel: ChartPanel | None = None
    cities: IntervalTable | None = None


@dataclass(frozen=True)
class _Level:
    """Score of a year at one of the two levels."""

    year: int
    series: str
    """`OWN`: by the questionnaire of the wave; `PUBLISHED`: by the earlier one."""
    estimate: float
    low: float
    high: float


def build_bridge_view(
    context: ViewContext, *, indicator: str, others: Sequence[WaveResults] = ()
) -> BridgeView:
    """Build what the wave's questionnaire gives more than the earlier one, for one indicator.

    Args:
        others: waves of the series; those of the earlier questionnaire are carried over.
    """
    t = context.t
    rows = _read_steps(context, indicator)
    nation = rows.where("area", NATION)
    if not len(nation) or not nation.shown[0] or nation.texts(OBSTACLE)[0]:
        return BridgeView((_explain(context, nation),))
    overlap = context.results.manifest.overlap
    earlier = "" if overlap is None else f"{overlap.instrument} {overlap.instrument_version}"
    step, low, high = _read_step(nation)
    words = {
        "indicator": context.names.indicator(indicator),
        "earlier": earlier,
        "step": format_signed(step),
        "interval": format_interval(low, high, t),
        "score": format_score(nation.numbers("reference")[0]),
        "published": format_score(nation.numbers("estimate")[0]),
    }
    sentence = t(
        "{indicator}: the questionnaire of this wave gives {step} points ({interval}) beside the "
        "earlier one ({earlier}), which would have given {score} in place of {published}.",
        **words,
    )
    verdict = (
        t("A step of this size is more than chance.")
        if nation.texts("verdict")[0] in {HIGHER, LOWER}
        else t("Chance alone could have made this step.")
    )
    return BridgeView(
        (sentence, verdict, t(NOT_JOINED)),
        _build_panel(context, nation, indicator, others),
        _build_cities(context, rows, indicator),
    )


def _read_steps(context: ViewContext, indicator: str) -> TableSlice:
    rows = context.results.sheet(context.principal, BRIDGE, indicator=indicator)
    if not len(rows):
        rows = context.results.sheet(context.principal, BRIDGE, area=NATION)
        rows = rows[rows["line"].astype(str) == ""]
    return TableSlice(rows.rename(columns=_STEPS).assign(status="ok"))


def _read_step(nation: TableSlice) -> tuple[float, float, float]:
    return _read_interval(nation, "difference")


def _explain(context: ViewContext, rows: TableSlice) -> str:
    t = context.t
    if not len(rows):
        return t("The earlier questionnaire has no counterpart of this indicator.")
    code = rows.texts(OBSTACLE)[0]
    if code:
        return t(OBSTACLE_SENTENCES[code])
    return t("Nothing is shown here: too few interviews, or to protect personal data.")


def _list_levels(
    context: ViewContext, nation: TableSlice, indicator: str, others: Sequence[WaveResults]
) -> list[_Level]:
    """Return the scores of this wave and of earlier ones at both levels."""
    step, year = _read_step(nation), context.wave.year
    score = context.cells(area_level="nation", indicator=indicator)
    earlier = [nation.numbers(name)[0] for name in ("reference", "earlier_low", "earlier_high")]
    levels = [_Level(year, PUBLISHED, *map(float, earlier))]
    if len(score) and score.shown[0]:
        levels.append(_Level(year, OWN, *_read_interval(score)))
    overlap, tree = context.results.manifest.overlap, context.results.tree
    for other in others:
        if overlap is None or other.manifest.instrument != overlap.instrument:
            continue
        if other.tree is None or tree is None or other.wave.year >= year:
            continue
        code = list_counterparts(other.tree, tree).get(indicator)
        cells = TableSlice(
            other.cells(
                context.principal, area_level="nation", group=EVERYONE, indicator=code or indicator
            )
        )
        if code is None or not len(cells) or not cells.shown[0]:
            continue
        asked = _read_interval(cells)
        levels.append(_Level(other.wave.year, PUBLISHED, *asked))
        levels.append(_Level(other.wave.year, OWN, *_round(carry(asked, step))))
    return sorted(levels, key=lambda level: (level.series, level.year))


def _round(figures: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return figures made of published ones with the digits of those."""
    value, low, high = (round(figure, 1) for figure in figures)
    return value, low, high


def _read_interval(cells: TableSlice, name: str = "estimate") -> tuple[float, float, float]:
    value, low, high = (float(cells.numbers(each)[0]) for each in (name, "ci_low", "ci_high"))
    return value, low, high


def _build_panel(
    context: ViewContext, nation: TableSlice, indicator: str, others: Sequence[WaveResults]
) -> ChartPanel:
    t = context.t
    series = (t("By the questionnaire of this wave"), t("By the earlier questionnaire"))
    levels = _list_levels(context, nation, indicator, others)
    low, high = (np.array([getattr(level, end) for level in levels]) for end in ("low", "high"))
    title = t("{indicator}: two levels of one series", indicator=context.names.indicator(indicator))
    value = score_title(t)
    return ChartPanel(
        key="trends-bridge",
        kind=ChartKind.TREND,
        title=title,
        subtitle=subtitle(context, value, int(nation.numbers("n")[0])),
        alt=t(
            "{title}. {count} points. The same data follow as a table.",
            title=title,
            count=len(levels),
        ),
        text=label_intervals(t, value, t("Year"), series),
        chart_rows={
            "year": [level.year for level in levels],
            "series": [level.series for level in levels],
            "estimate": [level.estimate for level in levels],
            "ci_low": low,
            "ci_high": high,
            "n": np.full(len(levels), np.nan),
            "range": [format_interval(level.low, level.high, t) for level in levels],
        },
        table_columns={
            t("Year"): [level.year for level in levels],
            t("Series"): [series[level.series != OWN] for level in levels],
            value: np.array([level.estimate for level in levels]),
            t("95%\u00a0interval"): ranges_of(low, high, t),
        },
    )


def _build_cities(context: ViewContext, rows: TableSlice, indicator: str) -> IntervalTable | None:
    """Build the table of the cities by step, the largest first; None where none is shown."""
    t = context.t
    cities = rows.where("area_level", "city")
    pairs = zip(cities.shown, cities.texts(OBSTACLE), strict=True)
    shown = [bool(is_shown) and not code for is_shown, code in pairs]
    if not any(shown):
        return None
    heading = ChartHeading(
        "trends-bridge-cities",
        t("{indicator}: step of the cities", indicator=context.names.indicator(indicator)),
        t("City"),
        t("A city's step is drawn to that of all cities, as far as its own interviews are few."),
    )
    return gap_interval_table(
        context,
        heading,
        context.name_rows(cities.keep(shown).descending("difference"), "area"),
        this=t("By the questionnaire of this wave"),
        other=t("By the earlier questionnaire"),
    )
