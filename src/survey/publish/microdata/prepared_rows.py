"""Released rows of a whole wave, kept beside its snapshot for the next export of it.

Rows of the whole nation differ from export to export in nothing but the names of rows and points.
The freeze, or else the first export, therefore keeps them under their true ids, readable as the
snapshot is; whoever has that file has the snapshot. It is used only while all that it was made of
is the same (`preparation_key`) and while it is the file that the audit trail names.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import astuple, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from sqlalchemy import select
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import Principal
from survey.locale import LANGUAGES
from survey.publish.microdata.preparation_key import is_software_unchanged, preparation_key
from survey.publish.microdata.pseudonyms import NAME_BYTES, Pseudonyms
from survey.publish.microdata.released_rows import (
    RELEASE_STEPS,
    HeadlineDeviation,
    ReleasedWave,
    as_arrow,
)
from survey.publish.microdata.variables import CodedValue, Variable
from survey.snapshot.snapshot_files import content_sha256, replace_file
from survey.store.audit_events import AuditEvent
from survey.store.tables import AuditEntry, Wave, table_of

PREPARED_ROWS = ".prepared-rows.arrow"
"""File in the folder of a snapshot; backups leave out what begins with a dot."""
MAX_PREPARED_ROWS = 250_000
"""Rows of a wave that one process holds at once."""
_FACTS = b"released"
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")
_ENTRIES = table_of(AuditEntry)


class PreparedRows:
    """Rows of one wave for the whole nation, from the file beside its snapshot or made now."""

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
        """Return the rows under new names.

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
        """Make the rows unless there is a file of them that may be used."""
        if self._find() is None:
            self._make(lambda: None)

    def keep(self, *, actor: Principal, now: datetime) -> None:
        """Keep rows that were made now, and record their file in the trail."""
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
        """Return the rows of the file; None if there is none, or it may not be used."""
        try:
            data = (self._folder / PREPARED_ROWS).read_bytes()
        except OSError:
            return None
        query = (
            select(_ENTRIES.c.detail)
            .where(
                _ENTRIES.c.subject_id == self._directory,
                _ENTRIES.c.action == AuditEvent.ROWS_PREPARED,
            )
            .order_by(_ENTRIES.c.sequence.desc())
            .limit(1)
        )
        kept = self._session.connection().execute(query).scalar_one_or_none()
        if kept is None or kept["sha256"] != content_sha256(data):
            return None
        return _parse(data) if kept["key"] == self._compute_key() else None

    def _make(self, step: Callable[[], None]) -> ReleasedWave:
        # Not at the top: rows that were kept are written without what they were made with.
        from survey.publish.microdata.wave_release import release_wave

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
    """Return rows with true ids under their new names, and in the order of these."""
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
    """Return a table with other names in a column."""
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
    """Return an array of these buffers; `pyarrow.array` would import pandas for its types."""
    made = [None if buffer is None else pa.py_buffer(buffer) for buffer in buffers]
    return pa.Array.from_buffers(kind, length, made)


def _format(rows: ReleasedWave) -> bytes:
    """Return rows as an Arrow file, with all that is known of them in its metadata."""
    facts = {
        "variables": {
            language: [
                [each.column, each.name, each.label, each.scale, [astuple(v) for v in each.values]]
                for each in variables
            ]
            for language, variables in rows.variables.items()
        },
        "blanked": rows.blanked,
        "dropped": rows.dropped,
        "merged": rows.merged,
        "exchanged": rows.exchanged,
        "covered": rows.covered,
        "to_cover": rows.to_cover,
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
    """Return the rows of an Arrow file; their variables name no question."""
    with pa.ipc.open_file(data) as file:
        table = file.read_all()
    metadata = dict(table.schema.metadata)
    facts = orjson.loads(metadata.pop(_FACTS))
    variables = {
        language: tuple(
            Variable(column, name, label, scale, tuple(CodedValue(*value) for value in values))
            for column, name, label, scale, values in described
        )
        for language, described in facts["variables"].items()
    }
    return ReleasedWave(
        table.replace_schema_metadata(metadata),
        variables,
        facts["blanked"],
        facts["dropped"],
        facts["merged"],
        facts["exchanged"],
        facts["covered"],
        facts["to_cover"],
        HeadlineDeviation(*facts["deviation"]),
    )
