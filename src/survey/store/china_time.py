"""Days in China: of a stored moment, computed by the database, and where a day ends."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

CHINA = ZoneInfo("Asia/Shanghai")


def end_of_china_day(day: date) -> datetime:
    """The first moment after that day in China."""
    return datetime.combine(day + timedelta(days=1), time(), CHINA)


class china_day(FunctionElement[str]):  # noqa: N801 -- reads as the SQL function that it is
    """`china_day(column)`: the day in China of a UTC moment, as `2026-11-24`."""

    type = String()
    inherit_cache = True


@compiles(china_day, "sqlite")
def _sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"date({compiler.process(element.clauses, **options)}, '+8 hours')"


@compiles(china_day, "postgresql")
def _postgresql(element: Any, compiler: Any, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"to_char({moment} AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')"


def china_date(moment: datetime) -> date:
    return moment.astimezone(CHINA).date()


def start_of_china_day(moment: datetime) -> datetime:
    """Midnight in China of the day in which the moment falls, in UTC."""
    return datetime.combine(china_date(moment), time(), CHINA).astimezone(UTC)


def clamp_device_time(moment: datetime, *, now: datetime, oldest: timedelta) -> datetime:
    """A device's time, pulled into the window in which it can be true."""
    return min(max(moment, now - oldest), now)
