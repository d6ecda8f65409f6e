"""A comparative test from its plan to an erratum, on both databases."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Role
from survey.access.work import Seen
from survey.comparative_tests.grading import NOT_APPLICABLE, Measurement, grade_sample
from survey.comparative_tests.maker_replies import send_results_to_makers
from survey.comparative_tests.measured_values import add_measured_values
from survey.comparative_tests.plan import (
    advance_comparative_test,
    change_comparative_test,
    create_comparative_test,
    set_grading_rules,
)
from survey.comparative_tests.product_samples import add_product_samples
from survey.comparative_tests.reading import (
    ComparativeTestDetail,
    get_comparative_test,
    list_comparative_tests,
    list_programme,
)
from survey.comparative_tests.released_grades import (
    compute_grades,
    confirm_erratum,
    find_test_signature,
    propose_erratum,
    sign_comparative_test,
)
from survey.comparative_tests.replicates import combine_replicates
from survey.comparative_tests.value_list import ValueData
from survey.figures.views.comparative_test import ComparativeTestTexts, build_programme_table
from survey.locale import NotFoundError, SurveyError, translator
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry, ComparativeTest, ComparativeTestState, MeasurementRound
from survey.store.tables.evidence import SampleData
from survey.store.transactions import run_in_transaction
from tests.context.comparative_tests.small_rules import (
    COOKING,
    ENERGY,
    FROST,
    SAFETY,
    measured,
    rules,
)
from tests.context.comparative_tests.small_test import (
    PLAN,
    START,
    RunningTest,
    employ,
    first_values,
    sample,
    start,
    value,
)
from tests.error_codes import raises_code
from tests.work_of import work_of

State = ComparativeTestState
RETEST = {"occasion": MeasurementRound.RETEST, "reason": "The maker asked for it."}


def read(test: RunningTest, person: Principal) -> ComparativeTestDetail:
    with read_scope(test.url) as session:
        return get_comparative_test(work_of(session, person), test_id=test.id)


def marks(detail: ComparativeTestDetail) -> list[str]:
    return [f"{each.standing.mark} {each.standing.grade}" for each in detail.samples if each.grade]


def test_from_the_plan_to_an_erratum(store_url: str) -> None:
    """S02 leaks beyond doubt; its retest is fine; S03 leaks within the uncertainty."""
    lin = employ(store_url, Role.NATIONAL_OFFICIAL, name="Lin")
    wang = employ(store_url, Role.NATIONAL_OFFICIAL, name="Wang")
    city = employ(store_url, Role.CITY_OFFICIAL, "110000")
    test = start(store_url, lin, State.MAKERS_HEARD)
    assert marks(read(test, lin)) == ["74.1 fair", "39.9 poor", "54.0 poor"]
    sign = {"two_people": True}
    test.change(sign_comparative_test, lin, **sign)
    with raises_code("second_signer_required"):
        test.change(sign_comparative_test, lin, **sign)

    # A retest voids the first signature: the second person would sign other grades.
    test.change(add_measured_values, lin, values=[value("S02", "leakage", "0.30")], **RETEST)
    assert test.change(sign_comparative_test, wang, **sign) is State.MAKERS_HEARD
    assert test.change(sign_comparative_test, lin, **sign) is State.RELEASED
    released = read(test, city)
    assert marks(released) == ["74.1 fair", "88.5 good", "54.0 poor"]
    assert released.samples[2].grade.characteristics[0].is_straddling
    assert [entry.number for entry in released.values if entry.sample == "S02"] == [1, 1, 1, 2]
    assert {each.data.receipt for each in released.samples} == {""}
    assert (released.first_signed_by, released.released_by) == ("Wang", "Lin")

    erratum = {"value": value("S01", "cooking", "25"), "reason": "A digit was misread."}
    test.change(propose_erratum, lin, **erratum)
    assert (read(test, city).errata, len(read(test, lin).errata)) == ((), 1)
    with raises_code("second_signer_required"):
        test.change(confirm_erratum, lin, **sign)
    test.change(confirm_erratum, wang, **sign)
    corrected = read(test, city)
    assert marks(corrected) == ["83.1 good", "88.5 good", "54.0 poor"]
    assert corrected.samples[0].grade == released.samples[0].grade
    assert corrected.errata[0].before.value == 31


def test_a_signature_does_what_its_button_said(store_url: str) -> None:
    lin = employ(store_url, Role.NATIONAL_OFFICIAL, name="Lin")
    wang = employ(store_url, Role.NATIONAL_OFFICIAL, name="Wang")
    test = start(store_url, lin, State.MAKERS_HEARD)

    def says_it_releases(person: Principal, *, two_people: bool = True) -> bool:
        with read_scope(store_url) as session:
            settings = Settings(two_person_freeze=two_people)
            work = work_of(session, person, START, settings=settings)
            return find_test_signature(work, test_id=test.id).releases

    assert not says_it_releases(lin)
    assert says_it_releases(lin, two_people=False)
    with raises_code("comparative_test_not_allowed", match="Meanwhile"):
        test.change(sign_comparative_test, lin, two_people=False, releases=False)
    with raises_code("comparative_test_not_allowed", match="Meanwhile"):
        test.change(sign_comparative_test, lin, two_people=True, releases=True)
    assert read(test, lin).first_signed_at is None
    test.change(sign_comparative_test, lin, two_people=True, releases=False)
    assert says_it_releases(wang)
    with raises_code("comparative_test_not_allowed", match="Meanwhile"):
        test.change(sign_comparative_test, wang, two_people=True, releases=False)
    assert read(test, lin).summary.state is State.MAKERS_HEARD
    released = test.change(sign_comparative_test, wang, two_people=True, releases=True)
    assert released is State.RELEASED


def test_stored_grades_are_what_the_rules_make_of_the_stored_values(store_url: str) -> None:
    lin = employ(store_url, Role.NATIONAL_OFFICIAL, name="Lin")
    test = start(store_url, lin, State.MAKERS_HEARD)
    test.change(sign_comparative_test, lin, two_people=False)
    stored = {each.data.code: each.grade for each in read(test, lin).samples}
    with read_scope(store_url) as session:
        row = session.get_one(ComparativeTest, test.id)
        assert list(compute_grades(session, row).values()) == list(stored.values())
    detail = read(test, lin)
    for code, grade in stored.items():
        values = {v.characteristic: v.measurement for v in detail.values if v.sample == code}
        assert grade_sample(detail.rules, values) == grade
    assert detail.rules.sha256 == detail.rules_sha256
    assert detail.one_person == "off"


def test_one_is_enough_only_where_nobody_else_could_sign(store_url: str) -> None:
    lin = employ(store_url, Role.NATIONAL_OFFICIAL, name="Lin")
    test = start(store_url, lin, State.MAKERS_HEARD)
    assert test.change(sign_comparative_test, lin, two_people=True) is State.RELEASED
    assert read(test, lin).one_person == "alone"


def test_the_database_refuses_two_signatures_of_one_person(store_url: str) -> None:
    lin = employ(store_url, Role.NATIONAL_OFFICIAL, name="Lin")
    test = start(store_url, lin, State.MAKERS_HEARD)
    forged = text(
        "UPDATE comparative_test SET state = 'released', released_at = planned_at, "
        "first_signed_by = planned_by, released_by = planned_by"
    )
    with pytest.raises((IntegrityError, SurveyError)):
        run_in_transaction(store_url, lambda session: session.connection().execute(forged))
    assert read(test, lin).summary.state is State.MAKERS_HEARD


def test_every_change_leaves_an_entry(store_url: str) -> None:
    lin = employ(store_url, Role.NATIONAL_OFFICIAL, name="Lin")
    test = start(store_url, lin, State.MAKERS_HEARD)
    test.change(sign_comparative_test, lin, two_people=False)
    with read_scope(store_url) as session:
        query = select(AuditEntry.action).where(AuditEntry.subject_id == str(test.id))
        actions = [action.partition(".")[2] for action in session.exec(query)]
    assert len(actions) == test.version
    assert set(actions) == {
        "planned", "rules_set", "samples_added", "advanced", "values_added", "sent_to_makers",
        "reply_received", "released",
    }  # fmt: skip


def test_rules_are_sealed_before_the_first_result(store_url: str) -> None:
    lin = employ(store_url, Role.NATIONAL_OFFICIAL, name="Lin")
    test = start(store_url, lin, State.AT_LABORATORY)
    for service, given in (
        (set_grading_rules, {"rules": rules(devaluations=[])}),
        (change_comparative_test, {"draft": PLAN}),
        (add_product_samples, {"samples": [sample("S04")]}),
    ):
        with raises_code("comparative_test_not_allowed"):
            test.change(service, lin, **given)
    assert read(test, lin).rules_sha256 == rules().sha256


def test_no_step_is_skipped_and_each_wants_what_it_needs(store_url: str) -> None:
    lin = employ(store_url, Role.NATIONAL_OFFICIAL, name="Lin")
    test = start(store_url, lin, State.AT_LABORATORY)
    for state in (State.BOUGHT, State.MAKERS_HEARD, State.RELEASED, State.RESULTS_IN):
        with raises_code("comparative_test_not_allowed"):
            test.change(advance_comparative_test, lin, to=state)
    with raises_code("comparative_test_not_allowed"):
        test.change(send_results_to_makers, lin, due_on=date(2026, 6, 20))
    with raises_code("comparative_test_not_allowed"):
        test.change(sign_comparative_test, lin, two_people=False)
    assert read(test, lin).summary.state is State.AT_LABORATORY


def test_nobody_changes_what_somebody_else_changed_meanwhile(store_url: str) -> None:
    lin = employ(store_url, Role.NATIONAL_OFFICIAL, name="Lin")
    test = start(store_url, lin, State.PLANNED)
    seen = test.version
    test.change(change_comparative_test, lin, draft=PLAN)
    with raises_code("comparative_test_changed"):
        test.change(change_comparative_test, lin, draft=PLAN, seen=Seen(test.id, seen))


@pytest.mark.parametrize(
    ("role", "area", "before", "after"),
    [
        (Role.NATIONAL_OFFICIAL, "CN", "all", "all"),
        (Role.ANALYST, "CN", "all", "all"),
        (Role.PROVINCE_OFFICIAL, "31", "none", "read"),
        (Role.ANALYST, "310000", "none", "read"),
        (Role.CITY_OFFICIAL, "310000", "none", "read"),
        (Role.ADMINISTRATOR, "CN", "none", "read"),
        (Role.SUPERVISOR, "310000", "none", "none"),
        (Role.SURVEYOR, "310000", "none", "none"),
        (Role.TYPIST, "310000", "none", "none"),
    ],
)
def test_who_sees_a_test_before_and_after_its_release(
    sqlite_url: str, role: Role, area: str, before: str, after: str
) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL, name="Lin")
    person = employ(sqlite_url, role, area, "Reader")
    test = start(sqlite_url, lin, State.MAKERS_HEARD)
    assert _extent(test, person) == before
    test.change(sign_comparative_test, lin, two_people=False)
    assert _extent(test, person) == after


def _extent(test: RunningTest, person: Principal) -> str:
    """What a person may do with the test: nothing, read it, or run it."""
    try:
        detail = read(test, person)
        with read_scope(test.url) as session:
            assert len(list_comparative_tests(work_of(session, person))) == 1
    except (AccessDeniedError, NotFoundError):
        return "none"
    has_receipts = all(each.data.receipt for each in detail.samples)
    assert detail.summary.may_manage is has_receipts
    return "all" if has_receipts else "read"


def test_a_province_runs_its_own_tests_only(sqlite_url: str) -> None:
    person = employ(sqlite_url, Role.PROVINCE_OFFICIAL, "31")
    for area, is_own in (("31", True), ("32", False), ("CN", False)):
        draft = PLAN.of(PLAN, area=area, key=f"test-{area.lower()}")

        def create(draft: object = draft) -> object:
            return run_in_transaction(
                sqlite_url,
                lambda session: create_comparative_test(
                    work_of(session, person, START), draft=draft
                ),
            )

        if is_own:
            create()
        else:
            with pytest.raises(AccessDeniedError):
                create()


def test_an_analyst_runs_a_test_and_does_not_release_it(sqlite_url: str) -> None:
    analyst = employ(sqlite_url, Role.ANALYST)
    test = start(sqlite_url, analyst, State.MAKERS_HEARD)
    with pytest.raises(AccessDeniedError):
        test.change(sign_comparative_test, analyst, two_people=False)


def test_a_value_keeps_its_digits(store_url: str) -> None:
    lin = employ(store_url, Role.NATIONAL_OFFICIAL, name="Lin")
    test = start(store_url, lin, State.RESULTS_IN)
    found = Measurement(Decimal("0.10"), is_below=True)
    again = ValueData("S01", "leakage", found, date(2026, 5, 19))
    test.change(add_measured_values, lin, values=[again], **RETEST)
    newest = [each for each in read(test, lin).values if each.number == 2]
    assert [(str(each.measurement.value), each.measurement.is_below) for each in newest] == [
        ("0.10", True)
    ]


def test_a_limit_of_detection_above_the_limit_is_refused_at_the_door(sqlite_url: str) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL, name="Lin")
    test = start(sqlite_url, lin, State.RESULTS_IN)
    found = Measurement(Decimal("0.90"), is_below=True)
    again = ValueData("S01", "leakage", found, date(2026, 5, 19))
    with raises_code("comparative_test_not_allowed", match="cannot be decided"):
        test.change(add_measured_values, lin, values=[again], **RETEST)
    assert {each.number for each in read(test, lin).values} == {1}


def test_a_value_without_uncertainty_has_no_interval(sqlite_url: str) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL, name="Lin")
    detail = read(start(sqlite_url, lin, State.MAKERS_HEARD), lin)
    texts = ComparativeTestTexts(detail, translator("zh"), "zh")
    values = {
        "leakage": Measurement(Decimal("0.30"), Decimal("0.02"), Decimal(2)),
        "cooking": Measurement(Decimal("31")),
        "energy": Measurement(Decimal("78.2")),
    }
    rows = texts.build_steps(grade_sample(rules(), values)).characteristics.rows
    assert [(row[1], row[2]) for row in rows] == [
        ("0.30 ± 0.02", "0.28 至 0.32"), ("31", "–"), ("78.2", "–"),
    ]  # fmt: skip


def test_not_applicable_and_repeated_values_to_the_release(store_url: str) -> None:
    """Of 100 points cooking has 40, efficiency 40, defrosting 20, which S02 cannot do."""
    lin = employ(store_url, Role.NATIONAL_OFFICIAL, name="Lin")
    items = [SAFETY, {**COOKING, "weight": "40"}, {**ENERGY, "claim": "at_least"}, FROST]
    known = rules(characteristics=items)
    repeated = combine_replicates([measured("40", "1"), measured("42", "1")], Decimal(2))
    assert repeated is not None
    day = date(2026, 5, 18)
    values = [
        *first_values(),
        ValueData("S01", "frost", repeated, day),
        ValueData("S02", "frost", NOT_APPLICABLE, day),
        value("S03", "frost", "60"),
    ]
    test = start(store_url, lin, State.MAKERS_HEARD, values, known)
    before = read(test, lin)
    # S01: 0.4 x 72.5 + 0.4 x 76.4 + 0.2 x 47.5 (41 min). S02: (87.5 + 90) / 2, capped.
    assert marks(before) == ["69.1 fair", "39.9 poor", "44.0 poor"]
    assert before.samples[1].standing.weighted == Decimal("88.8")
    test.change(sign_comparative_test, lin, two_people=False)
    released = read(test, lin)
    assert [each.grade for each in released.samples] == [each.grade for each in before.samples]
    steps = {step.characteristic: step for step in released.samples[0].standing.characteristics}
    assert [each.value for each in steps["frost"].measurement.replicates] == [40, 42]
    texts = ComparativeTestTexts(released, translator("zh"), "zh")
    rows = [texts.build_steps(each.standing).characteristics.rows[3] for each in released.samples]
    assert [row[1:3] for row in rows[:2]] == [
        ("41.0 ± 2.3（2 次平均，s = 1.4）", "38.7 至 43.3"), ("不适用", "–"),
    ]  # fmt: skip
    assert rows[1][6:] == ("–", 20.0, "–")
    # An erratum can say that a product has the function after all, and its grade is recomputed.
    late = ValueData("S02", "frost", measured("60"), day)
    test.change(propose_erratum, lin, value=late, reason="The function was overlooked.")
    test.change(confirm_erratum, lin, two_people=False)
    assert read(test, lin).samples[1].corrected.weighted == Decimal("71.0")


def test_a_claim_that_no_rule_checks_stops_the_samples(sqlite_url: str) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    test = start(sqlite_url, lin, State.PLANNED)
    claiming = SampleData.of(sample("S04"), claims="energy:80")
    test.change(add_product_samples, lin, samples=[claiming])
    test.change(advance_comparative_test, lin, to=State.BOUGHT)
    with raises_code("comparative_test_not_allowed", match="compare no claim"):
        test.change(advance_comparative_test, lin, to=State.AT_LABORATORY)
    checked = rules(characteristics=[SAFETY, COOKING, {**ENERGY, "claim": "at_least"}])
    test.change(set_grading_rules, lin, rules=checked)
    test.change(advance_comparative_test, lin, to=State.AT_LABORATORY)


def test_not_applicable_by_hand_is_refused_where_everything_has_it(sqlite_url: str) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    test = start(sqlite_url, lin, State.RESULTS_IN)
    none = ValueData("S01", "leakage", NOT_APPLICABLE, date(2026, 5, 19))
    with raises_code("comparative_test_not_allowed", match="applies to every product"):
        test.change(add_measured_values, lin, values=[none], **RETEST)


def test_later_models_under_the_same_rules_are_one_database(sqlite_url: str) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    city = employ(sqlite_url, Role.CITY_OFFICIAL, "110000")
    first = start(sqlite_url, lin, State.MAKERS_HEARD)
    other_rules = rules(devaluations=[])
    tests = [first] + [
        start(sqlite_url, lin, State.MAKERS_HEARD, rules=known, key=key)
        for key, known in (("cooker-2027", rules()), ("kettle-2027", other_rules))
    ]

    def programme(person: Principal) -> list[str]:
        with read_scope(sqlite_url) as session:
            listed = list_programme(work_of(session, person), test_id=first.id)
            table = build_programme_table(listed, translator("en"), "en")
        assert len(table.rows) == 3 * len(listed)
        assert [row[2] for row in table.rows] == sorted(
            (row[2] for row in table.rows), reverse=True
        )
        return sorted(each.summary.key for each in listed)

    assert programme(lin) == []
    with pytest.raises(NotFoundError):
        programme(city)
    for test in tests:
        test.change(sign_comparative_test, lin, two_people=False)
    assert programme(city) == programme(lin) == ["cooker-2026", "cooker-2027"]
