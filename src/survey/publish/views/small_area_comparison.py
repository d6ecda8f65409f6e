"""Figures beside the direct ones of a special group by city: model, two waves, peers.

None of it is ever named as if it were a direct figure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from survey.estimate.tree import COMPOSITE
from survey.locale import Message, Translator, msg
from survey.publish.views.estimate_text import NOT_AVAILABLE
from survey.publish.views.table_slice import Floats, TableSlice
from survey.publish.views.view_context import ViewContext
from survey.results import WaveResults
from survey.results.derived_estimates import pool_waves
from survey.results.small_areas import ModelBasis, ModelStatus

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
