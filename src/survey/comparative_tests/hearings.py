"""Hearing of those whom a finding is about: a maker or a venue is sent it and replies in time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from survey.access.work import Case, Work
from survey.locale import msg
from survey.records import Text
from survey.store.china_time import china_date
from survey.store.tables import ReplyStance
from survey.store.tables.columns import Reply

MIN_REPLY_DAYS, MAX_REPLY_DAYS, MAX_REPLY_CHARS = 5, 90, 2000


@dataclass(frozen=True)
class ReplyData:
    """Reply of a maker or a venue, and the association's answer."""

    stance: ReplyStance
    text: str
    answer: str
    received_on: date


def require_reply_deadline(
    work: Work, case: Case[Any], due_on: date, least: int = MIN_REPLY_DAYS
) -> None:
    """Raise `RefusedError` for `case` unless `due_on` leaves enough days to reply, not too many."""
    days = due_on - china_date(work.now)
    if not timedelta(least) <= days <= timedelta(MAX_REPLY_DAYS):
        raise case.refuse(
            msg(
                "There are between {least} and {most} days to reply.",
                least=least,
                most=MAX_REPLY_DAYS,
            )
        )


def is_heard(reply: Reply, today: date) -> bool:
    """Return whether a reply was received or its deadline has passed."""
    return reply.received_on is not None or reply.due_on < today


def require_heard(work: Work, case: Case[Any], replies: Iterable[tuple[str, Reply]]) -> None:
    """Raise `RefusedError` for `case` if one of `replies` is missing and its deadline not over."""
    for name, reply in replies:
        if not is_heard(reply, china_date(work.now)):
            raise case.refuse(msg("{maker} can still reply: its deadline is not over.", maker=name))


def fill_in_reply(
    work: Work, case: Case[Any], reply: Reply, data: ReplyData, *, has_lines: bool = False
) -> Mapping[str, str]:
    """Write `data` into `reply`, keeping lines if `has_lines`; return field -> text for the trail.

    Raises the error of the case where the texts do not fit, or the reply came before what it is
    about or after today.
    """
    if not reply.sent_on <= data.received_on <= china_date(work.now):
        raise case.refuse(msg("A reply comes after the results were sent, and not after today."))
    text = Text(label=msg("Reply"), most=MAX_REPLY_CHARS, has_lines=has_lines)
    answer = Text(
        label=msg("Text of the reply"), least=0, most=MAX_REPLY_CHARS, has_lines=has_lines
    )
    reply.stance, reply.received_on = data.stance, data.received_on
    reply.text = work.require_text(case, data.text, text)
    reply.answer = work.require_text(case, data.answer, answer)
    work.session.add(reply)
    return {"stance": data.stance, "text": reply.text, "answer": reply.answer}
