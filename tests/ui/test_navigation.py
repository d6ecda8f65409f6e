"""Who sees which page, as data."""

import pytest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, ROLES, Role
from survey.kit.navigation import (
    PAGES,
    PAGES_BY_KEY,
    PageKey,
    landing_page,
    list_menu,
    list_neighbours,
    may_open,
)
from survey.locale import translator
from survey.settings import PROJECT_ROOT

RESULTS = [["overview"], ["city"], ["special_groups", "urban_rural"], ["trends", "crosstab"]]
BESIDE = ["complaints", "education", "experience_checks", "comparative_tests", "rectification"]
AREA_OFFICIAL = {
    None: [["home"]],
    "Results": [*RESULTS, [*BESIDE, "outside_data"]],
    "Publication": [["export", "releases"], ["method"]],
}
MENUS: dict[Role, dict[str | None, list[list[str]]]] = {
    Role.SURVEYOR: {None: [["home"]], "In the field": [["tasks", "interview"]]},
    Role.TYPIST: {None: [["home"]], "In the field": [["paper"]]},
    Role.SUPERVISOR: {
        None: [["home"]],
        "In the field": [
            ["progress", "sign_in_codes"],
            ["review", "back_check"],
            ["paper", "bulk_import"],
        ],
        "Publication": [["method"]],
    },
    Role.FINAL_REVIEWER: {
        None: [["home"]],
        "In the field": [["progress"], ["review"]],
        "Publication": [["method"]],
    },
    Role.CITY_OFFICIAL: AREA_OFFICIAL,
    Role.PROVINCE_OFFICIAL: AREA_OFFICIAL,
    Role.NATIONAL_OFFICIAL: {
        None: [["home"]],
        "Results": [*RESULTS, [*BESIDE, "outside_data"]],
        "In the field": [["progress"]],
        "Organisation": [["plan"], ["questionnaires"]],
        "Publication": [["releases"], ["export"], ["method"]],
    },
    Role.ANALYST: {
        None: [["home"]],
        "Results": [*RESULTS, BESIDE[:-1]],
        "Organisation": [["questionnaires"]],
        "Publication": [["export", "releases"], ["method"]],
    },
    Role.ADMINISTRATOR: {
        None: [["home"]],
        "Results": [*RESULTS, [*BESIDE, "outside_data"]],
        "In the field": [
            ["progress", "sign_in_codes"],
            ["review", "back_check"],
            ["paper", "bulk_import"],
        ],
        "Organisation": [["plan"], ["questionnaires"], ["users"]],
        "Publication": [["releases"], ["export"], ["method"], ["audit"]],
    },
}
COUNTS = {
    Role.SURVEYOR: 2, Role.TYPIST: 2, Role.SUPERVISOR: 5, Role.FINAL_REVIEWER: 4,
    Role.CITY_OFFICIAL: 8, Role.PROVINCE_OFFICIAL: 8, Role.ANALYST: 9,
    Role.NATIONAL_OFFICIAL: 12, Role.ADMINISTRATOR: 16,
}  # fmt: skip
"""Entries of the menu, as the design of the paths has them."""


def person(role: Role) -> Principal:
    return Principal(OPERATOR.account_id, "Li", role, NATION)


def entries(principal: Principal | None) -> list[list[str]]:
    return [
        [page.key.value for page in entry.pages]
        for section in list_menu(principal)
        for entry in section.entries
    ]


@pytest.mark.parametrize("role", Role)
def test_the_menu_of_a_role_under_its_headings(role: Role) -> None:
    shown = {
        section.heading.msgid if section.heading else None: [
            [page.key.value for page in entry.pages] for entry in section.entries
        ]
        for section in list_menu(person(role))
    }
    assert shown == MENUS[role]
    assert list(shown) == list(MENUS[role])
    assert len(entries(person(role))) == COUNTS[role]


@pytest.mark.parametrize("role", Role)
def test_every_page_of_a_role_is_in_its_menu_once_and_no_other(role: Role) -> None:
    pages = [key for entry in entries(person(role)) for key in entry]
    assert len(set(pages)) == len(pages)
    assert set(pages) == {page.key.value for page in PAGES if may_open(page, person(role))}


def test_a_stranger_sees_the_start_page_only() -> None:
    assert entries(None) == [["home"]]


def test_pages_of_one_entry_link_to_each_other() -> None:
    supervisor = person(Role.SUPERVISOR)
    for key in (PageKey.REVIEW, PageKey.BACK_CHECK):
        pages = list_neighbours(key, supervisor)
        assert [page.key for page in pages] == [PageKey.REVIEW, PageKey.BACK_CHECK]
    assert list_neighbours(PageKey.METHOD, supervisor) == ()
    assert list_neighbours(PageKey.PAPER, person(Role.TYPIST)) == ()
    assert list_neighbours(PageKey.INTERVIEW, person(Role.SURVEYOR)) == ()


def test_every_file_in_pages_is_registered_and_the_other_way_round() -> None:
    files = {path.stem for path in (PROJECT_ROOT / "pages").glob("*.py")}
    assert files == {page.key.value for page in PAGES} == set(PAGES_BY_KEY)


def test_every_page_but_the_start_needs_a_right_that_some_role_has() -> None:
    for page in PAGES:
        if page.key is PageKey.HOME:
            assert page.action is None
        else:
            assert any(page.action in known.actions for known in ROLES.values())


def test_addresses_are_single_plain_segments_and_unique() -> None:
    addresses = [page.url for page in PAGES]
    assert len(set(addresses)) == len(addresses)
    assert [address for address in addresses if not address] == [""]
    for address in addresses:
        assert address.replace("-", "").isalnum() or not address


def test_titles_are_translated() -> None:
    chinese, english = translator("zh"), translator("en")
    texts = [page.title for page in PAGES]
    for section in list_menu(person(Role.ADMINISTRATOR)):
        texts += [section.heading] if section.heading else []
        texts += [entry.title for entry in section.entries]
    for text in texts:
        assert chinese(text) != english(text)


@pytest.mark.parametrize("role", Role)
def test_work_begins_on_a_page_that_is_open_to_the_role(role: Role) -> None:
    page = landing_page(role)
    assert may_open(page, Principal(OPERATOR.account_id, "Li", role, NATION))
