"""Where a role may be at work: the levels of area, and which of them suit whom."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, exists, false, select, true
from sqlalchemy.sql.schema import Column
from sqlmodel import Session

from survey.access.principal import NATION, POINT_SEPARATOR, Principal, Role
from survey.locale import SurveyError, msg
from survey.store.tables import City, SamplingPoint, table_of

_CITIES, _POINTS = table_of(City), table_of(SamplingPoint)


class AreaScope(StrEnum):
    NATION = "nation"
    PROVINCE = "province"
    CITY = "city"
    POINT = "point"


AREA_SCOPES_BY_ROLE: Mapping[Role, tuple[AreaScope, ...]] = MappingProxyType(
    {
        Role.SURVEYOR: (AreaScope.CITY, AreaScope.POINT, AreaScope.PROVINCE),
        Role.TYPIST: (AreaScope.CITY, AreaScope.PROVINCE, AreaScope.NATION),
        Role.SUPERVISOR: (AreaScope.CITY, AreaScope.PROVINCE, AreaScope.NATION),
        Role.CITY_OFFICIAL: (AreaScope.CITY,),
        Role.PROVINCE_OFFICIAL: (AreaScope.PROVINCE,),
        Role.NATIONAL_OFFICIAL: (AreaScope.NATION,),
        Role.ANALYST: (AreaScope.NATION, AreaScope.PROVINCE, AreaScope.CITY),
        Role.ADMINISTRATOR: (AreaScope.NATION,),
    }
)
"""The levels that a role can have, the usual one first. A point suits surveyors alone: the other
roles work with what a whole city has brought in."""


class AreaNotAllowedError(SurveyError):
    code = "area_unfit"


def area_scope_of(area: str) -> AreaScope | None:
    """What kind of area it is by its form; None for none."""
    city, mark, point = area.partition(POINT_SEPARATOR)
    if mark:
        return AreaScope.POINT if len(city) == 6 and city.isdigit() and point else None
    if area == NATION:
        return AreaScope.NATION
    return {2: AreaScope.PROVINCE, 6: AreaScope.CITY}.get(len(area)) if area.isdigit() else None


def city_of_area(area: str) -> str:
    """The city, province or nation that an area lies in or is."""
    return area.partition(POINT_SEPARATOR)[0]


def covers_whole_area(principal: Principal, area: str) -> bool:
    """Whether somebody answers for the whole of an area."""
    if principal.area == NATION or principal.area == area:
        return area_scope_of(area) is not None
    return area_scope_of(area) in {AreaScope.CITY, AreaScope.POINT} and principal.covers(
        city_of_area(area)
    )


def require_area(*, session: Session, role: Role, area: str) -> None:
    """Raise `AreaNotAllowedError` unless the area exists and suits the role."""
    level = area_scope_of(area)
    if level not in AREA_SCOPES_BY_ROLE[role]:
        raise AreaNotAllowedError(msg("This area does not suit the role."))
    if level is not None and not _is_there(session, level, area):
        raise AreaNotAllowedError(msg("There is no such area."))


def _is_there(session: Session, level: AreaScope, area: str) -> bool:
    city, _, point = area.partition(POINT_SEPARATOR)
    if level is AreaScope.NATION:
        return True
    if level is AreaScope.PROVINCE:
        query = exists().where(_CITIES.c.code.startswith(area, autoescape=True))
    elif level is AreaScope.CITY:
        query = exists().where(_CITIES.c.code == area)
    else:
        query = exists().where(_POINTS.c.city_code == city, _POINTS.c.code == point)
    return bool(session.connection().execute(select(query)).scalar_one())


def area_filter(principal: Principal, city_code: "Column[Any]") -> ColumnElement[bool]:
    """The rows that `principal.covers`; an area that nobody knows covers nothing."""
    if principal.area == NATION:
        return true()
    if len(principal.area) == 6:
        return city_code == principal.area
    if len(principal.area) == 2:
        return city_code.startswith(principal.area, autoescape=True)
    return false()
