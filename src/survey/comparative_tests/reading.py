"""Comparative tests as a principal may read them: the list, and one test with its grades."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Seen, Work
from survey.comparative_tests.access import TESTS
from survey.comparative_tests.grading import Measurement, MissingValuesError, SampleGrade
from survey.comparative_tests.measured_values import list_measurements, measurement_of
from survey.comparative_tests.product_samples import list_product_samples
from survey.comparative_tests.released_grades import (
    PartnerApproval,
    compute_corrected_grades,
    compute_grades,
    grade_of_document,
    list_partner_approvals,
)
from survey.comparative_tests.rules import GradingRules, parse_rules
from survey.comparative_tests.sample_photos import list_photo_ids
from survey.locale import Labels, labels_of
from survey.records import build_from
from survey.store.tables import (
    Account,
    ComparativeTest,
    ComparativeTestErratum,
    ComparativeTestState,
    MakerReply,
    MeasurementRound,
    ProductGrade,
    ProductSample,
)
from survey.store.tables.columns import Reply
from survey.store.tables.evidence import ComparativeTestPlan, SampleData


@dataclass(frozen=True)
class ComparativeTestSummary:
    """Comparative test as lists show it: titles, state, dates, and who may manage it."""

    id: UUID
    key: str
    area: str
    title: Labels
    state: ComparativeTestState
    is_demo: bool
    planned_at: datetime
    reply_due_on: date | None
    """Last day on which makers may reply to their results; None before they were sent any."""
    released_at: datetime | None
    may_manage: bool
    rules_sha256: str
    """Hash of the sealed rules; tests that share it are one programme. Empty before sealing."""


@dataclass(frozen=True)
class MeasuredValue:
    """One measured value of a sample, with round, day, and reason for a repeated measurement."""

    sample: str
    characteristic: str
    number: int
    occasion: MeasurementRound
    measurement: Measurement
    measured_on: date
    reason: str


@dataclass(frozen=True)
class GradedSample:
    """Sample with grade as released and as corrected; few readers see its purchase receipt."""

    data: SampleData
    grade: SampleGrade | None
    """None until all its values are there. Once released: as released."""
    corrected: SampleGrade | None = None
    """Recomputed with the errata that are about this sample."""
    photos: tuple[UUID, ...] = ()
    """Photos that the principal may see."""

    @property
    def standing(self) -> SampleGrade | None:
        """The grade that is valid now: the corrected one if there is one."""
        return self.corrected or self.grade


@dataclass(frozen=True)
class ValueErratum:
    """Correction of a released value, proposed by one person and confirmed by another."""

    number: int
    sample: str
    characteristic: str
    before: Measurement
    after: Measurement
    reason: str
    proposed_by: str
    proposed_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True)
class ComparativeTestDetail:
    """One comparative test with all that the principal may read of it."""

    summary: ComparativeTestSummary
    version: int
    plan: ComparativeTestPlan
    rules: GradingRules
    rules_sha256: str
    reply_due_on: date | None
    first_signed_by: str
    """Name of the account that signed first, or of the operator; empty while nobody has signed."""
    first_signed_at: datetime | None
    released_by: str
    one_person: str
    samples: tuple[GradedSample, ...]
    values: tuple[MeasuredValue, ...]
    hearings: tuple[tuple[str, Reply], ...]
    """Makers with what they were sent and what they replied."""
    errata: tuple[ValueErratum, ...]
    approvals: Mapping[str, PartnerApproval | None]
    """Partner of a joint test -> its approval of the grades as they are; None without one."""

    @property
    def seen(self) -> Seen:
        """Id and version of the test as it was read, for a service that changes it."""
        return Seen(self.summary.id, self.version)


def list_comparative_tests(work: Work) -> list[ComparativeTestSummary]:
    """Return the comparative tests that the principal may read, the newest first."""
    work.require(Action.READ_RESULTS)
    query = (
        select(ComparativeTest)
        .where(TESTS.is_readable(work.principal))
        .order_by(col(ComparativeTest.planned_at).desc())
    )
    return [_summarise(work.principal, test) for test in work.session.exec(query)]


def _summarise(principal: Principal, test: ComparativeTest) -> ComparativeTestSummary:
    return build_from(
        ComparativeTestSummary,
        test,
        title=labels_of(test, "title"),
        may_manage=TESTS.is_kept_by(principal, area=test.area, is_demo=test.is_demo),
    )


def get_comparative_test(work: Work, *, test_id: UUID) -> ComparativeTestDetail:
    """Return one comparative test; raise `NotFoundError` also if it may not be read."""
    test = work.find(TESTS, test_id)
    samples = list_product_samples(work.session, test.id)
    codes = {sample.id: sample.code for sample in samples}
    is_own = TESTS.is_kept_by(work.principal, area=test.area, is_demo=test.is_demo)
    values = [
        build_from(
            MeasuredValue,
            row,
            sample=codes[row.sample_id],
            occasion=row.round,
            measurement=measurement_of(row),
        )
        for row in list_measurements(work.session, codes)
    ]
    return build_from(
        ComparativeTestDetail,
        test,
        summary=_summarise(work.principal, test),
        version=test.lock_version,
        plan=ComparativeTestPlan.of(test),
        rules=parse_rules(test.rules),
        first_signed_by=_get_account_name(work.session, test.first_signed_by, test.first_signed_at),
        released_by=_get_account_name(work.session, test.released_by, test.released_at),
        samples=_build_graded_samples(work.session, test, samples, is_own=is_own),
        values=tuple(values),
        hearings=_list_hearings(work.session, test.id),
        errata=_list_errata(work.session, test.id, codes, values, is_own=is_own),
        approvals=list_partner_approvals(work.session, test),
    )


def list_programme(work: Work, *, test_id: UUID) -> list[ComparativeTestDetail]:
    """Return the released tests under the sealed rules of a test, the newest first.

    Together they are the running database of a group of products: later models are measured and
    graded by the same rules. The test itself is among them once it is released.
    """
    test = work.find(TESTS, test_id)
    return [
        get_comparative_test(work, test_id=each.id)
        for each in list_comparative_tests(work)
        if each.rules_sha256 == test.rules_sha256 != ""
        and each.state is ComparativeTestState.RELEASED
    ]


def _build_graded_samples(
    session: Session, test: ComparativeTest, samples: Sequence[ProductSample], *, is_own: bool
) -> tuple[GradedSample, ...]:
    released = test.state is ComparativeTestState.RELEASED
    grades = (
        _read_released_grades(session, samples)
        if released
        else _compute_provisional_grades(session, test)
    )
    corrected = compute_corrected_grades(session, test) if released else {}
    shown = is_own or (released and test.publishes_photos)
    photos = list_photo_ids(session, [sample.id for sample in samples]) if shown else {}
    return tuple(
        GradedSample(
            SampleData.of(sample, receipt=sample.receipt if is_own else ""),
            grades.get(sample.id),
            corrected.get(sample.id),
            photos.get(sample.id, ()),
        )
        for sample in samples
    )


def _read_released_grades(
    session: Session, samples: Sequence[ProductSample]
) -> dict[UUID, SampleGrade]:
    ids = [sample.id for sample in samples]
    query = select(ProductGrade).where(col(ProductGrade.sample_id).in_(ids))
    return {row.sample_id: grade_of_document(row.steps) for row in session.exec(query)}


def _compute_provisional_grades(session: Session, test: ComparativeTest) -> dict[UUID, SampleGrade]:
    """Return `sample id -> grade` of a test not yet released; empty if values are missing."""
    try:
        return compute_grades(session, test)
    except MissingValuesError:
        return {}


def _list_hearings(session: Session, test_id: UUID) -> tuple[tuple[str, Reply], ...]:
    query = select(MakerReply).where(MakerReply.test_id == test_id).order_by(col(MakerReply.maker))
    return tuple((row.maker, Reply.model_validate(row.model_dump())) for row in session.exec(query))


def _list_errata(
    session: Session,
    test_id: UUID,
    codes: dict[UUID, str],
    values: Sequence[MeasuredValue],
    *,
    is_own: bool,
) -> tuple[ValueErratum, ...]:
    query = (
        select(ComparativeTestErratum)
        .where(ComparativeTestErratum.test_id == test_id)
        .order_by(col(ComparativeTestErratum.number))
    )
    standing = {(value.sample, value.characteristic): value.measurement for value in values}
    errata = []
    for row in session.exec(query):
        pair = (codes[row.sample_id], row.characteristic)
        after = measurement_of(row)
        before = standing[pair]
        if row.confirmed_at is not None:
            standing[pair] = after
        elif not is_own:
            continue
        errata.append(
            build_from(
                ValueErratum,
                row,
                sample=pair[0],
                before=before,
                after=after,
                proposed_by=_get_account_name(session, row.proposed_by, row.proposed_at),
            )
        )
    return tuple(errata)


def _get_account_name(session: Session, account_id: UUID | None, at: datetime | None) -> str:
    """Return an account's name, "operator" without an account; empty if `at` is None."""
    if at is None:
        return ""
    account = session.get(Account, account_id) if account_id else None
    return account.name if account else "operator"
