"""Steps of a release as people of a test store take them."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlmodel import select

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.release.archives import read_archived_files
from survey.release.publishing_steps import publish_publication
from survey.release.register import PublicationDraft, plan_publication
from survey.release.signatures import sign_publication
from survey.results import open_results
from survey.results.snapshots import CELLS, SnapshotNotFoundError, get_newest_snapshot
from survey.results.wave_results import open_snapshot
from survey.results.whole_audits import CountAudit, find_whole_audit, record_audit
from survey.settings import Settings
from survey.snapshots.seals import SnapshotDraft
from survey.snapshots.snapshot_files import parquet_bytes
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, Publication, PublicationState, Snapshot
from tests.work_of import work_of

WAVE, KEY = "main-2024", "main-2024-1"
PLANNED = datetime(2096, 12, 1, 1, 0, tzinfo=UTC)
"""A day after every real one: what the tests freeze now was there when a release was planned."""
MINUTE = PLANNED + timedelta(days=2)
SIGNED = PLANNED + timedelta(hours=1)
REASON = "A weight was wrong"
Step = Callable[..., Any]


def person(store: Settings, login: str) -> Principal:
    with read_scope(store.store_url) as session:
        account = session.exec(select(Account).where(Account.login == login)).one()
        return Principal(account.id, account.name, Role(account.role), account.area)


def draft(**changes: Any) -> PublicationDraft:
    known = PublicationDraft(
        wave=WAVE,
        title_zh="2024 年测评",
        title_en="The 2024 survey",
        contact="Lin, 010-0000",
        embargo_until=MINUTE,
    )
    return replace(known, **changes)


def plan(store: Settings, who: str = "lin", at: datetime = PLANNED, **changes: Any) -> str:
    principal = person(store, who)
    with session_scope(store.store_url) as session:
        return plan_publication(work_of(session, principal, at), draft=draft(**changes))


def act(step: Step, store: Settings, who: str, at: datetime, key: str = KEY, **rest: Any) -> Any:
    """One step of a release by a person."""
    principal = person(store, who)
    if step is sign_publication:
        return sign_publication(store, principal=principal, key=key, clock=lambda: at)
    with session_scope(store.store_url) as session:
        return step(work_of(session, principal, at, settings=store), key=key, **rest)


def pass_audit(store: Settings, wave_key: str = WAVE) -> None:
    """Enter what a passed audit of the newest snapshot does; the store has no answers to audit."""
    with suppress(SnapshotNotFoundError), session_scope(store.store_url) as session:
        wave, snapshot = get_newest_snapshot(session, wave_key)
        if find_whole_audit(session, wave, snapshot) is None:
            record_audit(
                work_of(session, OPERATOR, PLANNED),
                wave=wave,
                snapshot=snapshot,
                audit=CountAudit(bases=1, hidden=1, audited=1, narrow=0),
            )


def sign(store: Settings, who: str, at: datetime = SIGNED, key: str = KEY) -> PublicationState:
    pass_audit(store)
    state: PublicationState = act(sign_publication, store, who, at, key)
    return state


def publish(store: Settings, who: str = "wang", at: datetime = MINUTE, key: str = KEY) -> None:
    act(publish_publication, store, who, at, key)


def signed(store: Settings, **changes: Any) -> None:
    plan(store, **changes)
    assert sign(store, "lin") is PublicationState.PLANNED
    assert sign(store, "wang") is PublicationState.SIGNED


def published(store: Settings, **changes: Any) -> None:
    signed(store, **changes)
    publish(store)


def read(store: Settings, statement: Any) -> Any:
    with read_scope(store.store_url) as session:
        return session.exec(statement).one()


def files(store: Settings, key: str = KEY) -> dict[str, bytes]:
    row = read(store, select(Publication).where(Publication.key == key))
    return read_archived_files(store, row)


def freeze_again(
    store: Settings, *, lifted: str, hidden: str, change: Callable[[Path], None] | None = None
) -> None:
    """Freeze the same responses anew: a city a point higher, another one hidden, and a `change`."""
    with session_scope(store.store_url) as session:
        wave, snapshot = get_newest_snapshot(session, WAVE)
        folder = store.snapshot_dir / snapshot.directory
        copied = folder.with_name(f"{folder.name}-2")
        shutil.copytree(folder, copied)
        change_results(store, lifted=lifted, hidden=hidden, folder=copied)
        if change is not None:
            change(copied)
        made = SnapshotDraft(store)
        for path in copied.iterdir():
            made.write(path, path.read_bytes())
        session.add(
            Snapshot(
                wave_id=wave.id,
                final=True,
                sha256=snapshot.sha256,
                directory=str(copied.relative_to(store.snapshot_dir)),
                rows=snapshot.rows,
                created_at=snapshot.created_at + timedelta(hours=1),
            )
        )
        made.seal(session, whole=copied, actor=OPERATOR, now=SIGNED)
        made.install()


def shown_score(store: Settings, *, newest: bool = False) -> float:
    """Score of a city that readers see, or in the newest results."""
    with read_scope(store.store_url) as session:
        results = (
            open_snapshot(store, session, *get_newest_snapshot(session, WAVE))
            if newest
            else open_results(store, session, WAVE)
        )
    cells = results.cells(
        OPERATOR, area_level="city", area="320500", group="all", indicator="composite"
    )
    return float(cells["estimate"].iloc[0])


def change_results(
    store: Settings, *, lifted: str, hidden: str, folder: Path | None = None
) -> None:
    """Change the tables as computing them again may: a city a point higher, another one hidden."""
    (path,) = (folder or store.snapshot_dir).rglob(CELLS)
    cells = pd.read_parquet(path)
    area = cells["area"].astype(str)
    for name in ("estimate", "ci_low", "ci_high"):
        cells.loc[area == lifted, name] += 1.0
        cells.loc[area == hidden, name] = np.nan
    cells.loc[area == hidden, "shown"] = False
    path.write_bytes(parquet_bytes(cells))
