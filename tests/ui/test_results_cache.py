"""What a process keeps of a wave is what it opened, not what a list said some seconds before."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from uuid import uuid4

import pytest
import streamlit as st

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.kit import results_cache
from survey.kit.page_runner import PageContext
from survey.results.release import release_wave, revoke_release
from survey.results.wave_results import WaveInfo, WaveResults
from survey.settings import Settings
from survey.store import schema
from survey.store.audit_events import AuditEvent
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import Shown, WaveState
from tests.publish.publications.register_steps import WAVE, freeze_again
from tests.synthetic_results import PLANS, synthetic_store
from tests.work_of import ONE_PERSON, work_of

NOW = datetime(2026, 12, 1, tzinfo=UTC)
CITY = Principal(uuid4(), "A city", Role.CITY_OFFICIAL, "320500")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Settings]:
    """A frozen wave that is not released, and a process that has read nothing of it."""
    settings = Settings(data_dir=tmp_path)
    plan = replace(PLANS[0], groups={"all": 1.0})
    synthetic_store(settings, plans=(plan,), measures_a_topic=1)
    _take_back(settings)
    _clear_caches()
    yield settings
    _clear_caches()
    dispose_engines()


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[AuditEvent]:
    """Views that were recorded."""
    events: list[AuditEvent] = []
    monkeypatch.setattr(
        results_cache, "record_view_once", lambda page, event, subject: events.append(event)
    )
    return events


def _clear_caches() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


def _release(store: Settings) -> None:
    """Release the wave as another process does: the caches of this one stay as they are."""
    with session_scope(store.store_url) as session:
        release_wave(
            work_of(session, OPERATOR, NOW, settings=ONE_PERSON), wave_key=WAVE, shown=Shown.SCORES
        )


def _take_back(store: Settings) -> None:
    with session_scope(store.store_url) as session:
        revoke_release(work_of(session, OPERATOR, NOW), wave_key=WAVE, reason="Wrong")


def _page(store: Settings) -> PageContext:
    context = SimpleNamespace(settings=store, principal=CITY, language="en")
    return cast(PageContext, context)


def _listed(store: Settings) -> WaveInfo:
    (wave,) = results_cache.all_waves(_page(store))
    return wave


def _open(store: Settings) -> WaveResults:
    return results_cache.get_results(_page(store), _listed(store))


def _named_cities(results: WaveResults) -> int:
    cells = results.cells(CITY, area_level="city", group="all", indicator="composite")
    return len(cells)


def test_a_wave_is_listed_as_soon_as_it_is_frozen(store: Settings, tmp_path: Path) -> None:
    """Also where the list was read just before, and by another process than froze it."""
    empty = Settings(data_dir=tmp_path.with_name("another"))
    schema.upgrade(empty.store_url)
    assert results_cache.all_waves(_page(empty)) == []
    dispose_engines()
    shutil.copytree(store.data_dir, empty.data_dir, dirs_exist_ok=True)
    assert _listed(empty) == _listed(store)


def test_a_release_that_is_taken_back_leaves_nothing_under_the_key_of_before(
    store: Settings, recorded: list[AuditEvent]
) -> None:
    assert _listed(store).state is WaveState.FROZEN
    _release(store)
    assert _named_cities(_open(store)) > 1, "opened from a list that is some seconds old"
    _take_back(store)
    results_cache._list_cached_waves.clear()  # its seconds are over
    assert _named_cities(_open(store)) == 1
    assert recorded == [AuditEvent.VIEW_UNRELEASED]


def test_the_list_is_read_again_as_soon_as_it_is_known_to_be_old(
    store: Settings, recorded: list[AuditEvent]
) -> None:
    _listed(store)
    _release(store)
    _open(store)
    assert _listed(store).state is WaveState.RELEASED
    assert _open(store) is _open(store), "kept under what it is"
    assert not recorded


def test_what_a_list_still_calls_released_is_recorded_as_unreleased(
    store: Settings, recorded: list[AuditEvent]
) -> None:
    _release(store)
    _listed(store)
    _take_back(store)
    assert _named_cities(_open(store)) == 1
    assert recorded == [AuditEvent.VIEW_UNRELEASED]


@pytest.mark.usefixtures("recorded")
def test_results_frozen_again_are_not_kept_under_the_seal_of_the_earlier(store: Settings) -> None:
    earlier = _listed(store)
    freeze_again(store, lifted="320500", hidden="320100")
    page = _page(store)
    assert results_cache.get_results(page, earlier).wave.seal_sha256 != earlier.seal_sha256
    newer = _listed(store)
    assert newer.seal_sha256 != earlier.seal_sha256
    assert results_cache.get_results(page, newer).wave == newer
