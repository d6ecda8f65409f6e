"""Workbook of the rules of a comparative test: written, filled in, and read cell by cell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from survey.comparative_tests.product_samples import parse_decimal, read_decimal
from survey.comparative_tests.rules import (
    Applicability,
    ClaimKind,
    Combination,
    DecisionKind,
    Effect,
    GradingRules,
    Trigger,
    parse_rules,
)
from survey.frame.workbook_io import (
    CellChecker,
    CellError,
    WorkbookColumn,
    WorkbookSheet,
    read_sheet,
)
from survey.locale import Message, msg

DECISION_NAMES: dict[str, Message] = {
    DecisionKind.NON_BINARY: msg("doubt is said: conditional verdicts within the guard band"),
    DecisionKind.GUARD_BAND: msg("passes only what lies inside the limit by the guard band"),
    DecisionKind.SIMPLE: msg("the value alone decides (simple acceptance)"),
}
TRIGGER_NAMES: dict[str, Message] = {
    Trigger.FAILS: msg("fails its limit"),
    Trigger.FAILS_OR_DOUBTFUL: msg("fails its limit, also conditionally"),
    Trigger.MARK_BELOW: msg("has a mark below the threshold"),
    Trigger.CLAIM_FAILS: msg("does not keep what the product claims"),
}
EFFECT_NAMES: dict[str, Message] = {
    Effect.CAP: msg("the mark is at most the amount"),
    Effect.CAP_AT_CHARACTERISTIC: msg("the mark is at most that of the characteristic plus amount"),
    Effect.DEDUCT: msg("the amount is taken off"),
}
APPLICABILITY_NAMES: dict[str, Message] = {
    Applicability.ALL: msg("every product"),
    Applicability.SOME: msg("only products that have the function"),
}
CLAIM_NAMES: dict[str, Message] = {
    ClaimKind.AT_LEAST: msg("at least as much as claimed"),
    ClaimKind.AT_MOST: msg("at most as much as claimed"),
    ClaimKind.WITHIN: msg("as much as claimed"),
}
COMBINATION_NAMES: dict[str, Message] = {
    Combination.MEAN: msg("mean of the marks, by weight"),
    Combination.WEAKEST: msg("the weakest mark"),
}
_KEY, _ZH, _EN = msg("Key"), msg("Chinese name"), msg("English name")
CHARACTERISTIC_SHEET = WorkbookSheet(
    "characteristics",
    (
        WorkbookColumn("key", _KEY, 16),
        WorkbookColumn("zh", _ZH, 20),
        WorkbookColumn("en", _EN, 24),
        WorkbookColumn("group", msg("Heading"), 14),
        WorkbookColumn("unit", msg("Unit"), 10),
        WorkbookColumn("method", msg("Test method, with its edition"), 24),
        WorkbookColumn("limit_standard", msg("Standard of the limit, with its edition"), 24),
        WorkbookColumn("lower", msg("Lower limit"), 12),
        WorkbookColumn("upper", msg("Upper limit"), 12),
        WorkbookColumn("weight", msg("Weight (%)"), 12),
        WorkbookColumn("points", msg("Marks by value, such as 20:100; 40:50"), 34),
        WorkbookColumn(
            "applies", msg("Applies to"), 22, value_names=APPLICABILITY_NAMES, is_optional=True
        ),
        WorkbookColumn(
            "claim", msg("Compared with the claim"), 22, value_names=CLAIM_NAMES, is_optional=True
        ),
        WorkbookColumn(
            "claim_tolerance", msg("Tolerance, in per cent of the claim"), 14, is_optional=True
        ),
    ),
)
DEVALUATION_SHEET = WorkbookSheet(
    "devaluations",
    (
        WorkbookColumn("key", _KEY, 16),
        WorkbookColumn("zh", _ZH, 28),
        WorkbookColumn("en", _EN, 28),
        WorkbookColumn("characteristic", msg("Characteristic"), 18),
        WorkbookColumn("trigger", msg("Applies if it"), 30, value_names=TRIGGER_NAMES),
        WorkbookColumn("threshold", msg("Threshold"), 12),
        WorkbookColumn("effect", msg("Effect"), 40, value_names=EFFECT_NAMES),
        WorkbookColumn("amount", msg("Amount"), 12),
    ),
)
GRADE_SHEET = WorkbookSheet(
    "grades",
    (
        WorkbookColumn("key", _KEY, 16),
        WorkbookColumn("zh", _ZH, 16),
        WorkbookColumn("en", _EN, 16),
        WorkbookColumn("from_mark", msg("From mark"), 12),
    ),
)
GROUP_SHEET = WorkbookSheet(
    "groups",
    (
        WorkbookColumn("heading", msg("Heading (empty: the whole product)"), 26),
        WorkbookColumn("combination", msg("Mark of the group"), 30, value_names=COMBINATION_NAMES),
    ),
    is_optional=True,
)
DECISION_SHEET = WorkbookSheet(
    "decision",
    (
        WorkbookColumn("kind", msg("Decision rule"), 50, value_names=DECISION_NAMES),
        WorkbookColumn("factor", msg("Guard band, as a multiple of U"), 18),
        WorkbookColumn("coverage", msg("Coverage factor k"), 16),
    ),
)
_SHEETS = (CHARACTERISTIC_SHEET, DEVALUATION_SHEET, GRADE_SHEET, GROUP_SHEET, DECISION_SHEET)
"""Each has the name of the part of `GradingRules` that it holds, one element a row."""
_NUMBERS = frozenset(
    {
        "lower", "upper", "weight", "threshold", "amount", "from_mark", "factor", "coverage",
        "claim_tolerance",
    }
)  # fmt: skip
_OPTIONAL = frozenset(
    {
        "group", "unit", "limit_standard", "lower", "upper", "threshold", "applies", "claim",
        "claim_tolerance", "heading",
    }
)  # fmt: skip


@dataclass(frozen=True)
class UploadedRules:
    """Grading rules read from an uploaded workbook (None if wrong), and errors of its cells."""

    rules: GradingRules | None
    errors: tuple[CellError, ...]


def build_rules_sheets(rules: GradingRules) -> list[WorkbookSheet]:
    """Return worksheets filled with the grading rules, to be changed and uploaded again."""
    parts = {**dict(rules), "decision": (rules.decision,)}
    return [
        replace(
            sheet,
            rows=[
                [_format_cell(part, column.key) for column in sheet.columns]
                for part in parts[sheet.name]
            ],
        )
        for sheet in _SHEETS
    ]


def _format_cell(part: Any, key: str) -> object:
    """Return the value of a rule in column `key` for a worksheet; mark points as `20:100`."""
    if key in ("zh", "en"):
        return part.name.get(key, "")
    value = getattr(part, key)
    if key == "points":
        return "; ".join(f"{each.value:f}:{each.mark:f}" for each in value)
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    return value


def read_rules_file(name: str, content: bytes) -> UploadedRules:
    """Return rules read from an uploaded workbook, and errors of its cells; store nothing.

    Raises:
        WorkbookError: the file as a whole.
        RefusedError: rules that are right cell by cell and contradict each other.
    """
    errors: list[CellError] = []
    document: dict[str, Any] = {}
    for sheet in _SHEETS:
        listed = read_sheet(name, content, sheet)
        document[sheet.name] = listed.read(_read_part)
        errors += listed.errors
    document["decision"] = document["decision"][0] if document["decision"] else {}
    if errors:
        return UploadedRules(None, tuple(errors))
    return UploadedRules(parse_rules(document), ())


def _read_part(check: CellChecker) -> dict[str, Any]:
    part = {column.key: _read_cell(check, column) for column in check.sheet.columns}
    # What a cell leaves open is as the rules have it without the cell.
    part = {key: value for key, value in part.items() if value is not None}
    if "zh" in part:
        part["name"] = {language: part.pop(language) for language in ("zh", "en")}
    return part


def _read_cell(check: CellChecker, column: WorkbookColumn) -> object:
    key, required = column.key, column.key not in _OPTIONAL
    if key == "points":
        return _read_points(check)
    if column.value_names:
        is_empty = check.row.cells.get(key) in (None, "")
        return None if is_empty and not required else check.parse_choice(key)
    if key in _NUMBERS:
        return read_decimal(check, key, required=required)
    return check.text(key, required=required)


def _read_points(check: CellChecker) -> Sequence[dict[str, Decimal]]:
    points = []
    for part in check.text("points", required=False).replace("\uff1b", ";").split(";"):
        if not part.strip():
            continue
        value, _, mark = part.replace("\uff1a", ":").partition(":")
        numbers = parse_decimal(value), parse_decimal(mark)
        if numbers[0] is None or numbers[1] is None:
            check.fail("points", msg("Marks by value look like 20:100; 40:50."))
            return []
        points.append({"value": numbers[0], "mark": numbers[1]})
    return points
