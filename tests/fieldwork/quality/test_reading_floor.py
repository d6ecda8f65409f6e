"""The least time that the questions of an interview take to read, by hand and by chance."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.locale import translator
from survey.questionnaire.model import Choice, Instrument, Item, ItemKind, Language, Section
from survey.review.quality.assessment import assess_wave
from survey.review.quality.fieldwork_detectors import (
    flag_reading_floor,
    min_reading_seconds,
    min_seconds_of_interviews,
)
from survey.review.quality.flags import MIN_REVIEW_RISK, FlagKind, flag_text
from survey.review.quality.response_arrays import NOT_ASKED, RawResponse, build_response_arrays
from survey.settings import PROJECT_ROOT
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Mode, ResponseFlag, ResponseRisk, Status, new_id
from survey.waves.instruments import save_instrument
from survey.waves.waves import NewWave, create_wave, open_wave
from tests.fieldwork.quality.sample_responses import raw_response
from tests.work_of import work_of

if str(PROJECT_ROOT) not in sys.path:
    sys.path.insert(0, str(PROJECT_ROOT))

from benchmarks.quality.detection import planted_interviews
from seed.demo import generate_wave
from seed.demo.shipped_data import shipped_instrument
from tests.fieldwork.quality.whole_wave import assess_responses

if TYPE_CHECKING:
    from tests.conftest import Field

HINT = {"zh": "只说最近一年", "en": "of the last year only"}
"""6 characters, 5 words."""


def _form(extra: str = "") -> Instrument:
    """Two ratings with one hint, a list, a question that not everybody is asked."""
    first = Item(
        name="price",
        kind=ItemKind.RATING,
        label={"zh": "您对价格满意吗" + extra, "en": "The price?"},
        hint=HINT,
        minimum=1,
        maximum=10,
    )
    second = Item(
        name="staff",
        kind=ItemKind.RATING,
        label={"zh": "您对服务满意吗", "en": "The staff?"},
        hint=HINT,
        minimum=1,
        maximum=10,
    )
    channel = Item(
        name="channel",
        kind=ItemKind.SELECT_ONE,
        label={"zh": "在哪里买的", "en": "Bought where?"},
        choices=(
            Choice(name="shop", label={"zh": "实体商店", "en": "In a shop"}),
            Choice(name="net", label={"zh": "网上", "en": "Online"}),
        ),
    )
    why = Item(name="why", kind=ItemKind.INTEGER, label={"zh": "几次"})
    return Instrument(
        name="floor",
        version="1",
        title={"zh": "问卷"},
        default_language="zh",
        languages=(Language(code="zh", name="中文"), Language(code="en", name="English")),
        sections=(Section(name="all", items=(first, second, channel, why)),),
    )


FORM = _form()
ANSWERS = {"price": 8, "staff": 7, "channel": "net"}
FLOOR = (7 + 7 + 6 + 5 + 2) / 16
"""Chinese: two questions of 7, the hint once, a question of 5, the shorter choice of 2."""


def _row(number: int = 0, answers: dict[str, Any] = ANSWERS, **changes: Any) -> RawResponse:
    return raw_response(number, answers, **{"language": "zh", **changes})


def _strengths(*rows: RawResponse, form: Instrument = FORM) -> dict[int, float]:
    flags = flag_reading_floor(build_response_arrays(rows, form))
    return dict(zip(flags.rows.tolist(), flags.strength.tolist(), strict=True))


def _floors(*rows: RawResponse, form: Instrument = FORM) -> list[float]:
    interviews = build_response_arrays(rows, form)
    return min_seconds_of_interviews(interviews, interviews.answers != NOT_ASKED).tolist()


# --- by hand --------------------------------------------------------------------------------------


def test_the_floor_is_that_of_the_own_route_and_language() -> None:
    rows = (
        _row(0),
        _row(1, {**ANSWERS, "why": None}),
        _row(2, {"price": 8}),
        _row(3, language="en"),
        _row(4, {**ANSWERS, "why": 3}, language="en"),
        _row(5, language=None),
        _row(6, language="fr"),
        _row(7, {}),
    )
    english = (2 + 2 + 5 + 2 + 1) / 10
    assert _floors(*rows) == pytest.approx(
        [FLOOR, FLOOR + 2 / 16, 13 / 16, english, english + 2 / 16, FLOOR, FLOOR, 0]
    )


@pytest.mark.parametrize(
    ("share", "strength"), [(1.01, 0), (0.9, 0.2), (0.75, 0.5), (0.5, 1), (0.1, 1), (0.0, 1)]
)
def test_the_flag_grows_in_a_straight_line_from_the_floor_to_half_of_it(
    share: float, strength: float
) -> None:
    strengths = _strengths(_row(duration_seconds=share * FLOOR))
    assert strengths == ({0: pytest.approx(strength, abs=1e-4)} if strength else {})


def test_a_form_left_open_for_an_hour_is_judged_by_the_times_of_its_questions() -> None:
    timings = dict.fromkeys(ANSWERS, 0.1)
    interviews = build_response_arrays([_row(duration_seconds=3_600.0, timings=timings)], FORM)
    flags = flag_reading_floor(interviews)
    assert flags.strength.tolist() == [1]
    assert flags.details[0] == {"seconds": 0.3, "least": 1.7, "measured": "questions"}


def test_times_of_no_second_are_times() -> None:
    assert _strengths(_row(timings=dict.fromkeys(ANSWERS, 0.0))) == {0: 1}


def test_questions_in_view_together_do_not_hide_a_short_interview() -> None:
    timings = dict.fromkeys(ANSWERS, 5.0)
    assert _strengths(_row(duration_seconds=0.5, timings=timings)) == {0: 1}


def test_a_few_single_times_say_nothing_about_the_whole() -> None:
    assert _strengths(_row(timings={"price": 0.1})) == {}


def test_questions_without_a_time_are_not_held_against_those_that_have_one() -> None:
    read = {"price": 13 / 16, "staff": 7 / 16}
    assert _strengths(_row(timings=read)) == {}


def test_without_any_time_there_is_no_flag() -> None:
    assert _strengths(_row(duration_seconds=None)) == {}


@pytest.mark.parametrize("mode", [Mode.SELF, Mode.ASSISTED, Mode.IMPORT])
def test_nobody_reads_aloud_faster_than_silently(mode: Mode) -> None:
    assert _strengths(_row(mode=mode, duration_seconds=0.2)) == {0: 1}


def test_keyed_paper_has_no_time_of_the_interview() -> None:
    keying = dict.fromkeys(ANSWERS, 0.1)
    assert _strengths(_row(mode=Mode.PAPER, duration_seconds=0.2, timings=keying)) == {}


def test_an_import_with_one_moment_for_beginning_and_end_has_no_time() -> None:
    assert _strengths(_row(mode=Mode.IMPORT, duration_seconds=0.0)) == {}
    assert _strengths(_row(mode=Mode.SELF, duration_seconds=0.0)) == {0: 1}


def test_an_interview_that_was_asked_nothing_is_not_flagged() -> None:
    assert _strengths(_row(0, {}, duration_seconds=0.0)) == {}


# --- by chance ------------------------------------------------------------------------------------

durations = st.floats(0, 10, allow_nan=False)


@settings(max_examples=50, deadline=None)
@given(durations, durations, st.booleans())
def test_a_longer_interview_never_has_a_stronger_flag(
    duration: float, other: float, by: bool
) -> None:
    def strength(seconds: float) -> float:
        timings = dict.fromkeys(ANSWERS, seconds / 3) if by else {}
        whole = 3_600.0 if by else seconds
        return _strengths(_row(duration_seconds=whole, timings=timings)).get(0, 0.0)

    shorter, longer = sorted((duration, other))
    assert strength(shorter) >= strength(longer)


@settings(max_examples=50, deadline=None)
@given(st.text("城市消费服务", min_size=1, max_size=60), durations)
def test_a_longer_question_has_a_larger_floor_and_never_a_weaker_flag(
    extra: str, seconds: float
) -> None:
    row, longer = _row(duration_seconds=seconds), _form(extra)
    assert _floors(row, form=longer)[0] == pytest.approx(_floors(row)[0] + len(extra) / 16)
    assert _strengths(row, form=longer).get(0, 0.0) >= _strengths(row).get(0, 0.0)


# --- the shipped questionnaires -------------------------------------------------------------------


@pytest.mark.parametrize("key", ["main-2023", "elderly-2024"])
def test_honest_interviews_of_the_demo_lie_well_above_the_floor(key: str) -> None:
    interviews, planted = planted_interviews(generate_wave(key, n=3_000, seed=17))
    flagged = flag_reading_floor(interviews).rows
    fast = np.flatnonzero(planted == "speeder")
    assert set(flagged.tolist()) <= set(fast.tolist())
    asked = interviews.answers != NOT_ASKED
    share = interviews.duration / min_seconds_of_interviews(interviews, asked)
    assert share[planted == ""].min() > 1.2
    assert len(flagged) > 0.3 * len(fast) > 0


@pytest.mark.parametrize("name", ["main-2021", "main-2023", "elderly-2024", "minors-2024"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_five_seconds_are_to_be_looked_at_whatever_the_questionnaire(
    name: str, language: str
) -> None:
    form = shipped_instrument(name)
    asked = {
        item.name: "dk"
        for item in form.items()
        if item.kind is not ItemKind.NOTE and item.relevant is None
    }
    alone = build_response_arrays(
        [raw_response(0, asked, duration_seconds=5.0, language=language)], form
    )
    flags = flag_reading_floor(alone)
    assert flags.strength.tolist() == [1]
    assert assess_responses(alone).risk[0] >= 90


# --- the first interview of a wave ----------------------------------------------------------------


def _answered(form: Instrument) -> dict[str, Any]:
    """A whole interview of the shipped questionnaire, scores and choices as they come."""
    answers: dict[str, Any] = {}
    for number, item in enumerate(form.items()):
        if item.kind is ItemKind.RATING:
            answers[item.name] = 1 + (7 * number) % 10
        elif item.kind is ItemKind.SELECT_ONE and item.relevant is None:
            answers[item.name] = item.choices[0].name
    return answers


def _first(field: Field, seconds: float | None, **changes: Any) -> tuple[UUID, str]:
    """The only interview of a new wave with the shipped questionnaire."""
    form = shipped_instrument("main-2023")
    with session_scope(field.url) as session:
        plan = NewWave(
            key="first-2026",
            series="first",
            year=2026,
            title_zh="首批",
            title_en="First",
            instrument_id=save_instrument(session=session, instrument=form),
            opens_on=date(2026, 1, 1),
        )
        create_wave(work_of(session, OPERATOR, field.now), plan=plan)
        wave = open_wave(work_of(session, OPERATOR, field.now), key=plan.key)
        started = field.now - timedelta(hours=1)
        row = FinishedResponse(
            **{
                "client_uuid": new_id(),
                "city_code": "110000",
                "mode": Mode.SELF,
                "status": Status.SUBMITTED,
                "started_at": started,
                "submitted_at": field.now,
                "duration_seconds": seconds,
                "answers": _answered(form),
                **changes,
            }
        )
        write_responses(work_of(session, OPERATOR, field.now), wave=wave, rows=[row])
        assess_wave(work_of(session, OPERATOR, field.now), wave_key=plan.key)
    return row.id, plan.key


def test_five_seconds_in_the_first_interview_of_a_wave_are_to_be_looked_at(field: Field) -> None:
    response_id, _ = _first(field, 5.0)
    with read_scope(field.url) as session:
        flag = session.exec(select(ResponseFlag)).one()
        risk = session.exec(select(ResponseRisk)).one()
    assert (flag.response_id, flag.kind, flag.strength) == (response_id, "reading_floor", 1.0)
    assert risk.score >= MIN_REVIEW_RISK
    assert risk.score == 90
    least = flag.detail["least"]
    assert flag.detail == {"seconds": 5, "least": least, "measured": "whole"}
    assert 40 < least < 110
    reason = flag_text(FlagKind.READING_FLOOR, flag.detail)
    assert translator("zh")(reason) == f"全程用时 5 秒；仅读完题目至少需要 {least} 秒。"


def test_the_language_of_the_interview_is_that_which_was_stored(field: Field) -> None:
    _first(field, 5.0, language="en")
    form = shipped_instrument("main-2023")
    with read_scope(field.url) as session:
        flag = session.exec(select(ResponseFlag)).one()
    floors = _floors(raw_response(0, _answered(form), language="en"), form=form)
    assert flag.detail["least"] == round(floors[0])
    assert floors[0] != pytest.approx(
        _floors(raw_response(0, _answered(form)), form=form)[0], rel=0.05
    )


def test_an_ordinary_first_interview_has_no_flag(field: Field) -> None:
    _first(field, 365.0)
    with read_scope(field.url) as session:
        assert session.exec(select(ResponseFlag.kind)).all() == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0.0),
        # the question mark is none
        ("您愿意参加这次调查吗？", 10 / 16),
        ("Are you willing to take part in this survey?", 9 / 10),
        # 5 characters and one number
        ("例如1985年出生", 5 / 16 + 1 / 10),
        ("People’s choice", 2 / 10),
        ("**${city}**<br>的商店", 3 / 16),
        ("བོད་ཡིག", 2 / 16),
        ("—— … ？！", 0.0),
    ],
)
def test_characters_and_words_are_counted_by_hand(text: str, seconds: float) -> None:
    assert min_reading_seconds(text) == pytest.approx(seconds)


@given(st.text("消费者 the word 12，。", max_size=40), st.sampled_from([" 城市", " city"]))
def test_a_longer_text_has_a_larger_floor(text: str, more: str) -> None:
    assert min_reading_seconds(text + more) > min_reading_seconds(text)


@given(st.text())
def test_any_text_has_a_floor_that_nobody_falls_below(text: str) -> None:
    assert 0 <= min_reading_seconds(text) <= len(text) / 10
