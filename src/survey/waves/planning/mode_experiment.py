"""Mode experiment of a wave: declared, its offers drawn by chance and compared, withdrawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import special
from sqlalchemy import select, update
from sqlmodel import Session

from survey.access.audit import actor_id
from survey.access.roles import Action
from survey.access.work import Work
from survey.estimate.mode_experiment import standardise_difference
from survey.locale import RefusedError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import Mode, ModeExperiment, SamplingPoint, Wave, WaveState, table_of
from survey.waves.planning.point_shares import MAX_SEED, draw_of_wave
from survey.waves.planning.wave_editing import lock_changeable_wave
from survey.waves.waves import get_wave

PLANNED_HALF_WIDTH = 1.0
"""Points by which the nation's effect shall be off at most, with 95 % confidence."""
LEAST_SHARE, MOST_SHARE = 0.1, 0.9
PLANNED_INTERVIEWS = "target"
"""Characteristic of points in `ModeExperimentSummary.balance`, beside `stratum=…` and `kind=…`."""
_POINTS = table_of(SamplingPoint)


@dataclass(frozen=True)
class ModeExperimentSummary:
    """Mode experiment of a wave: share and seed, and what was drawn so far."""

    share: float
    seed: int
    points: int
    """Where the own phone is offered."""
    of_points: int
    interviews: int
    """Planned at the points where the own phone is offered."""
    balance: Mapping[str, float]
    """Characteristic of points -> standardised difference, own phone less read aloud."""
    usual: float
    """Largest of these differences that chance alone makes in 95 of 100 draws."""


def find_mode_experiment(work: Work, *, key: str) -> ModeExperimentSummary | None:
    """Return the mode experiment of a wave; None if none is declared. Raises `NotFoundError`."""
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=key)
    experiment = work.session.get(ModeExperiment, wave.id)
    if experiment is None:
        return None
    query = select(*_POINTS.c["offered_mode", "stratum", "kind", "target"]).where(
        _POINTS.c.wave_id == wave.id, _POINTS.c.offered_mode.is_not(None)
    )
    rows = work.session.connection().execute(query.order_by(_POINTS.c.code)).all()
    targets = np.array([row.target for row in rows], dtype=float)
    is_phone = np.array([row.offered_mode is Mode.SELF for row in rows], dtype=bool)
    known = {PLANNED_INTERVIEWS: targets}
    for name in ("stratum", "kind"):
        values = [str(getattr(row, name)) for row in rows]
        for level in sorted(set(values)):
            known[f"{name}={level}"] = np.array([value == level for value in values], dtype=float)
    balance = {
        name: standardise_difference(values[is_phone], values[~is_phone])
        for name, values in known.items()
    }
    phones, others = int(is_phone.sum()), int((~is_phone).sum())
    usual = float("nan")
    if phones and others:
        usual = -special.ndtri(0.025 / len(known)) * sqrt(1 / phones + 1 / others)
    return ModeExperimentSummary(
        share=experiment.share,
        seed=experiment.seed,
        points=phones,
        of_points=len(rows),
        interviews=int(targets[is_phone].sum()),
        balance=balance,
        usual=usual,
    )


def declare_mode_experiment(
    work: Work, *, key: str, share: float, seed: int
) -> ModeExperimentSummary:
    """Declare that a `share` of the points of each city, drawn by `seed`, offers the own phone.

    At the other points the questions are read aloud. Points that are drawn later are divided in the
    same way.

    Raises:
        RefusedError: the wave is not planned any more, has an experiment, or the share or the seed
            does not fit.
    """
    work.require(Action.PLAN)
    wave = lock_changeable_wave(work.session, key, {WaveState.PLANNED})
    if work.session.get(ModeExperiment, wave.id) is not None:
        raise RefusedError(
            "experiment_unfit", msg("The wave has a mode experiment. Withdraw it first.")
        )
    if not LEAST_SHARE <= share <= MOST_SHARE or not 0 <= seed <= MAX_SEED:
        raise RefusedError(
            "experiment_unfit",
            msg(
                "A mode experiment takes a tenth to nine tenths of the points, and a seed of at "
                "most 16 digits."
            ),
        )
    experiment = ModeExperiment(
        wave_id=wave.id, share=share, seed=seed,
        declared_by=actor_id(work.principal), declared_at=work.now,
    )  # fmt: skip
    work.session.add(experiment)
    work.session.flush()
    assign_offers(work.session, wave)
    summary = find_mode_experiment(work, key=key)
    assert summary is not None
    work.record(
        AuditEvent.WAVE_EXPERIMENT_DECLARED,
        wave.id,
        {"key": key, "share": share, "seed": seed, "points": summary.points},
    )
    return summary


def withdraw_mode_experiment(work: Work, *, key: str) -> None:
    """Withdraw the mode experiment of a planned wave: no point has an offer any more.

    Raises:
        RefusedError: the wave is not planned any more, or has no mode experiment.
    """
    work.require(Action.PLAN)
    wave = lock_changeable_wave(work.session, key, {WaveState.PLANNED})
    experiment = work.session.get(ModeExperiment, wave.id)
    if experiment is None:
        raise RefusedError("experiment_unfit", msg("The wave has no mode experiment."))
    work.session.delete(experiment)
    _offer(work.session, wave, None)
    work.session.flush()
    work.record(AuditEvent.WAVE_EXPERIMENT_WITHDRAWN, wave.id, {"key": key})


def assign_offers(session: Session, wave: Wave, codes: frozenset[str] | None = None) -> None:
    """Draw what is offered at the points of a wave, or at those with `codes`, in an experiment.

    Points that were drawn before keep their offer: interviews may have been made there.
    """
    experiment = session.get(ModeExperiment, wave.id)
    if experiment is None:
        return
    # Not the seed alone: an overlap of the same seed would draw the same points.
    drawn = draw_of_wave(
        session, wave, share=experiment.share, seed=f"mode:{experiment.seed}", codes=codes
    )
    _offer(session, wave, Mode.ASSISTED, codes)
    _offer(session, wave, Mode.SELF, drawn)


def _offer(
    session: Session, wave: Wave, mode: Mode | None, codes: frozenset[str] | None = None
) -> None:
    """Set what is offered at the points of a wave, or at those with `codes` if given."""
    change = update(_POINTS).where(_POINTS.c.wave_id == wave.id).values(offered_mode=mode)
    if codes is not None:
        change = change.where(_POINTS.c.code.in_(codes))
    session.connection().execute(change)
