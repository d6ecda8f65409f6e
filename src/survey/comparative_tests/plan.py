"""Plan of a comparative test: what is tested for whom and with whose money, rules, and steps."""

from collections.abc import Callable
from uuid import UUID

from sqlmodel import func, select

from survey.access.audit import actor_id
from survey.access.work import Seen, Work
from survey.comparative_tests.access import TESTS
from survey.comparative_tests.hearings import require_heard
from survey.comparative_tests.measured_values import list_missing_values
from survey.comparative_tests.product_samples import list_product_samples, parse_claims
from survey.comparative_tests.rules import GradingRules, parse_rules
from survey.locale import msg
from survey.records import Text
from survey.store.audit_events import AuditEvent
from survey.store.tables import ComparativeTest, ComparativeTestState, MakerReply, ProductSample
from survey.store.tables.evidence import ComparativeTestPlan

MIN_SAMPLES = 2
_OPEN_STATES = (ComparativeTestState.PLANNED, ComparativeTestState.BOUGHT)
"""States in which plan and rules can change: before the laboratory has seen a sample."""


def create_comparative_test(
    work: Work, *, draft: ComparativeTestPlan, is_demo: bool = False
) -> UUID:
    """Plan a comparative test, record it, and return its id.

    Raises:
        AccessDeniedError: the area is not the principal's own.
        RefusedError: a text is missing, or the key is taken.
    """
    TESTS.require_area(work.principal, draft.area)
    plan = work.check(TESTS, draft)
    taken = select(ComparativeTest.id).where(ComparativeTest.key == plan.key)
    if work.session.exec(taken).first() is not None:
        raise TESTS.refuse(msg("There is a test with the name “{key}” already.", key=plan.key))
    test = ComparativeTest(
        **plan.model_dump(),
        rules=GradingRules().model_dump(mode="json"),
        is_demo=is_demo or work.principal.is_demo,
        planned_by=actor_id(work.principal),
        planned_at=work.now,
        lock_version=0,
    )
    work.save(TESTS, test, AuditEvent.PRODUCT_TEST_PLANNED, area=plan.area)
    return test.id


def change_comparative_test(work: Work, seen: Seen, *, draft: ComparativeTestPlan) -> None:
    """Change and record the plan's texts of test `seen` (id, version), but not its key and area.

    Raises:
        RefusedError: a text is missing, or the laboratory has the samples.
    """
    test = work.lock(TESTS, seen, _OPEN_STATES)
    plan = ComparativeTestPlan.of(draft, key=test.key, area=test.area)
    changed = work.check(TESTS, plan).write_to(test)
    work.save(TESTS, test, AuditEvent.PRODUCT_TEST_CHANGED, changed=changed)


def set_grading_rules(work: Work, seen: Seen, *, rules: GradingRules) -> None:
    """Store the rules of test `seen` (id, version); raise once a laboratory has the samples.

    Raises:
        RefusedError: the laboratory has the samples.
    """
    test = work.lock(TESTS, seen, _OPEN_STATES)
    test.rules = rules.model_dump(mode="json")
    work.save(TESTS, test, AuditEvent.PRODUCT_TEST_RULES_SET, sha256=rules.sha256)


def advance_comparative_test(work: Work, seen: Seen, *, to: ComparativeTestState) -> None:
    """Move test `seen` (id, version) to its next state `to`; raise if that does not come next.

    Handing the samples over seals the rules: nobody can fit weights to the results.

    Raises:
        RefusedError: it is not the next state, or something for it is missing.
    """
    before = [state for state, (target, _) in _STEPS.items() if target is to]
    test = work.lock(TESTS, seen, before)
    _STEPS[test.state][1](work, test)
    test.state = to
    work.save(
        TESTS,
        test,
        AuditEvent.PRODUCT_TEST_ADVANCED,
        **({"rules_sha256": test.rules_sha256} if test.rules_sha256 else {}),
    )


def _require_samples(work: Work, test: ComparativeTest) -> None:
    query = select(func.count()).where(ProductSample.test_id == test.id)
    if work.session.exec(query).one() < MIN_SAMPLES:
        raise TESTS.refuse(msg("A comparison needs at least {count} samples.", count=MIN_SAMPLES))


def _seal_rules(work: Work, test: ComparativeTest) -> None:
    rules = parse_rules(test.rules)
    if not rules.is_complete:
        raise TESTS.refuse(
            msg("The rules are not complete: characteristics and grades are needed.")
        )
    work.require_text(TESTS, test.laboratory, Text(label=msg("Laboratory"), most=200))
    work.require_text(TESTS, test.accreditation, Text(label=msg("Accreditation number"), most=100))
    checked = {each.key for each in rules.characteristics if each.claim is not None}
    for sample in list_product_samples(work.session, test.id):
        for key in (parse_claims(sample.claims) or {}).keys() - checked:
            raise TESTS.refuse(
                msg(
                    "Sample {sample} claims “{key}”, but the rules compare no claim of that name.",
                    sample=sample.code,
                    key=key,
                )
            )
    test.rules_sha256 = rules.sha256


def _require_values(work: Work, test: ComparativeTest) -> None:
    missing = list_missing_values(work.session, test)
    if missing:
        raise TESTS.refuse(
            msg(
                "{count} values are missing, the first is {characteristic} of sample {sample}.",
                count=len(missing),
                sample=missing[0][0],
                characteristic=missing[0][1],
            )
        )


def _require_hearing(work: Work, test: ComparativeTest) -> None:
    replies = work.session.exec(select(MakerReply).where(MakerReply.test_id == test.id)).all()
    if not replies:
        raise TESTS.refuse(msg("The results were not sent to the makers yet."))
    require_heard(work, TESTS, [(reply.maker, reply) for reply in replies])


_State = ComparativeTestState
_STEPS: dict[_State, tuple[_State, Callable[[Work, ComparativeTest], None]]] = {
    _State.PLANNED: (_State.BOUGHT, _require_samples),
    _State.BOUGHT: (_State.AT_LABORATORY, _seal_rules),
    _State.AT_LABORATORY: (_State.RESULTS_IN, _require_values),
    _State.RESULTS_IN: (_State.MAKERS_HEARD, _require_hearing),
}
