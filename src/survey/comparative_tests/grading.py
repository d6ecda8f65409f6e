"""Grading of one sample, step by step: values, marks, groups, weighted mark, devaluations, grade.

Marks of characteristics are rounded to one decimal, half up, and the weighted mark is computed of
these, so that every step can be checked by hand with what is printed. Caps and deductions are all
found from the weighted mark, so that their order changes nothing, and none of them can raise it.
A characteristic that does not apply to a product has no mark: the weights of the others count as
if they were all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import pairwise

from survey.comparative_tests.rules import (
    ALL_WEIGHTS,
    FULL_MARK,
    Applicability,
    Characteristic,
    ClaimKind,
    Combination,
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
    NOT_APPLICABLE = "not_applicable"
    """The characteristic is not one of this product: neither missing nor a failure."""


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
    is_applicable: bool = True
    """Whether the product has the characteristic at all; `value` means nothing if not."""
    replicates: tuple["Measurement", ...] = ()
    """Repeated measurements of which this is the combination; empty for a single one."""


NOT_APPLICABLE = Measurement(Decimal(), is_applicable=False)


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
    """Points of the whole mark, or of the mark of its group where groups have marks; not rounded.

    Weight times mark, by the weights of those that apply."""
    claimed: Decimal | None = None
    """What the product claims of itself; None if it claims nothing or nothing is checked."""
    claim_verdict: Verdict = Verdict.NO_LIMIT

    @property
    def is_applicable(self) -> bool:
        return self.measurement.is_applicable


@dataclass(frozen=True)
class GroupStep:
    """Mark of a group of characteristics of a sample: by the mean or by the weakest of them."""

    heading: str
    combination: Combination
    mark: Decimal | None
    """None if none of its characteristics applies to the product."""
    weight: Decimal
    """Sum of the weights of all its characteristics, also of those that do not apply."""


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
    groups: tuple[GroupStep, ...] = ()
    """Empty where the rules know no marks of groups."""


class MissingValuesError(ValueError):
    """Raised when values of a sample are missing or cannot be compared with their limits."""

    def __init__(self, characteristics: tuple[str, ...]) -> None:
        super().__init__(", ".join(characteristics))
        self.characteristics = characteristics


def grade_sample(
    rules: GradingRules,
    values: Mapping[str, Measurement],
    claims: Mapping[str, Decimal] | None = None,
) -> SampleGrade:
    """Return the grade of a sample, with each step that leads to it.

    Args:
        claims: Characteristic key -> value that the product claims.

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
    shares = _sum_applicable_weights(rules, values)
    characteristics = tuple(
        _grade_characteristic(
            characteristic,
            values[characteristic.key],
            rules.decision,
            (claims or {}).get(characteristic.key),
            shares[characteristic.group if rules.groups else ""],
        )
        for characteristic in rules.characteristics
    )
    by_key = {step.characteristic: step for step in characteristics}
    groups = _mark_groups(rules, by_key)
    weighted = _combine_marks(*_list_parts(rules, characteristics, groups))
    assert weighted is not None  # One that applies to every product has a weight.
    devaluations = tuple(
        _apply_devaluation(rule, by_key[rule.characteristic]) for rule in rules.devaluations
    )
    mark = apply_devaluations(weighted, devaluations)
    return SampleGrade(
        characteristics, weighted, devaluations, mark, find_grade(rules.grades, mark).key, groups
    )


def _sum_applicable_weights(
    rules: GradingRules, values: Mapping[str, Measurement]
) -> dict[str, Decimal]:
    """Return heading -> sum of the weights that apply to a product; all under "" without groups."""
    sums: dict[str, Decimal] = {}
    for each in rules.characteristics:
        heading = each.group if rules.groups else ""
        weight = each.weight if values[each.key].is_applicable else _NO_MARK
        sums[heading] = sums.get(heading, _NO_MARK) + weight
    return sums


def _mark_groups(
    rules: GradingRules, steps: Mapping[str, CharacteristicStep]
) -> tuple[GroupStep, ...]:
    marked = []
    for rule in rules.groups:
        own = [each for each in rules.characteristics if each.group == rule.heading and each.weight]
        if not own:  # The rule of the product as a whole.
            continue
        parts = [(each.weight, steps[each.key].mark) for each in own
                 if steps[each.key].is_applicable]  # fmt: skip
        weight = sum((each.weight for each in own), _NO_MARK)
        mark = _combine_marks(rule.combination, parts)
        marked.append(GroupStep(rule.heading, rule.combination, mark, weight))
    return tuple(marked)


def _list_parts(
    rules: GradingRules, steps: Iterable[CharacteristicStep], groups: Iterable[GroupStep]
) -> tuple[Combination, list[tuple[Decimal, Decimal]]]:
    """Return how the mark of the product is combined, and of which weights and marks."""
    if not rules.groups:
        parts = [(step.weight, step.mark) for step in steps if step.is_applicable and step.weight]
        return Combination.MEAN, parts
    return rules.combination, [(each.weight, each.mark) for each in groups if each.mark is not None]


def _combine_marks(
    combination: Combination, parts: Sequence[tuple[Decimal, Decimal]]
) -> Decimal | None:
    """Return the mean of marks with their weights, or the weakest, rounded; None of none."""
    if not parts:
        return None
    if combination is Combination.WEAKEST:
        return min(mark for _, mark in parts)
    total = sum((weight for weight, _ in parts), _NO_MARK)
    return round_mark(sum((weight * mark for weight, mark in parts), _NO_MARK) / total)


def is_decidable(characteristic: Characteristic, measurement: Measurement | None) -> bool:
    """Return whether a measurement exists and can be compared with the limits.

    *Not applicable* is an answer where the rules say that not every product has the characteristic.

    What was not detected lies anywhere between 0 and the limit of detection. Where that reaches
    beyond a limit, the value may be on either side of it (ILAC-G8:09/2019): it neither conforms
    nor does it not, and the laboratory needs a method that detects less.
    """
    if measurement is not None and not measurement.is_applicable:
        return characteristic.applies is Applicability.SOME
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
    characteristic: Characteristic,
    measurement: Measurement,
    rule: DecisionRule,
    claimed: Decimal | None,
    weights: Decimal,
) -> CharacteristicStep:
    """Return the step of one characteristic; `weights` is the sum that its own is a part of."""
    if not measurement.is_applicable:
        return CharacteristicStep(
            characteristic.key, measurement, _NO_MARK, _NO_MARK, Verdict.NOT_APPLICABLE, False,
            _NO_MARK, characteristic.weight, _NO_MARK,
        )  # fmt: skip
    half = _expand_uncertainty(measurement, rule)
    low = _NO_MARK if measurement.is_below else measurement.value - half
    high = measurement.value if measurement.is_below else measurement.value + half
    verdict = decide(characteristic, measurement, rule)
    if characteristic.points:
        mark = round_mark(_interpolate_mark(characteristic.points, measurement.value))
    else:
        mark = _NO_MARK if verdict in FAILING else FULL_MARK
    claimed = claimed if characteristic.claim is not None else None
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
        contribution=characteristic.weight * mark / weights if weights else _NO_MARK,
        claimed=claimed,
        claim_verdict=(
            Verdict.NO_LIMIT
            if claimed is None
            else _check_claim(characteristic, measurement, rule, claimed)
        ),
    )


def _check_claim(
    characteristic: Characteristic, measurement: Measurement, rule: DecisionRule, claimed: Decimal
) -> Verdict:
    """Return the verdict on a claimed value: its tolerance makes the limits that are decided on."""
    tolerance = abs(claimed) * characteristic.claim_tolerance / ALL_WEIGHTS
    kind = characteristic.claim
    limits = characteristic.model_copy(
        update={
            "lower": None if kind is ClaimKind.AT_MOST else claimed - tolerance,
            "upper": None if kind is ClaimKind.AT_LEAST else claimed + tolerance,
        }
    )
    if not is_decidable(limits, measurement):
        return Verdict.NO_LIMIT
    return decide(limits, measurement, rule)


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
        return step.is_applicable and rule.threshold is not None and step.mark < rule.threshold
    if rule.trigger is Trigger.CLAIM_FAILS:
        return step.claim_verdict is Verdict.FAILS
    if rule.trigger is Trigger.FAILS:
        return step.verdict is Verdict.FAILS
    return step.verdict in FAILING
