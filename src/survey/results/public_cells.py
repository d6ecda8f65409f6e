"""Cells of a wave that readers have seen: computed again, what they hid stays hidden.

The gate looks at one set of tables. Two that hide different cells could tell those together, and
what was public once cannot be taken back.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from survey.disclosure import CELL_KEYS, SuppressionReason
from survey.disclosure.suppression import FIGURE_COLUMNS, REASONS, apply_suppression, encode_labels
from survey.locale import SurveyError, msg
from survey.results.snapshots import CELLS
from survey.settings import Settings
from survey.snapshots.seals import SnapshotSeals
from survey.snapshots.snapshot_files import SnapshotDamagedError
from survey.store.tables import Publication, Snapshot, Wave, WaveRelease, WaveState

_LOG = logging.getLogger(__name__)
_HIDDEN = REASONS.index(SuppressionReason.SECONDARY)


class PublicCellsConflictError(SurveyError):
    """Raised when cells added to a public wave would hide ones that were public before."""

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


@dataclass(frozen=True, eq=False)
class PublicCells:
    """Cells of all public snapshots of a wave, with whether any hid and whether any showed each."""

    table: pd.DataFrame
    """`CELL_KEYS`, and `shown`: False where any of the tables hid the cell."""
    ever_shown: NDArray[np.bool_]
    """Whether any of the tables showed the cell."""
    hides_added: bool = False
    """Whether cells that nobody has seen are hidden where they would be told, or an error."""


def was_public(session: Session, wave: Wave) -> bool:
    """Return whether results of a wave were released or published at any time."""
    return wave.state is WaveState.RELEASED or bool(_list_public_times(session, wave))


def _list_public_times(session: Session, wave: Wave) -> list[datetime]:
    released = select(WaveRelease.released_at).where(WaveRelease.wave_id == wave.id)
    published = select(Publication.published_at).where(
        Publication.wave_id == wave.id, col(Publication.published_at).is_not(None)
    )
    times = [*session.exec(released), *session.exec(published)]
    return [at for at in times if at is not None]


def list_public_snapshots(session: Session, wave: Wave) -> list[Snapshot]:
    """Return the snapshots of a wave that readers may have seen, the oldest first.

    Those are the newest one of the moment at which the wave was public first, and all later ones.
    """
    if not was_public(session, wave):
        return []
    query = (
        select(Snapshot)
        .where(Snapshot.wave_id == wave.id, col(Snapshot.final))
        .order_by(col(Snapshot.created_at))
    )
    snapshots = list(session.exec(query))
    first = min(_list_public_times(session, wave), default=None)
    before = [each for each in snapshots if first is not None and each.created_at <= first]
    return snapshots[len(before[:-1]) :]


def read_public_cells(settings: Settings, session: Session, wave: Wave) -> PublicCells | None:
    """Return the cells of all snapshots of a wave that readers may have seen; None without any.

    What cannot be read any more is left out and named in the log.

    Raises:
        SnapshotDamagedError: none of them can be read.
    """
    tables, damaged = [], None
    snapshots = list_public_snapshots(session, wave)
    for directory in dict.fromkeys(each.directory for each in snapshots):
        seals = SnapshotSeals(settings, session, directory)
        try:
            content = seals.read(CELLS)
        except SnapshotDamagedError as error:
            _LOG.warning("what %s hid is not known any more: %s", directory, error)
            damaged = error
            continue
        tables.append(pd.read_parquet(BytesIO(content), columns=[*CELL_KEYS, "shown"]))
    if damaged is not None and not tables:
        raise damaged
    return join_public_cells(tables) if tables else None


def join_public_cells(tables: list[pd.DataFrame]) -> PublicCells:
    """Return the cells of several protected tables, each hidden if any of the tables hides it."""
    joined = tables[0].assign(ever=tables[0]["shown"])
    for table in tables[1:]:
        joined = _join_tables(joined, table.assign(ever=table["shown"]))
    return PublicCells(joined[[*CELL_KEYS, "shown"]], joined["ever"].to_numpy(dtype=bool))


def _join_tables(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of either table: `shown` if neither hides one, `ever` if either showed it.

    Keys stay codes: as texts, those of a yearly wave would take 69 MiB for each of its freezes.
    """
    parts = (first, second)
    keys = {}
    for name in CELL_KEYS:
        encoded = [encode_labels(part[name]) for part in parts]
        every_label = sorted({label for _, labels in encoded for label in labels})
        place = {label: number for number, label in enumerate(every_label)}
        places = [
            np.array([place[label] for label in labels], dtype=np.int64)[codes]
            for codes, labels in encoded
        ]
        keys[name] = pd.Categorical.from_codes(np.concatenate(places), pd.Index(every_label))
    cells = np.ravel_multi_index(
        tuple(key.codes.astype(np.int64) for key in keys.values()),
        [len(key.categories) for key in keys.values()],
    )
    _, row, cell = np.unique(cells, return_index=True, return_inverse=True)
    shown, ever = (
        np.concatenate([part[name].to_numpy(dtype=bool) for part in parts])
        for name in ("shown", "ever")
    )
    hides, shows = np.bincount(cell, ~shown, len(row)), np.bincount(cell, ever, len(row))
    return pd.DataFrame({name: key[row] for name, key in keys.items()}).assign(
        shown=hides == 0, ever=shows > 0
    )


def keep_hidden(
    cells: pd.DataFrame, public: PublicCells, figures: Sequence[str] = FIGURE_COLUMNS
) -> pd.DataFrame:
    """Return the protected cells, hidden also if once hidden in `public`, then without `figures`.

    Args:
        cells: columns as `protected_cells` returns them.
        figures: columns that are null in hidden rows.

    Raises:
        PublicCellsConflictError: cells that nobody has seen would be shown, and some that were
            public be hidden.
    """
    row = _find_rows(cells, public.table)
    is_known = row >= 0
    reasons = np.array(cells["reason"].cat.codes, dtype=np.int8)
    reasons[(reasons == 0) & find_once_hidden(cells, public)[0]] = _HIDDEN
    shown = reasons == 0
    still_shown = np.zeros(len(public.table), dtype=bool)
    still_shown[row[is_known & shown]] = True
    added, gone = shown & ~is_known, public.ever_shown & ~still_shown
    if added.any() and gone.any():
        if not public.hides_added:
            raise PublicCellsConflictError(int(added.sum()), int(gone.sum()))
        reasons[added] = _HIDDEN
    return apply_suppression(cells, reasons, figures)


def is_as_public(cells: pd.DataFrame, public: PublicCells) -> bool:
    """Return whether the protected cells are those of all `public` tables, shown where they are."""
    row, shown = _find_rows(cells, public.table), cells["shown"].to_numpy(dtype=bool)
    if len(cells) != len(public.table) or (row < 0).any():
        return False
    tables = public.table["shown"].to_numpy(dtype=bool)[row], public.ever_shown[row]
    return all(np.array_equal(each, shown) for each in tables)


def find_once_hidden(
    cells: pd.DataFrame, public: PublicCells
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return two masks of `cells`: hidden by some table of `public`; shown by all that have it."""
    row = _find_rows(cells, public.table)
    # A cell that is in none of them has row -1, the value that is appended.
    was_shown = np.append(public.table["shown"].to_numpy(dtype=bool), True)[row]
    return ~was_shown, was_shown & (row >= 0)


def _find_rows(cells: pd.DataFrame, public: pd.DataFrame) -> NDArray[np.int64]:
    """Return, for each row of `cells`, the index of the row of `public` with its keys, or -1."""
    key, known = np.zeros(len(cells), np.int64), np.zeros(len(public), np.int64)
    is_known = np.ones(len(public), dtype=bool)
    for name in CELL_KEYS:
        codes, labels = encode_labels(cells[name])
        position = {label: number for number, label in enumerate(labels)}
        public_codes, public_labels = encode_labels(public[name])
        wanted = np.array([position.get(label, -1) for label in public_labels], dtype=np.int64)
        is_known &= wanted[public_codes] >= 0
        key, known = key * len(labels) + codes, known * len(labels) + wanted[public_codes]
    rows = np.flatnonzero(is_known)
    order = rows[np.argsort(known[rows], kind="stable")]
    if not len(order):
        return np.full(len(cells), -1)
    at = np.minimum(np.searchsorted(known[order], key), len(order) - 1)
    return np.where(known[order][at] == key, order[at], -1)
