"""Workbook of the rules of a comparative test: written, filled in, and read cell by cell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from survey.comparative_tests.product_samples import parse_decimal, read_decimal
from survey.comparative_tests.rules import (
    Characteristic,
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
}
EFFECT_NAMES: dict[str, Message] = {
    Effect.CAP: msg("the mark is at most the amount"),
    Effect.CAP_AT_CHARACTERISTIC: msg("the mark is at most that of the characteristic plus amount"),
    Effect.DEDUCT: msg("the amount is taken off"),
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
DECISION_SHEET = WorkbookSheet(
    "decision",
    (
        WorkbookColumn("kind", msg("Decision rule"), 50, value_names=DECISION_NAMES),
        WorkbookColumn("factor", msg("Guard band, as a multiple of U"), 18),
        WorkbookColumn("coverage", msg("Coverage factor k"), 16),
    ),
)


@dataclass(frozen=True)
class UploadedRules:
    """Rules of an uploaded workbook; with errors there are none."""

    rules: GradingRules | None
    errors: tuple[CellError, ...]


def build_rules_sheets(rules: GradingRules) -> list[WorkbookSheet]:
    """Return the worksheets of rules, to fill in or to change."""
    characteristics = [
        [
            each.key,
            each.name.get("zh", ""),
            each.name.get("en", ""),
            each.group,
            each.unit,
            each.method,
            each.limit_standard,
            _convert_number(each.lower),
            _convert_number(each.upper),
            _convert_number(each.weight),
            format_points(each),
        ]
        for each in rules.characteristics
    ]
    devaluations = [
        [
            each.key,
            each.name.get("zh", ""),
            each.name.get("en", ""),
            each.characteristic,
            each.trigger.value,
            _convert_number(each.threshold),
            each.effect.value,
            _convert_number(each.amount),
        ]
        for each in rules.devaluations
    ]
    grades = [
        [
            each.key,
            each.name.get("zh", ""),
            each.name.get("en", ""),
            _convert_number(each.from_mark),
        ]
        for each in rules.grades
    ]
    decision = rules.decision
    return [
        replace(CHARACTERISTIC_SHEET, rows=characteristics),
        replace(DEVALUATION_SHEET, rows=devaluations),
        replace(GRADE_SHEET, rows=grades),
        replace(
            DECISION_SHEET,
            rows=[
                [
                    decision.kind.value,
                    _convert_number(decision.factor),
                    _convert_number(decision.coverage),
                ]
            ],
        ),
    ]


def format_points(characteristic: Characteristic) -> str:
    """Return the marks by value as a cell holds them: `20:100; 40:50`."""
    return "; ".join(f"{each.value:f}:{each.mark:f}" for each in characteristic.points)


def read_rules_file(name: str, content: bytes) -> UploadedRules:
    """Check an uploaded workbook of rules; nothing is stored.

    Raises:
        WorkbookError: the file as a whole.
        RefusedError: rules that are right cell by cell and contradict each other.
    """
    errors: list[CellError] = []
    document: dict[str, Any] = {}
    for part, sheet, read in (
        ("characteristics", CHARACTERISTIC_SHEET, _read_characteristic),
        ("devaluations", DEVALUATION_SHEET, _read_devaluation),
        ("grades", GRADE_SHEET, _read_grade),
        ("decision", DECISION_SHEET, _read_decision),
    ):
        listed = read_sheet(name, content, sheet)
        document[part] = listed.read(read)
        errors += listed.errors
    document["decision"] = document["decision"][0] if document["decision"] else {}
    if errors:
        return UploadedRules(None, tuple(errors))
    return UploadedRules(parse_rules(document), ())


def _read_key_and_name(check: CellChecker) -> dict[str, Any]:
    return {"key": check.text("key"), "name": {"zh": check.text("zh"), "en": check.text("en")}}


def _read_characteristic(check: CellChecker) -> dict[str, Any]:
    return {
        **_read_key_and_name(check),
        "group": check.text("group", required=False),
        "unit": check.text("unit", required=False),
        "method": check.text("method"),
        "limit_standard": check.text("limit_standard", required=False),
        "lower": read_decimal(check, "lower", required=False),
        "upper": read_decimal(check, "upper", required=False),
        "weight": read_decimal(check, "weight"),
        "points": _read_points(check),
    }


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


def _read_devaluation(check: CellChecker) -> dict[str, Any]:
    return {
        **_read_key_and_name(check),
        "characteristic": check.text("characteristic"),
        "trigger": check.parse_choice("trigger"),
        "threshold": read_decimal(check, "threshold", required=False),
        "effect": check.parse_choice("effect"),
        "amount": read_decimal(check, "amount"),
    }


def _read_grade(check: CellChecker) -> dict[str, Any]:
    return {**_read_key_and_name(check), "from_mark": read_decimal(check, "from_mark")}


def _read_decision(check: CellChecker) -> dict[str, Any]:
    return {
        "kind": check.parse_choice("kind"),
        "factor": read_decimal(check, "factor"),
        "coverage": read_decimal(check, "coverage"),
    }


def _convert_number(number: Decimal | None) -> float | int | None:
    """Return a number as a workbook holds it."""
    if number is None:
        return None
    return int(number) if number == int(number) else float(number)
