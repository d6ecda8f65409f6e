"""Interviews with codes, on both databases."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from survey.collection.invitations import issue_invitation
from survey.collection.submission import SubmissionReceipt, submit
from survey.collection.submission_envelope import Submission
from survey.store.engine import session_scope
from survey.waves.personal_data import generate_code
from tests.work_of import work_of

Handed = tuple[SubmissionReceipt, str]


@pytest.fixture
def hand_in(field: Any) -> Callable[..., Handed]:
    """`hand_in(consent="no")`: an interview of a respondent's own, and the code it carries."""

    def send(code: str | None = None, uuid: Any = None, **answers: Any) -> Handed:
        code = code or generate_code()
        with session_scope(field.url) as session:
            token = issue_invitation(
                work_of(session, field.surveyor, field.now),
                wave_key=field.wave.key,
                point_id=field.point.id,
            ).token
            sent = Submission(
                client_uuid=uuid or uuid4(),
                token=token,
                answers={**field.complete, **answers},
                instrument_sha256=field.instrument.sha256,
                withdrawal_code=code,
                started_at=field.now - timedelta(minutes=6),
                timings={"quality": 2.5},
            )
            receipt = submit(session=session, submission=sent, principal=None, now=field.now)
        return receipt, code

    return send
