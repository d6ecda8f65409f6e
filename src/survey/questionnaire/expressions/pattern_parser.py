"""Parser of the patterns of `regex()`, their parts and limits."""

from dataclasses import dataclass

from survey.locale import SurveyError, msg

Ranges = tuple[int, ...]
"""Code point ranges, flat and inclusive: (low, high, low, high, …), sorted and disjoint."""

MAX_PATTERN = 1_000
MAX_POSITIONS = 600


class PatternError(SurveyError):
    code = "pattern"


@dataclass(frozen=True, slots=True)
class SetNode:
    ranges: Ranges


@dataclass(frozen=True, slots=True)
class SequenceNode:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class ChoiceNode:
    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class RepeatNode:
    body: "Node"
    low: int
    high: int | None


Node = SetNode | SequenceNode | ChoiceNode | RepeatNode


def too_long() -> PatternError:
    return PatternError(
        msg(
            "The pattern repeats too much: unrolled it has more than {limit} characters. "
            "string-length(.) can limit a length.",
            limit=MAX_POSITIONS,
        )
    )


_MAX_NESTING = 30
_LAST_CODE = 0x10FFFF

_CLASSES: dict[str, Ranges] = {
    "d": (48, 57),
    "w": (48, 57, 65, 90, 95, 95, 97, 122),
    "s": (9, 13, 32, 32),
}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_HEX = {"x": 2, "u": 4}
_LINE_ENDS: Ranges = (10, 10, 13, 13, 0x2028, 0x2029)


def parse_pattern(pattern: str) -> Node:
    """Return the syntax tree of a pattern. Raises `PatternError` for unsupported syntax."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError(msg("The pattern is longer than {limit} characters.", limit=MAX_PATTERN))
    return _Parser(pattern).parse()


def _merge_ranges(ranges: Ranges) -> Ranges:
    pairs = sorted(zip(ranges[::2], ranges[1::2], strict=True))
    merged: list[int] = []
    for low, high in pairs:
        if merged and low <= merged[-1] + 1:
            merged[-1] = max(merged[-1], high)
        else:
            merged += (low, high)
    return tuple(merged)


def _invert_ranges(ranges: Ranges) -> Ranges:
    edges = [0]
    for low, high in zip(ranges[::2], ranges[1::2], strict=True):
        edges += (low - 1, high + 1)
    edges.append(_LAST_CODE)
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple(code for low, high in pairs if low <= high for code in (low, high))


class _Parser:
    """Recursive-descent parser; `^` and `$` are allowed only at the ends of a full match."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.nesting = 0
        self.anchored = False
        """Whether what was read last holds an anchor, so that it cannot be repeated."""
        self.ended = False
        """Whether what was read last holds a `$`, so that nothing may follow it."""

    def parse(self) -> Node:
        node = self.choice(at_start=True)
        if self.at < len(self.pattern):
            raise self.unsupported(")")
        return node

    def unsupported(self, construct: str) -> PatternError:
        return PatternError(
            msg(
                "“{construct}” is not supported in a pattern, or does not belong at character "
                "{position}.",
                construct=construct,
                position=self.at + 1,
            )
        )

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        character = self.peek()
        if not character:
            raise PatternError(msg("The pattern ends too early."))
        self.at += 1
        return character

    def choice(self, *, at_start: bool) -> Node:
        branches: list[Node] = []
        anchored = ended = False
        while not branches or self.peek() == "|":
            self.at += bool(branches)
            branches.append(self.sequence(at_start=at_start))
            anchored, ended = anchored or self.anchored, ended or self.ended
        self.anchored, self.ended = anchored, ended
        return branches[0] if len(branches) == 1 else ChoiceNode(tuple(branches))

    def sequence(self, *, at_start: bool) -> Node:
        caret = at_start and self.peek() == "^"
        self.at += caret
        anchored, ended = caret, False
        parts: list[Node] = []
        while self.peek() not in ("", "|", ")"):
            if ended:
                raise self.unsupported("$")
            if self.peek() == "$":
                self.at += 1
                anchored = ended = True
                continue
            self.anchored = self.ended = False
            parts.append(self.quantified(self.atom(at_start=at_start and not parts)))
            anchored, ended = anchored or self.anchored, self.ended
        self.anchored, self.ended = anchored, ended
        return parts[0] if len(parts) == 1 else SequenceNode(tuple(parts))

    def atom(self, *, at_start: bool) -> Node:
        start, character = self.at, self.take()
        match character:
            case "(":
                return self.group(at_start=at_start)
            case "[":
                return SetNode(self.bracketed())
            case ".":
                return SetNode(_invert_ranges(_LINE_ENDS))
            case "\\":
                return SetNode(self.escape())
            case "^" | "$" | "*" | "+" | "?" | "{" | "}" | "]":
                self.at = start
                raise self.unsupported(character)
        return SetNode((ord(character), ord(character)))

    def group(self, *, at_start: bool) -> Node:
        if self.peek() == "?":
            if self.pattern[self.at : self.at + 2] != "?:":
                raise self.unsupported("(?")
            self.at += 2
        self.nesting += 1
        if self.nesting > _MAX_NESTING:
            raise PatternError(msg("The pattern is nested too deeply."))
        node = self.choice(at_start=at_start)
        if self.take() != ")":
            raise PatternError(msg("The pattern ends too early."))
        self.nesting -= 1
        return node

    def quantified(self, atom: Node) -> Node:
        bounds = self.bounds()
        if bounds is None:
            return atom
        if self.anchored:
            raise self.unsupported("^")
        if self.peek() == "?":  # lazy: the same texts match as a whole
            self.at += 1
        if self.peek() in ("*", "+", "?", "{") and self.peek():
            raise self.unsupported(self.peek())
        return RepeatNode(atom, *bounds)

    def bounds(self) -> tuple[int, int | None] | None:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        character = self.peek()
        if character in simple:
            self.at += 1
            return simple[character]
        if character != "{":
            return None
        end = self.pattern.find("}", self.at)
        low, comma, high = self.pattern[self.at + 1 : max(end, self.at)].partition(",")
        if not _is_count(low) or (high and not _is_count(high)):
            raise self.unsupported("{")
        if max(int(low), int(high or 0)) > MAX_POSITIONS:
            raise too_long()
        self.at = end + 1
        least = int(low)
        most = (int(high) if high else None) if comma else least
        if most is not None and most < least:
            raise PatternError(
                msg("The repetition {{{low},{high}}} runs backwards.", low=low, high=high)
            )
        return least, most

    def bracketed(self) -> Ranges:
        negated = self.peek() == "^"
        self.at += negated
        ranges: Ranges = ()
        while self.peek() != "]":
            ranges += self.class_range()
        self.at += 1
        if not ranges:
            raise self.unsupported("[]")
        merged = _merge_ranges(ranges)
        return _invert_ranges(merged) if negated else merged

    def class_range(self) -> Ranges:
        low = self.class_atom()
        ends_here = self.pattern[self.at + 1 :][:1] in ("]", "")
        if self.peek() != "-" or ends_here or not _is_single(low):
            return low
        self.at += 1
        high = self.class_atom()
        if not _is_single(high) or high[0] < low[0]:
            raise self.unsupported("-")
        return (low[0], high[0])

    def class_atom(self) -> Ranges:
        character = self.take()
        if character == "\\":
            return self.escape()
        if character == "[" and self.peek() in (":", ".", "="):
            raise self.unsupported("[" + self.peek())
        if character == "&" and self.peek() == "&":  # an intersection in Java
            raise self.unsupported("&&")
        return (ord(character), ord(character))

    def escape(self) -> Ranges:
        character = self.take()
        lower = character.lower()
        if lower in _CLASSES:
            ranges = _CLASSES[lower]
            return ranges if character == lower else _invert_ranges(ranges)
        if character in _HEX:
            code = self.hexadecimal(_HEX[character])
        elif character in _CONTROLS:
            code = _CONTROLS[character]
        elif character.isascii() and character.isalnum():
            self.at -= 2
            raise self.unsupported("\\" + character)
        else:
            code = ord(character)
        return (code, code)

    def hexadecimal(self, digits: int) -> int:
        text = self.pattern[self.at : self.at + digits]
        if len(text) < digits or not all(digit in "0123456789abcdefABCDEF" for digit in text):
            raise self.unsupported("\\x" if digits == 2 else "\\u")
        self.at += digits
        return int(text, 16)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 9


def _is_single(ranges: Ranges) -> bool:
    return len(ranges) == 2 and ranges[0] == ranges[1]
