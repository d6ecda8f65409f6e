"""Hearing of makers: their own results are sent to them, and they reply by a deadline."""

from datetime import date
from uuid import UUID

from sqlmodel import select

from survey.access.work import Work
from survey.context.comparative_tests.access import (
    ComparativeTestNotAllowedError,
    lock_test,
    require_text,
    save_test,
)
from survey.context.comparative_tests.product_samples import list_product_samples
from survey.context.hearings import fill_in_reply, require_reply_deadline
from survey.locale import Message, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import ComparativeTestState, MakerReply, ReplyStance

STANCE_NAMES: dict[ReplyStance, Message] = {
    ReplyStance.AGREES: msg("agrees"),
    ReplyStance.OBJECTS: msg("objects"),
    ReplyStance.WANTS_RETEST: msg("asks for a retest"),
    ReplyStance.REMARKS: msg("remarks"),
}
_HEARING = (ComparativeTestState.RESULTS_IN, ComparativeTestState.MAKERS_HEARD)


def send_results_to_makers(
    work: Work, *, test_id: UUID, due_on: date, expected_version: int
) -> int:
    """Record that every maker got its results, with the last day of a reply; return their number.

    Raises:
        ComparativeTestNotAllowedError: sent before, or a deadline that is too short or too long.
    """
    test = lock_test(work, test_id, expected_version, (ComparativeTestState.RESULTS_IN,))
    if test.reply_due_on is not None:
        raise ComparativeTestNotAllowedError(msg("The results were sent to the makers before."))
    today = china_date(work.now)
    require_reply_deadline(due_on, today, ComparativeTestNotAllowedError)
    makers = sorted({sample.maker for sample in list_product_samples(work.session, test.id)})
    work.session.add_all(
        MakerReply(test_id=test.id, maker=maker, sent_on=today, due_on=due_on) for maker in makers
    )
    test.reply_due_on = due_on
    save_test(
        work, test, AuditEvent.PRODUCT_TEST_SENT_TO_MAKERS, makers=makers, due_on=due_on.isoformat()
    )
    return len(makers)


def record_maker_reply(
    work: Work,
    *,
    test_id: UUID,
    maker: str,
    stance: ReplyStance,
    text: str,
    answer: str,
    received_on: date,
    expected_version: int,
) -> None:
    """Record the reply of a maker, and what the association answered; a later one replaces it.

    Raises:
        ComparativeTestNotAllowedError: no results were sent to this maker, or the day cannot be.
    """
    test = lock_test(work, test_id, expected_version, _HEARING)
    query = select(MakerReply).where(MakerReply.test_id == test.id, MakerReply.maker == maker)
    reply = work.session.exec(query).one_or_none()
    if reply is None:
        raise ComparativeTestNotAllowedError(msg("No results were sent to this maker."))
    replied = fill_in_reply(
        reply, stance=stance, text=text, answer=answer, received_on=received_on,
        today=china_date(work.now), error=ComparativeTestNotAllowedError, require_text=require_text,
    )  # fmt: skip
    work.session.add(reply)
    save_test(work, test, AuditEvent.PRODUCT_TEST_REPLY_RECEIVED, maker=maker, **replied)
