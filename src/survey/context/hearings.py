"""Hearing of those whom a finding is about: a maker or a venue is sent it and replies in time."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta

from survey.locale import SurveyError, msg
from survey.store.tables import MakerReply, ReplyStance, VenueReply

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


def require_heard(
    replies: Iterable[tuple[str, MakerReply | VenueReply]], today: date, error: type[SurveyError]
) -> None:
    """Raise `error` while somebody who was sent the results can still reply, naming the first."""
    for name, reply in replies:
        if reply.received_on is None and reply.due_on >= today:
            raise error(msg("{maker} can still reply: its deadline is not over.", maker=name))


def fill_in_reply(
    reply: MakerReply | VenueReply,
    *,
    stance: ReplyStance,
    text: str,
    answer: str,
    received_on: date,
    today: date,
    error: type[SurveyError],
    require_text: Callable[..., str],
) -> Mapping[str, str]:
    """Write a reply and its answer into the row of what was sent; return what the trail keeps.

    `require_text` is that of the caller, who keeps or joins the lines of a text. Raises `error`
    where the texts do not fit, or the reply came before what it is about or
    after today.
    """
    if not reply.sent_on <= received_on <= today:
        raise error(msg("A reply comes after the results were sent, and not after today."))
    reply.stance, reply.received_on = stance, received_on
    reply.text = require_text(text, msg("Reply"), most=2000)
    reply.answer = require_text(answer, msg("Text of the reply"), least=0, most=2000)
    return {"stance": stance, "text": reply.text, "answer": reply.answer}
