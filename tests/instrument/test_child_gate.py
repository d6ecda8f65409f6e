"""Nothing about a child under 14 without the guardian, whatever relevance says, on both sides."""

from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_mini_racer import MiniRacer

from survey.collection.paper.keying import check_sheet
from survey.questionnaire.browser_payload import browser_form
from survey.questionnaire.checks import check_instrument
from survey.questionnaire.model import (
    Choice,
    Instrument,
    Item,
    ItemKind,
    Language,
    PrivacyRole,
    Section,
    SectionExit,
)
from survey.questionnaire.validation import Validation, validate
from survey.web.assets import read_script
from tests.instrument.column_verdicts import validate_rows

TODAY = date(2026, 5, 20)
WORDS = {"en": "x"}
YES_NO = (Choice(name="yes", label=WORDS), Choice(name="no", label=WORDS))


def item(name: str, kind: ItemKind = ItemKind.SELECT_ONE, **more: Any) -> Item:
    choices = YES_NO if kind is ItemKind.SELECT_ONE else ()
    return Item(name=name, kind=kind, label=WORDS, choices=choices, **more)


def instrument(*items: Item, after: tuple[Section, ...] = ()) -> Instrument:
    return Instrument(
        name="family",
        version="1",
        title=WORDS,
        default_language="en",
        languages=(Language(code="en", name="English"),),
        sections=(Section(name="all", items=items), *after),
    )


CONSENT = item("consent", required=True, privacy=PrivacyRole.CONSENT)
AGE = item("child_age", ItemKind.INTEGER, required=True, privacy=PrivacyRole.CHILD_AGE)
GUARDIAN = item(
    "agrees", required=True, relevant="${child_age} < 14", privacy=PrivacyRole.GUARDIAN_CONSENT
)
TOY = item("toy", privacy=PrivacyRole.ABOUT_CHILD)
# Whoever wrote this one forgot to ask for the guardian's consent.
SCHOOL = item("school", ItemKind.TEXT, relevant="true()", privacy=PrivacyRole.ABOUT_CHILD)
OWN = item("own_view", ItemKind.INTEGER)
FAMILY = instrument(CONSENT, AGE, GUARDIAN, TOY, SCHOOL, OWN)
GIVEN = {"consent": "yes", "toy": "yes", "school": "No. 1", "own_view": 7}


def says(**answers: Any) -> Validation:
    return validate(FAMILY, {**GIVEN, **answers}, today=TODAY)


def test_a_refusal_leaves_nothing_about_the_child_not_even_its_age() -> None:
    verdict = says(child_age=9, agrees="no")
    assert verdict.accepted
    assert verdict.stored_answers == {
        "consent": "yes",
        "agrees": "no",
        "own_view": 7,
        "child_age": None,
    }
    assert set(verdict.off_route) == {"child_age", "toy", "school"}


def test_what_is_stored_of_a_refusal_is_valid_again_and_stays_the_same() -> None:
    first = says(child_age=9, agrees="no")
    again = validate(FAMILY, first.stored_answers, today=TODAY)
    assert (again.accepted, again.stored_answers, again.off_route) == (
        True,
        first.stored_answers,
        (),
    )
    assert "agrees" in again.route


def test_with_consent_or_from_fourteen_on_the_child_is_asked_about() -> None:
    for verdict in (says(child_age=9, agrees="yes"), says(child_age=14)):
        assert verdict.accepted
        assert verdict.stored_answers["toy"] == "yes"
        assert verdict.stored_answers["school"] == "No. 1"
        assert verdict.off_route == ()


def test_without_an_age_or_an_answer_of_the_guardian_nothing_opens() -> None:
    assert {p.item for p in says().problems} == {"child_age"}
    assert {p.item for p in says(child_age=9).problems} == {"agrees"}
    for verdict in (says(), says(child_age=9), says(child_age="x", agrees="yes no")):
        assert not {"toy", "school"} & set(verdict.stored_answers)
        assert verdict.answers.get("child_age") is None


ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "child_age": st.integers(-3, 20) | st.sampled_from(["", "9", None, 13.5, "dk"]),
        "agrees": st.sampled_from(["yes", "no", "", "YES", None, "maybe", ["yes"]]),
        "toy": st.sampled_from(["yes", "no"]),
        "school": st.text(max_size=5),
        "own_view": st.integers(0, 10),
    },
)


@given(ANSWERS)
def test_whatever_is_sent_nothing_of_a_young_child_is_kept_without_yes(
    answers: dict[str, Any],
) -> None:
    verdict = validate(FAMILY, {"consent": "yes", **answers}, today=TODAY)
    kept = {name for name, value in verdict.stored_answers.items() if value is not None}
    age = verdict.answers.get("child_age")
    agreed = verdict.answers.get("agrees") == "yes"
    if not agreed and not (isinstance(age, int | float) and age >= 14):
        assert not kept & {"toy", "school", "child_age"}


@pytest.fixture(scope="module")
def browser() -> MiniRacer:
    engine = MiniRacer()
    engine.eval(read_script("expressions") + read_script("routing") + "this.R = SurveyRouting;")
    form = orjson.dumps(browser_form(FAMILY)).decode()
    engine.eval(f"this.form = R.prepare({form});")
    return engine


@pytest.mark.parametrize("age", [None, 0, 9, 13, 14, 17])
@pytest.mark.parametrize("agrees", [None, "yes", "no"])
def test_the_browser_sends_no_more_than_the_server_keeps(
    browser: MiniRacer, age: int | None, agrees: str | None
) -> None:
    given_answers = {
        key: value
        for key, value in {**GIVEN, "child_age": age, "agrees": agrees}.items()
        if value is not None
    }
    document = orjson.dumps(given_answers).decode()
    sent = orjson.loads(
        str(browser.eval(f"JSON.stringify(R.answersOnRoute(form, {document}, '2026-05-20'))"))
    )
    verdict = validate(FAMILY, sent, today=TODAY)
    assert not {"toy", "school"} & set(verdict.off_route)
    assert ("toy" in sent) == ("toy" in verdict.answers)
    assert ("toy" in sent) == (age is not None and (age >= 14 or agrees == "yes"))


def messages(*items: Item, after: tuple[Section, ...] = ()) -> list[str]:
    return [finding.item for finding in check_instrument(instrument(*items, after=after))]


def test_a_questionnaire_that_asks_in_the_right_order_is_in_order() -> None:
    end = Section(
        name="no",
        relevant="selected(${consent}, 'no')",
        ends=SectionExit.REFUSED,
        items=(item("bye", ItemKind.NOTE),),
    )
    assert messages(CONSENT, AGE, GUARDIAN, TOY, SCHOOL, OWN, after=(end,)) == []


@pytest.mark.parametrize(
    ("items", "where"),
    [
        ((OWN, CONSENT), "consent"),
        ((TOY,), "toy"),
        ((AGE, TOY, GUARDIAN), "toy"),
        ((GUARDIAN.model_copy(update={"relevant": None}), AGE, TOY), "agrees"),
        ((AGE, AGE.model_copy(update={"name": "age2"}), GUARDIAN), "age2"),
        ((AGE.model_copy(update={"kind": ItemKind.TEXT}), GUARDIAN), "child_age"),
        ((CONSENT.model_copy(update={"required": False}),), "consent"),
        ((item("c", ItemKind.INTEGER, required=True, privacy=PrivacyRole.CONSENT),), "c"),
        (
            (
                AGE,
                GUARDIAN,
                Item(name="sum", kind=ItemKind.CALCULATE, calculation="${child_age} + 1"),
            ),
            "sum",
        ),
    ],
)
def test_what_would_ask_too_early_is_found(items: tuple[Item, ...], where: str) -> None:
    assert where in messages(*items)


def test_an_import_and_a_sheet_of_paper_pass_the_same_gate() -> None:
    given_answers = {**GIVEN, "child_age": 9, "agrees": "no"}
    row = validate_rows(FAMILY, [given_answers], [TODAY])[0]
    sheet = check_sheet(FAMILY, given_answers, (), day=TODAY)
    # On the third one the guardian's answer is missing on the paper.
    left_blank = check_sheet(FAMILY, {**GIVEN, "child_age": 9}, ("agrees",), day=TODAY)
    for answers in (row.answers, sheet.stored_answers, left_blank.stored_answers):
        assert not {"toy", "school"} & set(answers)
        assert answers.get("child_age") is None
    assert (row.problems, sheet.problems, left_blank.problems) == ((), (), ())
    assert row.dropped == len(sheet.off_route) == 3
