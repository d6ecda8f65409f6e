"""What roles are called, and what each may be tried out for."""

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Invite:
    """A role that a visitor of the demonstration may take."""

    role: Role
    purpose: Message


DEMO_ROLES = (
    Invite(
        Role.NATIONAL_OFFICIAL, msg("Reads the national overview, every city, the special groups.")
    ),
    Invite(Role.CITY_OFFICIAL, msg("Reads the score, strengths and gaps of one city.")),
    Invite(Role.SURVEYOR, msg("Hands out links, asks the questions, sees the own quota.")),
    Invite(Role.ANALYST, msg("Reads results and how they were computed.")),
)
