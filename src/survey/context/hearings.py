"""Hearing of those whom a finding is about: a maker or a venue is sent it and replies in time."""

from datetime import date, timedelta

from survey.locale import SurveyError, msg

MIN_REPLY_DAYS, MAX_REPLY_DAYS = 5, 90


def require_reply_deadline(due_on: date, today: date, error: type[SurveyError]) -> None:
    """Raise `error` unless there is time enough to reply, and not for ever."""
    if not timedelta(MIN_REPLY_DAYS) <= due_on - today <= timedelta(MAX_REPLY_DAYS):
        raise error(
            msg(
                "There are between {least} and {most} days to reply.",
                least=MIN_REPLY_DAYS,
                most=MAX_REPLY_DAYS,
            )
        )


def require_reply_day(
    received_on: date, sent_on: date, today: date, error: type[SurveyError]
) -> None:
    """Raise `error` unless a reply came after the results were sent, and not after today."""
    if not sent_on <= received_on <= today:
        raise error(msg("A reply comes after the results were sent, and not after today."))
