"""Messages of pyxform's own checks, said in the words of the catalogs.

pyxform writes English only. Its errors carry a code and the place; what is translated here is every
code that a questionnaire can meet. Entities and geography are not supported and refused before.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from pyxform.errors import ErrorCode, PyXFormError

from survey.locale import Message, msg
from survey.questionnaire.xlsform.import_log import SURVEY
from survey.questionnaire.xlsform.worksheets import collapse_whitespace

_MAX_QUOTED = 500
_PLACE = re.compile(r"\[row : (?P<row>\d+)\](?: On the '(?P<sheet>\w+)' sheet)?")

RULES: Mapping[str, Message] = {
    "HEADER_001": msg("The sheet has no row of column names, or its names are unknown."),
    "HEADER_002": msg("Two columns mean the same. Rename or remove one of them."),
    "HEADER_003": msg("A required column is missing."),
    "HEADER_004": msg("Column names are not empty and hold no spaces."),
    "LABEL_001": msg("A choice has no label."),
    "NAMES_001": msg("The name is used twice within one group."),
    "NAMES_002": msg("The name differs from another one only in capital letters."),
    "NAMES_003": msg("A repeat has the name of the form itself."),
    "NAMES_004": msg("The name of the repeat is used by another repeat."),
    "NAMES_005": msg("The name “meta” is reserved."),
    "NAMES_006": msg("A choice has no name."),
    "NAMES_007": msg("The name of a choice is used twice in its list."),
    "NAMES_008": msg(
        "A name begins with a letter or an underscore and goes on with letters, digits, "
        "underscores, hyphens or periods."
    ),
    "NAMES_010": msg("The name must not begin with two underscores."),
    "NAMES_011": msg("The name must not contain a period."),
    "NAMES_012": msg("The names “name” and “label” are reserved."),
    "NAMES_013": msg("The name of a sheet is nearly a known one. Is it misspelt?"),
    "PYREF_001": msg("A reference is written as {example}.", example="${name}"),
    "PYREF_002": msg("References in a list are separated by commas."),
    "PYREF_003": msg("A reference names a question that the form does not have."),
    "PYREF_004": msg("A reference names a question that occurs more than once."),
    "RANGE_001": msg("A parameter of the range is no number."),
    "RANGE_002": msg("A parameter of the range is zero."),
    "RANGE_003": msg("A step is larger than the whole range."),
    "RANGE_004": msg("A parameter of the range is no multiple of its step."),
    "RANGE_005": msg("A parameter lies outside of the range."),
    "RANGE_006": msg("The list of labels for the range is not on the sheet “choices”."),
    "RANGE_007": msg("A range without ticks takes two labels only."),
    "RANGE_008": msg("A parameter of the range does not fit its appearance."),
    "RANGE_009": msg("A label of the range stands for something that is no number."),
    "RANGE_010": msg("A label stands outside of the range."),
    "RANGE_011": msg("A label of the range stands between two steps."),
    "RANGE_012": msg("Without ticks, labels stand at both ends of the range only."),
    "SURVEY_001": msg("A group or repeat ends that was not begun."),
    "SURVEY_002": msg("A group or repeat is begun and does not end."),
    "SURVEY_004": msg("Parameters are written as name=value, with spaces between them."),
    "SURVEY_005": msg("The question type does not know this parameter."),
}
"""Text by the code of the error; NAMES_009 is NAMES_008 where pyxform does not know the sheet."""
_SAME = {"NAMES_009": "NAMES_008"}


def _compile_pattern(text: str) -> re.Pattern[str]:
    """Return a regular expression for the messages that a text template of pyxform makes."""
    pattern, known = "", set[str]()
    for literal, name, *_ in Formatter().parse(text):
        pattern += re.escape(literal)
        if name:
            pattern += f"(?P={name})" if name in known else f"(?P<{name}>.*?)"
            known.add(name)
    return re.compile(pattern, re.DOTALL)


_PATTERNS = {
    code.name: _compile_pattern(code.value.msg)
    for code in ErrorCode
    if _SAME.get(code.name, code.name) in RULES
}
"""Of errors that were made without their code."""


@dataclass(frozen=True, slots=True)
class CheckerFinding:
    """Error of pyxform's own checks, with its place where known."""

    message: Message
    sheet: str | None
    row: int | None


def translate_checker_error(error: PyXFormError) -> CheckerFinding:
    """Return a pyxform error as a translatable finding; quote it if its code is unknown."""
    original = collapse_whitespace(str(error))[:_MAX_QUOTED]
    found = _PLACE.search(original)
    row = int(found["row"]) if found else None
    sheet = (found["sheet"] if found else None) or _format_value(error.context.get("sheet_name"))
    reason: Message | str = _find_reason(error) or original
    if row is not None and sheet in (None, SURVEY):
        # Of rows on this sheet our own findings say more, and under the same number.
        reason, row = msg("row {row}: {reason}", row=row, reason=reason), None
    return CheckerFinding(msg("The XLSForm checker says: {reason}", reason=reason), sheet, row)


def _find_reason(error: PyXFormError) -> Message | None:
    name, context = _identify_error(error)
    rule = RULES.get(_SAME.get(name, name))
    named = _find_named_part(context)
    if rule is None or named is None:
        return rule
    return msg("{rule} (“{value}”)", rule=rule, value=named)


def _identify_error(error: PyXFormError) -> tuple[str, Mapping[str, object]]:
    """Return the code of a pyxform error and the values in its message; "" if unknown."""
    if error.code is not None:
        return error.code.name, error.context
    for name, pattern in _PATTERNS.items():
        found = pattern.search(str(error))
        if found:
            return name, found.groupdict()
    return "", {}


def _find_named_part(context: Mapping[str, object]) -> str | None:
    """Return the value, name, column or question that an error mentions; None without any."""
    for key in ("value", "q", "missing", "rejected", "candidates", "name", "header", "column"):
        text = _format_value(context.get(key))
        if text:
            return text
    return None


def _format_value(value: object) -> str | None:
    return None if value is None else collapse_whitespace(str(value))[:100] or None
