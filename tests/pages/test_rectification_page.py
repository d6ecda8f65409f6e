"""Problem lists on screen: the city lists and reports, the province accepts, all are reminded."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR
from survey.access.roles import Role
from survey.counts.deliveries import import_delivery
from survey.kit.navigation import PageKey
from survey.settings import Settings, current_settings
from survey.store.china_time import china_date
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    EvidenceKind,
    Problem,
    ProblemEvidence,
    ProblemState,
    Wave,
    new_id,
    now,
)
from survey.store.transactions import run_in_transaction
from tests.context.complaints.count_files import check_file, count_file, head, rows_of
from tests.context.complaints.weekly_counts import WEEKS, build_counts, plant
from tests.context.complaints.weekly_counts import store as store_weeks
from tests.pages.conftest import open_tab, words_beside
from tests.work_of import work_of

Open = Callable[..., AppTest]
Read = Callable[[AppTest], str]
SUZHOU, WAVE = "320500", "main-2023"


@pytest.fixture(autouse=True)
def _store(frozen_waves: Settings, tmp_path: Path, use_store: Callable[[Settings], None]) -> None:
    shutil.copytree(frozen_waves.data_dir, tmp_path / "data")
    use_store(Settings(data_dir=tmp_path / "data", database_url="", demo=True))


def stored() -> list[Problem]:
    with read_scope(current_settings().store_url) as session:
        return list(session.exec(select(Problem).order_by("id")))


def open_list(open_page: Open, role: Role = Role.CITY_OFFICIAL) -> AppTest:
    app = open_page(PageKey.CITY, role, lang="en", city=SUZHOU, wave=WAVE)
    return open_tab(app, "Rectification")


def press(app: AppTest, start: str) -> AppTest:
    button = next(each for each in app.button if str(each.key).startswith(f"problems/{start}"))
    button.click().run()
    assert not app.exception
    return app


def choose(app: AppTest, problem: Problem) -> AppTest:
    app.selectbox(key="problems/chosen/en").set_value(str(problem.id)).run()
    assert not app.exception
    return app


def put_in_hands(state: ProblemState = ProblemState.PROPOSED, days: int = 10) -> Problem:
    """Name unit and deadline of the first problem, and store a state."""
    with session_scope(current_settings().store_url) as session:
        problem = session.exec(select(Problem).order_by("id")).first()
        assert problem is not None
        problem.unit, problem.state = "市场监管局", state
        problem.deadline = china_date(now()) + timedelta(days=days)
        session.add(problem)
        session.flush()
        session.refresh(problem)
        session.expunge(problem)
        return problem


def test_a_city_lists_what_is_first_to_improve_with_one_click_and_follows_it_up(
    open_page: Open, read: Read
) -> None:
    app = open_list(open_page)
    assert "no problem list of this wave yet" in read(app)
    press(app, "add/priorities")
    assert {problem.basis for problem in stored()} == {"priority"}
    assert stored()[0].wording in read(app)
    problem = put_in_hands()
    choose(open_list(open_page), problem)
    app = press(choose(open_list(open_page), problem), "in_progress")
    assert [each.value for each in app.success] == ["The problem is moved on."]
    key = f"problems/evidence/{problem.id}/{stored()[0].version}"
    press(app, "evidence/")
    assert "has to be filled in" in words_beside(app, key)
    app.text_area(key=f"{key}/text").set_value("<b>Signs</b> put up").run()
    assert app.text_input(key=f"{key}/link").disabled
    press(app, "evidence/")
    with session_scope(current_settings().store_url) as session:
        given = session.exec(select(ProblemEvidence)).one()
        given.kind, given.reference = EvidenceKind.LINK, "https://example.org/?a=1&b=2"
        session.add(given)
    app.run()
    assert "&lt;b&gt;Signs&lt;/b&gt; put up" in read(app)
    assert 'href="https://example.org/?a=1&amp;b=2"' in read(app)
    press(app, "done")
    assert stored()[0].state is ProblemState.DONE
    with read_scope(current_settings().store_url) as session:
        assert len(session.exec(select(ProblemEvidence)).all()) == 1


def test_the_province_accepts_and_a_stale_page_changes_nothing(open_page: Open, read: Read) -> None:
    press(open_list(open_page), "add/priorities")
    problem = put_in_hands(ProblemState.DONE)
    first = choose(
        open_page(PageKey.RECTIFICATION, Role.PROVINCE_OFFICIAL, lang="en", show="done"), problem
    )
    assert "市场监管局" in read(first)
    assert not [each for each in first.button if str(each.key).startswith("problems/edit")]
    press(first, "accepted")
    assert stored()[0].state is ProblemState.ACCEPTED
    with session_scope(current_settings().store_url) as session:
        row = session.get_one(Problem, problem.id)
        row.state, row.version = ProblemState.DONE, row.version + 1
        session.add(row)
    app = choose(
        open_page(PageKey.RECTIFICATION, Role.PROVINCE_OFFICIAL, lang="en", show="done"), problem
    )
    with session_scope(current_settings().store_url) as session:
        row = session.get_one(Problem, problem.id)
        row.version += 1
        session.add(row)
    press(app, "accepted")
    assert "Somebody has changed this problem meanwhile" in read(app)
    app.text_area(key=f"problems/reopened/{problem.id}/note").set_value("")
    press(app, "reopened")
    assert "has to be filled in" in words_beside(app, f"problems/reopened/{problem.id}")
    assert stored()[0].state is ProblemState.DONE


def test_the_next_wave_says_what_became_of_the_problems(open_page: Open, read: Read) -> None:
    press(open_list(open_page), "add/priorities")
    app = open_list(open_page)
    assert "Measured since" in read(app)
    assert "2024: " in read(app)
    later = open_tab(
        open_page(PageKey.CITY, Role.CITY_OFFICIAL, lang="en", city=SUZHOU), "Rectification"
    )
    assert stored()[0].wording in read(later)


@pytest.mark.parametrize("role", [Role.NATIONAL_OFFICIAL, Role.ANALYST])
def test_others_read_at_most(open_page: Open, read: Read, role: Role) -> None:
    press(open_list(open_page), "add/priorities")
    put_in_hands(ProblemState.DONE)
    if role is Role.ANALYST:
        app = open_page(PageKey.CITY, role, lang="en", city=SUZHOU)
        assert "Rectification" not in [tab.label for tab in app.tabs]
        return
    app = choose(open_page(PageKey.RECTIFICATION, role, lang="en"), stored()[0])
    steps = {str(each.key).split("/")[1] for each in app.button if "problems/" in str(each.key)}
    assert not steps & {"edit", "add", "accepted", "reopened", "evidence"}
    assert "put right, waits for acceptance" in read(app)


@pytest.mark.parametrize(
    ("days", "state", "words", "reminded"),
    [
        (10, ProblemState.IN_PROGRESS, "Problems due within 14 days: 1", Role.CITY_OFFICIAL),
        (-1, ProblemState.IN_PROGRESS, "Problems overdue: 1", Role.CITY_OFFICIAL),
        (
            10,
            ProblemState.DONE,
            "Problems put right, waits for acceptance: 1",
            Role.PROVINCE_OFFICIAL,
        ),
    ],
)
def test_the_start_page_reminds_whose_turn_it_is(
    open_page: Open, read: Read, days: int, state: ProblemState, words: str, reminded: Role
) -> None:
    press(open_list(open_page), "add/priorities")
    put_in_hands(state, days)
    for role in (Role.CITY_OFFICIAL, Role.PROVINCE_OFFICIAL, Role.NATIONAL_OFFICIAL):
        home = read(open_page(PageKey.HOME, role, lang="en"))
        assert (words in home) == (role is reminded), role
        assert ("Nothing waits for you." in home) == (role is not reminded), role


def test_a_number_of_the_start_page_is_that_of_the_list_that_it_opens(
    open_page: Open, read: Read
) -> None:
    press(open_list(open_page), "add/priorities")
    problem = put_in_hands(ProblemState.IN_PROGRESS, -1)
    with session_scope(current_settings().store_url) as session:
        waves = {wave.id: wave.key for wave in session.exec(select(Wave))}
        other = next(id_ for id_, key in waves.items() if key == "main-2024")
        for number in range(2):
            copied = problem.model_dump() | {
                "id": new_id(), "wave_id": other, "indicator": f"{problem.indicator}{number}",
            }  # fmt: skip
            session.add(Problem(**copied))
    home = read(open_page(PageKey.HOME, Role.CITY_OFFICIAL, lang="en"))
    link = r'href="[^"]*wave=(main-20\d\d)[^"]*"[^>]*>Problems overdue: (\d+)'
    links = dict(re.findall(link, home))
    assert links == {WAVE: "1", "main-2024": "2"}
    for wave, count in links.items():
        app = open_page(
            PageKey.RECTIFICATION, Role.CITY_OFFICIAL, lang="en", wave=wave, show="overdue"
        )
        options = app.selectbox(key="problems/chosen/en").options
        assert len(options) == int(count)


def warn_of_an_outbreak() -> None:
    url = current_settings().store_url
    store_weeks(url, plant(build_counts(), WEEKS[-2:]), is_demo=True)


def test_an_early_warning_is_a_proposal_and_what_became_of_it_is_in_the_list(
    open_page: Open, read: Read
) -> None:
    warn_of_an_outbreak()
    app = press(open_list(open_page), "add/0/")
    (problem,) = stored()
    assert (problem.reference, problem.indicator) == (
        f"early_warning/contract/internet/{WEEKS[-2]}",
        "",
    )
    assert "60 complaints, usually at most" in problem.wording
    table = read(app)
    assert "Early warning of complaints · Internet services · Contract" in table
    assert "Data as of 2025-03-02" in table
    app = open_page(PageKey.RECTIFICATION, Role.NATIONAL_OFFICIAL, lang="en")
    assert "Early warning of complaints · Internet services · Contract" in read(app)
    choose(app, problem)
    assert "Rests on" in read(app)


def test_the_warning_itself_leads_to_the_list_of_the_own_city(open_page: Open) -> None:
    warn_of_an_outbreak()
    app = open_page(PageKey.COMPLAINTS, Role.CITY_OFFICIAL, lang="en")
    (link,) = (each for each in app.get("link_button") if "rests=" in each.proto.url)
    assert "part=rectification" in link.proto.url
    assert not [
        each
        for each in open_page(PageKey.COMPLAINTS, Role.NATIONAL_OFFICIAL).get("link_button")
        if "rests=" in each.proto.url
    ]


def test_the_figure_that_an_address_names_is_proposed_first(open_page: Open) -> None:
    warn_of_an_outbreak()
    deliver_year()
    app = open_page(
        PageKey.CITY, Role.CITY_OFFICIAL, lang="en", city=SUZHOU, wave=WAVE, part="rectification",
        rests="complaints/2024/nature/price",
    )  # fmt: skip
    press(app, "add/0/")
    assert [each.reference for each in stored()] == ["complaints/2024/nature/price"]


def deliver_year() -> None:
    rows = rows_of("2024-05", SUZHOU, (100, 60, 40))
    run_in_transaction(
        current_settings().store_url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, now()),
            check=check_file(count_file(*rows)),
            head=replace(head("d"), is_demo=True),
        ),
    )
