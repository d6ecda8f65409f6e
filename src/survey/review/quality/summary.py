"""Quality by surveyor, point, agency or city, summed up from flags."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sqlalchemy import ColumnElement, FromClause, Select, and_, func, select
from sqlmodel import Session

from survey.access.principal import area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.estimate.interviewer_effect import InterviewerEffect, interviewer_effect, wilson
from survey.locale import labels_of
from survey.review.quality.flags import MIN_REVIEW_RISK, FlagKind
from survey.review.quality.response_arrays import RowGroups
from survey.review.quality.stored_interviews import FINISHED
from survey.store.tables import (
    Account,
    AnyRow,
    City,
    Posting,
    Response,
    ResponseFlag,
    ResponseRisk,
    SamplingPoint,
    Wave,
    table_of,
)
from survey.waves.quotas import COUNTED_STATUSES
from survey.waves.waves import get_wave

QualityGrouping = Literal["wave", "city", "agency", "point", "surveyor"]

MOBILISED_SHARE = 0.05
MIN_MOBILISED_INTERVIEWS = 6
"""A city is named when so many of its interviews, and such a share, came in bursts."""

_RESPONSES, _FLAGS = table_of(Response), table_of(ResponseFlag)
_RISKS, _CITIES = table_of(ResponseRisk), table_of(City)
_POINTS, _ACCOUNTS = table_of(SamplingPoint), table_of(Account)
_POSTINGS = table_of(Posting)
_COLUMNS: Mapping[QualityGrouping, ColumnElement[Any]] = {
    "wave": _RESPONSES.c.wave_id,
    "city": _RESPONSES.c.city_code,
    "agency": _POSTINGS.c.agency,
    "point": _RESPONSES.c.point_id,
    "surveyor": _RESPONSES.c.surveyor_id,
}


@dataclass(frozen=True)
class QualityRow:
    """Quality of the finished interviews of a surveyor, point, agency or city, or of all."""

    key: str
    """Code of the city or point, agency, the surveyor's login, or the wave's key for the whole."""
    name: Mapping[str, str]
    city_code: str | None
    """None for all within reach, and for whoever works in several cities."""
    interviews: int
    """Finished interviews, the void ones included."""
    assessed: int
    """Of these, how many have been looked at by the detectors."""
    valid: int
    """Finished and not void."""
    valid_rate: float
    valid_low: float
    valid_high: float
    """95 % Wilson interval of `valid_rate`."""
    flags: Mapping[FlagKind, int]
    to_review: int
    """Interviews with a risk of at least `MIN_REVIEW_RISK`."""
    median_pace: float | None
    """Relative to the wave: 1 is usual, 0.5 twice as fast."""
    median_seconds: float | None
    effect: InterviewerEffect | None
    """Of the surveyors on the mean score of valid interviews; not of single surveyors or points."""

    @property
    def has_mobilisation_pattern(self) -> bool:
        """Whether so many interviews came in bursts that respondents seem mobilised by others."""
        bursts = self.flags.get(FlagKind.BURST, 0)
        return bursts >= MIN_MOBILISED_INTERVIEWS and bursts >= MOBILISED_SHARE * self.assessed


def summarise_quality(
    work: Work, *, wave_key: str, by: QualityGrouping = "surveyor"
) -> tuple[QualityRow, ...]:
    """Return flags, pace and valid rate by surveyor (or another unit) in the principal's area.

    Interviews without a point, surveyor or agency are missing where it is asked for. Only
    reviewers and administrators may read it: it judges single surveyors. Raises
    `AccessDeniedError`,
    `NotFoundError`.
    """
    work.require(Action.REVIEW if work.principal.may(Action.REVIEW) else Action.ADMINISTER)
    wave = get_wave(session=work.session, key=wave_key)
    column = _COLUMNS[by]
    within = [
        _RESPONSES.c.wave_id == wave.id, _RESPONSES.c.status.in_(FINISHED),
        area_filter(work.principal, _RESPONSES.c.city_code), column.is_not(None),
    ]  # fmt: skip
    if by == "agency":
        within.append(_POSTINGS.c.agency != "")
    grouped: defaultdict[Any, list[AnyRow]] = defaultdict(list)
    for row in work.session.connection().execute(_select_interviews(by, column, within)):
        grouped[row.key].append(row)
    flags = _count_flags(work.session, by, column, within)
    names = _read_names(work, by, wave)
    made = [
        _build_summary_row(by, *names[key], rows, flags.get(key, {}))
        for key, rows in grouped.items()
    ]
    return tuple(sorted(made, key=lambda row: row.key))


def _join_postings(responses: FromClause, by: QualityGrouping) -> FromClause:
    """Return `responses`, joined to the surveyors' postings if grouped by agency."""
    if by != "agency":
        return responses
    return responses.join(
        _POSTINGS,
        and_(
            _POSTINGS.c.wave_id == _RESPONSES.c.wave_id,
            _POSTINGS.c.account_id == _RESPONSES.c.surveyor_id,
            _POSTINGS.c.city_code == _RESPONSES.c.city_code,
        ),
    )


def _select_interviews(
    by: QualityGrouping, column: ColumnElement[Any], within: Sequence[ColumnElement[bool]]
) -> Select[tuple[Any, ...]]:
    return (
        select(
            column.label("key"),
            *_RESPONSES.c["city_code", "surveyor_id", "status", "duration_seconds"],
            *_RISKS.c["score", "pace", "mean_score"],
        )
        .select_from(_join_postings(_RESPONSES, by))
        .outerjoin(_RISKS, _RISKS.c.response_id == _RESPONSES.c.id)
        .where(*within)
    )


def _count_flags(
    session: Session,
    by: QualityGrouping,
    column: ColumnElement[Any],
    within: Sequence[ColumnElement[bool]],
) -> dict[Any, dict[FlagKind, int]]:
    """Return key in `column` (surveyor, point …) -> kind of flag -> number, of rows `within`."""
    query = (
        select(column.label("key"), _FLAGS.c.kind, func.count().label("number"))
        .select_from(
            _join_postings(_RESPONSES.join(_FLAGS, _FLAGS.c.response_id == _RESPONSES.c.id), by)
        )
        .where(*within)
        .group_by(column, _FLAGS.c.kind)
    )
    counts: defaultdict[Any, dict[FlagKind, int]] = defaultdict(dict)
    for row in session.connection().execute(query):
        counts[row.key][FlagKind(row.kind)] = row.number
    return counts


def _read_names(
    work: Work, by: QualityGrouping, wave: Wave
) -> dict[Any, tuple[str, Mapping[str, str]]]:
    """Return key -> (code, name) of each surveyor, point or other unit in the area."""
    if by == "wave":
        return {wave.id: (wave.key, labels_of(wave, "title"))}
    if by == "city":
        cities = work.session.connection().execute(
            select(_CITIES.c.code, _CITIES.c.name_zh, _CITIES.c.name_en).where(
                area_filter(work.principal, _CITIES.c.code)
            )
        )
        return {row.code: (row.code, labels_of(row, "name")) for row in cities}
    if by == "agency":
        agencies = work.session.connection().execute(
            select(_POSTINGS.c.agency)
            .where(
                _POSTINGS.c.wave_id == wave.id, area_filter(work.principal, _POSTINGS.c.city_code)
            )
            .distinct()
        )
        return {row.agency: (row.agency, {"zh": row.agency, "en": row.agency}) for row in agencies}
    query = (
        select(_POINTS.c.id, _POINTS.c.code, _POINTS.c.name).where(
            _POINTS.c.wave_id == wave.id, area_filter(work.principal, _POINTS.c.city_code)
        )
        if by == "point"
        else select(_ACCOUNTS.c.id, _ACCOUNTS.c.login.label("code"), _ACCOUNTS.c.name).where(
            _ACCOUNTS.c.id.in_(
                select(_RESPONSES.c.surveyor_id).where(
                    _RESPONSES.c.wave_id == wave.id,
                    area_filter(work.principal, _RESPONSES.c.city_code),
                )
            )
        )
    )
    rows = work.session.connection().execute(query)
    return {row.id: (row.code, {"zh": row.name, "en": row.name}) for row in rows}


def _build_summary_row(
    by: QualityGrouping,
    key: str,
    name: Mapping[str, str],
    rows: Sequence[AnyRow],
    flags: Mapping[FlagKind, int],
) -> QualityRow:
    valid = [row for row in rows if row.status in COUNTED_STATUSES]
    scores = [row.score for row in rows if row.score is not None]
    cities = {row.city_code for row in rows}
    low, high = wilson(len(valid), len(rows))
    return QualityRow(
        key=key,
        name=name,
        city_code=cities.pop() if len(cities) == 1 and by != "wave" else None,
        interviews=len(rows),
        assessed=len(scores),
        valid=len(valid),
        valid_rate=len(valid) / len(rows),
        valid_low=low,
        valid_high=high,
        flags=flags,
        to_review=sum(score >= MIN_REVIEW_RISK for score in scores),
        median_pace=_compute_median(row.pace for row in rows),
        median_seconds=_compute_median(row.duration_seconds for row in rows),
        effect=_estimate_effect(valid) if by in {"wave", "city", "agency"} else None,
    )


def _compute_median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _estimate_effect(valid: Sequence[AnyRow]) -> InterviewerEffect | None:
    rows = [row for row in valid if row.mean_score is not None and row.surveyor_id is not None]
    return interviewer_effect(
        np.array([row.mean_score for row in rows], dtype=np.float64),
        RowGroups.of(row.surveyor_id for row in rows).codes,
        RowGroups.of(row.city_code for row in rows).codes,
    )
