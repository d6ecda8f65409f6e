"""Cells of a wave that readers have seen: computed again, what they hid stays hidden.

The gate looks at one set of tables. Two that hide different cells could tell those together, and
what was public once cannot be taken back.
"""

from io import BytesIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from survey.disclosure import CELL_KEYS, SuppressionReason
from survey.disclosure.suppression import REASONS, apply_suppression
from survey.disclosure.totals import encode_labels
from survey.locale import SurveyError, msg
from survey.results.snapshots import CELLS
from survey.settings import Settings
from survey.snapshot.seals import SnapshotSeals
from survey.store.tables import Publication, Snapshot, Wave, WaveRelease, WaveState

_HIDDEN = REASONS.index(SuppressionReason.SECONDARY)


class PublicCellsConflictError(SurveyError):
    """Raised when new cells of a public wave would be told by those that were public before."""

    code = "public_cells_conflict"

    def __init__(self, added: int, hidden: int) -> None:
        super().__init__(
            msg(
                "Nothing was made: the results of this wave are public. {added} further figures "
                "would be shown, and {hidden} that were public would be hidden to protect them, "
                "which no longer can be. Freeze it with the groups that it was released with.",
                added=added,
                hidden=hidden,
            )
        )


def was_public(session: Session, wave: Wave) -> bool:
    """Return whether results of a wave were released or published at any time."""
    if wave.state is WaveState.RELEASED:
        return True
    released = select(WaveRelease.id).where(WaveRelease.wave_id == wave.id)
    published = select(Publication.id).where(
        Publication.wave_id == wave.id, col(Publication.published_at).is_not(None)
    )
    return any(session.exec(query.limit(1)).first() for query in (released, published))


def read_public_cells(
    settings: Settings, session: Session, wave: Wave, snapshot: Snapshot
) -> pd.DataFrame | None:
    """Return keys and `shown` of the cells in a snapshot; None if nothing of the wave was public.

    Each set of tables hides what the one before hid, so the newest one speaks for all.

    Raises:
        SnapshotDamagedError: the cells are missing or not those that were sealed.
    """
    if not was_public(session, wave):
        return None
    seals = SnapshotSeals(settings, session, snapshot.directory)
    return pd.read_parquet(BytesIO(seals.read(CELLS)), columns=[*CELL_KEYS, "shown"])


def keep_hidden(cells: pd.DataFrame, public: pd.DataFrame) -> pd.DataFrame:
    """Return protected cells in which every cell that `public` hides is hidden too.

    Args:
        cells: columns as `protected_cells` returns them.
        public: `CELL_KEYS` and `shown` of cells that readers have seen.

    Raises:
        PublicCellsConflictError: cells that `public` does not have would be shown beside the
            hidden ones that it shows.
    """
    row = _find_rows(cells, public)
    is_known = row >= 0
    was_shown = public["shown"].to_numpy(dtype=bool)
    reasons = np.array(cells["reason"].cat.codes, dtype=np.int8)
    was_hidden = np.zeros(len(cells), dtype=bool)
    was_hidden[is_known] = ~was_shown[row[is_known]]
    is_hidden = ~cells["shown"].to_numpy(dtype=bool) | was_hidden
    reasons[(reasons == 0) & is_hidden] = _HIDDEN
    shown = reasons == 0
    still_shown = np.zeros(len(public), dtype=bool)
    still_shown[row[is_known & shown]] = True
    added, gone = int((shown & ~is_known).sum()), int((was_shown & ~still_shown).sum())
    if added and gone:
        raise PublicCellsConflictError(added, gone)
    return apply_suppression(cells, reasons)


def _find_rows(cells: pd.DataFrame, public: pd.DataFrame) -> NDArray[np.int64]:
    """Return the row of `public` with the keys of each row of `cells`; -1 where it has none."""
    key, known = np.zeros(len(cells), np.int64), np.zeros(len(public), np.int64)
    is_known = np.ones(len(public), dtype=bool)
    for name in CELL_KEYS:
        codes, labels = encode_labels(cells[name])
        place = {label: number for number, label in enumerate(labels)}
        public_codes, public_labels = encode_labels(public[name])
        wanted = np.array([place.get(label, -1) for label in public_labels], dtype=np.int64)
        is_known &= wanted[public_codes] >= 0
        key, known = key * len(labels) + codes, known * len(labels) + wanted[public_codes]
    rows = np.flatnonzero(is_known)
    order = rows[np.argsort(known[rows], kind="stable")]
    if not len(order):
        return np.full(len(cells), -1)
    at = np.minimum(np.searchsorted(known[order], key), len(order) - 1)
    return np.where(known[order][at] == key, order[at], -1)
