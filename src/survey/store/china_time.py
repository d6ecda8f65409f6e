"""Days and hours in China: of a moment, as SQL functions, and beginning and end of a day."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from survey.locale import Message, Translator, msg

CHINA = ZoneInfo("Asia/Shanghai")


def end_of_china_day(day: date) -> datetime:
    """Return the end of a day in China: midnight at the start of the next day."""
    return datetime.combine(day + timedelta(days=1), time(), CHINA)


class china_day(FunctionElement[str]):  # noqa: N801 -- reads as the SQL function that it is
    """SQL function `china_day(column)`: day in China of a UTC time, as `2026-11-24`."""

    type = String()
    inherit_cache = True


@compiles(china_day, "sqlite")
def _compile_for_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"date({compiler.process(element.clauses, **options)}, '+8 hours')"


@compiles(china_day, "postgresql")
def _compile_for_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"to_char({moment} AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')"


class china_hour(FunctionElement[int]):  # noqa: N801 -- reads as the SQL function that it is
    """SQL function `china_hour(column)`: hour of the day in China of a UTC time, 0 to 23."""

    type = Integer()
    inherit_cache = True


@compiles(china_hour, "sqlite")
def _compile_hour_for_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"CAST(strftime('%H', {moment}, '+8 hours') AS INTEGER)"


@compiles(china_hour, "postgresql")
def _compile_hour_for_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"CAST(EXTRACT(HOUR FROM {moment} AT TIME ZONE 'Asia/Shanghai') AS INTEGER)"


def china_date(moment: datetime) -> date:
    """Return the day in China on which a moment falls."""
    return moment.astimezone(CHINA).date()


def format_day(t: Translator, day: date) -> str:
    """Format a day in the reader's language; files for machines keep the ISO form."""
    return t(day_message(day))


def format_china_minute(t: Translator, moment: datetime) -> str:
    """Format a moment as day and minute of China's time, in the reader's language."""
    return t(china_minute_message(moment))


def china_minute_message(moment: datetime) -> Message:
    """Return a moment as day and minute of China's time, to be translated later."""
    at = moment.astimezone(CHINA)
    return msg("{day} {at:%H:%M}", day=day_message(at.date()), at=at)


def day_message(day: date) -> Message:
    """Return a day as a message, to be translated later."""
    return msg("{day.year}-{day.month:02}-{day.day:02}", day=day)


def start_of_china_day(moment: datetime) -> datetime:
    """Return the UTC time at which the day in China of a moment began."""
    return datetime.combine(china_date(moment), time(), CHINA).astimezone(UTC)


def clamp_device_time(moment: datetime, *, now: datetime, oldest: timedelta) -> datetime:
    """Return a time stated by a device, limited to between `now` - `oldest` and `now`."""
    return min(max(moment, now - oldest), now)
