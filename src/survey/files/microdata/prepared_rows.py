"""Released rows of a whole wave, kept beside its snapshot under a key of all they are made of.

Rows of the whole nation differ from export to export in nothing but the names of rows and points.
The freeze, or else the first export, therefore keeps them under their true ids, readable as the
snapshot is; whoever has that file has the snapshot. It is used only while all that it was made of
is the same (`preparation_key`) and while it is the file that the audit trail names.
"""

import hashlib
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple, replace
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from sqlalchemy import select
from sqlmodel import Session

import survey
from survey.access.audit import record
from survey.access.principal import Principal
from survey.files.microdata.pseudonyms import NAME_BYTES, Pseudonyms
from survey.files.microdata.released_rows import (
    RELEASE_STEPS,
    HeadlineDeviation,
    ReleasedWave,
    as_arrow,
)
from survey.files.microdata.variables import CodedValue, Variable
from survey.locale import LANGUAGES
from survey.settings import PROJECT_ROOT
from survey.snapshots.seals import find_seals, list_details, read_sealed
from survey.snapshots.snapshot_files import (
    MANIFEST,
    content_sha256,
    read_manifest,
    replace_file,
    response_hashes,
)
from survey.store.audit_events import AuditEvent
from survey.store.tables import (
    CityTarget,
    IndicatorTreeVersion,
    InstrumentVersion,
    Wave,
    WavePlan,
    table_of,
)

_PACKAGE = Path(survey.__file__).parent
SOURCES = (
    "disclosure", "estimate", "figures/__init__.py", "figures/views", "files/__init__.py",
    "files/microdata", "frame", "locale", "questionnaire", "results", "snapshots", "store",
    "__init__.py", "records.py", "settings.py", "spreadsheets.py",
)  # fmt: skip
"""Parts of the package that rows and their labels are made with."""
SEEDS = ("seed/*.csv", "seed/instruments/*.csv")
_SUFFIXES = frozenset({".py", ".csv", ".mo"})
_LIBRARIES = ("highspy", "numpy", "pandas", "pyarrow", "scipy")
_WAVES, _PLANS, _TARGETS = table_of(Wave), table_of(WavePlan), table_of(CityTarget)
_INSTRUMENTS, _TREES = table_of(InstrumentVersion), table_of(IndicatorTreeVersion)


def preparation_key(session: Session, wave: Wave, folder: Path) -> str | None:
    """Return a hash of all that prepared rows depend on; None if a snapshot has no stored hashes.

    Raises:
        SnapshotDamagedError: manifest or responses are not those that were sealed.
    """
    seals = find_seals(session, f"{folder.parent.name}/{folder.name}")
    if seals is None:
        return None
    manifest = read_manifest(folder)
    responses = response_hashes(folder, manifest)
    for name in (MANIFEST, *responses):
        read_sealed(folder / name, seals)
    made_of = {
        "software": hash_software(),
        "libraries": [platform.python_version(), *map(version, _LIBRARIES)],
        # Without its list of all files, which grows when another wave is compared with this one.
        "manifest": manifest.model_dump(mode="json", exclude={"files"}),
        "responses": responses,
        "rules": list(_iter_rules(session, wave)),
    }
    return _hash(orjson.dumps(made_of, default=str, option=orjson.OPT_SORT_KEYS))


def _iter_rules(session: Session, wave: Wave) -> Iterator[Any]:
    """Yield what rows depend on in the store: wave, questionnaire, tree, factors of the plan."""
    yield [wave.id, wave.key, wave.series, wave.composite]
    factors = (_PLANS.c.elderly_factor, _PLANS.c.guardian_factor)
    shares = (_TARGETS.c.city_code, _TARGETS.c.guardian_share)
    for query in (
        select(_INSTRUMENTS.c.document).where(_INSTRUMENTS.c.id == wave.instrument_id),
        select(_TREES.c.document).where(_TREES.c.id == wave.tree_id),
        select(*factors).where(_PLANS.c.wave_id == wave.id),
        select(*shares).where(_TARGETS.c.wave_id == wave.id).order_by(_TARGETS.c.city_code),
    ):
        rows = session.connection().execute(query)
        yield [[_hash(v) if isinstance(v, bytes) else v for v in row] for row in rows]


@lru_cache(maxsize=1)
def hash_software() -> str:
    """Return one hash of the source files that rows are made with; cached for the process."""
    lines = (
        f"{path.relative_to(PROJECT_ROOT)} {_hash(path.read_bytes())}\n" for path in list_sources()
    )
    return _hash("".join(lines).encode())


def is_software_unchanged() -> bool:
    """Return whether no source file of rows was replaced since this process started.

    A service that runs on while its files are replaced would keep rows of the old rules as rows of
    the new. A file's time of change is that of its replacement, whatever age it was given.
    """
    return all(path.stat().st_ctime < survey.STARTED_AT for path in list_sources())


def list_sources() -> list[Path]:
    """Return the paths of files that rows are made with: code, catalogues and seed tables."""
    found = [path for pattern in SEEDS for path in PROJECT_ROOT.glob(pattern)]
    for name in SOURCES:
        path = _PACKAGE / name
        found += [path] if path.is_file() else path.rglob("*.*")
    return sorted(path for path in found if path.suffix in _SUFFIXES)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


PREPARED_ROWS = ".prepared-rows.arrow"
"""File in the folder of a snapshot; backups leave out what begins with a dot."""
MAX_PREPARED_ROWS = 250_000
"""Rows of a wave that one process holds at once."""
_FACTS = b"released"
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")


class PreparedRows:
    """Rows of one wave for the whole nation, kept beside its snapshot or made now."""

    def __init__(
        self,
        session: Session,
        wave: Wave,
        folder: Path,
        made: tuple[ReleasedWave, str] | None = None,
    ) -> None:
        self._session, self._wave, self._folder = session, wave, folder
        self._directory = f"{folder.parent.name}/{folder.name}"
        self.made = made
        """Rows that were made now, with their key; None: they cannot be kept, or are."""

    def release(self, pseudonyms: Pseudonyms, step: Callable[[], None]) -> ReleasedWave:
        """Return the rows, kept or made now, with a new file's pseudonyms; call `step` on progress.

        Args:
            step: called as by `release_wave`.

        Raises:
            SnapshotDamagedError: the responses are not those that were frozen.
        """
        rows = self._find()
        if rows is None:
            rows = self._make(step)
        else:
            for _ in range(RELEASE_STEPS):
                step()
        return name_rows(rows, pseudonyms)

    def make_missing(self) -> None:
        """Make the rows, for `keep` to write, unless a valid file of them exists."""
        if self._find() is None:
            self._make(lambda: None)

    def keep(self, *, actor: Principal, now: datetime) -> None:
        """Write the rows just made beside the snapshot; record their hash in the audit trail."""
        if self.made is None or not is_software_unchanged():
            return
        rows, key = self.made
        if key != self._compute_key():
            return
        data = _format(rows)
        # Rows that cannot be kept are made again; the export does not need the file.
        with suppress(OSError):
            replace_file(self._folder / PREPARED_ROWS, data)
            record(
                session=self._session,
                actor=actor,
                event=AuditEvent.ROWS_PREPARED,
                subject_id=self._directory,
                now=now,
                detail={"key": key, "sha256": content_sha256(data)},
            )

    def _find(self) -> ReleasedWave | None:
        """Return the rows kept beside the snapshot; None without a file or if it is outdated."""
        try:
            data = (self._folder / PREPARED_ROWS).read_bytes()
        except OSError:
            return None
        details = list_details(self._session, AuditEvent.ROWS_PREPARED, self._directory, most=1)
        if not details or details[0]["sha256"] != content_sha256(data):
            return None
        return _parse(data) if details[0]["key"] == self._compute_key() else None

    def _make(self, step: Callable[[], None]) -> ReleasedWave:
        # Not at the top: rows that were kept are written without what they were made with.
        from survey.files.microdata.rows_in_parts import release_wave

        key = self._compute_key()
        rows = release_wave(
            self._session,
            self._wave,
            self._folder,
            covers=lambda _city: True,
            pseudonym=lambda _kind, true_name: true_name,
            languages=LANGUAGES,
            step=step,
        )
        rows = replace(rows, table=as_arrow(rows.table))
        self.made = None if key is None else (rows, key)
        return rows

    def _compute_key(self) -> str | None:
        return preparation_key(self._session, self._wave, self._folder)


def name_rows(rows: ReleasedWave, pseudonyms: Pseudonyms) -> ReleasedWave:
    """Return rows with pseudonyms in place of ids of rows and points, sorted by pseudonym."""
    table = as_arrow(rows.table)
    names = pseudonyms.make_names("row", table.column("row").to_pylist())
    points = table.column("psu").to_pylist()
    known = [point for point in set(points) if point is not None]
    name_of = dict(zip(known, pseudonyms.make_names("psu", known), strict=True))
    table = _with_names(table, "row", names)
    if name_of:
        table = _with_names(table, "psu", [name_of.get(point) for point in points])
    # Bytes of one length, so that their order is that of the texts.
    order = np.array(names, dtype=f"S{NAME_BYTES}").argsort(kind="stable")
    return replace(rows, table=table.take(_array(pa.int64(), len(order), None, order)))


def _with_names(table: pa.Table, column: str, names: Sequence[bytes | None]) -> pa.Table:
    """Return the table with `names` in hexadecimal as its `column`; a name of None is null."""
    is_known = np.array([name is not None for name in names])
    ends = np.cumsum(is_known * 2 * NAME_BYTES, dtype=np.int64)
    content = b"".join(name for name in names if name is not None).hex().encode("ascii")
    values = _array(
        pa.large_string(),
        len(names),
        None if is_known.all() else np.packbits(is_known, bitorder="little"),
        np.concatenate(([0], ends)),
        content,
    )
    place = table.schema.get_field_index(column)
    field = table.schema.field(place)
    return table.set_column(
        place, field, values if field.type == values.type else values.cast(field.type)
    )


def _array(kind: pa.DataType, length: int, *buffers: Any) -> pa.Array:
    """Return an Arrow array of raw buffers, which avoids the import of pandas."""
    made = [None if buffer is None else pa.py_buffer(buffer) for buffer in buffers]
    return pa.Array.from_buffers(kind, length, made)


def _format(rows: ReleasedWave) -> bytes:
    """Return rows as an Arrow file; its metadata are variables, counts and score deviation."""
    facts = {
        "variables": {
            language: [
                [each.column, each.name, each.label, each.scale, [astuple(v) for v in each.values]]
                for each in variables
            ]
            for language, variables in rows.variables.items()
        },
        **rows.as_counts(),
        "deviation": astuple(rows.deviation),
    }
    table = as_arrow(rows.table)
    metadata = {**(table.schema.metadata or {}), _FACTS: orjson.dumps(facts)}
    table = table.replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=_COMPRESSED) as file:
        file.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _parse(data: bytes) -> ReleasedWave:
    """Return the rows in an Arrow file written by `_format`; their variables have no `item`."""
    with pa.ipc.open_file(data) as file:
        table = file.read_all()
    metadata = dict(table.schema.metadata)
    facts = orjson.loads(metadata.pop(_FACTS))
    variables = {
        language: tuple(
            Variable(column, name, label, scale, tuple(CodedValue(*value) for value in values))
            for column, name, label, scale, values in described
        )
        for language, described in facts.pop("variables").items()
    }
    deviation = HeadlineDeviation(*facts.pop("deviation"))
    return ReleasedWave(table.replace_schema_metadata(metadata), variables, deviation, **facts)
