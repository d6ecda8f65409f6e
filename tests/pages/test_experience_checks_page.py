"""The page of experience checks: what those who run a check do there, and what readers see."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from streamlit.testing.v1 import AppTest

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.experience_checks.plan import close_experience_check
from survey.experience_checks.release import sign_experience_check
from survey.experience_checks.replies import send_to_venues
from survey.kit.navigation import PageKey
from survey.kit.text_blocks import MAX_LISTED_ROWS
from survey.store.engine import session_scope
from survey.store.tables import ReplyStance, Status, VenueReply
from survey.waves.instruments import save_instrument
from survey.waves.lifecycle import transition
from tests.context.experience_checks.small_check import (
    START,
    SUZHOU,
    RunningCheck,
    checklist,
    employ,
    start,
)
from tests.pages.conftest import open_tab, words_beside
from tests.work_of import work_of

Visit = Callable[..., AppTest]
PAGE = PageKey.EXPERIENCE_CHECKS


@pytest.fixture(params=["sqlite"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Pages are the same on both databases; the services are tested on both."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def check(field: Any, tmp_path: Path) -> RunningCheck:
    running = start(field.url, tmp_path / "photos", per_type=1)
    venue = running.venues()[0]
    observers = next(row for row in running.read().venues if row.code == venue.code).observers
    sent = [running.visit(observer, venue.id) for observer in observers]
    running.approve(*(each.response_id for each in sent))
    return running


def test_a_reader_sees_figures_after_the_release_and_no_venue(
    check: RunningCheck, visit_as: Visit, read: Any
) -> None:
    analyst = employ(check.url, Role.ANALYST, "CN", "yu")
    assert "No experience check has been released yet" in read(visit_as(PAGE, analyst))
    check.do(send_to_venues, due_on=START.date() + timedelta(5))
    check.do(close_experience_check)
    check.do(sign_experience_check, now=START + timedelta(6))
    app = visit_as(PAGE, analyst)
    assert "at least 10 venues" in read(app)
    seen = read(open_tab(app, "Venues"))
    assert "responsible for their city" in seen
    assert "market 0" not in seen
    mayor = employ(check.url, Role.CITY_OFFICIAL, SUZHOU, "wu")
    seen = read(open_tab(visit_as(PAGE, mayor), "Venues"))
    assert "market" in seen
    assert not any(name in seen for name in check.observers)


def test_who_runs_it_hears_the_venue_and_orders_a_revisit(
    check: RunningCheck, visit_as: Visit, read: Any
) -> None:
    check.do(send_to_venues, due_on=START.date().replace(month=6))
    app = open_tab(visit_as(PAGE, check.official), "Venues' replies")
    seen = read(app)
    assert "no reply" in seen
    # The deadline of the check lies in the past of those who run the tests.
    assert "1 venues were told what was noted. 0 replied; of 1 the deadline passed" in seen
    app.text_area[0].input("We have mended it.")
    next(button for button in app.button if button.label == "Record the reply").click().run()
    assert not app.exception
    next(button for button in app.button if button.label == "Order the revisit").click().run()
    assert "Reason of the revisit" in words_beside(app, "Order the revisit")


def test_a_link_to_another_check_opens_that_check_or_none(
    check: RunningCheck, visit_as: Visit, read: Any
) -> None:
    app = visit_as(PAGE, check.official, check="elsewhere")
    assert "What this link leads to is not in your list" in read(app)
    assert not app.tabs
    own = next(key for key in app.selectbox(key="check/en").options if key != "Plan a new check")
    app.selectbox(key="check/en").select(own).run()
    assert app.tabs
    assert "not in your list" not in read(app)


def test_who_runs_it_reads_a_venue_approves_its_visits_and_takes_its_sheet(
    field: Any, tmp_path: Path, visit_as: Visit, read: Any
) -> None:
    check = start(field.url, tmp_path / "photos", per_type=1)
    venue = check.venues()[0]
    observers = next(row for row in check.read().venues if row.code == venue.code).observers
    sent = [check.visit(each, venue.id, receipt=0).response_id for each in observers]
    supervisor, _ = check.reviewers()
    for response_id in sent:
        with session_scope(check.url) as session:
            transition(
                work_of(session, supervisor, START),
                response_id=response_id,
                to=Status.CITY_APPROVED,
                reason="",
                expected_version=1,
            )
    app = open_tab(visit_as(PAGE, check.official, venue=venue.code), "Venues")
    seen = read(app)
    assert "† This visit waits for its last approval." in seen
    assert "Was a receipt or invoice given?" in seen
    assert ">No<" in seen
    assert not any(f">{name}<" in seen for name in observers)
    app.button(key="experience-check/approve").click().run()
    assert not app.exception
    assert "waits for its last approval" not in read(app)
    assert len(check.read().visits) == 2
    assert "Findings sheet to hand over" in str(app.main)
    next(each for each in app.button if each.label == "Send back to the observer").click().run()
    assert "reason" in words_beside(app, "Send back to the observer")
    assert len(check.read().visits) == 2, "nothing moved"


def test_a_link_to_a_venue_opens_that_venue_or_none(
    check: RunningCheck, visit_as: Visit, read: Any
) -> None:
    app = open_tab(visit_as(PAGE, check.official, venue="elsewhere"), "Venues")
    assert "What this link leads to is not in your list" in read(app)
    assert "Was a receipt or invoice given?" not in read(app)


def test_a_long_list_of_venues_begins_with_the_newest_replies(
    field: Any, tmp_path: Path, visit_as: Visit, read: Any
) -> None:
    many = start(field.url, tmp_path / "photos", per_type=8)
    venues = many.venues()
    assert len(venues) > MAX_LISTED_ROWS
    first, newest = venues[0], venues[-1]  # of different cities, as names are used in each
    day = START.date()
    with session_scope(many.url) as session:
        session.add_all(
            VenueReply(
                point_id=venue.id,
                sent_on=day,
                due_on=day + timedelta(30),
                received_on={first.id: day, newest.id: day + timedelta(5)}.get(venue.id),
                stance=ReplyStance.AGREES if venue in (first, newest) else None,
            )
            for venue in venues
        )
    app = open_tab(visit_as(PAGE, many.official), "Venues' replies")
    text = read(app)
    assert text.index(f">{newest.name}<") < text.index(f">{first.name}<") < text.index("no reply")
    assert text.count("no reply") == MAX_LISTED_ROWS - 2
    app.toggle(key="experience-check/replies/check-2026").set_value(True).run()
    assert read(app).count("no reply") == len(venues) - 2


def test_a_check_is_planned_and_its_venues_drawn_in_the_page(
    field: Any, employ_here: Principal, visit_as: Visit, read: Any
) -> None:
    app = visit_as(PAGE, employ_here)
    fields = {each.label: each for each in app.text_input}
    fields["Short name"].input("dining-2026")
    fields["Chinese title"].input("餐饮体察")
    fields["English title"].input("Dining check")
    app.text_area[0].input("Buy something for about 20 yuan and ask for a receipt.")
    next(button for button in app.button if button.label == "Plan the check").click().run()
    assert "Dining check" in read(app)
    app = open_tab(app, "Venues")
    book = Workbook()
    sheet = book.active
    sheet.title = "venues"
    sheet.append(["城市", "场所编号", "场所名称和地址", "场所类型"])
    for number in range(3):
        sheet.append(["北京市", f"v{number}", f"Venue {number}", "超市"])
    content = io.BytesIO()
    book.save(content)
    app.file_uploader[0].set_value(("venues.xlsx", content.getvalue(), "application/xlsx")).run()
    assert "3 venues are right" in read(app)
    app.button(key="experience-check/venues/draw").click().run()
    assert not app.exception
    assert "Venue 1" in read(app)


@pytest.fixture
def employ_here(field: Any) -> Principal:
    with session_scope(field.url) as session:
        save_instrument(session=session, instrument=checklist())
    return employ(field.url, Role.NATIONAL_OFFICIAL, "CN", "lin")
