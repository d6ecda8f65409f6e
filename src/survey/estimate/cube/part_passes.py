"""Passes over all parts of a cube: the results of the parts, put in the order of the whole."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from survey.estimate.arrays import Floats
from survey.estimate.cube.part import CubePart, PartSums
from survey.estimate.cube.part_reader import PartReader
from survey.estimate.cube.passes import PartMeans, Pass, run_passes
from survey.estimate.cube.sums import PartPlace

MapParts = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Applies a function to the items and returns what it returns, in their order."""


@dataclass(frozen=True)
class PartPasses:
    """Runner of passes (computations) over all parts of a cube, which keeps results for reuse."""

    parts: tuple["CubePart | PartReader", ...]
    places: tuple[PartPlace, ...]
    sizes: dict[str, int]
    """Number of segments, blocks and PSUs of all parts."""
    means: Callable[[bool], PartMeans]
    """Returns the means of all areas, of the complements as well where asked."""
    run: MapParts = map
    kept: dict[Pass, tuple[Floats, ...]] = field(default_factory=dict)

    def fetch(self, wanted: Pass) -> tuple[Floats, ...]:
        """Return the arrays of the pass `wanted` over all parts: kept ones, or computed now."""
        return self.kept[wanted] if wanted in self.kept else self._take([wanted])[0]

    def keep(self, passes: Sequence[Pass]) -> None:
        """Run these passes together, once over every part, and keep their results."""
        missing = self._list_missing(passes)
        if missing:
            self.kept.update(zip(missing, self._take(missing), strict=True))

    @contextmanager
    def together(self, passes: Sequence[Pass]) -> Iterator[None]:
        """Run these passes together, once over every part; keep their results within the block."""
        missing = self._list_missing(passes)
        self.keep(missing)
        try:
            yield
        finally:
            for each_pass in missing:
                del self.kept[each_pass]

    def _list_missing(self, passes: Sequence[Pass]) -> list[Pass]:
        return [each_pass for each_pass in dict.fromkeys(passes) if each_pass not in self.kept]

    def psu_labels(self) -> pd.MultiIndex:
        """Return the (stratum, PSU) labels of all PSUs, in the order of the whole cube."""
        labels = list(self.run(_read_labels, self.parts))
        joined: pd.MultiIndex = labels[0]
        for part in labels[1:]:
            joined = joined.append(part)
        place = np.concatenate([place.psu for place in self.places])
        order = np.empty_like(place)
        order[place] = np.arange(len(place))
        return joined.take(order)

    def _take(self, passes: Sequence[Pass]) -> list[tuple[Floats, ...]]:
        means = self.means(any(each_pass.needs_rest for each_pass in passes))
        jobs = (
            (part, tuple(passes), means.take(place.block))
            for part, place in zip(self.parts, self.places, strict=True)
        )
        found = self.run(_run_passes, jobs)
        if len(self.parts) == 1 and _is_in_order(self.places[0]):
            return next(iter(found))
        whole: list[tuple[Floats, ...]] = []
        for place, arrays in zip(self.places, found, strict=True):
            whole = whole or [
                tuple(np.empty((self.sizes[each_pass.axis], *one.shape[1:])) for one in results)
                for each_pass, results in zip(passes, arrays, strict=True)
            ]
            for each_pass, target, results in zip(passes, whole, arrays, strict=True):
                for all_parts, own in zip(target, results, strict=True):
                    all_parts[getattr(place, each_pass.axis)] = own
        return whole


def read_part(part: "CubePart | PartReader") -> CubePart:
    """Return the rows of a part with their sums; a `PartReader` reads them first."""
    return part if isinstance(part, CubePart) else part.read()


def sum_rows(part: "CubePart | PartReader") -> PartSums:
    """Return the sums of a part by block and by segment, without its rows."""
    return read_part(part).sum_rows()


def _run_passes(job: tuple["CubePart | PartReader", tuple[Pass, ...], PartMeans]) -> Any:
    part, passes, means = job
    return run_passes(read_part(part), passes, means)


def _read_labels(part: "CubePart | PartReader") -> pd.MultiIndex:
    return read_part(part).psu_labels


def _is_in_order(place: PartPlace) -> bool:
    return all(
        bool((places == np.arange(len(places))).all())
        for places in (place.block, place.segment, place.psu)
    )
