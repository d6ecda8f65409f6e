"""Areas of accounts: nation, province, city or sampling point."""

from typing import Any

from sqlalchemy import ColumnElement, exists, false, select, true
from sqlalchemy.sql.schema import Column
from sqlmodel import Session

from survey.access.principal import POINT_SEPARATOR, Principal
from survey.access.roles import NATION, ROLES, AreaScope, Role
from survey.locale import SurveyError, msg
from survey.store.tables import City, SamplingPoint, table_of

_CITIES, _POINTS = table_of(City), table_of(SamplingPoint)


class AreaNotAllowedError(SurveyError):
    """Raised when an area does not exist or does not suit a role."""

    code = "area_unfit"


def area_scope_of(area: str) -> AreaScope | None:
    """Return the kind of an area by its form; None if the form is of no area."""
    city, mark, point = area.partition(POINT_SEPARATOR)
    if mark:
        return AreaScope.POINT if len(city) == 6 and city.isdigit() and point else None
    if area == NATION:
        return AreaScope.NATION
    return {2: AreaScope.PROVINCE, 6: AreaScope.CITY}.get(len(area)) if area.isdigit() else None


def city_of_area(area: str) -> str:
    """Return the area without its sampling point: a city, a province or the nation."""
    return area.partition(POINT_SEPARATOR)[0]


def covers_whole_area(principal: Principal, area: str) -> bool:
    """Return whether the principal's area includes the whole of another area."""
    if principal.area == NATION or principal.area == area:
        return area_scope_of(area) is not None
    return area_scope_of(area) in {AreaScope.CITY, AreaScope.POINT} and principal.covers(
        city_of_area(area)
    )


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
    """Return the condition for rows of cities that the principal covers."""
    if principal.area == NATION:
        return true()
    if len(principal.area) == 6:
        return city_code == principal.area
    if len(principal.area) == 2:
        return city_code.startswith(principal.area, autoescape=True)
    return false()
