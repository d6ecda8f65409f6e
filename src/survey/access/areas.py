"""Where a role may be at work: the levels of area, and which of them suit whom."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import exists, select
from sqlmodel import Session

from survey.access.principal import NATION, POINT_MARK, Principal, Role
from survey.locale import SurveyError, msg
from survey.store.core import table_of
from survey.store.tables import City, SamplingPoint

_CITIES, _POINTS = table_of(City), table_of(SamplingPoint)


class Level(StrEnum):
    NATION = "nation"
    PROVINCE = "province"
    CITY = "city"
    POINT = "point"


LEVELS: Mapping[Role, tuple[Level, ...]] = MappingProxyType(
    {
        Role.SURVEYOR: (Level.CITY, Level.POINT, Level.PROVINCE),
        Role.TYPIST: (Level.CITY, Level.PROVINCE, Level.NATION),
        Role.SUPERVISOR: (Level.CITY, Level.PROVINCE, Level.NATION),
        Role.CITY_OFFICIAL: (Level.CITY,),
        Role.PROVINCE_OFFICIAL: (Level.PROVINCE,),
        Role.NATIONAL_OFFICIAL: (Level.NATION,),
        Role.ANALYST: (Level.NATION, Level.PROVINCE, Level.CITY),
        Role.ADMINISTRATOR: (Level.NATION,),
    }
)
"""The levels that a role can have, the usual one first. A point suits surveyors alone: the other
roles work with what a whole city has brought in."""


class AreaUnfit(SurveyError):
    code = "area_unfit"


def level_of(area: str) -> Level | None:
    """What kind of area it is by its form; None for none."""
    city, mark, point = area.partition(POINT_MARK)
    if mark:
        return Level.POINT if len(city) == 6 and city.isdigit() and point else None
    if area == NATION:
        return Level.NATION
    return {2: Level.PROVINCE, 6: Level.CITY}.get(len(area)) if area.isdigit() else None


def city_of_area(area: str) -> str:
    """The city, province or nation that an area lies in or is."""
    return area.partition(POINT_MARK)[0]


def lies_within(principal: Principal, area: str) -> bool:
    """Whether somebody answers for the whole of an area."""
    if principal.area == NATION or principal.area == area:
        return level_of(area) is not None
    return level_of(area) in {Level.CITY, Level.POINT} and principal.covers(city_of_area(area))


def require_area(*, session: Session, role: Role, area: str) -> None:
    """Raise `AreaUnfit` unless the area exists and suits the role."""
    level = level_of(area)
    if level not in LEVELS[role]:
        raise AreaUnfit(msg("This area does not suit the role."))
    if level is not None and not _is_there(session, level, area):
        raise AreaUnfit(msg("There is no such area."))


def _is_there(session: Session, level: Level, area: str) -> bool:
    city, _, point = area.partition(POINT_MARK)
    if level is Level.NATION:
        return True
    if level is Level.PROVINCE:
        query = exists().where(_CITIES.c.code.startswith(area, autoescape=True))
    elif level is Level.CITY:
        query = exists().where(_CITIES.c.code == area)
    else:
        query = exists().where(_POINTS.c.city_code == city, _POINTS.c.code == point)
    return bool(session.connection().execute(select(query)).scalar_one())
