"""Registers come from a file: all of its rows or none, and nothing twice without a word."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlmodel import Session

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.access.work import Seen
from survey.collection.importing.mapped_list import describe_mapping
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.education.entry_list import (
    EntryList,
    add_entries,
    build_template,
    propose_entry_mapping,
    read_entry_file,
    write_entries,
)
from survey.education.registers import (
    ACTIVITIES,
    BASES,
    RULE_WORK,
    STATIONS,
    Register,
    RegisteredEntry,
    add_entry,
    list_entries,
)
from survey.figures.views.display_names import DisplayNames
from survey.frame.city_frame import shipped_cities
from survey.frame.code_lists import province_names
from survey.frame.workbook_io import write_workbook
from survey.locale import RefusedError, translator
from survey.store.engine import read_scope
from survey.store.tables import new_id
from survey.store.transactions import run_in_transaction
from tests.account_factory import employ_person
from tests.error_codes import raises_code
from tests.records_of import record_of
from tests.work_of import work_of

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def city(store_url: str) -> Principal:
    return employ_person(store_url, "city", Role.CITY_OFFICIAL, "320500")


def head(register: Register) -> str:
    return ",".join(translator("zh")(column.label) for column in build_template(register).columns)


def read(url: str, who: Principal, *rows: str, register: Register = ACTIVITIES) -> EntryList:
    content = "\n".join([head(register), *rows]).encode()
    with read_scope(url) as session:
        work = work_of(session, who, NOW)
        return read_entry_file(work, register=register, name="year.csv", content=content)


def add(
    url: str,
    who: Principal,
    listed: EntryList,
    *,
    register: Register = ACTIVITIES,
    again: bool = False,
) -> int:
    return run_in_transaction(
        url,
        lambda session: add_entries(
            work_of(session, who, NOW), register=register, listed=listed, with_repeated=again
        ),
    )


def row(title: str = "防骗讲座", day: str = "2026-03-15", people: str = "120") -> str:
    cells = {
        "title": title, "place": "东湖社区", "held_on": day, "form": "talk",
        "audience": "elderly", "participants": people, "cost_fen": "1500.50",
    }  # fmt: skip
    return ",".join(cells[column.key] for column in build_template(ACTIVITIES).columns)


def test_three_hundred_activities_are_entered_as_people_write_days(
    store_url: str, city: Principal
) -> None:
    days = ("2026-3-5", "２０２６/03/05", "2026年3月5日", "20260305")
    rows = [row(f"活动{number}", days[number % 4]) for number in range(300)]
    listed = read(store_url, city, *rows)
    assert (len(listed.entries), listed.errors, listed.repeated) == (300, (), ())
    assert add(store_url, city, listed) == 300
    with read_scope(store_url) as session:
        entered = list_entries(
            work_of(session, city, NOW), register=ACTIVITIES, year=2026, area="320500"
        )
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
    sheet = replace(build_template(ACTIVITIES), rows=(cells,))
    content = write_workbook([sheet], "en")
    with read_scope(store_url) as session:
        work = work_of(session, city, NOW)
        listed = read_entry_file(work, register=ACTIVITIES, name="year.xlsx", content=content)
        assert len(listed.entries) == 1
        analyst = Principal(city.account_id, "analyst", Role.ANALYST, "CN")
        work = work_of(session, analyst, NOW)
        with pytest.raises(AccessDeniedError):
            read_entry_file(work, register=ACTIVITIES, name="year.xlsx", content=content)
        with pytest.raises(AccessDeniedError):
            add_entries(work, register=ACTIVITIES, listed=listed, with_repeated=False)


@pytest.fixture
def province(store_url: str) -> Principal:
    return employ_person(store_url, "province", Role.PROVINCE_OFFICIAL, "32")


def base(name: str, area: str = "苏州", named: str = "2023年3月15日", contact: str = "") -> str:
    return f"{area},{name},展馆或博物馆,市级,{named},,观前街1号,是,no,,{contact}"


def test_bases_of_a_province_come_with_places_and_days_as_people_write_them(
    store_url: str, province: Principal
) -> None:
    rows = (
        base("体验馆一", "苏州市", "2023/3/15"),
        base("体验馆二", "320505", "20230315"),
        base("体验馆三", "江苏", "２０２３年３月１５日", "教育部 0512-65221234"),
        base("体验馆四", "", "2023-3-15", "12315"),
    )
    listed = read(store_url, province, *rows, register=BASES)
    assert listed.errors == ()
    assert [each.area for each in listed.entries] == ["320500", "320500", "32", "32"]
    assert {each.named_on for each in listed.entries} == {date(2023, 3, 15)}
    assert {(each.for_elderly, each.for_minors) for each in listed.entries} == {(True, False)}
    assert add(store_url, province, listed, register=BASES) == 4
    again = read(store_url, province, *rows, base("体验馆一", "南京"), register=BASES)
    assert [each.name for each in again.repeated] == [f"体验馆{n}" for n in "一二三四"]
    assert add(store_url, province, again, register=BASES) == 1, "one of that name elsewhere is new"
    assert add(store_url, province, again, register=BASES, again=True) == 5


def test_every_problem_of_a_base_is_said(
    store_url: str, city: Principal, province: Principal
) -> None:
    rows = (
        base("外地", "南京"),
        base("昆山馆", "昆山市"),
        base("王某的手机", contact="王老师 138-1234-5678"),
        base("身份证", contact="11010519491231002X"),
        base("早年", named="1983-1-1"),
        base("体验馆"),
        base("体验馆"),
    )
    listed = read(store_url, city, *rows, register=BASES)
    assert [(each.row, str(each.column.msgid)) for each in listed.errors] == [
        (2, "Area"),
        (3, "Area"),
        (4, "Contact office"),
        (5, "Contact office"),
        (6, "Named on"),
        (8, "Name of the base"),
    ]
    with raises_code("base_refused"):
        add(store_url, city, listed, register=BASES)
    of_province = read(store_url, province, rows[0], register=BASES)
    with pytest.raises(AccessDeniedError):
        add(store_url, city, of_province, register=BASES)


def station(name: str, year: str = "2025年", settled: str = "1,240") -> str:
    return f'苏州,{name},{year},维权服务站,景区,观前街1号,,6,48,"{settled}"'


def test_a_station_stands_once_for_each_year(store_url: str, city: Principal) -> None:
    rows = (station("观前站"), station("观前站", "2024"), station("石路站"))
    listed = read(store_url, city, *rows, register=STATIONS)
    assert [(each.year, each.settled) for each in listed.entries] == [
        (2025, 1240), (2024, 1240), (2025, 1240),
    ]  # fmt: skip
    assert add(store_url, city, listed, register=STATIONS) == 3
    with read_scope(store_url) as session:
        work = work_of(session, city, NOW)
        for year, count in ((2025, 2), (2024, 1), (2023, 0), (None, 3)):
            found = list_entries(work, register=STATIONS, area="32", year=year)
            assert len(found) == count
    wrong = read(store_url, city, station("x"), station("来年站", "2027"), register=STATIONS)
    assert [(each.row, str(each.column.msgid)) for each in wrong.errors] == [
        (2, "Name of the station"),
        (3, "Year"),
    ]


@pytest.mark.parametrize("register", [BASES, STATIONS, RULE_WORK], ids=lambda each: each.name)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_written_is_read_again(
    store_url: str, city: Principal, register: Register, language: str
) -> None:
    entry = record_of(register.data, "示例", area="320500")
    if register is STATIONS:
        entry.year = 2025

    def store(session: Session) -> None:
        add_entry(work_of(session, city, NOW), register=register, data=entry)

    run_in_transaction(store_url, store)
    names = DisplayNames(language, None)
    with read_scope(store_url) as session:
        work = work_of(session, city, NOW)
        entries = list_entries(work, register=register, area="320500")
        content = write_workbook([write_entries(register, entries, names.area)], language)
        listed = read_entry_file(work, register=register, name="again.xlsx", content=content)
    assert (listed.errors, listed.entries, listed.repeated) == ((), (entry,), (entry,))


MESSY = """苏州市消费教育基地一览表,,,,,,,,
（截至2025年6月30日）,,,,,,,,
序号,所在地区,基地名称,类别,级别,命名时间,详细地址,是否面向老年人,面向未成年人
1,苏州,体验馆一,展馆或博物馆,市级,２０２３年３月１５日,观前街1号,是,否
2,姑苏区,体验馆二,学校,市级,2023/3/15,石路2号,否,是
合计,,2,,,,,,
注：名单由协会提供,,,,,,,,
"""


def read_file(
    url: str, who: Principal, register: Register, content: str, mapping: object = None
) -> EntryList:
    with read_scope(url) as session:
        return read_entry_file(
            work_of(session, who, NOW),
            register=register,
            name="list.csv",
            content=content.encode(),
            mapping=b"" if mapping is None else json.dumps(mapping).encode(),
        )


def test_a_list_that_nobody_here_made_is_read_by_its_heads(store_url: str, city: Principal) -> None:
    listed = read_file(store_url, city, BASES, MESSY.replace("姑苏区", "320508"))
    assert listed.errors == ()
    assert [(each.area, each.name, each.named_on) for each in listed.entries] == [
        ("320500", "体验馆一", date(2023, 3, 15)), ("320500", "体验馆二", date(2023, 3, 15)),
    ]  # fmt: skip
    assert [(each.for_elderly, each.for_minors) for each in listed.entries] == [
        (True, False), (False, True),
    ]  # fmt: skip
    assert listed.mapping is not None
    said = describe_mapping(listed.mapping, build_template(BASES), translator("zh"))
    assert "命名日期：命名时间" in said
    assert add(store_url, city, listed, register=BASES) == 2


def test_own_words_of_a_list_are_translated_by_its_mapping(store_url: str, city: Principal) -> None:
    content = MESSY.replace("展馆或博物馆", "体验中心").replace("姑苏区", "古城")
    refused = read_file(store_url, city, BASES, content)
    assert [(each.row, translator("zh")(each.column), each.value) for each in refused.errors] == [
        (4, "类别", "体验中心"), (5, "所在地区", "古城"),
    ]  # fmt: skip
    proposed = propose_entry_mapping(BASES, content=content.encode())
    assert "序号" in proposed.heads
    codes = {"kind": {"体验中心": "hall"}, "area": {"古城": "苏州"}}
    mapping = {**proposed.mapping.model_dump(), "codes": codes}
    assert len(read_file(store_url, city, BASES, content, mapping).entries) == 2
    for wrong, why in (
        ({**mapping, "kind": "stations"}, "another kind of list"),
        ({**mapping, "columns": {"phone": "序号"}}, "phone is none of"),
        (
            {**mapping, "columns": mapping["columns"] | {"hours": "开馆"}},
            "开馆 that the file lacks",
        ),
        ({**mapping, "columns": {"name": "基地名称"}}, "give a mapping"),
    ):
        with pytest.raises(ImportNotPossibleError, match=why):
            read_file(store_url, city, BASES, content, wrong)
    constants = {**mapping, "constants": {"hours": "9:00—17:00"}}
    entries = read_file(store_url, city, BASES, content, constants).entries
    assert {each.hours for each in entries} == {"9:00—17:00"}


def test_a_year_and_a_unit_above_the_table_count_for_its_rows(
    store_url: str, city: Principal
) -> None:
    stations = """2025年度消费维权服务站统计表,,,,,,
名称,类型,场所,地址,调解员,培训学时,调解成功
观前站,维权服务站,景区,观前街1号,６人,"1,048",120件
"""
    (entry,) = read_file(store_url, city, STATIONS, stations).entries
    assert (entry.year, entry.mediators, entry.training_hours, entry.settled) == (
        2025, 6, 1048, 120,
    )  # fmt: skip
    activities = """活动台账,,,,,单位：人、万元,
活动主题,地点,活动时间,活动形式,对象,参与人次,经费
防骗讲座,东湖社区,2026.3.5,讲座或培训,老年人,1.2万,0.15
"""
    (held,) = read_file(store_url, city, ACTIVITIES, activities).entries
    assert (held.participants, held.cost_fen, held.area) == (12_000, 150_000, "320500")


def test_two_columns_alike_are_left_to_a_person(store_url: str, city: Principal) -> None:
    twice = MESSY.replace("序号", "基地名称")
    with pytest.raises(ImportNotPossibleError, match="Name of the base"):
        read_file(store_url, city, BASES, twice)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_area_that_is_written_is_read_as_itself(store_url: str, language: str) -> None:
    nation = employ_person(store_url, "nation", Role.NATIONAL_OFFICIAL, NATION)
    areas = [NATION, *province_names(), *(each.code for each in shipped_cities())]
    entries = [
        RegisteredEntry(
            Seen(new_id(), 1), "", record_of(BASES.data, "示例", area=area), None, False, True
        )
        for area in areas
    ]
    sheet = write_entries(BASES, entries, DisplayNames(language, None).area)
    written = [str(row[0]) for row in sheet.rows]
    # Two areas called alike stand by their codes: the city and province of Jilin.
    assert {"22", "220200"} <= {*written}
    assert sum(map(str.isdigit, written)) < 10
    content = write_workbook([sheet], language)
    with read_scope(store_url) as session:
        work = work_of(session, nation, NOW)
        listed = read_entry_file(work, register=BASES, name="all.xlsx", content=content)
    assert listed.errors == ()
    assert [each.area for each in listed.entries] == areas
