"""The control tower's page: the answer, the list with its links, the heat table, both languages."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import Principal
from survey.access.roles import NATION, Role
from survey.kit.navigation import PageKey
from survey.review.progress.tallies import Alert, AlertKind
from survey.review.progress.wave_progress import get_progress, list_progress_waves
from survey.screens.progress.summary import review_link
from survey.store.china_time import china_date
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Account,
    QuotaCell,
    QuotaMargin,
    Response,
    ResponseFlag,
    ResponseRisk,
    Status,
    Wave,
    now,
)
from tests.work_of import work_of

Read = Callable[[AppTest], str]


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """The pages do not know which database it is; one is enough here."""
    return sqlite_url


@pytest.fixture
def closing(field: Any) -> None:
    """The wave closes in ten days."""
    with session_scope(field.url) as session:
        wave = session.exec(select(Wave)).one()
        wave.closes_on = china_date(now()) + timedelta(days=10)
        session.add(wave)


def test_a_supervisor_sees_the_own_city_and_goes_to_its_review_with_one_click(
    visit_as: Any, collect: Any, employ: Any, closing: None, read: Read
) -> None:
    collect(300.0, 320.0)
    collect(60.0, status=Status.VOID)
    app = visit_as(PageKey.PROGRESS, employ(Role.SUPERVISOR, "110000"))
    text = read(app)
    assert "4.0%" in text
    assert "2 interviews count towards 50" in text
    assert "100.0%" in text, "the waste rate: one decided, one void"
    assert "2017: 8.3%, 2018: 4.3%" in text
    assert 'href="/review?wave=main-2026&amp;city=110000' in text
    assert "interviews wait longer than two days" in text
    assert "All cities" not in text, "there is one"


def test_a_national_official_sees_all_cities_and_no_way_into_interviews(
    visit_as: Any, collect: Any, employ: Any, closing: None, read: Read
) -> None:
    collect(300.0)
    app = visit_as(PageKey.PROGRESS, employ(Role.NATIONAL_OFFICIAL, NATION))
    text = read(app)
    assert "What to do this morning" in text
    assert "/review?" not in text
    assert "○0" in text, "a cell without any interview carries a mark, not only a colour"


def test_one_city_is_shown_cell_by_cell_and_day_by_day(
    visit_as: Any, field: Any, collect: Any, employ: Any, closing: None, read: Read
) -> None:
    collect(300.0, 320.0)
    shanghai = QuotaCell(
        wave_id=field.wave.id, city_code="310000", age_band="15-24", gender="male", target=5
    )
    with session_scope(field.url) as session:
        session.add(shanghai)
    official = employ(Role.NATIONAL_OFFICIAL, NATION)
    assert "All cities: each cell, day by day" in read(visit_as(PageKey.PROGRESS, official))
    text = read(visit_as(PageKey.PROGRESS, official, city="110000"))
    assert "Beijing: each cell, day by day" in text
    assert "Stopped at the door: 0 screened out" in text


def test_reviewers_may_look_at_single_surveyors_and_officials_may_not(
    visit_as: Any, field: Any, collect: Any, employ: Any, read: Read
) -> None:
    odd, *_ = collect(60.0, 300.0, 320.0)
    collect(70.0, status=Status.VOID)
    with session_scope(field.url) as session:
        session.add(
            ResponseRisk(response_id=odd, score=80, detected_at=field.now, detector_version="1")
        )

    def opened(person: Principal, by: str = "surveyor") -> str:
        app = visit_as(PageKey.PROGRESS, person)
        app.session_state["progress/quality"] = True
        app.session_state["progress/quality/by/en"] = by
        return read(app.run())

    supervisor = employ(Role.SUPERVISOR, "110000")
    text = opened(supervisor)
    assert "Valid rate" in text
    assert ">Li</th><td>4</td><td>75.0% (" in text, "one of four was void"
    assert "Interviewer effect, design effect" in opened(supervisor, "city")
    assert "Valid rate" not in opened(employ(Role.NATIONAL_OFFICIAL, NATION))


def test_chinese_all_through(
    visit_as: Any, collect: Any, employ: Any, closing: None, read: Read
) -> None:
    collect(300.0)
    app = visit_as(PageKey.PROGRESS, employ(Role.SUPERVISOR, "110000"), lang="zh")
    assert [title.value for title in app.title] == ["执行进度"]
    text = read(app)
    assert "今天先做什么" in text
    assert "废卷率" in text
    assert "计划问卷已收回" in text


def test_a_place_without_plan_or_interviews_says_what_to_wait_for(
    visit_as: Any, employ: Any, read: Read
) -> None:
    app = visit_as(PageKey.PROGRESS, employ(Role.SUPERVISOR, "440100"))
    assert "Nothing is planned or collected here yet" in read(app)


def test_a_concern_leads_to_where_its_number_can_be_seen() -> None:
    cases = {
        AlertKind.WASTE: ("/review", {"status": ["void"]}),
        AlertKind.WAITING: ("/review", {"status": ["overdue"]}),
        AlertKind.BEHIND: ("/progress", {}),
        AlertKind.NO_PACE: ("/progress", {}),
        AlertKind.OVER: ("/progress", {}),
    }
    for concern, (path, expected) in cases.items():
        link = urlsplit(review_link("main-2026", Alert(concern, "110000", 3), "en"))
        assert link.path == path
        assert parse_qs(link.query) == {
            "wave": ["main-2026"],
            "city": ["110000"],
            "lang": ["en"],
            **expected,
        }


@pytest.mark.parametrize("concern", [AlertKind.WAITING, AlertKind.SURVEYOR])
def test_the_number_of_a_concern_is_that_of_the_list_it_opens(
    visit_as: Any, field: Any, collect: Any, employ: Any, read: Read, concern: AlertKind
) -> None:
    """Odd is a high risk, not any flag; waiting is longer than two days, not everything."""
    odd, flagged = collect(*[65.0] * 4), collect(70.0)
    long_ago, usual = collect(300.0, 310.0), collect(*[500.0] * 30)
    with session_scope(field.url) as session:
        for response_id, score in [*((one, 80) for one in odd), *((one, 10) for one in flagged)]:
            session.add(
                ResponseRisk(
                    response_id=response_id,
                    score=score,
                    detected_at=field.now,
                    detector_version="1",
                )
            )
            session.add(
                ResponseFlag(
                    response_id=response_id,
                    kind="speed",
                    strength=0.5,
                    detected_at=field.now,
                    detector_version="1",
                    detail={"percent": 40, "seconds": 1},
                )
            )
        other = Account(login="other", name="Zhao", role=Role.SURVEYOR, area="110000")
        session.add(other)
        session.flush()
        for response_id in usual:
            session.get_one(Response, response_id).surveyor_id = other.id
            session.add(
                ResponseRisk(
                    response_id=response_id, score=1, detected_at=field.now, detector_version="1"
                )
            )
        for one in long_ago:
            session.get_one(Response, one).submitted_at = now() - timedelta(days=3)
    supervisor = employ(Role.SUPERVISOR, "110000")
    with read_scope(field.url) as session:
        (wave,) = list_progress_waves(work_of(session, supervisor))
        seen = get_progress(work_of(session, supervisor, now()), wave=wave, usual_waste=0.08)
    (alert,) = [each for each in seen.to_do if each.concern is concern]
    query = parse_qs(urlsplit(review_link(wave.key, alert, "en")).query)
    app = visit_as(PageKey.REVIEW, supervisor, **{name: value[0] for name, value in query.items()})
    assert f"In this selection: {alert.interviews}" in read(app)


def test_groups_with_quotas_of_their_own_stand_below_the_cells(
    visit_as: Any, field: Any, collect: Any, employ: Any, closing: None, read: Read
) -> None:
    collect(300.0)
    with session_scope(field.url) as session:
        session.add_all(
            QuotaMargin(
                wave_id=field.wave.id,
                city_code="110000",
                dimension=dimension,
                category=category,
                target=9,
                collected=collected,
                stops=dimension == "guardian",
            )
            for dimension, category, collected in (
                ("guardian", "yes", 9),
                ("guardian", "no", 2),
                ("village_role", "trader", 4),
                ("stratum", "rural", 12),
            )
        )
    text = read(visit_as(PageKey.PROGRESS, employ(Role.SUPERVISOR, "110000")))
    assert "Beijing: quotas by group" in text
    assert ">Guardians of a child under 18</th><td>9</td>" in text
    assert ">Traders in villages</th><td>9</td>" in text
    assert "▲12" in text, "what is beyond carries a mark"
    assert "<td>stops</td>" in text
    assert "<td>counts on</td>" in text
