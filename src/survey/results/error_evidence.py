"""What the store alone tells of the errors of a wave: checks, keying, refusals, removals.

Counted when the wave is frozen, because retention deletes later what it is counted from, and kept
with the fieldwork record as shares and points: no count of people, surveyors or answers.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sqlalchemy import select

from survey.access.work import Work
from survey.collection.paper.keying import list_typist_errors
from survey.disclosure import MINIMUM_N
from survey.estimate.representativity import measure_representativity
from survey.frame.city_frame import shipped_cities
from survey.results.method import EvidenceLine
from survey.review.back_check.results import get_back_check_results
from survey.review.quality.flags import MIN_REVIEW_RISK
from survey.store.china_time import CHINA
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

_RESPONSES, _RISKS = table_of(Response), table_of(ResponseRisk)
_POINTS, _INVITATIONS = table_of(SamplingPoint), table_of(Invitation)


def collect_error_evidence(work: Work, wave: Wave) -> tuple[EvidenceLine, ...]:
    """Return the lines of the error budget that only the store can tell, in points.

    Raises:
        AccessDeniedError: no right to back-checks and reviews.
    """
    rows = _read_interviews(work, wave)
    return (
        _measure_back_checks(work, wave),
        _measure_keying(work, wave),
        *_measure_refusals(work, wave, rows),
        _measure_removed(rows),
    )


def _read_interviews(work: Work, wave: Wave) -> pd.DataFrame:
    """Return a row an interview or refusal: place, hour, mode, scores, and how it ended."""
    query = (
        select(
            *_RESPONSES.c["city_code", "status", "mode", "started_at"],
            *_RISKS.c["score", "mean_score"],
            _POINTS.c.kind,
        )
        .select_from(
            _RESPONSES.outerjoin(_RISKS, _RISKS.c.response_id == _RESPONSES.c.id).outerjoin(
                _POINTS, _POINTS.c.id == _RESPONSES.c.point_id
            )
        )
        .where(
            _RESPONSES.c.wave_id == wave.id,
            _RESPONSES.c.withdrawn_at.is_(None),
            _RESPONSES.c.status.in_([*COUNTED_STATUSES, Status.VOID, Status.REFUSED]),
        )
    )
    found = work.session.connection().execute(query)
    rows = pd.DataFrame(found.all(), columns=list(found.keys()))
    rows["mean_score"] = rows["mean_score"].astype(float)
    return rows


def _read_break_offs(work: Work, wave: Wave) -> pd.DataFrame:
    """Return a row an opened link that expired unused: place and hour."""
    query = (
        select(_INVITATIONS.c.city_code, _INVITATIONS.c.opened_at, _POINTS.c.kind)
        .join(_POINTS, _POINTS.c.id == _INVITATIONS.c.point_id)
        .where(
            _INVITATIONS.c.wave_id == wave.id,
            _INVITATIONS.c.opened_at.is_not(None),
            _INVITATIONS.c.used_at.is_(None),
            _INVITATIONS.c.expires_at < work.now,
        )
    )
    rows = work.session.connection().execute(query).all()
    return pd.DataFrame(rows, columns=["city_code", "started_at", "kind"])


def _measure_back_checks(work: Work, wave: Wave) -> EvidenceLine:
    drawn = get_back_check_results(work, wave_id=wave.id).total.random_sample
    if drawn is None or drawn.of < MINIMUM_N:
        return EvidenceLine(line="back_check", obstacle="no_back_checks")
    return EvidenceLine(line="back_check", measured=drawn.value)


def _measure_keying(work: Work, wave: Wave) -> EvidenceLine:
    typists = list_typist_errors(work, wave_key=wave.key)
    fields = sum(typist.fields for typist in typists)
    if not fields:
        return EvidenceLine(line="double_entry", obstacle="no_double_entry")
    rate = sum(typist.errors for typist in typists) / fields
    return EvidenceLine(line="double_entry", measured=rate)


def _measure_refusals(work: Work, wave: Wave, rows: pd.DataFrame) -> Iterator[EvidenceLine]:
    """Yield the R-indicator of those who took part, its coefficient of variation and its parts."""
    refused = pd.concat(
        [rows[rows["status"] == Status.REFUSED], _read_break_offs(work, wave)], ignore_index=True
    )
    is_counted = len(refused) >= MINIMUM_N and not (rows["mode"] == Mode.IMPORT).any()
    asked = pd.concat([rows[rows["status"] != Status.REFUSED], refused], ignore_index=True)
    answered = np.arange(len(asked)) < len(asked) - len(refused)
    hour = pd.to_datetime(asked["started_at"], utc=True).dt.tz_convert(CHINA).dt.hour
    variables = {
        "city": pd.factorize(asked["city_code"])[0],
        "point_kind": pd.factorize(asked["kind"].astype(str))[0],
        "hour": pd.factorize(hour // _HOURS)[0],
    }
    found = measure_representativity(answered, variables) if is_counted else None
    if found is None:
        yield EvidenceLine(line="refusals_r", obstacle="no_refusals")
        return
    yield EvidenceLine(line="refusals_r", measured=found.r)
    yield EvidenceLine(line="refusals_cv", measured=found.cv)
    for name, partial in found.partial.items():
        yield EvidenceLine(line=f"refusals_by_{name}", measured=partial)
    for name in ("age", "gender"):
        yield EvidenceLine(line=f"refusals_by_{name}", obstacle="not_recorded")


def _measure_removed(rows: pd.DataFrame) -> EvidenceLine:
    """Return how far the interviews that review removed as careless would have moved the score."""
    known = rows[rows["mean_score"].notna()]
    removed = known[(known["status"] == Status.VOID) & (known["score"] >= MIN_REVIEW_RISK)]
    kept = known[known["status"].isin(COUNTED_STATUSES)]
    if known.empty:
        return EvidenceLine(line="removed", obstacle="not_assessed")
    if len(removed) < MINIMUM_N or kept.empty:
        return EvidenceLine(line="removed", obstacle="few_removed")
    mean = kept.groupby("city_code")["mean_score"].mean()
    both = pd.concat([kept, removed]).groupby("city_code")["mean_score"].mean()
    shift = (both - mean).dropna()
    residents = {city.code: float(city.resident_population_2020) for city in shipped_cities()}
    return EvidenceLine(
        line="removed",
        measured=len(removed) / (len(removed) + len(kept)),
        size_nation=float(np.average(shift, weights=shift.index.map(residents))),
        size_city=float(shift.abs().median()),
    )
