"""What a public wave hid stays hidden when it is frozen or computed again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.disclosure import CELL_KEYS
from survey.disclosure.suppression import apply_suppression
from survey.results import freeze as freezing
from survey.results import open_results
from survey.results.freeze import freeze_wave
from survey.results.public_cells import (
    PublicCellsConflictError,
    join_public_cells,
    keep_hidden,
    was_public,
)
from survey.results.recompute import recompute_wave
from survey.results.release import release_wave, revoke_release
from survey.results.snapshots import CELLS
from survey.snapshots.seals import SnapshotDraft
from survey.snapshots.snapshot_files import FreezeOptions, parquet_bytes
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Shown, Snapshot, now
from survey.store.transactions import run_in_transaction
from tests.small_waves import SmallWave, small_wave, store_people
from tests.work_of import ONE_PERSON, work_of

pytestmark = pytest.mark.slow

LABELS = st.sampled_from(["a", "b", "c"])
TABLES = st.dictionaries(st.tuples(LABELS, LABELS, LABELS, LABELS), st.booleans(), max_size=30)


def table(shown: dict[tuple[str, ...], bool]) -> pd.DataFrame:
    """Protected cells with these keys."""
    keys = pd.DataFrame(list(shown), columns=list(CELL_KEYS), dtype=object).astype("category")
    figures = keys.assign(estimate=50.0, n=100)
    hidden = ~np.array(list(shown.values()), dtype=bool)
    return apply_suppression(figures, hidden.astype(np.int8))


def pattern(cells: pd.DataFrame) -> dict[tuple[str, ...], bool]:
    keys = cells[list(CELL_KEYS)].astype(str).itertuples(index=False, name=None)
    return dict(zip(keys, cells["shown"], strict=True))


@given(before=TABLES, after=TABLES)
def test_both_publications_together_show_what_one_of_them_shows(
    before: dict[tuple[str, ...], bool], after: dict[tuple[str, ...], bool]
) -> None:
    try:
        kept = keep_hidden(table(after), join_public_cells([table(before)]))
    except PublicCellsConflictError:
        shown = {key for key, is_shown in after.items() if is_shown and before.get(key, True)}
        assert shown - before.keys()
        assert {key for key, is_shown in before.items() if is_shown} - shown
        return
    new, old = pattern(kept), before
    assert new.keys() == after.keys()
    assert not any(is_shown and not old.get(key, True) for key, is_shown in new.items())
    assert not any(is_shown and not after[key] for key, is_shown in new.items())
    assert kept.loc[~kept["shown"], ["estimate", "n"]].isna().all(axis=None)
    assert kept.loc[kept["shown"], ["estimate", "n"]].notna().all(axis=None)
    both = {key for each in (old, new) for key, is_shown in each.items() if is_shown}
    one = [{key for key, is_shown in each.items() if is_shown} for each in (old, new)]
    assert both in one


@given(tables=st.lists(TABLES, min_size=1, max_size=3), after=TABLES)
def test_no_number_of_publications_shows_what_one_of_them_hid(
    tables: list[dict[tuple[str, ...], bool]], after: dict[tuple[str, ...], bool]
) -> None:
    """A table without a group does not make it forgotten what an earlier one hid of it."""
    public = join_public_cells([table(shown) for shown in tables])
    kept = pattern(keep_hidden(table(after), replace(public, hides_added=True)))
    hidden = {key for shown in tables for key, is_shown in shown.items() if not is_shown}
    seen = {key for shown in tables for key, is_shown in shown.items() if is_shown}
    now_shown = {key for key, is_shown in kept.items() if is_shown}
    assert not now_shown & hidden
    assert now_shown <= {key for key, is_shown in after.items() if is_shown}
    assert now_shown <= seen or seen <= now_shown


@pytest.fixture
def wave(tmp_path: Path) -> Iterator[SmallWave]:
    made = small_wave(tmp_path / "data")
    store_people(made, {"110000": 30, "310000": 30})
    freeze_wave(made.settings, wave_key=made.key, actor=OPERATOR, options=FreezeOptions(final=True))
    yield made
    dispose_engines()


def release(wave: SmallWave) -> None:
    with session_scope(wave.settings.store_url) as session:
        release_wave(
            work_of(session, OPERATOR, now(), settings=ONE_PERSON),
            wave_key=wave.key,
            shown=Shown.SCORES,
        )


def shown_cells(wave: SmallWave) -> dict[tuple[str, ...], bool]:
    with read_scope(wave.settings.store_url) as session:
        return pattern(open_results(wave.settings, session, wave.key).cells(OPERATOR))


def hide_a_cell(wave: SmallWave) -> tuple[str, ...]:
    """Hide a shown cell of the stored table, as an earlier version may have done, and seal it."""
    (path,) = wave.settings.snapshot_dir.rglob(CELLS)
    cells = pd.read_parquet(path)
    row = int(np.flatnonzero((cells["area"] == "310000") & cells["shown"])[0])
    reasons = np.array(cells["reason"].cat.codes, dtype=np.int8)
    reasons[row] = 1
    draft = SnapshotDraft(wave.settings)
    draft.write(path, parquet_bytes(apply_suppression(cells, reasons)))
    with session_scope(wave.settings.store_url) as session:
        draft.seal(session, whole=path.parent, actor=OPERATOR, now=now())
        draft.install()
    return tuple(cells.loc[row, list(CELL_KEYS)].astype(str))


def compute_again(wave: SmallWave, how: str) -> None:
    if how == "freeze":
        freeze_wave(wave.settings, wave_key=wave.key, actor=OPERATOR)
        return
    with session_scope(wave.settings.store_url) as session:
        recompute_wave(work_of(session, OPERATOR, now(), settings=wave.settings), wave_key=wave.key)


@pytest.mark.parametrize("how", ["freeze", "recompute"])
@pytest.mark.parametrize("is_revoked", [False, True])
def test_what_a_released_wave_hid_stays_hidden(wave: SmallWave, how: str, is_revoked: bool) -> None:
    hidden = hide_a_cell(wave)
    release(wave)
    if is_revoked:
        with session_scope(wave.settings.store_url) as session:
            revoke_release(
                work_of(session, OPERATOR, now()), wave_key=wave.key, reason="for a test of it"
            )
    before = shown_cells(wave)
    assert not before[hidden]
    compute_again(wave, how)
    assert shown_cells(wave) == before


def test_what_was_hidden_is_not_forgotten_where_later_tables_lack_it(wave: SmallWave) -> None:
    hidden = hide_a_cell(wave)
    release(wave)
    compute_again(wave, "freeze")
    newest = max(wave.settings.snapshot_dir.rglob(CELLS), key=lambda path: path.parent.name)
    cells = pd.read_parquet(newest)
    lacks = (cells[list(CELL_KEYS)].astype(str) == list(hidden)).all(axis=1)
    draft = SnapshotDraft(wave.settings)
    draft.write(newest, parquet_bytes(cells[~lacks].reset_index(drop=True)))
    with session_scope(wave.settings.store_url) as session:
        draft.seal(session, whole=newest.parent, actor=OPERATOR, now=now())
        draft.install()
    assert hidden not in shown_cells(wave)
    compute_again(wave, "freeze")
    assert not shown_cells(wave)[hidden]


def test_a_wave_that_nobody_has_seen_is_computed_freely(wave: SmallWave) -> None:
    hidden = hide_a_cell(wave)
    with read_scope(wave.settings.store_url) as session:
        assert not was_public(session, wave.read(session))
    compute_again(wave, "recompute")
    assert shown_cells(wave)[hidden]


def test_an_earlier_snapshot_keeps_its_files(wave: SmallWave) -> None:
    (path,) = wave.settings.snapshot_dir.rglob(CELLS)
    before = {each.name: each.read_bytes() for each in path.parent.iterdir()}
    compute_again(wave, "freeze")
    assert {each.name: each.read_bytes() for each in path.parent.iterdir()} == before
    with read_scope(wave.settings.store_url) as session:
        folders = session.exec(select(Snapshot.directory)).all()
    assert len(set(folders)) == 2
    assert all((wave.settings.snapshot_dir / folder / CELLS).exists() for folder in folders)


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_freeze_whose_commit_is_not_answered_keeps_what_the_store_names(
    wave: SmallWave, monkeypatch: pytest.MonkeyPatch, is_committed: bool
) -> None:
    """The connection breaks while the database commits: nobody says whether it did."""
    run = run_in_transaction

    def broken(url: str, work: object, **rest: object) -> None:
        def fail(session: object) -> None:
            work(session)  # type: ignore[operator]
            if not is_committed:
                raise OperationalError("COMMIT", {}, RuntimeError("the connection is gone"))

        run(url, fail, **rest)  # type: ignore[arg-type]
        raise OperationalError("COMMIT", {}, RuntimeError("the connection is gone"))

    monkeypatch.setattr(freezing, "run_in_transaction", broken)
    with pytest.raises(Exception, match=r"gone|cannot save"):
        freeze_wave(wave.settings, wave_key=wave.key, actor=OPERATOR)
    with read_scope(wave.settings.store_url) as session:
        named = set(session.exec(select(Snapshot.directory)))
    there = {
        str(path.parent.relative_to(wave.settings.snapshot_dir))
        for path in wave.settings.snapshot_dir.rglob(CELLS)
    }
    assert there == named
    assert len(named) == 1 + is_committed
    assert shown_cells(wave)
