"""Calendar days as people in the field count them."""

from datetime import UTC, date, datetime, time, timedelta

from survey.store.days import CHINA as CHINA


def china_date(moment: datetime) -> date:
    return moment.astimezone(CHINA).date()


def start_of_china_day(moment: datetime) -> datetime:
    """Midnight in China of the day in which the moment falls, in UTC."""
    return datetime.combine(china_date(moment), time(), CHINA).astimezone(UTC)


def bounded(moment: datetime, *, now: datetime, oldest: timedelta) -> datetime:
    """A device's time, pulled into the window in which it can be true."""
    return min(max(moment, now - oldest), now)
