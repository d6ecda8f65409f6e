"""A test of three cookers, taken step by step to the state that a test needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session, select

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.access.work import Seen
from survey.comparative_tests.grading import Measurement
from survey.comparative_tests.hearings import ReplyData
from survey.comparative_tests.maker_replies import record_maker_reply, send_results_to_makers
from survey.comparative_tests.measured_values import add_measured_values
from survey.comparative_tests.plan import (
    advance_comparative_test,
    change_comparative_test,
    create_comparative_test,
    set_grading_rules,
)
from survey.comparative_tests.product_samples import add_product_samples
from survey.comparative_tests.rules import GradingRules
from survey.comparative_tests.value_list import ValueData
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import (
    Account,
    ComparativeTest,
    ComparativeTestState,
    MeasurementRound,
    ReplyStance,
)
from survey.store.tables.evidence import ComparativeTestPlan, SampleData
from survey.store.transactions import run_in_transaction
from tests.context.comparative_tests import small_rules
from tests.work_of import work_of

START = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
PLAN = ComparativeTestPlan(
    key="cooker-2026",
    area="CN",
    title_zh="电饭煲比较试验",
    title_en="Rice cookers",
    purpose="Consumers ask which one to buy.",
    funder="Membership fees",
    laboratory="Laboratory of the tests",
    accreditation="CNAS L0000",
)
CODES = ("S01", "S02", "S03")
RULES = small_rules.rules()
MAKERS = ("Maker A", "Maker A", "Maker B")
VALUES = {"S01": ("0.30", "31", "78.2"), "S02": ("0.90", "25", "85"), "S03": ("0.76", "40", "70")}
PARTNERS = ("Hunan association", "Shanghai association")
_State = ComparativeTestState
ORDER = list(_State)


def sample(code: str, maker: str = "Maker A") -> SampleData:
    return SampleData(
        code=code,
        brand=f"Brand {code}",
        model="M1",
        gtin="6291041500213",
        batch="B1",
        maker=maker,
        channel="online",
        place="A platform",
        bought_on=date(2026, 5, 10),
        price_fen=29_900,
        receipt=f"R-{code}",
        is_anonymous=True,
    )


def value(code: str, characteristic: str, number: str) -> ValueData:
    measured = Measurement(Decimal(number), Decimal("0.02"), Decimal(2))
    return ValueData(code, characteristic, measured, date(2026, 5, 18))


def first_values() -> list[ValueData]:
    return [
        value(code, key, number)
        for code, numbers in VALUES.items()
        for key, number in zip(("leakage", "cooking", "energy"), numbers, strict=True)
    ]


@dataclass
class RunningTest:
    """A test in a store, changed by people one after the other."""

    url: str
    id: UUID
    now: datetime

    @property
    def version(self) -> int:
        with read_scope(self.url) as session:
            return session.exec(
                select(ComparativeTest.lock_version).where(ComparativeTest.id == self.id)
            ).one()

    def change(
        self,
        service: Callable[..., object],
        person: Principal,
        *,
        two_people: bool = True,
        **given: object,
    ) -> object:
        """Call a service with the version that stands; `two_people` is the installation's."""
        settings = Settings(two_person_freeze=two_people)
        known = {"seen": Seen(self.id, self.version)}
        return run_in_transaction(
            self.url,
            lambda session: service(
                work_of(session, person, self.now, settings=settings), **known | given
            ),
        )

    def wait(self, days: int) -> None:
        self.now += timedelta(days)


def employ(url: str, role: Role, area: str = "CN", name: str = "") -> Principal:
    login = f"{role}-{area}-{name}".lower()
    account = Account(login=login, name=name or login, role=role, area=area)

    def add(session: Session) -> UUID:
        session.add(account)
        session.flush()
        return account.id

    return Principal(run_in_transaction(url, add), account.name, role, area)


def start(
    url: str,
    person: Principal,
    to: ComparativeTestState,
    values: Sequence[ValueData] = (),
    rules: GradingRules = RULES,
    *,
    with_samples: bool = True,
    key: str = PLAN.key,
) -> RunningTest:
    """Plan the test and take it to a state; without samples it stays planned."""
    test_id = run_in_transaction(
        url,
        lambda session: create_comparative_test(
            work_of(session, person, START), draft=ComparativeTestPlan.of(PLAN, key=key)
        ),
    )
    test = RunningTest(url, test_id, START)
    samples = [sample(code, maker) for code, maker in zip(CODES, MAKERS, strict=True)]
    test.change(set_grading_rules, person, rules=rules)
    if with_samples:
        test.change(add_product_samples, person, samples=samples)
    for state in ORDER[1 : ORDER.index(to) + 1]:
        if state is _State.RESULTS_IN:
            given = list(values) or first_values()
            first = {"values": given, "occasion": MeasurementRound.FIRST, "reason": ""}
            test.change(add_measured_values, person, **first)
        if state is _State.MAKERS_HEARD:
            hear(test, person)
        test.change(advance_comparative_test, person, to=state)
    return test


def start_joint(url: str, person: Principal) -> RunningTest:
    """Return a test of three associations whose makers were heard."""
    test = start(url, person, _State.PLANNED)
    plan = ComparativeTestPlan.of(PLAN, partners="；".join(PARTNERS))
    test.change(change_comparative_test, person, draft=plan)
    for state in ORDER[1 : ORDER.index(_State.MAKERS_HEARD) + 1]:
        if state is _State.RESULTS_IN:
            first = {"occasion": MeasurementRound.FIRST, "reason": ""}
            test.change(add_measured_values, person, values=first_values(), **first)
        if state is _State.MAKERS_HEARD:
            hear(test, person)
        test.change(advance_comparative_test, person, to=state)
    return test


def hear(test: RunningTest, person: Principal) -> None:
    """Send the results, let one maker object, and wait for the other until its deadline is over."""
    due_on = (test.now + timedelta(10)).date()
    test.change(send_results_to_makers, person, due_on=due_on)
    test.wait(3)
    test.change(
        record_maker_reply,
        person,
        maker="Maker A",
        data=ReplyData(
            ReplyStance.OBJECTS, "Our own value is lower.", "A retest follows.", test.now.date()
        ),
    )
    test.wait(10)
