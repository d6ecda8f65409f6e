"""Quota membership of an interview, and the running counts of its quotas.

The counts are claimed, adjusted and moved together, within the transaction that changes the
interview: first the cell, then the marginal quotas by id, so that two transactions that need the
same rows never wait for each other in a circle.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import bindparam, literal, or_, select, union_all
from sqlmodel import Session

from survey.store.china_time import china_date
from survey.store.tables import (
    QuotaCell,
    QuotaMargin,
    Response,
    ResponseRevision,
    SamplingPoint,
    table_of,
)
from survey.waves.quotas import (
    CELL_IS_FULL,
    MARGINAL_QUOTA_IS_FULL,
    MarginalQuota,
    add_to_counts,
    age_of,
    claim_quota,
    marginal_quotas_by_city,
    parse_band,
    stratum_by_point,
)

_CELL = "cell"
_T = TypeVar("_T")

_CELLS, _MARGINS, _POINTS = table_of(QuotaCell), table_of(QuotaMargin), table_of(SamplingPoint)
_RESPONSES, _REVISIONS = table_of(Response), table_of(ResponseRevision)
_STRATUM = select(_POINTS.c.stratum).where(_POINTS.c.id == bindparam("point")).scalar_subquery()
_SELECT = union_all(
    select(
        literal(_CELL).label("dimension"),
        _CELLS.c.age_band.label("category"),
        *_CELLS.c["id", "stops"],
        CELL_IS_FULL.label("full"),
    ).where(
        _CELLS.c.wave_id == bindparam("wave"),
        _CELLS.c.city_code == bindparam("city"),
        _CELLS.c.gender == bindparam("gender"),
    ),
    select(
        *_MARGINS.c["dimension", "category", "id", "stops"], MARGINAL_QUOTA_IS_FULL.label("full")
    ).where(
        _MARGINS.c.wave_id == bindparam("wave"),
        _MARGINS.c.city_code == bindparam("city"),
        or_(_MARGINS.c.dimension != "stratum", _MARGINS.c.category == _STRATUM),
    ),
)
_SELECT_FULL = union_all(
    select(
        literal(_CELL).label("dimension"), _CELLS.c.age_band.label("category"), _CELLS.c.gender
    ).where(
        _CELLS.c.wave_id == bindparam("wave"), _CELLS.c.city_code == bindparam("city"), CELL_IS_FULL
    ),
    select(_MARGINS.c.dimension, _MARGINS.c.category, literal("").label("gender")).where(
        _MARGINS.c.wave_id == bindparam("wave"),
        _MARGINS.c.city_code == bindparam("city"),
        MARGINAL_QUOTA_IS_FULL,
    ),
)


def iter_batches(rows: Sequence[_T], size: int = 500) -> Iterator[Sequence[_T]]:
    """Yield the rows in batches of `size`, for statements that name each row."""
    for first in range(0, len(rows), size):
        yield rows[first : first + size]


@dataclass(frozen=True)
class MatchedCell:
    """Quota cell that an interview counts in, and whether it was full when it was read."""

    id: UUID
    full: bool


@dataclass(frozen=True)
class FullQuotaGroup:
    """Respondents whose quota is full, by age, gender or answer; None does not restrict."""

    youngest: int | None = None
    oldest: int | None = None
    gender: str | None = None
    item: str | None = None
    """A question, and its answer that is not needed any more."""
    answer: str | None = None


@dataclass(frozen=True)
class QuotaMembership:
    """Quota cell and marginal quotas that one interview counts in."""

    cell: MatchedCell | None
    margins: tuple[MarginalQuota, ...]
    """In the order in which they are locked."""

    @property
    def cell_id(self) -> UUID | None:
        """Id of the quota cell; None if no cell asks for such people."""
        return self.cell.id if self.cell else None

    @property
    def full(self) -> "MarginalQuota | MatchedCell | None":
        """The full quota that stops the interview, the cell first; None if there is none."""
        if self.cell is not None and self.cell.full:
            return self.cell
        return next((margin for margin in self.margins if margin.full), None)


NO_QUOTAS = QuotaMembership(None, ())


def quota_name(full: MarginalQuota | MatchedCell | None) -> str:
    """Return a full marginal quota's name, as stored with an interview it stops; "" for a cell."""
    return full.name if isinstance(full, MarginalQuota) else ""


def find_quota_membership(
    *,
    session: Session,
    wave_id: UUID,
    city_code: str,
    point_id: UUID | None,
    answers: Mapping[str, Any],
    today: date,
) -> QuotaMembership:
    """Return the quotas that an interview with these answers counts in, by one statement."""
    age, gender = age_of(answers, today=today), answers.get("gender")
    wanted = {
        "wave": wave_id, "city": city_code, "point": point_id,
        "gender": gender if isinstance(gender, str) else None,
    }  # fmt: skip
    cell, margins = None, []
    for row in session.connection().execute(_SELECT, wanted):
        if row.dimension == _CELL:
            youngest, oldest = parse_band(row.category)
            if age is not None and youngest <= age and (oldest is None or age <= oldest):
                cell = MatchedCell(row.id, bool(row.full))
            continue
        margin = MarginalQuota(row.id, row.dimension, row.category, bool(row.stops), bool(row.full))
        # A stratum that came back is that of the point.
        if row.dimension == "stratum" or margin.contains(answers, None, today=today):
            margins.append(margin)
    return QuotaMembership(cell, tuple(sorted(margins, key=lambda margin: margin.id)))


def claim_quotas(
    *, session: Session, membership: QuotaMembership
) -> MarginalQuota | MatchedCell | None:
    """Count an interview in all quotas of `membership`, or in none; return a full one, else None.

    Returns:
        The full quota if one refused, and then nothing is counted; else None.
    """
    cell = membership.cell
    if cell is not None and not claim_quota(session=session, table=_CELLS, quota_id=cell.id):
        return cell
    counted_ids: list[UUID] = []
    for margin in membership.margins:
        if claim_quota(session=session, table=_MARGINS, quota_id=margin.id):
            counted_ids.append(margin.id)
            continue
        add_to_counts(session=session, table=_MARGINS, counts=dict.fromkeys(counted_ids, -1))
        if cell is not None:
            add_to_counts(session=session, table=_CELLS, counts={cell.id: -1})
        return margin
    return None


def move_quota_counts(*, session: Session, before: QuotaMembership, after: QuotaMembership) -> None:
    """Move a corrected interview from quotas `before` to `after`, even if they are full."""
    cells: Counter[UUID] = Counter()
    margins: Counter[UUID] = Counter()
    for membership, change in ((before, -1), (after, 1)):
        if membership.cell is not None:
            cells[membership.cell.id] += change
        for margin in membership.margins:
            margins[margin.id] += change
    add_to_counts(session=session, table=_CELLS, counts=cells)
    add_to_counts(session=session, table=_MARGINS, counts=margins)


def adjust_quota_counts(*, session: Session, changes: Mapping[UUID, int]) -> None:
    """Take interviews (`changes`: id -> -1) from their quotas or add them again (1), even if full.

    `changes` has the ids of interviews that are locked in this transaction. Their current answers
    tell their quotas: erase answers only afterwards.
    """
    cells: Counter[UUID] = Counter()
    margins: Counter[UUID] = Counter()
    known: dict[UUID, _WaveMarginalQuotas] = {}
    changed = [response_id for response_id, change in changes.items() if change]
    for ids in iter_batches(changed):
        query = select(
            *_RESPONSES.c["id", "wave_id", "city_code", "point_id", "quota_cell_id", "started_at"],
            _RESPONSES.c.submitted_at,
        ).where(_RESPONSES.c.id.in_(ids))
        rows = session.connection().execute(query).all()
        for wave_id in {row.wave_id for row in rows} - known.keys():
            known[wave_id] = _WaveMarginalQuotas.read(session, wave_id)
        marginal_ones = [row.id for row in rows if row.city_code in known[row.wave_id].by_city]
        answers = _list_current_answers(session, marginal_ones)
        for row in rows:
            if row.quota_cell_id is not None:
                cells[row.quota_cell_id] += changes[row.id]
            if row.id in answers:
                day = china_date(row.started_at or row.submitted_at)
                own = known[row.wave_id].of(row.city_code, row.point_id, answers[row.id], day)
                margins.update(dict.fromkeys(own, changes[row.id]))
    add_to_counts(session=session, table=_CELLS, counts=cells)
    add_to_counts(session=session, table=_MARGINS, counts=margins)


def count_marginal_quotas(
    *, session: Session, wave_id: UUID, interviews: Iterable[Any], today: date
) -> None:
    """Count interviews that were collected elsewhere in their marginal quotas, even if full.

    Args:
        interviews: Objects with `city_code`, `point_id`, `answers` and `started_at`.
        today: Day of interviews without `started_at`.
    """
    own = _WaveMarginalQuotas.read(session, wave_id)
    if not own.by_city:
        return
    counts: Counter[UUID] = Counter()
    for each in interviews:
        day = china_date(each.started_at) if each.started_at else today
        counts.update(own.of(each.city_code, each.point_id, each.answers, day))
    add_to_counts(session=session, table=_MARGINS, counts=counts)


@dataclass(frozen=True)
class _WaveMarginalQuotas:
    """Marginal quotas of a wave by city, and strata by sampling point."""

    by_city: Mapping[str, tuple[MarginalQuota, ...]]
    strata: Mapping[UUID, str]

    @classmethod
    def read(cls, session: Session, wave_id: UUID) -> "_WaveMarginalQuotas":
        """Read the marginal quotas of a wave, and the strata of its points if it has any."""
        by_city = marginal_quotas_by_city(session=session, wave_id=wave_id)
        return cls(by_city, stratum_by_point(session=session, wave_id=wave_id) if by_city else {})

    def of(
        self, city: str, point_id: UUID | None, answers: Mapping[str, Any], day: date
    ) -> Iterator[UUID]:
        """Yield the ids of the marginal quotas that an interview counts in."""
        stratum = None if point_id is None else self.strata.get(point_id)
        for margin in self.by_city.get(city, ()):
            if margin.contains(answers, stratum, today=day):
                yield margin.id


def _list_current_answers(session: Session, ids: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
    if not ids:
        return {}
    query = select(_REVISIONS.c.response_id, _REVISIONS.c.answers).where(
        _REVISIONS.c.response_id.in_(ids), _REVISIONS.c.is_current
    )
    return {row.response_id: row.answers for row in session.connection().execute(query)}


def list_full_groups(
    *, session: Session, wave_id: UUID, city_code: str
) -> tuple[FullQuotaGroup, ...]:
    """Return the groups whose quota is full in a city at this moment."""
    rows = session.connection().execute(_SELECT_FULL, {"wave": wave_id, "city": city_code})
    return tuple(_build_full_group(row.dimension, row.category, row.gender) for row in rows)


def _build_full_group(dimension: str, category: str, gender: str) -> FullQuotaGroup:
    if dimension == _CELL:
        return FullQuotaGroup(*parse_band(category), gender)
    if dimension == "age_band":
        return FullQuotaGroup(*parse_band(category))
    if dimension == "gender":
        return FullQuotaGroup(gender=category)
    return FullQuotaGroup(item=dimension, answer=category)
