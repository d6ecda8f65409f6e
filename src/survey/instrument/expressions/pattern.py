"""Patterns of `regex()`: a portable subset of regular expressions as a position automaton.

Neither Python's nor the browser's engine is asked: the two differ in what `.`, `\\s`, `$` and
astral characters mean, and both can be made to backtrack for minutes. The pattern becomes a
Glushkov automaton once, at import; both evaluators step through it in linear time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

Json = str | float | int | bool | list["Json"]

Ranges = tuple[int, ...]
"""Code point ranges, flat and inclusive: (low, high, low, high, …), sorted and disjoint."""

_CACHED_STEPS = 4_096


@dataclass(frozen=True, slots=True)
class Automaton:
    """Position `p` consumes one character of `sets[at[p]]` and hands on to `follow[p]`."""

    sets: tuple[Ranges, ...]
    at: tuple[int, ...]
    first: tuple[int, ...]
    follow: tuple[tuple[int, ...], ...]
    last: frozenset[int]
    accepts_empty: bool
    _steps: dict[tuple[int, str], tuple[int, bool]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def to_json(self) -> list["Json"]:
        """Return sets, set by position, first, follow, last, and whether the empty text matches."""
        return [
            [list(ranges) for ranges in self.sets],
            list(self.at),
            list(self.first),
            [list(positions) for positions in self.follow],
            [1 if position in self.last else 0 for position in range(len(self.at))],
            self.accepts_empty,
        ]

    def matches(self, text: str) -> bool:
        """Return whether the whole text matches."""
        waiting, accepted = _mask(self.first), self.accepts_empty
        for character in text:
            if not waiting:
                return False
            step = self._steps.get((waiting, character))
            if step is None:
                step = self._step(waiting, character)
            waiting, accepted = step
        return accepted

    def _step(self, waiting: int, character: str) -> tuple[int, bool]:
        code = ord(character)
        following, accepted = 0, False
        for position, set_index in enumerate(self.at):
            if waiting >> position & 1 and _holds(self.sets[set_index], code):
                following |= _mask(self.follow[position])
                accepted = accepted or position in self.last
        if len(self._steps) >= _CACHED_STEPS:
            self._steps.clear()
        self._steps[waiting, character] = following, accepted
        return following, accepted


def _mask(positions: Sequence[int]) -> int:
    mask = 0
    for position in positions:
        mask |= 1 << position
    return mask


def _holds(ranges: Ranges, code: int) -> bool:
    return any(low <= code <= high for low, high in zip(ranges[::2], ranges[1::2], strict=True))
