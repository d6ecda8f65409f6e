"""View of a special group by city: direct figures, and a model, two waves or peers beside them.

None of what stands beside a direct figure is ever drawn, named or listed as if it were one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from survey.access.principal import Principal
from survey.estimate.tree import COMPOSITE
from survey.locale import Message, Translator, msg
from survey.publish.charts import ChartKind, ChartLabels
from survey.publish.charts.small_areas import GRADE_C, UNGRADED
from survey.publish.views.chart_panels import ChartPanel, score_title, subtitle
from survey.publish.views.chart_rows import Rows, counts, ranges, ranges_of
from survey.publish.views.estimate_text import NOT_AVAILABLE, UNRELIABLE, missing_text
from survey.publish.views.table_slice import Floats, TableSlice
from survey.publish.views.view_context import ViewContext
from survey.results import WaveResults
from survey.results.derived_estimates import pool_waves
from survey.results.small_areas import (
    OVERALL,
    Grade,
    ModelBasis,
    ModelStatus,
    select_special_groups,
)

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
_WHY_NO_MODEL: Mapping[str, Message] = MappingProxyType(
    {
        ModelStatus.NO_SCORE_OF_THE_CITY: msg("the city itself has no score that can be shown"),
        ModelStatus.NO_SCORE_OF_THE_NATION: msg("the group has no national score"),
        ModelStatus.TOO_FEW_CITIES: msg("too few cities have a direct figure"),
        ModelStatus.NO_CONVERGENCE: msg("the model found no solution"),
    }
)


@dataclass(frozen=True)
class SmallAreaFilters:
    group: str
    indicator: str = COMPOSITE
    comparison: str = MODEL


@dataclass(frozen=True, eq=False)
class ComparisonColumn:
    """Figures beside the direct ones, a value per city; NaN where there is none."""

    name: str
    note: str
    estimate: Floats
    low: Floats
    high: Floats
    remarks: Sequence[str]
    own_weight: Floats | None = None
    """Per cent that the city's own direct figure has in it."""


def compare_with_direct(
    reading: ViewContext,
    cells: TableSlice,
    filters: SmallAreaFilters,
    indicator: str,
    others: Sequence[WaveResults],
) -> ComparisonColumn | None:
    if filters.comparison == DIRECT:
        return None
    if filters.comparison == WAVES:
        return _two_waves(reading, cells, filters.group, indicator, others)
    if filters.comparison == PEERS:
        return _peers(reading, cells, filters.group, indicator)
    return _model(cells, reading.t)


def _model(cells: TableSlice, t: Translator) -> ComparisonColumn:
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
            "Hollow squares are model estimates: what the city's score over everyone, its region "
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


def _peers(reading: ViewContext, cells: TableSlice, group: str, indicator: str) -> ComparisonColumn:
    t = reading.t
    tiers = reading.cells(area_level="size_tier", group=group, indicator=indicator)
    there = set(tiers.texts("area"))
    known = [reading.cities.get(code) for code in cells.texts("area")]
    tier_of = [city.size_tier.value if city else "" for city in known]

    def of(column: str) -> Floats:
        return tiers.aligned(column, "area", tier_of)

    return ComparisonColumn(
        name=t("Direct figure of all cities of the same size"),
        note=t(
            "Hollow squares are the group's direct figure in all cities of the size tier together, "
            "the city included; they are the same for every city of a tier."
        ),
        estimate=of("estimate"),
        low=of("ci_low"),
        high=of("ci_high"),
        remarks=[
            reading.names.area(tier) if tier in there else t(NOT_AVAILABLE) for tier in tier_of
        ],
    )


def _two_waves(
    reading: ViewContext,
    cells: TableSlice,
    group: str,
    indicator: str,
    others: Sequence[WaveResults],
) -> ComparisonColumn:
    """Return the mean of this wave and the one before, where both and their change are known."""
    t = reading.t
    wave = reading.wave
    earlier = [
        candidate
        for candidate in others
        if (candidate.wave.year, candidate.wave.key) < (wave.year, wave.key)
    ]
    codes = cells.texts("area")
    nothing = np.full(len(codes), np.nan)
    name = t("This wave and the one before, pooled")
    missing = ComparisonColumn(
        name=name,
        note=t("There is no earlier wave of this series to pool with."),
        estimate=nothing,
        low=nothing,
        high=nothing,
        remarks=[t(NOT_AVAILABLE)] * len(codes),
    )
    if not earlier:
        return missing
    other = max(earlier, key=lambda candidate: (candidate.wave.year, candidate.wave.key))
    pooled = pool_waves(reading.results, other, reading.principal, group, indicator)
    pooled = pooled.reindex(codes)
    estimate, low, high = (pooled[name].to_numpy() for name in ("estimate", "low", "high"))
    return ComparisonColumn(
        name=name,
        note=t(
            "Hollow squares are the mean of {before} and this wave, each counted alike; what the "
            "shared sampling points have in common is in the interval. A change between the two "
            "waves disappears in it.",
            before=other.wave.label(reading.language),
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
    cities: ChartPanel


def band_choices(results: WaveResults) -> tuple[str, ...]:
    """Return the groups of a wave that are followed city by city."""
    return tuple(select_special_groups(results.method.groups, results.wave.series))


def build_small_area_view(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    filters: SmallAreaFilters,
    others: Sequence[WaveResults] = (),
) -> SmallAreasView:
    """Build the view of one group; `others` are waves of the series, for pooling."""
    reading = ViewContext(results, principal, language)
    indicator = filters.indicator if reading.codes else OVERALL
    cells = TableSlice(
        results.small_areas(principal, group=filters.group, indicator=indicator)
    ).descending("estimate")
    comparison = compare_with_direct(reading, cells, filters, indicator, others)
    grade_codes = cells.texts("grade")
    number = {grade.value: grade_codes.count(grade.value) for grade in Grade}
    return SmallAreasView(
        sentence=_sentence(reading.t, number),
        counts=number,
        cities=_small_area_chart(reading, cells, filters.group, indicator, comparison),
    )


def _sentence(t: Translator, number: Mapping[str, int]) -> str:
    return t(
        "Of the direct figures by city {a} have grade A, {b} grade B and {c} grade C (for "
        "orientation only); in {hidden} cities none is shown.",
        a=number[Grade.A],
        b=number[Grade.B],
        c=number[Grade.C],
        hidden=number[Grade.SUPPRESSED],
    )


def _small_area_chart(
    reading: ViewContext,
    cells: TableSlice,
    group: str,
    indicator: str,
    comparison: ComparisonColumn | None,
) -> ChartPanel:
    t = reading.t
    title = t(
        "{group}, {indicator}: direct figures by city and their grades",
        group=reading.names.group(group),
        indicator=reading.names.indicator(indicator),
    )
    names = [reading.names.area(code) for code in cells.texts("area")]
    grades = (
        t("Direct, grade A: n from 100, margin up to 3"),
        t("Direct, grade B: n from 30"),
        t("Direct, grade C: for orientation only"),
    )
    note = t(
        "The letter behind a city is the grade of its direct figure. It speaks of the margin of "
        "error, not of the city."
    )
    return ChartPanel(
        key="groups-small-areas",
        kind=ChartKind.GRADED_CITIES,
        title=title,
        subtitle=subtitle(reading, score_title(t), cells.total("n")),
        alt=t(
            "{title}. {count} cities with a direct figure. The same data follow as a table.",
            title=title,
            count=int(cells.shown.sum()),
        ),
        text=ChartLabels(
            value=score_title(t),
            name=t("City"),
            interval=t("95%\u00a0interval"),
            n="n",
            series=(*grades, *([comparison.name] if comparison else [])),
        ),
        chart_rows=_chart_rows(cells, names, comparison, t),
        table_columns=_table_rows(cells, names, comparison, t),
        note=f"{note} {comparison.note}" if comparison else note,
    )


def _chart_rows(
    cells: TableSlice, names: list[str], comparison: ComparisonColumn | None, t: Translator
) -> Rows:
    grades = cells.texts("grade")
    estimate = cells.numbers("estimate")
    drawn = cells.shown & ~np.isnan(estimate)
    role = [grade if there else UNGRADED for grade, there in zip(grades, drawn, strict=True)]
    nothing = np.full(len(names), np.nan)
    return {
        "code": cells.texts("area"),
        "label": [
            name if letter == UNGRADED else f"{name}  {letter}"
            for name, letter in zip(names, role, strict=True)
        ],
        "estimate": estimate,
        "ci_low": cells.numbers("ci_low"),
        "ci_high": cells.numbers("ci_high"),
        "n": cells.numbers("n"),
        "range": ranges(cells, t),
        "role": role,
        "note": [
            "" if there else missing_text(bool(shown), t)
            for there, shown in zip(drawn, cells.shown, strict=True)
        ],
        "remark": [t(ORIENTATION) if letter == GRADE_C else "" for letter in role],
        "beside": comparison.estimate if comparison else nothing,
        "beside_low": comparison.low if comparison else nothing,
        "beside_high": comparison.high if comparison else nothing,
        "beside_range": ranges_of(comparison.low, comparison.high, t)
        if comparison
        else [""] * len(names),
    }


def _table_rows(
    cells: TableSlice, names: list[str], comparison: ComparisonColumn | None, t: Translator
) -> Rows:
    grades = cells.texts("grade")
    careful = [
        grade == Grade.C or status == UNRELIABLE
        for grade, status in zip(grades, cells.texts("status"), strict=True)
    ]
    estimate = cells.numbers("estimate")
    table: Rows = {
        t("City"): names,
        t("Grade"): [grade if grade != Grade.SUPPRESSED else "" for grade in grades],
        t("Direct figure"): estimate,
        t("95%\u00a0from"): cells.numbers("ci_low"),
        t("95%\u00a0to"): cells.numbers("ci_high"),
        "n": counts(cells.numbers("n")),
        t("Remark"): [
            missing_text(bool(shown), t)
            if not shown or np.isnan(value)
            else (t(ORIENTATION) if orient else "")
            for shown, value, orient in zip(cells.shown, estimate, careful, strict=True)
        ],
    }
    if comparison is None:
        return table
    words = {"what": comparison.name}
    table[comparison.name] = comparison.estimate
    table[t("{what}: 95%\u00a0from", **words)] = comparison.low
    table[t("{what}: 95%\u00a0to", **words)] = comparison.high
    if comparison.own_weight is not None:
        table[t("Weight of the direct figure in it (%)")] = comparison.own_weight
    table[t("{what}: remark", **words)] = list(comparison.remarks)
    return table
