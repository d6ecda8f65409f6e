"""The interviews of the large wave: drawn once, stored many times under new ids."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import cycle, islice
from uuid import UUID, uuid4

from sqlmodel import Session, select

from benchmarks.submission.scenario import ROOT
from seed.demo.accounts import store_accounts
from seed.demo.build import _allocate_by_city
from seed.demo.field_records import store_field_records
from seed.demo.interviews import DemoWave, generate_wave
from seed.demo.stored_responses import StoredIds, stored_interviews
from survey.access.principal import OPERATOR
from survey.access.work import Work
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.frame.city_frame import shipped_cities
from survey.review.quality.flags import FlagKind
from survey.settings import current_settings
from survey.store.engine import read_scope
from survey.store.inserts import insert_columns
from survey.store.schema import upgrade
from survey.store.tables import (
    Invitation,
    Mode,
    Response,
    ResponseFlag,
    ResponseRisk,
    Status,
    Wave,
    new_id,
)
from survey.store.transactions import run_in_transaction
from survey.waves.instruments import instrument_id_by_name, load_reference_data, tree_id_by_name
from survey.waves.waves import NewWave, create_wave, open_wave

MODEL, KEY = "main-2024", "large-2024"
BATCH = 50_000
"""Interviews of one transaction."""


@dataclass(frozen=True)
class LargeWave:
    """The wave in the store."""

    id: UUID
    key: str


def find_filled(url: str) -> LargeWave | None:
    """Return the wave if an earlier call has filled it."""
    upgrade(url)
    with read_scope(url) as session:
        wave = session.exec(select(Wave).where(Wave.key == KEY)).one_or_none()
        if wave is None or session.exec(select(Response.id).limit(1)).first() is None:
            return None
        return LargeWave(wave.id, wave.key)


def fill(url: str, *, rows: int, drawn: int) -> LargeWave:
    """Create the wave with its points and quotas and store its interviews."""
    load_reference_data(url, ROOT / "seed")
    began = time.perf_counter()
    made = generate_wave(MODEL, n=drawn)
    print(f"{len(made):,} interviews drawn in {time.perf_counter() - began:.0f} s", flush=True)
    wave, places = run_in_transaction(url, partial(_create, made=made), long_running=True)
    began = time.perf_counter()
    stored = 0
    source = _interviews(made, places, rows)
    while stored < rows:
        count = min(BATCH, rows - stored)
        batch = [next(source) for _ in range(count)]
        run_in_transaction(url, partial(_store, wave=wave, batch=batch), long_running=True)
        stored += count
        seconds = time.perf_counter() - began
        print(f"  {stored:,} stored, {stored / seconds:,.0f} a second", flush=True)
    return LargeWave(wave.id, wave.key)


def _create(session: Session, made: DemoWave) -> tuple[Wave, StoredIds]:
    now = datetime.now(UTC)
    accounts = store_accounts(session=session, cities=shipped_cities(), now=now)
    plan = made.model.plan
    new = NewWave(
        key=KEY,
        series=plan.series,
        year=plan.year,
        title_zh=plan.title_zh,
        title_en=plan.title_en,
        instrument_id=instrument_id_by_name(session=session, name=plan.instrument),
        tree_id=tree_id_by_name(session=session, name=plan.tree) if plan.tree else None,
        opens_on=now.date() - timedelta(days=1),
        closes_on=now.date() + timedelta(days=60),
        is_demo=True,
    )
    create_wave(Work(session, OPERATOR, now, current_settings()), plan=new)
    wave = open_wave(Work(session, OPERATOR, now, current_settings()), key=KEY)
    places = store_field_records(
        session=session,
        wave=wave,
        plan=plan,
        points=made.points,
        size=_allocate_by_city(made.model.people, int((~made.void).sum())),
        accounts=accounts,
        stops=False,
    )
    return wave, places


def _interviews(made: DemoWave, places: StoredIds, rows: int) -> Iterator[FinishedResponse]:
    """Every good interview, again and again, as if it had just been submitted."""
    good = [each for each in stored_interviews(made, places) if each.status is not Status.VOID]
    for interview in islice(cycle(good), rows):
        yield replace(interview, id=new_id(), client_uuid=uuid4(), status=Status.SUBMITTED)


def _store(session: Session, wave: Wave, batch: list[FinishedResponse]) -> None:
    now = datetime.now(UTC)
    _store_links(session, wave, [row for row in batch if row.mode is Mode.SELF])
    write_responses(Work(session, OPERATOR, now, current_settings()), wave=wave, rows=batch)
    _store_assessments(session, batch, now)


def _store_links(session: Session, wave: Wave, rows: list[FinishedResponse]) -> None:
    """Give each interview that was answered on a phone the one-time link that it used."""
    for row in rows:
        row.invitation_id = new_id()
    insert_columns(
        session.connection(),
        Invitation,
        {
            "id": [row.invitation_id for row in rows],
            "token_sha256": [sha256(row.id.bytes).hexdigest() for row in rows],
            "city_code": [row.city_code for row in rows],
            "point_id": [row.point_id for row in rows],
            "surveyor_id": [row.surveyor_id for row in rows],
            "issued_at": [row.started_at for row in rows],
            "opened_at": [row.started_at for row in rows],
            "used_at": [row.submitted_at for row in rows],
            "expires_at": [row.submitted_at + timedelta(days=1) for row in rows],
            "device_sha256": [sha256(row.client_uuid.bytes).hexdigest() for row in rows],
        },
        {"wave_id": wave.id, "ready_made": False},
    )


def _store_assessments(session: Session, rows: list[FinishedResponse], now: datetime) -> None:
    """Give each interview a made-up risk, and one in twenty a flag, in place of the detectors."""
    made = {"detected_at": now, "detector_version": "made up"}
    scores = [row.client_uuid.int % 101 for row in rows]
    flagged = [row for row in rows if row.client_uuid.int % 20 == 0]
    insert_columns(
        session.connection(),
        ResponseRisk,
        {
            "response_id": [row.id for row in rows],
            "score": scores,
            "pace": [0.5 + score / 100 for score in scores],
            "mean_score": [float(score) for score in scores],
        },
        made,
    )
    insert_columns(
        session.connection(),
        ResponseFlag,
        {
            "id": [new_id() for _ in flagged],
            "response_id": [row.id for row in flagged],
            "strength": [0.5 for _ in flagged],
            "detail": [{} for _ in flagged],
        },
        {"kind": str(FlagKind.SPEED), **made},
    )
