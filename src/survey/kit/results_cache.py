"""Results of frozen waves and views of them, cached in memory for the pages.

Views are small and never changed, so one copy serves every reader with the same rights.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import streamlit as st

from survey.figures.views.view_context import ViewContext
from survey.kit.feedback import record_view_once
from survey.kit.page_runner import PageContext
from survey.results import WaveInfo, WaveResults, open_results
from survey.results.snapshots import count_snapshots
from survey.results.wave_results import list_readable_waves
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope
from survey.store.tables import WaveState
from survey.waves.waves import WaveSummary

T = TypeVar("T")
_KEPT_SECONDS = 15.0
"""How long the list of waves is kept; a newly frozen wave is on it at once."""


def list_frozen_waves(page: PageContext, series: str) -> list[WaveInfo]:
    """Return the readable frozen waves of one series, newest first."""
    return [wave for wave in all_waves(page) if wave.series == series]


def all_waves(page: PageContext) -> list[WaveInfo]:
    """Return the readable frozen waves of every series, newest first."""
    return _list_waves(page)[0]


def list_damaged_waves(page: PageContext) -> list[WaveSummary]:
    """Return the frozen waves of every series whose files cannot be read, newest first."""
    return _list_waves(page)[1]


def _list_waves(page: PageContext) -> tuple[list[WaveInfo], list[WaveSummary]]:
    settings = page.settings
    with read_scope(settings.store_url) as session:
        snapshots = count_snapshots(session)
    return _list_cached_waves(settings.store_url, str(settings.data_dir), snapshots, settings)


@st.cache_data(ttl=_KEPT_SECONDS, max_entries=8, show_spinner=False)
def _list_cached_waves(
    store_url: str, data_dir: str, snapshots: int, _settings: Settings
) -> tuple[list[WaveInfo], list[WaveSummary]]:
    del store_url, data_dir, snapshots  # they are the key of the cache
    with read_scope(_settings.store_url) as session:
        return list_readable_waves(_settings, session)


def get_results(page: PageContext, wave: WaveInfo) -> WaveResults:
    """Return a wave's results as released now; the audit trail records views of unreleased ones."""
    settings = page.settings
    listed = _build_snapshot_key(wave), _build_release_key(wave)
    results = _open_cached_results(settings.store_url, wave.key, *listed, settings)
    opened = results.wave
    if (_build_snapshot_key(opened), _build_release_key(opened)) != listed:
        # The list is some seconds old, and the wave was published, taken back or corrected since.
        # Kept under what the list said, released results would be shown after they are taken back.
        _open_cached_results.clear(settings.store_url, wave.key, *listed, settings)
        _list_cached_waves.clear()
    if opened.state is not WaveState.RELEASED:
        record_view_once(page, AuditEvent.VIEW_UNRELEASED, wave.key)
    return results


def _build_snapshot_key(wave: WaveInfo) -> str:
    """Return the part of cache keys that changes whenever the wave is frozen again."""
    return f"{wave.snapshot_sha256} {wave.seal_sha256}"


def _build_release_key(wave: WaveInfo) -> str:
    """Return the part of cache keys that changes when the wave is released or taken back."""
    return f"{wave.state} {wave.shown} {wave.first_places}"


@st.cache_resource(max_entries=32, show_spinner=False)
def _open_cached_results(
    store_url: str, key: str, snapshot: str, openness: str, _settings: Settings
) -> WaveResults:
    del store_url, snapshot, openness  # they are the key of the cache
    with read_scope(_settings.store_url) as session:
        return open_results(_settings, session, key)


def list_other_waves(page: PageContext, wave: WaveInfo) -> tuple[WaveResults, ...]:
    """Return the results of all other frozen waves of the series, earlier and later ones."""
    return tuple(
        get_results(page, other)
        for other in list_frozen_waves(page, wave.series)
        if other.key != wave.key
    )


def is_earlier_damaged(page: PageContext, wave: WaveInfo) -> bool:
    """Return whether the files of an earlier wave of the same series cannot be read."""
    return any(
        other.series == wave.series and (other.year, other.key) < (wave.year, wave.key)
        for other in list_damaged_waves(page)
    )


def get_view(
    page: PageContext,
    make: Callable[..., T],
    results: WaveResults,
    *,
    others: Sequence[WaveResults] | None = None,
    **more: Hashable,
) -> T:
    """Return what `make` gives for `results` and `others`, cached per access and language."""
    arguments: dict[str, Any] = dict(more) if others is None else {**more, "others": others}
    key = (
        page.settings.store_url,
        make.__module__ + make.__qualname__,
        _build_snapshot_key(results.wave),
        tuple(
            (_build_snapshot_key(other.wave), _build_release_key(other.wave))
            for other in others or ()
        ),
        _build_release_key(results.wave),
        page.principal.role,
        page.principal.area,
        page.principal.is_demo,
        page.language,
        tuple(sorted(more.items())),
    )

    def build() -> T:
        return make(ViewContext(results, page.principal, page.language), **arguments)

    built: T = _build_cached_view(repr(key), build)
    return built


@st.cache_resource(ttl=3600, max_entries=512, show_spinner=False)
def _build_cached_view(key: str, _build: Callable[[], Any]) -> Any:
    del key
    return _build()
