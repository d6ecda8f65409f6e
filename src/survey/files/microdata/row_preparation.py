"""Preparation of exportable rows after the final freeze, so that the first export is quick too."""

import logging
from datetime import UTC, datetime

from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.estimate.arrays import release_freed_memory
from survey.files.microdata.export import ExportNotAllowedError, final_snapshot
from survey.files.microdata.prepared_rows import MAX_PREPARED_ROWS, PreparedRows
from survey.files.microdata.released_rows import ReleasedWave
from survey.settings import Settings
from survey.store.transactions import read_in_snapshot, run_in_transaction
from survey.waves.waves import get_wave

_LOG = logging.getLogger(__name__)


def prepare_rows(settings: Settings, *, wave_key: str, actor: Principal) -> bool:
    """Write a frozen wave's de-identified rows beside its snapshot; return whether it did.

    Nothing is kept of a wave that is not, of one with more rows than are kept, and where they are
    kept already. Whatever goes wrong is written to the log only: the wave is frozen, and the first
    export makes its rows itself.
    """
    actor.require(Action.ADMINISTER)
    release_freed_memory()
    try:
        made = read_in_snapshot(
            settings.store_url, lambda session: _make_rows(settings, session, wave_key)
        )
        if made is None:
            return False

        def keep(session: Session) -> None:
            _open_rows(settings, session, wave_key, made).keep(actor=actor, now=datetime.now(UTC))

        run_in_transaction(settings.store_url, keep)
    except Exception:
        # The freeze is done: whatever this is, it is for whoever asks for rows.
        _LOG.warning("the rows of %s are not ready for their first export", wave_key, exc_info=True)
        return False
    return True


def _make_rows(
    settings: Settings, session: Session, wave_key: str
) -> tuple[ReleasedWave, str] | None:
    """Return rows made now, and their key; None if too many, not final, or kept already."""
    try:
        rows = final_snapshot(session, get_wave(session=session, key=wave_key)).rows
    except ExportNotAllowedError:
        return None
    if rows > MAX_PREPARED_ROWS:
        return None
    prepared = _open_rows(settings, session, wave_key)
    prepared.make_missing()
    return prepared.made


def _open_rows(
    settings: Settings,
    session: Session,
    wave_key: str,
    made: tuple[ReleasedWave, str] | None = None,
) -> PreparedRows:
    wave = get_wave(session=session, key=wave_key)
    folder = settings.snapshot_dir / final_snapshot(session, wave).directory
    return PreparedRows(session, wave, folder, made)
