"""The referral of a product that does not conform: what is known, blanks, and who may make it."""

import io

import docx
import pytest
from sqlmodel import select

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Role
from survey.locale import NotFoundError
from survey.reports.danger_referral import make_danger_referral
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry, ComparativeTestState
from survey.store.transactions import run_in_transaction
from tests.context.comparative_tests.small_test import RunningTest, employ, start
from tests.error_codes import raises_code
from tests.work_of import work_of


@pytest.fixture
def lin(sqlite_url: str) -> Principal:
    return employ(sqlite_url, Role.NATIONAL_OFFICIAL)


def make(test: RunningTest, person: Principal, sample: str, language: str = "en") -> bytes:
    content: bytes = run_in_transaction(
        test.url,
        lambda session: (
            make_danger_referral(
                work_of(session, person, test.now),
                test_id=test.id,
                sample=sample,
                language=language,
            ).content
        ),
    )
    return content


def rows_of(content: bytes) -> dict[str, str]:
    tables = docx.Document(io.BytesIO(content)).tables
    return {row.cells[0].text: row.cells[-1].text for table in tables for row in table.rows}


def test_what_the_store_knows_is_filled_in_and_the_rest_is_blank(
    sqlite_url: str, lin: Principal
) -> None:
    test = start(sqlite_url, lin, ComparativeTestState.RESULTS_IN)
    rows = rows_of(make(test, lin, "S02"))
    assert rows["Product"] == "Rice cookers"
    assert (rows["Brand"], rows["Type or number of the model"]) == ("Brand S02", "M1")
    assert (rows["Barcode (GTIN)"], rows["Batch"]) == ("6291041500213", "B1")
    risk = rows["Description of the risk"]
    assert "0.90 ± 0.02" in risk
    assert "≤ 0.75" in risk
    assert "thermal efficiency" not in risk, "what conforms is no risk"
    assert rows["Legal provision or standard that it does not meet"] == "GB 4706.1-2005"
    assert rows["Laboratory"] == "Laboratory of the tests (CNAS L0000)"
    blank = {head for head, text in rows.items() if text and not text.strip("_")}
    assert blank == {
        "Category", "Name", "Description of the product and its packaging", "Country of origin",
        "Type of risk", "Level of risk", "Measures taken, by whom and since when",
    }  # fmt: skip
    assert "0.90 ± 0.02" in rows_of(make(test, lin, "S02", "zh"))["风险描述"]
    with read_scope(sqlite_url) as session:
        made = AuditEvent.PRODUCT_TEST_REFERRAL_MADE
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == made)).all()
    assert [each.detail["code"] for each in entries] == ["S02", "S02"]


def test_only_what_does_not_conform_is_referred_and_only_by_who_runs_the_test(
    sqlite_url: str, lin: Principal
) -> None:
    test = start(sqlite_url, lin, ComparativeTestState.RESULTS_IN)
    # S01 conforms, S03 fails within the uncertainty alone.
    for sample in ("S01", "S03", "S99"):
        with raises_code("comparative_test_not_allowed"):
            make(test, lin, sample)
    for role, area in ((Role.PROVINCE_OFFICIAL, "32"), (Role.CITY_OFFICIAL, "320500")):
        with pytest.raises((AccessDeniedError, NotFoundError)):
            make(test, employ(sqlite_url, role, area), "S02")
