"""Joint tests: every named partner approves the very grades that are released."""

from datetime import timedelta

import pytest
from sqlmodel import select

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Role
from survey.comparative_tests.measured_values import add_measured_values
from survey.comparative_tests.reading import get_comparative_test
from survey.comparative_tests.released_grades import record_partner_approval, sign_comparative_test
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry, ComparativeTestState, MeasurementRound
from tests.context.comparative_tests.small_test import (
    PARTNERS,
    RunningTest,
    employ,
    start_joint,
    value,
)
from tests.error_codes import raises_code
from tests.work_of import work_of

State = ComparativeTestState
HUNAN, SHANGHAI = PARTNERS


def approvals(test: RunningTest, person: Principal) -> dict[str, bool]:
    with read_scope(test.url) as session:
        found = get_comparative_test(work_of(session, person), test_id=test.id).approvals
    return {partner: given is not None for partner, given in found.items()}


def approve(test: RunningTest, person: Principal, partner: str, **given: object) -> None:
    known = {"letter": "2026-17", "approved_on": test.now.date()}
    test.change(record_partner_approval, person, partner=partner, **known | given)


@pytest.fixture
def lin(store_url: str) -> Principal:
    return employ(store_url, Role.NATIONAL_OFFICIAL, name="Lin")


@pytest.fixture
def joint(store_url: str, lin: Principal) -> RunningTest:
    """A joint test of three associations whose makers were heard."""
    return start_joint(store_url, lin)


def test_a_joint_test_is_signed_after_every_partner_approved(
    joint: RunningTest, lin: Principal
) -> None:
    with raises_code("comparative_test_not_allowed"):
        joint.change(sign_comparative_test, lin)
    approve(joint, lin, HUNAN)
    assert approvals(joint, lin) == {HUNAN: True, SHANGHAI: False}
    with raises_code("comparative_test_not_allowed"):
        joint.change(sign_comparative_test, lin)
    approve(joint, lin, SHANGHAI)
    # Another value, other grades: both are asked anew.
    retest = {"occasion": MeasurementRound.RETEST, "reason": "The maker asked for it."}
    joint.change(add_measured_values, lin, values=[value("S02", "leakage", "0.30")], **retest)
    assert approvals(joint, lin) == {HUNAN: False, SHANGHAI: False}
    with raises_code("comparative_test_not_allowed"):
        joint.change(sign_comparative_test, lin)
    approve(joint, lin, HUNAN)
    approve(joint, lin, SHANGHAI)
    assert joint.change(sign_comparative_test, lin, two_people=False) is State.RELEASED
    city = employ(joint.url, Role.CITY_OFFICIAL, "110000")
    assert approvals(joint, city) == {HUNAN: True, SHANGHAI: True}
    with read_scope(joint.url) as session:
        action = AuditEvent.PRODUCT_TEST_PARTNER_APPROVED
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == action)).all()
    assert [each.detail["partner"] for each in entries] == [HUNAN, SHANGHAI, HUNAN, SHANGHAI]


def test_an_approval_has_a_partner_a_letter_and_a_day(joint: RunningTest, lin: Principal) -> None:
    tomorrow = joint.now.date() + timedelta(1)
    for partner, given in (
        ("Somebody", {}), (HUNAN, {"letter": " "}), (HUNAN, {"approved_on": tomorrow}),
    ):  # fmt: skip
        with raises_code("comparative_test_not_allowed"):
            approve(joint, lin, partner, **given)
    with pytest.raises(AccessDeniedError):
        approve(joint, employ(joint.url, Role.CITY_OFFICIAL, "110000"), HUNAN)
    assert approvals(joint, lin) == {HUNAN: False, SHANGHAI: False}
