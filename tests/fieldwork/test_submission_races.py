"""Thirty-two senders at once: exactly one interview, exactly one receipt, on both databases."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

from sqlmodel import func, select

from survey.collection.invitations import InvitationUsedError, issue_invitation
from survey.collection.submission import SubmissionReceipt, submit
from survey.collection.submission_envelope import Submission
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, Invitation, QuotaCell, Response, ResponseRevision
from tests.work_of import work_of

SENDERS = 32


def _token(field: Any) -> str:
    with session_scope(field.url) as session:
        return issue_invitation(
            work_of(session, field.surveyor, field.now),
            wave_key="main-2026",
            point_id=field.point.id,
        ).token


def _submission(field: Any, token: str | None, **changes: Any) -> Submission:
    return Submission.model_validate(
        {
            "client_uuid": uuid4(),
            "token": token,
            "instrument_sha256": field.instrument.sha256,
            "started_at": field.now - timedelta(minutes=6),
            "answers": field.complete,
            **changes,
        }
    )


def _at_once(field: Any, submissions: list[Submission]) -> list[SubmissionReceipt | str]:
    start = Barrier(len(submissions))

    def send(submission: Submission) -> SubmissionReceipt | str:
        start.wait()
        try:
            with session_scope(field.url) as session:
                return submit(
                    session=session,
                    submission=submission,
                    principal=field.surveyor if submission.point_id else None,
                    now=field.now,
                )
        except InvitationUsedError as refusal:
            return refusal.code

    with ThreadPoolExecutor(len(submissions)) as pool:
        return list(pool.map(send, submissions))


def _stored(field: Any) -> dict[str, int]:
    counted: dict[str, Callable[[], Any]] = {
        "responses": lambda: select(func.count()).select_from(Response),
        "revisions": lambda: select(func.count()).select_from(ResponseRevision),
        "collected": lambda: select(func.sum(QuotaCell.collected)),
        "used": lambda: select(func.count(Invitation.used_at)),
        "audited": lambda: (
            select(func.count())
            .select_from(AuditEntry)
            .where(AuditEntry.action == "response.submitted")
        ),
    }
    with read_scope(field.url) as session:
        return {name: session.exec(query()).one() for name, query in counted.items()}


def test_one_uuid_sent_by_many_is_stored_once(field: Any) -> None:
    submission = _submission(field, _token(field))
    receipts = _at_once(field, [submission] * SENDERS)
    assert all(isinstance(receipt, SubmissionReceipt) for receipt in receipts)
    assert (
        len({receipt.response_id for receipt in receipts if isinstance(receipt, SubmissionReceipt)})
        == 1
    )
    fresh = Counter(
        receipt.duplicate for receipt in receipts if isinstance(receipt, SubmissionReceipt)
    )
    assert fresh == {False: 1, True: SENDERS - 1}
    assert _stored(field) == {
        "responses": 1,
        "revisions": 1,
        "collected": 1,
        "used": 1,
        "audited": 1,
    }


def test_one_link_used_by_many_serves_one(field: Any) -> None:
    token = _token(field)
    outcomes = _at_once(field, [_submission(field, token) for _ in range(SENDERS)])
    assert outcomes.count("invitation_used") == SENDERS - 1
    assert _stored(field) == {
        "responses": 1,
        "revisions": 1,
        "collected": 1,
        "used": 1,
        "audited": 1,
    }


def test_one_uuid_through_many_links_uses_one_of_them(field: Any) -> None:
    uuid = uuid4()
    submissions = [_submission(field, _token(field), client_uuid=uuid) for _ in range(SENDERS)]
    receipts = _at_once(field, submissions)
    assert (
        len({receipt.response_id for receipt in receipts if isinstance(receipt, SubmissionReceipt)})
        == 1
    )
    assert _stored(field) == {
        "responses": 1,
        "revisions": 1,
        "collected": 1,
        "used": 1,
        "audited": 1,
    }


def test_many_different_interviews_at_once_are_all_counted(field: Any) -> None:
    with session_scope(field.url) as session:
        for cell in session.exec(select(QuotaCell)):
            cell.target = SENDERS
    submissions = [_submission(field, None, point_id=field.point.id) for _ in range(SENDERS)]
    _at_once(field, submissions)
    assert _stored(field) == {
        "responses": SENDERS,
        "revisions": SENDERS,
        "collected": SENDERS,
        "used": 0,
        "audited": SENDERS,
    }
