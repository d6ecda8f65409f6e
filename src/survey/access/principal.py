"""The signed-in person as every service sees them: role, area, nothing else."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from survey.locale import SurveyError, msg


class Role(StrEnum):
    SURVEYOR = "surveyor"
    TYPIST = "typist"
    SUPERVISOR = "supervisor"
    CITY_OFFICIAL = "city_official"
    PROVINCE_OFFICIAL = "province_official"
    NATIONAL_OFFICIAL = "national_official"
    ANALYST = "analyst"
    ADMINISTRATOR = "administrator"


class Action(StrEnum):
    """What a service may be asked to do; a role has it or has not."""

    INTERVIEW = "interview"
    KEY_PAPER = "key_paper"
    SETTLE_PAPER = "settle_paper"
    REVIEW = "review"
    BACK_CHECK = "back_check"
    FOLLOW_FIELDWORK = "follow_fieldwork"
    IMPORT = "import"
    READ_RESULTS = "read_results"
    READ_METHOD = "read_method"
    PLAN = "plan"
    READ_PLAN = "read_plan"
    ADMINISTER = "administer"
    RELEASE = "release"
    EXPORT_ROWS = "export_rows"
    APPROVE_EXACT_ROWS = "approve_exact_rows"
    SEE_EXPORTS = "see_exports"
    HAND_OUT_CODES = "hand_out_codes"
    SEE_PHONE = "see_phone"


_READERS = frozenset({Action.READ_RESULTS, Action.READ_METHOD})

PERMISSIONS: dict[Role, frozenset[Action]] = {
    Role.SURVEYOR: frozenset({Action.INTERVIEW}),
    Role.TYPIST: frozenset({Action.KEY_PAPER, Action.SETTLE_PAPER}),
    Role.SUPERVISOR: frozenset(
        {
            Action.REVIEW,
            Action.BACK_CHECK,
            Action.FOLLOW_FIELDWORK,
            Action.IMPORT,
            Action.SETTLE_PAPER,
            Action.READ_METHOD,
            Action.HAND_OUT_CODES,
            Action.SEE_PHONE,
        }
    ),
    Role.CITY_OFFICIAL: _READERS,
    Role.PROVINCE_OFFICIAL: _READERS,
    Role.NATIONAL_OFFICIAL: _READERS
    | {
        Action.FOLLOW_FIELDWORK,
        Action.READ_PLAN,
        Action.RELEASE,
        Action.APPROVE_EXACT_ROWS,
        Action.SEE_EXPORTS,
    },
    Role.ANALYST: _READERS | {Action.EXPORT_ROWS, Action.SEE_EXPORTS},
    Role.ADMINISTRATOR: _READERS
    | {
        Action.REVIEW,
        Action.BACK_CHECK,
        Action.FOLLOW_FIELDWORK,
        Action.IMPORT,
        Action.ADMINISTER,
        Action.PLAN,
        Action.READ_PLAN,
        Action.SETTLE_PAPER,
        Action.RELEASE,
        Action.APPROVE_EXACT_ROWS,
        Action.SEE_EXPORTS,
        Action.HAND_OUT_CODES,
    },
}

NATION = "CN"
WHOLE_WAVE = frozenset(
    {Action.ADMINISTER, Action.PLAN, Action.READ_PLAN, Action.RELEASE, Action.APPROVE_EXACT_ROWS}
)
"""What is about a wave as a whole, and so takes the whole nation as its area."""
POINT_SEPARATOR = "/"
"""Stands between city and point in the area of somebody who works at one point only."""


class AccessDeniedError(SurveyError):
    code = "access_denied"


@dataclass(frozen=True)
class Principal:
    """`area` is `CN`, a two-digit province prefix, a six-digit GB/T 2260 city code, or a city code
    and the code of one of its sampling points (`110000/110000-u-01`).

    Somebody with the area of a point covers no city: whatever knows cities only refuses them.
    """

    account_id: UUID
    name: str
    role: Role
    area: str
    is_demo: bool = False

    def may(self, action: Action) -> bool:
        return action in PERMISSIONS[self.role]

    def covers(self, city_code: str) -> bool:
        """Whether the city lies in the principal's area."""
        return covers(self.area, city_code)

    def covers_point(self, city_code: str, point_code: str) -> bool:
        """Whether a sampling point of the city lies in the principal's area."""
        return covers_point(self.area, city_code, point_code)

    def require(self, action: Action, city_code: str | None = None) -> None:
        """Raise `AccessDeniedError` unless the action, and the city if one is named, is allowed."""
        if not self.may(action):
            raise AccessDeniedError(msg("Your role does not include this."))
        if action in WHOLE_WAVE and not self.covers(NATION):
            raise AccessDeniedError(msg("This is about every city, and your area is smaller."))
        if city_code is not None and not self.covers(city_code):
            raise AccessDeniedError(msg("This city is outside your area."))


def covers(area: str, city_code: str) -> bool:
    """Whether the city lies in an area: `CN`, a province prefix, or a city code."""
    if area == NATION:
        return True
    return len(area) in {2, 6} and city_code.startswith(area)


def covers_point(area: str, city_code: str, point_code: str) -> bool:
    """Whether the point lies in an area: one that covers its city, or the area of that point."""
    return covers(area, city_code) or area == f"{city_code}{POINT_SEPARATOR}{point_code}"


OPERATOR = Principal(UUID(int=0), "operator", Role.ADMINISTRATOR, NATION)
"""Whoever runs the command line on the server itself; no account, so no browser can be it."""
