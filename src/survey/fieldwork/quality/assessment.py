"""Assessment of a wave: flags and risk of every finished interview, stored for review."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import delete, exists, func, select
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import Principal, area_filter
from survey.access.roles import Action
from survey.fieldwork.instruments import load_instrument
from survey.fieldwork.quality.answer_detectors import (
    flag_careless,
    flag_duplicates,
    flag_item_nonresponse,
    flag_speeding,
    flag_straightlining,
    relative_pace,
)
from survey.fieldwork.quality.fieldwork_detectors import (
    flag_bursts,
    flag_interview_hours,
    flag_over_quota,
    flag_shared_devices,
    flag_wrong_points,
)
from survey.fieldwork.quality.flags import MIN_REVIEW_RISK, VERSION, WEIGHTS, FlagKind, FlagSet
from survey.fieldwork.quality.reading_floor import flag_reading_floor
from survey.fieldwork.quality.response_arrays import (
    FINISHED,
    Floats,
    Ints,
    ResponseArrays,
    build_response_arrays,
    stored_interviews,
)
from survey.fieldwork.waves import get_wave
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope
from survey.store.inserts import insert_columns
from survey.store.leases import acquire_lease, can_start, last_finished_at, release_lease
from survey.store.tables import (
    AnyRow,
    Response,
    ResponseFlag,
    ResponseRisk,
    StudyUnit,
    Wave,
    WaveState,
    new_id,
    now,
    table_of,
)
from survey.store.transactions import run_in_transaction

LOWEST, HIGHEST = 1.0, 10.0
"""Ends of a rating scale that declares none."""


@dataclass(frozen=True)
class QualityAssessment:
    """Flags of N interviews by kind, with risk, pace and mean score of each."""

    flags: tuple[FlagSet, ...]
    risk: Ints
    """0 to 100."""
    pace: Floats
    mean_score: Floats
    """Of the scored ratings, of all where the questionnaire scores none; 0 to 100, else NaN."""


def assess_responses(interviews: ResponseArrays) -> QualityAssessment:
    """Run every detector; nothing here changes an interview."""
    pace = relative_pace(interviews)
    flags = (
        flag_speeding(interviews, pace),
        flag_straightlining(interviews),
        flag_careless(interviews),
        flag_duplicates(interviews),
        flag_interview_hours(interviews),
        flag_bursts(interviews),
        flag_over_quota(interviews),
        flag_item_nonresponse(interviews),
        flag_shared_devices(interviews),
        flag_wrong_points(interviews),
        flag_reading_floor(interviews),
    )
    return QualityAssessment(
        flags, risk_scores(flags, len(interviews)), pace, _mean_scores(interviews)
    )


def risk_scores(flags: tuple[FlagSet, ...], count: int) -> Ints:
    """Return the risk score 100 x (1 - product of (1 - weight x strength)) of each interview.

    Rounded, of shape (count,). Each flag is taken as an independent reason for doubt ("noisy or"):
    more flags never lower the score, and no number of weak ones reaches certainty.
    """
    trust = np.ones(count)
    for flag in flags:
        trust[flag.rows] *= 1 - WEIGHTS[flag.kind] * flag.strength
    return np.rint(100 * (1 - trust)).astype(np.int64)


def _mean_scores(interviews: ResponseArrays) -> Floats:
    """Return the mean of the scored ratings, else of all, each scaled to 0 to 100."""
    items = interviews.ratings
    scored = [column for column, item in enumerate(items) if item.indicator is not None]
    scored = scored or list(range(len(items)))
    lowest = np.array([_end(items[column].minimum, LOWEST) for column in scored])
    highest = np.array([_end(items[column].maximum, HIGHEST) for column in scored])
    given = (interviews.scores[:, scored] - lowest) / (highest - lowest)
    known = np.isfinite(given)
    total = np.where(known, given, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    return np.where(count > 0, 100 * total / np.maximum(count, 1), np.nan)


def _end(declared: float | None, usual: float) -> float:
    return usual if declared is None else declared


_RESPONSES, _WAVES = table_of(Response), table_of(Wave)
_FLAGS, _RISKS = table_of(ResponseFlag), table_of(ResponseRisk)


@dataclass(frozen=True)
class AssessmentSummary:
    """Numbers of interviews and flags of one run."""

    wave_key: str
    interviews: int
    flags: Mapping[FlagKind, int]
    to_review: int
    """Interviews with a risk of at least `MIN_REVIEW_RISK`."""
    version: str


def assess_wave(
    *, session: Session, principal: Principal, wave_key: str, now: datetime
) -> AssessmentSummary:
    """Flag every finished interview of a wave and give it a risk score; no status changes.

    Repeating it replaces all flags and scores of the wave. Interviews that arrive later have none
    until the next run. Raises `WaveNotFoundError` and `AccessDeniedError`.
    """
    principal.require(Action.ADMINISTER)
    wave = get_wave(session=session, key=wave_key)
    lock_wave_assessment(session, wave.id)
    instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
    interviews = build_response_arrays(stored_interviews(session, wave.id), instrument)
    assessment = assess_responses(interviews)
    _delete_assessments(session, wave.id)
    save_assessment(session, interviews, assessment, now)
    result = AssessmentSummary(
        wave_key=wave_key,
        interviews=len(interviews),
        flags={flags.kind: len(flags.rows) for flags in assessment.flags},
        to_review=int((assessment.risk >= MIN_REVIEW_RISK).sum()),
        version=VERSION,
    )
    record(
        session=session,
        actor=principal,
        event=AuditEvent.QUALITY_ASSESSED,
        subject_id=wave.id,
        now=now,
        detail={
            "key": wave_key,
            "interviews": result.interviews,
            "to_review": result.to_review,
            "version": VERSION,
            "flags": {str(kind): n for kind, n in result.flags.items()},
        },
    )
    return result


def lock_wave_assessment(session: Session, wave_id: UUID) -> None:
    """Lock the assessment of a wave, so that of two runs at once the second waits."""
    session.connection().execute(
        select(_WAVES.c.id).where(_WAVES.c.id == wave_id).with_for_update(key_share=True)
    )


def _delete_assessments(session: Session, wave_id: UUID) -> None:
    inside = select(_RESPONSES.c.id).where(_RESPONSES.c.wave_id == wave_id)
    for table in (_FLAGS, _RISKS):
        session.connection().execute(delete(table).where(table.c.response_id.in_(inside)))


def save_assessment(
    session: Session,
    interviews: ResponseArrays,
    assessment: QualityAssessment,
    now: datetime,
    only: Collection[int] | None = None,
) -> None:
    """Store flags and risk of all rows, or only of some, replacing earlier ones."""
    made = {"detected_at": now, "detector_version": VERSION}
    connection = session.connection()
    for flags in assessment.flags:
        kept = [at for at, row in enumerate(flags.rows.tolist()) if only is None or row in only]
        if kept:
            insert_columns(
                connection,
                ResponseFlag,
                {
                    "id": [new_id() for _ in kept],
                    "response_id": [interviews.ids[flags.rows[at]] for at in kept],
                    "strength": flags.strength[kept].tolist(),
                    "detail": [flags.details[at] for at in kept],
                },
                {"kind": str(flags.kind), **made},
            )
    rows = list(range(len(interviews))) if only is None else sorted(only)
    if rows:
        insert_columns(
            connection,
            ResponseRisk,
            {
                "response_id": [interviews.ids[row] for row in rows],
                "score": assessment.risk[rows].tolist(),
                "pace": _nan_to_none(assessment.pace[rows]),
                "mean_score": _nan_to_none(assessment.mean_score[rows]),
            },
            made,
        )


def _nan_to_none(values: Floats) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]


TASK_NAME = "quality"
RUN_INTERVAL = timedelta(minutes=3)
"""Between the end of one run and the beginning of the next."""
LEASE_DURATION = timedelta(minutes=15)
"""So long nobody else begins; a run takes seconds."""
_INTERVIEW_BATCH_SIZE = 500
"""Interviews written in one transaction."""


@dataclass(frozen=True)
class AssessmentFreshness:
    """Time of the last assessment of a wave, and number of interviews since."""

    finished_at: datetime | None
    waiting: int
    """Finished interviews that no detector has seen."""


def assess_new_responses(url: str) -> int:
    """Assess the open waves that have new interviews and return how many were assessed.

    Does nothing while another process assesses, or within `RUN_INTERVAL` of the last run.
    """
    began = now()
    lease = run_in_transaction(
        url, lambda session: acquire_lease(session, TASK_NAME, began=began, lasts=LEASE_DURATION)
    )
    if lease is None:
        return 0
    with read_scope(url) as session:
        waves = _waiting_waves(session)
    written: dict[str, int] = {}
    try:
        for row in waves:
            written[row.key] = _assess_wave_part(url, row)
    finally:
        run_in_transaction(
            url,
            lambda session: release_lease(
                session, TASK_NAME, lease, at=now(), pause=RUN_INTERVAL, result=written
            ),
        )
    return sum(written.values())


def is_assessment_due(*, session: Session, at: datetime) -> bool:
    """Whether a run would begin now and have new interviews; costs two small queries."""
    return can_start(session, TASK_NAME, at=at) and bool(_waiting_waves(session))


def get_assessment_freshness(
    *, session: Session, principal: Principal, wave_id: UUID
) -> AssessmentFreshness:
    """Return how fresh the flags of a wave are within the principal's area."""
    principal.require(Action.REVIEW)
    in_area = area_filter(principal, _RESPONSES.c.city_code)
    finished = last_finished_at(session, TASK_NAME)
    assessed = (
        session.connection()
        .execute(
            select(func.max(_RISKS.c.detected_at))
            .join(_RESPONSES, _RESPONSES.c.id == _RISKS.c.response_id)
            .where(_RESPONSES.c.wave_id == wave_id, in_area)
        )
        .scalar_one()
    )
    waiting = (
        session.connection()
        .execute(
            select(func.count())
            .select_from(_RESPONSES)
            .where(_unassessed_condition(wave_id), in_area)
        )
        .scalar_one()
    )
    times = [at for at in (finished, assessed) if at is not None]
    return AssessmentFreshness(max(times) if times else None, waiting)


def _unassessed_condition(wave_id: Any) -> Any:
    seen = exists().where(_RISKS.c.response_id == _RESPONSES.c.id)
    there = _RESPONSES.c.status.in_(FINISHED) & _RESPONSES.c.withdrawn_at.is_(None)
    return (_RESPONSES.c.wave_id == wave_id) & there & ~seen


def _waiting_waves(session: Session) -> Sequence[AnyRow]:
    query = (
        select(_WAVES.c.id, _WAVES.c.key, _WAVES.c.instrument_id)
        .where(_WAVES.c.state == WaveState.OPEN, _WAVES.c.unit == StudyUnit.PERSON)
        .where(exists().where(_unassessed_condition(_WAVES.c.id)))
        .order_by(_WAVES.c.key)
    )
    return session.connection().execute(query).all()


def _assess_wave_part(url: str, wave: AnyRow) -> int:
    with read_scope(url) as session:
        instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
        interviews = build_response_arrays(stored_interviews(session, wave.id), instrument)
        known = _stored_assessments(session, wave.id)
    assessment = assess_responses(interviews)
    rows = _changed_rows(interviews, assessment, known)

    def save_part(part: Sequence[int], session: Session) -> None:
        lock_wave_assessment(session, wave.id)
        _forget(session, [interviews.ids[row] for row in part])
        save_assessment(session, interviews, assessment, now(), frozenset(part))

    for first in range(0, len(rows), _INTERVIEW_BATCH_SIZE):
        part = rows[first : first + _INTERVIEW_BATCH_SIZE]
        run_in_transaction(url, partial(save_part, part))
    return len(rows)


def _stored_assessments(session: Session, wave_id: UUID) -> dict[UUID, tuple[int, frozenset[str]]]:
    """Return score and kinds of flags of every assessed interview."""
    inside = _RESPONSES.c.wave_id == wave_id
    kinds: defaultdict[UUID, set[str]] = defaultdict(set)
    for response_id, kind in session.connection().execute(
        select(_FLAGS.c.response_id, _FLAGS.c.kind)
        .join(_RESPONSES, _RESPONSES.c.id == _FLAGS.c.response_id)
        .where(inside)
    ):
        kinds[response_id].add(kind)
    scores = session.connection().execute(
        select(_RISKS.c.response_id, _RISKS.c.score)
        .join(_RESPONSES, _RESPONSES.c.id == _RISKS.c.response_id)
        .where(inside)
    )
    return {
        this_response_id: (score, frozenset(kinds[this_response_id]))
        for this_response_id, score in scores
    }


def _changed_rows(
    interviews: ResponseArrays,
    assessment: QualityAssessment,
    known: Mapping[UUID, tuple[int, frozenset[str]]],
) -> list[int]:
    """Return rows that are new, or whose score or kinds of flags differ from the stored ones.

    What only moved with the wave's medians, such as the pace, waits for such a change.
    """
    kinds: list[set[str]] = [set() for _ in interviews.ids]
    for flags in assessment.flags:
        for row in flags.rows.tolist():
            kinds[row].add(str(flags.kind))
    return [
        row
        for row, response_id in enumerate(interviews.ids)
        if known.get(response_id) != (int(assessment.risk[row]), frozenset(kinds[row]))
    ]


def _forget(session: Session, ids: Iterable[UUID]) -> None:
    named = list(ids)
    for table in (_FLAGS, _RISKS):
        session.connection().execute(delete(table).where(table.c.response_id.in_(named)))
