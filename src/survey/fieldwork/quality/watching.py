"""Looking at new interviews in the background, without holding up those that arrive.

The whole wave is read and assessed without any lock; only what is new or came out otherwise is
written, in short transactions. One process at a time does it: a lease in the store, which runs out
by itself when its holder dies.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, func, select
from sqlmodel import Session

from survey.access.principal import Action, Principal
from survey.fieldwork.instruments import load_instrument
from survey.fieldwork.quality.assessing import take_turns, write_assessed
from survey.fieldwork.quality.detecting import Assessment, assess
from survey.fieldwork.quality.interviews import Interviews, interviews_of
from survey.fieldwork.quality.reading import FINISHED, stored_interviews
from survey.fieldwork.reach import within_reach
from survey.store.core import AnyRow, table_of
from survey.store.engine import read_scope, session_scope
from survey.store.leases import end_lease, is_free, last_finished, take_lease
from survey.store.tables import (
    Response,
    ResponseFlag,
    ResponseRisk,
    Wave,
    WaveState,
    now,
)

NAME = "quality"
EVERY = timedelta(minutes=3)
"""Between the end of one run and the beginning of the next."""
LEASE = timedelta(minutes=15)
"""So long nobody else begins; a run takes seconds."""
_AT_ONCE = 500
"""Interviews written in one transaction."""

_WAVES, _RESPONSES = table_of(Wave), table_of(Response)
_FLAGS, _RISKS = table_of(ResponseFlag), table_of(ResponseRisk)


@dataclass(frozen=True)
class LastLook:
    """When new interviews of a wave were last looked at, and how many wait."""

    finished_at: datetime | None
    waiting: int
    """Finished interviews that no detector has seen."""


def look_at_new(url: str) -> int:
    """Assess the open waves that have new interviews, if nobody else does; how many were written.

    Nothing happens within `EVERY` of the last run.
    """
    began = now()
    with session_scope(url) as session:
        lease = take_lease(session, NAME, began=began, lasts=LEASE)
        waves = _waiting_waves(session) if lease is not None else []
    if lease is None:
        return 0
    written: dict[str, int] = {}
    try:
        for row in waves:
            written[row.key] = _look_at(url, row)
    finally:
        with session_scope(url) as session:
            end_lease(session, NAME, lease, at=now(), pause=EVERY, result=written)
    return sum(written.values())


def is_due(*, session: Session, at: datetime) -> bool:
    """Whether a run would begin now and find something; costs two small queries."""
    return is_free(session, NAME, at=at) and bool(_waiting_waves(session))


def last_look(*, session: Session, principal: Principal, wave_id: UUID) -> LastLook:
    """For the reviewer's page: how fresh the flags of a wave are within the reader's area."""
    principal.require(Action.REVIEW)
    reach = within_reach(principal, _RESPONSES.c.city_code)
    finished = last_finished(session, NAME)
    assessed = session.connection().execute(
        select(func.max(_RISKS.c.detected_at))
        .join(_RESPONSES, _RESPONSES.c.id == _RISKS.c.response_id)
        .where(_RESPONSES.c.wave_id == wave_id, reach)
    ).scalar_one()  # fmt: skip
    waiting = session.connection().execute(
        select(func.count()).select_from(_RESPONSES).where(_unseen(wave_id), reach)
    ).scalar_one()  # fmt: skip
    times = [at for at in (finished, assessed) if at is not None]
    return LastLook(max(times) if times else None, waiting)


def _unseen(wave_id: Any) -> Any:
    seen = exists().where(_RISKS.c.response_id == _RESPONSES.c.id)
    there = _RESPONSES.c.status.in_(FINISHED) & _RESPONSES.c.withdrawn_at.is_(None)
    return (_RESPONSES.c.wave_id == wave_id) & there & ~seen


def _waiting_waves(session: Session) -> Sequence[AnyRow]:
    query = (
        select(_WAVES.c.id, _WAVES.c.key, _WAVES.c.instrument_id)
        .where(_WAVES.c.state == WaveState.OPEN)
        .where(exists().where(_unseen(_WAVES.c.id)))
        .order_by(_WAVES.c.key)
    )
    return session.connection().execute(query).all()


def _look_at(url: str, wave: AnyRow) -> int:
    with read_scope(url) as session:
        instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
        interviews = interviews_of(stored_interviews(session, wave.id), instrument)
        known = _known(session, wave.id)
    assessment = assess(interviews)
    rows = _changed(interviews, assessment, known)
    for first in range(0, len(rows), _AT_ONCE):
        part = rows[first : first + _AT_ONCE]
        with session_scope(url) as session:
            take_turns(session, wave.id)
            _forget(session, [interviews.ids[row] for row in part])
            write_assessed(session, interviews, assessment, now(), frozenset(part))
    return len(rows)


def _known(session: Session, wave_id: UUID) -> dict[UUID, tuple[int, frozenset[str]]]:
    """Score and kinds of flags of every interview that was assessed before."""
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


def _changed(
    interviews: Interviews, assessment: Assessment, known: Mapping[UUID, tuple[int, frozenset[str]]]
) -> list[int]:
    """Rows that are new or whose score or kinds of flags came out otherwise.

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
