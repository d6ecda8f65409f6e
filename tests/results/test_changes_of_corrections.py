"""Changes beside a correction: each pair of snapshots has its own, and none is read too early."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlmodel import col, select

from survey.access.principal import OPERATOR
from survey.operations.data_folder import check_snapshots
from survey.results import WaveResults, change_files, list_waves, open_results, tables
from survey.results.freeze import FrozenWave, freeze_wave
from survey.results.recompute import recompute_wave
from survey.results.release import find_current_release, revoke_release
from survey.results.snapshots import (
    CELLS,
    get_newest_snapshot,
    get_shown_snapshot,
    list_published_snapshots,
)
from survey.results.wave_results import ChangeNotComputedError, WaveInfo, open_snapshot
from survey.results.whole_audits import audit_wave
from survey.settings import Settings
from survey.snapshots.seals import SnapshotDraft, find_seals
from survey.snapshots.snapshot_files import FreezeOptions, parquet_bytes
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    Publication,
    PublicationState,
    Response,
    Shown,
    Snapshot,
    Status,
)
from tests.error_codes import raises_code
from tests.small_waves import KEY, SmallWave, add_wave, small_instrument, small_tree, small_wave
from tests.small_waves import store_people as store_interviews
from tests.work_of import work_of

LATER = "small-2027"
NOW = datetime(2027, 12, 1, tzinfo=UTC)
CITIES = {"110000": 30, "310000": 30}


@pytest.fixture(scope="module", autouse=True)
def light() -> Iterator[None]:
    """Freeze only what a comparison reads: the cells."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_write_gaps", lambda *_: pd.DataFrame())
        patch.setattr(tables, "_iter_tables", lambda *_: ())
        yield


@pytest.fixture(scope="module")
def template(light: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two waves of a series that are frozen, released and stand at the register."""
    folder = tmp_path_factory.mktemp("corrections") / "data"
    wave = small_wave(folder, instrument=small_instrument(few_groups=True), tree=small_tree())
    store_interviews(wave, CITIES)
    later = add_wave(wave, LATER, 2027)
    store_interviews(later, CITIES)
    for each in (wave, later):
        freeze_wave(
            wave.settings,
            wave_key=each.key,
            actor=OPERATOR,
            options=FreezeOptions(final=True, release=True),
        )
        register(each)
    dispose_engines()
    return folder


@pytest.fixture
def earlier(template: Path, tmp_path: Path) -> Iterator[SmallWave]:
    shutil.copytree(template, tmp_path / "data")
    yield SmallWave(Settings(database_url="", data_dir=tmp_path / "data", _env_file=None))
    dispose_engines()


@pytest.fixture
def later(earlier: SmallWave) -> SmallWave:
    return replace(earlier, key=LATER)


def register(wave: SmallWave) -> None:
    """The newest results stand at the register of releases; what stood there is corrected."""
    with session_scope(wave.settings.store_url) as session:
        row, newest = get_newest_snapshot(session, wave.key)
        known = session.exec(select(Publication).where(Publication.wave_id == row.id)).all()
        for each in known:
            each.state = PublicationState.CORRECTED
            session.add(each)
        session.flush()
        session.add(
            Publication(
                key=f"{wave.key}-{len(known) + 1}",
                wave_id=row.id,
                title_zh="测评",
                title_en="Survey",
                state=PublicationState.PUBLISHED,
                shown=Shown.SCORES,
                contact="Lin",
                embargo_until=NOW,
                snapshot_id=newest.id,
                archive_sha256="",
                first_signed_at=NOW,
                second_signed_at=NOW,
                one_person="test",
                published_at=NOW + timedelta(minutes=len(known)),
            )
        )


def void_some(wave: SmallWave) -> None:
    """Other interviews in the next results, as no way in the software leads to."""
    with session_scope(wave.settings.store_url) as session:
        connection = session.connection()
        guards = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'response'"
        for (name,) in connection.exec_driver_sql(guards).all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        query = select(Response).where(
            Response.wave_id == wave.read(session).id, Response.status == Status.FROZEN
        )
        for response in session.exec(query.order_by(col(Response.id)).limit(3)).all():
            response.status = Status.VOID
            session.add(response)


def freeze(wave: SmallWave) -> FrozenWave:
    return freeze_wave(
        wave.settings, wave_key=wave.key, actor=OPERATOR, options=FreezeOptions(final=True)
    )


def opened(wave: SmallWave, *, newest: bool = False) -> WaveResults:
    with read_scope(wave.settings.store_url) as session:
        if newest:
            snapshot = get_newest_snapshot(session, wave.key)
            return open_snapshot(wave.settings, session, *snapshot)
        return open_results(wave.settings, session, wave.key)


def rows_of(results: WaveResults, before: WaveInfo) -> pd.DataFrame:
    return results.changes(OPERATOR, before=before, group="all", indicator="composite")


def shown_changes(earlier: SmallWave, later: SmallWave) -> pd.DataFrame:
    """What readers are shown: the change of the later wave from the earlier one."""
    with read_scope(earlier.settings.store_url) as session:
        infos = {info.key: info for info in list_waves(earlier.settings, session)}
    return rows_of(opened(later), infos[earlier.key])


def files_of(wave: SmallWave, directory: str) -> dict[str, bytes]:
    folder = wave.settings.snapshot_dir / directory
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def shown_directory(wave: SmallWave) -> str:
    with read_scope(wave.settings.store_url) as session:
        return get_shown_snapshot(session, wave.key)[1].directory


def score(wave: SmallWave, *, newest: bool) -> float:
    cells = opened(wave, newest=newest).cells(
        OPERATOR, area_level="nation", group="all", indicator="composite"
    )
    return float(cells["estimate"].iloc[0])


def test_a_correction_that_is_not_public_writes_nothing_into_a_public_folder(
    earlier: SmallWave, later: SmallWave
) -> None:
    public = [shown_directory(wave) for wave in (earlier, later)]
    before = [files_of(earlier, directory) for directory in public]
    with read_scope(earlier.settings.store_url) as session:
        seals = [find_seals(session, directory) for directory in public]
    void_some(earlier)
    again = freeze(earlier)
    assert again.directory not in public
    assert [files_of(earlier, directory) for directory in public] == before
    with read_scope(earlier.settings.store_url) as session:
        assert [find_seals(session, directory) for directory in public] == seals


@pytest.mark.usefixtures("other_numbers")
def test_nobody_reads_numbers_of_a_correction_before_its_minute(
    earlier: SmallWave, later: SmallWave
) -> None:
    """The same interviews frozen again have the same hash; their changes are other ones."""
    before = shown_changes(earlier, later)
    freeze(earlier)
    pd.testing.assert_frame_equal(shown_changes(earlier, later), before)
    register(earlier)
    after = shown_changes(earlier, later)
    assert (after["difference"] - before["difference"]).round(1).eq(3.0).all()


def test_each_of_the_four_pairs_has_its_own_change(earlier: SmallWave, later: SmallWave) -> None:
    for wave in (earlier, later):
        void_some(wave)
        freeze(wave)
    for new_before in (False, True):
        for new_after in (False, True):
            start, end = opened(earlier, newest=new_before), opened(later, newest=new_after)
            rows = rows_of(end, start.wave)
            nation = rows[rows["area_level"] == "nation"].iloc[0]
            assert nation["before"] == score(earlier, newest=new_before)
            assert nation["after"] == score(later, newest=new_after)
    assert score(earlier, newest=True) != score(earlier, newest=False)
    assert score(later, newest=True) != score(later, newest=False)


@pytest.mark.parametrize("first", ["earlier", "later"])
def test_published_corrections_bring_their_changes_and_nothing_is_computed_then(
    earlier: SmallWave, later: SmallWave, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wave in (earlier, later):
        void_some(wave)
        freeze(wave)
    monkeypatch.setattr(change_files, "estimate_changes", None)
    for wave in (earlier, later) if first == "earlier" else (later, earlier):
        register(wave)
        nation = shown_changes(earlier, later).iloc[0]
        assert nation["before"] == score(earlier, newest=False)
        assert nation["after"] == score(later, newest=False)
    assert score(earlier, newest=False) == score(earlier, newest=True)


def test_results_that_fall_back_after_a_retraction_have_their_change(
    earlier: SmallWave, later: SmallWave
) -> None:
    """Nothing stands at the register any more: whoever may see the wave sees the newest."""
    void_some(earlier)
    freeze(earlier)
    with session_scope(earlier.settings.store_url) as session:
        wave = earlier.read(session)
        standing = session.exec(select(Publication).where(Publication.wave_id == wave.id)).one()
        standing.state = PublicationState.RETRACTED
        session.add(standing)
        assert find_current_release(session, wave.id) is not None
        revoke_release(work_of(session, OPERATOR, NOW), wave_key=KEY, reason="was wrong")
    nation = shown_changes(earlier, later).iloc[0]
    assert nation["before"] == score(earlier, newest=True)


def test_published_is_what_stands_at_the_register_of_a_released_wave(
    earlier: SmallWave, later: SmallWave
) -> None:
    """The one list behind what readers see and what a recomputation must not change."""

    def list_published() -> list[tuple[str, str]]:
        with read_scope(earlier.settings.store_url) as session:
            pairs = list_published_snapshots(session)
            return [(release.key, snapshot.directory) for release, snapshot in pairs]

    first, second = [(f"{wave.key}-1", shown_directory(wave)) for wave in (earlier, later)]
    assert list_published() == [first, second]
    again = freeze(earlier)
    assert list_published() == [first, second]
    register(earlier)
    assert list_published() == [(f"{KEY}-2", again.directory), second]
    with session_scope(earlier.settings.store_url) as session:
        taken_back = session.exec(select(Publication).where(Publication.key == second[0])).one()
        taken_back.state = PublicationState.RETRACTED
        session.add(taken_back)
    assert list_published() == [(f"{KEY}-2", again.directory)]


def test_an_old_release_keeps_the_changes_it_was_built_with(
    earlier: SmallWave, later: SmallWave
) -> None:
    with read_scope(earlier.settings.store_url) as session:
        old = [get_newest_snapshot(session, wave.key)[1].id for wave in (earlier, later)]
    before = shown_changes(earlier, later)
    for wave in (earlier, later, earlier, later):
        void_some(wave)
        freeze(wave)
        register(wave)
    with read_scope(earlier.settings.store_url) as session:
        start, end = (
            open_snapshot(
                wave.settings, session, wave.read(session), session.get_one(Snapshot, snapshot)
            )
            for wave, snapshot in zip((earlier, later), old, strict=True)
        )
    pd.testing.assert_frame_equal(rows_of(end, start.wave), before)


@pytest.mark.slow
@pytest.mark.usefixtures("other_numbers")
def test_a_recomputation_writes_each_pair_where_it_lies(
    earlier: SmallWave, later: SmallWave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A correction's changes stay in its own folder, also when the public wave is computed anew."""
    void_some(earlier)
    again = freeze(earlier)
    public = shown_directory(later)

    def list_files() -> list[set[str]]:
        own = {name for name in files_of(earlier, again.directory) if name.startswith("changes-")}
        return [own, set(files_of(later, public))]

    def recompute(wave: SmallWave) -> None:
        with session_scope(earlier.settings.store_url) as session:
            recompute_wave(
                work_of(session, OPERATOR, NOW, settings=earlier.settings), wave_key=wave.key
            )

    files, before, coming = list_files(), shown_changes(earlier, later), read_coming(earlier, later)
    for wave in (later, earlier):
        with raises_code("published_figures_changed", match="small-2027-1"):
            recompute(wave)
        pd.testing.assert_frame_equal(shown_changes(earlier, later), before)
    monkeypatch.undo()
    for wave in (later, earlier):
        recompute(wave)
    assert list_files() == files
    pd.testing.assert_frame_equal(shown_changes(earlier, later), before)
    moved = coming["difference"] - read_coming(earlier, later)["difference"]
    assert moved.round(1).eq(3.0).all(), "nobody reads the correction before its minute"


def read_coming(earlier: SmallWave, later: SmallWave) -> pd.DataFrame:
    """Return the changes from the correction that is not published yet."""
    return rows_of(opened(later), opened(earlier, newest=True).wave)


def test_a_pair_that_was_never_computed_is_said(earlier: SmallWave, later: SmallWave) -> None:
    """Nothing is read under the name of other results of the same interviews."""
    freeze(earlier)
    again = opened(earlier, newest=True).wave
    for path in (earlier.settings.snapshot_dir / again.directory).glob("changes-*"):
        path.unlink()
    with pytest.raises(ChangeNotComputedError, match="survey recompute"):
        rows_of(opened(later), again)


def test_what_readers_see_is_audited_and_checked_beside_the_newest(earlier: SmallWave) -> None:
    freeze(earlier)
    with session_scope(earlier.settings.store_url) as session:
        audit_wave(work_of(session, OPERATOR, settings=earlier.settings), wave_key=KEY)
    with read_scope(earlier.settings.store_url) as session:
        query = select(AuditEntry.detail).where(AuditEntry.action == "wave.intervals_audited")
        seals = [detail["seal_sha256"] for detail in session.exec(query)]
    infos = [opened(earlier, newest=newest).wave for newest in (True, False)]
    # A freeze that reached every hidden count has entered an audit as well, before these.
    assert seals[-2:] == [info.seal_sha256 for info in infos]
    (earlier.settings.snapshot_dir / shown_directory(earlier) / CELLS).write_bytes(b"")
    faults = [check for check in check_snapshots(earlier.settings) if not check.passed]
    assert any(CELLS in str(check.detail) for check in faults)


def test_a_change_is_not_read_backwards(earlier: SmallWave, later: SmallWave) -> None:
    """One file is about both waves: asked for the other way round it would have the wrong sign."""
    freeze(earlier)
    for newest in (False, True):
        with pytest.raises(ChangeNotComputedError, match="other way round"):
            rows_of(opened(earlier, newest=newest), opened(later).wave)


def test_what_a_public_change_hid_stays_hidden(earlier: SmallWave, later: SmallWave) -> None:
    """Two sets of changes that hide different ones could tell those together."""
    directory = shown_directory(later)
    (path,) = (earlier.settings.snapshot_dir / directory).glob("changes-*")
    table = pd.read_parquet(path)
    asked = (table["area_level"] == "nation") & (table["group"] == "all")
    assert table.loc[asked, "shown"].all()
    hide_in_file(later, path, table, asked)
    freeze(earlier)
    register(earlier)
    rows = shown_changes(earlier, later)
    nation = rows[rows["area_level"] == "nation"].iloc[0]
    assert not nation["shown"]
    assert pd.isna(nation["difference"])
    assert rows.loc[rows["area_level"] != "nation", "shown"].any()


def hide_in_file(wave: SmallWave, path: Path, table: pd.DataFrame, rows: pd.Series) -> None:
    """As a gate of other rules had written it, sealed."""
    hidden = table.assign(shown=table["shown"] & ~rows)
    draft = SnapshotDraft(wave.settings)
    draft.write(path, parquet_bytes(hidden))
    with session_scope(wave.settings.store_url) as session:
        draft.seal(session, whole=path.parent, actor=OPERATOR, now=NOW)
        draft.install()
