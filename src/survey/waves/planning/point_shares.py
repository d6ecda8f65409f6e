"""A share of a wave's sampling points by chance: for an overlap, or for a mode experiment."""

from sqlalchemy import select
from sqlmodel import Session

from survey.frame.sampling_plan import draw_point_share
from survey.store.tables import SamplingPoint, Wave, table_of

MAX_SEED = 2**53 - 1
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
