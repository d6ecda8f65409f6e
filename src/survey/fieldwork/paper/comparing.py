"""Two keyings of one sheet, field by field."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from survey.instrument.model import Instrument, Kind

HEAD = ("@point", "@surveyor", "@day")
"""Fields of a sheet's head beside its questions; no item can be called so."""


@dataclass(frozen=True)
class Keyed:
    """What one person keyed: the head of the sheet and the answers as recorded."""

    point_id: UUID
    surveyor_id: UUID
    interview_on: date
    answers: Mapping[str, Any]

    @property
    def fields(self) -> dict[str, Any]:
        """Every field by name; a question that was not asked is absent."""
        head = (self.point_id, self.surveyor_id, self.interview_on)
        return {**dict(zip(HEAD, head, strict=True)), **self.answers}


def differing(instrument: Instrument, first: Keyed, second: Keyed) -> tuple[str, ...]:
    """Names of the fields that differ, in the order of the sheet; calculations are not keyed."""
    fields, other = first.fields, second.fields
    return tuple(
        name
        for name in (*HEAD, *_keyed_items(instrument))
        if (name in fields) != (name in other)
        or not same(instrument, name, fields.get(name), other.get(name))
    )


def same(instrument: Instrument, name: str, value: object, other: object) -> bool:
    """Whether two people keyed the same. In open text only the words count: two people hardly
    ever set the same commas and spaces."""
    item = instrument.by_name.get(name)
    if item is not None and item.kind is Kind.TEXT:
        return _words(value) == _words(other)
    return value == other


def marked(instrument: Instrument, keyed: Keyed, settled: Keyed) -> tuple[int, int]:
    """Fields and errors of a keying against what was settled.

    A field counts where the typist was asked and the settled sheet has it, so that one wrong turn
    of the route is one error and not as many as it skipped.
    """
    mine, right = keyed.fields, settled.fields
    both = [name for name in (*HEAD, *_keyed_items(instrument)) if name in mine and name in right]
    return len(both), sum(not same(instrument, name, mine[name], right[name]) for name in both)


def _keyed_items(instrument: Instrument) -> list[str]:
    return [item.name for item in instrument.items() if item.kind is not Kind.CALCULATE]


def _words(text: object) -> str:
    plain = unicodedata.normalize("NFKC", text if isinstance(text, str) else "").casefold()
    return "".join(character for character in plain if character.isalnum())
