"""Two tests as they were published, from the laboratory's file to grades that come out equal."""

from collections import Counter
from decimal import Decimal

import pytest

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.access.work import Seen
from survey.comparative_tests.grading import Verdict, find_grade
from survey.comparative_tests.measured_values import add_measured_values, read_value_file
from survey.comparative_tests.plan import advance_comparative_test, set_grading_rules
from survey.comparative_tests.product_samples import add_product_samples
from survey.comparative_tests.reading import GradedSample, get_comparative_test
from survey.comparative_tests.rules import GradingRules
from survey.settings import PROJECT_ROOT
from survey.store.engine import read_scope
from survey.store.tables import ComparativeTestState, MeasurementRound
from survey.store.tables.evidence import SampleData
from tests.context.comparative_tests.published_rules import refrigerator_rules, sunscreen_rules
from tests.context.comparative_tests.small_test import RunningTest, employ, sample, start
from tests.work_of import work_of

EXAMPLES = PROJECT_ROOT / "seed" / "context" / "examples"
State = ComparativeTestState


def enter(
    url: str, person: Principal, rules: GradingRules, samples: list[SampleData], file: str
) -> dict[str, GradedSample]:
    """Take a test of these samples through the laboratory, by its file; return code -> sample."""
    test: RunningTest = start(url, person, State.PLANNED, with_samples=False)
    test.change(set_grading_rules, person, rules=rules)
    test.change(add_product_samples, person, samples=samples)
    for state in (State.BOUGHT, State.AT_LABORATORY):
        test.change(advance_comparative_test, person, to=state)
    with read_scope(url) as session:
        listed = read_value_file(
            work_of(session, person, test.now),
            Seen(test.id, test.version),
            occasion=MeasurementRound.FIRST,
            name=file,
            content=(EXAMPLES / file).read_bytes(),
        )
    assert listed.errors == ()
    first = {"occasion": MeasurementRound.FIRST, "reason": ""}
    test.change(add_measured_values, person, values=listed.values, **first)
    test.change(advance_comparative_test, person, to=State.RESULTS_IN)
    with read_scope(url) as session:
        detail = get_comparative_test(work_of(session, person, test.now), test_id=test.id)
    return {each.data.code: each for each in detail.samples}


def test_the_refrigerators_of_2023(sqlite_url: str) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    samples = [sample(f"R{number:02d}") for number in range(1, 23)]
    graded = enter(sqlite_url, lin, refrigerator_rules(), samples, "test_values_refrigerators.csv")
    assert len(graded) == 22
    with_function: Counter[str] = Counter()
    for each in graded.values():
        with_function.update(step.heading for step in each.standing.groups if step.mark is not None)
        assert all(step.verdict is not Verdict.FAILS for step in each.standing.characteristics)
    assert with_function == {"保鲜": 22, "易用性": 22, "除异味": 13, "除菌": 7}
    good = {code: each.standing for code, each in graded.items() if each.standing.grade == "good"}
    assert list(good) == [f"R{number:02d}" for number in range(1, 8)]
    claimed = [sum(step.mark is not None for step in each.groups) for each in good.values()]
    assert claimed == [4, 4, 4, 4, 3, 3, 3]
    # R09 does well in three groups and is weak in the fourth, which it claims.
    weak = graded["R09"].standing
    assert (weak.grade, weak.mark) == ("other", Decimal("64.8"))


def test_the_sunscreens_of_2020(sqlite_url: str) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    codes = [f"F{number:02d}" for number in range(1, 21)]
    samples = [SampleData.of(sample(code), claims="spf:50") for code in codes]
    rules = sunscreen_rules()
    graded = enter(sqlite_url, lin, rules, samples, "test_values_sunscreens.xml")
    steps = {
        code: {step.characteristic: step for step in each.standing.characteristics}
        for code, each in graded.items()
    }
    effect = Counter(find_grade(rules.grades, each["spf"].mark).key for each in steps.values())
    assert effect == {"stars50": 5, "stars45": 5, "stars40": 4, "stars30": 2, "stars25": 4}
    overall = Counter(each.standing.grade for each in graded.values())
    assert overall["stars50"] == 5
    assert overall["stars45"] + overall["stars40"] == 10
    too_much = [code for code, each in steps.items() if each["salicylate"].verdict is Verdict.FAILS]
    assert too_much == ["F19", "F20"]
    assert {graded[code].standing.grade for code in too_much} <= {"stars35", "stars30", "stars25"}
    # Three runs each: mean 58.0, s = 0.529, u² = 0.5² + 0.28/3 = 0.3433, U = 1.172.
    first = steps["F01"]["spf"].measurement
    assert (first.value, first.uncertainty) == (Decimal("58.00"), Decimal("1.18"))
    # Claimed 50 less a tenth is 45; F10 measures 45.5 ± 1.2, F11 44.0 ± 1.2, F15 34.
    kept = [steps[code]["spf"].claim_verdict for code in ("F01", "F10", "F11", "F15")]
    assert kept == [
        Verdict.PASSES, Verdict.PASSES_CONDITIONALLY, Verdict.FAILS_CONDITIONALLY, Verdict.FAILS,
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["gb2312", "GBK"])
def test_the_file_of_a_chinese_system_is_read_in_its_encoding(
    sqlite_url: str, encoding: str
) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    test = start(sqlite_url, lin, State.PLANNED, with_samples=False)
    test.change(set_grading_rules, lin, rules=sunscreen_rules())
    samples = [sample(f"F{number:02d}") for number in range(1, 21)]
    test.change(add_product_samples, lin, samples=samples)
    for state in (State.BOUGHT, State.AT_LABORATORY):
        test.change(advance_comparative_test, lin, to=state)
    text = (EXAMPLES / "test_values_sunscreens.xml").read_text(encoding="utf-8")
    content = text.replace("UTF-8", encoding).encode(encoding)
    with read_scope(sqlite_url) as session:
        listed = read_value_file(
            work_of(session, lin, test.now),
            Seen(test.id, test.version),
            occasion=MeasurementRound.FIRST,
            name="export.xml",
            content=content,
        )
    assert (len(listed.values), listed.errors) == (60, ())
