"""An open wave in all cities, each with a point, a surveyor and quota cells, and many links."""

import random
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
from sqlmodel import Session, col, func, select

from benchmarks.submission.scenario import BANDS, INSTRUMENT, ROOT, complete_answers
from survey.access.principal import OPERATOR
from survey.access.roles import Role
from survey.access.secret_hashes import digest
from survey.access.work import Work
from survey.questionnaire.model import Instrument
from survey.settings import current_settings
from survey.store.engine import read_scope, session_scope
from survey.store.inserts import insert_columns
from survey.store.schema import upgrade
from survey.store.tables import (
    Account,
    Assignment,
    AuditEntry,
    City,
    Invitation,
    PointKind,
    QuotaCell,
    Response,
    ResponseRevision,
    SamplingPoint,
    new_id,
)
from survey.waves.instruments import find_instrument, instrument_id_by_name, load_reference_data
from survey.waves.waves import NewWave, create_wave, open_wave

DIFFERENT_INTERVIEWS = 64
TARGET = 10**6


@dataclass(frozen=True)
class Scenario:
    url: str
    wave_id: UUID
    instrument: Instrument
    tokens: tuple[str, ...]


def build(url: str, *, links: int) -> Scenario:
    """Prepare the store at `url`; the links are dealt to the cities in turn."""
    upgrade(url)
    load_reference_data(url, ROOT / "seed")
    now = datetime.now(UTC)
    with session_scope(url) as session:
        plan = NewWave(
            key=f"load-{new_id()}",
            series="load",
            year=now.year,
            title_zh="load",
            title_en="load",
            instrument_id=instrument_id_by_name(session=session, name=INSTRUMENT),
        )
        create_wave(Work(session, OPERATOR, now, current_settings()), plan=plan)
        wave_id = open_wave(Work(session, OPERATOR, now, current_settings()), key=plan.key).id
        points = _points(session, wave_id)
        tokens = _links(session, wave_id, points, links, now)
        instrument = find_instrument(session=session, name=INSTRUMENT)
    return Scenario(url, wave_id, instrument, tokens)


def _points(session: Session, wave_id: UUID) -> list[tuple[SamplingPoint, Account]]:
    made = []
    for city in session.exec(select(City.code).order_by(City.code)).all():
        account = Account(login=f"load-{new_id()}", name=city, role=Role.SURVEYOR, area=city)
        point = SamplingPoint(
            wave_id=wave_id,
            city_code=city,
            code=f"{city}-load",
            name=city,
            kind=PointKind.MALL,
            stratum="urban",
            target=620,
        )
        session.add_all([account, point])
        session.flush()
        session.add(Assignment(account_id=account.id, point_id=point.id))
        session.add_all(
            QuotaCell(wave_id=wave_id, city_code=city, age_band=band, gender=gender, target=TARGET)
            for band in BANDS
            for gender in ("male", "female")
        )
        made.append((point, account))
    session.flush()
    return made


def _links(
    session: Session,
    wave_id: UUID,
    points: list[tuple[SamplingPoint, Account]],
    links: int,
    now: datetime,
) -> tuple[str, ...]:
    tokens = tuple(secrets.token_urlsafe(16) for _ in range(links))
    dealt = [points[each % len(points)] for each in range(links)]
    insert_columns(
        session.connection(),
        Invitation,
        {
            "id": [new_id() for _ in tokens],
            "token_sha256": [digest(token) for token in tokens],
            "city_code": [point.city_code for point, _ in dealt],
            "point_id": [point.id for point, _ in dealt],
            "surveyor_id": [account.id for _, account in dealt],
        },
        {
            "wave_id": wave_id,
            "issued_at": now,
            "expires_at": now + timedelta(hours=24),
            "opened_at": None,
            "used_at": None,
        },
    )
    return tokens


def interviews(instrument: Instrument) -> tuple[bytes, ...]:
    """Complete interviews of the longest route, without UUID and token, as `Script` wants them."""
    draw = random.Random(1)
    finished = datetime.now(UTC)
    made = []
    for _ in range(DIFFERENT_INTERVIEWS):
        answers = complete_answers(instrument, draw)
        answers["gender"] = draw.choice(["male", "female"])
        document = {
            "instrument_sha256": instrument.sha256,
            "language": "zh",
            "started_at": (finished - timedelta(minutes=6)).isoformat(),
            "finished_at": finished.isoformat(),
            "answers": answers,
            "timings": {name: round(draw.uniform(1, 15), 2) for name in answers},
        }
        made.append(orjson.dumps(document)[1:])
    return tuple(made)


def disagreements(world: Scenario, receipts: dict[str, str]) -> list[str]:
    """What the store and the receipts do not agree on; nothing, when all is right.

    Every receipt must be one interview, with one revision, one entry in the audit trail, one used
    link and one count in a quota cell; and there must be no interview without a receipt.
    """
    problems = []
    with read_scope(world.url) as session:
        stored = session.exec(
            select(Response.client_uuid, Response.id).where(Response.wave_id == world.wave_id)
        ).all()
        if {str(name): str(own) for name, own in stored} != receipts or len(stored) != len(
            receipts
        ):
            problems.append(f"{len(receipts)} receipts, {len(stored)} interviews")
        of_wave = select(Response.id).where(Response.wave_id == world.wave_id)
        revised = col(ResponseRevision.response_id).in_(of_wave)
        used = col(Invitation.wave_id) == world.wave_id, col(Invitation.used_at).is_not(None)
        counts = {
            "revisions": select(func.count(col(ResponseRevision.id))).where(revised),
            "used links": select(func.count(col(Invitation.id))).where(*used),
            "audit entries": select(func.count(col(AuditEntry.id))).where(
                AuditEntry.action == "response.submitted"
            ),
            "counted in quota cells": select(func.sum(col(QuotaCell.collected))).where(
                QuotaCell.wave_id == world.wave_id
            ),
        }
        for name, query in counts.items():
            number = int(session.exec(query).one() or 0)
            if number != len(receipts):
                problems.append(f"{len(receipts)} receipts, {number} {name}")
    return problems
