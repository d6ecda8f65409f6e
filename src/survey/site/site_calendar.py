"""Calendar of the public site: what is to be released in the next twelve months, and on what day.

It comes from the register and holds no figure: titles, days and reasons of announcements that are
public themselves.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from survey.locale import translator
from survey.release.announced_days import CalendarEntry
from survey.store.china_time import format_china_minute


def describe_calendar(entries: Sequence[CalendarEntry], language: str) -> Mapping[str, Any]:
    """Return what the front page says of releases to come."""
    t = translator(language)
    return {
        "title": t("Releases in the next twelve months"),
        "none": t("None is announced at the moment."),
        "entries": [
            {
                "title": entry.title[language],
                "day": t("{time}, time in China", time=format_china_minute(t, entry.at)),
                "cancelled": t("This release was cancelled.") if entry.is_cancelled else "",
                "changes": [
                    t(
                        "Moved from {before}: {reason}",
                        before=format_china_minute(t, change.before),
                        reason=change.reason,
                    )
                    for change in entry.changes
                ],
            }
            for entry in entries
        ],
    }
