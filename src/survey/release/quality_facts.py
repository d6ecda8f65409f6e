"""Facts that codes of practice ask for, as names and texts: days, statements, burden."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from survey.figures.views.view_context import Facts
from survey.locale import Message, Translator, msg
from survey.locale.figures import format_count, format_share
from survey.records import Yuan
from survey.release.quality_evidence import DayChange
from survey.results.burden import InterviewBurden
from survey.store.china_time import china_date, format_china_minute, format_day
from survey.store.tables import Publication, Wave
from survey.store.tables.publications import WaveStatementData

NOTICE = timedelta(days=28)
"""How long before it codes of practice ask for the exact day of a release."""
NOT_RECORDED = msg("not known, because nobody has recorded it")
UNKNOWN_FIELDWORK = msg("not known, because the wave has no last day of fieldwork")


def describe_punctuality(
    t: Translator,
    publication: Publication,
    wave: Wave,
    changes: Sequence[DayChange],
    published_at: datetime | None,
) -> Facts:
    """Return how early a release was announced, how late it came, and after what fieldwork.

    Args:
        published_at: None where that is not known yet; then the announced minute counts.
    """
    first = changes[0].before if changes else publication.embargo_until
    last = published_at or publication.embargo_until
    # When the minute that stands was announced.
    announced_at = changes[-1].changed_at if changes else publication.planned_at
    notice = (china_date(publication.embargo_until) - china_date(announced_at)).days
    facts = [
        (t("Announced for"), format_china_minute(t, publication.embargo_until)),
        (
            t("Announced ahead"),
            t("{days} days; codes of practice ask for 28", days=notice)
            if notice < NOTICE.days
            else t("{days} days", days=notice),
        ),
        *(
            (
                t("Day changed"),
                t(
                    "from {before} to {after}: {reason}",
                    before=format_china_minute(t, change.before),
                    after=format_china_minute(t, change.after),
                    reason=change.reason,
                ),
            )
            for change in changes
        ),
        (
            t("From the day announced first to the release"),
            t("{days} days", days=(china_date(last) - china_date(first)).days),
        ),
    ]
    closed = wave.closes_on
    lasted = (
        t(UNKNOWN_FIELDWORK)
        if closed is None
        else t(
            "{days} days, from {day}",
            days=(china_date(last) - closed).days,
            day=format_day(t, closed),
        )
    )
    return (*facts, (t("From the end of fieldwork to the release"), lasted))


def describe_statement(
    statement: WaveStatementData | None, t: Translator, names: Sequence[str] = ()
) -> Facts:
    """Return the named fields of a statement, or all, as name and text, also what is unknown."""
    return tuple(_iter_fields(statement or WaveStatementData(), t, names))


def _iter_fields(
    statement: WaveStatementData, t: Translator, names: Sequence[str]
) -> Iterator[tuple[str, str]]:
    columns = statement.columns()
    for name in names or columns:
        column, value = columns[name], getattr(statement, name)
        label: Message = column.label
        if isinstance(column, Yuan):
            value = t("{amount} yuan", amount=format_count(value / 100)) if value else ""
        yield t(label), value or t(NOT_RECORDED)


def describe_burden(burden: InterviewBurden | None, t: Translator) -> Facts:
    """Return minutes of an interview and hours of all; or that too few lengths are known."""
    name = t("Burden on respondents")
    if burden is None:
        return ((name, t("not known, because hardly any interview has a measured length")),)
    text = t(
        "median {minutes} minutes an interview, {hours} hours in all ({share} of the interviews "
        "have a measured length)",
        minutes=burden.minutes,
        hours=format_count(burden.hours),
        share=format_share(burden.measured_share, 0),
    )
    return ((name, text),)
