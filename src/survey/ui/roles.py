"""What roles are called."""

from collections.abc import Mapping
from types import MappingProxyType

from survey.access.principal import Role
from survey.locale import Message, msg

NAMES: Mapping[Role, Message] = MappingProxyType(
    {
        Role.SURVEYOR: msg("Surveyor"),
        Role.TYPIST: msg("Typist"),
        Role.SUPERVISOR: msg("Supervisor"),
        Role.CITY_OFFICIAL: msg("City official"),
        Role.PROVINCE_OFFICIAL: msg("Province official"),
        Role.NATIONAL_OFFICIAL: msg("National official"),
        Role.ANALYST: msg("Analyst"),
        Role.ADMINISTRATOR: msg("Administrator"),
    }
)
