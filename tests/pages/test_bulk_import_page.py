"""The page of bulk import, driven through Streamlit's own test runner."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st
from sqlmodel import col, func, select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.collection.importing.column_mapping import SOURCE_NAMES, MappingFile
from survey.collection.importing.commit import ImportResult, commit_import
from survey.collection.importing.mapping_draft import save_mapping
from survey.kit.background_job import BackgroundJob
from survey.kit.navigation import PageKey
from survey.screens import bulk_import
from survey.store.engine import read_scope, session_scope
from survey.store.tables import ImportMapping, Response, Status, Wave, WaveState
from survey.waves.waves import close_wave
from tests.work_of import work_of

HEADER = "city,point,quality,gender,birth_year\n"
GOOD = "110000,110000-u-01,8,female,1990\n"
BAD = "310000,310000-u-01,11,female,1990\n"

Visit = Callable[..., AppTest]
Employ = Callable[[Role, str], Principal]


class _File:
    """What the file uploader hands out."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name, self.content, self.file_id = name, content, f"{name}/{hash(content)}"

    def getvalue(self) -> bytes:
        return self.content


@pytest.fixture
def hand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """AppTest knows no file uploader of ours: put a file where the page looks for one."""

    def put(text: str, name: str = "answers.csv") -> None:
        monkeypatch.setattr(st, "file_uploader", lambda *_, **__: _File(name, text.encode()))

    monkeypatch.setattr(st, "file_uploader", st.file_uploader)
    return put


def _finish(app: AppTest, name: str) -> AppTest:
    """Press, wait for the thread and draw again, as the page does by itself."""
    app.button(key=name).click().run()
    for key in ("bulk/checking", "bulk/writing"):
        if key in app.session_state:
            job: BackgroundJob[Any] = app.session_state[key]
            assert job.wait(60)
    return app.run()


def _count(field: Any) -> int:
    with read_scope(field.url) as session:
        return session.exec(select(func.count()).select_from(Response)).one()


def test_checked_then_written_then_recognised(
    field: Any, visit_as: Visit, employ: Employ, read: Callable[..., str], hand_in: Any
) -> None:
    hand_in(HEADER + GOOD + BAD)
    app = visit_as(PageKey.BULK_IMPORT, employ(Role.ADMINISTRATOR, "CN"))
    assert "bulk-write" not in [button.key for button in app.button]
    _finish(app, "bulk-check")
    assert _count(field) == 0, "a check writes nothing"
    (problems,) = [frame.value for frame in app.dataframe if "Reason" in frame.value]
    assert problems.to_dict("records") == [
        {"Row": 3, "Column": "quality", "Value": "11", "Reason": "Please enter 10 or less."}
    ]
    assert "1 rows: column 3 “quality”, value “11”: Please enter 10 or less." in read(app)
    assert app.button(key="bulk-write").disabled, "first agree to leave the row out"
    app.checkbox(key="bulk-skip").check().run()
    _finish(app, "bulk-write")
    assert "1 interviews were written" in read(app)
    assert "review" in read(app)
    with read_scope(field.url) as session:
        assert session.exec(select(Response.status)).one() is Status.SUBMITTED
    hand_in(HEADER + GOOD)
    _finish(app.run(), "bulk-check")
    assert "Nothing is left to write" in read(app)
    assert "bulk-write" not in [button.key for button in app.button]
    assert _count(field) == 1


def test_a_change_after_the_check_asks_for_another(
    field: Any, visit_as: Visit, employ: Employ, read: Callable[..., str], hand_in: Any
) -> None:
    hand_in("point,quality\n110000-u-01,8\n")
    app = visit_as(PageKey.BULK_IMPORT, employ(Role.ADMINISTRATOR, "CN"))
    _finish(app, "bulk-check")
    assert "No column says the city" in read(app)
    app.selectbox(key="city/en").select("110000").run()
    _finish(app, "bulk-check")
    assert "bulk-write" in [button.key for button in app.button]
    app.selectbox(key="city/en").select("310000").run()
    assert "check the file again" in read(app)
    assert "bulk-write" not in [button.key for button in app.button]


def test_a_supervisor_sees_the_own_wave_and_no_other_city(
    field: Any, visit_as: Visit, employ: Employ, read: Callable[..., str], hand_in: Any
) -> None:
    hand_in(HEADER + GOOD + BAD.replace(",11,", ",8,"))
    app = visit_as(PageKey.BULK_IMPORT, employ(Role.SUPERVISOR, "110000"))
    assert app.selectbox(key="wave/en").options == ["Wave 2026 (open)"]
    assert app.selectbox(key="city/en").value == "110000"
    _finish(app, "bulk-check")
    (problems,) = [frame.value for frame in app.dataframe if "Reason" in frame.value]
    assert problems["Reason"].tolist() == ["This city is outside your area."]


def test_without_an_open_wave_a_supervisor_is_told_what_to_wait_for(
    field: Any, visit_as: Visit, employ: Employ, read: Callable[..., str]
) -> None:
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key="main-2026")
    app = visit_as(PageKey.BULK_IMPORT, employ(Role.SUPERVISOR, "110000"))
    assert "as soon as an administrator opens a wave" in read(app)


def test_a_file_that_is_none_is_refused_in_words(
    field: Any, visit_as: Visit, employ: Employ, read: Callable[..., str], hand_in: Any
) -> None:
    hand_in("<html><table><tr><td>8</td></tr></table></html>", "answers.xls")
    app = visit_as(PageKey.BULK_IMPORT, employ(Role.ADMINISTRATOR, "CN"))
    assert "This is a web page" in read(app)
    assert "bulk-check" not in [button.key for button in app.button]


def test_a_saved_mapping_reads_a_strangers_file(
    field: Any, visit_as: Visit, employ: Employ, read: Callable[..., str], hand_in: Any
) -> None:
    mapping = MappingFile({"Q7": "quality", "Where": "city"}, {"Q7": {"great": "10"}})
    with session_scope(field.url) as session:
        save_mapping(
            work_of(session, OPERATOR, field.now),
            instrument_name="small",
            name="agency",
            mapping=mapping,
        )
    hand_in("Where,Q7\nBeijing,great\n")
    app = visit_as(PageKey.BULK_IMPORT, employ(Role.ADMINISTRATOR, "CN"))
    app.selectbox(key="bulk/start/en").select("agency").run()
    app.text_input(key="bulk/name").input("agency 2").run()
    app.button(key="bulk/save").click().run()
    _finish(app, "bulk-check")
    _finish(app, "bulk-write")
    assert "1 interviews were written" in read(app)
    with read_scope(field.url) as session:
        names = session.exec(select(ImportMapping.name).order_by(col(ImportMapping.name))).all()
    assert names == ["agency", "agency 2"]


def test_an_administrator_makes_a_wave_that_was_collected_elsewhere(
    field: Any, visit_as: Visit, employ: Employ, read: Callable[..., str], hand_in: Any
) -> None:
    hand_in(HEADER + GOOD)
    app = visit_as(PageKey.BULK_IMPORT, employ(Role.ADMINISTRATOR, "CN"), wave="new")
    assert "short name" in read(app)
    app.text_input(key="bulk/key").input("Pilot 2025").run()
    app.text_input(key="bulk/title").input("A pilot").run()
    _finish(app, "bulk-check")
    _finish(app, "bulk-write")
    assert "freeze the wave on the page Waves and sampling" in read(app)
    with read_scope(field.url) as session:
        wave = session.exec(select(Wave).where(Wave.key == "pilot-2025")).one()
        status = session.exec(select(Response.status).where(Response.wave_id == wave.id)).one()
    assert (wave.state, wave.title_en, status) == (WaveState.CLOSED, "A pilot", Status.APPROVED)


def test_work_that_is_cancelled_or_fails_says_so_and_ends() -> None:
    stopped: BackgroundJob[int] = BackgroundJob(SOURCE_NAMES[next(iter(SOURCE_NAMES))])
    stopped.cancel()
    stopped.start(lambda tick: (tick(1, 2), 7)[1])  # type: ignore[func-returns-value]
    assert stopped.wait(10)
    assert (stopped.result, stopped.running) == (None, False)
    assert "cancelled" in str(stopped.problem)
    broken: BackgroundJob[int] = BackgroundJob(stopped.name)
    broken.start(lambda _tick: 1 // 0)
    assert broken.wait(10)
    assert "Something went wrong" in str(broken.problem)


def test_a_cancelled_check_says_so_even_where_it_had_looked_for_the_last_time(
    field: Any, visit_as: Visit, employ: Employ, read: Callable[..., str], hand_in: Any
) -> None:
    """Between its last look and its end nothing would have stopped it: it found something."""
    supervisor = employ(Role.SUPERVISOR, "110000")
    hand_in(HEADER + GOOD)
    app = visit_as(PageKey.BULK_IMPORT, supervisor)
    job: BackgroundJob[str] = BackgroundJob(SOURCE_NAMES[next(iter(SOURCE_NAMES))])
    job.start(lambda _tick: "a plan")
    assert job.wait(60)
    job.cancel()
    app.session_state["bulk/checking"] = job
    text = read(app.run())
    assert "The check was cancelled" in text
    assert "could not be checked" not in text
    assert "bulk/plan" not in app.session_state
    assert "The check was cancelled" in read(app.run()), "it stays until the next check"


def test_a_cancelled_write_leaves_nothing_and_can_be_written_again(
    field: Any,
    visit_as: Visit,
    employ: Employ,
    read: Callable[..., str],
    hand_in: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    supervisor = employ(Role.SUPERVISOR, "110000")
    hand_in(HEADER + GOOD)
    app = _finish(visit_as(PageKey.BULK_IMPORT, supervisor), "bulk-check")
    written, go_on = threading.Event(), threading.Event()
    commit = commit_import

    def waiting(*given: Any, **request: Any) -> ImportResult:
        result = commit(*given, **request)
        written.set()
        assert go_on.wait(60)
        return result

    monkeypatch.setattr(bulk_import, "commit_import", waiting)
    app.button(key="bulk-write").click().run()
    job: BackgroundJob[Any] = app.session_state["bulk/writing"]
    assert written.wait(60)
    app.button(key="bulk-cancel").click().run()
    go_on.set()
    assert job.wait(60)
    text = read(app.run())
    assert "The import was cancelled" in text
    assert _count(field) == 0
    monkeypatch.setattr(bulk_import, "commit_import", commit)
    _finish(app, "bulk-write")
    assert _count(field) == 1


def test_a_column_of_weights_is_offered_suggested_and_written(
    field: Any, visit_as: Visit, employ: Employ, read: Callable[..., str], hand_in: Any
) -> None:
    hand_in(
        "city,quality,gender,birth_year,权重\n110000,8,female,1990,1.25\n110000,7,male,1980,0\n"
    )
    administrator = employ(Role.ADMINISTRATOR, "CN")
    app = visit_as(PageKey.BULK_IMPORT, administrator, wave="new")
    app.text_input(key="bulk/key").input("pilot-2025").run()
    _finish(app, "bulk-check")
    text = read(app)
    assert "Column 权重 gives every interview its weight" in text
    assert "This is no weight: it must be a positive number" in text
    app.checkbox(key="bulk-skip").check().run()
    _finish(app, "bulk-write")
    with read_scope(field.url) as session:
        assert session.exec(select(Response.given_weight)).one() == 1.25
    hand_in(HEADER + GOOD)
    app = visit_as(PageKey.BULK_IMPORT, administrator, wave="pilot-2025")
    _finish(app, "bulk-check")
    assert "all interviews of a wave have one, or none" in read(app)
    assert "bulk-write" not in [button.key for button in app.button]


def test_an_open_wave_takes_no_weights_and_says_what_to_do(
    field: Any, visit_as: Visit, employ: Employ, read: Callable[..., str], hand_in: Any
) -> None:
    hand_in("city,point,quality,gender,birth_year,weight\n110000,110000-u-01,8,female,1990,2\n")
    app = visit_as(PageKey.BULK_IMPORT, employ(Role.SUPERVISOR, "110000"))
    _finish(app, "bulk-check")
    assert "Map the column to ignore" in read(app)
    assert _count(field) == 0
