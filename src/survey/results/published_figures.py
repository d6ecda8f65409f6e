"""Figures of releases that stand at the register, which computing tables again must not change.

What was published is corrected by a release of its own, with before and after; tables that are
computed again are no correction, so pages would show other figures than the signed files.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlmodel import Session

from survey.locale import ConflictError, msg
from survey.results.snapshots import (
    CELLS,
    DRIVERS,
    GAPS,
    HEADLINES,
    RANKS,
    SMALL_AREAS,
    changes_file,
    list_published_snapshots,
    list_shown_snapshots,
)
from survey.results.table_columns import TEXTS, to_published_table
from survey.settings import Settings
from survey.snapshot.seals import SnapshotDraft, find_seals, read_sealed
from survey.snapshot.snapshot_files import SnapshotDamagedError, content_sha256
from survey.store.tables import WaveState

FIGURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        CELLS: ("estimate", "ci_low", "ci_high", "n"),
        GAPS: ("difference", "ci_low", "ci_high", "n", "verdict"),
        RANKS: ("rank", "low", "high"),
        DRIVERS: ("importance", "importance_low", "importance_high", "agreement", "priority"),
        SMALL_AREAS: ("model", "model_low", "model_high"),
        HEADLINES: ("estimate", "ci_low", "ci_high", "n"),
    }
)
"""Columns that files of a release print, by table."""
CHANGES = ("difference", "ci_low", "ci_high", "n_after", "verdict")
"""The same of the changes from another wave."""
_KEYS = ("area_level", "area", "group", "indicator", "contrast", "basis", "composite")


def require_same_figures(settings: Settings, session: Session, draft: SnapshotDraft) -> None:
    """Compare the tables of a draft with those of releases that stand, as they were printed.

    To be called before the draft is sealed: what was published is known by the seals until then.

    Raises:
        ConflictError: a published figure would change or vanish; or a table of them
            was lost, and the draft does not restore its bytes.
    """
    changes = {
        changes_file(wave.key, snapshot.directory): CHANGES
        for wave, snapshot in list_shown_snapshots(session)
        if wave.state is WaveState.RELEASED
    }
    for publication, snapshot in list_published_snapshots(session):
        release = publication.key
        seals = find_seals(session, snapshot.directory) or {}
        folder = settings.snapshot_dir / snapshot.directory
        for name, columns in {**FIGURES, **changes}.items():
            if name not in seals or not draft.replaces(folder / name):
                continue
            after = draft.find_new(folder / name)
            if after is not None and content_sha256(after) == seals[name]:
                continue
            try:
                before = read_sealed(folder / name, seals)
            except SnapshotDamagedError as error:
                raise ConflictError(
                    "published_figures_changed",
                    msg(
                        "Nothing was written: {file} of the published release {release} was "
                        "changed or lost, and this version does not make the same file again. "
                        "Restore it from a backup.",
                        file=name,
                        release=release,
                    ),
                ) from error
            _compare(before, after, columns, release)


def _compare(before: bytes, after: bytes | None, columns: Sequence[str], release: str) -> None:
    """Raise `ConflictError` if a figure of the first table differs in the second."""
    old = _read_printed(before, columns)
    new = old.iloc[:0] if after is None else _read_printed(after, columns)
    keys = [name for name in _KEYS if name in old and name in new]
    joined = old.merge(new, on=keys, how="left", suffixes=("", "_after"), validate="1:1")
    is_changed = np.zeros(len(joined), dtype=bool)
    for name in columns:
        if name in old:
            is_changed |= ~_is_same(joined, name)
    if is_changed.any():
        first = joined[is_changed].iloc[0]
        raise ConflictError(
            "published_figures_changed",
            msg(
                "Nothing was written: {count} figures of the published release {release} would "
                "change, the first at {place}. Freeze the wave again and publish a correction, "
                "which shows before and after.",
                count=int(is_changed.sum()),
                release=release,
                place=" · ".join(str(first[name]) for name in keys),
            ),
        )


def _read_printed(table: bytes, columns: Sequence[str]) -> pd.DataFrame:
    """Return keys and figures of a table as they are printed, without rows that have no figure."""
    frame = pd.read_parquet(BytesIO(table))
    wanted = {*_KEYS, *columns, "shown", "reason"}
    printed = to_published_table(frame[[name for name in frame if name in wanted]])
    keys = [name for name in _KEYS if name in printed]
    printed[keys] = printed[keys].astype(str)
    figures = [name for name in columns if name in printed]
    has_figure = printed[[name for name in figures if name not in TEXTS]].notna().any(axis=1)
    return printed.loc[has_figure, [*keys, *figures]]


def _is_same(joined: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    """Return which rows have the same figure, or the same word, before and after."""
    before = joined[name].astype(object)
    after = joined.get(f"{name}_after", pd.Series(np.nan, index=joined.index)).astype(object)
    same: NDArray[np.bool_] = ((before == after) | (before.isna() & after.isna())).to_numpy(bool)
    return same
