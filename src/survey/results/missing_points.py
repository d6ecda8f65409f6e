"""Interviews without a sampling point in a wave that has points.

Where no interview has a point, the wave has none and its errors rest on an assumed design effect.
Where only some lack one, they must not take the points away from all the others.
"""

import pandas as pd

from survey.locale import SurveyError, msg
from survey.results.domains import count_by_city
from survey.snapshot.snapshot_files import WithoutPoint

NO_POINT = "(no point)"
"""Stratum of a city's interviews without a point; each stands for itself in it."""


class PointsMissingError(SurveyError):
    """Raised when some interviews have no sampling point and no rule for them was chosen."""

    code = "points_missing"


def resolve_missing_points(frame: pd.DataFrame, way: WithoutPoint) -> tuple[pd.DataFrame, int]:
    """Return responses with a point in every row or in none, and how many got a stratum.

    Raises:
        PointsMissingError: some rows lack the point that others have, and `way` is to refuse them.
    """
    without = frame["psu"].isna()
    count = int(without.sum())
    if count in {0, len(frame)}:
        return frame, 0
    if way is WithoutPoint.REFUSE:
        raise PointsMissingError(
            msg(
                "{count} interviews have no sampling point although others have one (by city: "
                "{cities}). Give them their points, or choose to count them as a stratum of their "
                "own in each city (--without-point stratum).",
                count=count, cities=count_by_city(frame["city_code"][without]),
            )
        )  # fmt: skip
    alone = NO_POINT + " " + frame["response_id"].astype(str)
    psu = frame["psu"].astype(object).where(~without, alone)
    stratum = frame["stratum"].astype(object).where(~without, NO_POINT)
    given = frame.assign(psu=psu.astype("category"), stratum=stratum.astype("category"))
    return given, count
