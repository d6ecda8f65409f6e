"""Release of a comparative test by two people, and the errata that follow it.

The first person signs the grades as they are, by their hash; where a value changes afterwards,
signing begins anew. What was released is stored with every step and is never edited: an erratum
stands beside it.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlmodel import Session, col, func, select

from survey.access.approval import (
    NextSignature,
    PeopleRule,
    approve,
    find_next_signature,
    find_people_rule,
)
from survey.access.audit import actor_id
from survey.access.roles import NATION, Action
from survey.access.work import Seen, Work
from survey.comparative_tests.access import REASON, TESTS
from survey.comparative_tests.grading import Measurement, SampleGrade, grade_sample
from survey.comparative_tests.measured_values import (
    latest_measurements,
    list_missing_values,
    measurement_columns,
    measurement_of,
    require_decidable,
)
from survey.comparative_tests.product_samples import list_product_samples, parse_claims
from survey.comparative_tests.rules import parse_rules
from survey.comparative_tests.value_list import ValueData
from survey.locale import RefusedError, msg
from survey.records import Text
from survey.store.audit_chain import canonical_json
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import (
    ComparativeTest,
    ComparativeTestErratum,
    ComparativeTestState,
    ProductGrade,
)

_STEPS = TypeAdapter(SampleGrade)
_LETTER = Text(label=msg("Number or day of the letter"), most=200)
_SEPARATOR = re.compile(r"[,;\uff0c\uff1b\u3001\n]")


@dataclass(frozen=True)
class PartnerApproval:
    """Letter by which a partner of a joint test approved grades, and the hash of these grades."""

    letter: str
    approved_on: date
    sha256: str


_APPROVALS = TypeAdapter(dict[str, PartnerApproval])


def grade_to_document(grade: SampleGrade) -> dict[str, Any]:
    """Return a grade with its steps as a JSON document, its decimals as texts."""
    document: dict[str, Any] = _STEPS.dump_python(grade, mode="json")
    return document


def grade_of_document(document: Mapping[str, Any]) -> SampleGrade:
    """Return the grade with its steps from a document of `grade_to_document`."""
    return _STEPS.validate_python(document)


def compute_grades(session: Session, test: ComparativeTest) -> dict[UUID, SampleGrade]:
    """Return `sample id -> grade` by the latest values of each sample; errata are left out."""
    rules, samples = parse_rules(test.rules), list_product_samples(session, test.id)
    latest = latest_measurements(session, samples)
    return {
        sample.id: grade_sample(rules, latest[sample.id], parse_claims(sample.claims))
        for sample in samples
    }


def compute_corrected_grades(session: Session, test: ComparativeTest) -> dict[UUID, SampleGrade]:
    """Return `sample id -> grade` for samples with confirmed errata, computed anew."""
    query = (
        select(ComparativeTestErratum)
        .where(
            ComparativeTestErratum.test_id == test.id,
            col(ComparativeTestErratum.confirmed_at).is_not(None),
        )
        .order_by(col(ComparativeTestErratum.number))
    )
    rules = parse_rules(test.rules)
    samples = list_product_samples(session, test.id)
    latest = latest_measurements(session, samples)
    corrected: dict[UUID, dict[str, Measurement]] = {}
    for row in session.exec(query):
        values = corrected.setdefault(row.sample_id, dict(latest[row.sample_id]))
        values[row.characteristic] = measurement_of(row)
    return {
        sample.id: grade_sample(rules, corrected[sample.id], parse_claims(sample.claims))
        for sample in samples
        if sample.id in corrected
    }


def list_partner_approvals(
    session: Session, test: ComparativeTest
) -> dict[str, PartnerApproval | None]:
    """Return partner of a joint test -> its approval of the grades as they are; None without."""
    parts = (" ".join(part.split()) for part in _SEPARATOR.split(test.partners))
    given = _APPROVALS.validate_python(test.partner_approvals)
    partners = {partner: given.get(partner) for partner in parts if partner}
    if not partners or test.state is ComparativeTestState.RELEASED:
        return partners
    is_graded = not list_missing_values(session, test)
    signed = _hash_of(test, compute_grades(session, test)) if is_graded else ""
    return {
        partner: approval if approval and approval.sha256 == signed else None
        for partner, approval in partners.items()
    }


def record_partner_approval(
    work: Work, seen: Seen, *, partner: str, letter: str, approved_on: date
) -> None:
    """Record that a partner of joint test `seen` approved its grades, by the letter that says so.

    It holds for the grades as they are now; where a value changes, the partner is asked anew.

    Raises:
        RefusedError: there is no such partner, values are missing, or the letter or day cannot be.
    """
    test = work.lock(
        TESTS, seen, (ComparativeTestState.MAKERS_HEARD,), Action.RELEASE_PRODUCT_TESTS
    )
    _require_values(work, test)
    if partner not in list_partner_approvals(work.session, test):
        raise TESTS.refuse(msg("The plan of the test names no such partner."))
    if approved_on > china_date(work.now):
        raise TESTS.refuse(msg("This day is yet to come."))
    signed = _hash_of(test, compute_grades(work.session, test))
    approval = {
        "letter": work.require_text(TESTS, letter, _LETTER),
        "approved_on": approved_on.isoformat(),
        "sha256": signed,
    }
    test.partner_approvals = {**test.partner_approvals, partner: approval}
    work.save(TESTS, test, AuditEvent.PRODUCT_TEST_PARTNER_APPROVED, partner=partner, **approval)


def _require_values(work: Work, test: ComparativeTest) -> None:
    if list_missing_values(work.session, test):
        raise TESTS.refuse(
            msg("Values are missing or not decidable. Enter a retest or a correction first.")
        )


def sign_comparative_test(
    work: Work, seen: Seen, *, releases: bool | None = None
) -> ComparativeTestState:
    """Sign test `seen`, return its state; raise if `releases` (will this release it?) is wrong.

    Args:
        releases: What the person was told that this signature does; None where nobody was told.

    Raises:
        RefusedError: the principal gave the first signature, the makers were not heard yet, a
            partner has not approved the grades, or
            the signature would do something else than the person was told.
    """
    test = work.lock(
        TESTS, seen, (ComparativeTestState.MAKERS_HEARD,), Action.RELEASE_PRODUCT_TESTS
    )
    _require_values(work, test)
    awaited = [
        name for name, given in list_partner_approvals(work.session, test).items() if given is None
    ]
    if awaited:
        raise TESTS.refuse(
            msg("These partners have not approved the grades: {names}.", names="; ".join(awaited))
        )
    grades = compute_grades(work.session, test)
    signed = _hash_of(test, grades)
    rule = _find_people_rule(work, test)
    is_first = test.first_signed_at is None or test.signed_sha256 != signed
    if releases is not None and releases != (not is_first or rule is not PeopleRule.TWO):
        raise TESTS.refuse(
            msg("Meanwhile it has changed what a signature does. Please read again and sign then.")
        )
    if is_first:
        test.first_signed_by, test.first_signed_at = actor_id(work.principal), work.now
        test.signed_sha256 = signed
        if rule is PeopleRule.TWO:
            work.save(TESTS, test, AuditEvent.PRODUCT_TEST_SIGNED, sha256=signed)
            return test.state
    test.one_person = approve(work.principal, rule, test.first_signed_by, _own_signature())
    test.released_by, test.released_at = actor_id(work.principal), work.now
    test.state = ComparativeTestState.RELEASED
    work.session.add_all(
        ProductGrade(
            sample_id=sample_id,
            mark=f"{grade.mark:f}",
            grade=grade.grade,
            steps=grade_to_document(grade),
        )
        for sample_id, grade in grades.items()
    )
    work.save(
        TESTS,
        test,
        AuditEvent.PRODUCT_TEST_RELEASED,
        sha256=signed,
        rules_sha256=test.rules_sha256,
        **({"one_person": test.one_person} if test.one_person else {}),
    )
    return test.state


def _own_signature() -> RefusedError:
    return RefusedError(
        "second_signer_required",
        msg("You signed this yourself. Another person gives the second signature."),
    )


def find_test_signature(work: Work, *, test_id: UUID) -> NextSignature:
    """Return what the principal's signature of a test, or of its open erratum, would do now.

    Or who is to sign instead, after the principal.
    """
    test = work.find(TESTS, test_id, Action.RELEASE_PRODUCT_TESTS)
    if test.state is ComparativeTestState.RELEASED:
        erratum = _find_open_erratum(work.session, test.id)
        first, is_signed = erratum.proposed_by if erratum else None, erratum is not None
    else:
        first, is_signed = test.first_signed_by, _is_signed(work, test)
    return find_next_signature(
        work,
        action=Action.RELEASE_PRODUCT_TESTS,
        is_demo=test.is_demo,
        areas=(NATION, test.area),
        first=first,
        is_signed=is_signed,
    )


def is_test_to_sign(work: Work, *, test_id: UUID) -> bool:
    """Return whether a test, or an erratum of it, waits for only the principal's signature."""
    test = work.find(TESTS, test_id, Action.RELEASE_PRODUCT_TESTS)
    if test.state is ComparativeTestState.RELEASED:
        is_ready = _find_open_erratum(work.session, test.id) is not None
    else:
        is_ready = test.state is ComparativeTestState.MAKERS_HEARD and not list_missing_values(
            work.session, test
        )
    return is_ready and not find_test_signature(work, test_id=test.id).awaited


def list_tests_with_open_errata(work: Work) -> frozenset[UUID]:
    """Return the ids of the tests that have an erratum to confirm."""
    work.require(Action.RELEASE_PRODUCT_TESTS)
    query = select(ComparativeTestErratum.test_id).where(
        col(ComparativeTestErratum.confirmed_at).is_(None)
    )
    return frozenset(work.session.exec(query))


def _is_signed(work: Work, test: ComparativeTest) -> bool:
    """Return whether somebody has signed the grades as they are now."""
    return (
        test.state is ComparativeTestState.MAKERS_HEARD
        and test.first_signed_at is not None
        and test.signed_sha256 == _hash_of(test, compute_grades(work.session, test))
    )


def _find_people_rule(work: Work, test: ComparativeTest) -> PeopleRule:
    return find_people_rule(
        work, action=Action.RELEASE_PRODUCT_TESTS, is_demo=test.is_demo, areas=(NATION, test.area)
    )


def _hash_of(test: ComparativeTest, grades: Mapping[UUID, SampleGrade]) -> str:
    """Return the SHA-256 of a test's rules and of every step to every grade."""
    document = {
        "rules": test.rules_sha256,
        "grades": {str(key): grade_to_document(grade) for key, grade in grades.items()},
    }
    return hashlib.sha256(canonical_json(document)).hexdigest()


def propose_erratum(work: Work, seen: Seen, *, value: ValueData, reason: str) -> int:
    """Propose to correct a released value of test `seen`, record that; return the erratum's number.

    It counts, and readers see it, once another person has confirmed it.

    Raises:
        RefusedError: another one waits, there is no such value, or no reason.
    """
    test = work.lock(TESTS, seen, (ComparativeTestState.RELEASED,), Action.RELEASE_PRODUCT_TESTS)
    if _find_open_erratum(work.session, test.id) is not None:
        raise TESTS.refuse(msg("An erratum waits for its second person. Settle that one first."))
    ids = {sample.code: sample.id for sample in list_product_samples(work.session, test.id)}
    if value.sample not in ids or value.characteristic not in parse_rules(test.rules).by_key:
        raise TESTS.refuse(msg("The test has no such value."))
    require_decidable(test, [value])
    query = select(func.count()).where(ComparativeTestErratum.test_id == test.id)
    number = work.session.exec(query).one() + 1
    why = work.require_text(TESTS, reason, REASON)
    work.session.add(
        ComparativeTestErratum(
            test_id=test.id,
            number=number,
            sample_id=ids[value.sample],
            characteristic=value.characteristic,
            **measurement_columns(value.measurement),
            measured_on=value.measured_on,
            reason=why,
            proposed_by=actor_id(work.principal),
            proposed_at=work.now,
        )
    )
    work.save(
        TESTS,
        test,
        AuditEvent.PRODUCT_TEST_ERRATUM_PROPOSED,
        number=number,
        sample=value.sample,
        characteristic=value.characteristic,
        value=measurement_columns(value.measurement)["value"],
        reason=why,
    )
    return number


def confirm_erratum(work: Work, seen: Seen) -> int:
    """Confirm and record the waiting erratum of test `seen` as a second person; return its number.

    Raises:
        RefusedError: none waits, or the principal proposed it.
    """
    test = work.lock(TESTS, seen, (ComparativeTestState.RELEASED,), Action.RELEASE_PRODUCT_TESTS)
    erratum = _find_open_erratum(work.session, test.id)
    if erratum is None:
        raise TESTS.refuse(msg("No erratum waits for a second person."))
    rule = _find_people_rule(work, test)
    erratum.one_person = approve(work.principal, rule, erratum.proposed_by, _own_signature())
    erratum.confirmed_by, erratum.confirmed_at = actor_id(work.principal), work.now
    work.session.add(erratum)
    work.save(
        TESTS,
        test,
        AuditEvent.PRODUCT_TEST_ERRATUM_CONFIRMED,
        number=erratum.number,
        **({"one_person": erratum.one_person} if erratum.one_person else {}),
    )
    return erratum.number


def _find_open_erratum(session: Session, test_id: UUID) -> ComparativeTestErratum | None:
    query = select(ComparativeTestErratum).where(
        ComparativeTestErratum.test_id == test_id,
        col(ComparativeTestErratum.confirmed_at).is_(None),
    )
    return session.exec(query).one_or_none()
