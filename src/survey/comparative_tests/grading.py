"""Grading of one sample, step by step: values, marks, weighted mark, devaluations, grade.

Marks of characteristics are rounded to one decimal, half up, and the weighted mark is computed of
these, so that every step can be checked by hand with what is printed. Caps and deductions are all
found from the weighted mark, so that their order changes nothing, and none of them can raise it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import pairwise

from survey.comparative_tests.rules import (
    ALL_WEIGHTS,
    FULL_MARK,
    Characteristic,
    DecisionKind,
    DecisionRule,
    Devaluation,
    Effect,
    GradingRules,
    MarkGrade,
    MarkPoint,
    Trigger,
)

MARK_STEP = Decimal("0.1")
_NO_MARK = Decimal()


class Verdict(StrEnum):
    """Result of comparing a measured value with its limits: passes, fails, or either in doubt."""

    NO_LIMIT = "no_limit"
    PASSES = "passes"
    PASSES_CONDITIONALLY = "passes_conditionally"
    """Within the limit, but not by the guard band."""
    FAILS_CONDITIONALLY = "fails_conditionally"
    """Beyond the limit, but not by the guard band."""
    FAILS = "fails"


FAILING = frozenset({Verdict.FAILS, Verdict.FAILS_CONDITIONALLY})


@dataclass(frozen=True)
class Measurement:
    """Measured value with expanded uncertainty and coverage factor, as the laboratory reports it.

    `is_below` marks a value that was not detected: it lies between 0 and `value`.
    """

    value: Decimal
    uncertainty: Decimal | None = None
    coverage: Decimal | None = None
    is_below: bool = False


@dataclass(frozen=True)
class CharacteristicStep:
    """Grading of one characteristic of a sample: value, comparison with limits, mark, weight."""

    characteristic: str
    measurement: Measurement
    low: Decimal
    high: Decimal
    """Interval of the value at the coverage factor of the decision rule."""
    verdict: Verdict
    is_straddling: bool
    """Whether a limit lies within the interval: the measurement cannot tell which side is true."""
    mark: Decimal
    weight: Decimal
    contribution: Decimal
    """Weight times mark, in points of the whole mark; not rounded."""


@dataclass(frozen=True)
class DevaluationStep:
    """One devaluation rule for a sample: whether it applies, its cap and its deduction."""

    rule: str
    applies: bool
    cap: Decimal | None = None
    """Highest mark that it leaves."""
    deduction: Decimal = _NO_MARK


@dataclass(frozen=True)
class SampleGrade:
    """Grade of a sample with every step of its calculation."""

    characteristics: tuple[CharacteristicStep, ...]
    weighted: Decimal
    devaluations: tuple[DevaluationStep, ...]
    mark: Decimal
    grade: str


class MissingValuesError(ValueError):
    """Raised when values of a sample are missing or cannot be compared with their limits."""

    def __init__(self, characteristics: tuple[str, ...]) -> None:
        super().__init__(", ".join(characteristics))
        self.characteristics = characteristics


def grade_sample(rules: GradingRules, values: Mapping[str, Measurement]) -> SampleGrade:
    """Return the grade of a sample, with each step that leads to it.

    Raises:
        MissingValuesError: values of some characteristics are missing, or not decidable.
    """
    missing = tuple(
        characteristic.key
        for characteristic in rules.characteristics
        if not is_decidable(characteristic, values.get(characteristic.key))
    )
    if missing or not rules.is_complete:
        raise MissingValuesError(missing)
    characteristics = tuple(
        _grade_characteristic(characteristic, values[characteristic.key], rules.decision)
        for characteristic in rules.characteristics
    )
    weighted = round_mark(sum((step.contribution for step in characteristics), _NO_MARK))
    by_key = {step.characteristic: step for step in characteristics}
    devaluations = tuple(
        _apply_devaluation(rule, by_key[rule.characteristic]) for rule in rules.devaluations
    )
    mark = apply_devaluations(weighted, devaluations)
    return SampleGrade(
        characteristics, weighted, devaluations, mark, find_grade(rules.grades, mark).key
    )


def is_decidable(characteristic: Characteristic, measurement: Measurement | None) -> bool:
    """Return whether a measurement exists and can be compared with the limits.

    What was not detected lies anywhere between 0 and the limit of detection. Where that reaches
    beyond a limit, the value may be on either side of it (ILAC-G8:09/2019): it neither conforms
    nor does it not, and the laboratory needs a method that detects less.
    """
    if measurement is None or not measurement.is_below:
        return measurement is not None
    limits = (characteristic.lower, characteristic.upper)
    return not any(limit is not None and 0 <= limit < measurement.value for limit in limits)


def apply_devaluations(weighted: Decimal, steps: tuple[DevaluationStep, ...]) -> Decimal:
    """Return mark `weighted` less all deductions, at most the lowest cap, and never below 0."""
    deducted = weighted - sum((step.deduction for step in steps), _NO_MARK)
    caps = [step.cap for step in steps if step.cap is not None]
    return max(min([deducted, *caps]), _NO_MARK)


def find_grade(grades: tuple[MarkGrade, ...], mark: Decimal) -> MarkGrade:
    """Return the grade with the highest lower bound that the mark reaches."""
    return max((each for each in grades if each.from_mark <= mark), key=lambda each: each.from_mark)


def round_mark(mark: Decimal) -> Decimal:
    """Return a mark rounded to one decimal, half up."""
    return mark.quantize(MARK_STEP, ROUND_HALF_UP)


def _grade_characteristic(
    characteristic: Characteristic, measurement: Measurement, rule: DecisionRule
) -> CharacteristicStep:
    half = _expand_uncertainty(measurement, rule)
    low = _NO_MARK if measurement.is_below else measurement.value - half
    high = measurement.value if measurement.is_below else measurement.value + half
    verdict = decide(characteristic, measurement, rule)
    if characteristic.points:
        mark = round_mark(_interpolate_mark(characteristic.points, measurement.value))
    else:
        mark = _NO_MARK if verdict in FAILING else FULL_MARK
    return CharacteristicStep(
        characteristic=characteristic.key,
        measurement=measurement,
        low=low,
        high=high,
        verdict=verdict,
        is_straddling=any(
            limit is not None and low < limit < high
            for limit in (characteristic.lower, characteristic.upper)
        ),
        mark=mark,
        weight=characteristic.weight,
        contribution=characteristic.weight * mark / ALL_WEIGHTS,
    )


def _expand_uncertainty(measurement: Measurement, rule: DecisionRule) -> Decimal:
    """Return the expanded uncertainty, converted to the coverage factor of the rule."""
    if measurement.uncertainty is None or measurement.is_below:
        return _NO_MARK
    return measurement.uncertainty / (measurement.coverage or rule.coverage) * rule.coverage


def decide(characteristic: Characteristic, measurement: Measurement, rule: DecisionRule) -> Verdict:
    """Return the `Verdict` on a value and its limits, by the decision rule on uncertainty."""
    inside = min(_iter_limit_distances(characteristic, measurement), default=None)
    if inside is None:
        return Verdict.NO_LIMIT
    band = rule.factor * _expand_uncertainty(measurement, rule)
    if rule.kind is DecisionKind.SIMPLE:
        return Verdict.PASSES if inside >= 0 else Verdict.FAILS
    if rule.kind is DecisionKind.GUARD_BAND:
        return Verdict.PASSES if inside >= band else Verdict.FAILS
    if inside >= 0:
        return Verdict.PASSES if inside >= band else Verdict.PASSES_CONDITIONALLY
    return Verdict.FAILS_CONDITIONALLY if -inside <= band else Verdict.FAILS


def _iter_limit_distances(
    characteristic: Characteristic, measurement: Measurement
) -> Iterator[Decimal]:
    """Yield the value's distance to each limit: positive inside the limit, negative beyond."""
    if characteristic.upper is not None:
        yield characteristic.upper - measurement.value
    if characteristic.lower is not None:
        yield (_NO_MARK if measurement.is_below else measurement.value) - characteristic.lower


def _interpolate_mark(points: tuple[MarkPoint, ...], value: Decimal) -> Decimal:
    """Return the mark of a value by linear interpolation, constant beyond the outer points."""
    if value <= points[0].value:
        return points[0].mark
    for before, after in pairwise(points):
        if value <= after.value:
            share = (value - before.value) / (after.value - before.value)
            return before.mark + share * (after.mark - before.mark)
    return points[-1].mark


def _apply_devaluation(rule: Devaluation, step: CharacteristicStep) -> DevaluationStep:
    if not _is_triggered(rule, step):
        return DevaluationStep(rule.key, applies=False)
    if rule.effect is Effect.DEDUCT:
        return DevaluationStep(rule.key, applies=True, deduction=rule.amount)
    cap = rule.amount if rule.effect is Effect.CAP else step.mark + rule.amount
    return DevaluationStep(rule.key, applies=True, cap=cap)


def _is_triggered(rule: Devaluation, step: CharacteristicStep) -> bool:
    if rule.trigger is Trigger.MARK_BELOW:
        return rule.threshold is not None and step.mark < rule.threshold
    if rule.trigger is Trigger.FAILS:
        return step.verdict is Verdict.FAILS
    return step.verdict in FAILING
