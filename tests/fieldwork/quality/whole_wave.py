"""Assessment of a wave that is one part, as tests of detectors take it."""

from survey.fieldwork.quality.part_assessment import QualityAssessment, assess_part
from survey.fieldwork.quality.response_arrays import ResponseArrays
from survey.fieldwork.quality.wave_norms import PartCounts, WaveNorms


def assess_responses(interviews: ResponseArrays) -> QualityAssessment:
    """Every detector's flags of a whole wave, with the norms of that wave."""
    return assess_part(interviews, WaveNorms.of([PartCounts.of(interviews)]))
