"""Principal: the signed-in person as every service sees them, with a role and an area.

An area is the nation, a province, a city or a sampling point.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, exists, false, select, true
from sqlalchemy.sql.schema import Column
from sqlmodel import Session

from survey.access.roles import NATION, ROLES, Action, AreaScope, Role
from survey.locale import SurveyError, msg
from survey.store.tables import City, SamplingPoint, table_of

WHOLE_WAVE = frozenset(
    {Action.ADMINISTER, Action.PLAN, Action.READ_PLAN, Action.RELEASE, Action.APPROVE_EXACT_ROWS}
)
"""Actions on a wave as a whole, which need the whole nation as area."""
POINT_SEPARATOR = "/"
"""Separator of city and point in the area of an account that works at one point only."""
_CITIES, _POINTS = table_of(City), table_of(SamplingPoint)


class AccessDeniedError(SurveyError):
    """Raised when role or area of a principal does not allow what was asked."""

    code = "access_denied"


class DemoReadOnlyError(AccessDeniedError):
    """Raised when the administrator of a demonstration tries to change something."""

    code = "demo_read_only"
    message = msg(
        "This is a demonstration: its administrator can look at every page and change nothing."
    )


@dataclass(frozen=True)
class Principal:
    """Signed-in account or the server's operator, with role and area.

    `area` is `CN`, a two-digit province prefix, a six-digit GB/T 2260 city code, or a city code and
    the code of one of its sampling points (`110000/110000-u-01`). The area of a point covers no
    city, so services that know cities only refuse it.
    """

    account_id: UUID
    name: str
    role: Role
    area: str
    is_demo: bool = False

    @property
    def is_read_only(self) -> bool:
        """Whether the account may look but not change: the administrator of a demonstration.

        Its visitors share one store, which an administrator could close for all others.
        """
        return self.is_demo and self.role is Role.ADMINISTRATOR

    def require_changes_allowed(self) -> None:
        """Raise `DemoReadOnlyError` if the account is read-only."""
        if self.is_read_only:
            raise DemoReadOnlyError

    def may(self, action: Action) -> bool:
        """Return whether the principal's role includes an action, whatever the area."""
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
    """Return whether a city lies in an area: `CN`, a province prefix, or a city code."""
    if area == NATION:
        return True
    return len(area) in {2, 6} and city_code.startswith(area)


def covers_point(area: str, city_code: str, point_code: str) -> bool:
    """Return whether a point lies in an area: the point itself, its city, province or `CN`."""
    return covers(area, city_code) or area == f"{city_code}{POINT_SEPARATOR}{point_code}"


OPERATOR = Principal(UUID(int=0), "operator", Role.ADMINISTRATOR, NATION)
"""The operator, who runs commands on the server; it has no account, so no browser can be it."""


class AreaNotAllowedError(SurveyError):
    """Raised when an area does not exist or does not suit a role."""

    code = "area_unfit"


def area_scope_of(area: str) -> AreaScope | None:
    """Return nation, province, city or point by an area's form; None for any other form."""
    city, mark, point = area.partition(POINT_SEPARATOR)
    if mark:
        return AreaScope.POINT if len(city) == 6 and city.isdigit() and point else None
    if area == NATION:
        return AreaScope.NATION
    return {2: AreaScope.PROVINCE, 6: AreaScope.CITY}.get(len(area)) if area.isdigit() else None


def city_of_area(area: str) -> str:
    """Return an area without its sampling point: a city, a province or the nation."""
    return area.partition(POINT_SEPARATOR)[0]


def covers_whole_area(principal: Principal, area: str) -> bool:
    """Return whether the principal's area includes all of `area`; False if it is malformed."""
    if principal.area == NATION or principal.area == area:
        return area_scope_of(area) is not None
    return area_scope_of(area) in {AreaScope.CITY, AreaScope.POINT} and principal.covers(
        city_of_area(area)
    )


def list_areas_above(area: str) -> tuple[str, ...]:
    """Return the areas whose accounts have all of a nation's, province's or city's area."""
    return tuple(dict.fromkeys((NATION, area[:2], area)))


def require_area(*, session: Session, role: Role, area: str) -> None:
    """Raise `AreaNotAllowedError` unless the area exists and suits the role."""
    scope = area_scope_of(area)
    if scope not in ROLES[role].area_scopes:
        raise AreaNotAllowedError(msg("This area does not suit the role."))
    if scope is not None and not _area_exists(session, scope, area):
        raise AreaNotAllowedError(msg("There is no such area."))


def _area_exists(session: Session, scope: AreaScope, area: str) -> bool:
    city, _, point = area.partition(POINT_SEPARATOR)
    if scope is AreaScope.NATION:
        return True
    if scope is AreaScope.PROVINCE:
        query = exists().where(_CITIES.c.code.startswith(area, autoescape=True))
    elif scope is AreaScope.CITY:
        query = exists().where(_CITIES.c.code == area)
    else:
        query = exists().where(_POINTS.c.city_code == city, _POINTS.c.code == point)
    return bool(session.connection().execute(select(query)).scalar_one())


def area_filter(principal: Principal, city_code: "Column[Any]") -> ColumnElement[bool]:
    """Return the SQL condition that a column `city_code` is of a city in the principal's area."""
    if principal.area == NATION:
        return true()
    if len(principal.area) == 6:
        return city_code == principal.area
    if len(principal.area) == 2:
        return city_code.startswith(principal.area, autoescape=True)
    return false()


def whole_area_filter(principal: Principal, area: SQLColumnExpression[str]) -> ColumnElement[bool]:
    """Return the SQL condition for rows whose `area` lies entirely in the principal's area."""
    if principal.area == NATION:
        return true()
    if len(principal.area) in {2, 6}:
        return area.startswith(principal.area, autoescape=True)
    return area == principal.area
