"""Bands of scores, and how probable it is that a score lies in one."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from pathlib import Path

from survey.locale import Translator
from survey.locale.figures import format_share
from survey.publish.views.view_context import ViewContext
from survey.results.derived_estimates import compute_band_probabilities
from survey.results.wave_results import Filter
from survey.settings import PROJECT_ROOT

MIN_BAND_PROBABILITY = 0.9
"""A band is called by its name alone from this probability on."""
_BANDS_CSV = PROJECT_ROOT / "seed" / "bands.csv"
_NEARLY_CERTAIN = 0.995


@dataclass(frozen=True)
class Band:
    """Band of scores; `lower` is the smallest score in it, None for the lowest band."""

    code: str
    name: dict[str, str]
    lower: float | None
    status: str
    """`implied` by published scores, or `assumed`."""
    source: str


@dataclass(frozen=True)
class BandVerdict:
    """Band of one score in words; `settled` where it is all but certain."""

    label: str
    settled: bool


@lru_cache(maxsize=4)
def read_bands(path: Path = _BANDS_CSV) -> tuple[Band, ...]:
    """Read the declared bands, lowest first."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Band(
                code=row["code"],
                name={"zh": row["name_zh"], "en": row["name_en"]},
                lower=float(row["lower"]) if row["lower"] else None,
                status=row["status"],
                source=row["source"],
            )
            for row in csv.DictReader(file)
        )


def band_verdicts(
    reading: ViewContext, areas: Sequence[str], **wanted: Filter
) -> list[BandVerdict | None]:
    """Return the band of each of some areas; None without a score or an error.

    `wanted` are the keys of their cells, or of headlines where a `basis` is among them.
    """
    bands = read_bands()
    names = [band.name[reading.language] for band in bands]
    edges = [band.lower for band in bands if band.lower is not None]
    chances = compute_band_probabilities(reading.results, reading.principal, edges, wanted=wanted)
    return [
        band_verdict(chances[area], names, reading.t) if area in chances else None for area in areas
    ]


def band_verdict(
    chances: Sequence[float], names: Sequence[str], t: Translator
) -> BandVerdict | None:
    """Return one band with its probability, or the fewest likely enough together.

    Enough is `MIN_BAND_PROBABILITY`.
    """
    if any(isnan(chance) for chance in chances):
        return None
    order = sorted(range(len(names)), key=lambda place: -chances[place])
    chosen: list[int] = []
    while sum(chances[place] for place in chosen) < MIN_BAND_PROBABILITY:
        chosen.append(order[len(chosen)])
    either = t(" or ").join(names[place] for place in chosen)
    probabilities = ", ".join(_format_chance(chances[place]) for place in chosen)
    if len(chosen) == 1:
        return BandVerdict(
            t("{band} (probability {per_cent})", band=either, per_cent=probabilities), True
        )
    words = t("{bands}, not settled (probability {per_cent})", bands=either, per_cent=probabilities)
    return BandVerdict(words, False)


def _format_chance(chance: float) -> str:
    return ">99%" if chance >= _NEARLY_CERTAIN else format_share(chance, 0)
