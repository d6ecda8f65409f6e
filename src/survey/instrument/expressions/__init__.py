"""XLSForm expressions: the subset of docs/expressions.md, read once, evaluated the same twice.

`parse` reads, `evaluate` computes in Python, `to_json` is what `web/static/expressions.js`
computes from.
"""

from survey.instrument.expressions.evaluator import Program, Situation, evaluate, program
from survey.instrument.expressions.parser import parse
from survey.instrument.expressions.pattern import Json
from survey.instrument.expressions.syntax import (
    Expression,
    ExpressionError,
    reads_itself,
    references,
    to_json,
)
from survey.instrument.expressions.values import Value, is_date, to_boolean

__all__ = [
    "Expression",
    "ExpressionError",
    "Json",
    "Program",
    "Situation",
    "Value",
    "evaluate",
    "is_date",
    "parse",
    "program",
    "reads_itself",
    "references",
    "to_boolean",
    "to_json",
]
