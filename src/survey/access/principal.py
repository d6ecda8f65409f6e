"""Principal: the signed-in person as every service sees them, with a role and an area."""

from dataclasses import dataclass
from uuid import UUID

from survey.access.roles import NATION, ROLES, Action, Role
from survey.locale import SurveyError, msg

WHOLE_WAVE = frozenset(
    {Action.ADMINISTER, Action.PLAN, Action.READ_PLAN, Action.RELEASE, Action.APPROVE_EXACT_ROWS}
)
"""Actions on a wave as a whole, which need the whole nation as area."""
POINT_SEPARATOR = "/"
"""Separator of city and point in the area of an account that works at one point only."""


class AccessDeniedError(SurveyError):
    """Raised when the role or the area of a principal does not allow what was asked for."""

    code = "access_denied"


@dataclass(frozen=True)
class Principal:
    """Signed-in account, or the operator of the server.

    `area` is `CN`, a two-digit province prefix, a six-digit GB/T 2260 city code, or a city code and
    the code of one of its sampling points (`110000/110000-u-01`). The area of a point covers no
    city, so services that know cities only refuse it.
    """

    account_id: UUID
    name: str
    role: Role
    area: str
    is_demo: bool = False

    def may(self, action: Action) -> bool:
        """Return whether the role has the right to an action, in some area."""
        return action in ROLES[self.role].actions

    def covers(self, city_code: str) -> bool:
        """Return whether the city lies in the principal's area."""
        return covers(self.area, city_code)

    def covers_point(self, city_code: str, point_code: str) -> bool:
        """Return whether a sampling point of the city lies in the principal's area."""
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
    """Return whether the city lies in an area: `CN`, a province prefix, or a city code."""
    if area == NATION:
        return True
    return len(area) in {2, 6} and city_code.startswith(area)


def covers_point(area: str, city_code: str, point_code: str) -> bool:
    """Return whether the point lies in an area: that of the point itself, or one with its city."""
    return covers(area, city_code) or area == f"{city_code}{POINT_SEPARATOR}{point_code}"


OPERATOR = Principal(UUID(int=0), "operator", Role.ADMINISTRATOR, NATION)
"""The operator, who runs commands on the server; it has no account, so no browser can be it."""
