"""Parser from expressions of the XLSForm subset to abstract syntax."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from survey.locale import Message, msg
from survey.questionnaire.expressions.pattern import compile_pattern
from survey.questionnaire.expressions.pattern_parser import PatternError
from survey.questionnaire.expressions.syntax import (
    ARITHMETIC,
    COMPARISONS,
    FUNCTIONS,
    MAX_DEPTH,
    MAX_LENGTH,
    ChoiceColumn,
    Expression,
    ExpressionError,
    Literal,
    Operation,
    Reference,
    RegexMatch,
    SelfReference,
    depth,
)

_FUNCTIONS: dict[str, Message] = {
    "boolean": msg("Write the comparison itself, for example ${{name}} != ''."),
    "ceiling": msg("Write int(x) + (x > int(x)) for numbers that are not negative."),
    "choice-label": msg("Put ${{name}} into the label: it shows the label of the choice."),
    "choice-name": msg("Put ${{name}} into the label: it shows the label of the choice."),
    "concat": msg("Put ${{name}} into the label of a note instead of joining texts."),
    "contains": msg("Write regex(${{name}}, '.*text.*')."),
    "count": msg("Repeats are not supported; for select_multiple write count-selected(${{name}})."),
    "current": msg("Write . for the answer being checked, ${{name}} for any other."),
    "decimal-date-time": msg("Write number(${{name}}): days since 1970-01-01."),
    "empty": msg("Write ${{name}} = ''."),
    "ends-with": msg("Write regex(${{name}}, '.*text')."),
    "floor": msg("Write int(x) for numbers that are not negative."),
    "format-date": msg("Write the date itself: dates are texts of the form YYYY-MM-DD."),
    "instance": msg("Use a fixed list on the choices sheet."),
    "join": msg("Put ${{name}} into the label of a note instead of joining texts."),
    "jr:choice-name": msg("Put ${{name}} into the label: it shows the label of the choice."),
    "max": msg("Write if(${{a}} > ${{b}}, ${{a}}, ${{b}})."),
    "min": msg("Write if(${{a}} < ${{b}}, ${{a}}, ${{b}})."),
    "now": msg("Write today()."),
    "once": msg("Leave once() out: write what stands in its brackets."),
    "pulldata": msg(
        "Nothing is looked up in a file. Ask with a choice_filter on the choices sheet, or with "
        "select_one_from_file."
    ),
    "round": msg("Write int(x + 0.5) for whole numbers that are not negative."),
    "selected-at": msg("Write selected(${{name}}, 'choice') for each choice."),
    "starts-with": msg("Write regex(${{name}}, 'text.*')."),
    "string": msg("Leave string() out: numbers and texts are converted as needed."),
    "sum": msg("Write ${{a}} + ${{b}} + ${{c}}."),
}

_WORD_HINTS: dict[str, Message] = {
    "and": msg("Write and in small letters between two conditions."),
    "or": msg("Write or in small letters between two conditions."),
    "not": msg("Write not(condition)."),
    "true": msg("Write true()."),
    "false": msg("Write false()."),
    "div": msg("Write div in small letters between two numbers."),
    "mod": msg("Write mod in small letters between two numbers."),
}

_STRAY_HINTS: tuple[tuple[str, Message], ...] = (
    ("==", msg("Write a single = to compare.")),
    ("=", msg("Write a single = to compare.")),
    ("<>", msg("Write != for “not equal”.")),
    (">", msg("Write != for “not equal”.")),
    ("!", msg("Write != for “not equal” and not(condition) for “not”.")),
    ("&", msg("Write and.")),
    ("|", msg("Write or.")),
    ("≤", msg("Write <=.")),
    ("≥", msg("Write >=.")),
    ("≠", msg("Write !=.")),
    ("‘", msg("Write straight quotes: 'text'.")),
    ("’", msg("Write straight quotes: 'text'.")),
    ("“", msg("Write straight quotes: 'text'.")),
    ("”", msg("Write straight quotes: 'text'.")),
    ("/", msg("Write ${{name}} for a question and div for a division.")),
    (".", msg("Write ${{name}} for a question; paths are not supported.")),
    ("$", msg("Write ${{name}} with both curly brackets.")),
    ("{", msg("Write ${{name}} with a dollar sign.")),
    ("[", msg("Square brackets are not supported; refer to one question as ${{name}}.")),
    ("@", msg("Write ${{name}} for a question; paths are not supported.")),
)


def function_hint(name: str) -> Message:
    """Return advice on what to write instead of an unsupported function."""
    lowered = name.lower()
    if lowered in _WORD_HINTS and lowered != name:
        return _WORD_HINTS[lowered]
    return _FUNCTIONS.get(
        lowered,
        msg(
            "Supported are selected(), count-selected(), if(), coalesce(), string-length(), "
            "regex(), int(), number(), today(), date(), not(), true() and false()."
        ),
    )


def bare_word_hint(word: str) -> Message:
    """Return advice on what to write instead of a word that is not a function call."""
    return _WORD_HINTS.get(
        word.lower(),
        msg(
            "Write ${{{word}}} for the question of that name, or '{word}' in quotes for a text.",
            word=word,
        ),
    )


def stray_character_hint(rest: str) -> Message | None:
    """Return advice for a misplaced or unknown character at the start of `rest`, or None."""
    return next((hint for start, hint in _STRAY_HINTS if rest.startswith(start)), None)


_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n\u00a0]+)
  | (?P<reference>\$\{[^{}]*\})
  | (?P<text>"[^"]*"|'[^']*')
  | (?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)
  | (?P<word>[^\W\d][\w:-]*(?:\.[\w-]+)*)
  | (?P<symbol><=|>=|!=|[=<>+*(),.-])
    """,
    re.VERBOSE,
)
_NAME = re.compile(r"[^\W\d][\w.-]*\Z")
_WORD_OPERATORS = frozenset({"and", "or", "div", "mod"})
_POWER = {
    "or": 1,
    "and": 2,
    "=": 3,
    "!=": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "div": 6,
    "mod": 6,
}
assert set(_POWER) == {"or", "and", *COMPARISONS, *ARITHMETIC}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


_END = "end"


@lru_cache(maxsize=4_096)
def parse(source: str) -> Expression:
    """Return the syntax tree of an expression. Raises `ExpressionError` if it is not supported."""
    return _parse(source, is_filter=False)


@lru_cache(maxsize=1_024)
def parse_choice_filter(source: str) -> Expression:
    """Return the syntax tree of a choice filter, in which bare names are columns of the choice."""
    return _parse(source, is_filter=True)


def _parse(source: str, *, is_filter: bool) -> Expression:
    if len(source) > MAX_LENGTH:
        raise ExpressionError(
            msg("The expression is longer than {limit} characters.", limit=MAX_LENGTH)
        )
    return _Parser(_split_tokens(source), is_filter=is_filter).parse()


def quote_words(source: str, texts: Mapping[str, str]) -> str:
    """Return an expression with texts in quotes for words (in small letters) without any."""
    return "".join(
        f"'{texts[match.group().lower()]}'"
        if match.lastgroup == "word" and match.group().lower() in texts
        else match.group()
        for match in _TOKEN.finditer(source)
    )


def _split_tokens(source: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            raise _build_stray_error(source, position)
        if match.lastgroup and match.lastgroup != "space":
            tokens.append(_Token(match.lastgroup, match.group(), position + 1))
        position = match.end()
    tokens.append(_Token(_END, "", position + 1))
    return tokens


def _build_stray_error(source: str, position: int) -> ExpressionError:
    rest = source[position:]
    if rest[0] in "'\"":
        return ExpressionError(
            msg("A text that starts at character {position} is not closed.", position=position + 1),
            msg("Put the same straight quote at both ends of the text."),
        )
    return ExpressionError(
        msg(
            "“{text}” at character {position} is not understood.",
            text=rest[:2].strip(),
            position=position + 1,
        ),
        stray_character_hint(rest),
    )


class _Parser:
    """Precedence-climbing parser with the operator precedence of XPath 1.0."""

    def __init__(self, tokens: list[_Token], *, is_filter: bool) -> None:
        self.tokens = tokens
        self.is_filter = is_filter
        self.at = 0
        self.depth = 0

    def parse(self) -> Expression:
        if self.peek().kind == _END:
            raise ExpressionError(msg("The expression is empty."))
        expression = self.binary(0)
        if self.peek().kind != _END:
            raise self.unexpected(self.peek())
        if depth(expression) > MAX_DEPTH:
            raise _build_too_deep_error()
        return expression

    def peek(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def expect(self, symbol: str) -> None:
        token = self.peek()
        if token.text != symbol or token.kind != "symbol":
            raise self.unexpected(token, expected=symbol)
        self.at += 1

    def unexpected(self, token: _Token, expected: str = "") -> ExpressionError:
        if token.kind == _END:
            return ExpressionError(msg("The expression ends too early."))
        hint = (
            bare_word_hint(token.text) if token.kind == "word" else stray_character_hint(token.text)
        )
        if hint is None and expected:
            hint = msg("Write “{symbol}” before it.", symbol=expected)
        return ExpressionError(
            msg(
                "“{text}” at character {position} does not belong there.",
                text=token.text,
                position=token.position,
            ),
            hint,
        )

    def binary(self, least: int) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _build_too_deep_error()
        left = self.signed()
        while (power := self.operator_power()) > least:
            operator = self.take().text
            right = self.binary(power)
            if isinstance(left, Operation) and left.name == operator and operator in ("and", "or"):
                left = Operation(operator, (*left.arguments, right))
            else:
                left = Operation(operator, (left, right))
        self.depth -= 1
        return left

    def operator_power(self) -> int:
        token = self.peek()
        if token.kind == "symbol" or (token.kind == "word" and token.text in _WORD_OPERATORS):
            return _POWER.get(token.text, 0)
        return 0

    def signed(self) -> Expression:
        token = self.peek()
        if token.kind != "symbol" or token.text != "-":
            return self.primary()
        self.at += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _build_too_deep_error()
        operand = self.signed()
        self.depth -= 1
        return Operation("neg", (operand,))

    def primary(self) -> Expression:
        token = self.take()
        match token.kind:
            case "number":
                return Literal(_parse_finite(token))
            case "text":
                return Literal(token.text[1:-1])
            case "reference":
                return self.reference(token)
            case "word":
                return self.call(token)
        if token.text == ".":
            return SelfReference()
        if token.text == "(":
            inner = self.binary(0)
            self.expect(")")
            return inner
        raise self.unexpected(token)

    def reference(self, token: _Token) -> Expression:
        name = token.text[2:-1].strip()
        if not _NAME.match(name):
            raise ExpressionError(
                msg("“{text}” does not name a question.", text=token.text),
                msg("Write ${{name}} with the name of one question of this form."),
            )
        return Reference(name)

    def call(self, token: _Token) -> Expression:
        following = self.peek()
        if following.kind != "symbol" or following.text != "(":
            if self.is_filter:
                return ChoiceColumn(token.text.lower())
            raise self.unexpected(token)
        self.at += 1
        arguments = self.arguments()
        if token.text not in FUNCTIONS:
            raise ExpressionError(
                msg("The function {name}() is not supported.", name=token.text),
                function_hint(token.text),
            )
        if len(arguments) != FUNCTIONS[token.text]:
            raise ExpressionError(
                msg(
                    "{name}() takes {expected} values in its brackets, not {found}.",
                    name=token.text,
                    expected=FUNCTIONS[token.text],
                    found=len(arguments),
                )
            )
        if token.text == "regex":
            return _compile_regex_match(*arguments)
        return Operation(token.text, arguments)

    def arguments(self) -> tuple[Expression, ...]:
        arguments: list[Expression] = []
        if self.peek().text != ")" or self.peek().kind != "symbol":
            arguments.append(self.binary(0))
            while self.peek().text == "," and self.peek().kind == "symbol":
                self.at += 1
                arguments.append(self.binary(0))
        self.expect(")")
        return tuple(arguments)


def _build_too_deep_error() -> ExpressionError:
    return ExpressionError(
        msg("The expression is nested too deeply."),
        msg("Split it: put a part into a calculate row and refer to that row."),
    )


def _parse_finite(token: _Token) -> float:
    number = float(token.text)
    if number == float("inf"):
        raise ExpressionError(msg("The number “{text}…” is too large.", text=token.text[:10]))
    return number


def _compile_regex_match(value: Expression, pattern: Expression) -> Expression:
    if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
        raise ExpressionError(
            msg("The pattern of regex() is not a text in quotes."),
            msg("Write the pattern itself, for example regex(., '[0-9]{{11}}')."),
        )
    try:
        return RegexMatch(value, compile_pattern(pattern.value))
    except PatternError as error:
        raise ExpressionError(
            error.message,
            msg(
                "Use characters, [classes], \\d \\w \\s, groups, | and the repetitions "
                "* + ? {{n}} {{n,m}}; docs/expressions.md lists them."
            ),
        ) from error
