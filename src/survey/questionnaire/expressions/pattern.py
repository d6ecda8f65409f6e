"""Patterns of `regex()`: a portable subset of regular expressions as a position automaton.

Neither Python's nor the browser's engine is asked: the two differ in what `.`, `\\s`, `$` and
astral characters mean, and both can be made to backtrack for minutes. The pattern becomes a
Glushkov automaton once, at import; both evaluators step through it in linear time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from survey.questionnaire.expressions.pattern_parser import (
    MAX_POSITIONS,
    ChoiceNode,
    Node,
    Ranges,
    RepeatNode,
    SequenceNode,
    SetNode,
    parse_pattern,
    too_long,
)

Json = str | float | int | bool | list["Json"]

_CACHED_STEPS = 4_096


@dataclass(frozen=True, slots=True)
class Automaton:
    """Finite automaton of a pattern by Glushkov: character sets, positions and their followers."""

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
        """Return the automaton as a JSON array for the evaluator in the browser."""
        return [
            [list(ranges) for ranges in self.sets],
            list(self.at),
            list(self.first),
            [list(positions) for positions in self.follow],
            [1 if position in self.last else 0 for position in range(len(self.at))],
            self.accepts_empty,
        ]

    def matches(self, text: str) -> bool:
        """Return whether the automaton matches the whole text."""
        waiting, accepted = _build_mask(self.first), self.accepts_empty
        for character in text:
            if not waiting:
                return False
            step = self._steps.get((waiting, character))
            if step is None:
                step = self._advance(waiting, character)
            waiting, accepted = step
        return accepted

    def _advance(self, waiting: int, character: str) -> tuple[int, bool]:
        code = ord(character)
        following, accepted = 0, False
        for position, set_index in enumerate(self.at):
            if waiting >> position & 1 and _contains_code(self.sets[set_index], code):
                following |= _build_mask(self.follow[position])
                accepted = accepted or position in self.last
        if len(self._steps) >= _CACHED_STEPS:
            self._steps.clear()
        self._steps[waiting, character] = following, accepted
        return following, accepted


def _build_mask(positions: Sequence[int]) -> int:
    mask = 0
    for position in positions:
        mask |= 1 << position
    return mask


def _contains_code(ranges: Ranges, code: int) -> bool:
    return any(low <= code <= high for low, high in zip(ranges[::2], ranges[1::2], strict=True))


def compile_pattern(pattern: str) -> Automaton:
    """Return the automaton of a pattern. Raises `PatternError` for unsupported syntax."""
    return _Builder().automaton(parse_pattern(pattern))


@dataclass(frozen=True, slots=True)
class _Fragment:
    empty: bool
    first: tuple[int, ...]
    last: tuple[int, ...]


_EMPTY_FRAGMENT = _Fragment(empty=True, first=(), last=())


class _Builder:
    """Builder of an automaton by Glushkov's construction, with counted repetition unrolled."""

    def __init__(self) -> None:
        self.at: list[int] = []
        self.sets: dict[Ranges, int] = {}
        self.follow: list[set[int]] = []

    def automaton(self, node: Node) -> Automaton:
        whole = self.build(node)
        return Automaton(
            sets=tuple(self.sets),
            at=tuple(self.at),
            first=whole.first,
            follow=tuple(tuple(sorted(positions)) for positions in self.follow),
            last=frozenset(whole.last),
            accepts_empty=whole.empty,
        )

    def build(self, node: Node) -> _Fragment:
        match node:
            case SetNode(ranges):
                return self.position(ranges)
            case SequenceNode(parts):
                fragment = _EMPTY_FRAGMENT
                for part in parts:
                    fragment = self.joined(fragment, self.build(part))
                return fragment
            case ChoiceNode(branches):
                built = [self.build(branch) for branch in branches]
                return _Fragment(
                    empty=any(fragment.empty for fragment in built),
                    first=sum((fragment.first for fragment in built), ()),
                    last=sum((fragment.last for fragment in built), ()),
                )
            case RepeatNode(body, low, high):
                return self.repeated(lambda: self.build(body), low, high)

    def position(self, ranges: Ranges) -> _Fragment:
        position = len(self.at)
        if position >= MAX_POSITIONS:
            raise too_long()
        self.at.append(self.sets.setdefault(ranges, len(self.sets)))
        self.follow.append(set())
        return _Fragment(empty=False, first=(position,), last=(position,))

    def joined(self, left: _Fragment, right: _Fragment) -> _Fragment:
        for position in left.last:
            self.follow[position].update(right.first)
        return _Fragment(
            empty=left.empty and right.empty,
            first=left.first + right.first if left.empty else left.first,
            last=left.last + right.last if right.empty else right.last,
        )

    def repeated(self, build: Callable[[], _Fragment], low: int, high: int | None) -> _Fragment:
        fragment = _EMPTY_FRAGMENT
        for _ in range(low):
            copy = build()
            if not copy.first:
                return _EMPTY_FRAGMENT
            fragment = self.joined(fragment, copy)
        if high is None:
            return self.joined(fragment, self.looped(build()))
        return self.joined(fragment, self.optional(build, high - low))

    def looped(self, body: _Fragment) -> _Fragment:
        for position in body.last:
            self.follow[position].update(body.first)
        return _Fragment(empty=True, first=body.first, last=body.last)

    def optional(self, build: Callable[[], _Fragment], times: int) -> _Fragment:
        """Return the fragment of x{0,`times`}, x from `build`, as (x(x…)?)?: small follow sets."""
        copies: list[_Fragment] = []
        for _ in range(times):
            copy = build()
            if not copy.first:
                break
            copies.append(copy)
        nested = _EMPTY_FRAGMENT
        for copy in reversed(copies):
            tail = self.joined(copy, nested)
            nested = _Fragment(empty=True, first=tail.first, last=tail.last)
        return nested
