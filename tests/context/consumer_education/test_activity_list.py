"""A year's activities come from a file: all of them or none, and nothing twice without a word."""

from datetime import UTC, date, datetime

import pytest

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Role
from survey.education.activities import list_activities
from survey.education.activity_list import (
    ACTIVITY_SHEET,
    ActivityList,
    add_activities,
    read_activity_file,
)
from survey.frame.workbook_io import WorkbookSheet, write_workbook
from survey.locale import RefusedError, translator
from survey.store.engine import read_scope
from survey.store.transactions import run_in_transaction
from tests.account_factory import employ_person
from tests.work_of import work_of

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def city(store_url: str) -> Principal:
    return employ_person(store_url, "city", Role.CITY_OFFICIAL, "320500")


def head() -> str:
    return ",".join(translator("zh")(column.label) for column in ACTIVITY_SHEET.columns)


def read(url: str, who: Principal, *rows: str) -> ActivityList:
    content = "\n".join([head(), *rows]).encode()
    with read_scope(url) as session:
        return read_activity_file(work_of(session, who, NOW), name="year.csv", content=content)


def add(url: str, who: Principal, listed: ActivityList, *, again: bool = False) -> int:
    return run_in_transaction(
        url,
        lambda session: add_activities(
            work_of(session, who, NOW), listed=listed, with_repeated=again
        ),
    )


def row(title: str = "防骗讲座", day: str = "2026-03-15", people: str = "120") -> str:
    cells = {
        "title": title, "place": "东湖社区", "held_on": day, "form": "talk",
        "audience": "elderly", "participants": people, "cost_fen": "1500.50",
    }  # fmt: skip
    return ",".join(cells[column.key] for column in ACTIVITY_SHEET.columns)


def test_three_hundred_activities_are_entered_as_people_write_days(
    store_url: str, city: Principal
) -> None:
    days = ("2026-3-5", "２０２６/03/05", "2026年3月5日", "20260305")
    rows = [row(f"活动{number}", days[number % 4]) for number in range(300)]
    listed = read(store_url, city, *rows)
    assert (len(listed.activities), listed.errors, listed.repeated) == (300, (), ())
    assert add(store_url, city, listed) == 300
    with read_scope(store_url) as session:
        entered = list_activities(work_of(session, city, NOW), year=2026, area="320500")
    assert len(entered) == 300
    assert {each.data.held_on for each in entered} == {date(2026, 3, 5)}
    assert {each.data.cost_fen for each in entered} == {150_050}


def test_every_problem_is_said_at_once_and_nothing_is_stored(
    store_url: str, city: Principal
) -> None:
    wrong = row(people="many").replace("talk", "party")
    others = (
        row("未来", "2027-01-01"),
        row("", "1999-1-1"),
        row("钱款").replace("1500.50", "15.505"),
    )
    listed = read(store_url, city, row(), row(), wrong, *others)
    assert [(each.row, str(each.column.msgid)) for each in listed.errors] == [
        (3, "Activity"),
        (4, "Form"),
        (4, "Participants"),
        (5, "Day"),
        (6, "Activity"),
        (6, "Day"),
        (7, "Cost (yuan)"),
    ]
    people = next(each.message for each in listed.errors if each.value == "many")
    assert translator("en")(people) == "This is no whole number from 1 to 100,000,000."
    with pytest.raises(RefusedError):
        add(store_url, city, listed)
    assert add(store_url, city, read(store_url, city, row())) == 1


def test_what_is_there_already_is_asked_about(store_url: str, city: Principal) -> None:
    assert add(store_url, city, read(store_url, city, row())) == 1
    listed = read(store_url, city, row(), row("另一场"))
    assert [each.title for each in listed.repeated] == ["防骗讲座"]
    assert add(store_url, city, listed) == 1
    assert add(store_url, city, listed) == 0, "pressed again, nothing comes twice"
    assert add(store_url, city, listed, again=True) == 2


def test_the_template_is_read_back_and_only_who_keeps_the_register_may(
    store_url: str, city: Principal
) -> None:
    cells = tuple(row().split(","))
    sheet = WorkbookSheet(ACTIVITY_SHEET.name, ACTIVITY_SHEET.columns, (cells,))
    content = write_workbook([sheet], "en")
    with read_scope(store_url) as session:
        work = work_of(session, city, NOW)
        listed = read_activity_file(work, name="year.xlsx", content=content)
        assert len(listed.activities) == 1
        analyst = Principal(city.account_id, "analyst", Role.ANALYST, "CN")
        with pytest.raises(AccessDeniedError):
            read_activity_file(work_of(session, analyst, NOW), name="year.xlsx", content=content)
        with pytest.raises(AccessDeniedError):
            add_activities(work_of(session, analyst, NOW), listed=listed, with_repeated=False)
