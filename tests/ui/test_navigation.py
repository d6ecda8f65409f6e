"""Who sees which page, as data."""

import pytest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, ROLES, Role
from survey.kit.navigation import PAGES, PAGES_BY_KEY, PageKey, landing_page, may_open, menu_for
from survey.locale import translator
from survey.settings import PROJECT_ROOT

MENUS = {
    Role.SURVEYOR: ["home", "tasks", "interview"],
    Role.TYPIST: ["home", "paper"],
    Role.SUPERVISOR: [
        "home",
        "progress",
        "review",
        "back_check",
        "bulk_import",
        "paper",
        "method",
        "sign_in_codes",
    ],
    Role.CITY_OFFICIAL: [
        "home",
        "overview",
        "city",
        "special_groups",
        "urban_rural",
        "trends",
        "crosstab",
        "rectification",
        "comparative_tests",
        "experience_checks",
        "complaints",
        "method",
        "export",
        "releases",
    ],
    Role.PROVINCE_OFFICIAL: [
        "home",
        "overview",
        "city",
        "special_groups",
        "urban_rural",
        "trends",
        "crosstab",
        "rectification",
        "comparative_tests",
        "experience_checks",
        "complaints",
        "method",
        "export",
        "releases",
    ],
    Role.NATIONAL_OFFICIAL: [
        "home",
        "overview",
        "city",
        "special_groups",
        "urban_rural",
        "trends",
        "crosstab",
        "rectification",
        "comparative_tests",
        "experience_checks",
        "complaints",
        "progress",
        "outside_data",
        "plan",
        "questionnaires",
        "method",
        "export",
        "releases",
    ],
    Role.FINAL_REVIEWER: ["home", "progress", "review", "method"],
    Role.ANALYST: [
        "home",
        "overview",
        "city",
        "special_groups",
        "urban_rural",
        "trends",
        "crosstab",
        "comparative_tests",
        "experience_checks",
        "complaints",
        "questionnaires",
        "method",
        "export",
        "releases",
    ],
    Role.ADMINISTRATOR: [
        "home",
        "overview",
        "city",
        "special_groups",
        "urban_rural",
        "trends",
        "crosstab",
        "rectification",
        "comparative_tests",
        "experience_checks",
        "complaints",
        "progress",
        "review",
        "back_check",
        "bulk_import",
        "outside_data",
        "paper",
        "plan",
        "questionnaires",
        "method",
        "export",
        "releases",
        "sign_in_codes",
        "users",
        "audit",
    ],
}


@pytest.mark.parametrize("role", Role)
def test_a_role_sees_only_its_pages(role: Role) -> None:
    person = Principal(OPERATOR.account_id, "Li", role, NATION)
    assert [page.key for page in menu_for(person)] == MENUS[role]


def test_a_stranger_sees_the_start_page_only() -> None:
    assert [page.key for page in menu_for(None)] == [PageKey.HOME]


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
    for page in PAGES:
        assert chinese(page.title) != english(page.title)


@pytest.mark.parametrize("role", Role)
def test_work_begins_on_a_page_that_is_open_to_the_role(role: Role) -> None:
    page = landing_page(role)
    assert may_open(page, Principal(OPERATOR.account_id, "Li", role, NATION))
