"""Weights of a snapshot: raked to age × gender in each city, or those the interviews came with.

Source: the survey's own design (statistics.md, "Weights"). City totals are the declared city
weights, which is what makes the nation a domain like any other.

Where guardians were asked more often, their share of the city's population is a second margin. Then
a weight is base x age-gender factor x guardian factor, which is the inverse of the chance of being
asked under such a plan, whether or not the field met the quota of guardians exactly.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from survey.disclosure import MINIMUM_N
from survey.estimate import rake
from survey.estimate.arrays import Floats
from survey.estimate.design import encode
from survey.estimate.margins import MarginKey
from survey.frame.population_margins import PopulationMargins
from survey.locale import RefusedError, msg
from survey.results.domains import list_counts
from survey.snapshots.response_frame import GIVEN_WEIGHT

CELL = "cell"
GUARDIAN = "guardian"
UNKNOWN = "unknown"


class CellMerge(BaseModel):
    """Margin cells of one city that were joined because one of them had no respondent."""

    model_config = ConfigDict(frozen=True)

    city_code: str
    cells: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class WeightSpread:
    """Sums of weights by city, and the smallest and largest single weights."""

    by_city: pd.DataFrame
    """n, total (of the weights), squares (of them); indexed by city code, sorted."""
    smallest: Floats
    """Smallest weights, up to `MINIMUM_N` of them, sorted."""
    largest: Floats
    """Largest weights, up to `MINIMUM_N` of them, sorted."""

    @classmethod
    def of(cls, weights: pd.Series, city: pd.Series) -> "WeightSpread":
        values = weights.to_numpy(dtype=np.float64)
        code, labels = pd.factorize(city.astype(str), sort=True)
        sums = pd.DataFrame(
            {
                "n": np.bincount(code, minlength=len(labels)),
                "total": np.bincount(code, values, len(labels)),
                "squares": np.bincount(code, values**2, len(labels)),
            },
            index=pd.Index(labels, dtype=object),
        )
        ordered = np.sort(values)
        return cls(sums, ordered[:MINIMUM_N], ordered[-MINIMUM_N:])

    @classmethod
    def join(cls, spreads: Sequence["WeightSpread"]) -> "WeightSpread":
        """Join the spreads of parts that have no city in common."""
        by_city = pd.concat([spread.by_city for spread in spreads]).sort_index()
        smallest = np.sort(np.concatenate([spread.smallest for spread in spreads]))
        largest = np.sort(np.concatenate([spread.largest for spread in spreads]))
        return cls(by_city, smallest[:MINIMUM_N], largest[-MINIMUM_N:])

    @property
    def rows(self) -> int:
        return int(self.by_city["n"].sum())

    @property
    def mean(self) -> float:
        return math.fsum(self.by_city["total"]) / self.rows

    @property
    def kish_deff(self) -> float:
        """Kish's design effect of the weights: their mean square over their squared mean.

        At least 1; of equal weights rounding alone would make it a little less.
        """
        return max(1.0, math.fsum(self.by_city["squares"]) / self.rows / self.mean**2)

    def figures(self) -> dict[str, float]:
        """Return the fields of a `WeightingReport` that describe the spread of the weights."""
        return {
            "kish_deff": self.kish_deff,
            "effective_n": self.rows / self.kish_deff,
            "smallest": float(self.smallest[0] / self.mean),
            "largest": float(self.largest[-1] / self.mean),
        }


class WeightingReport(BaseModel):
    """Report on the weights of a wave, shown on the method page."""

    model_config = ConfigDict(frozen=True)

    margin: tuple[str, ...]
    """Columns crossed to one margin; none: the weights stop at the city totals."""
    source: str
    year: int | None
    sweeps: int
    largest_misfit: float
    kish_deff: float
    effective_n: float
    smallest: float
    largest: float
    """Smallest and largest weight over the mean weight of the wave."""
    unknown: int
    """Respondents without age or gender: they keep their city's base weight."""
    merges: tuple[CellMerge, ...]
    oversampled: tuple[str, ...] = ()
    """Groups that were asked more often than others and that the weights brought back."""
    way: Literal["raked", "given"] = "raked"
    """Whether the weights were made here or came with the interviews of an imported file."""
    shown_smallest: float | None = None
    """Smallest given weight, over the mean, with enough weights at or below it to tell nobody's."""
    shown_largest: float | None = None


_NOT_RAKED: dict[str, Any] = {
    "margin": (), "source": "", "year": None, "sweeps": 0, "largest_misfit": 0.0, "unknown": 0,
    "merges": (),
}  # fmt: skip
"""Report of weights that stop at the city totals, or were delivered with the interviews."""


def rake_weights(
    frame: pd.DataFrame,
    city_total: Mapping[str, float],
    margins: PopulationMargins | None,
    *,
    guardian_share: Mapping[str, float] | None = None,
) -> tuple[pd.Series, WeightingReport]:
    """Return weights that add up to `city_total`, raked to `margins` if given, and a report.

    Args:
        frame: `city_code` and the columns of `margins.cells`.
        city_total: what the weights of a city add up to.
        margins: population of each cell, or None to stop at the city totals. They are scaled to
            the city total.
        guardian_share: guardians among each city's population, where they were asked more often;
            `frame` then has the column `guardian`.

    Raises:
        EstimateError: margins that cannot be met; the error names city and cell.
    """
    city = frame["city_code"].astype(str)
    codes, names = pd.factorize(city)
    total = np.array([city_total.get(name, np.nan) for name in names], dtype=float)
    base = pd.Series((total / np.bincount(codes))[codes], index=city.index)
    if margins is None or not set(margins.cells) <= set(frame.columns):
        return base, WeightingReport(**_NOT_RAKED, **WeightSpread.of(base, city).figures())
    cells, targets, merges = _build_margin_cells(frame, city, city_total, margins)
    work = pd.DataFrame({"city_code": city, CELL: cells, "base": base}, index=frame.index)
    raking: dict[MarginKey, pd.Series] = {CELL: targets}
    if guardian_share is not None:
        work[GUARDIAN], raking[GUARDIAN], alone = _build_guardian_cells(
            frame[GUARDIAN], city, city_total, guardian_share
        )
        merges += alone
    raked = rake(work, "base", raking, within="city_code")
    report = WeightingReport(
        margin=margins.cells,
        source=margins.source,
        year=margins.year,
        sweeps=raked.sweeps,
        largest_misfit=raked.largest_misfit,
        unknown=int((cells == UNKNOWN).sum()),
        merges=tuple(sorted(merges, key=lambda merge: merge.city_code)),
        **WeightSpread.of(raked.weights, city).figures(),
    )
    return raked.weights, report


def _build_margin_cells(
    frame: pd.DataFrame,
    city: pd.Series,
    city_total: Mapping[str, float],
    margins: PopulationMargins,
) -> tuple[pd.Series, pd.Series, tuple[CellMerge, ...]]:
    """Return each respondent's margin cell, (city, cell) -> target, and the merged cells."""
    label = _name_cells(frame, margins.cells)
    census = margins.table[margins.table["city_code"].isin(city.unique())]
    keys = zip(census["city_code"], _name_cells(census, margins.cells), strict=True)
    population = dict(zip(keys, census["population"].astype(float), strict=True))
    ladders = _merge_ladders(margins)
    names: dict[tuple[str, str], str] = {}
    targets: dict[tuple[str, str], float] = {}
    merges: list[CellMerge] = []
    for code, counts in _count_labels(city, label):
        share_unknown = counts.get(UNKNOWN, 0) / sum(counts.values())
        if share_unknown:
            targets[code, UNKNOWN] = city_total[code] * share_unknown
        people = {cell: population[code, cell] for ladder in ladders for cell in ladder}
        scale = city_total[code] * (1 - share_unknown) / sum(people.values())
        for joined in _join_empty_cells(ladders, counts):
            name = "+".join(joined)
            targets[code, name] = sum(people[cell] for cell in joined) * scale
            names.update({(code, cell): name for cell in joined})
            if len(joined) > 1:
                merges.append(CellMerge(city_code=code, cells=joined))
    cell = _cell_of_rows(city, label, names)
    index = pd.MultiIndex.from_tuples(targets, names=["city_code", CELL])
    return cell, pd.Series(list(targets.values()), index=index), tuple(merges)


def _count_labels(city: pd.Series, label: pd.Series) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield each city code, sorted, with label -> number of its rows that have the label."""
    city_codes, cities = pd.factorize(city, sort=True)
    label_codes, labels = pd.factorize(label)
    pairs = np.bincount(city_codes * len(labels) + label_codes, minlength=len(cities) * len(labels))
    for code, counts in zip(cities, pairs.reshape(len(cities), -1).tolist(), strict=True):
        yield str(code), dict(zip(labels, counts, strict=True))


def _cell_of_rows(
    city: pd.Series, label: pd.Series, names: Mapping[tuple[str, str], str]
) -> pd.Series:
    """Return the name of each row's margin cell, looked up by city and label."""
    city_codes, cities = pd.factorize(city, use_na_sentinel=False)
    label_codes, labels = pd.factorize(label, use_na_sentinel=False)
    pairs = [[names.get((city, label), UNKNOWN) for label in labels] for city in cities]
    cells = np.array(pairs, dtype=object).reshape(len(cities), len(labels))
    return pd.Series(cells[city_codes, label_codes], index=city.index, dtype=city.dtype)


def _build_guardian_cells(
    answered: pd.Series,
    city: pd.Series,
    city_total: Mapping[str, float],
    share: Mapping[str, float],
) -> tuple[pd.Series, pd.Series, tuple[CellMerge, ...]]:
    """Return label, targets and merges as `_build_margin_cells`, with cells guardian and other."""
    label = answered.astype("string").fillna(UNKNOWN).astype(object)
    targets: dict[tuple[str, str], float] = {}
    merges: list[CellMerge] = []
    for code, row in pd.crosstab(city, label).iterrows():
        name, total = str(code), city_total[str(code)]
        unknown = float(row.get(UNKNOWN, 0)) / float(row.sum())
        if unknown:
            targets[name, UNKNOWN] = total * unknown
        known = total * (1 - unknown)
        if row.get("yes", 0) and row.get("no", 0):
            targets[name, "yes"] = known * share[name]
            targets[name, "no"] = known * (1 - share[name])
        elif known:
            label = label.mask((city == code) & (label != UNKNOWN), "any")
            targets[name, "any"] = known
            merges.append(CellMerge(city_code=name, cells=("guardian=yes", "guardian=no")))
    index = pd.MultiIndex.from_tuples(targets, names=["city_code", GUARDIAN])
    return label, pd.Series(list(targets.values()), index=index), tuple(merges)


def _merge_ladders(margins: PopulationMargins) -> list[list[str]]:
    """Return lists of margin cells; an empty cell is merged within its own list if it can be."""
    distinct = margins.table[list(margins.cells)].drop_duplicates()
    labels = _name_cells(distinct, margins.cells)
    if len(margins.cells) == 1:
        return [list(labels)]
    rest = _name_cells(distinct, margins.cells[1:])
    return [list(labels[rest == value]) for value in dict.fromkeys(rest)]


def _join_empty_cells(ladders: list[list[str]], counts: Mapping[str, int]) -> list[tuple[str, ...]]:
    """Return the cells of all ladders as tuples, empty ones (0 in `counts`) with a neighbour.

    A ladder without any respondent joins the last cell of the ladder before it.
    """
    finished: list[tuple[str, ...]] = []
    stranded: list[str] = []
    for ladder in ladders:
        waiting, start = stranded, len(finished)
        for cell in ladder:
            waiting = [*waiting, cell]
            if counts.get(cell, 0) > 0:
                finished.append(tuple(waiting))
                waiting = []
        stranded = waiting
        if waiting and len(finished) > start:
            finished[-1] = (*finished[-1], *waiting)
            stranded = []
    if stranded and finished:
        finished[-1] = (*finished[-1], *stranded)
    return finished


def _name_cells(table: pd.DataFrame, cells: tuple[str, ...]) -> pd.Series:
    """Return the name `a:b` of each row's values in the columns `cells`; `UNKNOWN` for nulls."""
    codes, distinct = encode(table[cells[0]])
    known, place, names = codes >= 0, codes.astype(np.int64), [str(value) for value in distinct]
    for column in cells[1:]:
        codes, distinct = encode(table[column])
        known &= codes >= 0
        place = place * len(distinct) + codes
        names = [f"{name}:{value}" for name in names for value in distinct]
    texts = np.array([*names, UNKNOWN], dtype=object)
    return pd.Series(texts[np.where(known, place, len(names))], index=table.index, dtype=object)


def join_reports(reports: Sequence[WeightingReport], spread: WeightSpread) -> WeightingReport:
    """Return the report on a wave's weights from the reports and the joined spread of its parts."""
    first = reports[0]
    if first.way == "given":
        return _report_given_weights(spread)
    merges = [merge for report in reports for merge in report.merges]
    return first.model_copy(
        update={
            "sweeps": max(report.sweeps for report in reports),
            "largest_misfit": max(report.largest_misfit for report in reports),
            "unknown": sum(report.unknown for report in reports),
            "merges": tuple(sorted(merges, key=lambda merge: merge.city_code)),
            **spread.figures(),
        }
    )


def require_all_weights(missing: Mapping[str, int]) -> None:
    """Raise `RefusedError` if interviews lack imported weights; `missing` counts them by city.

    Args:
        missing: interviews without one, by city code.
    """
    count = sum(missing.values())
    if count:
        raise RefusedError(
            "weights_missing",
            msg(
                "{count} interviews have no weight although the others came with one (by city: "
                "{cities}). Void them, or import all interviews with their weights into a wave "
                "with another key.",
                count=count,
                cities=list_counts(missing),
            ),
        )


def read_given_weights(frame: pd.DataFrame) -> tuple[pd.Series, WeightingReport] | None:
    """Return the imported weights of `frame` and a report on them; None without any.

    A second raking would undo the design of the sample. So nothing is scaled, trimmed or raked
    here, and city totals are what the given weights add up to.

    Raises:
        RefusedError: some interviews have none.
    """
    if GIVEN_WEIGHT not in frame:
        return None
    weights = frame[GIVEN_WEIGHT].astype(float)
    without = weights.isna()
    missing = frame["city_code"][without].astype(str).value_counts()
    require_all_weights({str(code): int(n) for code, n in missing.items()})
    return weights, _report_given_weights(WeightSpread.of(weights, frame["city_code"]))


def _report_given_weights(spread: WeightSpread) -> WeightingReport:
    enough = spread.rows >= 2 * MINIMUM_N
    return WeightingReport(
        **_NOT_RAKED,
        way="given",
        shown_smallest=float(spread.smallest[-1] / spread.mean) if enough else None,
        shown_largest=float(spread.largest[0] / spread.mean) if enough else None,
        **spread.figures(),
    )
