"""Results of the back-checks: by question, by surveyor, by point, and case by case."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, select
from sqlmodel import Session

from survey.access.principal import Principal, area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.questionnaire.model import Instrument, Item
from survey.records import build_from
from survey.review.back_check.call_list import ANSWERED
from survey.review.back_check.comparison_items import (
    MIN_FAILED_FACTS,
    ItemComparison,
    QuestionNature,
    differs,
    list_comparisons,
)
from survey.review.progress.tallies import ShareEstimate, share_with_interval
from survey.store.tables import (
    Account,
    AnyRow,
    BackCheck,
    ChosenBy,
    Mode,
    Outcome,
    Response,
    ResponseRevision,
    SamplingPoint,
    Status,
    SurveyorNote,
    revision_join,
    table_of,
)
from survey.waves.instruments import load_instrument
from survey.waves.waves import require_answers_present

_CHECKS, _RESPONSES = table_of(BackCheck), table_of(Response)
_REVISIONS, _POINTS = table_of(ResponseRevision), table_of(SamplingPoint)
_ACCOUNTS, _NOTES = table_of(Account), table_of(SurveyorNote)


MIN_FAILED_CHECKS = 2
"""Nobody stands out for a single failed check."""


@dataclass(frozen=True)
class AnswerMismatch:
    """One question that a back-check answered differently; the answers in their stored form."""

    comparison: ItemComparison
    item: Item
    original: Any
    recheck: Any


@dataclass(frozen=True)
class CompletedCheck:
    """One back-check that was answered, with the answers that differ."""

    check_id: UUID
    response_id: UUID
    city_code: str
    surveyor_id: UUID
    surveyor: str
    point_id: UUID | None
    point_name: str
    chosen_by: ChosenBy
    outcome: Outcome
    status: Status
    differences: tuple[AnswerMismatch, ...]
    compared: frozenset[str]
    """Items of the short questionnaire for which both answers were there."""
    note: str

    @property
    def facts(self) -> int:
        """Number of stable facts in which interview and back-check differ."""
        return sum(
            difference.comparison.nature is QuestionNature.FACT for difference in self.differences
        )

    @property
    def failed(self) -> bool:
        """Whether the interview was never held, or `MIN_FAILED_FACTS` or more facts differ."""
        return self.outcome is Outcome.NEVER_INTERVIEWED or self.facts >= MIN_FAILED_FACTS


@dataclass(frozen=True)
class ItemMismatchRate:
    """Share of back-checks in which one question was answered otherwise than in the interview."""

    comparison: ItemComparison
    item: Item
    differs: ShareEstimate | None


@dataclass(frozen=True)
class CheckSummary:
    """Numbers of drawn, answered and failed back-checks of a surveyor, a point or a whole area."""

    key: UUID | None
    name: str
    city_code: str | None
    drawn: int
    outcomes: Mapping[Outcome, int]
    random_sample: ShareEstimate | None
    """Failed checks of the random part: what they say of all the interviews here."""
    checked: int
    failed: int
    """Of all that were answered, those drawn for their risk included."""
    stands_out: bool = False
    """Clearly worse than all together: the interval of `by_lot` lies above their rate."""
    retrain_by: date | None = None


@dataclass(frozen=True)
class BackCheckResults:
    """Results of a wave's back-checks: total, by question, surveyor and point, failed cases."""

    total: CheckSummary
    items: tuple[ItemMismatchRate, ...]
    surveyors: tuple[CheckSummary, ...]
    points: tuple[CheckSummary, ...]
    failed: tuple[CompletedCheck, ...]
    """The failed ones, those with the most differing facts first."""


def get_back_check_results(
    work: Work, *, wave_id: UUID, city_code: str | None = None
) -> BackCheckResults:
    """Return a wave's back-check results by question, surveyor and point in the principal's area.

    Answers are compared with those that stood when the person was asked again, so that a later
    correction of the interview changes no result.
    """
    work.require(Action.BACK_CHECK, city_code)
    require_answers_present(session=work.session, wave_id=wave_id)
    rows = (
        work.session.connection().execute(_select_checks(work.principal, wave_id, city_code)).all()
    )
    cases = {row.id: _compare_case(work.session, row) for row in rows if row.outcome in ANSWERED}
    failed = sorted(
        (case for case in cases.values() if case.failed),
        key=lambda case: (
            case.outcome is Outcome.REACHED,
            -case.facts,
            case.surveyor,
            case.check_id,
        ),
    )
    total = _summarise_group(None, rows, cases)
    return BackCheckResults(
        total=total,
        items=_compute_mismatch_rates(work.session, rows, cases.values()),
        surveyors=_summarise_by(
            rows, cases, total, "surveyor_id", _list_retraining_days(work.session, wave_id)
        ),
        points=_summarise_by(rows, cases, total, "point_id", {}),
        failed=tuple(failed),
    )


def _select_checks(principal: Principal, wave_id: UUID, city_code: str | None) -> Select[Any]:
    query = (
        select(
            *_CHECKS.c["id", "response_id", "city_code", "surveyor_id", "instrument_id"],
            *_CHECKS.c["chosen_by", "outcome", "answers", "note"],
            _ACCOUNTS.c.name.label("surveyor"),
            *_RESPONSES.c["point_id", "status", "mode", "duration_seconds"],
            _POINTS.c.name.label("point_name"),
            _POINTS.c.kind.label("point_kind"),
            _REVISIONS.c.answers.label("then"),
        )
        .select_from(
            _CHECKS.join(_RESPONSES, _RESPONSES.c.id == _CHECKS.c.response_id)
            .join(_ACCOUNTS, _ACCOUNTS.c.id == _CHECKS.c.surveyor_id)
            .outerjoin(_POINTS, _POINTS.c.id == _RESPONSES.c.point_id)
            .outerjoin(
                _REVISIONS,
                and_(
                    revision_join(_RESPONSES, _REVISIONS), _REVISIONS.c.number == _CHECKS.c.revision
                ),
            )
        )
        .where(_CHECKS.c.wave_id == wave_id, area_filter(principal, _CHECKS.c.city_code))
        .order_by(_CHECKS.c.id)
    )
    return query if city_code is None else query.where(_CHECKS.c.city_code == city_code)


def _list_retraining_days(session: Session, wave_id: UUID) -> dict[UUID, date]:
    """Return account id -> latest day by which the surveyor is to be retrained."""
    query = (
        select(_NOTES.c.account_id, func.max(_NOTES.c.retrain_by))
        .where(_NOTES.c.wave_id == wave_id)
        .group_by(_NOTES.c.account_id)
    )
    return {row[0]: row[1] for row in session.connection().execute(query)}


def _compare_case(session: Session, row: AnyRow) -> CompletedCheck:
    instrument = load_instrument(session=session, instrument_id=row.instrument_id)
    differences: list[AnswerMismatch] = []
    compared: set[str] = set()
    if row.outcome is Outcome.REACHED:
        for comparison, item in _list_asked_comparisons(instrument):
            then = _find_original_answer(row, comparison.repeats)
            again = row.answers.get(comparison.item)
            verdict = differs(comparison, item, then, again)
            if verdict is not None:
                compared.add(comparison.item)
            if verdict:
                differences.append(AnswerMismatch(comparison, item, then, again))
    return build_from(
        CompletedCheck,
        row,
        check_id=row.id,
        point_name=row.point_name or "",
        differences=tuple(differences),
        compared=frozenset(compared),
    )


def _list_asked_comparisons(instrument: Instrument) -> list[tuple[ItemComparison, Item]]:
    known = instrument.by_name
    return [
        (comparison, known[comparison.item])
        for comparison in list_comparisons()
        if comparison.item in known
    ]


def _find_original_answer(row: AnyRow, repeats: str) -> Any:
    """Return the interview's answer to item `repeats`, or its kind of point, mode or minutes."""
    if repeats == "point.kind":
        return row.point_kind
    if repeats == "response.mode":
        return None if row.mode is Mode.IMPORT else row.mode
    if repeats == "response.minutes":
        return None if row.duration_seconds is None else round(row.duration_seconds / 60, 1)
    return (row.then or {}).get(repeats)


def _compute_mismatch_rates(
    session: Session, rows: Sequence[AnyRow], cases: Iterable[CompletedCheck]
) -> tuple[ItemMismatchRate, ...]:
    if not rows:
        return ()
    compared: Counter[str] = Counter()
    differing: Counter[str] = Counter()
    for case in cases:
        compared.update(case.compared)
        differing.update(difference.comparison.item for difference in case.differences)
    instrument = load_instrument(session=session, instrument_id=rows[-1].instrument_id)
    return tuple(
        ItemMismatchRate(
            comparison,
            item,
            share_with_interval(differing[comparison.item], compared[comparison.item]),
        )
        for comparison, item in _list_asked_comparisons(instrument)
    )


def _summarise_by(
    rows: Sequence[AnyRow],
    cases: Mapping[UUID, CompletedCheck],
    total: CheckSummary,
    by: str,
    notes: Mapping[UUID, date],
) -> tuple[CheckSummary, ...]:
    """Return summaries by column `by` (surveyor, point), outliers first; `notes`: training days."""
    grouped: defaultdict[UUID, list[AnyRow]] = defaultdict(list)
    for row in rows:
        key = getattr(row, by)
        if key is not None:
            grouped[key].append(row)
    usual = total.random_sample.value if total.random_sample else 1.0
    made = [
        _summarise_group(key, own, cases, by, usual, notes.get(key)) for key, own in grouped.items()
    ]
    return tuple(
        sorted(made, key=lambda row: (not row.stands_out, -row.failed, row.checked, row.name))
    )


def _summarise_group(
    key: UUID | None,
    rows: Sequence[AnyRow],
    cases: Mapping[UUID, CompletedCheck],
    by: str = "",
    usual: float = 1.0,
    retrain_by: date | None = None,
) -> CheckSummary:
    own = [cases[row.id] for row in rows if row.id in cases]
    lots = [case for case in own if case.chosen_by is ChosenBy.RANDOM]
    n_failed_random = sum(case.failed for case in lots)
    random_share = share_with_interval(n_failed_random, len(lots))
    cities = {row.city_code for row in rows}
    name = {"surveyor_id": "surveyor", "point_id": "point_name"}.get(by)
    return CheckSummary(
        key=key,
        name=getattr(rows[0], name) or "" if name else "",
        city_code=cities.pop() if len(cities) == 1 else None,
        drawn=len(rows),
        outcomes=Counter(row.outcome for row in rows if row.outcome is not None),
        random_sample=random_share,
        checked=len(own),
        failed=sum(case.failed for case in own),
        stands_out=random_share is not None
        and random_share.low > usual
        and n_failed_random >= MIN_FAILED_CHECKS,
        retrain_by=retrain_by,
    )
