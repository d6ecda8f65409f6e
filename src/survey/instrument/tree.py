"""The indicator tree: versioned data that says how items add up to one score."""

import hashlib
from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property

import orjson

from survey.instrument.model import Frozen, Labels


class Provenance(StrEnum):
    """Where a name or a weight comes from."""

    SOURCED = "sourced"
    IMPLIED = "implied"
    ASSUMED = "assumed"
    UNCONFIRMED = "unconfirmed"
    OFFICIAL = "official"


class Indicator(Frozen):
    code: str
    parent: str | None
    level: int
    name: Labels
    weight: float
    """Share of the parent; the children of one parent sum to 1."""
    name_status: Provenance
    weight_status: Provenance


class IndicatorTree(Frozen):
    name: str
    indicators: tuple[Indicator, ...]

    def level(self, level: int) -> Iterator[Indicator]:
        return (indicator for indicator in self.indicators if indicator.level == level)

    @cached_property
    def by_code(self) -> dict[str, Indicator]:
        return {indicator.code: indicator for indicator in self.indicators}

    def document(self) -> bytes:
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.document()).hexdigest()
