"""Disclosure control: the single gate between estimates and readers."""

from survey.disclosure.differencing import DomainCounts, Overlaps, count_pairs, find_overlaps
from survey.disclosure.embargo import CityRun, areas_to_withhold, microaggregate, top_city_codes
from survey.disclosure.gate import audit_published, narrow_keys, protect
from survey.disclosure.interval_audit import WORK_PER_SECOND, IntervalAuditor
from survey.disclosure.secondary import AnswerSides
from survey.disclosure.suppression import (
    CELL_KEYS,
    HIDDEN,
    MINIMUM_N,
    AdditiveTotal,
    CubeAxes,
    SuppressionReason,
    count_hidden_by_rule,
    mask_reasons,
    mask_sensitive_reason,
    propagate_suppression,
)

__all__ = [
    "CELL_KEYS",
    "HIDDEN",
    "MINIMUM_N",
    "WORK_PER_SECOND",
    "AdditiveTotal",
    "AnswerSides",
    "CityRun",
    "CubeAxes",
    "DomainCounts",
    "IntervalAuditor",
    "Overlaps",
    "SuppressionReason",
    "areas_to_withhold",
    "audit_published",
    "count_hidden_by_rule",
    "count_pairs",
    "find_overlaps",
    "mask_reasons",
    "mask_sensitive_reason",
    "microaggregate",
    "narrow_keys",
    "propagate_suppression",
    "protect",
    "top_city_codes",
]
