"""At a point of the overlap a link asks the earlier questionnaire, and its answers are taken."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.collection.invitations import issue_invitation, read_invitation
from survey.collection.parking import ParkingReceipt, submit_or_park
from survey.collection.submission import InstrumentConflictError, submit
from survey.collection.submission_envelope import Submission
from survey.questionnaire.model import Instrument
from survey.store.engine import read_scope, session_scope
from survey.store.tables import ParkedInterview, QuotaCell, Response, SamplingPoint, WaveOverlap
from survey.waves.instruments import save_instrument
from survey.waves.waves import close_wave
from tests.work_of import work_of


@pytest.fixture
def earlier(field: Any) -> Instrument:
    """The earlier questionnaire, which the point of `field` was drawn for."""
    instrument: Instrument = field.instrument.model_copy(update={"name": "before"})
    with session_scope(field.url) as session:
        stored = save_instrument(session=session, instrument=instrument)
        session.add(WaveOverlap(wave_id=field.wave.id, instrument_id=stored, share=0.5, seed=1))
        point = session.get_one(SamplingPoint, field.point.id)
        point.asks_earlier = True
        session.add(point)
    return instrument


def submission(field: Any, instrument: Instrument) -> Submission:
    with session_scope(field.url) as session:
        work = work_of(session, field.surveyor, field.now)
        token = issue_invitation(work, wave_key=field.wave.key, point_id=field.point.id).token
    return Submission(
        client_uuid=uuid4(),
        token=token,
        instrument_sha256=instrument.sha256,
        started_at=field.now - timedelta(minutes=6),
        answers=field.complete,
    )


def test_a_link_opens_and_takes_the_earlier_questionnaire_and_fills_the_quota(
    field: Any, earlier: Instrument
) -> None:
    sent = submission(field, earlier)
    with session_scope(field.url) as session:
        page = read_invitation(session=session, token=sent.token or "", now=field.now)
        assert page.instrument_sha256 == earlier.sha256
        submit(session=session, submission=sent, principal=None, now=field.now)
    with read_scope(field.url) as session:
        response = session.exec(select(Response)).one()
        overlap = session.exec(select(WaveOverlap)).one()
        assert response.instrument_id == overlap.instrument_id != field.wave.instrument_id
        assert sum(session.exec(select(QuotaCell.collected))) == 1


def test_answers_to_the_questionnaire_of_the_wave_are_refused_there(
    field: Any, earlier: Instrument
) -> None:
    sent = submission(field, field.instrument)
    with session_scope(field.url) as session, pytest.raises(InstrumentConflictError):
        submit(session=session, submission=sent, principal=None, now=field.now)
    assert earlier.sha256 != field.instrument.sha256


def test_a_late_interview_of_the_overlap_is_parked(field: Any, earlier: Instrument) -> None:
    sent = submission(field, earlier)
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key=field.wave.key)
    with session_scope(field.url) as session:
        receipt = submit_or_park(session=session, submission=sent, principal=None, now=field.now)
        assert isinstance(receipt, ParkingReceipt)
    with read_scope(field.url) as session:
        parked = session.exec(select(ParkedInterview)).one()
        assert parked.instrument_id == session.exec(select(WaveOverlap)).one().instrument_id
