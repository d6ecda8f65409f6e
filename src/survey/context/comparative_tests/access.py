"""Access to comparative tests, the lock of a change, and its errors.

Who reads results reads what was released. A test that is not released is open only to those who
run tests in the whole of its area: the nation, or one province.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, true
from sqlmodel import select

from survey.access.principal import AccessDeniedError, Principal, covers_whole_area
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.locale import Message, SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import ComparativeTest, ComparativeTestState, table_of

_TESTS = table_of(ComparativeTest)


class ComparativeTestNotFoundError(SurveyError):
    """Raised when there is no such test, or the principal may not know of it."""

    code = "comparative_test_unknown"

    def __init__(self) -> None:
        super().__init__(msg("There is no such comparative test."))


class ComparativeTestNotAllowedError(SurveyError):
    """Raised when the state of a test or a missing text does not allow a step."""

    code = "comparative_test_not_allowed"


class ComparativeTestConflictError(SurveyError):
    """Raised when somebody else changed the test since it was read."""

    code = "comparative_test_changed"

    def __init__(self) -> None:
        super().__init__(
            msg("Somebody changed this test meanwhile. Please look at it again, then repeat.")
        )


def may_manage(principal: Principal, test: ComparativeTest) -> bool:
    """Return whether a principal may see and change a test that is not released."""
    return (
        principal.may(Action.MANAGE_PRODUCT_TESTS)
        and covers_whole_area(principal, test.area)
        and (test.is_demo or not principal.is_demo)
    )


def own_tests(principal: Principal) -> ColumnElement[bool]:
    """Return the condition for tests of the principal's whole area; a demonstration sees its own.

    A test belongs to the nation or to a province, so that an account of a city has none.
    """
    area = true() if principal.area == NATION else _TESTS.c.area == principal.area
    return and_(area, _TESTS.c.is_demo) if principal.is_demo else area


def readable_tests(principal: Principal) -> ColumnElement[bool]:
    """Return the condition for tests that a principal may read as they stand."""
    released = _TESTS.c.state == ComparativeTestState.RELEASED
    if principal.is_demo:
        released = and_(released, _TESTS.c.is_demo)
    if not principal.may(Action.MANAGE_PRODUCT_TESTS):
        return released
    return or_(released, own_tests(principal))


def require_area_of_test(principal: Principal, area: str) -> None:
    """Raise `AccessDeniedError` unless the principal runs tests in the whole of an area."""
    principal.require(Action.MANAGE_PRODUCT_TESTS)
    if not covers_whole_area(principal, area):
        raise AccessDeniedError(msg("This is outside your area."))


def find_test(work: Work, test_id: UUID) -> ComparativeTest:
    """Return a test that the principal may read. Raises `ComparativeTestNotFoundError`."""
    work.require(Action.READ_RESULTS)
    query = select(ComparativeTest).where(
        ComparativeTest.id == test_id, readable_tests(work.principal)
    )
    test = work.session.exec(query).one_or_none()
    if test is None:
        raise ComparativeTestNotFoundError
    return test


def lock_test(
    work: Work,
    test_id: UUID,
    expected_version: int,
    states: Collection[ComparativeTestState],
    action: Action = Action.MANAGE_PRODUCT_TESTS,
) -> ComparativeTest:
    """Lock a test for a change by those who run it, and check it as `get_own_test` does."""
    test = find_own_test(work, test_id, action, is_locked=True)
    _require_unchanged(test, expected_version, states)
    return test


def get_own_test(
    work: Work, test_id: UUID, expected_version: int, states: Collection[ComparativeTestState]
) -> ComparativeTest:
    """Return a test to those who run it, to check what they would change.

    Args:
        expected_version: The version that was seen; another one is a conflict.
        states: States in which the change is possible.

    Raises:
        ComparativeTestNotFoundError: no such test in the principal's area.
        ComparativeTestConflictError: it was changed since.
        ComparativeTestNotAllowedError: its state does not allow the change.
    """
    test = find_own_test(work, test_id, Action.MANAGE_PRODUCT_TESTS, is_locked=False)
    _require_unchanged(test, expected_version, states)
    return test


def find_own_test(work: Work, test_id: UUID, action: Action, *, is_locked: bool) -> ComparativeTest:
    work.require(action)
    query = select(ComparativeTest).where(ComparativeTest.id == test_id, own_tests(work.principal))
    test = work.session.exec(query.with_for_update() if is_locked else query).one_or_none()
    if test is None:
        raise ComparativeTestNotFoundError
    return test


def _require_unchanged(
    test: ComparativeTest, expected_version: int, states: Collection[ComparativeTestState]
) -> None:
    if test.lock_version != expected_version:
        raise ComparativeTestConflictError
    if test.state not in states:
        raise ComparativeTestNotAllowedError(
            msg(
                "This is not possible while the test is in the state “{state}”.",
                state=STATE_NAMES[test.state],
            )
        )


def save_test(work: Work, test: ComparativeTest, event: AuditEvent, **detail: Any) -> int:
    """Store a changed test with its audit entry and return its new version."""
    test.lock_version += 1
    work.session.add(test)
    work.session.flush()
    work.record(event, test.id, {"key": test.key, "state": test.state, **detail})
    return test.lock_version


def require_text(text: str, what: Message, *, least: int = 2, most: int = 500) -> str:
    """Return a text without outer blanks. Raises `ComparativeTestNotAllowedError` by its length."""
    words = " ".join(text.split())
    if not least <= len(words) <= most:
        raise ComparativeTestNotAllowedError(
            msg("{what}: between {least} and {most} characters.", what=what, least=least, most=most)
        )
    return words


STATE_NAMES: dict[ComparativeTestState, Message] = {
    ComparativeTestState.PLANNED: msg("planned"),
    ComparativeTestState.BOUGHT: msg("samples bought"),
    ComparativeTestState.AT_LABORATORY: msg("at the laboratory"),
    ComparativeTestState.RESULTS_IN: msg("results in"),
    ComparativeTestState.MAKERS_HEARD: msg("makers heard"),
    ComparativeTestState.RELEASED: msg("released"),
}
