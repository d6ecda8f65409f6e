"""A special group city by city: how far the direct figures carry, and what stands beside them.

A model estimate is never drawn, named or listed as if it were a direct figure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy import special

from survey.access.principal import Principal
from survey.locale import Message, Translator, msg
from survey.publish.charts import ChartText, Kind
from survey.publish.charts.small_areas import GRADE_C, UNGRADED
from survey.publish.picture import Picture
from survey.publish.results.small_areas import BANDS, MAIN_GROUPS, OVERALL, Basis, Grade, NoModel
from survey.publish.views.cells import Cells, Floats
from survey.publish.views.figures import (
    NOT_AVAILABLE,
    UNRELIABLE,
    interval_words,
    why_nothing,
)
from survey.publish.views.names import COMPOSITE
from survey.publish.views.pictures import score_title, subtitle
from survey.publish.views.reading import Reading, Results
from survey.publish.views.rows import Rows, counts, ranges

MODEL, DIRECT, WAVES, PEERS = "model", "direct", "waves", "peers"
BESIDE: Mapping[str, Message] = MappingProxyType(
    {
        MODEL: msg("Model estimate"),
        DIRECT: msg("Nothing, direct figures only"),
        WAVES: msg("Two waves pooled"),
        PEERS: msg("Cities of the same size"),
    }
)
"""What may stand beside the direct figure, by its code in the address."""
ORIENTATION = msg("For orientation only")
_LEVEL = 0.95
_SAME = 1e-6
_WHY_NO_MODEL: Mapping[str, Message] = MappingProxyType(
    {
        NoModel.NOBODY: msg("nobody of the group was interviewed here"),
        NoModel.NO_SCORE_OF_THE_CITY: msg("the city itself has no score that can be shown"),
        NoModel.NO_SCORE_OF_THE_NATION: msg("the group has no national score"),
        NoModel.TOO_FEW_CITIES: msg("too few cities have a direct figure"),
        NoModel.NO_CONVERGENCE: msg("the model found no solution"),
    }
)


@dataclass(frozen=True)
class SmallAreaFilters:
    group: str
    indicator: str = COMPOSITE
    beside: str = MODEL


@dataclass(frozen=True, eq=False)
class SmallAreasView:
    sentence: str
    """How many cities have which grade."""
    counts: Mapping[str, int]
    """Grade -> number of cities."""
    cities: Picture


@dataclass(frozen=True, eq=False)
class _Beside:
    """Figures beside the direct ones, a value a city; NaN where there is none."""

    name: str
    note: str
    estimate: Floats
    low: Floats
    high: Floats
    remarks: Sequence[str]
    own_weight: Floats | None = None
    """Per cent that the city's own direct figure has in it."""


def band_choices(results: Results) -> tuple[str, ...]:
    """The groups of a wave that are followed city by city."""
    known = results.method.groups
    if results.wave.series == "main":
        return tuple(group for group in MAIN_GROUPS if group in known)
    return tuple(group for group in known if group.partition("=")[0] in BANDS)


def small_areas(
    *,
    results: Results,
    principal: Principal,
    language: str,
    filters: SmallAreaFilters,
    others: Sequence[Results] = (),
) -> SmallAreasView:
    """One group city by city. `others` are the further waves of the series, for pooling."""
    reading = Reading(results, principal, language)
    indicator = filters.indicator if reading.codes else OVERALL
    cells = Cells(
        results.small_areas(principal, group=filters.group, indicator=indicator)
    ).descending("estimate")
    beside = _beside(reading, cells, filters, indicator, others)
    found = cells.texts("grade")
    number = {grade.value: found.count(grade.value) for grade in Grade}
    return SmallAreasView(
        sentence=_sentence(reading.t, number),
        counts=number,
        cities=_picture(reading, cells, filters.group, indicator, beside),
    )


def _sentence(t: Translator, number: Mapping[str, int]) -> str:
    return t(
        "Of the direct figures by city {a} have grade A, {b} grade B and {c} grade C (for "
        "orientation only); in {hidden} cities the sample is too small to show one.",
        a=number[Grade.A],
        b=number[Grade.B],
        c=number[Grade.C],
        hidden=number[Grade.SUPPRESSED],
    )


def _picture(
    reading: Reading, cells: Cells, group: str, indicator: str, beside: _Beside | None
) -> Picture:
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
    return Picture(
        key="groups-small-areas",
        kind=Kind.GRADED_CITIES,
        title=title,
        subtitle=subtitle(reading, score_title(t), cells.total("n")),
        alt=t(
            "{title}. {count} cities with a direct figure. The same data follow as a table.",
            title=title,
            count=int(cells.shown.sum()),
        ),
        text=ChartText(
            value=score_title(t),
            name=t("City"),
            interval=t("95%\u00a0interval"),
            n="n",
            series=(*grades, *([beside.name] if beside else [])),
        ),
        rows=_rows(cells, names, beside, t),
        listing=_table(cells, names, beside, t),
        note=f"{note} {beside.note}" if beside else note,
    )


def _rows(cells: Cells, names: list[str], beside: _Beside | None, t: Translator) -> Rows:
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
        "range": ranges(cells),
        "role": role,
        "note": [
            "" if there else why_nothing(bool(shown), reason, t)
            for there, shown, reason in zip(drawn, cells.shown, cells.reasons, strict=True)
        ],
        "remark": [t(ORIENTATION) if letter == GRADE_C else "" for letter in role],
        "beside": beside.estimate if beside else nothing,
        "beside_low": beside.low if beside else nothing,
        "beside_high": beside.high if beside else nothing,
        "beside_range": _ranges(beside.low, beside.high) if beside else [""] * len(names),
    }


def _table(cells: Cells, names: list[str], beside: _Beside | None, t: Translator) -> Rows:
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
            why_nothing(bool(shown), reason, t)
            if not shown or np.isnan(value)
            else (t(ORIENTATION) if orient else "")
            for shown, reason, value, orient in zip(
                cells.shown, cells.reasons, estimate, careful, strict=True
            )
        ],
    }
    if beside is None:
        return table
    words = {"what": beside.name}
    table[beside.name] = beside.estimate
    table[t("{what}: 95%\u00a0from", **words)] = beside.low
    table[t("{what}: 95%\u00a0to", **words)] = beside.high
    if beside.own_weight is not None:
        table[t("Weight of the direct figure in it (%)")] = beside.own_weight
    table[t("{what}: remark", **words)] = list(beside.remarks)
    return table


def _beside(
    reading: Reading,
    cells: Cells,
    filters: SmallAreaFilters,
    indicator: str,
    others: Sequence[Results],
) -> _Beside | None:
    if filters.beside == DIRECT:
        return None
    if filters.beside == WAVES:
        return _two_waves(reading, cells, filters.group, indicator, others)
    if filters.beside == PEERS:
        return _peers(reading, cells, filters.group, indicator)
    return _model(cells, reading.t)


def _model(cells: Cells, t: Translator) -> _Beside:
    model, whys = cells.numbers("model"), cells.texts("no_model")
    alone = t("model alone, without an answer of the group in this city")
    remarks = [
        t(_WHY_NO_MODEL[NoModel(why)]) if why else (alone if basis == Basis.SYNTHETIC else "")
        for why, basis in zip(whys, cells.texts("model_basis"), strict=True)
    ]
    if len(whys) and np.isnan(model).all():
        note = t("There is no model estimate: {reason}.", reason=t(_WHY_NO_MODEL[NoModel(whys[0])]))
    else:
        note = t(
            "Hollow squares are model estimates: what the city's score over everyone, its region "
            "and class, and as far as it carries its direct figure let expect for the group. They "
            "add up to the group's direct national figure and never replace a direct figure."
        )
    return _Beside(
        name=t("Model estimate (not a direct figure)"),
        note=note,
        estimate=model,
        low=cells.numbers("model_low"),
        high=cells.numbers("model_high"),
        remarks=remarks,
        own_weight=cells.numbers("shrinkage") * 100,
    )


def _peers(reading: Reading, cells: Cells, group: str, indicator: str) -> _Beside:
    t = reading.t
    tiers = reading.cells(area_level="size_tier", group=group, indicator=indicator)
    place = {tier: row for row, tier in enumerate(tiers.texts("area"))}
    known = [reading.cities.get(code) for code in cells.texts("area")]
    tier_of = [city.size_tier.value if city else "" for city in known]

    def of(column: str) -> Floats:
        values = np.append(tiers.numbers(column), np.nan)
        return np.asarray(values[[place.get(tier, -1) for tier in tier_of]])

    return _Beside(
        name=t("Direct figure of all cities of the same size"),
        note=t(
            "Hollow squares are the group's direct figure in all cities of the size tier together, "
            "the city included; they are the same for every city of a tier."
        ),
        estimate=of("estimate"),
        low=of("ci_low"),
        high=of("ci_high"),
        remarks=[
            reading.names.area(tier) if tier in place else t(NOT_AVAILABLE) for tier in tier_of
        ],
    )


def _two_waves(
    reading: Reading, cells: Cells, group: str, indicator: str, others: Sequence[Results]
) -> _Beside:
    """The mean of this wave and the one before.

    V = (V1 + V2 + 2 Cov) / 4, with 2 Cov = V1 + V2 - V(change) from the shared sampling points.
    """
    t = reading.t
    wave = reading.wave
    earlier = [one for one in others if (one.wave.year, one.wave.key) < (wave.year, wave.key)]
    codes = cells.texts("area")
    nothing = np.full(len(codes), np.nan)
    name = t("This wave and the one before, pooled")
    missing = _Beside(
        name=name,
        note=t("There is no earlier wave of this series to pool with."),
        estimate=nothing,
        low=nothing,
        high=nothing,
        remarks=[t(NOT_AVAILABLE)] * len(codes),
    )
    if not earlier:
        return missing
    other = max(earlier, key=lambda one: (one.wave.year, one.wave.key))
    before = Cells(other.small_areas(reading.principal, group=group, indicator=indicator))
    change = reading.changes(other.wave, area_level="city", group=group, indicator=indicator)
    first = _aligned(before, codes, ("estimate", "se", "df"))
    moved = _aligned(change, codes, ("reference", "se"))
    estimate, se = cells.numbers("estimate"), cells.numbers("se")
    same = np.abs(moved["reference"] - first["estimate"]) < _SAME
    variance = (first["se"] ** 2 + se**2) / 2 - moved["se"] ** 2 / 4
    pooled = np.where(same & (variance > 0), (first["estimate"] + estimate) / 2, np.nan)
    df = np.minimum(first["df"], cells.numbers("df"))
    reach = special.stdtrit(np.where(df > 0, df, np.nan), (1 + _LEVEL) / 2) * np.sqrt(
        np.where(variance > 0, variance, np.nan)
    )
    return _Beside(
        name=name,
        note=t(
            "Hollow squares are the mean of {before} and this wave, each counted alike; what the "
            "shared sampling points have in common is in the interval. A change between the two "
            "waves disappears in it.",
            before=other.wave.title.get(reading.language) or other.wave.key,
        ),
        estimate=pooled,
        low=pooled - reach,
        high=pooled + reach,
        remarks=[t(NOT_AVAILABLE) if np.isnan(value) else "" for value in pooled],
    )


def _aligned(cells: Cells, codes: Sequence[str], columns: Sequence[str]) -> dict[str, Floats]:
    """Columns of `cells` in the order of `codes`; NaN for a city that it lacks."""
    place = {code: row for row, code in enumerate(cells.texts("area"))}
    rows = [place.get(code, -1) for code in codes]
    return {name: np.append(cells.numbers(name), np.nan)[rows] for name in columns}


def _ranges(low: Floats, high: Floats) -> list[str]:
    return [
        "" if np.isnan(a) or np.isnan(b) else interval_words(a, b)
        for a, b in zip(low, high, strict=True)
    ]
