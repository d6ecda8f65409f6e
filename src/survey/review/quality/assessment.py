"""Assessment of a wave: flags and risk of every finished interview, stored for review."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Select, delete, exists, func, select
from sqlmodel import Session

from survey.access.principal import area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.review.quality.flags import MIN_REVIEW_RISK, VERSION, FlagKind
from survey.review.quality.response_arrays import Floats, ResponseArrays
from survey.review.quality.stored_interviews import FINISHED
from survey.review.quality.wave_norms import WaveNorms
from survey.review.quality.wave_parts import (
    QualityAssessment,
    WavePart,
    assess_part,
    read_wave_parts,
)
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
from survey.waves.instruments import load_instrument
from survey.waves.quota_counts import iter_batches
from survey.waves.waves import get_wave

_RESPONSES, _WAVES = table_of(Response), table_of(Wave)
_FLAGS, _RISKS = table_of(ResponseFlag), table_of(ResponseRisk)


@dataclass(frozen=True)
class AssessmentSummary:
    """Numbers of interviews and flags of one assessment of a wave."""

    wave_key: str
    interviews: int
    flags: Mapping[FlagKind, int]
    to_review: int
    """Interviews with a risk of at least `MIN_REVIEW_RISK`."""
    version: str


def assess_wave(work: Work, *, wave_key: str) -> AssessmentSummary:
    """Store flags and a risk score for every finished interview of a wave; no status changes.

    Repeating it replaces all flags and scores of the wave. Interviews that arrive later have none
    until the next run. Call `remove_withdrawn_assessments` after the commit. Raises
    `NotFoundError`, `AccessDeniedError` and `RefusedError`.
    """
    work.require(Action.ADMINISTER)
    wave = get_wave(session=work.session, key=wave_key)
    lock_wave_assessment(work.session, wave.id)
    instrument = load_instrument(session=work.session, instrument_id=wave.instrument_id)
    flags, to_review = Counter(dict.fromkeys(FlagKind, 0)), 0
    with read_wave_parts(work.session, wave.id, instrument) as parts:
        _delete_assessments(
            work.session, select(_RESPONSES.c.id).where(_RESPONSES.c.wave_id == wave.id)
        )
        for part in parts:
            assessment = assess_part(part.interviews, parts.norms)
            save_assessment(work.session, part.interviews, assessment, work.now)
            flags.update({found.kind: len(found.rows) for found in assessment.flags})
            to_review += int((assessment.risk >= MIN_REVIEW_RISK).sum())
    result = AssessmentSummary(wave_key, parts.norms.interviews, flags, to_review, VERSION)
    work.record(
        AuditEvent.QUALITY_ASSESSED,
        wave.id,
        {
            "key": wave_key,
            "interviews": result.interviews,
            "to_review": result.to_review,
            "version": VERSION,
            "flags": {str(kind): n for kind, n in result.flags.items()},
        },
    )
    return result


def lock_wave_assessment(session: Session, wave_id: UUID) -> None:
    """Lock a wave's row for its assessment, so that of two runs at once the second waits."""
    session.connection().execute(
        select(_WAVES.c.id).where(_WAVES.c.id == wave_id).with_for_update(key_share=True)
    )


def _delete_assessments(session: Session, response_ids: Select[Any] | Sequence[UUID]) -> None:
    for table in (_FLAGS, _RISKS):
        session.connection().execute(delete(table).where(table.c.response_id.in_(response_ids)))


def remove_withdrawn_assessments(work: Work, *, wave_key: str) -> None:
    """Delete flags and risk scores of the withdrawn interviews of a wave.

    Those that were withdrawn while they were assessed would have them again.
    """
    work.require(Action.ADMINISTER)
    _delete_withdrawn(work.session, get_wave(session=work.session, key=wave_key).id)


def _delete_withdrawn(session: Session, wave_id: UUID) -> None:
    gone = select(_RESPONSES.c.id).where(
        _RESPONSES.c.wave_id == wave_id, _RESPONSES.c.withdrawn_at.is_not(None)
    )
    _delete_assessments(session, gone)


def save_assessment(
    session: Session,
    interviews: ResponseArrays,
    assessment: QualityAssessment,
    now: datetime,
    only: Collection[int] | None = None,
) -> None:
    """Store flags and risk of all rows, or of rows in `only`, which have none stored yet."""
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
                "pace": _replace_nan(assessment.pace[rows]),
                "mean_score": _replace_nan(assessment.mean_score[rows]),
            },
            made,
        )


def _replace_nan(values: Floats) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]


TASK_NAME = "quality"
RUN_INTERVAL = timedelta(minutes=3)
"""Between the end of one run and the beginning of the next."""
LEASE_DURATION = timedelta(minutes=15)
"""So long nobody else begins; a run takes seconds."""


@dataclass(frozen=True)
class AssessmentFreshness:
    """Time of the last assessment of a wave, and number of interviews since then."""

    finished_at: datetime | None
    waiting: int
    """Finished interviews that no detector has seen."""


def assess_new_responses(url: str) -> int:
    """Assess all open waves that have new interviews; return how many waves were assessed.

    Does nothing while another process assesses, or within `RUN_INTERVAL` of the last run. Raises
    `RefusedError`.
    """
    began = now()
    lease = run_in_transaction(
        url, lambda session: acquire_lease(session, TASK_NAME, began=began, lasts=LEASE_DURATION)
    )
    if lease is None:
        return 0
    with read_scope(url) as session:
        waves = _list_waiting_waves(session)
    written: dict[str, int] = {}
    try:
        for row in waves:
            written[row.key] = _assess_in_parts(url, row)
    finally:
        run_in_transaction(
            url,
            lambda session: release_lease(
                session, TASK_NAME, lease, at=now(), pause=RUN_INTERVAL, result=written
            ),
        )
    return sum(written.values())


def is_assessment_due(session: Session, at: datetime) -> bool:
    """Return whether assessing could begin at `at` and has new interviews; two small queries."""
    return can_start(session, TASK_NAME, at=at) and bool(_list_waiting_waves(session))


def get_assessment_freshness(work: Work, *, wave_id: UUID) -> AssessmentFreshness:
    """Return when a wave was last assessed, and how many interviews of the area wait for it."""
    work.require(Action.REVIEW)
    in_area = area_filter(work.principal, _RESPONSES.c.city_code)
    finished = last_finished_at(work.session, TASK_NAME)
    connection = work.session.connection()
    assessed = connection.execute(
        select(func.max(_RISKS.c.detected_at))
        .join(_RESPONSES, _RESPONSES.c.id == _RISKS.c.response_id)
        .where(_RESPONSES.c.wave_id == wave_id, in_area)
    ).scalar_one()
    waiting = connection.execute(
        select(func.count())
        .select_from(_RESPONSES)
        .where(_build_unassessed_condition(wave_id), in_area)
    ).scalar_one()
    times = [at for at in (finished, assessed) if at is not None]
    return AssessmentFreshness(max(times) if times else None, waiting)


def _build_unassessed_condition(wave_id: Any) -> Any:
    seen = exists().where(_RISKS.c.response_id == _RESPONSES.c.id)
    there = _RESPONSES.c.status.in_(FINISHED) & _RESPONSES.c.withdrawn_at.is_(None)
    return (_RESPONSES.c.wave_id == wave_id) & there & ~seen


def _list_waiting_waves(session: Session) -> Sequence[AnyRow]:
    query = (
        select(_WAVES.c.id, _WAVES.c.key, _WAVES.c.instrument_id)
        .where(_WAVES.c.state == WaveState.OPEN, _WAVES.c.unit == StudyUnit.PERSON)
        .where(exists().where(_build_unassessed_condition(_WAVES.c.id)))
        .order_by(_WAVES.c.key)
    )
    return session.connection().execute(query).all()


def assess_wave_in_parts(url: str, *, wave_key: str) -> int:
    """Assess a wave, some interviews a transaction; return how many were new or changed.

    Nobody waits for it long. Raises `NotFoundError` and `RefusedError`.
    """
    with read_scope(url) as session:
        wave = get_wave(session=session, key=wave_key)
    return _assess_in_parts(url, wave)


def _assess_in_parts(url: str, wave: Wave | AnyRow) -> int:
    with read_scope(url) as session:
        instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
        parts = read_wave_parts(session, wave.id, instrument)
    with parts:
        saved = sum(_save_changes(url, wave.id, part, parts.norms) for part in parts)
    run_in_transaction(url, lambda session: _delete_withdrawn(session, wave.id))
    return saved


def _save_changes(url: str, wave_id: UUID, part: WavePart, norms: WaveNorms) -> int:
    """Assess some cities of a wave and store new or changed results; return their number."""
    interviews, assessment = part.interviews, assess_part(part.interviews, norms)
    with read_scope(url) as session:
        known = _read_assessments(session, wave_id, part.cities)
    changed = _list_changed_rows(interviews, assessment, known)

    def save_batch(rows: Sequence[int], session: Session) -> None:
        lock_wave_assessment(session, wave_id)
        _delete_assessments(session, [interviews.ids[row] for row in rows])
        save_assessment(session, interviews, assessment, now(), frozenset(rows))

    for batch in iter_batches(changed):
        run_in_transaction(url, partial(save_batch, batch))
    return len(changed)


def _read_assessments(
    session: Session, wave_id: UUID, cities: Collection[str]
) -> dict[UUID, tuple[int, frozenset[str]]]:
    """Return interview id -> (risk, kinds of flags) of the assessed interviews of some cities."""
    inside = (_RESPONSES.c.wave_id == wave_id) & _RESPONSES.c.city_code.in_(cities)
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
    return {id_: (score, frozenset(kinds[id_])) for id_, score in scores}


def _list_changed_rows(
    interviews: ResponseArrays,
    assessment: QualityAssessment,
    known: Mapping[UUID, tuple[int, frozenset[str]]],
) -> list[int]:
    """Return rows of interviews that are new, or whose risk or kinds of flags differ from `known`.

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
