"""Sampling design: the columns that say how a row came into the sample."""

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey.estimate.arrays import Codes, Flags, Floats
from survey.estimate.errors import EstimateError

LonelyRule = Literal["fail", "certainty", "adjust", "average"]
LONELY_RULES = ("fail", "certainty", "adjust", "average")


@dataclass(frozen=True)
class Design:
    """Columns of a frame that carry the design.

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
class Sample:
    """A design read from one frame: n rows, P PSUs, H strata, everything as integer codes.

    `scale` is the factor of a stratum's squared deviations: (1 - f) n / (n - 1), and (1 - f)
    where the stratum has one PSU. `lonely` marks one-PSU strata that are no certainty by `fpc`.
    """

    weight: Floats
    psu: Codes
    stratum: Codes
    """Stratum of each PSU, shape (P,)."""
    psu_labels: pd.MultiIndex
    """(stratum, PSU) as written in the frame, shape (P,)."""
    stratum_labels: pd.Index
    psus: Codes
    """PSUs sampled in each stratum, shape (H,)."""
    scale: Floats
    lonely: Flags
    rule: LonelyRule
    assumed_deff: float | None

    @property
    def counted(self) -> Flags:
        """Strata that add to the variance under the lonely rule, shape (H,)."""
        return ~self.lonely | (self.rule == "adjust")

    @classmethod
    def read(cls, frame: pd.DataFrame, design: Design) -> Self:
        """Encode `design` for `frame`.

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
        psus = np.bincount(stratum, minlength=len(stratum_labels))
        fraction = _sampling_fraction(frame, design, stratum_of_row, stratum_labels, psus)
        assumed = design.assumed_deff if design.psu is None else None
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = (1 - fraction) * np.where(psus > 1, psus / (psus - 1), 1.0)
        return cls(
            weight=weight,
            psu=psu,
            stratum=stratum,
            psu_labels=pd.MultiIndex.from_arrays(
                [stratum_labels[stratum], unit_labels[keys % max(len(unit_labels), 1)]]
            ),
            stratum_labels=stratum_labels,
            psus=psus,
            scale=scale,
            lonely=(psus == 1) & (scale > 1e-7),
            rule="adjust" if assumed else design.lonely_psu,
            assumed_deff=assumed,
        )

    def without_points(self, block: Codes) -> "Sample":
        """Return the same rows with one PSU per (block, stratum).

        For sums of a sample whose points were not recorded, where no variance is taken between
        PSUs.
        """
        stratum_of_row = self.stratum[self.psu]
        psu, keys = pd.factorize(block * len(self.stratum_labels) + stratum_of_row)
        stratum = keys % len(self.stratum_labels)
        labels = self.stratum_labels[stratum]
        return replace(
            self,
            psu=psu.astype(np.intp),
            stratum=stratum,
            psu_labels=pd.MultiIndex.from_arrays([labels, keys // len(self.stratum_labels)]),
            psus=np.bincount(stratum, minlength=len(self.stratum_labels)),
        )


def get_column(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column, or raise an error that names it."""
    if name not in frame.columns:
        raise EstimateError("missing_column", column=name)
    return frame[name]


def encode(values: pd.Series, *, sort: bool = False) -> tuple[npt.NDArray[np.integer], pd.Index]:
    """Return the code of each value, -1 where it is missing, and the distinct values.

    Categories are read off, not hashed, and keep their order.
    """
    if not isinstance(values.dtype, pd.CategoricalDtype):
        codes, distinct = pd.factorize(values, sort=sort)
        return codes, pd.Index(distinct)
    kept = values.cat.codes.to_numpy()
    used = np.bincount(kept + 1, minlength=len(values.cat.categories) + 1)[1:] > 0
    if used.all():
        return kept, values.cat.categories
    place = np.append(np.cumsum(used) - 1, -1).astype(kept.dtype)
    return place[kept], values.cat.categories[used]


def numbers(frame: pd.DataFrame, name: str) -> Floats:
    """Return a column as float64 with NaN for missing, shape (n,)."""
    series = get_column(frame, name)
    if not (pd.api.types.is_numeric_dtype(series.dtype) or series.isna().all()):
        raise EstimateError("not_numeric", column=name)
    return series.to_numpy(dtype=np.float64, na_value=np.nan)


def read_weight(frame: pd.DataFrame, name: str) -> Floats:
    """Return the weight column, finite and not negative, shape (n,)."""
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


def _sampling_fraction(
    frame: pd.DataFrame, design: Design, stratum: Codes, labels: pd.Index, psus: Codes
) -> Floats:
    if design.fpc is None:
        return np.zeros(len(labels))
    population = numbers(frame, design.fpc)
    if absent := int(np.isnan(population).sum()):
        raise EstimateError("missing_fpc", column=design.fpc, count=absent)
    first = np.zeros(len(labels))
    first[stratum[::-1]] = population[::-1]
    if (uneven := np.flatnonzero(first[stratum] != population)).size:
        raise EstimateError("fpc_varies", column=design.fpc, stratum=labels[stratum[uneven[0]]])
    if (short := np.flatnonzero(first < psus)).size:
        raise EstimateError(
            "fpc_too_small",
            stratum=labels[short[0]],
            psus=int(psus[short[0]]),
            population=float(first[short[0]]),
            column=design.fpc,
        )
    return psus / first
