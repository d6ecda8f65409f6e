"""Signing and publishing while others write: both hold only if nothing changed meanwhile."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import func, make_url, update
from sqlmodel import select

from survey.release import file_builders, publishing_steps
from survey.release.archives import ArchiveDraft
from survey.release.figures import build_figures
from survey.release.publishing_steps import retract_publication
from survey.release.register import PublicationNotAllowedError
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import engine_for, session_scope
from survey.store.tables import AuditEntry, Publication, PublicationState, Snapshot, table_of
from survey.waves.waves import lock_wave
from tests.publish.publications.register_steps import (
    KEY,
    REASON,
    SIGNED,
    WAVE,
    act,
    files,
    person,
    plan,
    publish,
    read,
    sign,
)

Meanwhile = Callable[[Settings], object]
_SAME = "UPDATE publication SET contact = contact"


@contextmanager
def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> Iterator[Mock]:
    """While the first file is built, something else happens, once."""
    events = iter([happens])

    def build_meanwhile(*arguments: Any) -> bytes:
        for event in events:
            event()
        return build_figures(*arguments)

    with monkeypatch.context() as patch:
        builder = Mock(side_effect=build_meanwhile)
        patch.setattr(file_builders, "build_figures", builder)
        yield builder
    assert builder.called


def write_at_once(store: Settings) -> None:
    """Write to the store from another connection, which waits for nobody."""
    url = make_url(store.store_url)
    if url.get_backend_name() == "sqlite":
        connection = sqlite3.connect(str(url.database), timeout=0.05)
        with connection:
            connection.execute(_SAME)
        connection.close()
        return
    with engine_for(store.store_url).begin() as other:
        other.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
        other.exec_driver_sql(_SAME)


def test_others_write_while_the_files_are_built(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(store)
    with meanwhile(monkeypatch, lambda: write_at_once(store)):
        assert sign(store, "lin") is PublicationState.PLANNED
    assert "figures.csv" in files(store)


def change(store: Settings, table: type[Publication] | type[Snapshot], **values: Any) -> None:
    with session_scope(store.store_url) as session:
        session.connection().execute(update(table_of(table)).values(**values))


CHANGES: dict[str, tuple[Meanwhile, str]] = {
    "taken back": (
        lambda store: act(retract_publication, store, "wang", SIGNED, reason=REASON),
        "does not stand any more",
    ),
    "another contact": (lambda store: change(store, Publication, contact="Wang, 1"), "changed"),
    "another list": (lambda store: change(store, Publication, builders=["figures"]), "changed"),
    "signed by another": (lambda store: sign(store, "wang"), "changed"),
    "results computed again": (lambda store: change(store, Snapshot, sha256="f" * 64), "changed"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_what_changed_while_it_was_built_is_not_signed(
    store: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    happens, words = CHANGES[name]
    plan(store)
    with (
        meanwhile(monkeypatch, lambda: happens(store)),
        pytest.raises(PublicationNotAllowedError, match=words),
    ):
        sign(store, "lin")
    row = read(store, select(Publication))
    signed_by_other = name == "signed by another"
    assert row.first_signed_by == (person(store, "wang").account_id if signed_by_other else None)
    assert kept(store) == ({row.archive_sha256[:12]} if signed_by_other else set())
    assert bool(row.archive_sha256) is signed_by_other
    signings = select(func.count()).where(AuditEntry.action == AuditEvent.RELEASE_SIGNED)
    assert read(store, signings) == int(signed_by_other)


def kept(store: Settings) -> set[str]:
    """First digits of the hash of every archive, and the names of other files."""
    prefix = f"{KEY}-"
    return {path.name.removeprefix(prefix)[:12] for path in store.release_dir.glob("*")}


@pytest.mark.slow
def test_a_signature_that_cannot_be_stored_leaves_the_one_before_and_no_file(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(store)
    sign(store, "lin")
    before, content = kept(store), files(store)
    install = ArchiveDraft.install

    def break_after_install(draft: ArchiveDraft) -> None:
        install(draft)
        assert len(kept(store)) > len(before)
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(ArchiveDraft, "install", break_after_install)
        with pytest.raises(OSError, match="no space"):
            sign(store, "wang")
    assert read(store, select(Publication.second_signed_at)) is None
    assert (kept(store), files(store)) == (before, content)
    assert sign(store, "wang") is PublicationState.SIGNED


@pytest.mark.slow
def test_drafts_of_a_killed_process_go_a_day_later(store: Settings) -> None:
    plan(store)
    store.release_dir.mkdir(exist_ok=True)
    old, new = (store.release_dir / f".draft-{name}" for name in ("old", "new"))
    for file in (old, new):
        file.write_bytes(b"half an archive")
    os.utime(old, (0, 0))
    sign(store, "lin")
    assert (old.exists(), new.exists()) == (False, True)


def test_results_registered_while_a_release_waits_for_the_wave_are_not_published(
    ready: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another session holds the wave, as a freeze does, and registers results at its end."""
    waits = Event()

    def lock_later(**arguments: Any) -> Any:
        waits.set()
        return lock_wave(**arguments)

    monkeypatch.setattr(publishing_steps, "lock_wave", lock_later)
    with ThreadPoolExecutor(1) as pool:
        with session_scope(ready.store_url) as session:
            lock_wave(session=session, key=WAVE)
            published = pool.submit(publish, ready)
            waits.wait(1)  # on SQLite it waits before, for its whole transaction
            session.connection().execute(update(table_of(Snapshot)).values(sha256="f" * 64))
        with pytest.raises(PublicationNotAllowedError, match="computed again"):
            published.result()
    assert read(ready, select(Publication.state)) is PublicationState.SIGNED
