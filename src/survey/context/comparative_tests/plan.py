"""Plan of a comparative test: what is tested for whom and with whose money, rules, and steps."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, func, select

from survey.access.audit import actor_id
from survey.access.work import Work
from survey.context.comparative_tests.access import (
    ComparativeTestNotAllowedError,
    lock_test,
    require_area_of_test,
    require_text,
    save_test,
)
from survey.context.comparative_tests.measured_values import list_missing_values
from survey.context.comparative_tests.rules import GradingRules, parse_rules
from survey.context.hearings import require_heard
from survey.locale import msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import ComparativeTest, ComparativeTestState, MakerReply, ProductSample

MIN_SAMPLES = 2
_OPEN_STATES = (ComparativeTestState.PLANNED, ComparativeTestState.BOUGHT)
"""States in which plan and rules can change: before the laboratory has seen a sample."""
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{2,39}")


@dataclass(frozen=True)
class ComparativeTestPlan:
    """What is known of a test before it is bought."""

    key: str
    area: str
    title_zh: str
    title_en: str
    purpose: str
    funder: str
    laboratory: str = ""
    accreditation: str = ""


def create_comparative_test(
    work: Work, *, draft: ComparativeTestPlan, is_demo: bool = False
) -> UUID:
    """Plan a test and return its id.

    Raises:
        AccessDeniedError: the area is not the principal's own.
        ComparativeTestNotAllowedError: a text is missing, or the key is taken.
    """
    require_area_of_test(work.principal, draft.area)
    plan = _clean_plan(draft)
    taken = select(ComparativeTest.id).where(ComparativeTest.key == plan.key)
    if work.session.exec(taken).first() is not None:
        raise ComparativeTestNotAllowedError(
            msg("There is a test with the name “{key}” already.", key=plan.key)
        )
    test = ComparativeTest(
        **vars(plan),
        rules=GradingRules().model_dump(mode="json"),
        is_demo=is_demo or work.principal.is_demo,
        planned_by=actor_id(work.principal),
        planned_at=work.now,
        lock_version=0,
    )
    save_test(work, test, AuditEvent.PRODUCT_TEST_PLANNED, area=plan.area)
    return test.id


def change_comparative_test(
    work: Work, *, test_id: UUID, draft: ComparativeTestPlan, expected_version: int
) -> None:
    """Change the texts of a plan; key and area stay.

    Raises:
        ComparativeTestNotAllowedError: a text is missing, or the laboratory has the samples.
    """
    test = lock_test(work, test_id, expected_version, _OPEN_STATES)
    plan = _clean_plan(replace(draft, key=test.key, area=test.area))
    changed = [name for name, value in vars(plan).items() if getattr(test, name) != value]
    for name in changed:
        setattr(test, name, getattr(plan, name))
    save_test(work, test, AuditEvent.PRODUCT_TEST_CHANGED, changed=changed)


def _clean_plan(plan: ComparativeTestPlan) -> ComparativeTestPlan:
    if not _KEY.fullmatch(plan.key):
        raise ComparativeTestNotAllowedError(
            msg("The short name has 3 to 40 small letters, digits and hyphens.")
        )
    return replace(
        plan,
        title_zh=require_text(plan.title_zh, msg("Chinese title"), most=100),
        title_en=require_text(plan.title_en, msg("English title"), most=100),
        purpose=require_text(plan.purpose, msg("Purpose")),
        funder=require_text(plan.funder, msg("Funder"), most=200),
        laboratory=" ".join(plan.laboratory.split()),
        accreditation=" ".join(plan.accreditation.split()),
    )


def set_grading_rules(
    work: Work, *, test_id: UUID, rules: GradingRules, expected_version: int
) -> None:
    """Store the rules of a test; once the laboratory has the samples they cannot change.

    Raises:
        ComparativeTestNotAllowedError: the laboratory has the samples.
    """
    test = lock_test(work, test_id, expected_version, _OPEN_STATES)
    test.rules = rules.model_dump(mode="json")
    save_test(work, test, AuditEvent.PRODUCT_TEST_RULES_SET, sha256=rules.sha256)


def advance_comparative_test(
    work: Work, *, test_id: UUID, to: ComparativeTestState, expected_version: int
) -> None:
    """Take a test to its next state: bought, at the laboratory, results in, or makers heard.

    Handing the samples over seals the rules: nobody can fit weights to the results.

    Raises:
        ComparativeTestNotAllowedError: it is not the next state, or something for it is missing.
    """
    before = [state for state, (target, _) in _STEPS.items() if target is to]
    test = lock_test(work, test_id, expected_version, before)
    _STEPS[test.state][1](work.session, test, work.now)
    test.state = to
    save_test(
        work,
        test,
        AuditEvent.PRODUCT_TEST_ADVANCED,
        **({"rules_sha256": test.rules_sha256} if test.rules_sha256 else {}),
    )


def _require_samples(session: Session, test: ComparativeTest, _: datetime) -> None:
    query = select(func.count()).where(ProductSample.test_id == test.id)
    if session.exec(query).one() < MIN_SAMPLES:
        raise ComparativeTestNotAllowedError(
            msg("A comparison needs at least {count} samples.", count=MIN_SAMPLES)
        )


def _seal_rules(_: Session, test: ComparativeTest, __: datetime) -> None:
    rules = parse_rules(test.rules)
    if not rules.is_complete:
        raise ComparativeTestNotAllowedError(
            msg("The rules are not complete: characteristics and grades are needed.")
        )
    require_text(test.laboratory, msg("Laboratory"), most=200)
    require_text(test.accreditation, msg("Accreditation number"), most=100)
    test.rules_sha256 = rules.sha256


def _require_values(session: Session, test: ComparativeTest, _: datetime) -> None:
    missing = list_missing_values(session, test)
    if missing:
        raise ComparativeTestNotAllowedError(
            msg(
                "{count} values are missing, the first is {characteristic} of sample {sample}.",
                count=len(missing),
                sample=missing[0][0],
                characteristic=missing[0][1],
            )
        )


def _require_hearing(session: Session, test: ComparativeTest, now: datetime) -> None:
    replies = session.exec(select(MakerReply).where(MakerReply.test_id == test.id)).all()
    if not replies:
        raise ComparativeTestNotAllowedError(msg("The results were not sent to the makers yet."))
    named = [(reply.maker, reply) for reply in replies]
    require_heard(named, china_date(now), ComparativeTestNotAllowedError)


_State = ComparativeTestState
_STEPS: dict[_State, tuple[_State, Callable[[Session, ComparativeTest, datetime], None]]] = {
    _State.PLANNED: (_State.BOUGHT, _require_samples),
    _State.BOUGHT: (_State.AT_LABORATORY, _seal_rules),
    _State.AT_LABORATORY: (_State.RESULTS_IN, _require_values),
    _State.RESULTS_IN: (_State.MAKERS_HEARD, _require_hearing),
}
