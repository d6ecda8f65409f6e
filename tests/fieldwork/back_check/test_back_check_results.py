"""What back-checks say of questions, surveyors and points, and what follows from them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from survey.access.audit_members import iter_members
from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Role
from survey.collection.correction import resubmit
from survey.estimate.interviewer_effect import wilson
from survey.questionnaire.model import Choice, Item, ItemKind
from survey.questionnaire.xlsform.reader import load_bundle
from survey.review.back_check.call_list import (
    CallAttempt,
    WorkSelection,
    list_calls,
    note_retraining,
    record_attempt,
)
from survey.review.back_check.comparison_items import (
    ItemComparison,
    QuestionNature,
    differs,
    list_comparisons,
)
from survey.review.back_check.draws import DrawPlan, create_draw, preview_draw
from survey.review.back_check.results import BackCheckResults, get_back_check_results
from survey.review.decisions import decide_many, preview_bulk_decision
from survey.settings import PROJECT_ROOT
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    Channel,
    Outcome,
    QuotaCell,
    Response,
    Status,
    SurveyorNote,
)
from survey.waves.lifecycle import transition
from survey.waves.review_reasons import ReasonCode, ReviewReason
from tests.error_codes import raises_code
from tests.work_of import work_of

Store = Callable[..., list[UUID]]
Person = Callable[[Role, str], Principal]
DrawAll = Callable[..., UUID]
SAME: dict[str, Any] = {
    "asked_where": "compound", "asked_how": "assisted", "asked_minutes": 10, "lived_6m": "yes",
    "birth_year": 1990, "gender": "female",
}  # fmt: skip
INVENTED = {**SAME, "birth_year": 1950, "gender": "male"}
PLAN = "main-2023"


def _results(field: Any, principal: Principal) -> BackCheckResults:
    with read_scope(field.url) as session:
        return get_back_check_results(work_of(session, principal), wave_id=field.wave.id)


def _answer(field: Any, principal: Principal, *replies: dict[str, Any] | Outcome) -> None:
    """Enter what was said, one after the other down the list."""
    with session_scope(field.url) as session:
        calls = list_calls(work_of(session, principal), wave_id=field.wave.id)
        for call, each in zip(calls, replies, strict=False):
            attempt = (
                CallAttempt(each, Channel.ON_SITE, {})
                if isinstance(each, Outcome)
                else CallAttempt(Outcome.REACHED, Channel.PHONE, each)
            )
            record_attempt(
                work_of(session, principal, field.now),
                check_id=call.id,
                expected_version=call.version,
                attempt=attempt,
            )


def test_rates_have_intervals_and_count_only_what_was_answered(
    checked: Any, store: Store, draw_all: DrawAll, supervisor: Principal
) -> None:
    store(10)
    draw_all(supervisor)
    _answer(
        checked,
        supervisor,
        SAME,
        SAME,
        SAME,
        {**SAME, "birth_year": 1992},
        INVENTED,
        Outcome.NEVER_INTERVIEWED,
        Outcome.NOT_REACHED,
        Outcome.REFUSED,
    )
    results = _results(checked, supervisor)
    (li,) = results.surveyors
    assert (li.name, li.drawn, li.checked, li.failed) == ("Li", 10, 6, 2)
    assert dict(li.outcomes) == {
        Outcome.REACHED: 5,
        Outcome.NEVER_INTERVIEWED: 1,
        Outcome.NOT_REACHED: 1,
        Outcome.REFUSED: 1,
    }
    assert li.random_sample is not None
    assert (li.random_sample.value, li.random_sample.of) == (2 / 6, 6)
    assert (li.random_sample.low, li.random_sample.high) == wilson(2, 6)
    assert results.total.random_sample == li.random_sample
    assert not li.stands_out, "one's own rate is no worse than itself"
    (point,) = results.points
    assert (point.name, point.failed) == ("110000-u-01", 2)
    born = next(row for row in results.items if row.comparison.item == "birth_year")
    assert born.differs is not None
    assert (born.differs.value, born.differs.of) == (2 / 5, 5)
    confidence = next(row for row in results.items if row.comparison.item == "consumer_confidence")
    assert confidence.differs is None, "the main questionnaire of this wave does not ask it"
    assert [case.outcome for case in results.failed] == [Outcome.NEVER_INTERVIEWED, Outcome.REACHED]
    again = {
        difference.comparison.item: (difference.original, difference.recheck)
        for difference in results.failed[1].differences
    }
    assert again == {"birth_year": (1990, 1950), "gender": ("female", "male")}


def test_one_differing_fact_or_any_opinion_fails_nobody(
    checked: Any, store: Store, draw_all: DrawAll, supervisor: Principal
) -> None:
    store(2, answers={**checked.complete, "age": 36, "service": 9, "overall": 9})
    draw_all(supervisor)
    _answer(checked, supervisor, {**SAME, "gender": "male"}, {**SAME, "service": 1, "overall": 1})
    results = _results(checked, supervisor)
    assert results.failed == ()
    service = next(row for row in results.items if row.comparison.item == "service")
    assert service.differs is not None
    assert service.differs.value == 1.0


def test_a_surveyor_who_is_clearly_worse_stands_out_first(
    checked: Any, store: Store, draw_all: DrawAll, association: Principal
) -> None:
    store(30, city="310000")
    store(6)
    draw_all(association)
    _answer(checked, association, *[INVENTED] * 6, *[SAME] * 30)
    results = _results(checked, association)
    first, second = results.surveyors
    assert (first.name, first.stands_out, second.stands_out) == ("Li", True, False)
    assert results.total.random_sample is not None
    assert results.total.random_sample.value == 6 / 36


def test_nobody_stands_out_for_a_single_failure(
    checked: Any, store: Store, draw_all: DrawAll, association: Principal
) -> None:
    store(30, city="310000")
    store(1)
    draw_all(association)
    _answer(checked, association, INVENTED, *[SAME] * 30)
    assert not any(row.stands_out for row in _results(checked, association).surveyors)


def test_what_was_drawn_for_its_risk_says_nothing_about_the_rate(
    checked: Any, store: Store, supervisor: Principal
) -> None:
    store(1, risk=90)
    store(9)
    plan = DrawPlan(checked.wave.id, None, 0.1, 0.1, "", checked.now)
    with session_scope(checked.url) as session:
        # the first seed whose lot falls on another interview than the risky one
        seen = next(
            seen
            for number in range(99)
            for seen in [
                preview_draw(work_of(session, supervisor), plan=replace(plan, seed=str(number)))
            ]
            if seen.surveyors[0].by_risk
        )
        create_draw(work_of(session, supervisor, checked.now), seen=seen)
    with session_scope(checked.url) as session:
        calls = list_calls(work_of(session, supervisor), wave_id=checked.wave.id)
        by_risk = [call for call in calls if call.chosen_by == "risk"]
        for call in by_risk:
            record_attempt(
                work_of(session, supervisor, checked.now),
                check_id=call.id,
                expected_version=1,
                attempt=CallAttempt(Outcome.REACHED, Channel.PHONE, INVENTED),
            )
    assert len(by_risk) == 1
    (li,) = _results(checked, supervisor).surveyors
    assert (li.failed, li.random_sample) == (1, None)


def test_a_correction_after_the_back_check_hides_nothing(
    checked: Any, store: Store, draw_all: DrawAll, supervisor: Principal
) -> None:
    (response_id,) = store(1)
    draw_all(supervisor)
    _answer(checked, supervisor, INVENTED)
    with session_scope(checked.url) as session:
        transition(
            work_of(session, supervisor, checked.now),
            response_id=response_id,
            to=Status.RETURNED,
            reason="check_again",
            expected_version=1,
        )
        resubmit(
            work_of(session, checked.surveyor, checked.now + timedelta(minutes=1)),
            response_id=response_id,
            answers={**checked.complete, "birth_year": 1950, "gender": "male"},
            note="mended",
            expected_version=2,
        )
    (case,) = _results(checked, supervisor).failed
    assert {difference.comparison.item for difference in case.differences} == {
        "birth_year",
        "gender",
    }


def test_nothing_of_another_city_is_read(
    checked: Any, store: Store, draw_all: DrawAll, association: Principal, person: Person
) -> None:
    store(2)
    draw_all(association)
    _answer(checked, association, INVENTED, SAME)
    results = _results(checked, person(Role.SUPERVISOR, "310000"))
    assert (results.surveyors, results.points, results.items, results.failed) == ((), (), (), ())
    assert results.total.drawn == 0
    with pytest.raises(AccessDeniedError):
        _results(checked, person(Role.CITY_OFFICIAL, "110000"))


def test_all_of_a_point_is_taken_out_and_restored_without_touching_anything_else(
    checked: Any, store: Store, supervisor: Principal
) -> None:
    here = store(3)
    store(2, city="310000")
    (void_before,) = store(1, status=Status.VOID, reason="speeder")
    work = WorkSelection(checked.wave.id, point_id=checked.point.id)
    with session_scope(checked.url) as session:
        seen = preview_bulk_decision(
            work_of(session, supervisor), chosen=work.void_filter(), to=Status.VOID
        )
        assert (seen.total, dict(seen.not_allowed)) == (3, {Status.VOID: 1})
        decide_many(
            work_of(session, supervisor, checked.now),
            chosen=work.void_filter(),
            seen=seen,
            reason=ReviewReason(ReasonCode.BACK_CHECK, "point 1"),
        )
    with read_scope(checked.url) as session:
        void = {
            row.id: row.reason
            for row in session.exec(select(Response).where(Response.status == Status.VOID))
        }
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "responses.void")).one()
        collected = sum(session.exec(select(QuotaCell.collected)))
    assert void == {void_before: "speeder", **dict.fromkeys(here, "back_check: point 1")}
    assert {response_id for response_id, _ in iter_members(entry.detail)} == set(here)
    assert collected == 0
    with session_scope(checked.url) as session:
        seen = preview_bulk_decision(
            work_of(session, supervisor), chosen=work.restore_filter(), to=Status.SUBMITTED
        )
        assert seen.total == 3
        decide_many(
            work_of(session, supervisor, checked.now),
            chosen=work.restore_filter(),
            seen=seen,
            reason=ReviewReason(ReasonCode.BY_MISTAKE),
        )
    with read_scope(checked.url) as session:
        void_now = session.exec(select(Response.id).where(Response.status == Status.VOID)).all()
    assert void_now == [void_before]


def test_retraining_is_noted_with_its_day_for_all_or_none(
    checked: Any, store: Store, draw_all: DrawAll, association: Principal, person: Person
) -> None:
    store(2)
    store(2, city="310000")
    draw_all(association)
    by = date(2026, 6, 1)

    def note(principal: Principal, *people: Principal, day: date = by) -> int:
        with session_scope(checked.url) as session:
            return note_retraining(
                work_of(session, principal, checked.now),
                wave_id=checked.wave.id,
                surveyor_ids=[surveyor.account_id for surveyor in people],
                retrain_by=day,
                note=" how to  ask the age ",
            )

    elsewhere = person(Role.SUPERVISOR, "310000")
    with pytest.raises(AccessDeniedError):
        note(elsewhere, checked.colleague, checked.surveyor)
    with raises_code("retraining_impossible"):
        note(association)
    with raises_code("retraining_impossible"):
        note(association, checked.surveyor, day=date(2026, 5, 19))
    with read_scope(checked.url) as session:
        assert session.exec(select(SurveyorNote)).all() == []
    assert note(association, checked.surveyor, checked.colleague) == 2
    with read_scope(checked.url) as session:
        rows = session.exec(select(SurveyorNote)).all()
        entries = session.exec(
            select(AuditEntry).where(AuditEntry.action == "surveyor.retrain")
        ).all()
    assert {(row.account_id, row.retrain_by, row.note) for row in rows} == {
        (person.account_id, by, "how to ask the age")
        for person in (checked.surveyor, checked.colleague)
    }
    assert len(entries) == 2
    assert {row.retrain_by for row in _results(checked, association).surveyors} == {by}


# What is compared, and how


CHOICES = Item(
    name="x",
    kind=ItemKind.SELECT_ONE,
    choices=tuple(Choice(name=name, label={}) for name in ("very", "fairly", "little", "dk")),
)
NUMBER = Item(name="x", kind=ItemKind.INTEGER)


@pytest.mark.parametrize(
    ("item", "tolerance", "then", "again", "expected"),
    [
        (NUMBER, 1, 1980, 1981, False),
        (NUMBER, 1, 1980, 1982, True),
        (NUMBER, 0, 1980, 1980.0, False),
        (NUMBER, 15, 4.2, 19, False),
        (NUMBER, 15, 4.2, 20, True),
        (NUMBER, 1, None, 1980, None),
        (CHOICES, 0, "very", "fairly", True),
        (CHOICES, 1, "very", "fairly", False),
        (CHOICES, 1, "very", "little", True),
        (CHOICES, 1, "very", "dk", None),
        (CHOICES, 0, "refused", "very", None),
        (CHOICES, 0, "", "very", None),
        (CHOICES, 1, "gone", "very", True),
        (CHOICES, 0, "na", "na", None),
    ],
)
def test_two_answers_differ_beyond_the_tolerance_only(
    item: Item, tolerance: float, then: Any, again: Any, expected: bool | None
) -> None:
    comparison = ItemComparison(
        item="x", repeats="x", nature=QuestionNature.FACT, tolerance=tolerance
    )
    assert differs(comparison, item, then, again) is expected


def test_the_shipped_questionnaire_repeats_the_main_one_word_by_word() -> None:
    folder = PROJECT_ROOT / "seed" / "instruments"
    short = load_bundle(folder, "back-check").instrument.by_name
    main = load_bundle(folder, PLAN).instrument.by_name
    natures = {this_comparison.nature for this_comparison in list_comparisons()}
    assert natures == set(QuestionNature)
    for comparison in list_comparisons():
        if "." in comparison.repeats:
            assert comparison.repeats in {"point.kind", "response.mode", "response.minutes"}
            continue
        mine, theirs = short[comparison.item], main[comparison.repeats]
        assert (mine.label, mine.choices, mine.kind) == (theirs.label, theirs.choices, theirs.kind)
        assert (mine.minimum, mine.maximum) == (theirs.minimum, theirs.maximum)
