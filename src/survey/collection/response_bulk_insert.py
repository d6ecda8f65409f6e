"""Bulk insertion of finished interviews, for imports and generated waves."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from survey.access.principal import OPERATOR
from survey.access.roles import Action
from survey.access.state_verify import STATE
from survey.access.work import Work
from survey.store.audit_chain import (
    HASH,
    PLACE,
    SEAL_BATCH_SIZE,
    answers_sha256,
    format_sealed_name,
    place_sha256,
)
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.inserts import insert_columns
from survey.store.tables import (
    Mode,
    QuotaCell,
    Response,
    ResponseRevision,
    Status,
    Wave,
    new_id,
    table_of,
)
from survey.waves.quota_counts import count_marginal_quotas, iter_batches
from survey.waves.quotas import COUNTED_STATUSES, add_to_counts

RESPONSE_BATCH_SIZE = 2000

_RESPONSE_COLUMNS = (
    "id", "client_uuid", "city_code", "point_id", "surveyor_id", "invitation_id",
    "quota_cell_id", "mode", "status", "reason", "language", "started_at", "submitted_at",
    "duration_seconds", "dropped_answers", "given_weight",
)  # fmt: skip


@dataclass(slots=True)
class FinishedResponse:
    """One finished interview as it will be stored; it is not validated again."""

    client_uuid: UUID
    city_code: str
    mode: Mode
    status: Status
    submitted_at: datetime
    answers: Mapping[str, Any]
    timings: Mapping[str, float] = field(default_factory=dict)
    instrument_id: UUID | None = None
    """The earlier questionnaire of an overlap; None: that of the wave."""
    point_id: UUID | None = None
    surveyor_id: UUID | None = None
    invitation_id: UUID | None = None
    quota_cell_id: UUID | None = None
    reason: str = ""
    language: str = "zh"
    started_at: datetime | None = None
    duration_seconds: float | None = None
    dropped_answers: int = 0
    given_weight: float | None = None
    id: UUID = field(default_factory=new_id)


def write_responses(
    work: Work,
    *,
    wave: Wave,
    rows: Iterable[FinishedResponse],
    event: AuditEvent = AuditEvent.RESPONSES_IMPORTED,
) -> int:
    """Append interviews to a wave, record them as `event`, count quotas; return their number.

    A `client_uuid` that exists already fails the whole transaction.
    """
    work.require(Action.IMPORT)
    counted: Counter[UUID] = Counter()
    total, remaining = 0, iter(rows)
    while batch := list(islice(remaining, RESPONSE_BATCH_SIZE)):
        for city_code in {row.city_code for row in batch}:
            work.require(Action.IMPORT, city_code)
        _write_batch(work, wave, batch)
        _seal_answers(work, wave, batch)
        counts = [row for row in batch if row.status in COUNTED_STATUSES]
        counted.update(row.quota_cell_id for row in counts if row.quota_cell_id)
        count_marginal_quotas(
            session=work.session, wave_id=wave.id, interviews=counts, today=china_date(work.now)
        )
        total += len(batch)
    add_to_counts(session=work.session, table=table_of(QuotaCell), counts=counted)
    work.record(event, wave.id, {"key": wave.key, "responses": total})
    return total


def _seal_answers(work: Work, wave: Wave, batch: list[FinishedResponse]) -> None:
    """Record status and hashes of interviews in audit entries, each for many interviews."""
    for status in sorted({row.status for row in batch}):
        alike = [row for row in batch if row.status is status]
        for rows in iter_batches(alike, SEAL_BATCH_SIZE):
            hashes, places = {}, {}
            for row in rows:
                name = format_sealed_name(row.id)
                hashes[name] = answers_sha256(row.answers, row.given_weight)
                places[name] = place_sha256(
                    row.answers,
                    city_code=row.city_code,
                    point_id=row.point_id,
                    cell_id=row.quota_cell_id,
                )
            work.record(
                AuditEvent.RESPONSES_SEALED,
                wave.id,
                {"responses": len(rows), STATE: status, HASH: hashes, PLACE: places},
            )


def _write_batch(work: Work, wave: Wave, batch: list[FinishedResponse]) -> None:
    connection = work.session.connection()
    insert_columns(
        connection,
        Response,
        {name: [getattr(row, name) for row in batch] for name in _RESPONSE_COLUMNS}
        | {"instrument_id": [row.instrument_id or wave.instrument_id for row in batch]},
        {"wave_id": wave.id, "lock_version": 1, "is_demo": wave.is_demo},
    )
    insert_columns(
        connection,
        ResponseRevision,
        {
            "id": [new_id() for _ in batch],
            "response_id": [row.id for row in batch],
            "answers": [row.answers for row in batch],
            "timings": [row.timings for row in batch],
        },
        {
            "wave_id": wave.id,
            "number": 1,
            "is_current": True,
            "author_id": None if work.principal == OPERATOR else work.principal.account_id,
            "reason": "",
            "created_at": work.now,
        },
    )
