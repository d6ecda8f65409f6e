"""Who keeps and who reads experience checks, and who sees single venues.

Who runs checks in the whole of an area plans, sends and releases them there. Everybody who reads
results reads what was released; single venues are shown to those alone who are responsible for
their city.
"""

from sqlalchemy import exists
from sqlmodel import col

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Case
from survey.fieldwork.waves import STATE_NAMES
from survey.locale import msg
from survey.store.tables import VenueCheck, Wave, table_of

CHECKS = Case(
    table=VenueCheck,
    name="experience_check",
    refused="experience_check_not_allowed",
    keeping=Action.MANAGE_VENUE_CHECKS,
    unknown=msg("There is no such experience check."),
    area=col(VenueCheck.area),
    is_demo=exists()
    .where(col(Wave.id) == VenueCheck.wave_id, col(Wave.is_demo))
    .correlate(table_of(VenueCheck)),
    is_open=col(VenueCheck.released_at).is_not(None),
    changed=msg("Somebody changed this check meanwhile. Please look at it again, then repeat."),
    not_now=msg("This is not possible while the check is in the state “{state}”."),
    states=STATE_NAMES,
    state_of=lambda check: check.wave.state,
    details=lambda check: {"key": check.wave.key},
)


def may_see_venues(principal: Principal, city_code: str) -> bool:
    """Return whether a principal may see single venues of a city once the check is released."""
    answers_for_it = principal.may(Action.MANAGE_VENUE_CHECKS) or principal.may(
        Action.KEEP_PROBLEMS
    )
    return answers_for_it and principal.covers(city_code)
