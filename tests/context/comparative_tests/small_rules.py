"""Rules of a small test that the tests of grading share."""

from decimal import Decimal
from typing import Any

from survey.comparative_tests.grading import Measurement
from survey.comparative_tests.rules import GradingRules, parse_rules


def named(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


SAFETY = {
    "key": "leakage",
    "name": named("leakage current"),
    "group": "safety",
    "unit": "mA",
    "method": "GB 4706.1-2005",
    "limit_standard": "GB 4706.1-2005",
    "upper": "0.75",
    "weight": "0",
}
COOKING = {
    "key": "cooking",
    "name": named("cooking time"),
    "group": "use",
    "unit": "min",
    "method": "QB/T 4099-2010",
    "weight": "60",
    "points": [
        {"value": "20", "mark": "100"},
        {"value": "40", "mark": "50"},
        {"value": "60", "mark": "0"},
    ],
}
ENERGY = {
    "key": "energy",
    "name": named("thermal efficiency"),
    "group": "use",
    "unit": "percent",
    "method": "GB 12021.6-2017",
    "limit_standard": "GB 12021.6-2017",
    "lower": "60",
    "weight": "40",
    "points": [{"value": "60", "mark": "40"}, {"value": "90", "mark": "100"}],
}
FROST = {
    **COOKING,
    "key": "frost",
    "name": named("defrosting time"),
    "weight": "20",
    "applies": "some",
}
"""A function that not every product has."""
GRADES = [
    {"key": "good", "name": named("good"), "from_mark": "80"},
    {"key": "fair", "name": named("fair"), "from_mark": "60"},
    {"key": "poor", "name": named("poor"), "from_mark": "0"},
]
UNSAFE = {
    "key": "unsafe",
    "name": named("unsafe products are poor"),
    "characteristic": "leakage",
    "trigger": "fails",
    "effect": "cap",
    "amount": "39.9",
}


def document(**changes: Any) -> dict[str, Any]:
    return {
        "characteristics": [SAFETY, COOKING, ENERGY],
        "devaluations": [UNSAFE],
        "grades": GRADES,
        **changes,
    }


def rules(**changes: Any) -> GradingRules:
    return parse_rules(document(**changes))


def measured(value: str, uncertainty: str | None = None, coverage: str | None = "2") -> Measurement:
    half = None if uncertainty is None else Decimal(uncertainty)
    return Measurement(
        Decimal(value), half, None if half is None or coverage is None else Decimal(coverage)
    )
