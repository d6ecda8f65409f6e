"""Indicator trees: versioned weights by which items add up to one score."""

import hashlib
import math
from collections.abc import Collection, Iterator
from enum import StrEnum
from functools import cached_property

import orjson

from survey.instrument.model import FrozenModel, Labels


class Provenance(StrEnum):
    """Where a name or a weight comes from."""

    SOURCED = "sourced"
    IMPLIED = "implied"
    ASSUMED = "assumed"
    UNCONFIRMED = "unconfirmed"
    OFFICIAL = "official"


class Indicator(FrozenModel):
    code: str
    parent: str | None
    level: int
    name: Labels
    weight: float
    """Share of the parent; the children of one parent sum to 1."""
    name_status: Provenance
    weight_status: Provenance


class IndicatorTree(FrozenModel):
    name: str
    indicators: tuple[Indicator, ...]

    def level(self, level: int) -> Iterator[Indicator]:
        return (indicator for indicator in self.indicators if indicator.level == level)

    @cached_property
    def by_code(self) -> dict[str, Indicator]:
        return {indicator.code: indicator for indicator in self.indicators}

    def without_question(self, measured: Collection[str]) -> tuple[str, ...]:
        """Return codes under which no indicator of `measured` lies."""
        alive = set(measured)
        for indicator in sorted(self.indicators, key=lambda node: -node.level):
            if indicator.code in alive and indicator.parent is not None:
                alive.add(indicator.parent)
        return tuple(node.code for node in self.indicators if node.code not in alive)

    def measured_by(self, measured: Collection[str]) -> "IndicatorTree":
        """Return the tree without those codes; the others under a parent share its weight."""
        gone = set(self.without_question(measured))
        if not gone:
            return self
        kept = [indicator for indicator in self.indicators if indicator.code not in gone]
        sums = {
            parent: math.fsum(indicator.weight for indicator in kept if indicator.parent == parent)
            for parent in {indicator.parent for indicator in kept}
        }
        scaled = (
            indicator.model_copy(update={"weight": indicator.weight / sums[indicator.parent]})
            for indicator in kept
        )
        return IndicatorTree(name=self.name, indicators=tuple(scaled))

    def document(self) -> bytes:
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.document()).hexdigest()
