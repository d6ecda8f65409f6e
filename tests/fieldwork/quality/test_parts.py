"""A wave in parts: in whatever parts and order it is read, the same flags to the last bit."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ier import irv, longstring_scores, person_total

from survey.review.quality.answer_detectors import (
    MIN_CORRELATION_RATINGS,
    _correlate_with_means,
    _measure_longest_runs,
)
from survey.review.quality.flags import FlagKind
from survey.review.quality.response_arrays import RawResponse, ResponseArrays, build_response_arrays
from survey.review.quality.wave_norms import PartCounts, ValueCounts, WaveNorms
from survey.review.quality.wave_parts import (
    MIN_PART_INTERVIEWS,
    QualityAssessment,
    assess_part,
    group_cities,
)
from tests.fieldwork.quality.sample_responses import (
    EXTRAS,
    LETTERS,
    MORNING,
    RATINGS,
    answers_of,
    raw_response,
    twenty_and_ten,
)
from tests.fieldwork.quality.whole_wave import assess_responses

INSTRUMENT = twenty_and_ten()
CITIES = ("110000", "310000", "440300", "500000", "650100")
VARIED = [3, 8, 5, 9, 2, 7, 6, 4, 10, 1] * 2
Judged = dict[UUID, tuple[object, ...]]


def judge(interviews: ResponseArrays, assessment: QualityAssessment) -> Judged:
    """Everything that is stored of each interview; NaN as text, since it equals nothing."""
    flags: dict[UUID, list[object]] = {response_id: [] for response_id in interviews.ids}
    for found in assessment.flags:
        for row, strength, detail in zip(
            found.rows.tolist(), found.strength.tolist(), found.details, strict=True
        ):
            flags[interviews.ids[row]].append((found.kind, strength, detail))
    return {
        response_id: (flags[response_id], risk, str(pace), str(score))
        for response_id, risk, pace, score in zip(
            interviews.ids,
            assessment.risk.tolist(),
            assessment.pace.tolist(),
            assessment.mean_score.tolist(),
            strict=True,
        )
    }


def judge_whole(rows: Sequence[RawResponse]) -> Judged:
    interviews = build_response_arrays(rows, INSTRUMENT)
    return judge(interviews, assess_responses(interviews))


def judge_in_parts(rows: Sequence[RawResponse], parts: Sequence[Sequence[str]]) -> Judged:
    """As the store is assessed: what is usual from all parts, then one part after the other."""
    arrays = [
        build_response_arrays([row for row in rows if row.city_code in part], INSTRUMENT)
        for part in parts
    ]
    norms = WaveNorms.of(PartCounts.of(interviews) for interviews in arrays)
    judged: Judged = {}
    for interviews in arrays:
        judged |= judge(interviews, assess_part(interviews, norms))
    return judged


scores = st.lists(
    st.one_of(
        st.integers(1, 10),
        st.integers(10, 100).map(lambda tenth: tenth / 10),
        st.sampled_from(["dk", "na", None]),
    ),
    min_size=len(RATINGS),
    max_size=len(RATINGS),
)
picks = st.text(LETTERS, min_size=len(EXTRAS), max_size=len(EXTRAS))
seconds = st.floats(0, 4_000, allow_nan=False)


@st.composite
def waves(draw: st.DrawFn) -> list[RawResponse]:
    """Interviews of five cities, some copied, many at once, on few phones, timed in many ways."""
    forms = [answers_of(draw(scores), draw(picks)) for _ in range(draw(st.integers(1, 5)))]
    forms += [answers_of(VARIED), answers_of([11 - score for score in VARIED])]
    busy_hour = timedelta(hours=draw(st.integers(0, 60)))
    rows = []
    for number in range(draw(st.integers(1, 40))):
        city = draw(st.sampled_from(CITIES))
        points = (UUID(int=int(city)), UUID(int=9 + int(city)))
        started = MORNING + draw(
            st.one_of(st.just(busy_hour), st.integers(0, 60).map(lambda at: timedelta(hours=at)))
        )
        names = draw(st.lists(st.sampled_from([*RATINGS, *EXTRAS]), max_size=4))
        rows.append(
            raw_response(
                number,
                draw(st.sampled_from(forms)),
                city_code=city,
                point_id=draw(st.sampled_from([None, *points])),
                surveyor_id=draw(st.sampled_from([None, UUID(int=1), UUID(int=2)])),
                started_at=draw(st.sampled_from([None, started])),
                submitted_at=started + timedelta(minutes=draw(st.integers(1, 9))),
                duration_seconds=draw(st.one_of(st.none(), seconds)),
                timings={name: draw(seconds) for name in names},
                quota_cell_id=draw(st.sampled_from([None, UUID(int=77 + int(city))])),
                quota_target=2,
                device=draw(st.sampled_from([None, "one", "two", "three"])),
                mode=draw(st.sampled_from(["self", "paper"])),
            )
        )
    return rows


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(waves(), st.randoms(use_true_random=False))
def test_any_parts_in_any_order_give_the_flags_of_the_whole(
    rows: list[RawResponse], random: Random
) -> None:
    parts: list[list[str]] = [[] for _ in range(random.randint(1, len(CITIES)))]
    for city in CITIES:
        random.choice(parts).append(city)
    mixed = list(rows)
    random.shuffle(mixed)
    assert judge_in_parts(mixed, parts) == judge_whole(rows)


def _in_cities(numbers: range, city: str, **changes: Any) -> Iterator[RawResponse]:
    """Varied interviews of a city, two an hour."""
    for number in numbers:
        started = MORNING + timedelta(hours=number // 2)
        yield raw_response(
            number,
            answers_of(VARIED),
            **{
                "city_code": city, "started_at": started, "surveyor_id": None,
                "submitted_at": started, "point_id": UUID(int=int(city)), **changes,
            },
        )  # fmt: skip


def _kinds(judged: Judged, number: int) -> dict[FlagKind, tuple[float, Any]]:
    flags: Any = judged[UUID(int=number + 1)][0]
    return {kind: (strength, detail) for kind, strength, detail in flags}


def test_a_phone_used_in_two_cities_is_counted_in_both() -> None:
    rows = [row for at, city in enumerate(CITIES) for row in _in_cities(range(at, at + 1), city)]
    rows[0], rows[3] = replace(rows[0], device="phone"), replace(rows[3], device="phone")
    judged = judge_in_parts(rows, [[city] for city in CITIES])
    for number in (0, 3):
        assert _kinds(judged, number)[FlagKind.SAME_DEVICE] == (0.25, {"count": 2})
    assert FlagKind.SAME_DEVICE not in _kinds(judged, 1)
    assert judged == judge_whole(rows)


def test_a_burst_is_one_against_the_hours_of_other_parts() -> None:
    """Alone, the city would be its own measure, and 30 in each of its hours would be usual."""
    rows = list(_in_cities(range(80), CITIES[0]))
    rows += _in_cities(range(100, 130), CITIES[1], started_at=MORNING + timedelta(days=3))
    judged = judge_in_parts(rows, [CITIES[1:2], CITIES[:1]])
    # 80 interviews in 40 hours there, 30 in one hour here
    assert _kinds(judged, 100)[FlagKind.BURST][1] == {"at": "point", "count": 30, "usual": 2.7}
    assert FlagKind.BURST not in _kinds(judge_whole(rows[80:]), 100)
    assert judged == judge_whole(rows)


def test_a_careless_and_fast_interview_alone_in_its_part_is_found() -> None:
    rows = list(_in_cities(range(9), CITIES[0]))
    upside_down = answers_of([11 - score for score in VARIED])
    (odd,) = _in_cities(range(9, 10), CITIES[1], duration_seconds=60.0)
    rows.append(replace(odd, answers=upside_down))
    judged = judge_in_parts(rows, [CITIES[:1], CITIES[1:2]])
    kinds = _kinds(judged, 9)
    assert kinds[FlagKind.CARELESS] == (1.0, {"correlation": -1.0})
    assert kinds[FlagKind.SPEED] == (1.0, {"percent": 20, "seconds": 2.0})
    assert judged == judge_whole(rows)
    assert _kinds(judge_whole(rows[9:]), 9).keys() == {FlagKind.READING_FLOOR} & kinds.keys()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(2**-10, 2**17, width=32), min_size=1, max_size=40),
    st.sampled_from([np.float32, np.float64]),
    st.integers(1, 5),
)
def test_medians_of_counts_are_numpys_and_means_are_rounded_once(
    values: list[float], kind: type[np.floating[Any]], pieces: int
) -> None:
    array = np.array(values, dtype=kind) / kind(3)
    counts = ValueCounts.of(array[:0])
    for piece in np.array_split(array, pieces):
        counts = ValueCounts.of(piece).added_to(counts)
    assert counts.median() == np.median(array)
    assert counts.mean() == pytest.approx(float(array.mean(dtype=np.float64)), rel=1e-12)
    assert np.isnan(ValueCounts.of(array[:0]).median())
    assert np.isnan(ValueCounts.of(array[:0]).mean())


def test_the_correlation_is_that_of_the_package_for_careless_responding() -> None:
    random = np.random.default_rng(5)
    given = random.integers(1, 11, size=(300, 34)).astype(np.float64)
    given[random.random(given.shape) < 0.2] = np.nan
    given[:, 7] = np.nan
    given[3] = 6.0
    assert (np.isfinite(given).sum(axis=1) >= MIN_CORRELATION_RATINGS).all()
    means = np.array([ValueCounts.of(column[np.isfinite(column)]).mean() for column in given.T])
    correlation, spread = _correlate_with_means(given, means)
    asked = np.delete(given, 7, axis=1)
    np.testing.assert_allclose(correlation, person_total(asked), rtol=0, atol=1e-12)
    np.testing.assert_allclose(spread, irv(asked), rtol=0, atol=1e-12)


def test_the_longest_runs_are_those_of_the_package_for_careless_responding() -> None:
    random = np.random.default_rng(6)
    given = random.integers(1, 4, size=(400, 34)).astype(np.float64)
    given[random.random(given.shape) < 0.3] = np.nan
    given[5] = np.nan
    given[6] = 2.0
    np.testing.assert_array_equal(_measure_longest_runs(given), longstring_scores(given))


def test_cities_are_put_together_until_a_part_is_worth_its_calls() -> None:
    half = MIN_PART_INTERVIEWS // 2
    counts = {"a": half, "b": half, "c": 3 * half, "d": 1, "e": 1}
    assert group_cities(counts) == [("a", "b"), ("c",), ("d", "e")]
    assert group_cities({"a": 1, "b": 3 * half}) == [("a", "b")]
    assert group_cities({}) == [()]
