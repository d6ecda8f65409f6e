"""Bands of scores, how probable each is, and the cities that a list does not name."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from survey.access.roles import NATION
from survey.disclosure import CityRun
from survey.figures.charts.interval_charts import ITEM
from survey.figures.views.chart_panels import score_title
from survey.figures.views.chart_rows import Rows
from survey.figures.views.view_context import ViewContext
from survey.locale import Translator
from survey.locale.figures import MISSING, format_share
from survey.results.derived_estimates import compute_band_probabilities
from survey.results.wave_results import Filter
from survey.settings import PROJECT_ROOT


class UnnamedCityRows:
    """Rows for runs of neighbouring unnamed cities, put among named cities by mean score."""

    def __init__(self, runs: Sequence[CityRun], scores: Sequence[float]) -> None:
        self.runs = runs
        values = np.array([*scores, *(run.mean for run in runs)], dtype=float)
        self._order = np.argsort(-values, kind="stable")

    def chart_rows(self, rows: Rows, t: Translator) -> Rows:
        """Return `rows` of a ranking plus one per run of unnamed cities: mean score and ranks."""
        names = [_describe_run(run, t) for run in self.runs]
        more: dict[str, Callable[[int], Any]] = {
            "label": lambda row: f"{names[row]}\n",
            "city": lambda row: names[row],
            "places": lambda row: f"{self.runs[row].first}–{self.runs[row].last}",
            "estimate": lambda row: self.runs[row].mean,
            "role": lambda _row: ITEM,
        }
        return self._merge_rows(rows, more)

    def table(self, listing: Rows, t: Translator) -> Rows:
        more: dict[str, Callable[[int], Any]] = {
            t("City"): lambda row: _describe_run(self.runs[row], t),
            t("Place"): lambda row: f"{self.runs[row].first}–{self.runs[row].last}",
            t("Possible places"): lambda _row: MISSING,
            score_title(t): lambda row: self.runs[row].mean,
            t("Remark"): lambda _row: t("Mean of these cities, which stay unnamed"),
        }
        return self._merge_rows(listing, more)

    def _merge_rows(self, rows: Rows, more: dict[str, Callable[[int], Any]]) -> Rows:
        if not self.runs:
            return rows
        return {name: self._build_column(values, more.get(name)) for name, values in rows.items()}

    def _build_column(self, values: Any, make: Callable[[int], Any] | None) -> Any:
        count = len(self.runs)
        if isinstance(values, np.ndarray):
            added = [np.nan if make is None else make(row) for row in range(count)]
            return np.append(values, np.array(added, dtype=float))[self._order]
        empty = None if values and not any(isinstance(value, str) for value in values) else ""
        whole = [*values, *(empty if make is None else make(row) for row in range(count))]
        return [whole[row] for row in self._order]


def _describe_run(run: CityRun, t: Translator) -> str:
    return t("Cities at places {first} to {last}", first=run.first, last=run.last)


def describe_release(context: ViewContext) -> str:
    """Describe which other cities this reader sees by name; empty where the reader sees all."""
    t, wave = context.t, context.wave
    if wave.others_are_shown or context.principal.area == NATION:
        return ""
    first = context.results.first_named(context.principal)
    if first:
        separator = "、" if context.language == "zh" else ", "
        names = separator.join(context.names.area(code) for code in first)
        return t(
            "Released by name only, in the order of city codes: the first {count} places of "
            "composite satisfaction are taken by {names}.",
            count=wave.first_places or len(first),
            names=names,
        )
    return t(
        "Other cities stay unnamed until the results are released to all: each further dot is the "
        "mean of about five cities that follow one another."
    )


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
    """Band of one score in words; `settled` where one band alone is probable enough."""

    label: str
    settled: bool


@lru_cache(maxsize=4)
def read_bands(path: Path = _BANDS_CSV) -> tuple[Band, ...]:
    """Read the bands declared in a CSV, the lowest first."""
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
    context: ViewContext, areas: Sequence[str], **wanted: Filter
) -> list[BandVerdict | None]:
    """Return the band of each area in words; None for an area without score or standard error.

    `wanted` are the keys of their cells, or of headlines where a `basis` is among them.
    """
    bands = read_bands()
    names = [band.name[context.language] for band in bands]
    edges = [band.lower for band in bands if band.lower is not None]
    chances = compute_band_probabilities(context.results, context.principal, edges, wanted=wanted)
    return [
        band_verdict(chances[area], names, context.t) if area in chances else None for area in areas
    ]


def band_verdict(
    chances: Sequence[float], names: Sequence[str], t: Translator
) -> BandVerdict | None:
    """Return the most probable of the bands `names` in words, by their `chances`; None if unknown.

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
