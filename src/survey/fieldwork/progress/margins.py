"""Marginal quotas as they stand: from their running counts, and whom they turned away."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.principal import Principal
from survey.fieldwork.progress.model import Cell, MarginTally, Place, by_kind, is_marginal
from survey.fieldwork.quota import parse_band
from survey.fieldwork.reach import within_reach
from survey.store.core import table_of
from survey.store.tables import QuotaMargin, Response, Status

_MARGINS, _RESPONSES = table_of(QuotaMargin), table_of(Response)
_KINDS = ("age_band", "gender", "school_stage", "guardian", "stratum")
"""In the order in which they are shown."""


def margins(
    session: Session, principal: Principal, wave_id: UUID
) -> dict[str, tuple[MarginTally, ...]]:
    """City -> its marginal quotas, by kind and category."""
    query = select(_MARGINS).where(
        _MARGINS.c.wave_id == wave_id, within_reach(principal, _MARGINS.c.city_code)
    )
    rows = session.connection().execute(query).all()
    turned = _turned_away(session, principal, wave_id) if rows else {}
    margins_by_city: dict[str, list[MarginTally]] = {}
    for row in rows:
        away = turned.get((row.city_code, f"{row.dimension}={row.category}"), 0)
        margins_by_city.setdefault(row.city_code, []).append(
            MarginTally(
                row.dimension, row.category, row.target, row.collected,
                max(row.target - row.collected, 0), row.stops, away,
            )
        )  # fmt: skip
    return {city: tuple(sorted(own, key=_order)) for city, own in margins_by_city.items()}


def _turned_away(
    session: Session, principal: Principal, wave_id: UUID
) -> dict[tuple[str, str], int]:
    query = (
        select(_RESPONSES.c.city_code, _RESPONSES.c.reason, func.count())
        .where(
            _RESPONSES.c.wave_id == wave_id,
            within_reach(principal, _RESPONSES.c.city_code),
            _RESPONSES.c.status == Status.QUOTA_FULL,
        )
        .group_by(_RESPONSES.c.city_code, _RESPONSES.c.reason)
    )
    return {(city, why): count for city, why, count in session.connection().execute(query)}


def _order(margin: MarginTally) -> tuple[int, int, str]:
    kind = _KINDS.index(margin.dimension) if margin.dimension in _KINDS else len(_KINDS)
    youngest = parse_band(margin.category)[0] if margin.dimension == "age_band" else 0
    return kind, youngest, margin.category


def together(cities: Iterable[Place]) -> tuple[MarginTally, ...]:
    """The same groups of all cities."""
    groups: dict[tuple[str, str], list[MarginTally]] = {}
    for city in cities:
        for margin in city.margins:
            groups.setdefault((margin.dimension, margin.category), []).append(margin)
    summed = [
        MarginTally(
            *group,
            target=sum(margin.target for margin in own),
            collected=sum(margin.collected for margin in own),
            missing=sum(margin.missing for margin in own),
            stops=all(margin.stops for margin in own),
            turned_away=sum(margin.turned_away for margin in own),
        )
        for group, own in groups.items()
    ]
    return tuple(sorted(summed, key=_order))


def target_of(cells: Sequence[Cell], own: Sequence[MarginTally]) -> int:
    """Interviews planned: of the cells, or where there are none of the margins."""
    planned = sum(cell.tally.target for cell in cells)
    return planned or max(by_kind(own, lambda margin: margin.target).values(), default=0)


def missing_of(cells: Sequence[Cell], own: Sequence[MarginTally]) -> int:
    """Interviews that quotas still ask for: by the kind of quota that asks for most."""
    kinds = [] if is_marginal(own) else [sum(cell.tally.missing for cell in cells)]
    kinds += by_kind(own, lambda margin: margin.missing).values()
    return max(kinds, default=0)
