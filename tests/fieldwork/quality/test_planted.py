"""The detectors against a small demo wave whose bad interviews are known."""

import sys

import numpy as np
import pytest

from survey.settings import PROJECT_ROOT

if str(PROJECT_ROOT) not in sys.path:
    sys.path.insert(0, str(PROJECT_ROOT))

from benchmarks.quality.detection import (
    RiskDetection,
    measure_by_kind,
    measure_risk_detection,
    planted_interviews,
)
from seed.demo import generate_wave
from seed.demo.bad_interviews import MOBILISED_CITY
from survey.review.quality.flags import MIN_REVIEW_RISK, FlagKind
from survey.review.quality.response_arrays import ResponseArrays
from survey.review.quality.wave_parts import QualityAssessment
from tests.fieldwork.quality.whole_wave import assess_responses

Planted = tuple[ResponseArrays, "np.ndarray[tuple[int], np.dtype[np.str_]]", QualityAssessment]


@pytest.fixture(scope="module")
def planted() -> Planted:
    interviews, kind = planted_interviews(generate_wave("main-2023", n=5_000, seed=11))
    return interviews, kind, assess_responses(interviews)


def test_nine_of_ten_bad_ones_are_caught_at_two_false_alarms_in_a_hundred(planted: Planted) -> None:
    _, kind, assessment = planted
    result: RiskDetection = measure_risk_detection(assessment.risk, kind, MIN_REVIEW_RISK)
    assert result.caught["all"] >= 0.90
    assert result.false_alarms <= 0.02
    assert min(result.caught.values()) >= 0.75


def test_each_detector_finds_what_it_is_meant_for(planted: Planted) -> None:
    interviews, kind, assessment = planted
    strength = {flags.kind: np.zeros(len(interviews)) for flags in assessment.flags}
    for flags in assessment.flags:
        strength[flags.kind][flags.rows] = flags.strength
    results = {result.kind: result for result in measure_by_kind(strength, kind)}
    for sort in (
        FlagKind.SPEED,
        FlagKind.STRAIGHT_LINING,
        FlagKind.NEAR_DUPLICATE,
        FlagKind.BURST,
        FlagKind.SAME_DEVICE,
        FlagKind.OUT_OF_POINT,
    ):
        recall = results[sort].recall
        assert recall is not None
        assert recall >= 0.85, sort
    for sort in (
        FlagKind.SPEED,
        FlagKind.NEAR_DUPLICATE,
        FlagKind.HOUR,
        FlagKind.BURST,
        FlagKind.SAME_DEVICE,
        FlagKind.OUT_OF_POINT,
    ):
        assert results[sort].false_alarms <= 0.01, sort


def test_bursts_lie_in_the_mobilised_city(planted: Planted) -> None:
    interviews, _, assessment = planted
    (bursts,) = [flags for flags in assessment.flags if flags.kind is FlagKind.BURST]
    cities = {interviews.city.names[code] for code in interviews.city.codes[bursts.rows]}
    assert cities == {MOBILISED_CITY}
