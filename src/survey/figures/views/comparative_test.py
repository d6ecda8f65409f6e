"""Result table of a comparative test as associations publish it, and the steps to each grade."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from survey.comparative_tests.better import compute_probability_better, find_direction
from survey.comparative_tests.grading import (
    FAILING,
    CharacteristicStep,
    Measurement,
    SampleGrade,
    Verdict,
)
from survey.comparative_tests.reading import ComparativeTestDetail, GradedSample
from survey.comparative_tests.replicates import compute_repeatability
from survey.comparative_tests.rules import Characteristic, Combination, Devaluation, Effect, Trigger
from survey.comparative_tests.rules_workbook import (
    APPLICABILITY_NAMES,
    CLAIM_NAMES,
    COMBINATION_NAMES,
)
from survey.comparative_tests.value_list import BELOW, NOT_APPLICABLE_TEXT
from survey.locale import Labels, Message, Translator, label_text, msg
from survey.locale.figures import MISSING, format_score, format_share
from survey.store.china_time import format_day
from survey.store.tables.evidence import CHANNEL_NAMES

VERDICT_NAMES: dict[Verdict, Message] = {
    Verdict.NO_LIMIT: msg("no limit"),
    Verdict.PASSES: msg("conforms"),
    Verdict.PASSES_CONDITIONALLY: msg("conforms, within the uncertainty"),
    Verdict.FAILS_CONDITIONALLY: msg("does not conform, within the uncertainty"),
    Verdict.FAILS: msg("does not conform"),
    Verdict.NOT_APPLICABLE: NOT_APPLICABLE_TEXT,
}
_CLAIM_VERDICT_NAMES: dict[Verdict, Message] = {
    Verdict.NO_LIMIT: msg("cannot be told"),
    Verdict.PASSES: msg("kept"),
    Verdict.PASSES_CONDITIONALLY: msg("kept, within the uncertainty"),
    Verdict.FAILS_CONDITIONALLY: msg("not kept, within the uncertainty"),
    Verdict.FAILS: msg("not kept"),
}
_SURE = 0.01
"""Probabilities nearer to 0 or 1 are not told apart."""
_TRIGGER_TEXTS: dict[Trigger, Message] = {
    Trigger.FAILS: msg("if {characteristic} does not conform"),
    Trigger.FAILS_OR_DOUBTFUL: msg("if {characteristic} does not conform, also within doubt"),
    Trigger.MARK_BELOW: msg("if the mark of {characteristic} is below {threshold}"),
    Trigger.CLAIM_FAILS: msg("if {characteristic} does not keep what the product claims"),
}
_EFFECT_TEXTS: dict[Effect, Message] = {
    Effect.CAP: msg("the mark is at most {amount}"),
    Effect.CAP_AT_CHARACTERISTIC: msg("the mark is at most its own plus {amount}"),
    Effect.DEDUCT: msg("{amount} points are taken off"),
}


@dataclass(frozen=True)
class ComparisonTable:
    """Table of a test: heads, and rows with a text or a number for each head."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]


@dataclass(frozen=True)
class GradeSteps:
    """Steps from the measured values of a sample to its grade, as tables and sentences."""

    characteristics: ComparisonTable
    groups: ComparisonTable
    """Marks of groups; without rows where the rules know none."""
    devaluations: ComparisonTable
    sentences: tuple[str, ...]
    """The weighted mark, what devaluations leave of it, and the grade."""


def build_programme_table(
    tests: Sequence[ComparativeTestDetail], t: Translator, language: str
) -> ComparisonTable:
    """Return the products of all tests of a programme by falling mark, with their test and day."""
    rows = [
        (
            f"{each.data.brand} {each.data.model}",
            ComparativeTestTexts(test, t, language).grade_name(each.standing.grade),
            float(each.standing.mark),
            label_text(test.summary.title, language),
            format_day(t, each.data.bought_on),
        )
        for test in tests
        for each in test.samples
        if each.standing is not None
    ]
    rows.sort(key=lambda row: (-row[2], row[0]))
    heads = (t("Brand and model"), t("Grade"), t("Mark, 0 to 100"), t("Test"), t("Bought on"))
    return ComparisonTable(heads, tuple(rows))


class ComparativeTestTexts:
    """Words and tables of one comparative test in one language."""

    def __init__(self, test: ComparativeTestDetail, t: Translator, language: str) -> None:
        self._test, self._t, self._language = test, t, language

    def label(self, labels: Labels) -> str:
        """Return the text in the reader's language from `labels` (language -> text)."""
        return label_text(labels, self._language)

    def grade_name(self, key: str) -> str:
        """Return the name of the grade with this key."""
        return self.label(next(g.name for g in self._test.rules.grades if g.key == key))

    def list_failed_characteristics(self, grade: SampleGrade) -> list[str]:
        """Return the names of the characteristics that clearly do not conform to their limit."""
        names = {each.key: self.label(each.name) for each in self._test.rules.characteristics}
        return [
            names[each.characteristic]
            for each in grade.characteristics
            if each.verdict is Verdict.FAILS
        ]

    def build_result_table(self) -> ComparisonTable:
        """Return the table of all graded samples by falling mark, equal marks by sample number."""
        t, rules = self._t, self._test.rules
        graded = [each for each in self._test.samples if each.standing is not None]
        graded.sort(key=lambda each: (-_get_standing(each).mark, each.data.code))
        heads = (
            t("Brand and model"),
            t("Grade"),
            t("Mark, 0 to 100"),
            *(self.characteristic_head(each) for each in rules.characteristics),
            t("Maker"),
            t("Batch"),
            t("Price (yuan)"),
            t("Bought at"),
            t("Sample number"),
        )
        return ComparisonTable(heads, tuple(self._build_result_row(each) for each in graded))

    def list_failing(self) -> dict[str, str]:
        """Return code -> brand and model of the samples that do not conform to a limit."""
        return {
            each.data.code: f"{each.data.brand} {each.data.model}"
            for each in self._test.samples
            if each.standing is not None and self.list_failed_characteristics(each.standing)
        }

    def _build_result_row(self, sample: GradedSample) -> tuple[str | float, ...]:
        data, grade = sample.data, _get_standing(sample)
        return (
            f"{data.brand} {data.model}",
            self.grade_name(grade.grade) + self._marks_of(sample),
            float(grade.mark),
            *(self._format_characteristic(step) for step in grade.characteristics),
            data.maker,
            data.batch,
            data.price_fen / 100,
            f"{self._t(CHANNEL_NAMES[data.channel])} · {data.place}",
            data.code,
        )

    def _marks_of(self, sample: GradedSample) -> str:
        """Return the signs beside a grade: ▼ if a rule lowered it, * if an erratum changed it."""
        lowered = _get_standing(sample).mark < _get_standing(sample).weighted
        return (" ▼" if lowered else "") + (" *" if sample.corrected else "")

    def _format_characteristic(self, step: CharacteristicStep) -> str:
        value = self.format_value(step.measurement)
        remarks = []
        if step.verdict not in {Verdict.NO_LIMIT, Verdict.PASSES, Verdict.NOT_APPLICABLE}:
            remarks.append(self._t(VERDICT_NAMES[step.verdict]))
        if step.claim_verdict in FAILING:
            remarks.append(self._describe_claim(step))
        remark = self._t(", ").join(remarks)
        return f"{value} ({remark})" if remark else value

    def format_value(self, measurement: Measurement) -> str:
        """Return a value with the laboratory's own digits and its uncertainty, if it has one.

        Of repeated measurements, also their number and standard deviation.
        """
        if not measurement.is_applicable:
            return self._t(NOT_APPLICABLE_TEXT)
        value = f"{BELOW if measurement.is_below else ''}{measurement.value:f}"
        if measurement.uncertainty is not None:
            value = f"{value} ± {measurement.uncertainty:f}"
        count = len(measurement.replicates)
        if not count:
            return value
        if measurement.is_below:
            return self._t("{value}, {count} measurements", value=value, count=count)
        decimals = max(-int(measurement.value.as_tuple().exponent), 0)
        deviation = format_score(float(compute_repeatability(measurement.replicates)), decimals)
        return self._t(
            "{value}, mean of {count}, s = {deviation}",
            value=value,
            count=count,
            deviation=deviation,
        )

    def build_comparison(self, one: GradedSample, other: GradedSample) -> ComparisonTable:
        """Return the values of two samples side by side, and how surely the first is better."""
        t, by_key = self._t, self._test.rules.by_key
        pairs = zip(
            _get_standing(one).characteristics, _get_standing(other).characteristics, strict=True
        )
        rows = (
            (
                self.characteristic_head(by_key[step.characteristic]),
                self.format_value(step.measurement),
                self.format_value(beside.measurement),
                self._format_better(by_key[step.characteristic], step, beside),
            )
            for step, beside in pairs
        )
        heads = (
            t("Characteristic"),
            f"{one.data.brand} {one.data.model}",
            f"{other.data.brand} {other.data.model}",
            t("Probability that the first is better"),
        )
        return ComparisonTable(heads, tuple(rows))

    def _format_better(
        self, characteristic: Characteristic, one: CharacteristicStep, other: CharacteristicStep
    ) -> str:
        direction = find_direction(characteristic)
        if direction is None:
            return MISSING
        share = compute_probability_better(one.measurement, other.measurement, direction)
        # No measurement is surer than that.
        if share is not None and share > 1 - _SURE:
            return self._t("above {share}", share=format_share(1 - _SURE, 0))
        if share is not None and share < _SURE:
            return self._t("below {share}", share=format_share(_SURE, 0))
        return format_share(share, 0)

    def _describe_claim(self, step: CharacteristicStep) -> str:
        """Return what a product claims and whether it is kept; empty if it claims nothing."""
        if step.claimed is None or not step.is_applicable:
            return ""
        verdict = self._t(_CLAIM_VERDICT_NAMES[step.claim_verdict])
        return self._t("claimed {value}: {verdict}", value=f"{step.claimed:f}", verdict=verdict)

    def build_rule_table(self) -> ComparisonTable:
        """Return the table of the characteristics as the rules have them."""
        t = self._t
        heads = (
            t("Characteristic"),
            t("Weight (%)"),
            t("Limit"),
            t("Standard of the limit, with its edition"),
            t("Test method, with its edition"),
            t("Applies to"),
            t("Compared with the claim"),
        )
        rows = (
            (
                self.characteristic_head(each),
                float(each.weight),
                self.format_limit(each),
                each.limit_standard or "–",
                each.method,
                t(APPLICABILITY_NAMES[each.applies]),
                self._describe_claim_rule(each),
            )
            for each in self._test.rules.characteristics
        )
        return ComparisonTable(heads, tuple(rows))

    def _describe_claim_rule(self, characteristic: Characteristic) -> str:
        if characteristic.claim is None:
            return "–"
        name = self._t(CLAIM_NAMES[characteristic.claim])
        if not characteristic.claim_tolerance:
            return name
        return f"{name} (± {characteristic.claim_tolerance:f} %)"

    def list_remarks(self, grade: SampleGrade) -> list[str]:
        """Return sentences that the table of the steps of a grade needs."""
        t, remarks = self._t, []
        if any(not step.is_applicable for step in grade.characteristics):
            remarks.append(
                t(
                    "What does not apply to a product is neither missing nor a failure: the "
                    "weights of the others count as if they were all."
                )
            )
        if any(step.is_straddling for step in grade.characteristics):
            remarks.append(
                t(
                    "Where the limit lies within the interval, the measurement cannot tell on "
                    "which side the true value is."
                )
            )
        return remarks

    def characteristic_head(self, characteristic: Characteristic) -> str:
        """Return the name of a characteristic with its unit."""
        name = self.label(characteristic.name)
        return f"{name} ({characteristic.unit})" if characteristic.unit else name

    def format_limit(self, characteristic: Characteristic) -> str:
        """Return the limits of a characteristic such as `≥ 2, ≤ 5`; a dash without any."""
        parts = []
        if characteristic.lower is not None:
            parts.append(f"≥ {characteristic.lower:f}")
        if characteristic.upper is not None:
            parts.append(f"≤ {characteristic.upper:f}")
        return ", ".join(parts) or "–"

    def describe_devaluation(self, rule: Devaluation) -> str:
        """Return in words when a devaluation rule applies and what it does to the mark."""
        t = self._t
        characteristic = self._test.rules.by_key[rule.characteristic]
        condition = t(
            _TRIGGER_TEXTS[rule.trigger].msgid,
            characteristic=self.label(characteristic.name),
            threshold="" if rule.threshold is None else f"{rule.threshold:f}",
        )
        effect = t(_EFFECT_TEXTS[rule.effect].msgid, amount=f"{rule.amount:f}")
        return t("{condition}, {effect}", condition=condition, effect=effect)

    def build_steps(self, grade: SampleGrade) -> GradeSteps:
        """Return the steps from the measured values of a sample to its grade."""
        t = self._t
        by_key = self._test.rules.by_key
        characteristics = ComparisonTable(
            (
                t("Characteristic"),
                t("Measured value"),
                t("Interval"),
                t("Limit"),
                t("Conformity"),
                t("Claim"),
                t("Mark, 0 to 100"),
                t("Weight (%)"),
                t("Weighted points"),
            ),
            tuple(
                (
                    self.characteristic_head(by_key[step.characteristic]),
                    self.format_value(step.measurement),
                    self._format_interval(step),
                    self.format_limit(by_key[step.characteristic]),
                    self._describe_verdict(step),
                    self._describe_claim(step) or "–",
                    float(step.mark) if step.is_applicable else "–",
                    float(step.weight),
                    float(step.contribution) if step.is_applicable else "–",
                )
                for step in grade.characteristics
            ),
        )
        rules = {rule.key: rule for rule in self._test.rules.devaluations}
        devaluations = ComparisonTable(
            (t("Devaluation"), t("Rule"), t("Applies"), t("Result")),
            tuple(
                (
                    self.label(rules[step.rule].name),
                    self.describe_devaluation(rules[step.rule]),
                    t("yes") if step.applies else t("no"),
                    self._format_devaluation(step.cap, step.deduction),
                )
                for step in grade.devaluations
            ),
        )
        groups = ComparisonTable(
            (t("Heading"), t("Mark of the group"), t("Mark, 0 to 100"), t("Weight (%)")),
            tuple(
                (
                    step.heading,
                    t(COMBINATION_NAMES[step.combination]),
                    t(NOT_APPLICABLE_TEXT) if step.mark is None else float(step.mark),
                    float(step.weight),
                )
                for step in grade.groups
            ),
        )
        return GradeSteps(characteristics, groups, devaluations, self._describe_grading(grade))

    def _format_interval(self, step: CharacteristicStep) -> str:
        """Return the interval of a measured value; a dash where it has no uncertainty."""
        if not step.is_applicable or (
            step.measurement.uncertainty is None and not step.measurement.is_below
        ):
            return "–"
        return self._t(
            "{low} to {high}",
            low=_format_short_number(step.low),
            high=_format_short_number(step.high),
        )

    def _describe_verdict(self, step: CharacteristicStep) -> str:
        verdict = self._t(VERDICT_NAMES[step.verdict])
        if not step.is_straddling:
            return verdict
        doubt = self._t("the limit lies within the interval")
        return f"{verdict} · {doubt}"

    def _format_devaluation(self, cap: Decimal | None, deduction: Decimal) -> str:
        if cap is not None:
            return self._t("at most {cap}", cap=f"{cap:f}")
        return f"−{deduction:f}" if deduction else "–"

    def _describe_grading(self, grade: SampleGrade) -> tuple[str, ...]:
        t = self._t
        lowered = grade.mark < grade.weighted
        # The weakest mark is no weighted one.
        is_weakest = grade.groups and self._test.rules.combination is Combination.WEAKEST
        return (
            t("Weakest mark: {mark}", mark=f"{grade.weighted:f}")
            if is_weakest
            else t("Weighted mark: {mark}", mark=f"{grade.weighted:f}"),
            t("After devaluations: {mark}", mark=f"{grade.mark:f}")
            if lowered
            else t("No devaluation lowers it."),
            t("Grade: {grade}", grade=self.grade_name(grade.grade)),
        )


def _get_standing(sample: GradedSample) -> SampleGrade:
    assert sample.standing is not None
    return sample.standing


def format_cell(cell: str | float) -> str:
    """Return what a table has in a cell as text, numbers with at most two decimals."""
    return cell if isinstance(cell, str) else format_score(cell, 2).rstrip("0").rstrip(".")


def _format_short_number(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
