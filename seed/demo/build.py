"""Filling a store with the demo: reference data, people, places, interviews and the truth."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, islice
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
from sqlalchemy import update
from sqlmodel import Session, select

from seed.demo.accounts import store_accounts
from seed.demo.comparative_test import store_comparative_test
from seed.demo.field_irregularities import find_own_phones, generate_irregularities
from seed.demo.field_plan import STRATA, points_of
from seed.demo.field_records import RESERVE, store_field_records
from seed.demo.interviews import DemoWave, generate_wave, sizes
from seed.demo.invitations import store_links
from seed.demo.open_wave import DAYS, interviews_so_far
from seed.demo.paper import key_paper
from seed.demo.population import Population, main_people
from seed.demo.questionnaire_overlap import OVERLAPS, true_steps
from seed.demo.random_streams import DEFAULT_SEED
from seed.demo.screen_outs import stopped_interviews
from seed.demo.selection import true_selection
from seed.demo.stored_responses import StoredIds, stored_interviews
from seed.demo.wave_plans import PLANS, WavePlan
from survey.access.principal import OPERATOR
from survey.access.roles import Role, demo_login
from survey.access.work import Work
from survey.collection.response_bulk_insert import (
    RESPONSE_BATCH_SIZE,
    FinishedResponse,
    write_responses,
)
from survey.frame.city_frame import shipped_cities
from survey.locale import Message, msg
from survey.settings import PROJECT_ROOT, current_settings
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.engine import read_scope
from survey.store.schema import upgrade
from survey.store.tables import Account, City, SamplingPoint, Wave, table_of
from survey.store.transactions import run_in_transaction
from survey.waves.instruments import instrument_id_by_name, load_reference_data, tree_id_by_name
from survey.waves.planning.overlap import declare_overlap
from survey.waves.waves import NewWave, close_wave, create_wave, open_wave

FULL_SIZE = 1.0
MIN_INTERVIEWS = 200
"""Interviews of the smallest wave: every city still has two."""
OPEN_WAVE = "main-2026"
"""Still collecting, on its way through review: where a visitor's own interview arrives."""
FIELD_DAYS = 60
"""Its fieldwork began a week before the demo is made, so that it always looks alive."""

Progress = Callable[[Message], object]


def build(
    url: str,
    *,
    waves: Sequence[str],
    size: float = FULL_SIZE,
    seed: int = DEFAULT_SEED,
    truth_dir: Path | None = None,
    progress: Progress = lambda _: None,
) -> None:
    """Create the demo in the store at `url`; arguments as `store_waves`."""
    stored = store_waves(
        url, waves=waves, size=size, seed=seed, truth_dir=truth_dir, progress=progress
    )
    for _ in stored:
        pass
    store_unfinished(url, size=size, seed=seed, progress=progress)


def store_waves(
    url: str,
    *,
    waves: Sequence[str],
    size: float = FULL_SIZE,
    seed: int = DEFAULT_SEED,
    truth_dir: Path | None = None,
    progress: Progress = lambda _: None,
) -> Iterator[str]:
    """Create closed waves, marked demo, and yield the key of each once it can be frozen.

    `size` 1 is the real size of every wave. With `truth_dir`, the true value of every domain is
    written there as `truth-<wave>.parquet`, that of everybody beside those who take part as
    `selection-<wave>.parquet`, and that of a questionnaire's step as `step-<wave>.parquet`. The
    same seed draws the same interviews whatever the other waves are.
    """
    unknown = [key for key in waves if key not in PLANS]
    if unknown:
        raise ValueError(f"no such demo wave: {', '.join(unknown)}; there are {', '.join(PLANS)}")
    upgrade(url)
    now = datetime.now(UTC)
    with read_scope(url) as session:
        known = session.exec(select(City.code)).first() is not None
    if not known:
        progress(msg("cities, indicator trees, questionnaires"))
        load_reference_data(url, PROJECT_ROOT / "seed")
    accounts = _store_accounts(url, now)
    for key in waves:
        valid = max(MIN_INTERVIEWS, round(PLANS[key].valid * size))
        progress(msg("{wave}: {count} interviews", wave=key, count=f"{valid:,}"))
        wave = generate_wave(key, n=valid, seed=seed)
        _store_wave(url, wave, accounts, now)
        if truth_dir is not None:
            write_truth(wave.truth, truth_dir, f"truth-{key}")
            if wave.model.people.kind == "main":
                write_truth(true_selection(wave.model), truth_dir, f"selection-{key}")
            if wave.earlier is not None:
                write_truth(true_steps(key, wave.model), truth_dir, f"step-{key}")
        yield key


def store_unfinished(
    url: str,
    *,
    size: float = FULL_SIZE,
    seed: int = DEFAULT_SEED,
    progress: Progress = lambda _: None,
) -> None:
    """Create a comparative test, and the wave that is still collecting."""
    now = datetime.now(UTC)
    accounts = _store_accounts(url, now)
    progress(msg("a comparative test"))
    run_in_transaction(
        url,
        lambda session: store_comparative_test(
            session=session, accounts=accounts, seed=seed, now=now
        ),
        long_running=True,
    )
    progress(msg("{wave}: open for interviews", wave=OPEN_WAVE))
    _store_open_wave(url, size, seed, accounts, now)


def write_truth(truth: pd.DataFrame, folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.parquet"
    truth.to_parquet(path, index=False)
    return path


def _store_accounts(url: str, now: datetime) -> Mapping[str, UUID]:
    """Create the accounts of the demonstration, unless they are there, and return their ids."""

    def store(session: Session) -> Mapping[str, UUID]:
        present = dict(session.exec(select(Account.login, Account.id).where(Account.is_demo)).all())
        # Trying out a questionnaire makes an account marked demo as well.
        if demo_login(Role.ADMINISTRATOR) in present:
            return present
        return store_accounts(session=session, cities=shipped_cities(), now=now)

    return run_in_transaction(url, store, long_running=True)


def _store_wave(url: str, wave: DemoWave, accounts: Mapping[str, UUID], now: datetime) -> None:
    plan = wave.model.plan
    size = _allocate_by_city(wave.model.people, int((~wave.void).sum()))
    if wave.earlier is not None:
        size = size + np.bincount(wave.earlier.draw.city, minlength=len(size))
    lapses = generate_irregularities(wave)

    def store_field(session: Session) -> tuple[Wave, Iterator[FinishedResponse]]:
        row = _create(session, plan, now)
        places = store_field_records(
            session=session,
            wave=row,
            plan=plan,
            points=wave.points,
            size=size,
            accounts=accounts,
            stops=False,
            last_day=lapses.last_day,
        )
        links = store_links(session=session, row=row, wave=wave, lapses=lapses, places=places)
        rows = chain(stored_interviews(wave, places, links), stopped_interviews(wave, places))
        if wave.earlier is not None:
            rows = chain(rows, _store_overlap(session, row, wave.earlier, places, now))
        _open(session, plan.key, now)
        return row, rows

    row, rows = run_in_transaction(url, store_field, long_running=True)
    _store_interviews(url, row, rows, now)
    run_in_transaction(
        url,
        lambda session: close_wave(Work(session, OPERATOR, now, current_settings()), key=plan.key),
        long_running=True,
    )


def _store_overlap(
    session: Session, row: Wave, wave: DemoWave, places: StoredIds, now: datetime
) -> Iterator[FinishedResponse]:
    """Declare the overlap of a wave that is still planned, and return its interviews."""
    plan = OVERLAPS[row.key]
    earlier = instrument_id_by_name(session=session, name=plan.instrument)
    declare_overlap(
        Work(session, OPERATOR, now, current_settings()),
        key=row.key,
        instrument_id=earlier,
        share=plan.share,
        seed=plan.seed,
    )
    _plan_earlier(session, row, wave)
    phones = find_own_phones(wave)
    links = store_links(session=session, row=row, wave=wave, lapses=phones, places=places)
    return (
        replace(response, instrument_id=earlier)
        for response in stored_interviews(wave, places, links)
    )


def _plan_earlier(session: Session, row: Wave, wave: DemoWave) -> None:
    """Plan as many interviews at the points of the overlap as were made there, and the reserve."""
    points, of = table_of(SamplingPoint), wave.points.of_stratum
    for place, asked in enumerate(np.bincount(wave.draw.city, minlength=len(wave.city_codes))):
        here = sum(len(of[place, stratum]) for stratum in range(len(STRATA)))
        session.connection().execute(
            update(points)
            .where(
                points.c.wave_id == row.id,
                points.c.city_code == wave.city_codes[place],
                points.c.asks_earlier,
            )
            .values(target=max(1, round(int(asked) * (1 + RESERVE) / here)))
        )


def _store_interviews(
    url: str, wave: Wave, rows: Iterable[FinishedResponse], now: datetime
) -> None:
    """Store interviews in many short transactions: visitors may be served from the same store."""
    remaining = iter(rows)
    while batch := list(islice(remaining, RESPONSE_BATCH_SIZE)):
        run_in_transaction(
            url, partial(_write_batch, wave=wave, rows=batch, now=now), long_running=True
        )


def _write_batch(
    session: Session, *, wave: Wave, rows: Sequence[FinishedResponse], now: datetime
) -> None:
    write_responses(
        Work(session, OPERATOR, now, current_settings()),
        wave=wave,
        rows=rows,
        event=AuditEvent.DEMO_RESPONSES,
    )


def _create(session: Session, plan: WavePlan, now: datetime) -> Wave:
    return create_wave(
        Work(session, OPERATOR, now, current_settings()),
        plan=NewWave(
            key=plan.key,
            series=plan.series,
            year=plan.year,
            title_zh=plan.title_zh,
            title_en=plan.title_en,
            instrument_id=instrument_id_by_name(session=session, name=plan.instrument),
            tree_id=tree_id_by_name(session=session, name=plan.tree) if plan.tree else None,
            opens_on=plan.opens_on,
            closes_on=plan.closes_on,
            is_demo=True,
        ),
    )


def _open(session: Session, key: str, now: datetime) -> None:
    open_wave(Work(session, OPERATOR, now, current_settings()), key=key)


def _allocate_by_city(people: Population, valid: int) -> pd.Series:
    return pd.Series(sizes(people, valid), index=[city.code for city in shipped_cities()])


def _store_open_wave(
    url: str, size: float, seed: int, accounts: Mapping[str, UUID], now: datetime
) -> None:
    """Store a wave in its fieldwork: some cities behind, reviewers not up to date."""
    with read_scope(url) as session:
        if session.exec(select(Wave.id).where(Wave.key == OPEN_WAVE)).first() is not None:
            return
    plan = replace(
        PLANS["main-2024"],
        key=OPEN_WAVE,
        year=2026,
        valid=62_000,
        title_zh="2026年100个城市消费者满意度测评（演示，正在调查）",
        title_en="Consumer satisfaction in 100 cities 2026 (demo, collecting)",
        opens_on=china_date(now) - timedelta(days=DAYS),
        closes_on=china_date(now) + timedelta(days=FIELD_DAYS - DAYS),
    )
    cities = shipped_cities()
    people = main_people(cities)
    by_city = _allocate_by_city(people, max(MIN_INTERVIEWS, round(plan.valid * size)))
    codes = tuple(city.code for city in cities)
    points = points_of(codes, people, by_city.to_numpy(), key=OPEN_WAVE, year=plan.year, seed=seed)

    def store_field(session: Session) -> tuple[Wave, StoredIds]:
        row = _create(session, plan, now)
        places = store_field_records(
            session=session,
            wave=row,
            plan=plan,
            points=points,
            size=by_city,
            accounts=accounts,
            stops=True,
        )
        _open(session, plan.key, now)
        return row, places

    row, places = run_in_transaction(url, store_field, long_running=True)
    so_far = interviews_so_far(
        points, places, key=OPEN_WAVE, planned=int(by_city.sum()), seed=seed, now=now
    )
    _store_interviews(url, row, so_far, now)
    run_in_transaction(
        url,
        lambda session: key_paper(session=session, wave=row, accounts=accounts, seed=seed, now=now),
        long_running=True,
    )
