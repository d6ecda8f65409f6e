"""View of a special group by city: direct figures, a model or peers beside them, and the gap.

None of what stands beside a direct figure is ever drawn, named or listed as if it were one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from survey.estimate.tree import COMPOSITE
from survey.figures.views.chart_panels import ChartHeading, score_title, subtitle
from survey.figures.views.chart_rows import (
    Rows,
    classify_differences,
    counts,
    ranges,
    verdict_texts,
)
from survey.figures.views.estimate_text import (
    MULTIPLE_TESTING_NOTE,
    NOT_AVAILABLE,
    UNRELIABLE,
    missing_text,
)
from survey.figures.views.interval_table import (
    IntervalTable,
    build_interval_table,
    draw_interval_bars,
    signed_verdicts,
)
from survey.figures.views.national_estimate import find_wave_before
from survey.figures.views.table_slice import Floats, TableSlice
from survey.figures.views.view_context import ViewContext
from survey.locale import Message, Translator, msg
from survey.questionnaire.model import OVERALL
from survey.results import WaveResults
from survey.results.derived_estimates import pool_waves
from survey.results.small_areas import ModelBasis, ModelStatus, Reliability, select_special_groups

MODEL, DIRECT, WAVES, PEERS = "model", "direct", "waves", "peers"
COMPARISONS: Mapping[str, Message] = MappingProxyType(
    {
        MODEL: msg("Model estimate"),
        DIRECT: msg("Nothing, direct figures only"),
        WAVES: msg("Two waves pooled"),
        PEERS: msg("Cities of the same size"),
    }
)
"""Comparisons beside the direct figure, by their code in the address."""
_WHY_NO_MODEL: Mapping[str, Message] = {
    ModelStatus.NO_SCORE_OF_THE_CITY: msg("the city itself has no score that can be shown"),
    ModelStatus.NO_SCORE_OF_THE_NATION: msg("the group has no national score"),
    ModelStatus.TOO_FEW_CITIES: msg("too few cities have a direct figure"),
    ModelStatus.NO_CONVERGENCE: msg("the model found no solution"),
}


@dataclass(frozen=True)
class SmallAreaFilters:
    group: str
    indicator: str = COMPOSITE
    comparison: str = MODEL


@dataclass(frozen=True, eq=False)
class ComparisonColumn:
    """Column beside the direct figures, with a value per city; NaN where there is none."""

    name: str
    note: str
    estimate: Floats
    low: Floats
    high: Floats
    remarks: Sequence[str]
    own_weight: Floats | None = None
    """Per cent that the city's own direct figure has in it."""


def compare_with_direct(
    context: ViewContext,
    cells: TableSlice,
    filters: SmallAreaFilters,
    indicator: str,
    others: Sequence[WaveResults],
) -> ComparisonColumn | None:
    if filters.comparison == DIRECT:
        return None
    if filters.comparison == WAVES:
        return _build_pooled_column(context, cells, filters.group, indicator, others)
    if filters.comparison == PEERS:
        return _build_peer_column(context, cells, filters.group, indicator)
    return _build_model_column(cells, context.t)


def _build_model_column(cells: TableSlice, t: Translator) -> ComparisonColumn:
    model, whys = cells.numbers("model"), cells.texts("no_model")
    alone = t("model alone, without an answer of the group in this city")
    remarks = [
        t(_WHY_NO_MODEL[ModelStatus(why)])
        if why
        else (alone if basis == ModelBasis.SYNTHETIC else "")
        for why, basis in zip(whys, cells.texts("model_basis"), strict=True)
    ]
    if len(whys) and np.isnan(model).all():
        note = t(
            "There is no model estimate: {reason}.", reason=t(_WHY_NO_MODEL[ModelStatus(whys[0])])
        )
    else:
        note = t(
            "Model estimates say what the city's score over everyone, its region "
            "and class, and as far as it carries its direct figure let expect for the group. They "
            "add up to the group's direct national figure and never replace a direct figure."
        )
    return ComparisonColumn(
        name=t("Model estimate (not a direct figure)"),
        note=note,
        estimate=model,
        low=cells.numbers("model_low"),
        high=cells.numbers("model_high"),
        remarks=remarks,
        own_weight=np.round(cells.numbers("shrinkage") * 100),
    )


def _build_peer_column(
    context: ViewContext, cells: TableSlice, group: str, indicator: str
) -> ComparisonColumn:
    t = context.t
    tiers = context.cells(area_level="size_tier", group=group, indicator=indicator)
    there = set(tiers.texts("area"))
    known = [context.cities.get(code) for code in cells.texts("area")]
    tier_of = [city.size_tier.value if city else "" for city in known]

    def of(column: str) -> Floats:
        return tiers.aligned(column, "area", tier_of)

    return ComparisonColumn(
        name=t("Direct figure of all cities of the same size"),
        note=t(
            "Beside it stands the group's direct figure in all cities of the size tier together, "
            "the city included; it is the same for every city of a tier."
        ),
        estimate=of("estimate"),
        low=of("ci_low"),
        high=of("ci_high"),
        remarks=[
            context.names.area(tier) if tier in there else t(NOT_AVAILABLE) for tier in tier_of
        ],
    )


def _build_pooled_column(
    context: ViewContext,
    cells: TableSlice,
    group: str,
    indicator: str,
    others: Sequence[WaveResults],
) -> ComparisonColumn:
    """Return the group's mean over this wave and the one before, where both can be compared."""
    t, other = context.t, find_wave_before(context.wave, others)
    codes = cells.texts("area")
    nothing = np.full(len(codes), np.nan)
    name = t("This wave and the one before, pooled")
    missing = ComparisonColumn(
        name=name,
        note=t("This series has no earlier wave that can be read now, so nothing is pooled."),
        estimate=nothing,
        low=nothing,
        high=nothing,
        remarks=[t(NOT_AVAILABLE)] * len(codes),
    )
    if other is None:
        return missing
    pooled = pool_waves(context.results, other, context.principal, group, indicator)
    pooled = pooled.reindex(codes)
    estimate, low, high = (pooled[name].to_numpy() for name in ("estimate", "low", "high"))
    return ComparisonColumn(
        name=name,
        note=t(
            "Beside it stands the mean of {before} and this wave, each counted alike; what the "
            "shared sampling points have in common is in the interval. A change between the two "
            "waves disappears in it.",
            before=other.wave.label(context.language),
        ),
        estimate=estimate,
        low=low,
        high=high,
        remarks=[t(NOT_AVAILABLE) if np.isnan(value) else "" for value in estimate],
    )


ORIENTATION = msg("For orientation only")


@dataclass(frozen=True, eq=False)
class SmallAreasView:
    sentence: str
    """Sentence on the number of cities with each grade."""
    counts: Mapping[str, int]
    """Grade -> number of cities."""
    cities: IntervalTable


def band_choices(results: WaveResults) -> tuple[str, ...]:
    """Return the special groups of a wave, such as age bands, that have figures by city."""
    return tuple(select_special_groups(results.method.groups, results.wave.series))


def build_small_area_view(
    context: ViewContext, *, filters: SmallAreaFilters, others: Sequence[WaveResults] = ()
) -> SmallAreasView:
    """Build the view of one group by city; `others` are the series' waves, for pooling."""
    indicator = filters.indicator if context.codes else OVERALL
    gaps = context.gaps("rest", area_level="city", group=filters.group, indicator=indicator)
    figures = context.results.small_areas(
        context.principal, group=filters.group, indicator=indicator
    )
    cells = TableSlice(figures).in_order("area", gaps.by_certainty().texts("area"))
    comparison = compare_with_direct(context, cells, filters, indicator, others)
    grade_codes = cells.texts("grade")
    number = {grade.value: grade_codes.count(grade.value) for grade in Reliability}
    return SmallAreasView(
        sentence=_describe_grade_counts(context.t, number),
        counts=number,
        cities=_build_city_table(context, cells, gaps, filters.group, indicator, comparison),
    )


def _describe_grade_counts(t: Translator, number: Mapping[str, int]) -> str:
    said = t(
        "Of the direct figures by city {a} have grade A, {b} grade B and {c} grade C (for "
        "orientation only).",
        a=number[Reliability.A],
        b=number[Reliability.B],
        c=number[Reliability.C],
    )
    hidden = number[Reliability.SUPPRESSED]
    return said + (t(" In {hidden} cities none is shown.", hidden=hidden) if hidden else "")


def _build_city_table(
    context: ViewContext,
    cells: TableSlice,
    gaps: TableSlice,
    group: str,
    indicator: str,
    comparison: ComparisonColumn | None,
) -> IntervalTable:
    """Build the table of a group by city, in the order of `cells`, with the column `comparison`."""
    t, codes = context.t, cells.texts("area")
    gaps = gaps.in_order("area", codes)
    title = t(
        "{group}, {indicator}: gap to everybody else by city, direct and model figures",
        group=context.names.group(group),
        indicator=context.names.indicator(indicator),
    )
    note = t(
        "The grade speaks of the margin of error of the direct figure, not of the city: A from 100 "
        "interviews and a margin up to 3 points, B from 30 interviews, C for orientation only."
    )
    beside = comparison.note if comparison else ""
    estimate, difference = cells.numbers("estimate"), gaps.numbers("difference")
    direct = cells.shown & ~np.isnan(estimate)
    known = direct | ~np.isnan(difference)
    if comparison is not None:
        known |= ~np.isnan(comparison.estimate)
    names = [context.names.area(code) for code in codes]
    return build_interval_table(
        ChartHeading(
            "groups-cities", title, t("City"), f"{note} {beside} {t(MULTIPLE_TESTING_NOTE)}"
        ),
        subtitle(context, score_title(t), cells.total("n")),
        codes,
        _build_city_columns(cells, gaps, names, comparison, t),
        (
            t("Gap with interval"),
            draw_interval_bars(
                gaps.numbers("ci_low"),
                difference,
                gaps.numbers("ci_high"),
                classify_differences(gaps),
            ),
        ),
        _build_download_columns(cells, gaps, names, comparison, t),
        visible=known.tolist(),
    )


def read_grades(context: ViewContext, area: str, groups: Sequence[str]) -> dict[str, str]:
    """Return the reliability grade (A, B, C) of each group of a city; none for other areas."""
    rows = TableSlice(
        context.results.small_areas(context.principal, area=area, group=groups, indicator=COMPOSITE)
    )
    grades = zip(rows.texts("group"), rows.texts("grade"), strict=True)
    known = {Reliability.A, Reliability.B, Reliability.C}
    return {group: grade for group, grade in grades if grade in known}


def _list_grades(cells: TableSlice) -> list[str]:
    return ["" if grade == Reliability.SUPPRESSED else grade for grade in cells.texts("grade")]


def _list_remarks(cells: TableSlice, t: Translator) -> list[str]:
    """Return, for each city, why it has no direct figure, or that it is for orientation only."""
    estimate = cells.numbers("estimate")
    careful = [
        grade == Reliability.C or status == UNRELIABLE
        for grade, status in zip(cells.texts("grade"), cells.texts("status"), strict=True)
    ]
    return [
        missing_text(bool(shown), t)
        if not shown or np.isnan(value)
        else (t(ORIENTATION) if orient else "")
        for shown, value, orient in zip(cells.shown, estimate, careful, strict=True)
    ]


def _build_city_columns(
    cells: TableSlice,
    gaps: TableSlice,
    names: list[str],
    comparison: ComparisonColumn | None,
    t: Translator,
) -> Rows:
    beside = {} if comparison is None else {comparison.name: comparison.estimate}
    return {
        t("City"): names,
        t("Gap to the rest"): gaps.numbers("difference"),
        t("95%\u00a0interval"): ranges(gaps, t),
        t("Verdict"): signed_verdicts(classify_differences(gaps), verdict_texts(t), t, gaps=gaps),
        t("Direct figure"): cells.numbers("estimate"),
        t("Grade"): _list_grades(cells),
        **beside,
        "n": counts(cells.numbers("n")),
        t("Remark"): _list_remarks(cells, t),
    }


def _build_download_columns(
    cells: TableSlice,
    gaps: TableSlice,
    names: list[str],
    comparison: ComparisonColumn | None,
    t: Translator,
) -> Rows:
    gap, words = t("Gap to the rest"), verdict_texts(t)
    table: Rows = {
        t("City"): names,
        t("Grade"): _list_grades(cells),
        t("Direct figure"): cells.numbers("estimate"),
        t("95%\u00a0from"): cells.numbers("ci_low"),
        t("95%\u00a0to"): cells.numbers("ci_high"),
        "n": counts(cells.numbers("n")),
        t("Remark"): _list_remarks(cells, t),
        gap: gaps.numbers("difference"),
        t("{what}: 95%\u00a0from", what=gap): gaps.numbers("ci_low"),
        t("{what}: 95%\u00a0to", what=gap): gaps.numbers("ci_high"),
        t("Verdict"): [words[verdict] for verdict in classify_differences(gaps)],
    }
    if comparison is None:
        return table
    beside = {"what": comparison.name}
    table[comparison.name] = comparison.estimate
    table[t("{what}: 95%\u00a0from", **beside)] = comparison.low
    table[t("{what}: 95%\u00a0to", **beside)] = comparison.high
    if comparison.own_weight is not None:
        table[t("Weight of the direct figure in it (%)")] = comparison.own_weight
    table[t("{what}: remark", **beside)] = list(comparison.remarks)
    return table
