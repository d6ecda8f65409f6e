"""Lists of new accounts: what people write is understood, what is wrong is said row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from seed.survey_provider import inventor
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import AreaScope, Role
from survey.frame.city_frame import shipped_cities
from survey.frame.workbook_io import WorkbookSheet, write_workbook
from survey.locale import translator
from survey.store.engine import read_scope
from survey.waves.planning.point_staff import (
    AccountList,
    account_template,
    area_names,
    read_account_file,
    read_pasted_accounts,
)
from tests.account_factory import employ_person
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field

zh = translator("zh")


def _paste(field: Field, *lines: str) -> AccountList:
    with read_scope(field.url) as session:
        return read_pasted_accounts(work_of(session, OPERATOR, field.now), text="\n".join(lines))


def _reasons(listed: AccountList) -> list[tuple[int, str, str]]:
    return [(error.row, str(error.column), str(error.message)) for error in listed.errors]


@pytest.mark.parametrize(
    ("role", "area", "code"),
    [
        ("surveyor", "110000", "110000"),
        ("Surveyor", "Beijing", "110000"),
        ("\u8bbf\u95ee\u5458", "\u5317\u4eac", "110000"),
        ("supervisor", "31", "31"),
        ("province_official", "\u5317\u4eac", "11"),
        ("city_official", "\u5317\u4eac\u5e02", "110000"),
        ("surveyor", "110000/p-1", "110000/p-1"),
        ("analyst", "\u5168\u56fd", "CN"),
        ("national_official", "", "CN"),
    ],
)
def test_roles_and_areas_as_people_write_them(
    field: Field, role: str, area: str, code: str
) -> None:
    area = area.replace("p-1", field.point.code)
    listed = _paste(field, f"Li Na\tLiNa\t{role}\t{area}\t2099-01-31\tLi@Example.cn")
    assert not listed.errors
    (account,) = listed.accounts
    assert account.login == "lina"
    assert account.entry.area == code.replace("p-1", field.point.code)
    assert (str(account.entry.last_day), account.entry.email) == ("2099-01-31", "li@example.cn")


def test_provinces_are_known_with_and_without_their_endings() -> None:
    names = area_names(shipped_cities())[AreaScope.PROVINCE]
    for word in ("\u6c5f\u82cf\u7701", "\u6c5f\u82cf", "32"):
        assert names[word] == "32"
    assert (
        names["\u65b0\u7586"] == names["\u65b0\u7586\u7ef4\u543e\u5c14\u81ea\u6cbb\u533a"] == "65"
    )


def test_every_wrong_cell_is_said_and_the_good_rows_stay_good(field: Field) -> None:
    employ_person(field.url, "mail", email="here@example.cn")
    listed = _paste(
        field,
        "Li\tli-1\tsurveyor\tBeijing",
        "\tx y\tking\tBeijing",
        "Li\tli-1\tsurveyor\tBeijing",
        "Sun\tsun-2\tsurveyor\tAtlantis\t2001-01-01\tno",
        "Wu\twu\tcity_official\t32\t\there@example.cn",
        "Boss\tboss\tadministrator\tCN",
    )
    assert [account.login for account in listed.accounts] == ["li-1"]
    assert {(row, column) for row, column, _ in _reasons(listed)} == {
        (2, "Full name"),
        (2, "Login"),
        (2, "Role"),
        (3, "Login"),
        (4, "Area of work"),
        (4, "Last day (may stay empty)"),
        (4, "E-mail (may stay empty)"),
        (5, "Area of work"),
        (5, "E-mail (may stay empty)"),
        (6, "Role"),
    }
    assert (3, "Login", "This login stands in row 1 as well.") in _reasons(listed)


def test_logins_that_exist_are_skipped_whatever_else_their_row_says(field: Field) -> None:
    employ_person(field.url, "lina")
    listed = _paste(field, "Other name\tLina\tking\tAtlantis", "Sun\tsun-2\tsurveyor\tBeijing")
    assert (listed.present, listed.errors) == (("lina",), ())
    assert [account.login for account in listed.accounts] == ["sun-2"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_template_comes_back_as_it_was_filled_in(field: Field, language: str) -> None:
    template = account_template()
    rows = [["Li", "lina", "surveyor", "Beijing", None, None]]
    content = write_workbook([WorkbookSheet("accounts", template.columns, rows)], language)
    with read_scope(field.url) as session:
        listed = read_account_file(
            work_of(session, OPERATOR, field.now), name="a.xlsx", content=content
        )
    assert (len(listed.accounts), listed.errors) == (1, ())


def test_only_administrators_may_ask_which_logins_exist(field: Field) -> None:
    sun = Principal(field.surveyor.account_id, "Sun", Role.SUPERVISOR, "CN")
    with read_scope(field.url) as session, pytest.raises(AccessDeniedError):
        read_pasted_accounts(work_of(session, sun, field.now), text="a,b")


def test_a_list_of_chinese_names_is_read_as_it_was_pasted(field: Field) -> None:
    invented = inventor(1)
    names = [invented.name() for _ in range(40)]
    rows = [
        f"{name}\tperson-{number}\tsurveyor\t110000\t\t{invented.ascii_safe_email()}"
        for number, name in enumerate(names)
    ]
    listed = _paste(field, *rows)
    assert not listed.errors
    assert [account.entry.name for account in listed.accounts] == names
