"""Evaluation of expressions, compiled to nested closures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial

from survey.instrument.expressions.syntax import (
    Expression,
    Literal,
    Operation,
    Reference,
    RegexMatch,
    SelfReference,
)
from survey.instrument.expressions.values import (
    Value,
    divide,
    equal,
    remainder,
    split_choice_names,
    to_boolean,
    to_date,
    to_number,
    to_text,
    truncate,
    value_of_answer,
)


@dataclass(slots=True)
class EvaluationContext:
    """Answers, own answer and date that an expression may refer to."""

    answers: Mapping[str, object]
    itself: object
    today: str


Program = Callable[[EvaluationContext], Value]


def evaluate(
    expression: Expression, values: Mapping[str, object], self_value: object, today: date
) -> Value:
    """Return the value of `expression`; `values` are answers by item name, `self_value` is `.`."""
    return compile_expression(expression)(EvaluationContext(values, self_value, today.isoformat()))


@lru_cache(maxsize=8_192)
def compile_expression(expression: Expression) -> Program:
    match expression:
        case Literal(constant):
            return lambda _: constant
        case Reference(name):
            return lambda situation: value_of_answer(situation.answers.get(name))
        case SelfReference():
            return lambda situation: value_of_answer(situation.itself)
        case RegexMatch(value, automaton):
            text = compile_expression(value)
            return lambda situation: automaton.matches(to_text(text(situation)))
        case Operation(name, arguments):
            return _OPERATIONS[name](*(compile_expression(argument) for argument in arguments))


def _all(*conditions: Program) -> Program:
    def every(situation: EvaluationContext) -> Value:
        for condition in conditions:  # noqa: SIM110 - a generator costs more than it says
            if not to_boolean(condition(situation)):
                return False
        return True

    return every


def _any(*conditions: Program) -> Program:
    def some(situation: EvaluationContext) -> Value:
        for condition in conditions:  # noqa: SIM110
            if to_boolean(condition(situation)):
                return True
        return False

    return some


def _not(condition: Program) -> Program:
    return lambda situation: not to_boolean(condition(situation))


def _if(condition: Program, then: Program, otherwise: Program) -> Program:
    return lambda situation: (
        then(situation) if to_boolean(condition(situation)) else otherwise(situation)
    )


def _coalesce(first: Program, second: Program) -> Program:
    def coalesce(situation: EvaluationContext) -> Value:
        value = first(situation)
        is_empty = value == "" or value != value
        return second(situation) if is_empty else value

    return coalesce


def _unary(convert: Callable[[Value], Value], operand: Program) -> Program:
    return lambda situation: convert(operand(situation))


def _numeric(combine: Callable[[float, float], Value], left: Program, right: Program) -> Program:
    return lambda situation: combine(to_number(left(situation)), to_number(right(situation)))


def _equal(left: Program, right: Program) -> Program:
    return lambda situation: equal(left(situation), right(situation))


def _unequal(left: Program, right: Program) -> Program:
    return lambda situation: not equal(left(situation), right(situation))


def _selected(answer: Program, choice: Program) -> Program:
    def selected(situation: EvaluationContext) -> Value:
        return to_text(choice(situation)).strip(" \t\r\n") in split_choice_names(answer(situation))

    return selected


def _constant(value: Value) -> Callable[[], Program]:
    return lambda: lambda _: value


_OPERATIONS: dict[str, Callable[..., Program]] = {
    "or": _any,
    "and": _all,
    "not": _not,
    "=": _equal,
    "!=": _unequal,
    "<": partial(_numeric, lambda left, right: left < right),
    "<=": partial(_numeric, lambda left, right: left <= right),
    ">": partial(_numeric, lambda left, right: left > right),
    ">=": partial(_numeric, lambda left, right: left >= right),
    "+": partial(_numeric, lambda left, right: left + right),
    "-": partial(_numeric, lambda left, right: left - right),
    "*": partial(_numeric, lambda left, right: left * right),
    "div": partial(_numeric, divide),
    "mod": partial(_numeric, remainder),
    "neg": partial(_unary, lambda value: -to_number(value)),
    "if": _if,
    "coalesce": _coalesce,
    "selected": _selected,
    "count-selected": partial(_unary, lambda value: float(len(split_choice_names(value)))),
    "string-length": partial(_unary, lambda value: float(len(to_text(value)))),
    "int": partial(_unary, lambda value: truncate(to_number(value))),
    "number": partial(_unary, to_number),
    "date": partial(_unary, to_date),
    "today": lambda: lambda situation: situation.today,
    "true": _constant(True),
    "false": _constant(False),
}
