"""Grades by hand, and what must hold for all of them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.comparative_tests.grading import (
    NOT_APPLICABLE,
    Measurement,
    MissingValuesError,
    Verdict,
    decide,
    grade_sample,
    is_decidable,
)
from survey.comparative_tests.rules import (
    DecisionKind,
    DecisionRule,
    Devaluation,
    Effect,
    GradingRules,
    Trigger,
)
from tests.context.comparative_tests.small_rules import (
    COOKING,
    ENERGY,
    FROST,
    SAFETY,
    measured,
    named,
    rules,
)

VALUES = {
    "leakage": measured("0.30", "0.02"),
    "cooking": measured("31", "1"),
    "energy": measured("78.2", "0.9"),
}


def test_a_sample_by_hand() -> None:
    """Cooking 31 min lies 11/20 on the way from 100 to 50: 72.5. Energy 78.2 lies 18.2/30 on the
    way from 40 to 100: 76.4. 0.6 x 72.5 + 0.4 x 76.4 = 43.5 + 30.56 = 74.06, printed 74.1.
    """
    grade = grade_sample(rules(), VALUES)
    leakage, cooking, energy = grade.characteristics
    assert (leakage.mark, leakage.verdict) == (Decimal(100), Verdict.PASSES)
    assert leakage.contribution == 0
    assert (cooking.mark, cooking.verdict) == (Decimal("72.5"), Verdict.NO_LIMIT)
    assert (energy.mark, energy.contribution) == (Decimal("76.4"), Decimal("30.56"))
    assert (energy.low, energy.high) == (Decimal("77.3"), Decimal("79.1"))
    assert (grade.weighted, grade.mark, grade.grade) == (Decimal("74.1"), Decimal("74.1"), "fair")
    assert [step.applies for step in grade.devaluations] == [False]


def test_an_unsafe_sample_is_poor_whatever_else_it_does() -> None:
    grade = grade_sample(rules(), {**VALUES, "leakage": measured("0.90", "0.05")})
    assert grade.weighted == Decimal("74.1")
    assert grade.devaluations[0].cap == Decimal("39.9")
    assert (grade.mark, grade.grade) == (Decimal("39.9"), "poor")


def test_doubt_beside_the_limit_is_said_and_does_not_devalue() -> None:
    grade = grade_sample(rules(), {**VALUES, "leakage": measured("0.76", "0.05")})
    step = grade.characteristics[0]
    assert (step.verdict, step.is_straddling) == (Verdict.FAILS_CONDITIONALLY, True)
    assert grade.mark == grade.weighted


@pytest.mark.parametrize(
    ("kind", "value", "verdict"),
    [
        (DecisionKind.SIMPLE, "0.75", Verdict.PASSES),
        (DecisionKind.SIMPLE, "0.76", Verdict.FAILS),
        (DecisionKind.GUARD_BAND, "0.70", Verdict.PASSES),
        (DecisionKind.GUARD_BAND, "0.71", Verdict.FAILS),
        (DecisionKind.NON_BINARY, "0.70", Verdict.PASSES),
        (DecisionKind.NON_BINARY, "0.71", Verdict.PASSES_CONDITIONALLY),
        (DecisionKind.NON_BINARY, "0.75", Verdict.PASSES_CONDITIONALLY),
        (DecisionKind.NON_BINARY, "0.80", Verdict.FAILS_CONDITIONALLY),
        (DecisionKind.NON_BINARY, "0.81", Verdict.FAILS),
    ],
)
def test_the_decision_rules_of_ilac_g8(kind: DecisionKind, value: str, verdict: Verdict) -> None:
    """Limit 0.75 mA, expanded uncertainty 0.05 mA with k = 2."""
    item = rules().by_key["leakage"]
    assert decide(item, measured(value, "0.05"), DecisionRule(kind=kind)) is verdict


def test_uncertainties_are_brought_to_one_coverage_factor() -> None:
    """0.075 with k = 3 is 0.05 with k = 2."""
    item = rules().by_key["leakage"]
    assert decide(item, measured("0.71", "0.075", "3"), DecisionRule()) is (
        Verdict.PASSES_CONDITIONALLY
    )
    assert decide(item, measured("0.70", "0.075", "3"), DecisionRule()) is Verdict.PASSES


def test_what_was_not_detected_passes_an_upper_limit() -> None:
    found = Measurement(Decimal("0.01"), is_below=True)
    step = grade_sample(rules(), {**VALUES, "leakage": found}).characteristics[0]
    assert (step.low, step.high) == (Decimal(0), Decimal("0.01"))
    assert step.verdict is Verdict.PASSES
    assert not step.is_straddling


@pytest.mark.parametrize(
    ("key", "limit", "decidable"),
    [
        ("leakage", "0.75", True), ("leakage", "0.76", False), ("energy", "61", False),
        ("energy", "60", True), ("cooking", "90", True),
    ],
)  # fmt: skip
def test_what_was_not_detected_above_a_limit_is_not_decidable(
    key: str, limit: str, decidable: bool
) -> None:
    found = Measurement(Decimal(limit), is_below=True)
    assert is_decidable(rules().by_key[key], found) is decidable
    if decidable:
        grade_sample(rules(), {**VALUES, key: found})
    else:
        with pytest.raises(MissingValuesError):
            grade_sample(rules(), {**VALUES, key: found})


def test_nothing_is_graded_on_a_part_of_its_values() -> None:
    with pytest.raises(MissingValuesError) as refused:
        grade_sample(rules(), {"cooking": measured("31")})
    assert refused.value.characteristics == ("leakage", "energy")


def test_deductions_add_up_and_caps_limit() -> None:
    changed = rules(
        devaluations=[
            devaluation("slow", "cooking", Effect.DEDUCT, "5", below="80"),
            devaluation("hungry", "energy", Effect.CAP_AT_CHARACTERISTIC, "0", below="80"),
            devaluation("never", "energy", Effect.CAP, "1", below="10"),
        ]
    )
    grade = grade_sample(changed, VALUES)
    assert grade.mark == Decimal("69.1")
    assert [step.applies for step in grade.devaluations] == [True, True, False]


def devaluation(
    key: str, of: str, effect: Effect, amount: str, below: str | None = None
) -> dict[str, Any]:
    return {
        "key": key,
        "name": named(key),
        "characteristic": of,
        "trigger": Trigger.MARK_BELOW if below else Trigger.FAILS_OR_DOUBTFUL,
        "threshold": below,
        "effect": effect,
        "amount": amount,
    }


numbers = st.decimals(0, 100, places=2)
decisions = st.builds(
    DecisionRule,
    kind=st.sampled_from(DecisionKind),
    factor=st.sampled_from([Decimal("0.5"), Decimal(1), Decimal(2)]),
)
devaluations = st.lists(
    st.builds(
        devaluation,
        st.uuids().map(lambda each: f"r{each.hex}"),
        st.sampled_from(["leakage", "energy"]),
        st.sampled_from(Effect),
        numbers.map(str),
        st.none() | numbers.map(str),
    ),
    max_size=6,
)
measurements = st.builds(
    Measurement, numbers, st.none() | numbers, st.sampled_from([None, Decimal(2), Decimal(3)])
)
samples = st.fixed_dictionaries(dict.fromkeys(VALUES, measurements))
shares = st.integers(0, 100)


@st.composite
def many_rules(draw: Any) -> GradingRules:
    first = draw(shares)
    second = draw(st.integers(0, 100 - first))
    weights = (first, second, 100 - first - second)
    items = [
        {**item, "weight": str(weight)}
        for item, weight in zip((SAFETY, COOKING, ENERGY), weights, strict=True)
    ]
    return rules(
        characteristics=items,
        devaluations=draw(devaluations),
        decision=draw(decisions).model_dump(),
    )


@given(many_rules(), samples)
def test_a_devaluation_never_raises_a_mark(known: GradingRules, values: Any) -> None:
    grade = grade_sample(known, values)
    without = grade_sample(known.model_copy(update={"devaluations": ()}), values)
    assert without.mark == without.weighted == grade.weighted
    assert 0 <= grade.mark <= grade.weighted <= 100
    for count in range(len(known.devaluations)):
        fewer = known.model_copy(update={"devaluations": known.devaluations[:count]})
        assert grade_sample(fewer, values).mark >= grade.mark


@given(many_rules(), samples, st.randoms())
def test_the_order_of_rules_and_values_changes_nothing(
    known: GradingRules, values: Any, random: Any
) -> None:
    grade = grade_sample(known, values)
    parts = [list(known.characteristics), list(known.devaluations), list(known.grades)]
    for part in parts:
        random.shuffle(part)
    shuffled = known.model_copy(
        update=dict(zip(("characteristics", "devaluations", "grades"), parts, strict=True))
    )
    again = grade_sample(shuffled, dict(reversed(values.items())))
    assert (again.mark, again.grade, again.weighted) == (grade.mark, grade.grade, grade.weighted)
    assert set(again.characteristics) == set(grade.characteristics)


@given(many_rules(), samples, numbers)
def test_a_better_value_never_lowers_the_mark(
    known: GradingRules, values: Any, more: Decimal
) -> None:
    """More efficiency is better; its limit is a lower one."""
    better = replace(values["energy"], value=values["energy"].value + more)
    grade, improved = grade_sample(known, values), grade_sample(known, {**values, "energy": better})
    assert improved.mark >= grade.mark


@given(measurements, decisions)
def test_a_verdict_without_doubt_is_on_the_side_of_the_value(
    value: Measurement, rule: DecisionRule
) -> None:
    verdict = decide(rules().by_key["leakage"], value, rule)
    inside = value.value <= Decimal("0.75")
    if verdict in {Verdict.PASSES, Verdict.PASSES_CONDITIONALLY}:
        assert inside
    if verdict is Verdict.FAILS_CONDITIONALLY:
        assert not inside
    if rule.kind is not DecisionKind.GUARD_BAND and verdict is Verdict.FAILS:
        assert not inside


def test_devaluations_are_data() -> None:
    (rule,) = rules().devaluations
    assert rule == Devaluation.model_validate(rule.model_dump(mode="json"))


WITH_FROST = [SAFETY, {**COOKING, "weight": "40"}, ENERGY, FROST]


def test_what_does_not_apply_leaves_its_weight_to_the_others() -> None:
    """Weights 40 and 40 of 80: (40 x 72.5 + 40 x 76.4) / 80 = 74.45, printed 74.5."""
    known = rules(characteristics=WITH_FROST)
    grade = grade_sample(known, {**VALUES, "frost": NOT_APPLICABLE})
    assert (grade.weighted, grade.grade) == (Decimal("74.5"), "fair")
    step = grade.characteristics[3]
    assert (step.verdict, step.contribution) == (Verdict.NOT_APPLICABLE, Decimal(0))
    assert grade.characteristics[1].contribution == Decimal("36.25")
    # The worst value of what it does not have would have cost it.
    assert grade_sample(known, {**VALUES, "frost": measured("60")}).weighted == Decimal("59.6")


def test_what_does_not_apply_triggers_no_devaluation() -> None:
    below = devaluation("slow", "frost", Effect.CAP, "10", below="100")
    known = rules(characteristics=WITH_FROST, devaluations=[below])
    (step,) = grade_sample(known, {**VALUES, "frost": NOT_APPLICABLE}).devaluations
    assert not step.applies


def test_not_applicable_is_no_answer_where_the_rules_know_no_exception() -> None:
    with pytest.raises(MissingValuesError) as refused:
        grade_sample(rules(), {**VALUES, "leakage": NOT_APPLICABLE})
    assert refused.value.characteristics == ("leakage",)


def grouped(use: str, whole: str | None = None) -> GradingRules:
    """Two groups: use (cooking 40, frost 20) and cost (energy 40)."""
    items = [SAFETY, {**COOKING, "weight": "40"}, {**ENERGY, "group": "cost"}, FROST]
    declared = [{"heading": "use", "combination": use}, {"heading": "cost", "combination": "mean"}]
    if whole is not None:
        declared.append({"heading": "", "combination": whole})
    return rules(characteristics=items, groups=declared)


@pytest.mark.parametrize(
    ("use", "whole", "frost", "group", "mark"),
    [
        # (40 x 72.5 + 20 x 50) / 60 = 65.0; 0.6 x 65.0 + 0.4 x 76.4 = 69.56.
        ("mean", None, measured("40"), "65.0", "69.6"),
        # The weakest of 72.5 and 50; 0.6 x 50 + 0.4 x 76.4 = 60.56.
        ("weakest", None, measured("40"), "50.0", "60.6"),
        ("mean", "weakest", measured("40"), "65.0", "65.0"),
        # The group keeps its weight: 0.6 x 72.5 + 0.4 x 76.4 = 74.06.
        ("mean", None, NOT_APPLICABLE, "72.5", "74.1"),
        ("weakest", "weakest", NOT_APPLICABLE, "72.5", "72.5"),
    ],
)
def test_marks_of_groups_by_hand(
    use: str, whole: str | None, frost: Measurement, group: str, mark: str
) -> None:
    grade = grade_sample(grouped(use, whole), {**VALUES, "frost": frost})
    assert [(step.heading, step.mark, step.weight) for step in grade.groups] == [
        ("use", Decimal(group), Decimal(60)), ("cost", Decimal("76.4"), Decimal(40)),
    ]  # fmt: skip
    assert grade.weighted == Decimal(mark)


def test_a_group_of_which_nothing_applies_has_no_mark_and_no_weight() -> None:
    items = [SAFETY, {**COOKING, "weight": "60"}, {**FROST, "weight": "40", "group": "frost"}]
    declared = [{"heading": key, "combination": "mean"} for key in ("use", "frost")]
    known = rules(characteristics=items, groups=declared)
    values = {"leakage": VALUES["leakage"], "cooking": VALUES["cooking"], "frost": NOT_APPLICABLE}
    grade = grade_sample(known, values)
    assert [step.mark for step in grade.groups] == [Decimal("72.5"), None]
    assert grade.weighted == Decimal("72.5")


@pytest.mark.parametrize(
    ("kind", "tolerance", "claimed", "verdict"),
    [
        # Measured 31 with U = 1.
        ("at_least", "0", "30", Verdict.PASSES),
        ("at_least", "0", "31.5", Verdict.FAILS_CONDITIONALLY),
        ("at_least", "10", "35", Verdict.FAILS_CONDITIONALLY),  # 31.5
        ("at_least", "10", "40", Verdict.FAILS),  # 36
        ("at_most", "15", "27", Verdict.PASSES_CONDITIONALLY),  # 31.05
        ("at_most", "15", "26.5", Verdict.FAILS_CONDITIONALLY),  # 30.475, 0.525 beyond
        ("at_most", "15", "26", Verdict.FAILS),  # 29.9, 1.1 beyond
        ("within", "10", "30", Verdict.PASSES),  # 27 to 33
        ("within", "10", "36", Verdict.FAILS),  # 32.4 to 39.6
    ],
)
def test_claims_by_hand(kind: str, tolerance: str, claimed: str, verdict: Verdict) -> None:
    item = {**COOKING, "claim": kind, "claim_tolerance": tolerance}
    fails = {**devaluation("false", "cooking", Effect.DEDUCT, "5"), "trigger": "claim_fails"}
    known = rules(characteristics=[SAFETY, item, ENERGY], devaluations=[fails])
    grade = grade_sample(known, VALUES, {"cooking": Decimal(claimed)})
    step = grade.characteristics[1]
    assert (step.claimed, step.claim_verdict) == (Decimal(claimed), verdict)
    assert grade.devaluations[0].applies is (verdict is Verdict.FAILS)
    nothing = grade_sample(known, VALUES)
    assert nothing.characteristics[1].claim_verdict is Verdict.NO_LIMIT
    assert not nothing.devaluations[0].applies


@given(many_rules(), samples)
def test_groups_of_the_mean_are_the_mean_of_all(known: GradingRules, values: Any) -> None:
    """Where everything applies, groups change only the rounding in between."""
    declared = [{"heading": key, "combination": "mean"} for key in ("safety", "use")]
    items = {each.group for each in known.characteristics if each.weight}
    with_groups = rules(
        **known.model_dump(mode="json", exclude={"groups"}),
        groups=[each for each in declared if each["heading"] in items],
    )
    difference = grade_sample(with_groups, values).weighted - grade_sample(known, values).weighted
    assert abs(difference) <= Decimal("0.1")
