"""The table of roles is complete, and no other module holds a list of what roles are or may."""

import ast
import re

import pytest

from survey.access.principal import area_scope_of
from survey.access.roles import (
    ROLES,
    Action,
    AreaScope,
    Role,
    UnknownRoleError,
    demo_purposes,
    parse_role,
    role_words,
)
from survey.locale import translator
from survey.settings import PROJECT_ROOT

SOURCE = PROJECT_ROOT / "src" / "survey"


@pytest.mark.parametrize("role", Role)
def test_every_role_is_defined(role: Role) -> None:
    known = ROLES[role]
    assert known.actions
    assert area_scope_of(known.demo_area) in known.area_scopes
    texts = [known.name] if known.demo_purpose is None else [known.name, known.demo_purpose]
    for text in texts:
        assert re.search("[\u4e00-\u9fff]", translator("zh")(text))


def test_the_table_has_every_role_once_and_every_action_somebody() -> None:
    assert set(ROLES) == set(Role)
    assert len({str(known.name) for known in ROLES.values()}) == len(Role)
    assert frozenset().union(*(known.actions for known in ROLES.values())) == set(Action)


def test_points_are_for_surveyors_alone() -> None:
    assert [role for role in Role if AreaScope.POINT in ROLES[role].area_scopes] == [Role.SURVEYOR]


def test_the_roles_that_need_a_second_factor() -> None:
    required = {role for role in Role if ROLES[role].requires_factor}
    assert required == {Role.ADMINISTRATOR, Role.NATIONAL_OFFICIAL}


def test_a_demonstration_offers_every_role() -> None:
    assert set(demo_purposes()) == set(Role)


def test_no_other_module_has_a_table_by_role() -> None:
    tables = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path.relative_to(SOURCE).as_posix() != "access/roles.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Dict) and any(_is_role(key) for key in node.keys)
    ]
    assert tables == []


def _is_role(key: ast.expr | None) -> bool:
    return (
        isinstance(key, ast.Attribute)
        and isinstance(key.value, ast.Name)
        and key.value.id == "Role"
    )


def test_the_document_says_who_has_each_right() -> None:
    text = (PROJECT_ROOT / "docs" / "accounts.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    written = {right: set(names.replace(" ", "_").split(",_")) for right, names in rows}
    assert written == {
        action.value: {role.value for role, known in ROLES.items() if action in known.actions}
        for action in Action
    }


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("分析员", Role.ANALYST),
        ("市级", Role.CITY_OFFICIAL),
        ("省级", Role.PROVINCE_OFFICIAL),
        ("国家级", Role.NATIONAL_OFFICIAL),
        (" 督导员 ", Role.SUPERVISOR),
        ("调查员", Role.SURVEYOR),
        ("终审", Role.FINAL_REVIEWER),
        ("Interviewer", Role.SURVEYOR),
        ("city_official", Role.CITY_OFFICIAL),
    ],
)
def test_words_that_people_use_for_a_role_are_understood(word: str, role: Role) -> None:
    assert parse_role(word) is role


def test_no_word_means_two_roles() -> None:
    words = [word for role in Role for word in role_words(role)]
    assert len(words) == len(set(words))


def test_an_unknown_word_is_answered_with_the_roles() -> None:
    with pytest.raises(UnknownRoleError) as refused:
        parse_role("爵士")
    shown = translator("zh")(refused.value.message)
    assert all(translator("zh")(ROLES[role].name) in shown for role in Role)
