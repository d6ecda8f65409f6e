"""The consent of an interview can be shown years later: the text, the moment, the person."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import Session

from survey.access.principal import OPERATOR
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.collection.submission import _list_answer_problems as open_problems
from survey.collection.submission_envelope import Submission
from survey.questionnaire.validation import validate
from survey.questionnaire.xlsform.reader import load_bundle
from survey.review.response_detail import (
    ConsentRecord,
    ResponseDetail,
    consent_of,
    get_response_detail,
)
from survey.settings import PROJECT_ROOT
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Mode, Status, Wave
from survey.waves.instruments import save_instrument
from survey.waves.waves import NewWave, create_wave
from tests.work_of import work_of

MAIN = load_bundle(PROJECT_ROOT / "seed" / "instruments", "main-2023").instrument


def _asks_main(session: Session, now: datetime) -> Wave:
    """A wave of its own with the shipped main questionnaire."""
    plan = NewWave(
        key=f"main-{uuid4()}",
        series="main",
        year=2026,
        title_zh="x",
        title_en="x",
        instrument_id=save_instrument(session=session, instrument=MAIN),
    )
    return create_wave(work_of(session, OPERATOR, now), plan=plan)


@pytest.fixture
def interview(field: Any) -> Callable[..., ResponseDetail]:
    def read(mode: Mode, answer: str | None = "yes", language: str = "zh") -> ResponseDetail:
        row = FinishedResponse(
            client_uuid=uuid4(),
            city_code="110000",
            mode=mode,
            status=Status.SUBMITTED,
            submitted_at=field.now,
            started_at=field.now,
            language=language,
            answers={} if answer is None else {"consent": answer},
            surveyor_id=field.surveyor.account_id,
        )
        with session_scope(field.url) as session:
            wave = _asks_main(session, field.now)
            write_responses(work_of(session, OPERATOR, field.now), wave=wave, rows=[row])
        with read_scope(field.url) as session:
            return get_response_detail(work_of(session, OPERATOR), response_id=row.id)

    return read


def test_text_moment_language_and_version_are_known(
    field: Any, interview: Callable[..., ResponseDetail]
) -> None:
    record = consent_of(interview(Mode.SELF, language="en"))
    assert record == ConsentRecord(
        agreed=True,
        at=field.now,
        mode=Mode.SELF,
        surveyor="",
        language="en",
        text=tuple(
            MAIN.by_name[name].label["en"]
            for name in ("note_purpose", "note_data", "note_freedom", "consent")
        ),
        instrument=f"main-2023 2023.1 ({MAIN.sha256[:12]})",
    )


def test_an_assisted_interview_names_who_read_it(interview: Callable[..., ResponseDetail]) -> None:
    record = consent_of(interview(Mode.ASSISTED))
    assert record is not None
    assert (record.surveyor, record.at is None) == ("Li", False)
    paper = consent_of(interview(Mode.PAPER))
    assert paper is not None
    assert (paper.surveyor, paper.at) == ("Li", None)


def test_a_refusal_is_one_and_nothing_is_nothing(interview: Callable[..., ResponseDetail]) -> None:
    refused = consent_of(interview(Mode.SELF, "no"))
    assert refused is not None
    assert not refused.agreed
    assert consent_of(interview(Mode.SELF, None)) is None
    unmarked = replace(interview(Mode.SELF), instrument=MAIN.model_copy(update={"sections": ()}))
    assert consent_of(unmarked) is None


@pytest.mark.parametrize("name", ["main-2021", "main-2023", "elderly-2024", "minors-2024"])
def test_every_shipped_questionnaire_asks_for_consent_first(name: str) -> None:
    shipped = load_bundle(PROJECT_ROOT / "seed" / "instruments", name).instrument
    asked = [item for item in shipped.items() if item.kind.value not in {"note", "calculate"}]
    assert asked[0].privacy == "consent"
    assert shipped.sections[1].ends == "refused"


def test_not_even_a_full_quota_lets_an_interview_in_without_consent(field: Any) -> None:
    marked = MAIN.by_name["consent"]
    sent = Submission(
        client_uuid=uuid4(),
        token="x",
        instrument_sha256=MAIN.sha256,
        stopped="quota_full",
        started_at=field.now,
        answers={},
    )
    problems = open_problems(validate(MAIN, {}, today=field.now.date()), sent, MAIN)
    assert [problem.item for problem in problems] == [marked.name]
