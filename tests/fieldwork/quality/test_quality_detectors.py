"""Each detector on cases small enough to work out by hand."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from survey.review.quality.answer_detectors import (
    flag_careless,
    flag_duplicates,
    flag_item_nonresponse,
    flag_speeding,
    flag_straightlining,
    relative_pace,
)
from survey.review.quality.fieldwork_detectors import (
    flag_bursts,
    flag_interview_hours,
    flag_over_quota,
    flag_shared_devices,
    flag_wrong_points,
)
from survey.review.quality.flags import WEIGHTS, FlagKind, FlagSet, linear_ramp
from survey.review.quality.response_arrays import RawResponse, ResponseArrays, build_response_arrays
from survey.review.quality.wave_norms import PartCounts, WaveNorms
from survey.review.quality.wave_parts import risk_scores
from tests.fieldwork.quality.sample_responses import (
    COLLEAGUE,
    EXTRAS,
    LETTERS,
    MORNING,
    OTHER_POINT,
    POINT,
    RATINGS,
    answers_of,
    raw_response,
    twenty_and_ten,
)
from tests.fieldwork.quality.whole_wave import assess_responses

INSTRUMENT = twenty_and_ten()
VARIED = [3, 8, 5, 9, 2, 7, 6, 4, 10, 1] * 2


def wave(*rows: RawResponse) -> ResponseArrays:
    return build_response_arrays(rows, INSTRUMENT)


def norms_of(interviews: ResponseArrays) -> WaveNorms:
    """What is usual in a wave of these interviews and no others."""
    return WaveNorms.of([PartCounts.of(interviews)])


def found(flags: FlagSet) -> dict[int, tuple[float, Mapping[str, Any]]]:
    """Strength and numbers by row."""
    return {
        int(row): (pytest.approx(float(strength), abs=1e-4), detail)
        for row, strength, detail in zip(flags.rows, flags.strength, flags.details, strict=True)
    }


def timed(number: int, seconds: float, **changes: Any) -> RawResponse:
    timings = dict.fromkeys((*RATINGS, *EXTRAS), seconds)
    return raw_response(number, answers_of(VARIED), timings=timings, **changes)


# --- arrays ---------------------------------------------------------------------------------------


def test_special_answers_are_told_apart_and_never_scores() -> None:
    arrays = wave(
        raw_response(0, {"r01": 7, "r02": "dk", "r03": "na", "r04": None, "r05": "refused"})
    )
    assert arrays.scores[0, 0] == 7
    assert np.isnan(arrays.scores[0, 1:]).all()
    assert arrays.answers[0, 1:6].tolist() == [-2, -4, -1, -3, 0]


def test_ticks_in_another_order_are_the_same_answer() -> None:
    arrays = wave(
        raw_response(0, {"several": ["a", "b"]}), raw_response(1, {"several": ["b", "a"]})
    )
    assert arrays.answers[0, -1] == arrays.answers[1, -1] > 0


def test_rows_stand_in_the_order_of_receipt() -> None:
    arrays = wave(raw_response(2, {}), raw_response(0, {}), raw_response(1, {}))
    assert [interview_id.int for interview_id in arrays.ids] == [1, 2, 3]


def test_a_wave_without_interviews_has_no_flags() -> None:
    assessment = assess_responses(wave())
    assert len(assessment.risk) == 0
    assert all(len(flags.rows) == 0 for flags in assessment.flags)


# --- speed ----------------------------------------------------------------------------------------


def test_a_third_of_the_usual_time_is_a_flag_at_full_strength() -> None:
    arrays = wave(timed(0, 6), timed(1, 6), timed(2, 6), timed(3, 1.98))
    pace = relative_pace(arrays, norms_of(arrays))
    assert pace.tolist() == pytest.approx([1, 1, 1, 0.33])
    # 300 seconds for 30 questions
    assert found(flag_speeding(arrays, pace)) == {3: (1.0, {"percent": 33, "seconds": 10.0})}


def test_half_way_between_the_limits_is_half_strength() -> None:
    arrays = wave(timed(0, 10), timed(1, 10), timed(2, 10), timed(3, 4.65))
    flags = flag_speeding(arrays, relative_pace(arrays, norms_of(arrays)))
    assert flags.strength.tolist() == pytest.approx([0.5], abs=1e-4)


def test_one_long_pause_does_not_hide_a_fast_interview() -> None:
    fast = timed(3, 2)
    paused = {**fast.timings, "r01": 900.0}
    row = raw_response(3, fast.answers, timings=paused, duration_seconds=1_000.0)
    arrays = wave(timed(0, 8), timed(1, 8), timed(2, 8), row)
    assert flag_speeding(arrays, relative_pace(arrays, norms_of(arrays))).rows.tolist() == [3]


def test_without_times_of_questions_the_duration_decides() -> None:
    rows = [raw_response(n, answers_of(VARIED), duration_seconds=300.0) for n in range(4)]
    rows.append(raw_response(4, answers_of(VARIED), duration_seconds=90.0))
    arrays = wave(*rows)
    assert relative_pace(arrays, norms_of(arrays))[4] == pytest.approx(0.3)


def test_without_any_time_nothing_is_said_about_speed() -> None:
    arrays = wave(*(raw_response(n, answers_of(VARIED), duration_seconds=None) for n in range(3)))
    assert np.isnan(relative_pace(arrays, norms_of(arrays))).all()
    assert len(flag_speeding(arrays, relative_pace(arrays, norms_of(arrays))).rows) == 0


# --- straight lines and careless answers ----------------------------------------------------------


def test_one_score_throughout_is_flagged_and_a_varied_interview_is_not() -> None:
    arrays = wave(raw_response(0, answers_of([8] * 20)), raw_response(1, answers_of(VARIED)))
    assert found(flag_straightlining(arrays)) == {0: (1.0, {"same": 20, "rated": 20, "score": "8"})}


def test_eighteen_of_twenty_is_weaker_by_the_ramp() -> None:
    scores = [8] * 20
    scores[3] = scores[9] = 7
    flags = flag_straightlining(wave(raw_response(0, answers_of(scores))))
    assert flags.strength.tolist() == pytest.approx([(0.90 - 0.80) / 0.17], abs=1e-4)


def test_a_frequent_score_without_a_long_run_is_no_straight_line() -> None:
    scores = [8, 8, 8, 8, 7] * 4
    scores[19] = 8
    assert len(flag_straightlining(wave(raw_response(0, answers_of(scores)))).rows) == 0


def test_a_few_equal_ratings_among_do_not_knows_say_nothing() -> None:
    scores: list[int | str | None] = [8] * 7 + ["dk"] * 13
    assert len(flag_straightlining(wave(raw_response(0, answers_of(scores)))).rows) == 0


def test_scores_turned_upside_down_are_careless() -> None:
    rows = [raw_response(n, answers_of(VARIED)) for n in range(9)]
    rows.append(raw_response(9, answers_of([11 - score for score in VARIED])))
    arrays = wave(*rows)
    assert found(flag_careless(arrays, norms_of(arrays))) == {9: (1.0, {"correlation": -1.0})}


# --- near-duplicates ------------------------------------------------------------------------------


def _copy(number: int, changed: int, **changes: Any) -> RawResponse:
    """Thirty answers, the first `changed` scores of which differ from the original."""
    scores = [score % 10 + 1 if at < changed else score for at, score in enumerate(VARIED)]
    return raw_response(number, answers_of(scores), **changes)


def test_the_later_of_two_equal_interviews_is_flagged() -> None:
    flags = flag_duplicates(wave(_copy(0, 0), _copy(1, 0)))
    detail = {"percent": 100, "of": str(UUID(int=1)), "same_surveyor": True}
    assert found(flags) == {1: (1.0, detail)}


def test_three_of_thirty_changed_is_still_a_copy_and_six_are_not() -> None:
    near = flag_duplicates(wave(_copy(0, 0), _copy(1, 3)))
    assert near.strength.tolist() == pytest.approx([(0.90 - 0.84) / 0.10], abs=1e-4)
    assert len(flag_duplicates(wave(_copy(0, 0), _copy(1, 6))).rows) == 0


def test_another_surveyor_needs_more_to_be_equal() -> None:
    other = {"surveyor_id": COLLEAGUE}
    assert len(flag_duplicates(wave(_copy(0, 0), _copy(1, 3, **other))).rows) == 0
    same = flag_duplicates(wave(_copy(0, 0), _copy(1, 0, **other)))
    assert found(same)[1][1]["same_surveyor"] is False


def test_equal_interviews_of_two_cities_are_not_compared() -> None:
    rows = _copy(0, 0), _copy(1, 0, city_code="310000")
    assert len(flag_duplicates(wave(*rows)).rows) == 0


def test_interviews_without_a_surveyor_are_not_by_the_same_hands() -> None:
    flags = flag_duplicates(wave(_copy(0, 0, surveyor_id=None), _copy(1, 0, surveyor_id=None)))
    assert found(flags)[1][1]["same_surveyor"] is False


def test_missing_answers_are_not_equal_answers() -> None:
    empty = answers_of([None] * 20, "abcdefgh")
    assert len(flag_duplicates(wave(raw_response(0, empty), raw_response(1, empty))).rows) == 0


def test_copies_are_found_across_the_blocks_of_a_large_city() -> None:
    rng = np.random.default_rng(4)
    rows = [
        raw_response(
            n, answers_of(rng.integers(1, 11, 20).tolist(), "".join(rng.choice(list(LETTERS), 10)))
        )
        for n in range(300)
    ]
    rows.append(raw_response(300, rows[5].answers))
    flags = flag_duplicates(wave(*rows))
    assert flags.rows.tolist() == [300]
    assert flags.details[0]["of"] == str(rows[5].id)


# --- hours and bursts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("utc", "china", "strength"),
    [
        ((16, 0), "00:00", 1.0),
        ((21, 59), "05:59", 1.0),
        ((14, 0), "22:00", 0.5),
        ((15, 59), "23:59", 0.5),
    ],
)
@pytest.mark.parametrize("mode", ["assisted", "paper", "import", "self"])
def test_hours_are_those_of_china_and_nobody_holds_what_a_respondent_fills_in_alone(
    utc: tuple[int, int], china: str, strength: float, mode: str
) -> None:
    started_at = datetime(2026, 5, 19, *utc, tzinfo=UTC)
    flags = flag_interview_hours(wave(raw_response(0, {}, mode=mode, started_at=started_at)))
    assert found(flags) == ({} if mode == "self" else {0: (strength, {"time": china})})


@pytest.mark.parametrize("utc", [(22, 0), (2, 0), (13, 59)])
def test_day_and_unknown_hours_are_not_flagged(utc: tuple[int, int]) -> None:
    started_at = datetime(2026, 5, 19, *utc, tzinfo=UTC)
    assert (
        len(
            flag_interview_hours(
                wave(
                    raw_response(0, {}, mode="assisted", started_at=started_at),
                    raw_response(1, {}, mode="assisted", started_at=None),
                )
            ).rows
        )
        == 0
    )


def _visits(first: int, count: int, hour: int, **changes: Any) -> list[RawResponse]:
    started_at = MORNING + timedelta(hours=hour)
    return [
        raw_response(
            first + n,
            {},
            started_at=started_at + timedelta(seconds=n),
            submitted_at=started_at,
            **changes,
        )
        for n in range(count)
    ]


def test_an_hour_with_thirty_is_a_burst_where_two_are_usual() -> None:
    rows = [row for hour in range(30) for row in _visits(100 * hour, 2, hour)]
    rows += _visits(9_000, 30, 40)
    arrays = wave(*rows)
    flags = flag_bursts(arrays, norms_of(arrays))
    assert len(flags.rows) == 30
    # usual is the mean over hours with interviews: (30 x 2 + 30) / 31, above the median of 2
    usual = 90 / 31
    assert flags.strength.tolist() == pytest.approx([1 - usual / 30] * 30, abs=1e-4)
    assert flags.details[0] == {"at": "point", "count": 30, "usual": 2.9}


def test_a_point_that_is_always_busy_has_no_bursts() -> None:
    rows = [row for hour in range(60) for row in _visits(100 * hour, 1, hour)]
    for hour in range(10):
        rows += _visits(10_000 + 100 * hour, 12, hour, point_id=OTHER_POINT, city_code="310000")
    arrays = wave(*rows)
    assert len(flag_bursts(arrays, norms_of(arrays)).rows) == 0


def test_a_burst_over_the_points_of_a_city_shows_in_the_city() -> None:
    rows = [row for hour in range(60) for row in _visits(100 * hour, 1, hour)]
    for point in range(12):
        rows += _visits(10_000 + 100 * point, 2, 70, point_id=UUID(int=900 + point))
    arrays = wave(*rows)
    flags = flag_bursts(arrays, norms_of(arrays))
    assert len(flags.rows) == 24
    assert {detail["at"] for detail in flags.details} == {"city"}


def test_a_few_interviews_at_once_are_no_burst() -> None:
    rows = [row for hour in range(60) for row in _visits(100 * hour, 1, hour)]
    arrays = wave(*rows, *_visits(10_000, 5, 70))
    assert len(flag_bursts(arrays, norms_of(arrays)).rows) == 0


# --- quota and omissions --------------------------------------------------------------------------


def test_interviews_beyond_the_target_and_a_tenth_are_flagged_in_the_order_of_receipt() -> None:
    cell = {"quota_cell_id": UUID(int=5), "quota_target": 10}
    rows = [raw_response(n, {}, **cell) for n in range(13)]
    flags = flag_over_quota(wave(*rows))
    assert [detail["number"] for detail in flags.details] == [12, 13]
    assert flags.strength.tolist() == pytest.approx([0.1 / 0.9, 0.2 / 0.9], abs=1e-4)


def test_void_interviews_do_not_fill_a_quota() -> None:
    cell = {"quota_cell_id": UUID(int=5), "quota_target": 10}
    rows = [raw_response(n, {}, counted=n > 3, **cell) for n in range(13)]
    assert len(flag_over_quota(wave(*rows)).rows) == 0


def test_half_of_the_questions_without_an_answer() -> None:
    codes: tuple[int | str | None, ...] = (None, "dk", "refused", "na")
    scores = [code for code in codes for _ in range(5)]
    flags = flag_item_nonresponse(wave(raw_response(0, answers_of(scores))))
    assert found(flags) == {0: ((0.5 - 0.25) / 0.35, {"without": 15, "asked": 30})}


# --- phones and points ----------------------------------------------------------------------------


def test_links_on_one_phone_are_counted_and_two_of_a_household_mean_little() -> None:
    phones = ["a", "b", "b", *["c"] * 5, None, None, None]
    arrays = wave(*(raw_response(n, {}, device=phone) for n, phone in enumerate(phones)))
    flags = flag_shared_devices(arrays, norms_of(arrays))
    couple = (0.25, {"count": 2})
    assert found(flags) == {1: couple, 2: couple, **dict.fromkeys(range(3, 8), (1.0, {"count": 5}))}
    assert 100 * WEIGHTS[FlagKind.SAME_DEVICE] * 0.25 < 50 <= 85 * 0.75


def test_days_outside_those_of_the_point_count_in_china() -> None:
    day = date(2026, 5, 20)
    evening = datetime(2026, 5, 20, 15, 59, tzinfo=UTC)
    late = evening + timedelta(minutes=1)
    rows = [
        raw_response(0, {}, started_at=evening, submitted_at=late, last_day=day),
        raw_response(1, {}, started_at=late, submitted_at=late, last_day=day),
        raw_response(2, {}, started_at=late, submitted_at=late, last_day=date(2026, 5, 18)),
        raw_response(3, {}, started_at=late, submitted_at=late, first_day=date(2026, 5, 24)),
        raw_response(
            4, {}, started_at=None, submitted_at=late, first_day=day, last_day=date(2026, 5, 21)
        ),
        raw_response(5, {}, started_at=late, submitted_at=late, assigned=False),
    ]
    interviews = wave(*rows)
    ordered = {interviews.ids.index(row.id): row for row in rows}
    flags = flag_wrong_points(interviews)
    assert {
        ordered[int(at)].id.int - 1: (float(strength), detail)
        for at, strength, detail in zip(flags.rows, flags.strength, flags.details, strict=True)
    } == {
        1: (0.7, {"why": "after", "days": 1, "day": "2026-05-21"}),
        2: (1.0, {"why": "after", "days": 3, "day": "2026-05-21"}),
        3: (1.0, {"why": "before", "days": 3, "day": "2026-05-21"}),
        5: (1.0, {"why": "unassigned"}),
    }


# --- risk -----------------------------------------------------------------------------------------


def _flag(kind: FlagKind, strength: float) -> FlagSet:
    return FlagSet(kind, np.array([0]), np.array([strength]), ({},))


def test_risk_of_two_flags_is_one_minus_the_product_of_what_they_leave() -> None:
    flags = (_flag(FlagKind.STRAIGHT_LINING, 1.0), _flag(FlagKind.SPEED, 0.5))
    # 1 - (1 - 0.48) (1 - 0.90 x 0.5) = 0.714
    assert risk_scores(flags, 2).tolist() == [71, 0]


def test_every_kind_has_a_weight_that_leaves_doubt() -> None:
    assert set(WEIGHTS) == set(FlagKind)
    assert all(0 < weight < 1 for weight in WEIGHTS.values())


def test_the_mean_score_is_on_a_scale_of_a_hundred() -> None:
    assessment = assess_responses(
        wave(raw_response(0, answers_of([1, 10] * 10)), raw_response(1, {"r01": "dk"}))
    )
    assert assessment.mean_score[0] == pytest.approx(50)
    assert np.isnan(assessment.mean_score[1])


def test_the_ramp_rises_downwards_too_and_takes_unknown_for_nothing() -> None:
    values = np.array([0.7, 0.6, 0.465, 0.33, 0.1, np.nan])
    assert linear_ramp(values, nothing=0.6, full=0.33).tolist() == pytest.approx(
        [0, 0, 0.5, 1, 1, 0]
    )


def test_points_are_told_apart() -> None:
    assert wave(raw_response(0, {}), raw_response(1, {}, point_id=None)).point.codes.tolist() == [
        0,
        -1,
    ]
    assert wave(raw_response(0, {})).point.names == (POINT,)
