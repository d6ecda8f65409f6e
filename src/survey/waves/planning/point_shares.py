"""A share of a wave's sampling points by chance: for an overlap, or for a mode experiment."""

from sqlalchemy import select
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.work import Work
from survey.estimate import plan_smaller_part
from survey.frame.sampling_plan import draw_point_share
from survey.store.tables import SamplingPoint, Wave, WavePlan, table_of
from survey.waves.waves import get_wave

MAX_SEED = 2**53 - 1
PLANNED_SPREAD = 15.0
"""Standard deviation of one respondent's composite, in points."""
_POINTS = table_of(SamplingPoint)


def draw_of_wave(
    session: Session, wave: Wave, *, share: float, seed: int | str, codes: frozenset[str] | None
) -> frozenset[str]:
    """Return the codes of a `share` of the wave's points, or of those with `codes` if given."""
    here = select(*_POINTS.c["city_code", "stratum", "code"]).where(_POINTS.c.wave_id == wave.id)
    points = [
        (str(city), str(stratum), str(code))
        for city, stratum, code in session.connection().execute(here)
        if codes is None or code in codes
    ]
    return draw_point_share(points, share, seed)


def plan_part_interviews(work: Work, *, key: str, half_width: float) -> int | None:
    """Return the interviews that the smaller part needs for a difference of ± `half_width` points.

    None if no sample is planned yet, or if even half of it would be too few.
    """
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=key)
    plan = work.session.get(WavePlan, wave.id)
    if plan is None:
        return None
    return plan_smaller_part(half_width, total=plan.total, spread=PLANNED_SPREAD, deff=plan.deff)
