"""Moments and durations as spreadsheets and survey tools write them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from survey.fieldwork.clock import CHINA

LONGEST_INTERVIEW = timedelta(days=30)
_MOMENT = re.compile(
    r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})"
    r"(?:[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?)?\s*(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_SECONDS = re.compile(r"([0-9]{1,9}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?)\s*(?:\u79d2|s|sec)?")


@dataclass(frozen=True, slots=True)
class Times:
    """When an interview began, when it was handed in, and how many seconds it took."""

    started: datetime | None
    finished: datetime | None
    seconds: float | None


def read_moment(text: str, usual_zone: tzinfo = CHINA) -> datetime | None:
    """A moment in UTC; without a zone it is China's; None if it is none of the calendar."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=usual_zone)
        if match[7] is not None:
            zone = datetime.strptime(match[7], "%z").tzinfo
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_seconds(text: str) -> float | None:
    """`123`, `61.5`, or with the unit behind it; None if it is no time an interview can take."""
    match = _SECONDS.fullmatch(text)
    if match is None:
        return None
    seconds = float(match[1])
    return seconds if seconds <= LONGEST_INTERVIEW.total_seconds() else None


def complete_times(
    started: datetime | None,
    ended: datetime | None,
    submitted: datetime | None,
    seconds: float | None,
) -> Times:
    """Beginning, end and duration, each from the other two where the file lacks it.

    An interview may be sent long after it ended: the duration follows from its end alone.
    """
    if seconds is None and started is not None and ended is not None:
        span = (ended - started).total_seconds()
        seconds = span if span <= LONGEST_INTERVIEW.total_seconds() else None
    last = ended or submitted
    if started is None and last is not None and seconds is not None:
        started = last - timedelta(seconds=seconds)
    if last is None and started is not None:
        last = started + timedelta(seconds=seconds or 0)
    return Times(started, submitted or last, seconds)
