"""The tab of consumer education: entering an activity, taking one out, seeing all."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from seed.demo.accounts import store_accounts
from survey.access.roles import DEMO_CITY, Role
from survey.education.activity_list import ACTIVITY_SHEET
from survey.frame.city_frame import shipped_cities, upsert_cities
from survey.kit.navigation import PageKey
from survey.settings import Settings, current_settings
from survey.store.engine import read_scope, session_scope
from survey.store.schema import upgrade
from survey.store.tables import AuditEntry, EducationActivity

Open = Callable[..., AppTest]
Read = Callable[[AppTest], str]
YEAR, SUZHOU, BEIJING = 2024, "320500", "110000"


@pytest.fixture(autouse=True)
def _store(frozen_waves: Settings, use_store: Callable[[Settings], None], tmp_path: Path) -> None:
    shutil.copytree(frozen_waves.data_dir, tmp_path / "data")
    use_store(Settings(data_dir=tmp_path / "data", database_url="", demo=True))


def open_education(open_page: Open, role: Role, area: str = SUZHOU) -> AppTest:
    app = open_page(PageKey.EDUCATION, role, lang="en", place=area)
    assert not app.exception
    return app


def enter(app: AppTest, title: str, place: str = "Library") -> AppTest:
    """Fill in the form as a person would, and send it."""
    labels = {each.label: each for each in app.text_input}
    labels["Activity"].set_value(title)
    labels["Location"].set_value(place)
    next(each for each in app.date_input if each.label == "Day").set_value(date(YEAR, 3, 15))
    numbers = {each.label: each for each in app.number_input}
    numbers["Participants"].set_value(80)
    numbers["Cost (yuan)"].set_value(1_200.0)
    next(each for each in app.button if each.label == "Enter the activity").click().run()
    assert not app.exception
    return app


def stored() -> list[EducationActivity]:
    with read_scope(current_settings().store_url) as session:
        return list(session.exec(select(EducationActivity)))


def add_many(count: int, area: str = SUZHOU, year: int = YEAR) -> None:
    with session_scope(current_settings().store_url) as session:
        session.add_all(
            EducationActivity(
                area=area,
                held_on=date(year, 1, 1) + timedelta(number),
                title=f"Talk no. {number:02d} of {year}",
                place="Library",
                form="talk",
                audience="elderly",
                participants=80,
                cost_fen=120_000,
                is_demo=True,
                entered_at=datetime(2026, 5, 20, tzinfo=UTC),
            )
            for number in range(count)
        )


def test_an_official_enters_an_activity_and_takes_it_out_again(open_page: Open, read: Read) -> None:
    app = open_education(open_page, Role.CITY_OFFICIAL)
    assert "No activity of this year is in the register." in read(app)
    app = enter(app, "x")
    assert stored() == []
    assert "The title has 2 to 100 characters." in read(app)
    kept = {each.label: each.value for each in app.text_input}
    assert (kept["Activity"], kept["Location"]) == ("x", "Library"), "what was typed is not lost"
    app = enter(app, "Talk on <b>prepaid</b> cards")
    (activity,) = stored()
    assert (activity.area, activity.participants, activity.cost_fen) == (SUZHOU, 80, 120_000)
    assert [each.value for each in app.success] == ["The activity is in the register."]
    assert {each.label: each.value for each in app.text_input}["Activity"] == ""
    text = read(app)
    assert "Talk on &lt;b&gt;prepaid&lt;/b&gt; cards" in text
    assert "15.00 yuan per participant." in text
    app.selectbox(key="education/out").set_value(str(activity.id)).run()
    app.button(key="education/take-out").click().run()
    assert "Please say why, in 2 to 300 characters." in read(app)
    app.text_input(key="education/reason").set_value("Entered twice").run()
    app.button(key="education/take-out").click().run()
    assert [each.value for each in app.success] == ["The activity is taken out."]
    assert "No activity of this year is in the register." in read(app)
    with read_scope(current_settings().store_url) as session:
        query = select(AuditEntry.action).where(AuditEntry.subject_id == str(activity.id))
        assert set(session.exec(query)) == {"education.added", "education.taken_out"}


def test_the_newest_twenty_are_listed_and_the_rest_on_request(open_page: Open, read: Read) -> None:
    add_many(25)
    app = open_education(open_page, Role.ANALYST)
    text = read(app)
    assert "25 activities of 2024 with 2,000 participants" in text, (
        "what is not listed still counts"
    )
    assert "Talk no. 24" in text
    assert "Talk no. 05" in text
    assert "Talk no. 04" not in text
    app.toggle(key="education/all").set_value(True).run()
    assert all(f"Talk no. {number:02d}" in read(app) for number in range(25))


def test_readers_and_neighbours_change_nothing(open_page: Open, read: Read) -> None:
    add_many(2, area=BEIJING)
    reader = open_education(open_page, Role.ANALYST, BEIJING)
    assert "Talk no. 01" in read(reader)
    assert not [each for each in reader.button if each.label == "Enter the activity"]
    neighbour = open_education(open_page, Role.CITY_OFFICIAL, BEIJING)
    assert "Talk no. 01" in read(neighbour)
    assert not [each for each in neighbour.selectbox if each.key == "education/out"]


def test_what_was_entered_since_the_survey_is_seen_and_costs_nothing_by_consumer_reached(
    open_page: Open, read: Read
) -> None:
    add_many(2, year=2026)
    app = open_education(open_page, Role.ANALYST)
    text = read(app)
    assert "Talk no. 01 of 2026" in text, "the newest year with entries comes first"
    assert "No activity of 2024 is in the register." in text
    assert "per consumer reached (" not in text, "a reach of 2024 says nothing of 2026"
    assert app.selectbox(key="activities/en").options == ["2026", "2024"]
    app.selectbox(key="activities/en").set_value("2024").run()
    assert "Talk no. 01 of 2026" not in read(app)


def test_the_register_is_kept_before_there_are_any_results(
    open_page: Open, read: Read, use_store: Callable[[Settings], None], tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path / "empty", database_url="", demo=True)
    settings.data_dir.mkdir()
    upgrade(settings.store_url)
    with session_scope(settings.store_url) as session:
        upsert_cities(shipped_cities(), session=session)
        store_accounts(session=session, cities=(), now=datetime(2026, 5, 1, tzinfo=UTC))
    use_store(settings)
    app = open_education(open_page, Role.CITY_OFFICIAL)
    assert "There are no results yet" in read(app)
    app = enter(app, "Talk on prepaid cards")
    assert [each.area for each in stored()] == [DEMO_CITY]
    assert "Talk on prepaid cards" in read(app)


def test_a_list_is_checked_and_entered_whole(open_page: Open, read: Read) -> None:
    app = open_education(open_page, Role.CITY_OFFICIAL)
    heads = ",".join(column.key for column in ACTIVITY_SHEET.columns)
    cells = {
        "title": "Talk on fraud", "place": "Library", "held_on": f"{YEAR}/5/6", "form": "talk",
        "audience": "elderly", "participants": "120", "cost_fen": "1500.5",
    }  # fmt: skip
    line = ",".join(cells[column.key] for column in ACTIVITY_SHEET.columns)
    upload = next(each for each in app.file_uploader if str(each.key).startswith("education/list"))
    wrong = f"{heads}\n{line}\n{line}\n".encode()
    upload.set_value(("year.csv", wrong, "text/csv")).run()
    assert "This activity stands in row 2 as well." in str([each.value for each in app.table])
    upload = next(each for each in app.file_uploader if str(each.key).startswith("education/list"))
    right = f"{heads}\n{line}\n{line.replace('fraud', 'scams')}\n".encode()
    upload.set_value(("year.csv", right, "text/csv")).run()
    app.button(key="education/list/enter").click().run()
    assert not app.exception
    assert "2 activities are in the register." in read(app) + app.success[0].value
    with read_scope(current_settings().store_url) as session:
        titles = set(session.exec(select(EducationActivity.title)))
    assert {"Talk on fraud", "Talk on scams"} <= titles
