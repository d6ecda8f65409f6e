"""What the store alone tells of the errors of a wave: checks, keying, refusals, removals.

Counted when the wave is frozen, because retention deletes later what it is counted from, and kept
with the fieldwork record as shares and points: no count of people, surveyors or answers.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Select, Table, func, or_, select

from survey.access.work import Work
from survey.collection.paper.keying import list_typist_errors
from survey.disclosure import MINIMUM_N
from survey.estimate.representativity import measure_representativity
from survey.frame.city_frame import shipped_cities
from survey.results.method import EvidenceLine
from survey.review.back_check.results import get_back_check_results
from survey.review.quality.flags import MIN_REVIEW_RISK
from survey.store.china_time import china_hour
from survey.store.tables import (
    Invitation,
    Mode,
    Response,
    ResponseRisk,
    SamplingPoint,
    Status,
    Wave,
    table_of,
)
from survey.waves.quotas import COUNTED_STATUSES

_HOURS = 4
"""Length of the parts of a day in which people are asked."""
_MIN_PEOPLE = 3
"""Surveyors or typists: of fewer a rate would be that of one of them, to the other or to all."""

_RESPONSES, _RISKS = table_of(Response), table_of(ResponseRisk)
_POINTS, _INVITATIONS = table_of(SamplingPoint), table_of(Invitation)


def collect_error_evidence(work: Work, wave: Wave) -> tuple[EvidenceLine, ...]:
    """Return the lines of the error budget that only the store can tell, in points.

    Raises:
        AccessDeniedError: no right to back-checks and reviews.
    """
    return (
        _measure_back_checks(work, wave),
        _measure_keying(work, wave),
        *_measure_refusals(work, wave),
        _measure_removed(work, wave),
    )


def _count_attempts(work: Work, wave: Wave) -> pd.DataFrame:
    """Return interviews, refusals and links that were opened and left, by place and hour."""
    held = _select_attempts(_RESPONSES, _RESPONSES.c.started_at, _RESPONSES.c.status).where(
        _RESPONSES.c.wave_id == wave.id,
        _RESPONSES.c.withdrawn_at.is_(None),
        _RESPONSES.c.status.in_([*COUNTED_STATUSES, Status.VOID, Status.REFUSED]),
    )
    left = _select_attempts(_INVITATIONS, _INVITATIONS.c.opened_at).where(
        _INVITATIONS.c.wave_id == wave.id,
        _INVITATIONS.c.opened_at.is_not(None),
        _INVITATIONS.c.used_at.is_(None),
        _INVITATIONS.c.expires_at < work.now,
    )
    connection = work.session.connection()
    rows = [
        *connection.execute(held),
        *((*row, Status.REFUSED) for row in connection.execute(left)),
    ]
    return pd.DataFrame(rows, columns=["asked", "city", "point_kind", "hour", "status"])


def _select_attempts(
    table: Table, began: ColumnElement[Any], *further: ColumnElement[Any]
) -> Select[Any]:
    """Return a query of number, city, kind of point, hour in China and `further` columns."""
    keys = (table.c.city_code, _POINTS.c.kind, china_hour(began), *further)
    joined = table.outerjoin(_POINTS, _POINTS.c.id == table.c.point_id)
    return select(func.count(), *keys).select_from(joined).group_by(*keys)


def _sum_scores(work: Work, wave: Wave) -> pd.DataFrame:
    """Return number and summed scores of the interviews, by city and whether removed."""
    query = (
        select(
            _RESPONSES.c.city_code, _RESPONSES.c.status, func.count(), func.sum(_RISKS.c.mean_score)
        )
        .join(_RISKS, _RISKS.c.response_id == _RESPONSES.c.id)
        .where(
            _RESPONSES.c.wave_id == wave.id,
            _RESPONSES.c.withdrawn_at.is_(None),
            _RISKS.c.mean_score.is_not(None),
            or_(
                _RESPONSES.c.status.in_(COUNTED_STATUSES),
                (_RESPONSES.c.status == Status.VOID) & (_RISKS.c.score >= MIN_REVIEW_RISK),
            ),
        )
        .group_by(_RESPONSES.c.city_code, _RESPONSES.c.status)
    )
    rows = work.session.connection().execute(query).all()
    sums = pd.DataFrame(rows, columns=["city", "status", "n", "total"])
    sums["removed"] = sums["status"] == Status.VOID
    return sums.groupby(["city", "removed"])[["n", "total"]].sum()


def _measure_back_checks(work: Work, wave: Wave) -> EvidenceLine:
    results = get_back_check_results(work, wave_id=wave.id)
    drawn = results.total.random_sample
    if drawn is None or drawn.of < MINIMUM_N:
        return EvidenceLine(line="back_check", obstacle="no_back_checks")
    if 0 < len(results.surveyors) < _MIN_PEOPLE:
        return EvidenceLine(line="back_check", obstacle="few_people")
    return EvidenceLine(line="back_check", measured=drawn.value)


def _measure_keying(work: Work, wave: Wave) -> EvidenceLine:
    typists = [each for each in list_typist_errors(work, wave_key=wave.key) if each.fields]
    if not typists:
        return EvidenceLine(line="double_entry", obstacle="no_double_entry")
    if len(typists) < _MIN_PEOPLE:
        return EvidenceLine(line="double_entry", obstacle="few_people")
    rate = sum(each.errors for each in typists) / sum(each.fields for each in typists)
    return EvidenceLine(line="double_entry", measured=rate)


def _measure_refusals(work: Work, wave: Wave) -> Iterator[EvidenceLine]:
    """Yield the R-indicator of those who took part, its coefficient of variation and its parts."""
    cells = _count_attempts(work, wave)
    asked = cells["asked"].to_numpy(dtype=float)
    refused = np.where(cells["status"] == Status.REFUSED, asked, 0.0)
    imported = select(_RESPONSES.c.id).where(
        _RESPONSES.c.wave_id == wave.id, _RESPONSES.c.mode == Mode.IMPORT
    )
    variables = {
        "city": pd.factorize(cells["city"])[0],
        "point_kind": pd.factorize(cells["point_kind"].astype(str))[0],
        "hour": pd.factorize(cells["hour"].fillna(-_HOURS) // _HOURS)[0],
    }
    found = None
    if (
        refused.sum() >= MINIMUM_N
        and work.session.connection().execute(imported.limit(1)).first() is None
    ):
        found = measure_representativity(asked, asked - refused, variables)
    if found is None:
        yield EvidenceLine(line="refusals_r", obstacle="no_refusals")
        return
    yield EvidenceLine(line="refusals_r", measured=found.r)
    yield EvidenceLine(line="refusals_cv", measured=found.cv)
    for name, partial in found.partial.items():
        yield EvidenceLine(line=f"refusals_by_{name}", measured=partial)
    for name in ("age", "gender"):
        yield EvidenceLine(line=f"refusals_by_{name}", obstacle="not_recorded")


def _measure_removed(work: Work, wave: Wave) -> EvidenceLine:
    """Return how far the interviews that review removed as careless would have moved the score."""
    sums = _sum_scores(work, wave)
    if sums.empty:
        return EvidenceLine(line="removed", obstacle="not_assessed")
    kept, removed = (
        sums[sums.index.get_level_values("removed") == flag].droplevel("removed")
        for flag in (False, True)
    )
    if removed["n"].sum() < MINIMUM_N or kept.empty:
        return EvidenceLine(line="removed", obstacle="few_removed")
    both = kept.add(removed, fill_value=0.0).loc[kept.index]
    shift = both["total"] / both["n"] - kept["total"] / kept["n"]
    residents = {city.code: float(city.resident_population_2020) for city in shipped_cities()}
    # Where cities are few the one in the middle is known, and of few removed what they answered.
    tells = len(kept) < MINIMUM_N and bool((removed["n"] < MINIMUM_N).any())
    return EvidenceLine(
        line="removed",
        measured=float(1 - kept["n"].sum() / both["n"].sum()),
        size_nation=float(np.average(shift, weights=shift.index.map(residents))),
        size_city=None if tells else float(shift.abs().median()),
    )
