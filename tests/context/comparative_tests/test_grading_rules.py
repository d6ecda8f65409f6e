"""Rules that contradict themselves are refused in words, and a document keeps its hash."""

import io
import json
from typing import Any

import pytest
from openpyxl import load_workbook

from survey.comparative_tests.rules import is_standard_edition, parse_rules
from survey.comparative_tests.rules_workbook import build_rules_sheets, read_rules_file
from survey.frame.workbook_io import write_workbook
from tests.context.comparative_tests.small_rules import (
    COOKING,
    ENERGY,
    GRADES,
    SAFETY,
    UNSAFE,
    document,
    rules,
)
from tests.error_codes import raises_code


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"characteristics": [COOKING], "devaluations": []}, "add up to 60"),
        ({"characteristics": [SAFETY, COOKING, ENERGY, SAFETY]}, "there twice"),
        ({"grades": GRADES[:2]}, "the lowest one at 0"),
        ({"devaluations": [{**UNSAFE, "characteristic": "noise"}]}, "no characteristic"),
        ({"devaluations": [{**UNSAFE, "characteristic": "cooking"}]}, "no limit to fail"),
        ({"devaluations": [{**UNSAFE, "threshold": "50"}]}, "threshold"),
        ({"devaluations": [{**UNSAFE, "amount": "-3"}]}, "cannot be read at"),
        ({"characteristics": [{**SAFETY, "limit_standard": "GB 4706.1"}, COOKING, ENERGY]}, "year"),
        ({"characteristics": [{**SAFETY, "lower": "2"}, COOKING, ENERGY]}, "lies above"),
        (
            {"characteristics": [SAFETY, {**COOKING, "points": COOKING["points"][::-1]}, ENERGY]},
            "in rising order",
        ),
        ({"characteristics": [SAFETY, {**COOKING, "points": []}, ENERGY]}, "needs marks by value"),
        (
            {
                "characteristics": [
                    SAFETY,
                    {**COOKING, "applies": "some"},
                    {**ENERGY, "applies": "some"},
                ]
            },
            "applies to every product",
        ),
        ({"groups": [{"heading": "use", "combination": "mean"}] * 2}, "there twice"),
        ({"groups": [{"heading": "usage", "combination": "mean"}]}, "is no heading"),
        (
            {
                "characteristics": [SAFETY, COOKING, {**ENERGY, "group": ""}],
                "groups": [{"heading": "use", "combination": "mean"}],
            },
            "This one has none",
        ),
        ({"devaluations": [{**UNSAFE, "trigger": "claim_fails"}]}, "no claim is checked"),
        (
            {"characteristics": [SAFETY, {**COOKING, "claim_tolerance": "5"}, ENERGY]},
            "belongs to a claim",
        ),
    ],
)
def test_what_is_refused(changes: dict[str, Any], problem: str) -> None:
    with raises_code("rules_refused") as refused:
        parse_rules(document(**changes))
    message = refused.value.message
    assert problem in message.msgid.format(**message.params)


@pytest.mark.parametrize(
    "text",
    [
        "GB 4706.1-2005",
        "GB/T 40551-2021",
        "QB/T 4099-2010",
        "IEC 60335-2-15:2012",
        "T/CAS 412-2020",
        "DB31/T 1021-2016",
        "JIS C 9801-3:2015",
        "ASTM F963-2017",
        "Regulation (EC) No 1223/2009",
        "EN 60335-1:2012+A11:2014",
        "21 CFR 175.300 (2023)",
        "《化妆品安全技术规范》（2015年版）",
        "化妆品安全技术规范2015年版",
    ],
)
def test_editions(text: str) -> None:
    assert is_standard_edition(text)


@pytest.mark.parametrize(
    "text",
    ["", "GB 4706.1", "4706.1-2005", "GB 4706.1-05", "GB 4706.1-2005版", "GB 2015", "2015年版"],
)
def test_no_editions(text: str) -> None:
    assert not is_standard_edition(text)


def test_rules_with_groups_and_claims_come_back_as_they_were() -> None:
    known = rules(
        characteristics=[SAFETY, {**COOKING, "claim": "at_most", "claim_tolerance": "15"},
                         {**ENERGY, "applies": "some", "group": "cost"}],
        groups=[{"heading": "use", "combination": "weakest"},
                {"heading": "cost", "combination": "mean"},
                {"heading": "", "combination": "weakest"}],
    )  # fmt: skip
    for language in ("zh", "en"):
        content = write_workbook(build_rules_sheets(known), language)
        assert read_rules_file("rules.xlsx", content).rules == known
    # A workbook of before has neither the columns nor the sheet.
    book = load_workbook(io.BytesIO(write_workbook(build_rules_sheets(rules()), "en")))
    del book["groups"]
    book["characteristics"].delete_cols(12, 3)
    buffer = io.BytesIO()
    book.save(buffer)
    assert read_rules_file("rules.xlsx", buffer.getvalue()).rules == rules()


def test_a_stored_document_is_the_same_rules_with_the_same_hash() -> None:
    known = rules()
    stored = json.loads(json.dumps(known.model_dump(mode="json"), sort_keys=True))
    assert parse_rules(stored) == known
    assert parse_rules(stored).sha256 == known.sha256
    assert rules(grades=GRADES[1:]).sha256 != known.sha256
