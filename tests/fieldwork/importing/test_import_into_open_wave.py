"""Into a wave that is being collected: planned points, quotas, review, areas, and no traces of
what was refused or cancelled."""

import csv
import io
from typing import Any
from uuid import uuid4

import pytest
from openpyxl import load_workbook
from sqlmodel import SQLModel, col, func, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.collection.importing.column_mapping import MappingFile
from survey.collection.importing.commit import ImportResult, commit_import
from survey.collection.importing.import_plan import ImportPlan, plan_import
from survey.collection.importing.mapping_draft import list_saved_mappings, save_mapping
from survey.collection.importing.rejections import (
    ImportCancelledError,
    ImportNotPossibleError,
    RejectionCauseCounter,
    RowRejection,
    write_rejections,
)
from survey.collection.importing.target_wave import (
    ImportRequest,
    list_importable_cities,
    list_waves_for_import,
)
from survey.collection.importing.template import write_template
from survey.locale import translator
from survey.questionnaire.model import Instrument
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Account,
    AuditEntry,
    ImportedFile,
    Mode,
    QuotaCell,
    Response,
    ResponseRevision,
    SamplingPoint,
    Status,
    Wave,
)
from survey.waves.waves import close_wave
from tests.work_of import work_of

HEADER = ["city", "point", "surveyor", "quality", "gender", "birth_year"]
GOOD = ["110000", "110000-u-01", "", "8", "female", "1990"]


def _csv(*rows: list[str], header: list[str] | None = None) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([HEADER if header is None else header, *rows])
    return buffer.getvalue().encode()


def _supervisor(field: Any, area: str) -> Principal:
    account = Account(login=str(uuid4()), name="Sun", role=Role.SUPERVISOR, area=area)
    with session_scope(field.url) as session:
        session.add(account)
    return Principal(account.id, "Sun", Role.SUPERVISOR, area)


def _plan(field: Any, content: bytes, by: Principal = OPERATOR, **changes: Any) -> ImportPlan:
    values = {"instrument": field.instrument, "wave_key": "main-2026", **changes}
    with read_scope(field.url) as session:
        return plan_import(
            work_of(session, by, field.now), request=ImportRequest(content, **values)
        )


def _commit(field: Any, plan: ImportPlan, by: Principal = OPERATOR, **more: Any) -> ImportResult:
    with session_scope(field.url) as session:
        return commit_import(work_of(session, by, field.now), plan=plan, **more)


def _count(field: Any, model: type[SQLModel]) -> int:
    with read_scope(field.url) as session:
        return session.exec(select(func.count()).select_from(model)).one()


def test_what_enters_an_open_wave_goes_to_review_at_a_planned_point_and_counts(field: Any) -> None:
    content = _csv(GOOD, ["北京", "u-01", "li", "9", "female", "1985"], GOOD)
    plan = _plan(field, content, file_name="agency.csv")
    assert _commit(field, plan).written == 3
    with read_scope(field.url) as session:
        responses = session.exec(select(Response).order_by(col(Response.id))).all()
        counted = session.exec(select(QuotaCell).where(QuotaCell.collected > 0)).all()
        (logged,) = session.exec(select(ImportedFile)).all()
    assert {response.status for response in responses} == {Status.SUBMITTED}
    assert {response.mode for response in responses} == {Mode.IMPORT}
    assert {response.point_id for response in responses} == {field.point.id}
    assert responses[1].surveyor_id == field.surveyor.account_id, "known by the sign-in name"
    assert [(cell.age_band, cell.gender, cell.collected) for cell in counted] == [
        ("35-44", "female", 3)
    ]
    assert (logged.name, logged.written, logged.source) == ("agency.csv", 3, "other")
    assert _count(field, SamplingPoint) == 2, "no point is made up"


def test_surveyors_of_another_city_are_not_credited(field: Any) -> None:
    _commit(field, _plan(field, _csv([*GOOD[:2], "zhao", *GOOD[3:]])))
    with read_scope(field.url) as session:
        surveyor = session.exec(select(Response.surveyor_id)).one()
        account = session.get(Account, surveyor)
    assert surveyor != field.colleague.account_id
    assert account is not None
    assert (account.login, account.active) == ("import:main-2026:zhao", False)


def test_points_that_are_not_planned_are_refused_row_by_row(field: Any) -> None:
    content = _csv(GOOD, [*GOOD[:1], "mall 9", *GOOD[2:]], [*GOOD[:1], "310000-u-01", *GOOD[2:]])
    plan = _plan(field, content)
    assert [(r.row, r.column, r.value) for r in plan.rejected] == [
        (3, "point", "mall 9"),
        (4, "point", "310000-u-01"),
    ]
    assert len(plan.accepted) == 1


def test_the_same_file_twice_adds_nothing_and_says_when_it_came(field: Any) -> None:
    content = _csv(GOOD)
    _commit(field, _plan(field, content))
    again = _plan(field, content)
    assert (len(again.accepted), again.duplicates, again.imported_before) == (0, 1, field.now)
    assert _commit(field, again) == ImportResult("main-2026", 0, 1, new_wave=False)
    assert (_count(field, Response), _count(field, ImportedFile)) == (1, 1)
    with read_scope(field.url) as session:
        assert session.exec(select(func.sum(QuotaCell.collected))).one() == 1


def test_more_than_a_quota_asks_for_is_said_before(field: Any) -> None:
    rows = [[*GOOD[:3], str(score), *GOOD[4:]] for score in (1, 2, 3, 4, 5, 6, 7)]
    remarks = [str(remark) for remark in _plan(field, _csv(*rows)).remarks]
    assert any(remark.startswith("2 interviews are more than the quota") for remark in remarks)


def test_a_supervisor_imports_for_the_own_area_only(field: Any) -> None:
    sun = _supervisor(field, "110000")
    content = _csv(GOOD, ["310000", "310000-u-01", "", "8", "female", "1990"])
    plan = _plan(field, content, by=sun)
    assert [(r.row, r.column) for r in plan.rejected] == [(3, "city")]
    assert _commit(field, plan, by=sun).written == 1
    with session_scope(field.url) as session:
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.action == "responses.imported")
        ).one()
    assert entry.actor_id == sun.account_id
    foreign = _plan(field, content)
    with pytest.raises(AccessDeniedError):
        _commit(field, foreign, by=sun)
    assert _count(field, Response) == 1, "a plan of another person opens no door"


def test_only_administrators_make_waves_or_add_to_closed_ones(field: Any) -> None:
    sun = _supervisor(field, "CN")
    with pytest.raises(AccessDeniedError):
        _plan(field, _csv(GOOD), by=sun, wave_key="pilot-2024")
    with read_scope(field.url) as session:
        seen = list_waves_for_import(work_of(session, sun))
    assert [wave.key for wave in seen] == ["main-2026"]
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key="main-2026")
    with pytest.raises(AccessDeniedError):
        _plan(field, _csv(GOOD), by=sun)
    with read_scope(field.url) as session:
        assert list_waves_for_import(work_of(session, sun)) == ()
        assert len(list_waves_for_import(work_of(session, OPERATOR))) == 1


def test_a_wave_that_closed_after_the_check_is_checked_again(field: Any) -> None:
    plan = _plan(field, _csv(GOOD))
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key="main-2026")
    with pytest.raises(ImportNotPossibleError, match="has changed"):
        _commit(field, plan)
    assert _count(field, Response) == 0


def test_a_cancelled_import_leaves_no_trace(field: Any) -> None:
    rows = [[*GOOD[:3], str(n % 10 + 1), "female", str(1950 + n % 50)] for n in range(600)]
    plan = _plan(field, _csv(*rows), wave_key="abroad-2024")
    seen: list[int] = []

    def stop(done: int, _total: int) -> None:
        seen.append(done)
        if done >= 500:
            raise ImportCancelledError

    before = [_count(field, model) for model in (Wave, AuditEntry, SamplingPoint, Response)]
    with pytest.raises(ImportCancelledError):
        _commit(field, plan, tick=stop)
    assert seen == [0, 250, 500]
    assert [_count(field, model) for model in (Wave, AuditEntry, SamplingPoint, Response)] == before
    assert _commit(field, plan).written == 600, "and can be written after all"


def test_a_number_that_comes_again_with_other_answers_changes_nothing(field: Any) -> None:
    header = ["_uuid", *HEADER]
    _commit(field, _plan(field, _csv(["uuid:1", *GOOD], header=header)))
    changed = [*GOOD[:3], "1", *GOOD[4:]]
    plan = _plan(field, _csv(["1", *GOOD], ["UUID:2", *GOOD], header=header))
    assert (plan.duplicates, len(plan.accepted)) == (1, 1)
    plan = _plan(field, _csv(["1", *changed], header=header))
    assert (plan.duplicates, len(plan.accepted)) == (0, 0)
    (rejection,) = plan.rejected
    assert (rejection.row, rejection.column) == (2, "_uuid")
    assert "other answers" in str(rejection.message)


@pytest.mark.parametrize("name", ["\x07mall", "a\u202eb", "x" * 81, "\ufeffmall"])
def test_names_that_nobody_can_read_are_refused(field: Any, name: str) -> None:
    plan = _plan(field, _csv([*GOOD[:1], name, *GOOD[2:]]), wave_key="abroad-2024")
    assert [r.column for r in plan.rejected] == ["point"]


def _filled(template: bytes, rows: list[dict[str, object]]) -> bytes:
    workbook = load_workbook(io.BytesIO(template))
    sheet = workbook["answers"]
    header = [cell.value for cell in sheet[1]]
    for number, row in enumerate(rows, start=3):
        for name, value in row.items():
            sheet.cell(number, header.index(name) + 1).value = value
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _template(field: Any, instrument: Instrument | None = None, language: str = "zh") -> bytes:
    with read_scope(field.url) as session:
        cities = list_importable_cities(work_of(session, OPERATOR))
    return write_template(
        principal=OPERATOR,
        instrument=instrument or field.instrument,
        cities=cities,
        language=language,
    )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_filled_template_brings_back_the_same_answers(field: Any, language: str) -> None:
    filled = {**field.complete, "topics": "food toys"}
    rows: list[dict[str, object]] = [
        {"city": "110000", "point": "110000-u-01", "started_at": "2026-05-01 10:30",
         "duration": 300, **filled},
        {"city": "310000", "point": "310000-u-01", **filled, "quality": "dk"},
    ]  # fmt: skip
    plan = _plan(field, _filled(_template(field, language=language), rows))
    assert (plan.source.value, plan.sheet, plan.unmapped, plan.rejected) == (
        "template",
        "answers",
        (),
        (),
    )
    _commit(field, plan)
    with read_scope(field.url) as session:
        first, second = session.exec(
            select(ResponseRevision.answers).order_by(col(ResponseRevision.id))
        )
    assert first == {**field.complete, "age": 36}
    assert second == {**field.complete, "age": 36, "quality": "dk"}


def test_an_empty_template_has_no_rows_and_says_so(field: Any) -> None:
    with pytest.raises(Exception, match="no rows"):
        _plan(field, _template(field))


def test_drop_downs_offer_the_codes_and_nothing_is_a_formula(field: Any) -> None:
    document = field.instrument.model_dump()
    document["sections"][4]["items"][0]["label"] = {"zh": "=HYPERLINK(1)", "en": "=1+1"}
    content = _template(field, Instrument.model_validate({**document, "version": "9"}))
    workbook = load_workbook(io.BytesIO(content))
    answers, codes = workbook["answers"], workbook["codes"]
    cells = [cell for sheet in workbook for row in sheet for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    listed = {
        answers[f"{str(rule.sqref).split('3:')[0]}1"].value: rule.formula1.split("!")[1]
        for rule in answers.data_validations.dataValidation
    }
    offered = {
        name: [cell.value for (cell,) in codes[area.replace("$", "")]]
        for name, area in listed.items()
    }
    assert offered["quality"] == [*range(1, 11), "dk", "na"]
    assert offered["gender"] == ["male", "female"]
    assert offered["city"] == ["110000", "310000"]
    assert "topics" not in offered, "a drop-down takes one code only"


def test_a_template_takes_the_right_to_import(field: Any) -> None:
    with pytest.raises(AccessDeniedError):
        write_template(
            principal=field.surveyor, instrument=field.instrument, cities={}, language="en"
        )


def test_a_mapping_is_kept_replaced_and_audited(field: Any) -> None:
    sun = _supervisor(field, "110000")
    for target in ("quality", "service"):
        with session_scope(field.url) as session:
            save_mapping(
                work_of(session, sun, field.now),
                instrument_name="small",
                name=" 第三方 ",
                mapping=MappingFile({"Q1": target}, {"Q1": {"n/a": ""}}),
            )
    with read_scope(field.url) as session:
        (saved,) = list_saved_mappings(work_of(session, sun), instrument_name="small")
        actions = session.exec(
            select(AuditEntry.action).where(AuditEntry.subject_id == str(saved.id))
        ).all()
        assert list_saved_mappings(work_of(session, sun), instrument_name="other") == ()
        with pytest.raises(AccessDeniedError):
            list_saved_mappings(work_of(session, field.surveyor), instrument_name="small")
    assert (saved.name, saved.mapping.targets) == ("第三方", {"Q1": "service"})
    assert sorted(actions) == ["mapping.replaced", "mapping.saved"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\x00b"])
def test_a_mapping_needs_a_name(field: Any, name: str) -> None:
    with session_scope(field.url) as session, pytest.raises(ImportNotPossibleError, match="name"):
        save_mapping(
            work_of(session, OPERATOR, field.now),
            instrument_name="small",
            name=name,
            mapping=MappingFile({"a": "quality"}),
        )


def test_the_list_of_problems_holds_no_formula_and_no_control_character() -> None:
    hostile = RowRejection.of(3, "=cmd|'/c calc'!A0", "@SUM(1)\x00\x1b", {"zh": "=1", "en": "no"})
    counter = RejectionCauseCounter([hostile.column])
    counter.add([hostile])
    content = write_rejections((hostile,), counter.causes(), "表1", "zh", translator("zh"))
    book = load_workbook(io.BytesIO(content))
    assert [cell.data_type for cell in book["原因汇总"][2]] == ["n", "n", "s", "s", "s", "n"]
    header, row = book["问题清单"].iter_rows()
    assert [cell.value for cell in header] == ["工作表", "行", "列", "内容", "原因"]
    assert [cell.value for cell in row] == ["表1", 3, "=cmd|'/c calc'!A0", "@SUM(1)", "=1"]
    assert [cell.data_type for cell in row] == ["s", "n", "s", "s", "s"]
