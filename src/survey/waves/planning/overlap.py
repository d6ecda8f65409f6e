"""Overlap of a wave with its earlier questionnaire: declared, drawn by chance, withdrawn."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from survey.access.audit import actor_id
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import Message, RefusedError, msg
from survey.questionnaire.model import Instrument
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    InstrumentVersion,
    SamplingPoint,
    Wave,
    WaveOverlap,
    WaveState,
    table_of,
)
from survey.waves.instruments import load_instrument
from survey.waves.overlap import find_overlap
from survey.waves.planning.point_shares import MAX_SEED, draw_of_wave
from survey.waves.planning.wave_editing import lock_changeable_wave
from survey.waves.waves import get_wave, require_scores

PLANNED_HALF_WIDTH = 0.5
"""Points by which the nation's step shall be off at most, with 95 % confidence."""
MAX_SHARE = 0.5
_NEEDED = ("age", "gender", "guardian")
"""Questions that quotas and weights rest on."""
_POINTS = table_of(SamplingPoint)


@dataclass(frozen=True)
class OverlapSummary:
    """Overlap of a wave: questionnaire, share and seed, and what was drawn so far."""

    instrument: str
    share: float
    seed: int
    points: int
    of_points: int
    interviews: int
    """Planned at these points."""


def find_overlap_summary(work: Work, *, key: str) -> OverlapSummary | None:
    """Return the overlap of a wave; None if none is declared. Raises `NotFoundError`."""
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=key)
    overlap = find_overlap(session=work.session, wave_id=wave.id)
    if overlap is None:
        return None
    drawn = _POINTS.c.asks_earlier
    query = select(
        func.count().filter(drawn),
        func.count(),
        func.coalesce(func.sum(_POINTS.c.target).filter(drawn), 0),
    ).where(_POINTS.c.wave_id == wave.id)
    instrument = load_instrument(session=work.session, instrument_id=overlap.instrument_id)
    name = f"{instrument.name} {instrument.version}"
    counts = work.session.connection().execute(query).one()
    return OverlapSummary(name, overlap.share, overlap.seed, *counts)


def list_earlier_questionnaires(work: Work, *, key: str) -> dict[UUID, Instrument]:
    """Return id -> questionnaire of those that an overlap of the wave could ask, newest first."""
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=key)
    own = load_instrument(session=work.session, instrument_id=wave.instrument_id)
    ids = work.session.exec(
        select_rows(InstrumentVersion.id).order_by(col(InstrumentVersion.created_at).desc())
    )
    known = {id_: load_instrument(session=work.session, instrument_id=id_) for id_ in ids}
    return {id_: each for id_, each in known.items() if _explain_unfit(own, each) is None}


def declare_overlap(
    work: Work, *, key: str, instrument_id: UUID, share: float, seed: int
) -> OverlapSummary:
    """Declare that a `share` of the points of each city, drawn by `seed`, is asked `instrument_id`.

    Points that are drawn later are divided in the same way.

    Raises:
        RefusedError: the wave is not planned any more, has an overlap, or the questionnaire, the
            share or the seed does not fit.
    """
    work.require(Action.PLAN)
    wave = lock_changeable_wave(work.session, key, {WaveState.PLANNED})
    if find_overlap(session=work.session, wave_id=wave.id) is not None:
        raise RefusedError("overlap_unfit", msg("The wave has an overlap. Withdraw it first."))
    if not 0 < share <= MAX_SHARE or not 0 <= seed <= MAX_SEED:
        raise RefusedError(
            "overlap_unfit",
            msg("An overlap takes up to half of the points, and a seed of at most 16 digits."),
        )
    own = load_instrument(session=work.session, instrument_id=wave.instrument_id)
    earlier = load_instrument(session=work.session, instrument_id=instrument_id)
    reason = _explain_unfit(own, earlier)
    if reason is not None:
        raise RefusedError("overlap_unfit", reason)
    require_scores(session=work.session, instrument=earlier)
    overlap = WaveOverlap(
        wave_id=wave.id, instrument_id=instrument_id, share=share, seed=seed,
        declared_by=actor_id(work.principal), declared_at=work.now,
    )  # fmt: skip
    work.session.add(overlap)
    work.session.flush()
    assign_overlap(work.session, wave)
    summary = find_overlap_summary(work, key=key)
    assert summary is not None
    work.record(
        AuditEvent.WAVE_OVERLAP_DECLARED,
        wave.id,
        {"instrument": summary.instrument, "share": share, "seed": seed, "points": summary.points},
    )
    return summary


def withdraw_overlap(work: Work, *, key: str) -> None:
    """Withdraw the overlap of a planned wave: all its points ask the questionnaire of the wave.

    Raises:
        RefusedError: the wave is not planned any more, or has no overlap.
    """
    work.require(Action.PLAN)
    wave = lock_changeable_wave(work.session, key, {WaveState.PLANNED})
    overlap = find_overlap(session=work.session, wave_id=wave.id)
    if overlap is None:
        raise RefusedError("overlap_unfit", msg("The wave has no overlap."))
    work.session.delete(overlap)
    of_wave = update(_POINTS).where(_POINTS.c.wave_id == wave.id)
    work.session.connection().execute(of_wave.values(asks_earlier=False))
    work.session.flush()
    work.record(AuditEvent.WAVE_OVERLAP_WITHDRAWN, wave.id, {"key": key})


def assign_overlap(session: Session, wave: Wave, codes: frozenset[str] | None = None) -> None:
    """Draw the overlap among the points of a wave, or among those with `codes`, where it has one.

    Points that were drawn before keep their questionnaire: interviews may have been made there.
    """
    overlap = find_overlap(session=session, wave_id=wave.id)
    if overlap is None:
        return
    drawn = draw_of_wave(session, wave, share=overlap.share, seed=overlap.seed, codes=codes)
    session.connection().execute(
        update(_POINTS)
        .where(_POINTS.c.wave_id == wave.id, _POINTS.c.code.in_(drawn))
        .values(asks_earlier=True)
    )


def _explain_unfit(own: Instrument, earlier: Instrument) -> Message | None:
    """Return why `earlier` cannot be the overlap of a wave that asks `own`; None if it can."""
    if earlier.sha256 == own.sha256:
        return msg("This is the questionnaire of the wave itself.")
    if earlier.unit != own.unit or earlier.tree is None or own.tree is None:
        return msg("Both questionnaires need an indicator tree: a step is one of their scores.")
    missing = [name for name in _NEEDED if name in own.by_name and name not in earlier.by_name]
    if missing:
        return msg(
            "The earlier questionnaire lacks questions that quotas and weights rest on: {items}.",
            items=", ".join(missing),
        )
    return None
