"""Each quota cell by day: where a wave, or one of its cities, gains and where it stands still."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.principal import Action, Principal
from survey.fieldwork.begun import BegunWave
from survey.fieldwork.clock import china_date, start_of_china_day
from survey.fieldwork.progress.counting import WINDOW
from survey.fieldwork.progress.model import Cell
from survey.fieldwork.quota import COUNTED
from survey.fieldwork.reach import within_reach
from survey.fieldwork.waves import COMPUTED
from survey.store.core import table_of
from survey.store.days import china_day
from survey.store.tables import QuotaCell, Response

_RESPONSES, _CELLS = table_of(Response), table_of(QuotaCell)


@dataclass(frozen=True)
class CellDays:
    """One quota cell with the interviews it gained on each recent day; days without any are 0."""

    cell: Cell
    days: Mapping[date, int]


def recent_days(now: datetime) -> tuple[date, ...]:
    """The days that are looked at, the oldest first; the last one is today in China."""
    today = china_date(now)
    return tuple(today - timedelta(days=back) for back in range(WINDOW, -1, -1))


def cells_by_day(
    *,
    session: Session,
    principal: Principal,
    wave: BegunWave,
    cells: tuple[Cell, ...],
    city_code: str | None,
    now: datetime,
) -> tuple[CellDays, ...]:
    """`cells` of one city, or of all cities in reach under None, with what each gained by day;
    none once results are computed, see `settled`."""
    principal.require(Action.FOLLOW_FIELDWORK, city_code)
    if wave.state in COMPUTED:
        return ()
    day = china_day(_RESPONSES.c.submitted_at)
    first = start_of_china_day(now) - timedelta(days=WINDOW)
    query = (
        select(_CELLS.c.age_band, _CELLS.c.gender, day, func.count())
        .select_from(_RESPONSES)
        .join(_CELLS, _CELLS.c.id == _RESPONSES.c.quota_cell_id)
        .where(
            _RESPONSES.c.wave_id == wave.id,
            within_reach(principal, _RESPONSES.c.city_code),
            _RESPONSES.c.status.in_(COUNTED),
            _RESPONSES.c.submitted_at >= first,
        )
        .group_by(_CELLS.c.age_band, _CELLS.c.gender, day)
    )
    if city_code is not None:
        query = query.where(_RESPONSES.c.city_code == city_code)
    gained: dict[tuple[str, str], dict[date, int]] = {}
    for age_band, gender, text, number in session.connection().execute(query):
        gained.setdefault((age_band, gender), {})[date.fromisoformat(text)] = number
    return tuple(
        CellDays(
            cell,
            {
                recent_day: gained.get((cell.age_band, cell.gender), {}).get(recent_day, 0)
                for recent_day in recent_days(now)
            },
        )
        for cell in cells
    )
