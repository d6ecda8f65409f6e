"""The abstract syntax of an expression, its JSON form for the browser, and the names it reads."""

from collections.abc import Iterator
from dataclasses import dataclass

from survey.locale import Message, SurveyError
from survey.questionnaire.expressions.pattern import Automaton, Json

MAX_LENGTH = 10_000
MAX_DEPTH = 100

FUNCTIONS: dict[str, int] = {
    "not": 1,
    "selected": 2,
    "count-selected": 1,
    "if": 3,
    "coalesce": 2,
    "string-length": 1,
    "regex": 2,
    "int": 1,
    "number": 1,
    "today": 0,
    "date": 1,
    "true": 0,
    "false": 0,
}
"""Every function of the subset with its number of arguments."""

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
ARITHMETIC = ("+", "-", "*", "div", "mod")


class ExpressionError(SurveyError):
    """Raised for an expression that is not supported; `suggestion` says what to write instead."""

    code = "expression"

    def __init__(self, message: Message, suggestion: Message | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | float


@dataclass(frozen=True, slots=True)
class Reference:
    """`${name}`: the answer to another item."""

    name: str


@dataclass(frozen=True, slots=True)
class SelfReference:
    """`.`: the answer being checked."""


@dataclass(frozen=True, slots=True)
class ChoiceColumn:
    """A bare name in a choice filter: a column of the choice that is being offered or not."""

    name: str


@dataclass(frozen=True, slots=True)
class RegexMatch:
    """`regex(value, 'pattern')`, with the pattern compiled to an automaton."""

    value: "Expression"
    automaton: Automaton


@dataclass(frozen=True, slots=True)
class Operation:
    """Operator or function other than `regex` with its arguments; `and`/`or` may have many."""

    name: str
    arguments: tuple["Expression", ...]


Expression = Literal | Reference | SelfReference | ChoiceColumn | RegexMatch | Operation


def _parts_of(expression: Expression) -> tuple[Expression, ...]:
    match expression:
        case Operation(_, arguments):
            return arguments
        case RegexMatch(value, _):
            return (value,)
    return ()


def _iter_levels(expression: Expression) -> Iterator[list[Expression]]:
    """Yield the nodes of each level of the tree, without recursion."""
    level = [expression]
    while level:
        yield level
        level = [part for node in level for part in _parts_of(node)]


def depth(expression: Expression) -> int:
    return sum(1 for _ in _iter_levels(expression))


def references(expression: Expression) -> frozenset[str]:
    """Return the names of the items that the expression reads, without `.`."""
    return frozenset(
        node.name
        for level in _iter_levels(expression)
        for node in level
        if isinstance(node, Reference)
    )


def choice_columns(expression: Expression) -> frozenset[str]:
    """Return the names of the columns of a choice that the expression reads."""
    return frozenset(
        node.name
        for level in _iter_levels(expression)
        for node in level
        if isinstance(node, ChoiceColumn)
    )


def uses_self(expression: Expression) -> bool:
    return any(
        isinstance(node, SelfReference) for level in _iter_levels(expression) for node in level
    )


def to_json(expression: Expression) -> Json:
    """Return the expression as nested arrays: `[operation, argument…]`, `["$", name]`, `["."]`."""
    match expression:
        case Literal(value):
            return value
        case Reference(name):
            return ["$", name]
        case SelfReference():
            return ["."]
        case ChoiceColumn(name):
            return ["@", name]
        case RegexMatch(value, automaton):
            return ["regex", to_json(value), automaton.to_json()]
        case Operation(name, arguments):
            return [name, *(to_json(argument) for argument in arguments)]
