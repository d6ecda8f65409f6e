"""Hearing of makers: their own results are sent to them, and they reply by a deadline."""

from datetime import date

from sqlmodel import select

from survey.access.work import Seen, Work
from survey.comparative_tests.access import TESTS
from survey.comparative_tests.hearings import ReplyData, fill_in_reply, require_reply_deadline
from survey.comparative_tests.product_samples import list_product_samples
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


def send_results_to_makers(work: Work, seen: Seen, *, due_on: date) -> int:
    """Record that makers of test `seen` were sent their results, with a deadline; return how many.

    Raises:
        RefusedError: sent before, or a deadline that is too short or too long.
    """
    test = work.lock(TESTS, seen, (ComparativeTestState.RESULTS_IN,))
    if test.reply_due_on is not None:
        raise TESTS.refuse(msg("The results were sent to the makers before."))
    today = china_date(work.now)
    require_reply_deadline(work, TESTS, due_on)
    makers = sorted({sample.maker for sample in list_product_samples(work.session, test.id)})
    work.session.add_all(
        MakerReply(test_id=test.id, maker=maker, sent_on=today, due_on=due_on) for maker in makers
    )
    test.reply_due_on = due_on
    work.save(
        TESTS,
        test,
        AuditEvent.PRODUCT_TEST_SENT_TO_MAKERS,
        makers=makers,
        due_on=due_on.isoformat(),
    )
    return len(makers)


def record_maker_reply(work: Work, seen: Seen, *, maker: str, data: ReplyData) -> None:
    """Record a maker's reply and the association's answer in test `seen`, replacing earlier ones.

    Raises:
        RefusedError: no results were sent to this maker, or the day cannot be.
    """
    test = work.lock(TESTS, seen, _HEARING)
    query = select(MakerReply).where(MakerReply.test_id == test.id, MakerReply.maker == maker)
    reply = work.session.exec(query).one_or_none()
    if reply is None:
        raise TESTS.refuse(msg("No results were sent to this maker."))
    replied = fill_in_reply(work, TESTS, reply, data)
    work.save(TESTS, test, AuditEvent.PRODUCT_TEST_REPLY_RECEIVED, maker=maker, **replied)
