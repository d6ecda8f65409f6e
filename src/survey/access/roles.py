"""Roles: one table of what each may do, where, how it signs in and what it is called."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce

from survey.locale import LANGUAGES, Message, SurveyError, msg, translator

NATION = "CN"
"""Area of the whole nation."""
DEMO_CITY, DEMO_PROVINCE = "420500", "32"
"""Yichang, in the middle of the ranking, and Jiangsu."""
_COMMA = re.compile("[,\uff0c\u3001]")
"""Commas of either language."""


class Role(StrEnum):
    """Role of an account, which decides what it may do; the values are stored."""

    SURVEYOR = "surveyor"
    TYPIST = "typist"
    SUPERVISOR = "supervisor"
    FINAL_REVIEWER = "final_reviewer"
    CITY_OFFICIAL = "city_official"
    PROVINCE_OFFICIAL = "province_official"
    NATIONAL_OFFICIAL = "national_official"
    ANALYST = "analyst"
    ADMINISTRATOR = "administrator"


class Action(StrEnum):
    """Right that roles have or lack; services require it of the principal."""

    INTERVIEW = "interview"
    KEY_PAPER = "key_paper"
    SETTLE_PAPER = "settle_paper"
    REVIEW = "review"
    APPROVE_FINALLY = "approve_finally"
    BACK_CHECK = "back_check"
    CODE_ANSWERS = "code_answers"
    LEAD_CODING = "lead_coding"
    FOLLOW_FIELDWORK = "follow_fieldwork"
    IMPORT = "import"
    READ_RESULTS = "read_results"
    CHOOSE_PEERS = "choose_peers"
    READ_PROBLEMS = "read_problems"
    KEEP_PROBLEMS = "keep_problems"
    ACCEPT_PROBLEMS = "accept_problems"
    READ_METHOD = "read_method"
    PLAN = "plan"
    READ_PLAN = "read_plan"
    READ_QUESTIONNAIRES = "read_questionnaires"
    ADMINISTER = "administer"
    RELEASE = "release"
    EXPORT_ROWS = "export_rows"
    APPROVE_EXACT_ROWS = "approve_exact_rows"
    SEE_EXPORTS = "see_exports"
    HAND_OUT_CODES = "hand_out_codes"
    SEE_PHONE = "see_phone"
    MANAGE_PRODUCT_TESTS = "manage_product_tests"
    RELEASE_PRODUCT_TESTS = "release_product_tests"
    MANAGE_VENUE_CHECKS = "manage_venue_checks"
    KEEP_EDUCATION = "keep_education"
    DELIVER_EVIDENCE = "deliver_evidence"


class AreaScope(StrEnum):
    """Kind of area that an account can have, from the nation to one sampling point."""

    NATION = "nation"
    PROVINCE = "province"
    CITY = "city"
    POINT = "point"


@dataclass(frozen=True)
class RoleDefinition:
    """One role: names, rights, kinds of area, use in a demonstration, and sign-in requirements."""

    name: Message
    other_names: Message
    """What people call the role as well, separated by commas; lists and commands understand it."""
    actions: frozenset[Action]
    area_scopes: tuple[AreaScope, ...]
    """Kinds of area that suit the role, the usual one first."""
    demo_area: str
    """Area of the role's account in a demonstration."""
    demo_purpose: Message | None = None
    """What a visitor of a demonstration can try in this role; None: the role is not offered."""
    first_page: str = "home"
    """Key of the page where the role begins after sign-in."""
    requires_factor: bool = False
    """Whether nothing is open to the role before it has set up a second factor."""


ROLES: Mapping[Role, RoleDefinition] = {
    Role.NATIONAL_OFFICIAL: RoleDefinition(
        name=msg("National official"),
        other_names=msg("national, nation"),
        actions=frozenset({
            Action.READ_RESULTS,
            Action.CHOOSE_PEERS,
            Action.READ_PROBLEMS,
            Action.READ_METHOD,
            Action.FOLLOW_FIELDWORK,
            Action.READ_PLAN,
            Action.READ_QUESTIONNAIRES,
            Action.RELEASE,
            Action.APPROVE_EXACT_ROWS,
            Action.SEE_EXPORTS,
            Action.MANAGE_PRODUCT_TESTS,
            Action.RELEASE_PRODUCT_TESTS,
            Action.MANAGE_VENUE_CHECKS,
            Action.KEEP_EDUCATION,
            Action.DELIVER_EVIDENCE,
        }),
        area_scopes=(AreaScope.NATION,),
        demo_area=NATION,
        demo_purpose=msg("Reads the national overview, every city and the special groups."),
        requires_factor=True,
    ),
    Role.PROVINCE_OFFICIAL: RoleDefinition(
        name=msg("Province official"),
        other_names=msg("provincial, province"),
        actions=frozenset({
            Action.READ_RESULTS, Action.READ_PROBLEMS, Action.ACCEPT_PROBLEMS, Action.READ_METHOD,
            Action.SEE_EXPORTS, Action.MANAGE_PRODUCT_TESTS, Action.RELEASE_PRODUCT_TESTS,
            Action.MANAGE_VENUE_CHECKS, Action.KEEP_EDUCATION, Action.DELIVER_EVIDENCE,
        }),
        area_scopes=(AreaScope.PROVINCE,),
        demo_area=DEMO_PROVINCE,
        demo_purpose=msg("Reads every city of one province beside the nation."),
    ),
    Role.CITY_OFFICIAL: RoleDefinition(
        name=msg("City official"),
        other_names=msg("municipal, city"),
        actions=frozenset({
            Action.READ_RESULTS, Action.CHOOSE_PEERS, Action.READ_PROBLEMS, Action.KEEP_PROBLEMS,
            Action.READ_METHOD, Action.SEE_EXPORTS, Action.MANAGE_VENUE_CHECKS,
            Action.KEEP_EDUCATION, Action.DELIVER_EVIDENCE,
        }),
        area_scopes=(AreaScope.CITY,),
        demo_area=DEMO_CITY,
        demo_purpose=msg("Reads the score, strengths and gaps of one city."),
        first_page="city",
    ),
    Role.SURVEYOR: RoleDefinition(
        name=msg("Surveyor"),
        other_names=msg("interviewer, enumerator, investigator"),
        actions=frozenset({Action.INTERVIEW}),
        # A point suits surveyors alone: other roles work with what a whole city has brought in.
        area_scopes=(AreaScope.CITY, AreaScope.POINT, AreaScope.PROVINCE),
        demo_area=DEMO_CITY,
        demo_purpose=msg("Hands out links, asks the questions, sees the own quota."),
        first_page="tasks",
    ),
    Role.TYPIST: RoleDefinition(
        name=msg("Typist"),
        other_names=msg("data entry, keyer"),
        actions=frozenset({Action.KEY_PAPER, Action.SETTLE_PAPER}),
        area_scopes=(AreaScope.CITY, AreaScope.PROVINCE, AreaScope.NATION),
        demo_area=DEMO_CITY,
        demo_purpose=msg(
            "Keys paper questionnaires without a mouse, some of them a second time."
        ),
        first_page="paper",
    ),
    Role.SUPERVISOR: RoleDefinition(
        name=msg("Supervisor"),
        other_names=msg("field supervisor, first reviewer"),
        actions=frozenset({
            Action.REVIEW,
            Action.BACK_CHECK,
            Action.CODE_ANSWERS,
            Action.FOLLOW_FIELDWORK,
            Action.IMPORT,
            Action.SETTLE_PAPER,
            Action.READ_METHOD,
            Action.HAND_OUT_CODES,
            Action.SEE_PHONE,
        }),
        area_scopes=(AreaScope.CITY, AreaScope.PROVINCE, AreaScope.NATION),
        demo_area=DEMO_CITY,
        demo_purpose=msg("Watches the progress of one city, reviews its interviews."),
    ),
    Role.FINAL_REVIEWER: RoleDefinition(
        name=msg("Final reviewer"),
        other_names=msg("second reviewer, last reviewer"),
        actions=frozenset({
            Action.REVIEW, Action.APPROVE_FINALLY, Action.FOLLOW_FIELDWORK, Action.READ_METHOD,
            Action.CODE_ANSWERS, Action.LEAD_CODING,
        }),
        area_scopes=(AreaScope.NATION, AreaScope.PROVINCE, AreaScope.CITY),
        demo_area=NATION,
        demo_purpose=msg("Gives the second approval to interviews that a supervisor approved."),
        first_page="review",
    ),
    Role.ANALYST: RoleDefinition(
        name=msg("Analyst"),
        other_names=msg("data analyst, researcher"),
        actions=frozenset({
            Action.READ_RESULTS, Action.READ_METHOD, Action.EXPORT_ROWS, Action.SEE_EXPORTS,
            Action.READ_QUESTIONNAIRES, Action.MANAGE_PRODUCT_TESTS,
        }),
        area_scopes=(AreaScope.NATION, AreaScope.PROVINCE, AreaScope.CITY),
        demo_area=NATION,
        demo_purpose=msg("Reads results and how they were computed."),
    ),
    Role.ADMINISTRATOR: RoleDefinition(
        name=msg("Administrator"),
        other_names=msg("admin, system administrator"),
        actions=frozenset({
            Action.READ_RESULTS,
            Action.READ_PROBLEMS,
            Action.READ_METHOD,
            Action.REVIEW,
            Action.APPROVE_FINALLY,
            Action.BACK_CHECK,
            Action.CODE_ANSWERS,
            Action.LEAD_CODING,
            Action.FOLLOW_FIELDWORK,
            Action.IMPORT,
            Action.ADMINISTER,
            Action.PLAN,
            Action.READ_PLAN,
            Action.READ_QUESTIONNAIRES,
            Action.SETTLE_PAPER,
            Action.RELEASE,
            Action.APPROVE_EXACT_ROWS,
            Action.SEE_EXPORTS,
            Action.HAND_OUT_CODES,
            Action.DELIVER_EVIDENCE,
        }),
        area_scopes=(AreaScope.NATION,),
        demo_area=NATION,
        demo_purpose=msg("Looks at waves, people and the audit trail; here without changing any."),
        requires_factor=True,
    ),
}  # fmt: skip
"""Every role, in the order in which a demonstration offers them."""


class UnknownRoleError(SurveyError):
    """Raised for a word that means no role; the message lists the valid ones."""

    code = "role_unknown"


def role_words(role: Role) -> frozenset[str]:
    """Return the words for a role in lower case: code, name, other names, in each language.

    They are in lower case.
    """
    texts = [role.value]
    for translate in map(translator, LANGUAGES):
        texts += [translate(ROLES[role].name), *_COMMA.split(translate(ROLES[role].other_names))]
    return frozenset(text.strip().casefold() for text in texts)


def parse_role(word: str) -> Role:
    """Return the role that a typed word means. Raises `UnknownRoleError`."""
    asked = word.strip().casefold()
    found = next((role for role in Role if asked in role_words(role)), None)
    if found is None:
        raise UnknownRoleError(
            msg("“{word}” is no role. Roles are: {roles}.", word=word, roles=list_role_names(Role))
        )
    return found


def list_role_names(roles: Iterable[Role]) -> Message:
    """Return the names of roles with their codes, as one line separated by commas."""
    first, *others = [
        msg("{name} ({code})", name=ROLES[role].name, code=role.value) for role in roles
    ]
    return reduce(lambda line, name: msg("{line}, {name}", line=line, name=name), others, first)


def demo_login(role: Role) -> str:
    """Return the login of the account that a demonstration has for a role."""
    return f"demo-{role.value}"


def demo_purposes() -> dict[Role, Message]:
    """Return `role -> what visitors can try in it` of the roles that a demonstration offers."""
    return {role: known.demo_purpose for role, known in ROLES.items() if known.demo_purpose}
