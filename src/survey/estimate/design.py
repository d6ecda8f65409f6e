"""Sampling design: the columns that say how a row came into the sample."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.estimate.arrays import Codes, Flags, Floats
from survey.estimate.errors import EstimateError

LonelyRule = Literal["fail", "certainty", "adjust", "average"]
LONELY_RULES = ("fail", "certainty", "adjust", "average")


@dataclass(frozen=True)
class Design:
    """Sampling design: the frame's columns of weight, stratum, PSU and population, and its rules.

    Args:
        weight: sampling weight, finite and not negative.
        strata: stratum of the first stage; None means one stratum.
        psu: first-stage unit (sampling point); codes nest within strata. None means that every
            row was drawn on its own, or, with `assumed_deff`, that the points were not recorded.
        fpc: number of PSUs in the stratum's population (first-stage finite population
            correction); infinity switches it off.
        lonely_psu: what a stratum with a single PSU contributes (R: `survey.lonely.psu`).
        assumed_deff: used only when `psu` is None: the standard error is the simple-random one
            times its root. Every table made this way says so in `attrs["assumed_deff"]`.
    """

    weight: str
    strata: str | None = None
    psu: str | None = None
    fpc: str | None = None
    lonely_psu: LonelyRule = "adjust"
    assumed_deff: float | None = None

    def __post_init__(self) -> None:
        if self.lonely_psu not in LONELY_RULES:
            raise EstimateError(
                "not_a_choice", name="lonely_psu", choices=LONELY_RULES, value=self.lonely_psu
            )


@dataclass(frozen=True)
class Strata:
    """Strata of a sample: labels, numbers of PSUs in sample and population, lonely-PSU rule."""

    stratum_labels: pd.Index
    units: Codes
    """Units sampled in each stratum, shape (H,): PSUs, or rows where the points are unknown."""
    population: Floats
    """PSUs in each stratum's population, infinity without a correction, shape (H,)."""
    psus: Codes
    """PSUs that are summed in each stratum, shape (H,)."""
    rule: LonelyRule
    assumed_deff: float | None

    @cached_property
    def scale(self) -> Floats:
        """Factor (1 - f) n / (n - 1) of each stratum's squared deviations in the variance.

        (1 - f) n / (n - 1), and (1 - f) where the stratum has one PSU.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            several = np.where(self.units > 1, self.units / (self.units - 1), 1.0)
        return (1 - self.units / self.population) * several

    @cached_property
    def lonely(self) -> Flags:
        """Flags of strata with a single sampled PSU that is not their whole population."""
        lonely: Flags = (self.units == 1) & (self.scale > 1e-7)
        return lonely

    @property
    def counted(self) -> Flags:
        """Flags of strata that contribute to the variance under the lonely-PSU rule."""
        return ~self.lonely | (self.rule == "adjust")

    def require_enough(self, column: str | None) -> None:
        """Raise an error, naming `column`, if a stratum has more sampled PSUs than population."""
        if (short := np.flatnonzero(self.population < self.units)).size:
            raise EstimateError(
                "fpc_too_small",
                stratum=self.stratum_labels[short[0]],
                psus=int(self.units[short[0]]),
                population=float(self.population[short[0]]),
                column=column,
            )


@dataclass(frozen=True)
class Sample(Strata):
    """Sampling design read from one frame as integer codes: n rows, P PSUs, H strata."""

    weight: Floats
    psu: Codes
    stratum: Codes
    """Stratum of each PSU, shape (P,)."""
    psu_labels: pd.MultiIndex
    """(stratum, PSU) as written in the frame, shape (P,)."""

    @classmethod
    def read(cls, frame: pd.DataFrame, design: Design) -> Self:
        """Read the columns of `design` from `frame`, and encode strata and PSUs.

        Raises:
            EstimateError: a column is absent, a weight is missing or negative, a design code is
                missing, or the population PSU count varies within or is below the stratum's.
        """
        weight = read_weight(frame, design.weight)
        stratum_of_row, stratum_labels = _codes(frame, design.strata, "missing_stratum")
        if design.psu is None:
            unit_of_row: Codes = np.arange(len(frame), dtype=np.intp)
            unit_labels = pd.Index(unit_of_row)
        else:
            unit_of_row, unit_labels = _codes(frame, design.psu, "missing_psu")
        nested = stratum_of_row * max(len(unit_labels), 1) + unit_of_row
        psu, keys = pd.factorize(nested)
        stratum = keys // max(len(unit_labels), 1)
        units = np.bincount(stratum, minlength=len(stratum_labels))
        assumed = design.assumed_deff if design.psu is None else None
        sample = cls(
            stratum_labels=stratum_labels,
            units=units,
            population=_population(frame, design, stratum_of_row, stratum_labels),
            psus=units,
            rule="adjust" if assumed else design.lonely_psu,
            assumed_deff=assumed,
            weight=weight,
            psu=psu,
            stratum=stratum,
            psu_labels=_pair_labels(
                (stratum_labels, stratum), (unit_labels, keys % max(len(unit_labels), 1))
            ),
        )
        sample.require_enough(design.fpc)
        return sample

    def without_points(self, block: Codes) -> "Sample":
        """Return a copy in which all rows of one `block` (code per row) and stratum form one PSU.

        For sums of a sample whose points were not recorded, where no variance is taken between
        PSUs.
        """
        stratum_of_row = self.stratum[self.psu]
        psu, keys = pd.factorize(block * len(self.stratum_labels) + stratum_of_row)
        blocks = pd.RangeIndex(int(block.max(initial=-1)) + 1)
        stratum = keys % len(self.stratum_labels)
        return replace(
            self,
            psu=psu.astype(np.intp),
            stratum=stratum,
            psu_labels=_pair_labels(
                (self.stratum_labels, stratum), (blocks, keys // len(self.stratum_labels))
            ),
            psus=np.bincount(stratum, minlength=len(self.stratum_labels)),
        )


def _pair_labels(*pairs: tuple[pd.Index, Codes]) -> pd.MultiIndex:
    """Return a two-level index, each level given as (distinct labels, code of each entry)."""
    levels, codes = zip(*pairs, strict=True)
    return pd.MultiIndex(levels, codes, verify_integrity=False)


def get_column(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return the column `name`, or raise an error that names the missing column."""
    if name not in frame.columns:
        raise EstimateError("missing_column", column=name)
    return frame[name]


def encode(values: pd.Series, *, sort: bool = False) -> tuple[npt.NDArray[np.integer], pd.Index]:
    """Return the code of each value (-1: missing) and the distinct values, sorted if `sort`.

    Categories are read off, not hashed, and keep their order.
    """
    if not isinstance(values.dtype, pd.CategoricalDtype):
        codes, distinct = pd.factorize(values, sort=sort)
        return codes, pd.Index(distinct)
    categorical = cast(pd.Categorical, values.array)
    kept, categories = categorical.codes, categorical.categories
    used = np.bincount(kept + 1, minlength=len(categories) + 1)[1:] > 0
    if used.all():
        return kept, categories
    place = np.append(np.cumsum(used) - 1, -1).astype(kept.dtype)
    return place[kept], categories[used]


def numbers(frame: pd.DataFrame, name: str) -> Floats:
    """Return a numeric column as float64 with NaN for missing, shape (n,)."""
    series = get_column(frame, name)
    if not (pd.api.types.is_numeric_dtype(series.dtype) or series.isna().all()):
        raise EstimateError("not_numeric", column=name)
    return series.to_numpy(dtype=np.float64, na_value=np.nan)


def read_weight(frame: pd.DataFrame, name: str) -> Floats:
    """Return the weight column, shape (n,); raise an error for missing or negative weights."""
    weight = numbers(frame, name)
    if missing := int((~np.isfinite(weight)).sum()):
        raise EstimateError("missing_weight", column=name, count=missing)
    if negative := int((weight < 0).sum()):
        raise EstimateError("negative_weight", column=name, count=negative)
    return weight


def _codes(frame: pd.DataFrame, name: str | None, missing: str) -> tuple[Codes, pd.Index]:
    if name is None:
        return np.zeros(len(frame), dtype=np.intp), pd.Index(["all"])
    codes, labels = encode(get_column(frame, name))
    if absent := int((codes < 0).sum()):
        raise EstimateError(missing, column=name, count=absent)
    return codes.astype(np.intp), labels


def _population(frame: pd.DataFrame, design: Design, stratum: Codes, labels: pd.Index) -> Floats:
    """Return the population's number of PSUs by stratum code; infinity without `fpc`."""
    if design.fpc is None:
        return np.full(len(labels), np.inf)
    population = numbers(frame, design.fpc)
    if absent := int(np.isnan(population).sum()):
        raise EstimateError("missing_fpc", column=design.fpc, count=absent)
    first = np.zeros(len(labels))
    first[stratum[::-1]] = population[::-1]
    if (uneven := np.flatnonzero(first[stratum] != population)).size:
        raise EstimateError("fpc_varies", column=design.fpc, stratum=labels[stratum[uneven[0]]])
    return first
