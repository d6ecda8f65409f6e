"""A file becomes a wave: planned without a trace, written whole, and only once."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel, col, func, select

from survey.access.principal import OPERATOR, AccessDeniedError
from survey.access.sessions import find_principal
from survey.collection.importing.commit import ImportResult, commit_import
from survey.collection.importing.import_plan import ImportPlan, plan_import
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.collection.importing.row_reader import parse_time
from survey.collection.importing.target_wave import ImportRequest
from survey.questionnaire.model import Instrument
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Account,
    AuditEntry,
    Mode,
    QuotaCell,
    Response,
    ResponseRevision,
    SamplingPoint,
    Status,
    Wave,
    WaveState,
)
from survey.tabular.text_table import FileUnreadableError
from survey.waves.instruments import InstrumentNotFoundError
from survey.waves.waves import get_wave
from tests.wave_states import move_wave
from tests.work_of import work_of

HEADER = ["city", "quality", "service", "gender", "birth_year"]
GOOD = ["110000", "8", "na", "female", "1990"]


def _csv(*rows: list[str], header: list[str] | None = None) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([HEADER if header is None else header, *rows])
    return buffer.getvalue().encode()


def _plan(field: Any, content: bytes, **changes: Any) -> ImportPlan:
    values = {"instrument": field.instrument, "wave_key": "abroad-2024", **changes}
    with read_scope(field.url) as session:
        return plan_import(
            work_of(session, OPERATOR, field.now), request=ImportRequest(content, **values)
        )


def _commit(field: Any, plan: ImportPlan) -> ImportResult:
    with session_scope(field.url) as session:
        return commit_import(work_of(session, OPERATOR, field.now), plan=plan)


def _import(field: Any, content: bytes, **changes: Any) -> ImportResult:
    return _commit(field, _plan(field, content, **changes))


def _answers(field: Any) -> list[dict[str, Any]]:
    with read_scope(field.url) as session:
        return list(
            session.exec(select(ResponseRevision.answers).order_by(col(ResponseRevision.id)))
        )


def _count(field: Any, model: type[SQLModel]) -> int:
    with read_scope(field.url) as session:
        return session.exec(select(func.count()).select_from(model)).one()


def test_ratings_from_elsewhere_become_a_closed_wave_of_approved_interviews(field: Any) -> None:
    content = _csv(
        GOOD, ["上海", "10", "1", "male", "1980"], ["beijing", "1", "dk", "female", "1970"]
    )
    result = _import(field, content)
    assert result == ImportResult("abroad-2024", written=3, duplicates=0, new_wave=True)
    assert _answers(field) == [
        {"quality": 8, "service": "na", "gender": "female", "birth_year": 1990, "age": 36},
        {"quality": 10, "service": 1, "gender": "male", "birth_year": 1980, "age": 46},
        {"quality": 1, "service": "dk", "gender": "female", "birth_year": 1970, "age": 56},
    ]
    with read_scope(field.url) as session:
        wave = get_wave(session=session, key="abroad-2024")
        responses = session.exec(select(Response).order_by(col(Response.id))).all()
    assert (wave.state, wave.year, wave.series) == (WaveState.CLOSED, 2024, "abroad-2024")
    assert wave.instrument_id == field.wave.instrument_id
    assert [response.city_code for response in responses] == ["110000", "310000", "110000"]
    assert {response.status for response in responses} == {Status.APPROVED}
    assert {response.mode for response in responses} == {Mode.IMPORT}
    assert {response.point_id for response in responses} == {None}


def test_a_plan_writes_nothing(field: Any) -> None:
    before = [_count(field, model) for model in (Wave, Response, AuditEntry)]
    plan = _plan(field, _csv(GOOD, ["110000", "11", "1", "male", "1980"]))
    assert (len(plan.accepted), plan.rejected_rows) == (1, 1)
    assert [_count(field, model) for model in (Wave, Response, AuditEntry)] == before


def test_the_same_file_twice_adds_nothing_in_whatever_dress(field: Any) -> None:
    content = _csv(GOOD, GOOD, ["310000", "1", "1", "male", "1980"])
    assert _import(field, content).written == 3
    again = _plan(field, content)
    assert (len(again.accepted), again.duplicates) == (0, 3)
    assert _commit(field, again).written == 0
    text = content.decode()
    for dress in (text.encode("utf-8-sig"), text.replace(",", ";").encode(), text.encode("utf-16")):
        assert _plan(field, dress).duplicates == 3
    assert _count(field, Response) == 3


def test_the_same_rows_into_another_wave_are_other_interviews(field: Any) -> None:
    _import(field, _csv(GOOD))
    assert _import(field, _csv(GOOD), wave_key="abroad-2025").written == 1


def test_a_file_that_grew_adds_only_its_new_rows(field: Any) -> None:
    _import(field, _csv(GOOD))
    result = _import(field, _csv(GOOD, ["310000", "5", "5", "male", "1980"], GOOD))
    assert (result.written, result.duplicates, result.new_wave) == (2, 1, False)


def test_a_plan_committed_twice_writes_once(field: Any) -> None:
    plan = _plan(field, _csv(GOOD))
    assert _commit(field, plan).written == 1
    assert _commit(field, plan) == ImportResult(
        "abroad-2024", written=0, duplicates=1, new_wave=False
    )


def test_rejected_rows_say_row_column_value_and_reason(field: Any) -> None:
    content = _csv(
        ["110000", "11", "1", "male", "1980"],
        ["Atlantis", "8", "1", "male", "1980"],
        ["110000", "good", "1", "robot", "1980"],
        ["110000", "8", "1", "male", "1850"],
        ["", "8", "1", "male", "1980"],
        GOOD,
        ["110000", "8"],
        [*GOOD, "extra"],
    )
    plan = _plan(field, content)
    assert [(r.row, r.column, r.value) for r in plan.rejected] == [
        (2, "quality", "11"),
        (3, "city", "Atlantis"),
        (4, "quality", "good"),
        (4, "gender", "robot"),
        (5, "birth_year", "1850"),
        (6, "city", ""),
        (8, "", ""),
        (9, "", ""),
    ]
    assert plan.rejected_rows == 7
    assert str(plan.rejected[6].message) == "The row has 2 cells, the header 5."
    assert plan.rejected[4].message == {"en": "Between 1900 and 2011", "zh": "1900-2011"}
    assert _commit(field, plan).written == 1


def test_missing_required_answers_are_taken_and_counted_or_refused(field: Any) -> None:
    content = _csv(["110000", "8", "", "female", "1990"], ["110000", "8", "1", "", ""], GOOD)
    plan = _plan(field, content)
    assert plan.missing == {"service": 1, "gender": 1, "birth_year": 1}
    assert plan.absent_items == (
        "consent",
        "lived_6m",
        "complained",
        "channel",
        "topics",
        "comment",
    )
    strict = _plan(field, content, allow_missing=False)
    assert [(r.row, r.column) for r in strict.rejected] == [
        (2, "service"),
        (3, "gender"),
        (3, "birth_year"),
    ]
    _commit(field, plan)
    assert _answers(field)[1] == {"quality": 8, "service": 1}


def test_points_strata_surveyors_and_times_are_kept(field: Any) -> None:
    header = [*HEADER, "point", "stratum", "surveyor", "started_at", "duration"]
    content = _csv(
        [*GOOD, "mall 1", "urban", "Wu", "2024-05-01 10:30", "300"],
        [*GOOD, "mall 1", "urban", "Xu", "2024/5/1 10:30:30", "61.5"],
        [*GOOD, "v2", "rural", "Wu", "2024-05-01T02:30:00Z", ""],
        ["310000", *GOOD[1:], "mall 1", "", "", "", ""],
        ["310000", *GOOD[1:], "310000-u-09", "", "", "", ""],
        header=header,
    )
    _import(field, content)
    with read_scope(field.url) as session:
        wave = get_wave(session=session, key="abroad-2024")
        points = session.exec(select(SamplingPoint).where(SamplingPoint.wave_id == wave.id)).all()
        responses = session.exec(select(Response).order_by(col(Response.id))).all()
        accounts = session.exec(
            select(Account).where(col(Account.login).startswith("import:"))
        ).all()
    by_id = {point.id: point for point in points}
    assert [by_id[r.point_id].code for r in responses if r.point_id] == [
        "110000-mall 1",
        "110000-mall 1",
        "110000-v2",
        "310000-mall 1",
        "310000-u-09",
    ]
    assert {(p.code, p.stratum, p.target) for p in points} == {
        ("110000-mall 1", "urban", 2),
        ("110000-v2", "rural", 1),
        ("310000-mall 1", "urban", 1),
        ("310000-u-09", "urban", 1),
    }
    assert {account.login for account in accounts} == {
        "import:abroad-2024:Wu",
        "import:abroad-2024:Xu",
    }
    assert not any(account.active for account in accounts)
    half_past_ten = datetime(2024, 5, 1, 2, 30, tzinfo=UTC)
    assert [r.started_at for r in responses[:3]] == [
        half_past_ten,
        half_past_ten.replace(second=30),
        half_past_ten,
    ]
    assert [r.duration_seconds for r in responses] == [300, 61.5, None, None, None]
    assert responses[0].submitted_at == half_past_ten.replace(minute=35)
    assert responses[3].submitted_at == field.now


def test_a_point_in_two_strata_is_refused_where_it_changes(field: Any) -> None:
    content = _csv(
        [*GOOD, "m", "urban"], [*GOOD, "m", "rural"], header=[*HEADER, "point", "stratum"]
    )
    (rejection,) = _plan(field, content).rejected
    assert (rejection.row, rejection.column, rejection.value) == (3, "stratum", "rural")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("started_at", "yesterday"),
        ("started_at", "2024-02-30 10:00"),
        ("started_at", "2999-01-01"),
        ("started_at", "1999-01-01"),
        ("duration", "-1"),
        ("duration", "fast"),
        ("duration", "1e9"),
        ("point", "x" * 81),
        ("surveyor", "x" * 81),
    ],
)
def test_impossible_circumstances_are_refused(field: Any, column: str, value: str) -> None:
    (rejection,) = _plan(field, _csv([*GOOD, value], header=[*HEADER, column])).rejected
    assert (rejection.row, rejection.column) == (2, column)
    assert value.startswith(rejection.value.removesuffix("…"))


def test_a_mapping_file_makes_a_strangers_table_readable(field: Any) -> None:
    content = _csv(
        ["1", "北京", "Male", "9", "N/A", "25-34"],
        ["2", "沪", "Female", "poor", "7", "55+"],
        header=["id", "where", "Sex", "Overall Q", "Svc", "Age group"],
    )
    mapping = _csv(
        ["where", "city", "", ""], ["where", "", "沪", "310000"],
        ["Sex", "gender", "", ""], ["Overall Q", "quality", "", ""],
        ["Overall Q", "", "Poor", "1"], ["Svc", "service", "N/A", "na"],
        ["Age group", "age", "25-34", "30"], ["Age group", "age", "55+", "60"],
        header=["column", "item", "value", "code"],
    )  # fmt: skip
    plan = _plan(field, content, mapping=mapping)
    assert (plan.rejected, plan.unmapped) == ((), ("id",))
    _commit(field, plan)
    assert _answers(field) == [
        {"gender": "male", "quality": 9, "service": "na", "age": 30},
        {"gender": "female", "quality": 1, "service": 7, "age": 60},
    ]


def test_one_city_for_all_rows(field: Any) -> None:
    content = _csv(["8"], ["9"], header=["quality"])
    assert _plan(field, content, city_code="Shanghai").by_city == {"310000": 2}
    with pytest.raises(ImportNotPossibleError, match="No column says the city"):
        _plan(field, content)
    with pytest.raises(ImportNotPossibleError, match="Atlantis"):
        _plan(field, content, city_code="Atlantis")


def test_interviews_that_ended_early_keep_their_ending(field: Any) -> None:
    header = ["city", "consent", "lived_6m", "quality"]
    content = _csv(
        ["110000", "no", "", ""], ["110000", "yes", "no", "8"], ["110000", "yes", "yes", "8"],
        header=header,
    )  # fmt: skip
    plan = _plan(field, content)
    assert plan.by_status == {Status.REFUSED: 1, Status.SCREENED_OUT: 1, Status.APPROVED: 1}
    assert plan.dropped_answers == 1


def test_interviews_to_be_reviewed_enter_an_open_wave_as_submitted_and_count(field: Any) -> None:
    _import(field, _csv(GOOD), wave_key="main-2026", reviewed=False)
    with read_scope(field.url) as session:
        assert session.exec(select(Response.status)).one() is Status.SUBMITTED
        counted = session.exec(select(QuotaCell).where(QuotaCell.collected == 1)).one()
    assert (counted.age_band, counted.gender) == ("35-44", "female")


def test_a_frozen_wave_takes_nothing(field: Any) -> None:
    _import(field, _csv(GOOD))
    with session_scope(field.url) as session:
        move_wave(session=session, key="abroad-2024", to=WaveState.FROZEN, now=field.now)
    with pytest.raises(ImportNotPossibleError, match="takes no interviews"):
        _plan(field, _csv(GOOD))


def test_a_wave_keeps_its_questionnaire(field: Any) -> None:
    other = Instrument.model_validate({**field.instrument.model_dump(), "version": "2"})
    with pytest.raises(ImportNotPossibleError, match="another questionnaire"):
        _plan(field, _csv(GOOD), wave_key="main-2026", instrument=other)


def test_a_questionnaire_that_is_not_stored_yet_is_stored_with_the_wave(field: Any) -> None:
    other = Instrument.model_validate({**field.instrument.model_dump(), "name": "strangers"})
    assert _import(field, _csv(GOOD), instrument=other).written == 1
    with read_scope(field.url) as session:
        wave = get_wave(session=session, key="abroad-2024")
    assert wave.instrument_id != field.wave.instrument_id


def test_an_indicator_tree_that_is_not_there_stops_the_import(field: Any) -> None:
    other = Instrument.model_validate(
        {**field.instrument.model_dump(), "version": "2", "tree": "missing-tree"}
    )
    with pytest.raises(InstrumentNotFoundError, match="missing-tree"):
        _import(field, _csv(GOOD), instrument=other)
    assert _count(field, Response) == 0
    assert _count(field, Wave) == 1


@pytest.mark.parametrize(
    ("key", "year"), [("abroad-2019", 2019), ("w2021b", 2021), ("w", 2023), ("v120241", 2023)]
)
def test_the_year_is_in_the_key_or_in_the_data(field: Any, key: str, year: int) -> None:
    content = _csv([*GOOD, "2023-12-31 10:00"], header=[*HEADER, "started_at"])
    _import(field, content, wave_key=key)
    with read_scope(field.url) as session:
        assert get_wave(session=session, key=key).year == year


def test_title_series_and_year_may_be_given(field: Any) -> None:
    _import(field, _csv(GOOD), series="main", year=2018, title={"zh": "试", "en": "Pilot"})
    with read_scope(field.url) as session:
        wave = get_wave(session=session, key="abroad-2024")
    assert (wave.series, wave.year, wave.title_zh, wave.title_en) == ("main", 2018, "试", "Pilot")


@pytest.mark.parametrize("key", ["", "Main-2024", "../etc", "a b", "x" * 65, "-x", "批次"])
def test_a_key_that_cannot_be_is_refused(field: Any, key: str) -> None:
    with pytest.raises(ImportNotPossibleError, match="lower-case"):
        _plan(field, _csv(GOOD), wave_key=key)


def test_a_file_that_answers_nothing_is_refused(field: Any) -> None:
    with pytest.raises(ImportNotPossibleError, match="No column answers"):
        _plan(field, _csv(["110000", "x"], header=["city", "other"]))


def test_formulas_stay_text_and_never_become_numbers(field: Any) -> None:
    content = _csv(
        [*GOOD, "=HYPERLINK(1)"], ["110000", "=4+4", "1", "male", "1980", "x"],
        header=[*HEADER, "comment"],
    )  # fmt: skip
    plan = _plan(field, content)
    assert [(r.row, r.value) for r in plan.rejected] == [(3, "=4+4")]
    _commit(field, plan)
    assert _answers(field)[0]["comment"] == "=HYPERLINK(1)"


def test_only_administrators_import(field: Any) -> None:
    request = ImportRequest(_csv(GOOD), field.instrument, "abroad-2024")
    plan = _plan(field, _csv(GOOD))
    with session_scope(field.url) as session:
        with pytest.raises(AccessDeniedError):
            plan_import(work_of(session, field.surveyor, field.now), request=request)
        with pytest.raises(AccessDeniedError):
            commit_import(work_of(session, field.surveyor, field.now), plan=plan)


def test_accounts_of_imported_surveyors_open_no_door(field: Any) -> None:
    _import(field, _csv([*GOOD, "Wu"], header=[*HEADER, "surveyor"]))
    with read_scope(field.url) as session:
        assert find_principal(session, "Wu", field.now) is None


def test_remarks_say_what_the_estimates_will_lack(field: Any) -> None:
    remarks = [str(remark) for remark in _plan(field, _csv(GOOD)).remarks]
    assert any("assumed design effect" in remark for remark in remarks)
    assert any("interview began" in remark for remark in remarks)


CELL = st.sampled_from(["", "8", "11", "na", "110000", "=1", "male", "1990", "x"]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(rows=st.lists(st.lists(CELL, min_size=4, max_size=6), min_size=1, max_size=6))
def test_every_row_is_accepted_rejected_or_blank(field: Any, rows: list[list[str]]) -> None:
    content = _csv(*rows)
    try:
        plan = _plan(field, content)
    except FileUnreadableError:
        return
    blank = sum(not any(map(str.strip, row)) for row in rows)
    assert len(plan.accepted) + plan.rejected_rows + blank == len(rows)
    with session_scope(field.url) as session:
        commit_import(work_of(session, OPERATOR, field.now), plan=plan)
        session.flush()
        again = plan_import(work_of(session, OPERATOR, field.now), request=plan.request)
        assert not again.accepted
        session.rollback()


@pytest.mark.parametrize(
    "text", ["", "2024", "2024-13-01", "2024-01-01 25:00", "24-01-01", "2024-01-01 10", "now"]
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert parse_time(text) is None
