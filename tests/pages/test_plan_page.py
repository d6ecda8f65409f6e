"""The planner's page, in every state of a wave, for who plans and for who reads."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.frame.sample_size import PrecisionTarget
from survey.frame.sampling_plan import PlanRequest
from survey.frame.workbook_io import WorkbookSheet, write_workbook
from survey.kit.navigation import PageKey
from survey.snapshots.snapshot_files import FreezeOptions, WithoutPoint
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Account,
    AuditEntry,
    CityTarget,
    PointKind,
    Publication,
    PublicationState,
    QuotaCell,
    SamplingPoint,
    Shown,
    Snapshot,
    Status,
    Wave,
    WaveAct,
    WaveState,
    now,
)
from survey.waves.planning.plan_storage import plan_cities, save_plan
from survey.waves.planning.sampling_points import point_list_template
from survey.waves.planning.staff import STAFF_SHEET
from survey.waves.planning.wave_editing import add_wave
from survey.waves.planning.wave_requests import request_act
from survey.waves.waves import WaveDraft
from tests.wave_states import move_wave, set_wave_state
from tests.work_of import work_of

KEY = "main-2027"
Read = Callable[[AppTest], str]


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """The pages do not know which database it is; one is enough here."""
    return sqlite_url


@pytest.fixture
def admin(employ: Any) -> Principal:
    return employ(Role.ADMINISTRATOR, NATION)


@pytest.fixture
def official(employ: Any) -> Principal:
    return employ(Role.NATIONAL_OFFICIAL, NATION)


@pytest.fixture
def planned(field: Any) -> Any:
    draft = WaveDraft(KEY, "main", 2027, "2027年", "Wave 2027", field.wave.instrument_id)
    with session_scope(field.url) as session:
        add_wave(work_of(session, OPERATOR, field.now), draft=draft)
        save_plan(
            work_of(session, OPERATOR, field.now),
            key=KEY,
            request=PlanRequest(aim=PrecisionTarget(total=1_200)),
        )
    return field


def _move(field: Any, *states: WaveState) -> None:
    for state in states:
        with session_scope(field.url) as session:
            move_wave(session=session, key=KEY, to=state, now=field.now)


def _keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button if button.key}


def _point_file(field: Any, rows: Sequence[Sequence[object]]) -> bytes:
    with read_scope(field.url) as session:
        sheet = point_list_template(plan_cities(work_of(session, OPERATOR)), "en")
    return write_workbook([WorkbookSheet(sheet.name, sheet.columns, rows)], "en")


def _upload(app: AppTest, content: bytes) -> AppTest:
    name = "list.xlsx"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    app.file_uploader[0].set_value([(name, content, kind)])
    return app.run()


NAME = f"Wave 2027 ({KEY})"


def _confirm(app: AppTest, step: str, typed: str = "", *, field: str = "") -> AppTest:
    """Open the dialog of a step, type the name where it asks for one, and press its button."""
    app.button(key=f"plan-step-{step}").click().run()
    assert f"**{NAME}**" in [text.value for text in app.markdown]
    if typed:
        app.text_input(key=field).set_value(typed)
    return app.button(key=f"plan-move-{step}").click().run()


def test_the_state_is_said_in_words_and_the_fields_it_fixes_are_fixed(
    planned: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    by_state = {}
    for states in ((), (WaveState.OPEN,), (WaveState.CLOSED,), (WaveState.FROZEN,)):
        _move(planned, *states)
        app = visit_as(PageKey.PLAN, admin, wave=KEY)
        fields = {box.label: box.disabled for box in [*app.selectbox, *app.number_input]}
        by_state[states[-1] if states else WaveState.PLANNED] = (
            read(app), fields.get("Questionnaire"), _keys(app)
        )  # fmt: skip
    assert "Nobody can be interviewed yet" in by_state[WaveState.PLANNED][0]
    assert by_state[WaveState.PLANNED][1] is False
    assert "interviews arrive" in by_state[WaveState.OPEN][0]
    assert by_state[WaveState.OPEN][1] is True
    assert "The plan cannot be changed" in by_state[WaveState.CLOSED][0]
    assert {"plan-step-open", "plan-step-frozen"} <= by_state[WaveState.CLOSED][2]
    assert "Nothing can be changed any more" in by_state[WaveState.FROZEN][0]
    assert by_state[WaveState.FROZEN][1] is None
    kept = {key for key in by_state[WaveState.FROZEN][2] if key.startswith("plan")}
    assert kept == {"plan-step-released"}


def test_the_bar_says_who_did_what_and_the_next_step_is_the_only_primary_button(
    planned: Any, visit_as: Any, admin: Principal, official: Principal, read: Read
) -> None:
    next_steps = {
        WaveState.PLANNED: "plan-step-open", WaveState.OPEN: "plan-step-closed",
        WaveState.CLOSED: "plan-step-frozen", WaveState.FROZEN: "plan-step-released",
    }  # fmt: skip
    for state, key in next_steps.items():
        if state is not WaveState.PLANNED:
            _move(planned, state)
        for part in ("wave", "sample", "points", "people", "review", "freeze"):
            app = visit_as(PageKey.PLAN, admin, wave=KEY, part=part, plan="computed")
            primary = [button.key for button in app.button if button.proto.type == "primary"]
            assert primary == [key], (state, part)
    stages = re.findall(r'<li class="(\w+)".*?</li>', read(app))
    assert stages == ["reached", "reached", "reached", "current", "ahead"]
    assert read(app).count("on the server") == 4
    app = visit_as(PageKey.PLAN, official, wave=KEY)
    assert {key for key in _keys(app) if key.startswith("plan-")} == {"plan-step-released"}


TREE = """code,parent,level,name_zh,name_en,weight,name_status,weight_status
1,,1,全部,All,1,assumed,assumed
1.1,1,2,部分,Part,1,assumed,assumed
1.1.1,1.1,3,饭菜,Food,0.5,assumed,assumed
1.1.2,1.1,3,服务,Staff,0.5,assumed,assumed
"""


def _upload_tree(app: AppTest, content: str) -> AppTest:
    app.file_uploader[0].set_value([("hotel-tree.csv", content.encode(), "text/csv")])
    return app.run()


def test_an_own_indicator_tree_comes_in_and_every_wrong_row_is_said(
    planned: Any, visit_as: Any, admin: Principal, official: Principal, read: Read
) -> None:
    app = visit_as(PageKey.PLAN, admin, wave="new")
    assert "plan-tree-template" in _keys(app)
    _upload_tree(app, TREE.replace("0.5,assumed", "half,assumed"))
    faults = app.table[0].value
    assert [tuple(row)[:2] for row in faults.to_numpy()] == [("4", "weight"), ("5", "weight")]
    assert "not a weight" in faults.iloc[0, 2]
    assert "plan-tree-store" not in _keys(app)
    _upload_tree(app, TREE)
    app.button(key="plan-tree-store").click().run()
    (done,) = app.success
    assert "hotel-tree" in done.value
    assert "4 indicators, version" in done.value
    with read_scope(planned.url) as session:
        (added,) = session.exec(select(AuditEntry).where(AuditEntry.action == "tree.added"))
        assert added.actor_id == admin.account_id
        assert added.detail["name"] == "hotel-tree"
    _upload_tree(app, TREE.replace("0.5,assumed", "1,assumed", 1).replace("1.1.2,1.1,3", "1.2,1,2"))
    assert "add up to" in app.table[0].value.iloc[0, 2]
    changed = TREE.replace("饭菜", "早餐")
    _upload_tree(app, changed)
    app.button(key="plan-tree-store").click().run()
    assert "already exists with other content" in read(app)


def test_opening_asks_once_more_and_says_what_is_missing(
    planned: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    app = visit_as(PageKey.PLAN, admin, wave=KEY)
    app.button(key="plan-step-open").click().run()
    assert "there are no sampling points" in app.warning[0].value
    app = visit_as(PageKey.PLAN, admin, wave=KEY)
    assert not app.warning
    _confirm(app, "open")
    (done,) = app.success
    assert done.value == f"{NAME}: The wave is open: interviews can be collected."
    with read_scope(planned.url) as session:
        assert session.exec(select(Wave.state).where(Wave.key == KEY)).one() is WaveState.OPEN


def test_a_new_wave_is_made_and_a_wrong_one_says_why(
    field: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    app = visit_as(PageKey.PLAN, admin, wave="new")
    place = "plan/new/en"
    app.text_input(key=f"{place}/key").set_value("Main 2028")
    app.text_input(key=f"{place}/title_zh").set_value("2028年")
    app.text_input(key=f"{place}/title_en").set_value("Wave 2028")
    app.button(key="plan-save-wave").click().run()
    assert "small Latin letters" in read(app)
    assert "Nothing was changed." in read(app)
    app.text_input(key=f"{place}/key").set_value("main-2028")
    app.button(key="plan-save-wave").click().run()
    assert "Please choose a questionnaire" in read(app)
    app.selectbox(key=f"{place}/instrument_id").select_index(0)
    app.button(key="plan-save-wave").click().run()
    assert [message.value for message in app.success] == [
        "The wave Wave 2028 (main-2028) is saved."
    ]
    # What comes next for it is open.
    assert (app.query_params["wave"], app.query_params["part"]) == ("main-2028", "sample")
    assert "All 2 cities, unless some are chosen here." in read(app)
    with read_scope(field.url) as session:
        assert session.exec(select(Wave).where(Wave.key == "main-2028")).one().year >= 2026


def test_the_planner_shows_precision_before_a_yuan_is_spent_and_saves(
    planned: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="sample")
    assert '<span class="number">1,200</span>' in read(app)
    assert len(app.get("vega_lite_chart")) == 1
    assert "plan-save-sample" not in _keys(app)
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="sample", plan="computed")
    place = f"aim/{KEY}/en"
    app.number_input(key=f"{place}/total").set_value(2_000).run()
    app.number_input(key=f"{place}/elderly").set_value(2.0).run()
    assert '<span class="number">2,000</span>' in read(app)
    app.number_input(key=f"{place}/price").set_value(10.0).run()
    assert "cost 20,000 yuan" in read(app)
    app.number_input(key=f"{place}/budget").set_value(15_000.0).run()
    assert "The budget pays for 1500 interviews" in read(app)
    app.number_input(key=f"{place}/budget").set_value(30_000.0).run()
    app.button(key="plan-save-sample").click().run()
    assert "The plan is saved" in app.success[0].value
    with read_scope(planned.url) as session:
        assert sum(session.exec(select(CityTarget.target))) == 2_000
        assert "60-70" in set(session.exec(select(QuotaCell.age_band)))


def test_the_planner_claims_no_precision_from_too_few_interviews(
    planned: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="sample", plan="computed")
    assert "Too few interviews" not in read(app)
    app.number_input(key=f"aim/{KEY}/en/margin").set_value(49.0).run()
    app.number_input(key=f"aim/{KEY}/en/total").set_value(12).run()
    text = read(app)
    assert "Too few interviews to estimate in" in text
    assert "too few interviews to estimate; the chart leaves out" in text
    assert max(float(half) for half in re.findall(r"±(\d+\.\d)", text)) <= 50


def test_a_list_with_errors_is_explained_then_drawn_then_staffed(
    planned: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    rows = [
        [
            "Beijing",
            f"B-{place}",
            f"Mall {place}",
            "mall" if place else "castle",
            "urban",
            None,
            None,
            None,
        ]
        for place in range(6)
    ]
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="points", list="workbook")
    _upload(app, _point_file(planned, rows))
    assert "1 cells need another look" in read(app)
    assert "points-draw" not in _keys(app)
    rows[0][3] = "shopping mall"
    _upload(app, _point_file(planned, rows))
    assert "Shorter lists than wanted" in app.warning[0].value
    app.button(key="points-draw").click().run()
    assert [message.value for message in app.success] == [
        f"{NAME}: The points are drawn and stored."
    ]
    with session_scope(planned.url) as session:
        codes = session.exec(select(SamplingPoint.code).where(SamplingPoint.code != "x")).all()
        session.add(Account(login="boss", name="B", role="supervisor", area="110000"))
    assert {f"B-{place}" for place in range(6)} <= set(codes)

    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="people")
    people = [["li", "B-1", "boss", "North"], ["stranger", "B-2", None, None]]
    _upload(
        app, write_workbook([WorkbookSheet(STAFF_SHEET.name, STAFF_SHEET.columns, people)], "en")
    )
    assert "Nobody signs in with this name" in str(app.table[0].value)
    _upload(
        app,
        write_workbook([WorkbookSheet(STAFF_SHEET.name, STAFF_SHEET.columns, people[:1])], "en"),
    )
    app.button(key="people-assign").click().run()
    assert [message.value for message in app.success] == [f"{NAME}: The people are assigned."]
    assert "boss" in str(app.dataframe[0].value)


def test_points_are_pasted_with_the_findings_of_the_workbook(
    planned: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    lines = [f"Beijing, B-{number}, Mall {number}, mall, urban" for number in range(6)]
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="points")
    app.text_area[0].set_value("\n".join([*lines, "Atlantis, B-1, Mall 1, castle, urban"]))
    app.button(key="points/check").click().run()
    findings = app.table[0].value.to_string()
    for reason in (
        "This is no city of the survey",
        "This code stands in row 2 as well",
        "none of the words of the drop-down list",
    ):
        assert reason in findings
    assert "points-draw" not in _keys(app)
    app.text_area[0].set_value("\n".join(lines))
    app.button(key="points/check").click().run()
    app.button(key="points-draw").click().run()
    assert [message.value for message in app.success] == [
        f"{NAME}: The points are drawn and stored."
    ]
    with read_scope(planned.url) as session:
        codes = set(session.exec(select(SamplingPoint.code)).all())
    assert {f"B-{number}" for number in range(6)} <= codes
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="points")
    assert app.text_area[0].value == ""


def test_a_file_that_is_no_workbook_is_refused_in_words(
    planned: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="points", list="workbook")
    _upload(app, b"PK\x03\x04 nothing")
    assert "damaged or not an Excel workbook" in read(app)
    assert "Sampling points of this wave" in [title.value for title in app.subheader]


@pytest.mark.parametrize("part", ["wave", "sample", "points", "people", "review", "freeze"])
def test_a_national_official_reads_and_changes_nothing(
    planned: Any, visit_as: Any, official: Principal, part: str
) -> None:
    app = visit_as(PageKey.PLAN, official, wave=KEY, part=part)
    changing = {"plan-save-wave", "plan-save-sample", "plan-step-open", "points-draw",
                "people-assign", "points-template", "people-template"}  # fmt: skip
    assert not _keys(app) & changing
    assert not app.file_uploader
    assert not [box for box in app.selectbox if "new" in box.options]


@pytest.mark.parametrize("role", [Role.NATIONAL_OFFICIAL, Role.ADMINISTRATOR])
def test_an_empty_store_says_what_a_wave_is(
    use_store: Any, open_page: Any, empty_store: Any, read: Read, role: Role
) -> None:
    use_store(empty_store)
    with session_scope(empty_store.store_url) as session:
        session.add(Account(login=f"demo-{role}", name="N", role=role, area="CN", is_demo=True))
    app = open_page(PageKey.PLAN, role, lang="en")
    assert "There is no wave yet" in read(app)
    if role is Role.ADMINISTRATOR:
        assert "no questionnaire in the store" in app.warning[0].value
        assert "Fill in the fields below" in read(app)
    else:
        assert "An administrator makes one on this page" in read(app)


def test_the_rule_of_full_quotas_is_switched_until_the_wave_is_over(
    planned: Any, visit_as: Any, admin: Principal, official: Principal, read: Read
) -> None:
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="sample")
    assert "Full quotas turn people away" in read(app)
    assert app.button(key="plan-policy-stop").disabled
    app.button(key="plan-policy-count").click().run()
    assert [message.value for message in app.success] == [f"{NAME}: Full quotas go on counting."]
    with read_scope(planned.url) as session:
        cells = select(QuotaCell.stops).join(Wave, col(Wave.id) == QuotaCell.wave_id)
        assert set(session.exec(cells.where(Wave.key == KEY))) == {False}
    assert "plan-policy-stop" not in _keys(
        visit_as(PageKey.PLAN, official, wave=KEY, part="sample")
    )
    _move(planned, WaveState.CLOSED)
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="sample")
    assert "cannot be changed any more" in read(app)
    assert "plan-policy-stop" not in _keys(app)


def _wait_for_job(app: AppTest) -> AppTest:
    if "plan/job" in app.session_state:
        assert app.session_state["plan/job"].job.wait(60)
        app.run()
    return app


def test_freezing_goes_on_beside_the_page_and_says_why_it_could_not(
    planned: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    """Nothing was approved, so the wave stays closed: no state without a snapshot."""
    _move(planned, WaveState.OPEN, WaveState.CLOSED)
    app = visit_as(PageKey.PLAN, admin, wave=KEY)
    _wait_for_job(_confirm(app, "frozen", KEY, field="plan-freeze-name"))
    assert f"{NAME}: The wave {KEY} has no approved response to freeze" in read(app)
    with read_scope(planned.url) as session:
        assert session.exec(select(Wave.state).where(Wave.key == KEY)).one() is WaveState.CLOSED


def test_nothing_is_frozen_for_good_under_another_name(
    planned: Any, visit_as: Any, admin: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _move(planned, WaveState.CLOSED)
    frozen: list[str] = []
    monkeypatch.setattr(
        "survey.screens.plan.freeze_job.freeze_wave",
        lambda *_, wave_key, **__: frozen.append(wave_key),
    )
    app = visit_as(PageKey.PLAN, admin, wave=KEY)
    for typed in ("", "main-2026", "Wave"):
        _confirm(app, "frozen", typed, field="plan-freeze-name")
        assert "plan/job" not in app.session_state
        app.button(key="plan-step-frozen").click().run()
    assert frozen == []


def test_the_options_of_a_freeze_are_kept_while_other_tabs_are_open(
    planned: Any, visit_as: Any, admin: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _move(planned, WaveState.CLOSED)
    asked: list[tuple[WithoutPoint, tuple[str, ...], bool]] = []

    def freeze(*_: Any, options: FreezeOptions, **__: Any) -> Any:
        asked.append((options.without_point, options.groups, options.final))
        return SimpleNamespace(without_point=1_234)

    monkeypatch.setattr("survey.screens.plan.freeze_job.freeze_wave", freeze)
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="freeze")
    assert app.radio(key=f"plan-without-point-{KEY}/en").value == "refuse"
    app.radio(key=f"plan-without-point-{KEY}/en").set_value("stratum").run()
    offered = app.multiselect(key=f"plan-groups-{KEY}/en")
    assert offered.value == []
    assert not [label for label in offered.options if label.endswith("(gender)")]
    offered.set_value(offered.options[:1]).run()
    assert not app.exception
    app.query_params["part"] = "review"
    app.run()
    assert f"plan-groups-{KEY}/en" not in {box.key for box in app.multiselect}
    _wait_for_job(_confirm(app, "frozen", "Wave 2027", field="plan-freeze-name"))
    _wait_for_job(_confirm(app, "provisional"))
    assert [options[0] for options in asked] == [WithoutPoint.STRATUM] * 2
    assert [len(options[1]) for options in asked] == [1, 1]
    assert [options[2] for options in asked] == [True, False]
    assert offered.options[0].endswith(f"({asked[0][1][0]})")
    assert "1,234 interviews without a sampling point" in app.success[0].value


@contextmanager
def _published(planned: Any) -> Iterator[None]:
    """A release of the wave stands in the register."""
    with session_scope(planned.url) as session:
        wave = session.exec(select(Wave).where(Wave.key == KEY)).one()
        row = Publication(
            key=f"{KEY}-1", wave_id=wave.id, title_zh="发布", title_en="Release", contact="12315",
            shown=Shown.SCORES, builders=["figures"], embargo_until=now(), planned_at=now(),
            state=PublicationState.PUBLISHED,
        )  # fmt: skip
        session.add(row)
    yield
    with session_scope(planned.url) as session:
        session.delete(session.exec(select(Publication)).one())


def test_a_frozen_wave_leads_to_the_register_and_a_requested_release_is_confirmed_here(
    planned: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    _move(planned, WaveState.CLOSED, WaveState.FROZEN)
    with session_scope(planned.url) as session:
        wave = session.exec(select(Wave).where(Wave.key == KEY)).one()
        session.add(Snapshot(wave_id=wave.id, final=True, sha256="x", directory="x", rows=1))
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="freeze")
    app.button(key="plan-step-released").click().run()
    assert not app.exception
    assert app.query_params["announce"] in (KEY, [KEY])
    options = {"shown": "scores", "first_places": None}
    with session_scope(planned.url) as session:
        work = work_of(session, OPERATOR)
        request_act(work, key=KEY, act=WaveAct.RELEASE, options=options)
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="freeze")
    app.button(key="plan-step-released").click().run()
    assert "Others may see: names and scores of all cities." in read(app)
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="freeze")
    _confirm(app, "released", "main-2026", field="plan-release-name")
    assert not app.success
    _confirm(app, "released", KEY, field="plan-release-name")
    assert [message.value for message in app.success] == [f"{NAME}: The results are released."]
    assert "names and scores of all cities" in app.table[0].value.to_string()
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="freeze")
    with _published(planned):
        app.button(key="plan-step-revoked").click().run()
        assert f"The published release {KEY}-1 stands" in read(app)
        assert "plan-move-revoked" not in {button.key for button in app.button}
    _confirm(app, "revoked", "wrong weights", field="plan-release-reason")
    assert [message.value for message in app.success] == [f"{NAME}: The release is taken back."]
    assert "wrong weights" in app.table[0].value.to_string()
    with read_scope(planned.url) as session:
        assert session.exec(select(Wave.state).where(Wave.key == KEY)).one() is WaveState.FROZEN


def test_one_point_is_changed_after_the_draw(
    planned: Any, visit_as: Any, admin: Principal, official: Principal, read: Read
) -> None:
    with session_scope(planned.url) as session:
        wave = session.exec(select(Wave).where(Wave.key == KEY)).one()
        session.add(
            SamplingPoint(
                wave_id=wave.id,
                city_code="110000",
                code="p1",
                name="A mall",
                kind="mall",
                stratum="urban",
                target=20,
            )
        )
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="points")
    app.selectbox(key=f"point-choice/{KEY}").select_index(0).run()
    app.number_input(key=f"point/{KEY}/p1/target").set_value(25)
    app.date_input(key=f"point/{KEY}/p1/closes_on").set_value(date(2027, 5, 1))
    app.button(key="point-save").click().run()
    assert [message.value for message in app.success] == [f"{NAME}: The point p1 is saved."]
    with read_scope(planned.url) as session:
        point = session.exec(select(SamplingPoint).where(SamplingPoint.code == "p1")).one()
    assert (point.target, point.opens_on, point.closes_on) == (25, None, date(2027, 5, 1))
    boxes = visit_as(PageKey.PLAN, official, wave=KEY, part="points").selectbox
    assert f"point-choice/{KEY}" not in {box.key for box in boxes}
    _move(planned, WaveState.CLOSED)
    boxes = visit_as(PageKey.PLAN, admin, wave=KEY, part="points").selectbox
    assert f"point-choice/{KEY}" not in {box.key for box in boxes}


def _plan_wave(field: Any, key: str, year: int) -> None:
    draft = WaveDraft(key, "main", year, f"{year}年", f"Wave {year}", field.wave.instrument_id)
    with session_scope(field.url) as session:
        add_wave(work_of(session, OPERATOR, field.now), draft=draft)


def _chosen(app: AppTest) -> tuple[str, str]:
    """The wave of the page's choice and of its address, which the browser may have to complete."""
    kept = [json.loads(component.proto.json or "{}") for component in app.get("bidi_component")]
    named = [query["wave"] for query in kept if "wave" in query]
    address = named or app.query_params["wave"]
    return str(app.selectbox(key="wave/en").value), "".join(address)


def test_the_page_stays_with_its_wave_whatever_happens_to_the_list(
    planned: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    """The first wave in the list changes with every step; the chosen one changes by hand alone."""
    _plan_wave(planned, "main-2028", 2028)
    app = visit_as(PageKey.PLAN, admin, wave="main-2028")
    assert _chosen(app) == ("main-2028", "main-2028")
    for state in (WaveState.OPEN, WaveState.CLOSED, WaveState.FROZEN):
        with session_scope(planned.url) as session:
            move_wave(session=session, key="main-2028", to=state, now=planned.now)
        assert _chosen(app.run()) == ("main-2028", "main-2028")
    _plan_wave(planned, "main-2029", 2029)
    assert _chosen(app.run()) == ("main-2028", "main-2028")


def test_the_first_visit_pins_its_wave_and_a_wrong_address_is_said(
    planned: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    app = visit_as(PageKey.PLAN, admin)
    assert _chosen(app) == (KEY, KEY)
    _move(planned, WaveState.OPEN)
    _plan_wave(planned, "main-2028", 2028)
    assert _chosen(app.run()) == (KEY, KEY)
    app = visit_as(PageKey.PLAN, admin, wave="main-1999")
    assert "There is no wave main-1999." in read(app)
    assert "Nobody can be interviewed yet" not in read(app)
    app.selectbox(key="wave/en").select(KEY).run()
    assert _chosen(app) == (KEY, KEY)


def test_the_options_of_a_freeze_stay_when_the_language_changes(
    planned: Any, visit_as: Any, admin: Principal
) -> None:
    """The browser knows an option by its label: it sends one that the other language lacks."""
    _move(planned, WaveState.CLOSED)
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="freeze")
    way, groups = f"plan-without-point-{KEY}", f"plan-groups-{KEY}"
    app.radio(key=f"{way}/en").set_value("stratum").run()
    box = app.multiselect(key=f"{groups}/en")
    chosen = box.set_value(box.options[:1]).run().multiselect(key=f"{groups}/en").value
    app.query_params["lang"] = "zh"
    app.run()
    for _ in range(2):
        assert app.radio(key=f"{way}/zh").value == "stratum"
        assert app.multiselect(key=f"{groups}/zh").value == chosen
        app.run()


def test_the_preview_warns_and_a_city_left_out_shows_the_other(
    field: Any, visit_as: Any, admin: Principal, official: Principal, collect: Any, read: Read
) -> None:
    """Beijing has enough interviews, Shanghai two: before and after it is left out."""
    collect(*[300.0 + number for number in range(30)], status=Status.APPROVED)
    collect(300.0, status=Status.SUBMITTED)
    collect(300.0, 310.0, status=Status.APPROVED, city="310000")
    app = visit_as(PageKey.PLAN, admin, wave="main-2026", part="freeze")
    app.button(key="plan-preview").click().run()
    _wait_for_job(app)
    text = read(app)
    assert "32 interviews in 2 cities: 0 cities would be shown, 2 hidden. 1 interviews wait" in text
    assert "If Shanghai were left out, these would be shown: Beijing" in text
    table = app.dataframe[0].value.set_index("City")
    assert table.loc["Beijing", "Because"].startswith("the few interviews of Shanghai")
    assert table.loc["Shanghai", "Because"] == "fewer than 10 interviews"
    assert list(table["Counted"]) == [30, 2]

    app.button(key="plan-leave-out-310000").click().run()
    assert "**Wave 2026 (main-2026)**" in [text.value for text in app.markdown]
    app.button(key="plan-move-leave-out").click().run()
    assert "Please say in a few words why" in read(app)
    app.button(key="plan-leave-out-310000").click().run()
    assert "Please say in a few words why" not in read(app)
    app.text_input(key="plan-leave-out-reason").set_value("two interviews only")
    app.button(key="plan-move-leave-out").click().run()
    assert app.success[0].value == "Wave 2026 (main-2026): Shanghai is left out."
    _wait_for_job(app)
    table = app.dataframe[0].value.set_index("City")
    assert list(table.index) == ["Beijing"]
    assert table.loc["Beijing", "Would be"] == "shown"
    assert "two interviews only" in read(app)

    app.button(key="plan-restore-310000").click().run()
    assert app.success[0].value == "Wave 2026 (main-2026): Shanghai is counted in again."
    _wait_for_job(app)
    assert list(app.dataframe[0].value["City"]) == ["Beijing", "Shanghai"]
    app = visit_as(PageKey.PLAN, official, wave="main-2026", part="freeze")
    assert "plan-preview" not in _keys(app)
    assert not app.dataframe


def test_a_freeze_is_requested_by_one_and_confirmed_by_another(
    planned: Any, visit_as: Any, admin: Principal, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    _move(planned, WaveState.OPEN, WaveState.CLOSED)
    frozen: list[tuple[Any, WithoutPoint]] = []

    def freeze(*_: Any, actor: Principal, options: FreezeOptions, **__: Any) -> Any:
        frozen.append((actor.account_id, options.without_point))
        return SimpleNamespace(without_point=0)

    monkeypatch.setattr("survey.screens.plan.freeze_job.freeze_wave", freeze)
    second = Account(login="chief", name="Zhou", role=Role.ADMINISTRATOR, area=NATION)
    with session_scope(planned.url) as session:
        session.add(second)
    chief = Principal(second.id, "Zhou", Role.ADMINISTRATOR, NATION)
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="freeze")
    app.radio(key=f"plan-without-point-{KEY}/en").set_value("stratum").run()
    _confirm(app, "frozen", KEY, field="plan-freeze-name")
    assert app.success[0].value.startswith(f"{NAME}: The freeze is requested.")
    assert "Sun requested on" in read(app)
    assert "Another person confirms it" in read(app)
    assert "plan-step-frozen" not in _keys(app)
    assert frozen == []

    app = visit_as(PageKey.PLAN, chief, wave=KEY)
    assert app.button(key="plan-withdraw").label == "Refuse the request"
    assert app.button(key="plan-step-frozen").label == "Confirm the freeze …"
    _wait_for_job(_confirm(app, "frozen", "Wave 2027", field="plan-freeze-name"))
    assert frozen == [(chief.account_id, WithoutPoint.STRATUM)]

    app = visit_as(PageKey.PLAN, admin, wave=KEY)
    app.button(key="plan-withdraw").click().run()
    assert app.success[0].value == f"{NAME}: The request is withdrawn."
    assert app.button(key="plan-step-frozen").label == "Freeze for good …"


def test_a_released_wave_that_the_operator_freezes_again_is_confirmed_here(
    planned: Any, visit_as: Any, admin: Principal, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_scope(planned.url) as session:
        wave = session.exec(select(Wave).where(Wave.key == KEY)).one()
        set_wave_state(session, wave, WaveState.RELEASED)
    frozen: list[bool] = []

    def freeze(*_: Any, options: FreezeOptions, **__: Any) -> Any:
        frozen.append(options.final)
        return SimpleNamespace(without_point=0)

    monkeypatch.setattr("survey.screens.plan.freeze_job.freeze_wave", freeze)
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="freeze")
    assert "plan-step-frozen" not in _keys(app)
    with session_scope(planned.url) as session:
        request_act(
            work_of(session, OPERATOR, now()),
            key=KEY,
            act=WaveAct.FREEZE,
            options=FreezeOptions(without_point=WithoutPoint.REFUSE).as_request(),
        )
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="freeze")
    app.button(key="plan-step-frozen").click().run()
    assert "Figures that are hidden now stay hidden." in read(app)
    assert "become final" not in read(app)
    app.text_input(key="plan-freeze-name").set_value(KEY)
    _wait_for_job(app.button(key="plan-move-frozen").click().run())
    assert frozen == [True]


def test_a_planned_wave_shows_what_is_next_until_it_is_open(
    planned: Any, visit_as: Any, admin: Principal, official: Principal, read: Read
) -> None:
    words = read(visit_as(PageKey.PLAN, admin, wave=KEY))
    assert re.findall(r'<li class="(\w+)" aria-current="step"><a href="([^"]+)"', words) == [
        ("next", "/users?lang=en&amp;view=batch")
    ]
    assert f'href="/releases?lang=en&amp;announce={KEY}"' in words
    assert 'class="hcs-checklist"' not in read(visit_as(PageKey.PLAN, official, wave=KEY))
    _move(planned, WaveState.OPEN)
    assert 'class="hcs-checklist"' not in read(visit_as(PageKey.PLAN, admin, wave=KEY))


def test_the_cities_of_a_wave_are_chosen_by_province_or_one_by_one(
    planned: Any, visit_as: Any, admin: Principal, read: Read
) -> None:
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="sample", plan="computed")
    place = f"cities/{KEY}/en"
    assert "All 2 cities, unless some are chosen here." in read(app)
    app.multiselect(key=f"{place}/provinces").set_value(["31"]).run()
    app.button(key="plan-save-sample").click().run()
    with read_scope(planned.url) as session:
        assert set(session.exec(select(CityTarget.city_code))) == {"310000"}
        entry = session.exec(
            select(AuditEntry)
            .where(AuditEntry.action == "wave.planned")
            .order_by(col(AuditEntry.at).desc())
        ).first()
    assert entry is not None
    assert entry.detail["to"]["110000"] is None


def test_one_person_is_assigned_to_a_point_and_taken_off_again(
    planned: Any, visit_as: Any, admin: Principal
) -> None:
    with session_scope(planned.url) as session:
        wave = session.exec(select(Wave).where(Wave.key == KEY)).one()
        session.add(
            SamplingPoint(
                wave_id=wave.id,
                city_code="110000",
                code="B-1",
                name="Mall",
                kind=PointKind.MALL,
                stratum="urban",
                target=10,
            )
        )
    app = visit_as(PageKey.PLAN, admin, wave=KEY, part="people")
    assert app.button(key="staff-assign").disabled
    (who,) = [box for box in app.selectbox if box.label == "Surveyor"]
    who.set_value("li").run()
    app.button(key="staff-assign").click().run()
    assert "works at point B-1" in app.success[0].value
    app.button(key="staff/remove/B-1/li").click().run()
    assert "does not work at point B-1 any more" in app.success[0].value
    assert not [key for key in _keys(app) if key.startswith("staff/remove")]
