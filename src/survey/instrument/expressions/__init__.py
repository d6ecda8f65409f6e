"""XLSForm expressions in the subset of docs/expressions.md.

`parse` reads, `evaluate` computes in Python, `to_json` is what `web/static/expressions.js`
computes from.
"""

from survey.instrument.expressions.evaluator import (
    EvaluationContext,
    Program,
    compile_expression,
    evaluate,
)
from survey.instrument.expressions.parser import parse
from survey.instrument.expressions.pattern import Json
from survey.instrument.expressions.syntax import (
    Expression,
    ExpressionError,
    references,
    to_json,
    uses_self,
)
from survey.instrument.expressions.values import Value, is_date, to_boolean

__all__ = [
    "EvaluationContext",
    "Expression",
    "ExpressionError",
    "Json",
    "Program",
    "Value",
    "compile_expression",
    "evaluate",
    "is_date",
    "parse",
    "references",
    "to_boolean",
    "to_json",
    "uses_self",
]
