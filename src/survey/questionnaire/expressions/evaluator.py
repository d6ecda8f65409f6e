"""Evaluation of expressions, compiled to nested closures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial

from survey.questionnaire.expressions.syntax import (
    ChoiceColumn,
    Expression,
    Literal,
    Operation,
    Reference,
    RegexMatch,
    SelfReference,
)
from survey.questionnaire.expressions.values import (
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
    """Answers, the answer being checked (`.`) and today's date, which expressions may read."""

    answers: Mapping[str, object]
    itself: object
    """The answer; of a choice filter the columns of the choice."""
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
            return lambda context: value_of_answer(context.answers.get(name))
        case SelfReference():
            return lambda context: value_of_answer(context.itself)
        case ChoiceColumn(name):
            return lambda context: (
                value_of_answer(context.itself.get(name))
                if isinstance(context.itself, Mapping)
                else ""
            )
        case RegexMatch(value, automaton):
            text = compile_expression(value)
            return lambda context: automaton.matches(to_text(text(context)))
        case Operation(name, arguments):
            return _OPERATIONS[name](*(compile_expression(argument) for argument in arguments))


def _compile_all(*conditions: Program) -> Program:
    def every(context: EvaluationContext) -> Value:
        for condition in conditions:  # noqa: SIM110 - a generator costs more than it says
            if not to_boolean(condition(context)):
                return False
        return True

    return every


def _compile_any(*conditions: Program) -> Program:
    def some(context: EvaluationContext) -> Value:
        for condition in conditions:  # noqa: SIM110
            if to_boolean(condition(context)):
                return True
        return False

    return some


def _compile_not(condition: Program) -> Program:
    return lambda context: not to_boolean(condition(context))


def _compile_if(condition: Program, then: Program, otherwise: Program) -> Program:
    return lambda context: then(context) if to_boolean(condition(context)) else otherwise(context)


def _compile_coalesce(first: Program, second: Program) -> Program:
    def coalesce(context: EvaluationContext) -> Value:
        value = first(context)
        is_empty = value == "" or value != value
        return second(context) if is_empty else value

    return coalesce


def _compile_unary(convert: Callable[[Value], Value], operand: Program) -> Program:
    return lambda context: convert(operand(context))


def _compile_numeric(
    combine: Callable[[float, float], Value], left: Program, right: Program
) -> Program:
    return lambda context: combine(to_number(left(context)), to_number(right(context)))


def _compile_equal(left: Program, right: Program) -> Program:
    return lambda context: equal(left(context), right(context))


def _compile_unequal(left: Program, right: Program) -> Program:
    return lambda context: not equal(left(context), right(context))


def _compile_selected(answer: Program, choice: Program) -> Program:
    def selected(context: EvaluationContext) -> Value:
        return to_text(choice(context)).strip(" \t\r\n") in split_choice_names(answer(context))

    return selected


def _compile_constant(value: Value) -> Callable[[], Program]:
    return lambda: lambda _: value


_OPERATIONS: dict[str, Callable[..., Program]] = {
    "or": _compile_any,
    "and": _compile_all,
    "not": _compile_not,
    "=": _compile_equal,
    "!=": _compile_unequal,
    "<": partial(_compile_numeric, lambda left, right: left < right),
    "<=": partial(_compile_numeric, lambda left, right: left <= right),
    ">": partial(_compile_numeric, lambda left, right: left > right),
    ">=": partial(_compile_numeric, lambda left, right: left >= right),
    "+": partial(_compile_numeric, lambda left, right: left + right),
    "-": partial(_compile_numeric, lambda left, right: left - right),
    "*": partial(_compile_numeric, lambda left, right: left * right),
    "div": partial(_compile_numeric, divide),
    "mod": partial(_compile_numeric, remainder),
    "neg": partial(_compile_unary, lambda value: -to_number(value)),
    "if": _compile_if,
    "coalesce": _compile_coalesce,
    "selected": _compile_selected,
    "count-selected": partial(_compile_unary, lambda value: float(len(split_choice_names(value)))),
    "string-length": partial(_compile_unary, lambda value: float(len(to_text(value)))),
    "int": partial(_compile_unary, lambda value: truncate(to_number(value))),
    "number": partial(_compile_unary, to_number),
    "date": partial(_compile_unary, to_date),
    "today": lambda: lambda context: context.today,
    "true": _compile_constant(True),
    "false": _compile_constant(False),
}
