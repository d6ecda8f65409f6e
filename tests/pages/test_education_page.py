"""The tab of consumer education: entering an activity, taking one out, seeing all."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from seed.demo.accounts import store_accounts
from survey.access.roles import DEMO_CITY, Role
from survey.education.entry_list import build_template, propose_entry_mapping
from survey.education.registers import ACTIVITIES, BASES
from survey.frame.city_frame import shipped_cities, upsert_cities
from survey.kit.navigation import PageKey
from survey.settings import Settings, current_settings
from survey.store.engine import read_scope, session_scope
from survey.store.schema import upgrade
from survey.store.tables import AuditEntry, EducationActivity, EducationBase
from tests.records_of import record_of

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
    next(each for each in app.button if each.label == "Enter it").click().run()
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
    assert "Nothing of it is in the register." in read(app)
    app = enter(app, "x")
    assert stored() == []
    assert "The title has 2 to 100 characters." in read(app)
    kept = {each.label: each.value for each in app.text_input}
    assert (kept["Activity"], kept["Location"]) == ("x", "Library"), "what was typed is not lost"
    app = enter(app, "Talk on <b>prepaid</b> cards")
    (activity,) = stored()
    assert (activity.area, activity.participants, activity.cost_fen) == (SUZHOU, 80, 120_000)
    assert [each.value for each in app.success] == ["It is in the register."]
    assert {each.label: each.value for each in app.text_input}["Activity"] == ""
    text = read(app)
    assert "Talk on &lt;b&gt;prepaid&lt;/b&gt; cards" in text
    assert "15.00 yuan per participant." in text
    app.selectbox(key="activities/entry").set_value(str(activity.id)).run()
    app.button(key="activities/take-out").click().run()
    assert "Please say why, in 2 to 300 characters." in read(app)
    app.text_input(key="activities/reason").set_value("Entered twice").run()
    app.button(key="activities/take-out").click().run()
    assert [each.value for each in app.success] == ["It is taken out."]
    assert "Nothing of it is in the register." in read(app)
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
    app.toggle(key="activities/all").set_value(True).run()
    assert all(f"Talk no. {number:02d}" in read(app) for number in range(25))


def test_readers_and_neighbours_change_nothing(open_page: Open, read: Read) -> None:
    add_many(2, area=BEIJING)
    reader = open_education(open_page, Role.ANALYST, BEIJING)
    assert "Talk no. 01" in read(reader)
    assert not [each for each in reader.button if each.label == "Enter it"]
    neighbour = open_education(open_page, Role.CITY_OFFICIAL, BEIJING)
    assert "Talk no. 01" in read(neighbour)
    assert not [each for each in neighbour.selectbox if each.key == "activities/entry"]


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
    heads = ",".join(column.key for column in build_template(ACTIVITIES).columns)
    cells = {
        "title": "Talk on fraud", "place": "Library", "held_on": f"{YEAR}/5/6", "form": "talk",
        "audience": "elderly", "participants": "120", "cost_fen": "1500.5",
    }  # fmt: skip
    line = ",".join(cells[column.key] for column in build_template(ACTIVITIES).columns)
    upload = next(each for each in app.file_uploader if str(each.key).startswith("activities/list"))
    wrong = f"{heads}\n{line}\n{line}\n".encode()
    upload.set_value(("year.csv", wrong, "text/csv")).run()
    assert "This stands in row 2 as well." in str([each.value for each in app.table])
    upload = next(each for each in app.file_uploader if str(each.key).startswith("activities/list"))
    right = f"{heads}\n{line}\n{line.replace('fraud', 'scams')}\n".encode()
    upload.set_value(("year.csv", right, "text/csv")).run()
    app.button(key="activities/list/enter").click().run()
    assert not app.exception
    assert "2 rows are in the register." in read(app) + app.success[0].value
    with read_scope(current_settings().store_url) as session:
        titles = set(session.exec(select(EducationActivity.title)))
    assert {"Talk on fraud", "Talk on scams"} <= titles


def open_tab(open_page: Open, role: Role, part: str, area: str = SUZHOU) -> AppTest:
    app = open_page(PageKey.EDUCATION, role, lang="en", place=area, part=part)
    assert not app.exception
    return app


def add_base(area: str = SUZHOU, name: str = "Hall of <b>fair</b> trade") -> EducationBase:
    base = record_of(EducationBase, area=area, name=name, named_by="city", is_demo=True)
    with session_scope(current_settings().store_url) as session:
        session.add(base)
        session.flush()
        session.expunge(base)
    return base


def test_a_base_is_entered_changed_visited_and_its_changes_are_seen(
    open_page: Open, read: Read
) -> None:
    app = open_tab(open_page, Role.CITY_OFFICIAL, "bases")
    assert "Nothing of it is in the register." in read(app)
    labels = {each.label: each for each in app.text_input}
    labels["Name of the base"].set_value("Hall of fair trade")
    labels["Address"].set_value("1 Guanqian Street")
    labels["Contact office"].set_value("Wang, 13812345678")
    next(each for each in app.checkbox if each.label == "For older people").check()
    next(each for each in app.button if each.label == "Enter it").click().run()
    assert "Contact office: no number of a person." in read(app)
    {each.label: each for each in app.text_input}["Contact office"].set_value("12315")
    next(each for each in app.button if each.label == "Enter it").click().run()
    assert [each.value for each in app.success] == ["It is in the register."]
    assert "1 bases; 1 are for older people and 0 for children. 0 have been visited." in read(app)
    with read_scope(current_settings().store_url) as session:
        (base,) = session.exec(select(EducationBase))
    assert (base.area, base.is_demo, base.contact) == (SUZHOU, True, "12315")

    app.selectbox(key="bases/entry").set_value(str(base.id)).run()
    changed = [each for each in app.text_input if each.label == "Address"]
    next(each for each in changed if each.value).set_value("2 Guanqian Street")
    next(each for each in app.button if each.label == "Save the change").click().run()
    assert [each.value for each in app.success] == ["It is changed."]
    app.session_state[f"bases/{base.id}/2/steps"] = True
    app.run()
    assert "1 Guanqian Street → 2 Guanqian Street" in read(app)

    found = next(each for each in app.text_area if each.label == "What was found")
    found.set_value("Closed at ten in the morning.")
    [each for each in app.button if each.label == "Enter it"][-1].click().run()
    assert not app.exception
    assert "Closed at ten in the morning." in read(app)
    assert "1 have been visited." in read(app)


def test_who_reads_a_register_keeps_it_only_by_right_and_each_the_own_area(
    open_page: Open, read: Read
) -> None:
    add_base(BEIJING)
    hall = "Hall of &lt;b&gt;fair&lt;/b&gt; trade"
    for role, is_read in ((Role.ANALYST, True), (Role.CITY_OFFICIAL, False)):
        app = open_tab(open_page, role, "bases", BEIJING)
        assert (hall in read(app)) == is_read
        assert not [each for each in app.selectbox if each.key == "bases/entry"]
    for part in ("stations", "rules"):
        assert "Nothing of it is in the register." in read(open_tab(open_page, Role.ANALYST, part))


def test_a_base_that_seems_to_be_there_is_asked_about(open_page: Open, read: Read) -> None:
    add_base(SUZHOU, "Hall")
    app = open_tab(open_page, Role.CITY_OFFICIAL, "bases", SUZHOU)
    heads = ",".join(column.key for column in build_template(BASES).columns)
    lines = [f",{name},hall,city,2023-3-15,,1 Street,yes,no,,12315" for name in ("Hall", "Museum")]
    upload = next(each for each in app.file_uploader if str(each.key).startswith("bases/list"))
    content = "\n".join([heads, *lines]).encode()
    upload.set_value(("bases.csv", content, "text/csv")).run()
    text = read(app) + str([each.value for each in app.warning])
    assert "1 of them seem to be in the register already: Hall. They are left out." in text
    app.button(key="bases/list/enter").click().run()
    assert not app.exception
    with read_scope(current_settings().store_url) as session:
        assert sorted(session.exec(select(EducationBase.name))) == ["Hall", "Museum"]


def test_a_list_with_heads_of_its_own_is_read_and_its_mapping_corrected(
    open_page: Open, read: Read
) -> None:
    app = open_tab(open_page, Role.CITY_OFFICIAL, "bases", SUZHOU)
    lines = (
        "消费教育基地名册,,,,,,,",
        "所在市,基地名称,类别,级别,授牌时间,详细地址,老年人,未成年人",
        "苏州,老馆,体验中心,市级,２０２３年３月,观前街1号,是,否",
    )
    content = "\n".join(lines).replace("３月,", "３月１５日,").encode()
    upload = next(each for each in app.file_uploader if str(each.key).startswith("bases/list"))
    upload.set_value(("list.csv", content, "text/csv")).run()
    assert "1 cells need another look" in read(app)
    proposed = propose_entry_mapping(BASES, content=content).mapping
    codes = {"kind": {"体验中心": "hall"}}
    mapping = json.dumps({**proposed.model_dump(), "codes": codes}).encode()
    fields = [each for each in app.file_uploader if str(each.key).endswith("/mapping")]
    field = next(each for each in fields if str(each.key).startswith("bases/"))
    field.set_value(("mapping.json", mapping, "application/json")).run()
    assert "Level: 级别" in read(app)
    app.button(key="bases/list/enter").click().run()
    with read_scope(current_settings().store_url) as session:
        (base,) = session.exec(select(EducationBase))
    assert (base.name, base.kind, str(base.named_on)) == ("老馆", "hall", "2023-03-15")
