"""Three small waves for a crowd to work on: one that everybody writes to, one whose cells are
nearly full, and one that is frozen meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import Session, col, select

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.access.work import Work
from survey.collection.invitations import issue_invitation
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.questionnaire.model import Instrument
from survey.settings import current_settings
from survey.store.engine import session_scope
from survey.store.tables import (
    Account,
    Assignment,
    Mode,
    PointKind,
    QuotaCell,
    SamplingPoint,
    Status,
    Wave,
    new_id,
)
from survey.waves.instruments import save_instrument
from survey.waves.waves import NewWave, close_wave, create_wave, open_wave

CITY = "110000"
BANDS = ("15-24", "25-34", "35-44", "45-54", "55-70", "71+")
UNLIMITED_TARGET = 10**6
QUOTA_TARGET = 20
"""In the one cell of the wave that is nearly full."""
TO_FREEZE = (Status.APPROVED, Status.CITY_APPROVED, Status.SUBMITTED, Status.APPROVED)


@dataclass(frozen=True)
class Scenario:
    """What the crowd needs to know; ids, never rows."""

    now: datetime
    instrument: Instrument
    complete: Mapping[str, Any]
    surveyor: Principal
    supervisor: Principal
    association: tuple[Principal, Principal]
    busy: UUID
    busy_key: str
    point: UUID
    tokens: tuple[str, ...]
    tight: UUID
    tight_tokens: tuple[str, ...]
    closed: UUID
    closed_key: str


def build(
    url: str, *, instrument: Instrument, complete: Mapping[str, Any], now: datetime, links: int
) -> Scenario:
    """Fill a migrated store that knows the cities; `complete` answers every question of
    `instrument`."""
    mark = new_id().hex[-8:]
    with session_scope(url) as session:
        people = [
            _person(session, f"{name}-{mark}", role, area)
            for name, role, area in (
                ("surveyor", Role.SURVEYOR, CITY),
                ("supervisor", Role.SUPERVISOR, CITY),
                ("first", Role.ADMINISTRATOR, NATION),
                ("second", Role.ADMINISTRATOR, NATION),
            )
        ]
        surveyor, supervisor, first, second = people
        instrument_id = save_instrument(session=session, instrument=instrument)
        waves = {
            name: _wave(session, f"{name}-{mark}", instrument_id, now)
            for name in ("busy", "tight", "closed")
        }
        points = {name: _point(session, wave, surveyor) for name, wave in waves.items()}
        _cells(session, waves["busy"], BANDS, UNLIMITED_TARGET)
        _cells(session, waves["tight"], ("15-99",), QUOTA_TARGET)
        tokens, tight_tokens = (
            tuple(
                issue_invitation(
                    Work(session, surveyor, now, current_settings()),
                    wave_key=waves[name].key,
                    point_id=points[name],
                ).token
                for _ in range(count)
            )
            for name, count in (("busy", links), ("tight", QUOTA_TARGET * 3))
        )
        _store_finished(session, waves["closed"], points["closed"], surveyor, now)
        close_wave(Work(session, OPERATOR, now, current_settings()), key=waves["closed"].key)
        return Scenario(
            now=now,
            instrument=instrument,
            complete=complete,
            surveyor=surveyor,
            supervisor=supervisor,
            association=(first, second),
            busy=waves["busy"].id,
            busy_key=waves["busy"].key,
            point=points["busy"],
            tokens=tokens,
            tight=waves["tight"].id,
            tight_tokens=tight_tokens,
            closed=waves["closed"].id,
            closed_key=waves["closed"].key,
        )


def engines(url: str, count: int) -> list[str]:
    """Addresses of one store that have an engine each, as the store of several processes has."""
    mark = "&" if "?" in url else "?"
    return [f"{url}{mark}application_name=mixture{number}" for number in range(count)]


def _person(session: Session, login: str, role: Role, area: str) -> Principal:
    account = Account(login=login, name=login, role=role, area=area)
    session.add(account)
    session.flush()
    return Principal(account.id, account.name, role, area)


def _wave(session: Session, key: str, instrument_id: UUID, now: datetime) -> Wave:
    plan = NewWave(
        key=key,
        series="mixture",
        year=now.year,
        title_zh=key,
        title_en=key,
        instrument_id=instrument_id,
    )
    create_wave(Work(session, OPERATOR, now, current_settings()), plan=plan)
    return open_wave(Work(session, OPERATOR, now, current_settings()), key=key)


def _point(session: Session, wave: Wave, surveyor: Principal) -> UUID:
    point = SamplingPoint(
        wave_id=wave.id,
        city_code=CITY,
        code=wave.key,
        name=wave.key,
        kind=PointKind.MALL,
        stratum="urban",
        target=20,
    )
    session.add(point)
    session.flush()
    session.add(Assignment(account_id=surveyor.account_id, point_id=point.id))
    session.flush()
    return point.id


def _cells(session: Session, wave: Wave, bands: tuple[str, ...], target: int) -> None:
    session.add_all(
        QuotaCell(wave_id=wave.id, city_code=CITY, age_band=band, gender=gender, target=target)
        for band in bands
        for gender in ("male", "female")
    )
    session.flush()


def cells_of_wave(session: Session, wave_id: UUID) -> list[UUID]:
    query = select(QuotaCell.id).where(QuotaCell.wave_id == wave_id).order_by(col(QuotaCell.id))
    return list(session.exec(query))


def build_finished_response(
    city_code: str, status: Status, now: datetime, answers: Mapping[str, Any], **rest: Any
) -> FinishedResponse:
    """One interview as an import would write it."""
    return FinishedResponse(
        client_uuid=uuid4(),
        city_code=city_code,
        mode=Mode.IMPORT,
        status=status,
        submitted_at=now,
        started_at=now - timedelta(minutes=7),
        answers=answers,
        **rest,
    )


def _store_finished(
    session: Session, wave: Wave, point_id: UUID, surveyor: Principal, now: datetime
) -> None:
    rows = [
        build_finished_response(
            CITY, status, now, {"quality": 7}, point_id=point_id, surveyor_id=surveyor.account_id
        )
        for status in TO_FREEZE * 20
    ]
    write_responses(Work(session, OPERATOR, now, current_settings()), wave=wave, rows=rows)
