"""The parts of a pattern and its limits."""

from dataclasses import dataclass

from survey.instrument.expressions.pattern import Ranges
from survey.locale import SurveyError, msg

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
