"""Checks of the data folder: presence, permissions, disk space, snapshots."""

import shutil
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlmodel import select

from survey.access.work import operator_work
from survey.locale import Message, SurveyError, msg
from survey.operations import Findings, named
from survey.release.mended_reports import list_mended_reports
from survey.results.snapshots import CELLS, GAPS, METHOD, list_current_snapshots
from survey.results.table_cache import read_method
from survey.results.whole_audits import list_released_problems
from survey.settings import Settings
from survey.snapshots.seals import SnapshotSeals, open_seals
from survey.snapshots.snapshot_files import UNFINISHED, check_snapshot
from survey.store.engine import read_scope
from survey.store.private_files import find_exposed_paths, list_unfinished_work
from survey.store.tables import Snapshot

MIN_FREE_BYTES = 2 << 30
"""Bytes for the write-ahead log and the snapshot of a full wave."""


@named(msg("Data folder"))
def check_data_folder(settings: Settings) -> Findings:
    """Yield results on whether the data folder exists and is writable."""
    folder = settings.data_dir
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        detail = msg(
            "{folder} cannot be written ({reason}); make it, and give it to the account that "
            "serves.",
            folder=folder,
            reason=error.strerror,
        )
        yield False, detail
    else:
        yield True, msg("{folder} can be written", folder=folder)


@named(msg("Rights"))
def check_rights(settings: Settings) -> Findings:
    """Yield as a result whether answers and keys are closed to other accounts of the machine."""
    exposed = list(find_exposed_paths(settings))
    if exposed:
        detail = msg(
            "Others on this machine may read {count} files and folders, for example {path}; run "
            "survey init as the account that serves.",
            count=len(exposed),
            path=exposed[0],
        )
        yield False, detail
    else:
        yield True, msg("store and snapshots are readable by their owner only")


@named(msg("Unfinished work"))
def check_unfinished_work(settings: Settings) -> Findings:
    """Yield a failure for each path with answers left by a killed restore, archive or backup."""
    for path in list_unfinished_work(settings.data_dir):
        detail = msg(
            "{path} was left by a restore, an archive or a backup that was cut off, and may hold "
            "answers. A running server removes it within an hour; else remove it.",
            path=path,
        )
        yield False, detail


@named(msg("Disk"))
def check_disk_space(settings: Settings) -> Findings:
    """Yield as a result whether the disk of the data folder has `MIN_FREE_BYTES` free."""
    folder = settings.data_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    shown = round(free / (1 << 30), 1)
    detail = (
        msg("{free} GB free", free=shown)
        if free >= MIN_FREE_BYTES
        else msg(
            "Only {free} GB free where {folder} is; interviews are refused when it is full. "
            "Remove old files, or give it a larger disk.",
            free=shown,
            folder=settings.data_dir,
        )
    )
    yield free >= MIN_FREE_BYTES, detail


@named(msg("Snapshots"))
def check_snapshots(settings: Settings) -> Findings:
    """Yield results on waves' current snapshots: changed files, stray folders, no checksums."""
    with read_scope(settings.store_url) as session:
        current = [(wave.key, row) for wave, row in list_current_snapshots(session)]
        known = set(session.exec(select(Snapshot.directory)))
        seals = {row.directory: open_seals(settings, session, row.directory) for _, row in current}
    faults = [(key, _find_snapshot_fault(seals[row.directory], row)) for key, row in current]
    for key, fault in faults:
        if fault is not None:
            detail = msg(
                "{wave}: {fault} Put the folder back from a backup, or from the machine that froze "
                "the wave (all replicas share this folder), or run: survey freeze --wave {wave}",
                wave=key,
                fault=fault,
            )
            yield False, detail
    yield from _find_leftover_folders(settings.snapshot_dir, known)
    for key, row in current:
        if not seals[row.directory].is_sealed:
            detail = msg(
                "{wave}: not sealed, because it was frozen before files were; a change of them "
                "would not be noticed. Run: survey recompute --wave {wave}",
                wave=key,
            )
            yield False, detail
    whole = list(dict.fromkeys(key for key, fault in faults if fault is None))
    if whole or not faults:
        yield True, msg("frozen waves: {keys}", keys=", ".join(whole) or "-")


@named(msg("What released figures tell"))
def check_whole_audits(settings: Settings) -> Findings:
    """Yield results on whether an audit found hidden counts of released waves known too closely."""
    with read_scope(settings.store_url) as session:
        problems = [
            (wave.key, wave.is_demo, problem)
            for wave, problem in list_released_problems(operator_work(session, settings))
        ]
    for key, is_demo, problem in problems:
        # The people of a demonstration are made up.
        detail = msg(
            "{problem} To audit: survey disclosure audit --wave {wave} --all. A correction or a "
            "retraction is for the people of the release desk to decide.",
            problem=problem,
            wave=key,
        )
        yield is_demo, detail
    if not problems:
        yield True, msg("every hidden count of released waves was audited")


@named(msg("What released reports say"))
def check_mended_reports(settings: Settings) -> Findings:
    """Yield results on released waves whose reports have sentences that were corrected later."""
    with read_scope(settings.store_url) as session:
        found = [
            (wave.is_demo, told)
            for wave, told in list_mended_reports(operator_work(session, settings))
        ]
    # The people of a demonstration are made up.
    yield from found
    if not found:
        yield True, msg("no sentence that was mended since")


def _find_leftover_folders(root: Path, known: set[str]) -> Findings:
    """Yield a finding for each snapshot folder that the store does not name."""
    for folder in sorted(path for path in root.glob("*/*") if path.is_dir()):
        if folder.name == UNFINISHED:
            detail = msg(
                "{folder} holds what a freeze had read when it was cut off. The next freeze of the "
                "wave goes on from there; else it is removed after a day.",
                folder=folder,
            )
            yield True, detail
        elif str(folder.relative_to(root)) not in known:
            detail = msg(
                "{folder} belongs to no snapshot of the store. Unless a wave is being frozen at "
                "this moment, it was left by a freeze that was cut off; remove it.",
                folder=folder,
            )
            yield False, detail


def _find_snapshot_fault(seals: SnapshotSeals, row: Snapshot) -> Message | None:
    """Return what is wrong with a snapshot's files by their checksums; None if nothing."""
    folder = seals.folder
    try:
        if check_snapshot(folder).responses_sha256 != row.sha256:
            return msg("The folder {folder} holds another snapshot.", folder=folder)
        present = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
        for name in sorted(present | set(seals.seals or {})):
            seals.read(name)
        read_method(folder / METHOD)
        for table in sorted({folder / CELLS, folder / GAPS, *folder.glob("*.parquet")}):
            pq.read_metadata(table)
    except SurveyError as error:
        return error.message
    except (OSError, pa.ArrowException) as error:
        return msg("A table cannot be read ({reason}).", reason=error)
    return None
