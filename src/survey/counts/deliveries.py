"""Deliveries of outside evidence: what came from whom, and which revision of a period holds.

A period that is delivered again is a new revision; the older ones stay readable. The same id from
the same kind of sender twice is one delivery.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session

from survey.access.audit import actor_id
from survey.access.roles import Action
from survey.access.work import Work
from survey.counts.count_check import CountCheck
from survey.counts.count_declaration import CheckedCounts
from survey.counts.count_storage import insert_counts, read_area_sums
from survey.counts.delivery_changes import (
    DeliveryChanges,
    DeliveryNotAllowedError,
    compare_sums,
    require_ended,
)
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.tables import Account, DeliveryKind, DeliveryRevision, new_id, table_of
from survey.store.tables import Delivery as StoredDelivery

MAX_SOURCE_CHARS, MAX_FAULTS_CHARS, MAX_ID_CHARS = 200, 2_000, 100
_DELIVERIES, _REVISIONS = table_of(StoredDelivery), table_of(DeliveryRevision)
_ACCOUNTS = table_of(Account)


class DeliveryConflictError(SurveyError):
    """Raised when an id was delivered before with another content; nothing was stored."""

    code = "delivery_conflict"


@dataclass(frozen=True)
class DeliveryHead:
    """What a sender says about a delivery."""

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
    """Revision of one period, with the delivery that brought it."""

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
    """Answer to a delivery: its revisions, and whether it was stored before."""

    delivery_id: UUID
    revisions: Mapping[str, int]
    """Number of the revision by period."""
    rows: int
    is_repeated: bool


def require_head(head: DeliveryHead, *, now: datetime) -> None:
    """Raise `DeliveryNotAllowedError` unless the head says who counted, and until when."""
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


def find_repeated(
    work: Work, *, kind: DeliveryKind, head: DeliveryHead, sha256: str
) -> DeliveryReceipt | None:
    """Return the receipt of a delivery that was stored before; None if it is new.

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
    """Store a checked delivery; nothing is stored if one row is wrong, or if it was stored before.

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
    """Return what checked counts would change of what stands; nothing is stored.

    Raises:
        DeliveryNotAllowedError: A month or day had not ended when it was counted.
    """
    work.require(Action.DELIVER_EVIDENCE)
    require_ended(counts.area_sums, data_as_of=data_as_of, now=work.now)
    is_demo = work.principal.is_demo or is_demo
    standing = _find_standing(work.session, counts.kind.kind, counts.periods, is_demo=is_demo)
    return compare_sums(read_area_sums(work.session, counts.kind, standing), counts.area_sums)


def store_delivery(
    work: Work, *, counts: CheckedCounts, head: DeliveryHead, sha256: str, sums_only: bool = False
) -> DeliveryReceipt:
    """Store checked counts as new revisions of their periods, and return the receipt.

    Args:
        sums_only: Whether to leave out single counts, which no page reads, where sums are stored.
    """
    work.require(Action.DELIVER_EVIDENCE)
    require_head(head, now=work.now)
    changes = preview_delivery(
        work, counts=counts, data_as_of=head.data_as_of, is_demo=head.is_demo
    )
    changes.require_confirmed(head.confirmed_losses)
    rows = len(counts.frame)
    revisions = record_delivery(
        work,
        kind=counts.kind.kind,
        head=head,
        sha256=sha256,
        rows=rows,
        periods=counts.periods,
        lost=sum(len(row.lost) for row in changes.losses),
    )
    insert_counts(work.session, counts, revisions, sums_only=sums_only)
    first = next(iter(revisions.values()))
    numbers = {period: each.number for period, each in revisions.items()}
    return DeliveryReceipt(first.delivery_id, numbers, rows, is_repeated=False)


def record_delivery(
    work: Work,
    *,
    kind: DeliveryKind,
    head: DeliveryHead,
    sha256: str,
    rows: int,
    periods: Sequence[str],
    lost: int,
) -> dict[str, DeliveryRevision]:
    """Store a delivery with a new revision of each period, and return these by period.

    Args:
        lost: How many sums by area and month or day are gone with it, as its sender confirmed.
    """
    work.require(Action.DELIVER_EVIDENCE)
    is_demo = work.principal.is_demo or head.is_demo
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
        row_count=rows,
        is_demo=is_demo,
        account_id=actor_id(work.principal),
        at=work.now,
    )
    work.session.add(delivery)
    work.session.flush()
    before = _get_newest_numbers(work.session, kind, periods, is_demo=is_demo)
    revisions = {
        period: DeliveryRevision(
            id=new_id(),
            delivery_id=delivery.id,
            kind=kind,
            period=period,
            number=before.get(period, 0) + 1,
            is_demo=is_demo,
        )
        for period in periods
    }
    work.session.add_all(revisions.values())
    work.session.flush()
    work.record(
        AuditEvent.EVIDENCE_DELIVERED,
        delivery.id,
        {
            "kind": kind.value,
            "id": delivery.external_id,
            "rows": rows,
            "periods": {period: each.number for period, each in revisions.items()},
            "sha256": sha256,
            **({"lost_sums": lost} if lost else {}),
            **({"key": str(head.key_id)} if head.key_id is not None else {}),
        },
    )
    return revisions


def withdraw_delivery(work: Work, *, delivery_id: UUID, reason: str) -> None:
    """Withdraw a delivery: of each of its months the edition before it holds again, if any.

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


def _match_periods(
    kind: DeliveryKind, periods: Iterable[str], *, is_demo: bool
) -> tuple[ColumnElement[bool], ...]:
    return (
        _REVISIONS.c.kind == kind,
        _REVISIONS.c.is_demo == is_demo,
        _REVISIONS.c.period.in_(list(periods)),
    )


def _get_newest_numbers(
    session: Session, kind: DeliveryKind, periods: Iterable[str], *, is_demo: bool
) -> dict[str, int]:
    query = (
        select(_REVISIONS.c.period, func.max(_REVISIONS.c.number).label("number"))
        .where(*_match_periods(kind, periods, is_demo=is_demo))
        .group_by(_REVISIONS.c.period)
    )
    return {row.period: row.number for row in session.connection().execute(query)}


def _find_standing(
    session: Session, kind: DeliveryKind, periods: Iterable[str], *, is_demo: bool
) -> dict[UUID, str]:
    """Return the revisions of some periods that hold, with their periods."""
    query = (
        select(_REVISIONS.c.id, _REVISIONS.c.period)
        .join(_DELIVERIES, _DELIVERIES.c.id == _REVISIONS.c.delivery_id)
        .where(
            _DELIVERIES.c.withdrawn_at.is_(None), *_match_periods(kind, periods, is_demo=is_demo)
        )
        .order_by(_REVISIONS.c.number)
    )
    newest = {row.period: row.id for row in session.connection().execute(query)}
    return {revision_id: period for period, revision_id in newest.items()}


def list_delivered_periods(work: Work, *, kind: DeliveryKind) -> list[DeliveredPeriod]:
    """Return every revision of every period that a reader may use, newest period first.

    An account of the demonstration reads what is demo; others read real deliveries, and demo ones
    only as long as there is no other.
    """
    work.require(Action.READ_RESULTS)
    query = (
        select(
            _REVISIONS.c.id.label("revision_id"),
            _REVISIONS.c.period,
            _REVISIONS.c.number,
            _DELIVERIES,
            _ACCOUNTS.c.name.label("delivered_by"),
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
        listed.append(
            DeliveredPeriod(
                revision_id=row.revision_id,
                period=row.period,
                number=row.number,
                is_current=row.number == newest.get(row.period),
                delivery_id=row.id,
                external_id=row.external_id,
                source=row.source,
                data_as_of=row.data_as_of,
                known_faults=row.known_faults,
                code_version=row.code_version,
                rows=row.row_count,
                is_demo=row.is_demo,
                delivered_at=row.at,
                delivered_by=row.delivered_by or "",
                withdrawn_at=row.withdrawn_at,
                withdrawal_reason=row.withdrawal_reason or "",
            )
        )
    return listed


def list_standing_periods(work: Work, *, kind: DeliveryKind) -> list[DeliveredPeriod]:
    """Return the revision of every period that holds and that a reader may use, newest first."""
    return [each for each in list_delivered_periods(work, kind=kind) if each.is_current]
