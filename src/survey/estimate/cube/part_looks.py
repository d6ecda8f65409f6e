"""Looks at all parts of a cube: what each part returns, put in the order of the whole."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from survey.estimate.arrays import Floats
from survey.estimate.cube.looks import Look, PartMeans, look_at
from survey.estimate.cube.part import CubePart, PartSums
from survey.estimate.cube.part_reader import PartReader
from survey.estimate.cube.sums import PartPlace

MapParts = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Applies a function to the items and returns what it returns, in their order."""


@dataclass(frozen=True)
class PartLooks:
    """Parts of a cube with their places, and what is kept of the looks at them."""

    parts: tuple["CubePart | PartReader", ...]
    places: tuple[PartPlace, ...]
    sizes: dict[str, int]
    """Number of segments, blocks and PSUs of all parts."""
    means: Callable[[bool], PartMeans]
    """Returns the means of all areas, of the complements as well where asked."""
    run: MapParts = map
    kept: dict[Look, tuple[Floats, ...]] = field(default_factory=dict)

    def fetch(self, look: Look) -> tuple[Floats, ...]:
        """Return what one look finds in all parts."""
        return self.kept[look] if look in self.kept else self._take([look])[0]

    def keep(self, looks: Sequence[Look]) -> None:
        """Look at every part once for all of these questions, and keep the answers."""
        missing = self._list_missing(looks)
        if missing:
            self.kept.update(zip(missing, self._take(missing), strict=True))

    @contextmanager
    def together(self, looks: Sequence[Look]) -> Iterator[None]:
        """Look at every part once for all of these questions, for as long as the block lasts."""
        missing = self._list_missing(looks)
        self.keep(missing)
        try:
            yield
        finally:
            for look in missing:
                del self.kept[look]

    def _list_missing(self, looks: Sequence[Look]) -> list[Look]:
        return [look for look in dict.fromkeys(looks) if look not in self.kept]

    def psu_labels(self) -> pd.MultiIndex:
        """Return stratum and code of every PSU, in the order of all parts."""
        labels = list(self.run(_read_labels, self.parts))
        joined: pd.MultiIndex = labels[0]
        for part in labels[1:]:
            joined = joined.append(part)
        place = np.concatenate([place.psu for place in self.places])
        order = np.empty_like(place)
        order[place] = np.arange(len(place))
        return joined.take(order)

    def _take(self, looks: Sequence[Look]) -> list[tuple[Floats, ...]]:
        means = self.means(any(look.needs_rest for look in looks))
        jobs = (
            (part, tuple(looks), means.take(place.block))
            for part, place in zip(self.parts, self.places, strict=True)
        )
        found = self.run(_look, jobs)
        if len(self.parts) == 1 and _is_in_order(self.places[0]):
            return next(iter(found))
        whole: list[tuple[Floats, ...]] = []
        for place, arrays in zip(self.places, found, strict=True):
            whole = whole or [
                tuple(np.empty((self.sizes[look.axis], *one.shape[1:])) for one in results)
                for look, results in zip(looks, arrays, strict=True)
            ]
            for look, target, results in zip(looks, whole, arrays, strict=True):
                for all_parts, own in zip(target, results, strict=True):
                    all_parts[getattr(place, look.axis)] = own
        return whole


def read_part(part: "CubePart | PartReader") -> CubePart:
    """Return the rows of a part with their sums, read unless they are in memory."""
    return part if isinstance(part, CubePart) else part.read()


def first_look(part: "CubePart | PartReader") -> PartSums:
    """Return the sums of a part, without its rows."""
    return read_part(part).sum_rows()


def _look(job: tuple["CubePart | PartReader", tuple[Look, ...], PartMeans]) -> Any:
    part, looks, means = job
    return look_at(read_part(part), looks, means)


def _read_labels(part: "CubePart | PartReader") -> pd.MultiIndex:
    return read_part(part).psu_labels


def _is_in_order(place: PartPlace) -> bool:
    return all(
        bool((places == np.arange(len(places))).all())
        for places in (place.block, place.segment, place.psu)
    )
