"""The demonstration's comparative test: marked, graded as its known truth says, stored once."""

from datetime import UTC, datetime

import pytest
from sqlmodel import Session, func, select

from seed.demo.comparative_test import (
    BORDERLINE,
    MISREAD,
    RETESTED,
    TRUE_VALUES,
    UNCERTAINTIES,
    UNSAFE,
    demo_rules,
    store_comparative_test,
)
from survey.access.principal import Principal
from survey.access.roles import Role, demo_login
from survey.comparative_tests.product_samples import is_gtin
from survey.comparative_tests.reading import (
    ComparativeTestDetail,
    get_comparative_test,
    list_comparative_tests,
)
from survey.store.engine import read_scope
from survey.store.tables import Account, ComparativeTest
from survey.store.transactions import run_in_transaction
from tests.work_of import work_of


@pytest.fixture
def demo_test(sqlite_url: str) -> ComparativeTestDetail:
    login = demo_login(Role.NATIONAL_OFFICIAL)
    account = Account(login=login, name=login, role=Role.NATIONAL_OFFICIAL, area="CN", is_demo=True)

    def build(session: Session) -> Principal:
        session.add(account)
        session.flush()
        for _ in range(2):
            store_comparative_test(
                session=session,
                accounts={login: account.id},
                seed=7,
                now=datetime(2026, 5, 20, tzinfo=UTC),
            )
        return Principal(account.id, login, Role.NATIONAL_OFFICIAL, "CN", is_demo=True)

    person = run_in_transaction(sqlite_url, build)
    with read_scope(sqlite_url) as session:
        assert session.exec(select(func.count()).select_from(ComparativeTest)).one() == 1
        (summary,) = list_comparative_tests(work_of(session, person))
        return get_comparative_test(work_of(session, person), test_id=summary.id)


def test_the_story_of_the_demonstration(demo_test: ComparativeTestDetail) -> None:
    assert demo_test.summary.is_demo
    assert len(demo_test.samples) == len(TRUE_VALUES) == 12
    assert all(is_gtin(each.data.gtin) for each in demo_test.samples)
    samples = {each.data.code: each for each in demo_test.samples}
    unsafe, borderline = samples[UNSAFE].standing, samples[BORDERLINE].standing
    assert unsafe is not None
    assert (unsafe.grade, unsafe.mark < unsafe.weighted) == ("one", True)
    assert borderline is not None
    assert borderline.characteristics[0].is_straddling
    assert borderline.mark == borderline.weighted
    assert [each.sample for each in demo_test.values if each.number == 2] == [RETESTED]
    misread = samples[MISREAD]
    assert misread.corrected is not None
    assert misread.grade is not None
    assert misread.corrected.mark > misread.grade.mark
    assert len({each.standing.grade for each in demo_test.samples if each.standing}) >= 4


def test_what_stands_is_the_truth_within_what_the_laboratory_allows(
    demo_test: ComparativeTestDetail,
) -> None:
    """An error of twice the expanded uncertainty happens once in ten thousand values."""
    keys = [each.key for each in demo_rules().characteristics]
    for sample in demo_test.samples:
        assert sample.standing is not None
        measured = {s.characteristic: s.measurement for s in sample.standing.characteristics}
        for key, true, half in zip(keys, TRUE_VALUES[sample.data.code], UNCERTAINTIES, strict=True):
            assert abs(float(measured[key].value) - true) <= 2 * half + 0.5 * (half >= 3)
