"""A person's area as a condition of a query, so that nothing outside it leaves the store."""

from typing import Any

from sqlalchemy import ColumnElement, false, true
from sqlalchemy.sql.schema import Column

from survey.access.principal import NATION, Principal


def within_reach(principal: Principal, city_code: "Column[Any]") -> ColumnElement[bool]:
    """The rows that `principal.covers`; an area that nobody knows covers nothing."""
    if principal.area == NATION:
        return true()
    if len(principal.area) == 6:
        return city_code == principal.area
    if len(principal.area) == 2:
        return city_code.startswith(principal.area, autoescape=True)
    return false()
