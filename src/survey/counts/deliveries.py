"""Deliveries of counts from outside: who delivered what, and which revision of a period counts.

A period that is delivered again is a new revision; the older ones stay readable. The same id from
the same kind of sender twice is one delivery.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import pandas as pd
from sqlalchemy import func, select
from sqlmodel import Session, SQLModel

from survey.access.audit import actor_id
from survey.access.roles import Action
from survey.access.work import Work
from survey.counts.count_check import CountCheck
from survey.counts.count_declaration import AREA, NOT_GIVEN, TOTAL, CheckedCounts, CountKind
from survey.counts.delivery_changes import (
    AreaSums,
    DeliveryChanges,
    DeliveryNotAllowedError,
    compare_sums,
    require_ended,
)
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.inserts import insert_columns
from survey.store.tables import Account, DeliveryKind, DeliveryRevision, new_id, table_of
from survey.store.tables import Delivery as StoredDelivery

MAX_SOURCE_CHARS, MAX_FAULTS_CHARS, MAX_ID_CHARS = 200, 2_000, 100
_DELIVERIES, _REVISIONS = table_of(StoredDelivery), table_of(DeliveryRevision)
_ACCOUNTS = table_of(Account)
_BATCH_ROWS = 50_000
"""Rows made into Python objects at once; a million together would take a gigabyte."""


class DeliveryConflictError(SurveyError):
    """Raised when an id was used before for a delivery with other content; nothing was stored."""

    code = "delivery_conflict"


@dataclass(frozen=True)
class DeliveryHead:
    """What a sender states about a delivery besides its counts: id, source, date, known faults."""

    external_id: str
    source: str
    data_as_of: date
    known_faults: str = ""
    code_version: str = ""
    file_name: str = ""
    is_demo: bool = False
    """Whether it is generated; whatever an account of the demonstration delivers is as well."""
    key_id: UUID | None = None
    """Key with which a program delivered it; None from a page or the server."""
    earlier_sha256: str = ""
    """Hash of the rows as they were sent, by which deliveries were stored before 40 and 40.0 were
    one."""
    confirmed_losses: str = ""
    """Confirmation of the losses that its sender has seen (`DeliveryChanges.confirmation`)."""


@dataclass(frozen=True)
class DeliveredPeriod:
    """Revision of one month of counts, with the delivery that it belongs to."""

    revision_id: UUID
    period: str
    number: int
    is_current: bool
    delivery_id: UUID
    external_id: str
    source: str
    data_as_of: date
    known_faults: str
    code_version: str
    rows: int
    is_demo: bool
    delivered_at: datetime
    delivered_by: str
    withdrawn_at: datetime | None = None
    withdrawal_reason: str = ""


@dataclass(frozen=True)
class DeliveryReceipt:
    """Answer to a delivery: month -> revision number, and whether it was stored before."""

    delivery_id: UUID
    revisions: Mapping[str, int]
    """Number of the revision by period."""
    rows: int
    is_repeated: bool


def require_head(head: DeliveryHead, *, now: datetime) -> None:
    """Raise `DeliveryNotAllowedError` unless id, source, known faults and date are acceptable."""
    for text, limit in ((head.external_id, MAX_ID_CHARS), (head.source, MAX_SOURCE_CHARS)):
        if not text.strip() or len(text) > limit or not text.isprintable():
            raise DeliveryNotAllowedError(
                msg(
                    "A delivery needs an id of at most {id_chars} and a source of at most "
                    "{source_chars} characters.",
                    id_chars=MAX_ID_CHARS,
                    source_chars=MAX_SOURCE_CHARS,
                )
            )
    if len(head.known_faults) > MAX_FAULTS_CHARS or not _is_plain_text(head.known_faults):
        raise DeliveryNotAllowedError(
            msg(
                "Known faults take at most {limit} characters, and none that cannot be printed.",
                limit=MAX_FAULTS_CHARS,
            )
        )
    if head.data_as_of > china_date(now):
        raise DeliveryNotAllowedError(
            msg("The day until which data were counted lies in the future.")
        )


def _is_plain_text(text: str) -> bool:
    return all(line.replace("\t", " ").isprintable() for line in text.splitlines())


def build_upload_id(
    content_sha256: str, source: str, day: date, faults: str, withdrawn: Collection[str]
) -> str:
    """Return an uploaded file's id from hash, source, day, known faults; none of `withdrawn`.

    With other known faults, or after it was withdrawn, it is a new one.
    """
    said = "\n".join((content_sha256, source.strip(), day.isoformat(), faults.strip()))
    upload_id = f"upload-{sha256(said.encode()).hexdigest()[:16]}"
    while upload_id in withdrawn:
        upload_id += "-2"
    return upload_id


def find_repeated(
    work: Work, *, kind: DeliveryKind, head: DeliveryHead, sha256: str
) -> DeliveryReceipt | None:
    """Return the receipt if this delivery is stored; None if its id is new; raise on other content.

    What is said about a delivery belongs to it: other known faults under the same id are a conflict
    as well, because nobody would ever see them.

    Raises:
        DeliveryConflictError: The id was used for another content.
    """
    work.require(Action.DELIVER_EVIDENCE)
    row = work.session.connection().execute(
        select(_DELIVERIES).where(
            _DELIVERIES.c.kind == kind,
            _DELIVERIES.c.external_id == head.external_id.strip(),
            _DELIVERIES.c.is_demo == (work.principal.is_demo or head.is_demo),
        )
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    if row.withdrawn_at is not None:
        raise DeliveryConflictError(
            msg(
                "The delivery {id} was withdrawn: {reason}. What is delivered instead has an id of "
                "its own.",
                id=head.external_id[:MAX_ID_CHARS],
                reason=row.withdrawal_reason,
            )
        )
    said = (head.source.strip(), head.data_as_of, head.known_faults.strip(), head.code_version)
    stored = (row.source, row.data_as_of, row.known_faults, row.code_version)
    if row.sha256 not in (sha256, head.earlier_sha256) or said != stored:
        raise DeliveryConflictError(
            msg(
                "A delivery {id} with another content is stored already. A correction is a new "
                "delivery with an id of its own.",
                id=head.external_id[:MAX_ID_CHARS],
            )
        )
    revisions = work.session.connection().execute(
        select(_REVISIONS.c.period, _REVISIONS.c.number)
        .where(_REVISIONS.c.delivery_id == row.id)
        .order_by(_REVISIONS.c.period)
    )
    return DeliveryReceipt(
        row.id, {each.period: each.number for each in revisions}, row.row_count, True
    )


def import_delivery(work: Work, *, check: CountCheck, head: DeliveryHead) -> DeliveryReceipt:
    """Store a checked delivery and return its receipt; one stored before only gets its receipt.

    The check takes most of the time and writes nothing, so it is done before the transaction.

    Raises:
        CountsRejectedError: Rows have problems, which the error carries.
        DeliveryConflictError: The id was used for another content.
        DeliveryLosesError: What stands would be lost, and the head does not confirm it.
    """
    work.require(Action.DELIVER_EVIDENCE)
    coded = replace(head, code_version=check.version)
    known = find_repeated(work, kind=check.kind.kind, head=coded, sha256=check.sha256)
    if known is not None:
        return known
    return store_delivery(work, counts=check.require_counts(), head=coded, sha256=check.sha256)


def preview_delivery(
    work: Work, *, counts: CheckedCounts, data_as_of: date | None = None, is_demo: bool = False
) -> DeliveryChanges:
    """Return what would change, by area and month, if these counts were stored; store nothing.

    Raises:
        DeliveryNotAllowedError: A month or day had not ended when it was counted.
    """
    work.require(Action.DELIVER_EVIDENCE)
    require_ended(counts.area_sums, data_as_of=data_as_of, now=work.now)
    known = _list_revisions(work, counts, is_demo=work.principal.is_demo or is_demo)
    newest = {row.period: row.id for row in known if row.withdrawn_at is None}
    return compare_sums(_read_area_sums(work.session, counts.kind, newest), counts.area_sums)


def store_delivery(
    work: Work, *, counts: CheckedCounts, head: DeliveryHead, sha256: str, sums_only: bool = False
) -> DeliveryReceipt:
    """Store counts (with `sums_only` their sums) as a new revision per month; return a receipt.

    Args:
        sums_only: Whether to leave out single counts, which no page reads, where sums are stored.
    """
    work.require(Action.DELIVER_EVIDENCE)
    require_head(head, now=work.now)
    changes = preview_delivery(
        work, counts=counts, data_as_of=head.data_as_of, is_demo=head.is_demo
    )
    changes.require_confirmed(head.confirmed_losses)
    lost = sum(len(row.lost) for row in changes.losses)
    revisions = _record_delivery(work, counts, head, sha256, lost)
    _insert_counts(work.session, counts, revisions, sums_only=sums_only)
    first = next(iter(revisions.values()))
    numbers = {period: each.number for period, each in revisions.items()}
    return DeliveryReceipt(first.delivery_id, numbers, len(counts.frame), is_repeated=False)


def _record_delivery(
    work: Work, counts: CheckedCounts, head: DeliveryHead, sha256: str, lost: int
) -> dict[str, DeliveryRevision]:
    """Store a delivery with number of sums `lost`, and its revisions; return month -> revision.

    Args:
        lost: How many sums by area and month or day are gone with it, as its sender confirmed.
    """
    kind, is_demo = counts.kind.kind, work.principal.is_demo or head.is_demo
    delivery = StoredDelivery(
        id=new_id(),
        kind=kind,
        external_id=head.external_id.strip(),
        source=head.source.strip(),
        data_as_of=head.data_as_of,
        known_faults=head.known_faults.strip(),
        code_version=head.code_version,
        file_name=head.file_name[:200],
        sha256=sha256,
        row_count=len(counts.frame),
        is_demo=is_demo,
        account_id=actor_id(work.principal),
        at=work.now,
    )
    work.session.add(delivery)
    work.session.flush()
    before = {row.period: row.number for row in _list_revisions(work, counts, is_demo=is_demo)}
    revisions = {
        period: DeliveryRevision(
            id=new_id(),
            delivery_id=delivery.id,
            kind=kind,
            period=period,
            number=before.get(period, 0) + 1,
            is_demo=is_demo,
        )
        for period in counts.periods
    }
    work.session.add_all(revisions.values())
    work.session.flush()
    work.record(
        AuditEvent.EVIDENCE_DELIVERED,
        delivery.id,
        {
            "kind": kind.value,
            "id": delivery.external_id,
            "rows": delivery.row_count,
            "periods": {period: each.number for period, each in revisions.items()},
            "sha256": sha256,
            **({"lost_sums": lost} if lost else {}),
            **({"key": str(head.key_id)} if head.key_id is not None else {}),
        },
    )
    return revisions


def withdraw_delivery(work: Work, *, delivery_id: UUID, reason: str) -> None:
    """Withdraw a delivery; each month's previous revision, if any, becomes the current one.

    What was delivered stays in the store and can be read by those who deliver.

    Raises:
        DeliveryNotAllowedError: There is no such delivery that stands, or no reason is given.
    """
    work.require(Action.DELIVER_EVIDENCE)
    text = reason.strip()
    if not text or len(text) > MAX_SOURCE_CHARS or not text.isprintable():
        raise DeliveryNotAllowedError(
            msg("A withdrawal needs a reason of at most {limit} characters.",
                limit=MAX_SOURCE_CHARS)
        )  # fmt: skip
    delivery = work.session.get(StoredDelivery, delivery_id, with_for_update=True)
    if delivery is None or delivery.withdrawn_at is not None or (
        work.principal.is_demo and not delivery.is_demo
    ):  # fmt: skip
        raise DeliveryNotAllowedError(
            msg("There is no such delivery, or it was withdrawn already.")
        )
    delivery.withdrawn_at, delivery.withdrawal_reason = work.now, text
    work.session.add(delivery)
    work.session.flush()
    work.record(
        AuditEvent.EVIDENCE_WITHDRAWN,
        delivery.id,
        {"kind": delivery.kind.value, "id": delivery.external_id, "reason": text},
    )


def _list_revisions(work: Work, counts: CheckedCounts, *, is_demo: bool) -> Iterable[Any]:
    """Return revisions, withdrawn ones too, of the months in `counts`, lowest number first."""
    query = (
        select(*_REVISIONS.c["id", "period", "number"], _DELIVERIES.c.withdrawn_at)
        .join(_DELIVERIES, _DELIVERIES.c.id == _REVISIONS.c.delivery_id)
        .where(
            _REVISIONS.c.kind == counts.kind.kind,
            _REVISIONS.c.is_demo == is_demo,
            _REVISIONS.c.period.in_(counts.periods),
        )
        .order_by(_REVISIONS.c.number)
    )
    return work.session.connection().execute(query).all()


def list_delivered_periods(work: Work, *, kind: DeliveryKind) -> list[DeliveredPeriod]:
    """Return every revision of every month that the reader may use, newest month first.

    An account of the demonstration reads what is demo; others read real deliveries, and demo ones
    only as long as there is no other.
    """
    work.require(Action.READ_RESULTS)
    query = (
        select(
            _REVISIONS.c.id.label("revision_id"),
            *_REVISIONS.c["period", "number", "delivery_id"],
            *_DELIVERIES.c["external_id", "source", "data_as_of", "known_faults", "code_version"],
            *_DELIVERIES.c["is_demo", "withdrawn_at"],
            _DELIVERIES.c.row_count.label("rows"),
            _DELIVERIES.c.at.label("delivered_at"),
            func.coalesce(_ACCOUNTS.c.name, "").label("delivered_by"),
            func.coalesce(_DELIVERIES.c.withdrawal_reason, "").label("withdrawal_reason"),
        )
        .join(_DELIVERIES, _DELIVERIES.c.id == _REVISIONS.c.delivery_id)
        .outerjoin(_ACCOUNTS, _ACCOUNTS.c.id == _DELIVERIES.c.account_id)
        .where(_REVISIONS.c.kind == kind)
        .order_by(_REVISIONS.c.period.desc(), _REVISIONS.c.number.desc())
    )
    rows = work.session.connection().execute(query).all()
    has_real = not work.principal.is_demo and any(not row.is_demo for row in rows)
    newest: dict[str, int] = {}
    listed = []
    for row in rows:
        if row.is_demo == has_real:
            continue
        if row.withdrawn_at is None:
            newest.setdefault(row.period, row.number)
        is_current = row.number == newest.get(row.period)
        listed.append(DeliveredPeriod(**row._mapping, is_current=is_current))
    return listed


def list_standing_periods(work: Work, *, kind: DeliveryKind) -> list[DeliveredPeriod]:
    """Return the current revision of each month that the reader may use, newest month first."""
    return [each for each in list_delivered_periods(work, kind=kind) if each.is_current]


def _insert_counts(
    session: Session,
    counts: CheckedCounts,
    revisions: Mapping[str, DeliveryRevision],
    *,
    sums_only: bool = False,
) -> None:
    """Store counts under the revisions of their months, and their sums by each code list.

    Args:
        sums_only: Whether to leave out the single counts of a kind with sums, which no page reads.
    """
    kind = counts.kind
    if kind.sums is kind.table or not sums_only:
        _insert_rows(session, kind.table, counts, counts.frame, [*kind.keys], revisions)
    if kind.sums is not kind.table:
        for lens, sums in _summarise_counts(counts):
            keys = [kind.when, AREA, "code"]
            _insert_rows(session, kind.sums, counts, sums, keys, revisions, lens=lens)


def _summarise_counts(counts: CheckedCounts) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield (code list, sums by month, area and code); first `total`, summed over all codes.

    They are made once, when a delivery is stored: a page over a million counts reads a few
    thousand rows. A list that the delivery does not use has none: "not given" is no channel.
    """
    measures, when = list(counts.measures), counts.kind.when
    for lens in (TOTAL, *counts.kind.codes):
        if lens != TOTAL and set(counts.frame[lens].cat.categories) == {NOT_GIVEN}:
            continue
        by = [when, AREA, *([lens] if lens != TOTAL else [])]
        sums = counts.frame.groupby(by, observed=True, sort=True)[measures].sum().reset_index()
        sums["code"] = sums[lens].astype(str) if lens != TOTAL else TOTAL
        yield lens, sums[[when, AREA, "code", *measures]]


def _insert_rows(
    session: Session,
    model: type[SQLModel],
    counts: CheckedCounts,
    frame: pd.DataFrame,
    keys: Sequence[str],
    revisions: Mapping[str, DeliveryRevision],
    **constants: str,
) -> None:
    stored = [name for name in keys if name in table_of(model).columns]
    missing: dict[str, object] = dict.fromkeys({*counts.kind.stored_measures} - {*counts.measures})
    for period, part in frame.groupby(counts.months_of(frame), observed=True, sort=True):
        fixed = {"revision_id": revisions[str(period)].id, **constants, **missing}
        for start in range(0, len(part), _BATCH_ROWS):
            rows = part.iloc[start : start + _BATCH_ROWS]
            columns = {name: rows[name].tolist() for name in (*stored, *counts.measures)}
            insert_columns(session.connection(), model, columns, fixed)


def _read_area_sums(session: Session, kind: CountKind, newest: Mapping[str, UUID]) -> AreaSums:
    """Return (area, month or day) -> stored sum of the first measure, without single topics.

    Args:
        newest: Revision by month.
    """
    standing = {revision_id: period for period, revision_id in newest.items()}
    table = table_of(kind.sums)
    days = [table.c[kind.when]] if kind.when in table.c else []
    by = [table.c.revision_id, table.c[AREA], *days]
    query = (
        select(*by, func.sum(table.c[kind.measures[0]]))
        .where(
            table.c.revision_id.in_(list(standing)),
            *(table.c[name] == value for name, value in kind.whole.items()),
        )
        .group_by(*by)
    )
    return {
        (area, day[0].isoformat() if day else standing[revision_id]): int(total)
        for revision_id, area, *day, total in session.connection().execute(query)
    }
