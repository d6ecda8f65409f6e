"""Questionnaires as their page shows them: who may, where they are used, and what is stored."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, ROLES, Action, Role
from survey.collection.trial_links import open_trial
from survey.questionnaire.model import Instrument
from survey.questionnaire.xlsform.reader import ImportedForm
from survey.questionnaire.xlsform.writer import xlsform_bytes
from survey.store.engine import read_scope, session_scope
from survey.store.tables import InstrumentVersion, WaveState
from survey.waves.instruments import add_instrument
from survey.waves.questionnaires import (
    check_upload,
    choose_predecessor,
    get_questionnaire,
    list_questionnaires,
    list_stored_findings,
    store_questionnaire,
)
from tests.error_codes import raises_code
from tests.instrument.workbooks import form
from tests.work_of import work_of


def person(role: Role, area: str = NATION) -> Principal:
    return Principal(uuid4(), "Sun", role, area)


ADMIN = person(Role.ADMINISTRATOR)
READERS = [role for role in Role if Action.READ_QUESTIONNAIRES in ROLES[role].actions]


def second(instrument: Instrument) -> Instrument:
    return instrument.model_copy(update={"version": "2", "title": {"en": "New", "zh": "新"}})


def test_those_who_plan_or_evaluate_read_and_nobody_else() -> None:
    assert set(READERS) == {Role.NATIONAL_OFFICIAL, Role.ANALYST, Role.ADMINISTRATOR}


@pytest.mark.parametrize("role", [role for role in Role if role not in READERS])
def test_every_other_role_is_refused(field: Any, role: Role) -> None:
    stranger, wanted = person(role), field.wave.instrument_id
    with read_scope(field.url) as session:
        with pytest.raises(AccessDeniedError):
            list_questionnaires(work_of(session, stranger))
        with pytest.raises(AccessDeniedError):
            get_questionnaire(work_of(session, stranger), instrument_id=wanted)
        with pytest.raises(AccessDeniedError):
            list_stored_findings(work_of(session, stranger), instrument_id=wanted)


@pytest.mark.parametrize("role", [Role.NATIONAL_OFFICIAL, Role.ANALYST, Role.SUPERVISOR])
def test_only_planners_check_and_store(field: Any, role: Role) -> None:
    content = xlsform_bytes(second(field.instrument))
    with session_scope(field.url) as session:
        with pytest.raises(AccessDeniedError):
            check_upload(work_of(session, person(role)), file_name="f.xlsx", content=content)
        with pytest.raises(AccessDeniedError):
            store_questionnaire(
                work_of(session, person(role), field.now),
                form=ImportedForm(second(field.instrument), (), ()),
            )


def test_a_trial_is_no_use_and_analysts_see_released_waves_only(field: Any) -> None:
    with session_scope(field.url) as session:
        open_trial(
            work_of(session, OPERATOR, field.now), instrument=field.instrument, city_code="110000"
        )
    with read_scope(field.url) as session:
        uses = {
            role: list_questionnaires(work_of(session, person(role)))[0].uses for role in READERS
        }
    assert [use.key for use in uses[Role.ADMINISTRATOR]] == ["main-2026"]
    assert [use.state for use in uses[Role.NATIONAL_OFFICIAL]] == [WaveState.OPEN]
    assert uses[Role.ANALYST] == ()


def test_an_upload_is_checked_against_the_store_and_changes_nothing(field: Any) -> None:
    def check(form: Instrument) -> Any:
        with session_scope(field.url) as session:
            return check_upload(
                work_of(session, ADMIN), file_name="f.xlsx", content=xlsform_bytes(form)
            )

    fresh = check(second(field.instrument))
    assert (fresh.errors, fresh.already_stored, fresh.taken_version) == ((), False, False)
    assert check(field.instrument).already_stored
    assert check(second(field.instrument).model_copy(update={"version": "1"})).taken_version
    unknown = check(second(field.instrument).model_copy(update={"tree": "nowhere"}))
    assert [error.column for error in unknown.errors][:1] == ["tree"]
    with read_scope(field.url) as session:
        assert len(session.exec(select(InstrumentVersion)).all()) == 1


def test_everything_that_is_wrong_with_a_file_is_said_at_once(field: Any, tmp_path: Path) -> None:
    survey = [
        ("type", "name", "label", "relevant", "parameters"),
        ("range", "goods", "Goods?", None, "start=1 end=10 step=1"),
        ("integer", "weight", "Weight?", None, None),
        ("text", "why", "Why?", "${gods} < 5", None),
        ("geopoint", "where", "Where?", None, None),
    ]
    content = form(tmp_path, survey).read_bytes()
    with session_scope(field.url) as session:
        check = check_upload(work_of(session, ADMIN), file_name="f.xlsx", content=content)
    assert sorted((each.row, each.column) for each in check.errors) == [
        (3, "name"),
        (4, "relevant"),
        (5, "type"),
    ]
    assert [(each.row, each.column) for each in check.warnings] == [(2, "low_label")]


def test_a_questionnaire_with_errors_is_not_stored_even_when_confirmed(field: Any) -> None:
    broken = second(field.instrument).model_copy(update={"tree": "nowhere"})
    with session_scope(field.url) as session, raises_code("questionnaire_not_fit"):
        store_questionnaire(work_of(session, ADMIN, field.now), form=ImportedForm(broken, (), ()))


def test_the_version_before_has_the_same_name(field: Any) -> None:
    later = field.now + timedelta(days=1)
    with session_scope(field.url) as session:
        add_instrument(work_of(session, OPERATOR, later), instrument=second(field.instrument))
        other = field.instrument.model_copy(update={"name": "other"})
        add_instrument(work_of(session, OPERATOR, later), instrument=other)
    with read_scope(field.url) as session:
        listed = list_questionnaires(work_of(session, ADMIN))
    by_key = {each.key: each for each in listed}
    assert [each.key for each in listed] == ["other/1", "small/2", "small/1"]
    assert choose_predecessor(listed, by_key["small/2"]) == by_key["small/1"]
    assert choose_predecessor(listed, by_key["small/1"]) is None
    # Without scores there is nothing that relates it to another.
    assert choose_predecessor(listed, by_key["other/1"]) is None
    assert by_key["small/2"].added_by == "operator"
