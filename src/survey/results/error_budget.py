"""Error budget of a wave: the method sheet that gives every known source of error a size in points.

Source: docs/error-budget.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from survey.access.roles import NATION
from survey.disclosure.suppression import SuppressionReason
from survey.estimate.arrays import Flags, Floats
from survey.estimate.design import Sample
from survey.estimate.domains import Domains
from survey.estimate.error_size import Differences, crossed_variance
from survey.estimate.indicators import rescale, respondent_scores
from survey.estimate.inference import Inference, infer_linear
from survey.estimate.interviewer_effect import SurveyorSums
from survey.estimate.selection_bias import PHI, ProxyMoments, measure_selection_bias
from survey.estimate.tree import COMPOSITE
from survey.estimate.variance import t_quantile
from survey.frame.city_frame import shipped_cities
from survey.frame.quotas import EVERYONE
from survey.results.analysis import Q
from survey.results.domains import MAIN_SERIES
from survey.results.method import EvidenceLine
from survey.results.method_sheets import ERRORS
from survey.results.sheet_source import SheetSource
from survey.results.wave_parts import MODE, PartLoader, WaveData
from survey.store.tables import Mode

UNLIKE = 10.0
"""Points by which people without an answer, or a false one, are taken to differ from the others."""
MIN_CORRELATION = 0.1
"""Below it a proxy says nothing of the answers, and SMUB(1) is a number divided by nearly 0."""
_MIDDLE = 50.0
_RESIDENCE, _URBAN = "residence", "urban"
_RESIDENCE_GROUPS = tuple(f"{_RESIDENCE}={value}" for value in (_URBAN, "rural"))


def build_error_budget(source: SheetSource) -> pd.DataFrame:
    """Return the lines of the nation, and of each city what selection may have moved."""
    if not source.wave.plan.has_composite:
        return ERRORS.build_obstacle("no_score")
    sums = _CitySums.join(list(source.wave.run(_sum_cities, source.wave.parts)))
    scores = _Scores.of(source, sums)
    lines = [*_list_lines(source, sums, scores), *_list_selection(source, sums, scores)]
    table = pd.DataFrame([vars(line) for line in lines])
    keys = {"group": EVERYONE, "indicator": COMPOSITE}
    return table.assign(**keys, area_level=np.where(table["area"] == NATION, "nation", "city"))


@dataclass(frozen=True, kw_only=True)
class _Line:
    """Row of the sheet; sizes in points, of a score or of half the width of its interval."""

    line: str
    item: str = ""
    area: str = NATION
    measured: float = np.nan
    size_nation: float = np.nan
    size_city: float = np.nan
    bias: float = np.nan
    verdicts: float = np.nan
    obstacle: str = ""
    shown: bool = True
    reason: str = ""


@dataclass(frozen=True)
class _CitySums:
    """What the rows of every city leave: scores in other ways, errors without strata, moments."""

    table: pd.DataFrame
    """By city code: weight, plain (score without weights), stratified and unstratified variance,
    missing (share of the composite without an answer), sums of surveyors, crossed."""
    answer: ProxyMoments
    """Of the composite of each person, and whether the person lives in a town."""
    missing: ProxyMoments
    """Of the composite, and the share of it that the person did not answer."""

    @classmethod
    def join(cls, parts: list["_CitySums"]) -> "_CitySums":
        table = pd.concat([part.table for part in parts])
        order = np.argsort(table.index.to_numpy(str), kind="stable")

        def join_moments(name: str) -> ProxyMoments:
            arrays = (
                np.concatenate([getattr(getattr(part, name), field) for part in parts])[order]
                for field in ("weight", "total", "square")
            )
            return ProxyMoments(*arrays)

        return cls(table.iloc[order], join_moments("answer"), join_moments("missing"))


def _sum_cities(part: PartLoader) -> _CitySums:
    """Sum each city by itself: the same bytes, however the cities are split into parts."""
    data = part()
    city = data.people["city_code"].astype(str)
    return _CitySums.join(
        [_sum_city(data, data.people[city == code]) for code in sorted(city.unique())]
    )


def _sum_city(data: WaveData, people: pd.DataFrame) -> _CitySums:
    tree, scale = data.plan.tree, data.plan.scale
    values = np.column_stack(
        [rescale(people, item, scale.minimum, scale.maximum) for item in tree.item_columns]
    )
    omega = tree.omega[[list(tree.variables).index(COMPOSITE)]]
    own = respondent_scores(values, omega)
    lost = (np.isnan(values) * omega).sum(axis=1)
    by_city = people.assign(city=people["city_code"].astype(str))
    domains = Domains.read(by_city, ["city"])
    if data.composite == "per_respondent":
        values, omega = own, np.ones((1, 1))
    sample = Sample.read(by_city, data.design)
    plain = replace(sample, weight=np.ones(len(people)))
    whole = Sample.read(by_city, replace(data.design, strata="city"))

    def infer(drawn: Sample) -> Inference:
        return infer_linear(drawn, domains, values, omega, level=data.level)

    weight, count = sample.weight, domains.count
    urban = np.full(len(people), np.nan)
    if _RESIDENCE in people:
        known = people[_RESIDENCE].notna().to_numpy()
        urban[known] = (people[_RESIDENCE] == _URBAN).to_numpy(float)[known]
    table = pd.DataFrame(
        {
            "weight": np.bincount(domains.code, weight, count),
            "plain": infer(plain).estimate[:, 0],
            "stratified": infer(sample).se[:, 0] ** 2,
            "unstratified": infer(whole).se[:, 0] ** 2,
            "missing": np.bincount(domains.code, weight * lost, count),
            "paper": np.bincount(domains.code, (people[MODE] == Mode.PAPER) * weight, count),
            **_sum_surveyors(people, own[:, 0]),
        },
        index=pd.Index(domains.keys["city"].astype(str), name="area"),
    )
    return _CitySums(
        table,
        ProxyMoments.collect(np.column_stack([own[:, 0], urban]), weight, domains.code, count),
        ProxyMoments.collect(np.column_stack([own[:, 0], lost]), weight, domains.code, count),
    )


def _sum_surveyors(people: pd.DataFrame, own: Floats) -> dict[str, float]:
    """Return the sums of a city's surveyors within points, and what they cross."""
    surveyor, point = (pd.factorize(people[name])[0] for name in ("surveyor", "psu"))
    known = np.flatnonzero((surveyor >= 0) & (point >= 0))
    who, where = surveyor[known], point[known]
    sums = SurveyorSums.collect(own[known], who, where)
    return vars(sums) | {"crossed": crossed_variance(who, where)}


@dataclass(frozen=True)
class _Scores:
    """Composite of nation and cities with its error, and the differences that have verdicts."""

    nation: pd.Series
    cities: pd.DataFrame
    """In the order of the sums."""
    share: Floats
    """Part of each city in the nation."""
    differences: Differences

    @classmethod
    def of(cls, source: SheetSource, sums: _CitySums) -> "_Scores":
        figures = source.figures.cells
        own = figures[(figures["group"] == EVERYONE) & (figures["indicator"] == COMPOSITE)]
        nation = own[own["area_level"] == "nation"].iloc[0]
        cities = own[own["area_level"] == "city"].set_index("area")
        cities = cities.set_index(cities.index.astype(str)).loc[sums.table.index]
        share = (sums.table["weight"] / sums.table["weight"].sum()).to_numpy()
        variance = cities["se"].to_numpy(float) ** 2
        # A city is part of the nation: Cov(city, nation) = share x variance of the city.
        se = np.sqrt(np.maximum(variance * (1 - 2 * share) + float(nation["se"]) ** 2, 0.0))
        gaps = cities["estimate"].to_numpy(float) - float(nation["estimate"])
        shown = _find_shown(source, sums)
        is_sound = shown & (cities["status"] == "ok").to_numpy()
        df = np.minimum(cities["df"].to_numpy(float), float(nation["df"]))
        gaps = np.where(shown, gaps, np.nan)
        return cls(nation, cities, share, Differences(gaps, se, df, is_sound, Q))

    @property
    def half_widths(self) -> tuple[float, float]:
        """Return half the interval of the nation, and of the city in the middle."""
        nation, cities = (
            t_quantile(np.asarray(rows["df"], dtype=float).reshape(-1), 0.95)
            * np.asarray(rows["se"], dtype=float).reshape(-1)
            for rows in (self.nation, self.cities)
        )
        return float(nation[0]), self.find_typical(cities)

    def find_typical(self, values: Floats) -> float:
        """Return the size in the middle of the cities that are shown; NaN without any."""
        known = np.abs(values[~np.isnan(values) & ~np.isnan(self.differences.difference)])
        return float(np.median(known)) if len(known) else np.nan

    def average(self, values: Floats) -> float:
        """Return the mean of cities as they count in the nation, without those that have none."""
        known = ~np.isnan(values)
        if not known.any():
            return np.nan
        return float(self.share[known] @ values[known] / self.share[known].sum())

    def count_turned(self, error: Floats | float, *, is_signed: bool = False) -> float:
        return float(self.differences.find_turned(error, is_signed=is_signed).sum())


def _find_shown(
    source: SheetSource, sums: _CitySums, groups: tuple[str, ...] = (EVERYONE,)
) -> Flags:
    """Return flags of the cities whose composite is shown for all of `groups` that they have."""
    cells = source.cells
    own = cells[
        (cells["area_level"] == "city")
        & (cells["indicator"] == COMPOSITE)
        & cells["group"].isin(groups)
    ]
    hidden = set(own.loc[~own["shown"], "area"].astype(str))
    known = set(own["area"].astype(str))
    return np.array([code in known and code not in hidden for code in sums.table.index])


def _list_lines(source: SheetSource, sums: _CitySums, scores: _Scores) -> Iterator[_Line]:
    """Yield the lines of the nation but that of selection, in the order of the sheet."""
    yield from _list_sampling(source, sums, scores)
    table = sums.table
    moved = scores.cities["estimate"].to_numpy(float) - table["plain"].to_numpy()
    kish = source.wave.report.kish_deff
    yield _size_shifts("weighting", scores, moved, measured=kish)
    yield from _list_surveyors(sums, scores)
    known = {line.line: line for line in _list_evidence(source)}
    checks = known.pop("back_check")
    yield _size_all("back_check", scores, checks.measured, UNLIKE, checks.obstacle)
    yield _build_keying_line(sums, scores, known.pop("double_entry"))
    missing = (table["missing"] / table["weight"]).to_numpy()
    yield _size_shifts(
        "unanswered_bound", scores, missing * UNLIKE, measured=scores.average(missing)
    )
    nothing = np.zeros((len(missing), 1))
    covariance = sums.missing.pooled_covariance()
    without = measure_selection_bias(sums.missing.mean, covariance, nothing, phi=(0.0,))
    yield _size_shifts(
        "unanswered_selection",
        scores,
        without.points[:, 0],
        measured=without.correlation,
        is_signed=True,
    )
    removed = known.pop("removed")
    yield from _list_refusals(scores, covariance[0, 0] ** 0.5, known)
    yield _Line(line="mode", obstacle="see_fairness")
    yield _Line(**_of_evidence(removed), verdicts=_count(scores, removed.size_city))


def _list_sampling(source: SheetSource, sums: _CitySums, scores: _Scores) -> Iterator[_Line]:
    """Yield half the interval, and what weights, points and strata add to it or take from it.

    The design effect is the product of Kish's, of points and of strata; a factor f of it makes the
    interval wider by 1 - 1 / sqrt(f) of its width.
    """
    nation, city = scores.half_widths
    deff = float(scores.nation["deff"])
    yield _Line(line="sampling", measured=deff, size_nation=nation, size_city=city)
    spread = source.wave.facts.weights.by_city.loc[sums.table.index]
    kish = (spread["n"] * spread["squares"] / spread["total"] ** 2).to_numpy()
    factors = {"weights": (source.wave.report.kish_deff, float(np.median(kish)))}
    obstacle = "no_points"
    if source.wave.design.psu is not None:
        ratios = (sums.table["stratified"] / sums.table["unstratified"]).to_numpy()
        squares = scores.share**2
        known = np.isfinite(ratios)
        stratified, unstratified = (
            float((squares * sums.table[name])[known].sum())
            for name in ("stratified", "unstratified")
        )
        # Where the points of each stratum agree, chance has made them so: neither has a size.
        middle = scores.find_typical(np.where(known & (ratios > 0), ratios, np.nan))
        obstacle = "no_spread" if not stratified > 0 else ""
    if not obstacle:
        strata = stratified / unstratified
        typical = scores.find_typical(scores.cities["deff"].to_numpy(float) / kish)
        factors["points"] = deff / factors["weights"][0] / strata, typical / middle
        factors["strata"] = strata, middle
    for factor, (whole, of_city) in factors.items():
        yield _Line(
            line=f"sampling_{factor}",
            measured=whole,
            size_nation=nation * (1 - whole**-0.5),
            size_city=city * (1 - of_city**-0.5),
        )
    if obstacle:
        for factor in ("points", "strata"):
            yield _Line(line=f"sampling_{factor}", obstacle=obstacle)


def _list_surveyors(sums: _CitySums, scores: _Scores) -> Iterator[_Line]:
    """Yield what surveyors add to the error beyond what lies between points already."""
    names = [field.name for field in fields(SurveyorSums)]
    effect = SurveyorSums(**sums.table[names].sum()).effect()
    if effect is None:
        yield _Line(line="interviewer", obstacle="no_surveyors")
        return
    variance = max(effect.icc, 0.0) * float(sums.answer.pooled_covariance()[0, 0])
    added = variance * sums.table["crossed"].to_numpy()
    t = float(t_quantile(np.array([1e6]), 0.95)[0])
    nation, cities = t * float(scores.share**2 @ added) ** 0.5, t * np.sqrt(added)
    yield _Line(
        line="interviewer",
        measured=effect.icc,
        size_nation=nation,
        size_city=scores.find_typical(cities),
        verdicts=scores.count_turned(cities),
    )


def _build_keying_line(sums: _CitySums, scores: _Scores, keyed: EvidenceLine) -> _Line:
    """Return what wrong keys move: a wrong answer is taken for any on the scale."""
    paper = float(sums.table["paper"].sum() / sums.table["weight"].sum())
    if not paper:
        return _Line(line="double_entry", obstacle="no_paper")
    off = paper * abs(float(scores.nation["estimate"]) - _MIDDLE)
    return _size_all("double_entry", scores, keyed.measured, off, keyed.obstacle)


def _list_refusals(
    scores: _Scores, sd: float, known: Mapping[str, EvidenceLine]
) -> Iterator[_Line]:
    """Yield the R-indicator with its parts, and what it lets a score be off at most.

    CV times the standard deviation of the answers bounds the bias of a mean.
    """
    for line, evidence in known.items():
        if line == "refusals_cv":
            yield _size_all(line, scores, evidence.measured, sd)
        else:
            yield _Line(**_of_evidence(evidence))


def _list_evidence(source: SheetSource) -> tuple[EvidenceLine, ...]:
    """Return what the store told when the wave was frozen; obstacles where it was not asked."""
    fieldwork = source.wave.fieldwork
    if fieldwork is not None and fieldwork.errors:
        return fieldwork.errors
    lines = ("back_check", "double_entry", "refusals_r", "removed")
    return tuple(EvidenceLine(line=line, obstacle="not_counted") for line in lines)


def _of_evidence(evidence: EvidenceLine) -> dict[str, Any]:
    """Return the fields of a line, without those that are None."""
    return {name: value for name, value in evidence if value is not None}


def _count(scores: _Scores, size: float | None) -> float:
    return np.nan if size is None else scores.count_turned(size)


def _size_all(
    line: str, scores: _Scores, measured: float | None, points: float, obstacle: str = ""
) -> _Line:
    """Return a line whose size, `measured` times `points`, is that of nation and cities alike."""
    if measured is None:
        return _Line(line=line, obstacle=obstacle)
    size = measured * points
    return _Line(
        line=line,
        measured=measured,
        size_nation=size,
        size_city=size,
        verdicts=scores.count_turned(size),
    )


def _size_shifts(
    line: str, scores: _Scores, shifts: Floats, *, measured: float, is_signed: bool = False
) -> _Line:
    """Return a line whose size is a shift of each city; signed ones shift the nation as well."""
    nation = scores.average(shifts)
    moved = shifts - nation if is_signed else shifts
    return _Line(
        line=line,
        measured=measured,
        size_nation=nation,
        size_city=scores.find_typical(shifts),
        verdicts=scores.count_turned(moved, is_signed=is_signed),
    )


def _list_selection(source: SheetSource, sums: _CitySums, scores: _Scores) -> Iterator[_Line]:
    """Yield coverage by the margins that were not raked, and what selection may have moved.

    A city's row would tell how many of those asked live in the country: it is hidden where that is.
    """
    rates = {city.code: city.urbanization_rate for city in shipped_cities()}
    population = np.array([rates[code] for code in sums.table.index])[:, None]
    asked = sums.answer.mean[:, 1]
    yield _Line(line="coverage_education", obstacle="no_population")
    if source.wave.series != MAIN_SERIES or np.isnan(asked).any():
        yield _Line(line="coverage_residence", obstacle="no_population")
        yield _Line(line="selection", obstacle="no_population")
        return
    bias = measure_selection_bias(sums.answer.mean, sums.answer.pooled_covariance(), population)
    off = asked - population[:, 0]
    yield _size_shifts(
        "coverage_residence",
        scores,
        bias.points[:, 0],
        measured=scores.average(off),
        is_signed=True,
    )
    if not bias.correlation >= MIN_CORRELATION:
        yield _Line(line="selection", measured=bias.correlation, obstacle="weak_proxy")
        return
    shown = _find_shown(source, sums, _RESIDENCE_GROUPS)
    for place, phi in enumerate(PHI):
        item, points = f"phi={phi:g}", bias.points[:, place]
        nation = scores.average(points)
        turned = scores.differences.find_turned(points - nation, is_signed=True)
        yield _Line(
            line="selection",
            item=item,
            measured=bias.correlation,
            bias=nation,
            size_city=scores.find_typical(np.where(shown, points, np.nan)),
            verdicts=float(turned.sum()),
        )
        for city, code in enumerate(sums.table.index):
            if not np.isnan(scores.differences.difference[city]):
                yield _Line(
                    line="selection",
                    item=item,
                    area=code,
                    bias=points[city],
                    verdicts=float(turned[city]),
                    shown=bool(shown[city]),
                    reason="" if shown[city] else SuppressionReason.SECONDARY.value,
                )
