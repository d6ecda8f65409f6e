"""Who keeps and who reads comparative tests, and the words about their states.

Who reads results reads what was released. A test that is not released is open only to those who
run tests in the whole of its area: the nation, or one province.
"""

from sqlmodel import col

from survey.access.roles import Action
from survey.access.work import Case
from survey.locale import Message, msg
from survey.records import Text
from survey.store.tables import ComparativeTest, ComparativeTestState

STATE_NAMES: dict[ComparativeTestState, Message] = {
    ComparativeTestState.PLANNED: msg("planned"),
    ComparativeTestState.BOUGHT: msg("samples bought"),
    ComparativeTestState.AT_LABORATORY: msg("at the laboratory"),
    ComparativeTestState.RESULTS_IN: msg("results in"),
    ComparativeTestState.MAKERS_HEARD: msg("makers heard"),
    ComparativeTestState.RELEASED: msg("released"),
}
REASON = Text(label=msg("Reason"), least=5)
"""Why a value is measured again or corrected."""
TESTS = Case(
    table=ComparativeTest,
    name="comparative_test",
    refused="comparative_test_not_allowed",
    keeping=Action.MANAGE_PRODUCT_TESTS,
    unknown=msg("There is no such comparative test."),
    area=col(ComparativeTest.area),
    is_demo=col(ComparativeTest.is_demo),
    is_open=col(ComparativeTest.state) == ComparativeTestState.RELEASED,
    changed=msg("Somebody changed this test meanwhile. Please look at it again, then repeat."),
    not_now=msg("This is not possible while the test is in the state “{state}”."),
    states=STATE_NAMES,
    state_of=lambda test: test.state,
    details=lambda test: {"key": test.key, "state": test.state},
)
