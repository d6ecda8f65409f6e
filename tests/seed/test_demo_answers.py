"""Generated answers are what the questionnaire would have let a person answer."""

from collections import defaultdict
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest

from seed.demo import PLANS, generate_wave
from seed.demo.interviews import DemoWave
from seed.demo.screen_outs import stopped_interviews
from seed.demo.stored_responses import StoredIds, stored_interviews
from survey.questionnaire.model import SpecialAnswer
from survey.questionnaire.validation import validate
from survey.store.china_time import china_date
from survey.store.tables import Status

pytestmark = pytest.mark.slow


def somewhere(wave: DemoWave) -> StoredIds:
    """Ids of whatever an interview refers to; quota cells only where the wave has some."""
    ids: defaultdict[object, UUID] = defaultdict(lambda: UUID(int=1))
    has_quotas = wave.model.plan.series in {"main", "elderly"}
    return StoredIds(ids, ids, ids if has_quotas else {})  # type: ignore[arg-type]


@pytest.mark.parametrize("key", list(PLANS))
def test_five_hundred_at_random_pass_the_validator_untouched(key: str) -> None:
    wave = generate_wave(key, n=4_000, seed=11)
    rows = list(stored_interviews(wave, somewhere(wave)))
    assert len(rows) == len(wave)
    picked = np.random.default_rng(3).choice(len(rows), 500, replace=False)
    instrument = wave.instrument
    for place in picked.tolist():
        interview = rows[place]
        assert interview.started_at is not None
        verdict = validate(instrument, interview.answers, today=china_date(interview.started_at))
        assert verdict.problems == ()
        assert verdict.off_route == ()
        assert verdict.stored_answers == interview.answers
        assert verdict.ending is None
        assert set(interview.timings) <= set(verdict.answers)


@pytest.mark.parametrize("key", list(PLANS))
def test_people_stopped_at_the_door_ended_there(key: str) -> None:
    wave = generate_wave(key, n=4_000, seed=11)
    stopped = list(stopped_interviews(wave, somewhere(wave)))
    assert {row.status for row in stopped} == {Status.SCREENED_OUT, Status.REFUSED}
    assert len(stopped) == pytest.approx(0.05 * len(wave), rel=0.01)
    for interview in stopped:
        assert interview.started_at is not None
        verdict = validate(
            wave.instrument, interview.answers, today=china_date(interview.started_at)
        )
        assert (verdict.problems, verdict.off_route) == ((), ())
        assert verdict.ending is not None
        assert verdict.ending.value == interview.status.value


def test_stored_values_say_what_the_frame_says() -> None:
    wave = generate_wave("main-2024", n=2_000)
    codes = {SpecialAnswer.DONT_KNOW.value: -1, SpecialAnswer.NOT_EXPERIENCED.value: -2}
    for row, interview in zip(
        wave.frame.to_dict("records"), stored_interviews(wave, somewhere(wave)), strict=True
    ):
        assert str(interview.id) == row["response_id"]
        assert interview.status.value == row["status"]
        answer = interview.answers["redress_outcome"]
        assert codes.get(answer, answer) == row["redress_outcome"]
        assert interview.answers["gender"] == row["gender"]
        assert interview.answers["age"] == row["age"]
        used = {
            name for name, value in row.items() if str(name).startswith("services_used/") and value
        }
        assert used == {f"services_used/{name}" for name in interview.answers["services_used"]}


def test_ids_are_ordered_and_carry_the_moment_of_receipt() -> None:
    wave = generate_wave("main-2024", n=2_000)
    rows = list(stored_interviews(wave, somewhere(wave)))
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    for row in rows[:200]:
        assert row.id.version == 7
        assert row.client_uuid.version == 4
        sent = row.submitted_at.timestamp()
        assert 0 <= (row.id.int >> 80) / 1000 - sent < 1
        assert row.started_at is not None
        assert row.duration_seconds is not None
        lasted = row.submitted_at - row.started_at
        assert (
            timedelta(0) <= lasted - timedelta(seconds=row.duration_seconds) < timedelta(seconds=1)
        )
    assert len({row.client_uuid for row in rows}) == len(rows)


def test_timings_fill_the_interview() -> None:
    wave = generate_wave("main-2024", n=2_000)
    for interview in stored_interviews(wave, somewhere(wave)):
        assert interview.duration_seconds is not None
        total = sum(interview.timings.values())
        assert total == pytest.approx(0.93 * interview.duration_seconds, rel=0.05)
        assert min(interview.timings.values()) > 0


def test_comments_come_from_a_few_and_fit_their_mood() -> None:
    wave = generate_wave("main-2024", n=6_000)
    written = [row.answers["comment"] for row in stored_interviews(wave, somewhere(wave))]
    texts = [text for text in written if text]
    assert 0.05 < len(texts) / len(written) < 0.09
    assert len(set(texts)) > 100
    assert all(5 < len(text) < 100 for text in texts)
