"""Progress of a wave and its cities, cut to publishable counts once its results are computed.

A few grouped queries give tallies, effective size and forecast of each city. While a wave collects,
surveyors and supervisors need every quota cell. Once it is frozen, an age by gender count of a city
is what the results keep to themselves: the weights of a frozen wave are census divided by these
very counts. So cells, groups, days and the effective size that follows from cells are removed for
everybody, and a city with few interviews has no row of its own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from survey.access.principal import area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.review.forecast import EffectiveSize, Forecast, effective_size, forecast
from survey.review.progress.tallies import (
    Alert,
    AreaProgress,
    CellProgress,
    Dispositions,
    StatusTally,
    dispositions,
    list_alerts,
    list_marginal_quotas,
    planned_interviews,
    shortfall_of,
    sum_marginal_quotas,
)
from survey.store.china_time import china_date, china_day, start_of_china_day
from survey.store.tables import AnyRow, QuotaCell, Response, Status, WaveState, table_of
from survey.waves.quotas import COUNTED_STATUSES, parse_band, read_city_targets
from survey.waves.waves import COMPUTED_STATES, WaveSummary, list_started_waves

WINDOW = 7
"""Complete days that the pace is taken from: every weekday once."""

_RESPONSES, _CELLS = table_of(Response), table_of(QuotaCell)


def list_area_progress(work: Work, wave_id: UUID, left: int | None) -> tuple[AreaProgress, ...]:
    """Return progress, `left` days to go, of every city in the area with quotas or interviews.

    Args:
        left: Days left until the wave closes.
    """
    counts = _count_interviews_by_status(work, wave_id)
    cells = _list_cells(work, wave_id, counts)
    margins = list_marginal_quotas(work, wave_id)
    days = _count_interviews_by_day(work, wave_id)
    ordered = read_city_targets(work.session, wave_id)
    areas = []
    for city in sorted(set(cells) | set(margins) | set(counts)):
        quotas = (cells.get(city, ()), margins.get(city, ()), ordered.get(city))
        by_status = _sum_by_status(counts.get(city, {}).values())
        tally = _build_tally(planned_interviews(*quotas), by_status)
        missing = shortfall_of(*quotas)
        areas.append(
            AreaProgress(
                city_code=city,
                tally=tally,
                cells=quotas[0],
                effective=_compute_effective_size(quotas[0]),
                forecast=_forecast_area(missing, days.get(city, {}), left, work.now)
                if tally.target
                else None,
                days=days.get(city, {}),
                still_missing=missing,
                margins=quotas[1],
            )
        )
    return tuple(areas)


_CellCounts = Mapping[UUID | None, Mapping[Status, int]]


def _count_interviews_by_status(work: Work, wave_id: UUID) -> dict[str, _CellCounts]:
    """Return city -> quota cell id -> state -> number of interviews; withdrawn ones as refused."""
    keys = (_RESPONSES.c.city_code, _RESPONSES.c.quota_cell_id, _RESPONSES.c.status)
    query = (
        select(*keys, func.count())
        .where(_RESPONSES.c.wave_id == wave_id, area_filter(work.principal, _RESPONSES.c.city_code))
        .group_by(*keys)
    )
    counts: dict[str, dict[UUID | None, dict[Status, int]]] = {}
    for city, cell, status, number in work.session.connection().execute(query):
        counts.setdefault(city, {}).setdefault(cell, {})[status] = number
    for city, number in _count_withdrawn_by_city(work, wave_id):
        without_cell = counts[city][None]
        without_cell[Status.VOID] -= number
        without_cell[Status.REFUSED] = without_cell.get(Status.REFUSED, 0) + number
    return dict(counts)


def count_dispositions(work: Work, wave_id: UUID) -> Dispositions:
    """Count the attempts of a wave by AAPOR disposition, in the principal's area."""
    work.require(Action.FOLLOW_FIELDWORK)
    cities = _count_interviews_by_status(work, wave_id).values()
    by_status = _sum_by_status(counts for city in cities for counts in city.values())
    return dispositions(work, wave_id, _build_tally(0, by_status))


def _count_withdrawn_by_city(work: Work, wave_id: UUID) -> Sequence[AnyRow]:
    """Return rows of city and number of void interviews whose respondents withdrew."""
    query = (
        select(_RESPONSES.c.city_code, func.count())
        .where(
            _RESPONSES.c.wave_id == wave_id,
            _RESPONSES.c.withdrawn_at.is_not(None),
            _RESPONSES.c.status == Status.VOID,
            area_filter(work.principal, _RESPONSES.c.city_code),
        )
        .group_by(_RESPONSES.c.city_code)
    )
    return work.session.connection().execute(query).all()


def _list_cells(
    work: Work, wave_id: UUID, counts: Mapping[str, _CellCounts]
) -> dict[str, tuple[CellProgress, ...]]:
    query = select(_CELLS).where(
        _CELLS.c.wave_id == wave_id, area_filter(work.principal, _CELLS.c.city_code)
    )
    cells: dict[str, list[CellProgress]] = {}
    for row in work.session.connection().execute(query):
        by_status = counts.get(row.city_code, {}).get(row.id, {})
        cell = CellProgress(row.age_band, row.gender, _build_tally(row.target, by_status))
        cells.setdefault(row.city_code, []).append(cell)
    return {
        city: tuple(sorted(own, key=lambda cell: (parse_band(cell.age_band)[0], cell.gender)))
        for city, own in cells.items()
    }


def _build_tally(target: int, by_status: Mapping[Status, int]) -> StatusTally:
    counted = sum(number for status, number in by_status.items() if status in COUNTED_STATUSES)
    return StatusTally(target, by_status, counted)


def _count_interviews_by_day(work: Work, wave_id: UUID) -> dict[str, dict[date, int]]:
    """Return city -> day -> number of interviews that count, of the recent days and today."""
    query = _select_recent(work, wave_id, _RESPONSES.c.city_code)
    days: dict[str, dict[date, int]] = {}
    for city, text, number in work.session.connection().execute(query):
        days.setdefault(city, {})[date.fromisoformat(text)] = number
    return days


def _select_recent(work: Work, wave_id: UUID, *keys: Any) -> Select[Any]:
    """Select `keys`, day and number of interviews that quotas count, for recent days and today."""
    day = china_day(_RESPONSES.c.submitted_at)
    return (
        select(*keys, day, func.count())
        .where(
            _RESPONSES.c.wave_id == wave_id,
            area_filter(work.principal, _RESPONSES.c.city_code),
            _RESPONSES.c.status.in_(COUNTED_STATUSES),
            _RESPONSES.c.submitted_at >= start_of_china_day(work.now) - timedelta(days=WINDOW),
        )
        .group_by(*keys, day)
    )


def days_left(state: WaveState, closes_on: date | None, now: datetime) -> int | None:
    """Return the days from today to the last one, both included; None unless the wave is open."""
    if state is not WaveState.OPEN or closes_on is None:
        return None
    return max((closes_on - china_date(now)).days + 1, 0)


def _compute_effective_size(cells: Sequence[CellProgress]) -> EffectiveSize:
    return effective_size(
        [cell.tally.target for cell in cells], [cell.tally.counted for cell in cells]
    )


def total_progress(cities: Sequence[AreaProgress], left: int | None, now: datetime) -> AreaProgress:
    """Return the progress of all cities together, with a forecast at `left` days to the end."""
    by_status = _sum_by_status(city.tally.by_status for city in cities)
    cells = [cell for city in cities for cell in city.cells]
    days: Counter[date] = Counter()
    for city in cities:
        days.update(city.days)
    missing = sum(city.still_missing for city in cities)
    target = sum(city.tally.target for city in cities)
    by_cell: dict[tuple[str, str], list[StatusTally]] = {}
    for cell in cells:
        by_cell.setdefault((cell.age_band, cell.gender), []).append(cell.tally)
    return AreaProgress(
        city_code=None,
        tally=_build_tally(target, by_status),
        cells=tuple(
            CellProgress(
                *key,
                _build_tally(
                    sum(t.target for t in tallies), _sum_by_status(t.by_status for t in tallies)
                ),
            )
            for key, tallies in by_cell.items()
        ),
        effective=_compute_effective_size(cells),
        forecast=_forecast_area(missing, days, left, now) if target else None,
        days=days,
        still_missing=missing,
        margins=sum_marginal_quotas(cities),
    )


def _sum_by_status(parts: Iterable[Mapping[Status, int]]) -> dict[Status, int]:
    total: Counter[Status] = Counter()
    for part in parts:
        total.update(part)
    return total


def _forecast_area(
    missing: int, days: Mapping[date, int], left: int | None, now: datetime
) -> Forecast | None:
    """Forecast, `left` days to go, when `missing` are in, by counts in `days` since the first."""
    today = china_date(now)
    recent = [days.get(today - timedelta(days=back), 0) for back in range(WINDOW, 0, -1)]
    while recent and not recent[0]:
        recent = recent[1:]
    return forecast(missing, recent, left)


@dataclass(frozen=True)
class DailyCellCounts:
    """One quota cell with the number of interviews counted in it on each recent day."""

    cell: CellProgress
    days: Mapping[date, int]


def recent_days(now: datetime) -> tuple[date, ...]:
    """Return the recent days in China, the oldest first, today last."""
    today = china_date(now)
    return tuple(today - timedelta(days=back) for back in range(WINDOW, -1, -1))


def count_cells_by_day(
    work: Work, *, wave: WaveSummary, cells: tuple[CellProgress, ...], city_code: str | None
) -> tuple[DailyCellCounts, ...]:
    """Return `cells` with the interviews that each gained on the recent days.

    None are returned once results are computed.

    Args:
        city_code: City of the cells; None for all cities in the principal's area.
    """
    work.require(Action.FOLLOW_FIELDWORK, city_code)
    if wave.state in COMPUTED_STATES:
        return ()
    query = (
        _select_recent(work, wave.id, _CELLS.c.age_band, _CELLS.c.gender)
        .select_from(_RESPONSES)
        .join(_CELLS, _CELLS.c.id == _RESPONSES.c.quota_cell_id)
    )
    if city_code is not None:
        query = query.where(_RESPONSES.c.city_code == city_code)
    gained: dict[tuple[str, str], dict[date, int]] = {}
    for age_band, gender, text, number in work.session.connection().execute(query):
        gained.setdefault((age_band, gender), {})[date.fromisoformat(text)] = number
    return tuple(
        DailyCellCounts(
            cell,
            {
                recent_day: gained.get((cell.age_band, cell.gender), {}).get(recent_day, 0)
                for recent_day in recent_days(work.now)
            },
        )
        for cell in cells
    )


MIN_CITY_INTERVIEWS = 10
"""Interviews of a city that has a row of its own, as a figure of the results needs."""


def remove_cells(progress: AreaProgress) -> AreaProgress:
    """Return an area's progress without quota cells, marginal quotas, days and forecast."""
    return replace(
        progress,
        cells=(),
        margins=(),
        days={},
        effective=EffectiveSize(0.0, 0.0),
        forecast=None,
        still_missing=progress.tally.missing,
    )


def list_publishable_cities(cities: Sequence[AreaProgress]) -> tuple[AreaProgress, ...]:
    """Return cities whose counts may be shown one by one; no sum reveals another city's.

    The others are more than one, with at least `MIN_CITY_INTERVIEWS` interviews together, so that
    the sum of all cities reveals none of them.
    """
    smallest_first = sorted(cities, key=lambda city: (city.tally.counted, city.city_code or ""))
    hidden: list[AreaProgress] = []
    for city in smallest_first:
        small = city.tally.counted < MIN_CITY_INTERVIEWS
        if not small and (not hidden or _is_protected_together(hidden)):
            break
        hidden.append(city)
    hidden_codes = {city.city_code for city in hidden}
    return tuple(remove_cells(city) for city in cities if city.city_code not in hidden_codes)


def _is_protected_together(hidden: Sequence[AreaProgress]) -> bool:
    return len(hidden) > 1 and sum(city.tally.counted for city in hidden) >= MIN_CITY_INTERVIEWS


@dataclass(frozen=True)
class WaveProgress:
    """Progress of a wave at one moment: in total, by city, dispositions and alerts."""

    wave: WaveSummary
    at: datetime
    total: AreaProgress
    cities: tuple[AreaProgress, ...]
    dispositions: Dispositions
    to_do: tuple[Alert, ...]

    @property
    def is_settled(self) -> bool:
        """Whether results are computed, so that counts by cell are no longer shown."""
        return self.wave.state in COMPUTED_STATES

    def find_area(self, city_code: str | None) -> AreaProgress:
        """Return one city's progress; that of all cities for None or a city without data."""
        if len(self.cities) == 1 and not self.is_settled:
            return self.cities[0]
        return next((city for city in self.cities if city.city_code == city_code), self.total)


def list_progress_waves(work: Work) -> list[WaveSummary]:
    """Return the waves of people that have started, open ones first, then the newest."""
    work.require(Action.FOLLOW_FIELDWORK)
    return list_started_waves(work)


def get_progress(work: Work, *, wave: WaveSummary, usual_waste: float) -> WaveProgress:
    """Return progress and alerts (void share over `usual_waste`) of a wave in the principal's area.

    Args:
        usual_waste: Share of void interviews above which an alert is raised.
    """
    work.require(Action.FOLLOW_FIELDWORK)
    left = days_left(wave.state, wave.closes_on, work.now)
    cities = list_area_progress(work, wave.id, left)
    total = total_progress(cities, left, work.now)
    if wave.state in COMPUTED_STATES:
        total, cities = remove_cells(total), list_publishable_cities(cities)
    # Nobody is behind before the first day, although nothing has come in yet.
    has_begun = wave.opens_on is None or china_date(work.now) >= wave.opens_on
    return WaveProgress(
        wave=wave,
        at=work.now,
        total=total,
        cities=cities,
        dispositions=dispositions(work, wave.id, total.tally),
        to_do=list_alerts(
            work, wave.id, cities, left=left if has_begun else None, usual_waste=usual_waste
        ),
    )
