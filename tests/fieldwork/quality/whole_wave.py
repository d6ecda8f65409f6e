"""Assessment of a wave that is one part, as tests of detectors take it."""

from survey.review.quality.response_arrays import ResponseArrays
from survey.review.quality.wave_norms import PartCounts, WaveNorms
from survey.review.quality.wave_parts import QualityAssessment, assess_part


def assess_responses(interviews: ResponseArrays) -> QualityAssessment:
    """Every detector's flags of a whole wave, with the norms of that wave."""
    return assess_part(interviews, WaveNorms.of([PartCounts.of(interviews)]))
