"""Cities left out of a wave: their interviews are kept, and no freeze counts them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from survey.access.audit import actor_id, require_reason
from survey.access.principal import OPERATOR
from survey.access.roles import Action
from survey.access.work import Work
from survey.fieldwork.planning.wave_requests import require_no_request
from survey.fieldwork.waves import COMPUTED_STATES, get_wave, lock_wave
from survey.locale import RefusedError, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import Account, City, LeftOutCity, Wave

MIN_REASON_CHARS, MAX_REASON_CHARS = 5, 500


@dataclass(frozen=True)
class LeftOutRecord:
    """City that is left out, with who decided it, when and why."""

    city_code: str
    reason: str
    by: str
    """Name of the account, or of the operator."""
    at: datetime


def leave_city_out(work: Work, *, key: str, city_code: str, reason: str) -> None:
    """Leave a city out of a wave until it is frozen; its interviews stay in the store.

    Raises:
        RefusedError: no reason, no such city, left out already, or a frozen wave.
    """
    work.require(Action.ADMINISTER, city_code)
    why = require_reason(
        reason,
        least=MIN_REASON_CHARS,
        most=MAX_REASON_CHARS,
        refusal=RefusedError(
            "city_not_left_out", msg("Please say in a few words why the city is left out.")
        ),
    )
    wave = _lock_unfrozen_wave(work.session, key)
    if work.session.get(City, city_code) is None:
        raise RefusedError("city_not_left_out", msg("There is no city {city}.", city=city_code))
    if work.session.get(LeftOutCity, (wave.id, city_code)) is not None:
        raise RefusedError("city_not_left_out", msg("This city is left out already."))
    work.add(
        LeftOutCity(
            wave_id=wave.id,
            city_code=city_code,
            reason=why,
            left_out_by=actor_id(work.principal),
            left_out_at=work.now,
        ),
        AuditEvent.WAVE_CITY_LEFT_OUT,
        wave.id,
        {"key": key, "city": city_code, "reason": why},
    )


def restore_city(work: Work, *, key: str, city_code: str) -> None:
    """Count a city of a wave in again.

    Raises:
        RefusedError: it is not left out, or the wave is frozen.
    """
    work.require(Action.ADMINISTER, city_code)
    wave = _lock_unfrozen_wave(work.session, key)
    row = work.session.get(LeftOutCity, (wave.id, city_code))
    if row is None:
        raise RefusedError("city_not_left_out", msg("This city is not left out."))
    work.session.delete(row)
    work.session.flush()
    work.record(AuditEvent.WAVE_CITY_RESTORED, wave.id, {"key": key, "city": city_code})


def _lock_unfrozen_wave(session: Session, key: str) -> Wave:
    wave = lock_wave(session=session, key=key)
    if wave.state in COMPUTED_STATES:
        raise RefusedError(
            "city_not_left_out", msg("The wave {key} is frozen: its cities are final.", key=key)
        )
    # Whoever confirms a request confirms it with the cities that it was made for.
    require_no_request(session=session, wave=wave)
    return wave


def list_left_out_cities(work: Work, *, key: str) -> list[LeftOutRecord]:
    """Return the cities that are left out of a wave, by code. Raises `NotFoundError`."""
    work.require(Action.READ_PLAN)
    wave = get_wave(session=work.session, key=key)
    query = (
        select(LeftOutCity, Account.name)
        .outerjoin(Account, col(Account.id) == col(LeftOutCity.left_out_by))
        .where(LeftOutCity.wave_id == wave.id)
        .order_by(LeftOutCity.city_code)
    )
    return [
        LeftOutRecord(row.city_code, row.reason, name or OPERATOR.name, row.left_out_at)
        for row, name in work.session.exec(query)
    ]


def left_out_codes(*, session: Session, wave_id: UUID) -> frozenset[str]:
    """Return the codes of the cities that a freeze of the wave does not count."""
    return frozenset(
        session.exec(select(LeftOutCity.city_code).where(LeftOutCity.wave_id == wave_id))
    )
