"""Deliveries of counts from outside: who delivered what, and which revision of a period counts.

A delivery speaks of one area, the nation, a province or a city, and of its months. A month that is
delivered again is a new revision of that area; the older ones stay readable, and other areas keep
what they have. The same id from the same kind of sender twice is one delivery.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

import pandas as pd
from sqlalchemy import func, select
from sqlmodel import Session, SQLModel

from survey.access.audit import actor_id
from survey.access.principal import covers
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.counts.closed_months import require_open
from survey.counts.count_check import CountCheck
from survey.counts.count_declaration import AREA, CheckedCounts, CountKind
from survey.counts.delivery_changes import (
    AreaSums,
    DeliveryChanges,
    DeliveryNotAllowedError,
    compare_sums,
    require_ended,
)
from survey.counts.lost_lists import find_lost_lists
from survey.counts.standing_deliveries import DeliveredPeriod, list_delivered_periods, stands_for
from survey.frame.code_lists import leaf_areas, province_names
from survey.locale import SurveyError, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.inserts import insert_columns
from survey.store.tables import ComplaintAmount, DeliveryKind, DeliveryRevision, new_id, table_of
from survey.store.tables import Delivery as StoredDelivery

MAX_SOURCE_CHARS, MAX_FAULTS_CHARS, MAX_ID_CHARS = 200, 2_000, 100
_DELIVERIES, _REVISIONS = table_of(StoredDelivery), table_of(DeliveryRevision)
MAX_AREA_CHARS = 6
_MAX_NAMED = 12
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
    area: str = ""
    """Area that it speaks of; empty for that of its sender."""
    correction: str = ""
    """Reason, needed where a month of it is closed."""


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


def build_upload_id(content_sha256: str, head: DeliveryHead, withdrawn: Collection[str]) -> str:
    """Return an uploaded file's id from its hash and what is said of it; none of `withdrawn`.

    With other known faults or another area, or after it was withdrawn, it is a new one.
    """
    of_part = (head.area,) if head.area not in {"", NATION} else ()
    source, faults = head.source.strip(), head.known_faults.strip()
    said = "\n".join((content_sha256, source, head.data_as_of.isoformat(), faults, *of_part))
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
    area = _area_of(work, head.area, kind)
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
    said = (
        head.source.strip(),
        head.data_as_of,
        head.known_faults.strip(),
        head.code_version,
        area,
    )
    stored = (row.source, row.data_as_of, row.known_faults, row.code_version, row.area)
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


def _area_of(work: Work, area: str, kind: DeliveryKind) -> str:
    """Return the area that a delivery speaks of, after the right to deliver there is checked."""
    area = area or work.principal.area
    # Opinion of the nation is no sum over its places: these are checked as parts of it.
    work.require(Action.DELIVER_EVIDENCE, NATION if kind is DeliveryKind.OPINION else area)
    if kind is DeliveryKind.OPINION:
        return NATION
    if area not in {NATION, *province_names(), *leaf_areas()}:
        raise DeliveryNotAllowedError(msg("There is no area {area}.", area=area[:MAX_AREA_CHARS]))
    return area


def import_delivery(work: Work, *, check: CountCheck, head: DeliveryHead) -> DeliveryReceipt:
    """Store a checked delivery and return its receipt; one stored before only gets its receipt.

    The check takes most of the time and writes nothing, so it is done before the transaction.

    Raises:
        CountsRejectedError: Rows have problems, which the error carries.
        DeliveryConflictError: The id was used for another content.
        DeliveryLosesError: What stands would be lost, and the head does not confirm it.
        MonthClosedError: One of its months is closed, and the head gives no reason.
    """
    work.require(Action.DELIVER_EVIDENCE)
    coded = replace(head, code_version=check.version)
    known = find_repeated(work, kind=check.kind.kind, head=coded, sha256=check.sha256)
    if known is not None:
        return known
    return store_delivery(work, counts=check.require_counts(), head=coded, sha256=check.sha256)


def list_delivery_areas(work: Work, *, counts: CheckedCounts) -> list[str]:
    """Return the areas of which a delivery of these counts may speak, the smallest first.

    They hold every place of the counts and lie in the sender's area: the place if there is only
    one, its province if there is only one, the nation.
    """
    work.require(Action.DELIVER_EVIDENCE)
    places = {place for place, _ in counts.area_sums}
    if counts.kind.kind is DeliveryKind.OPINION:
        return [NATION]
    holders = [*places, *{place[:2] for place in places}, NATION]
    return [
        area
        for area in dict.fromkeys(holders)
        if work.principal.covers(area) and all(covers(area, place) for place in places)
    ]


def preview_delivery(
    work: Work,
    *,
    counts: CheckedCounts,
    area: str = "",
    data_as_of: date | None = None,
    is_demo: bool = False,
) -> DeliveryChanges:
    """Return what would change, by area and month, if these counts were stored; store nothing.

    Args:
        area: Area that the delivery speaks of; empty for that of its sender.

    Raises:
        DeliveryNotAllowedError: A month or day had not ended when it was counted, or counts are
            about places outside the area of the delivery.
    """
    area = _area_of(work, area, counts.kind.kind)
    sums = counts.area_sums
    require_ended(sums, data_as_of=data_as_of, now=work.now)
    outside = sorted({place for place, _ in sums if not covers(area, place)})
    if outside:
        raise DeliveryNotAllowedError(
            msg(
                "The file has counts of places that this delivery is not about: {places}. A "
                "delivery replaces the counts of its own area alone.",
                places=", ".join(outside[:_MAX_NAMED]) + (" …" * (len(outside) > _MAX_NAMED)),
            )
        )
    is_demo = work.principal.is_demo or is_demo
    stored = [
        each
        for each in list_delivered_periods(work, kind=counts.kind.kind)
        if each.is_current and each.is_demo == is_demo and each.period in counts.periods
    ]
    return compare_sums(
        _read_area_sums(work.session, counts.kind, stored, area),
        sums,
        find_lost_lists(work.session, counts, stored),
    )


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
        work, counts=counts, area=head.area, data_as_of=head.data_as_of, is_demo=head.is_demo
    )
    changes.require_confirmed(head.confirmed_losses)
    if counts.kind.kind is DeliveryKind.COMPLAINTS:
        is_demo = work.principal.is_demo or head.is_demo
        require_open(work.session, head.correction, counts.periods, is_demo=is_demo)
    revisions = _record_delivery(work, counts, head, sha256, changes)
    _insert_counts(work.session, counts, revisions, sums_only=sums_only)
    first = next(iter(revisions.values()))
    numbers = {period: each.number for period, each in revisions.items()}
    return DeliveryReceipt(first.delivery_id, numbers, len(counts.frame), is_repeated=False)


def _record_delivery(
    work: Work, counts: CheckedCounts, head: DeliveryHead, sha256: str, changes: DeliveryChanges
) -> dict[str, DeliveryRevision]:
    """Store a delivery and its revisions; the trail has what is lost. Return month -> revision."""
    kind, is_demo = counts.kind.kind, work.principal.is_demo or head.is_demo
    delivery = StoredDelivery(
        id=new_id(),
        kind=kind,
        external_id=head.external_id.strip(),
        source=head.source.strip(),
        data_as_of=head.data_as_of,
        known_faults=head.known_faults.strip(),
        code_version=head.code_version,
        area=_area_of(work, head.area, kind),
        correction=head.correction.strip() or None,
        file_name=head.file_name[:200],
        sha256=sha256,
        row_count=len(counts.frame),
        is_demo=is_demo,
        account_id=actor_id(work.principal),
        at=work.now,
    )
    work.session.add(delivery)
    work.session.flush()
    before = _find_last_numbers(work, counts, is_demo=is_demo)
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
            **({"area": delivery.area} if delivery.area != NATION else {}),
            "rows": delivery.row_count,
            "periods": {period: each.number for period, each in revisions.items()},
            "sha256": sha256,
            **({"correction": delivery.correction} if delivery.correction else {}),
            **changes.audit_detail,
            **({"key": str(head.key_id)} if head.key_id is not None else {}),
        },
    )
    return revisions


def withdraw_delivery(work: Work, *, delivery_id: UUID, reason: str) -> None:
    """Withdraw a delivery; of its area each month's previous revision, if any, stands again.

    What was delivered stays in the store and can be read by those who deliver.

    Raises:
        DeliveryNotAllowedError: There is no such delivery that stands, or no reason is given.
    """
    work.require(Action.DELIVER_EVIDENCE)
    text = require_reason(reason)
    delivery = work.session.get(StoredDelivery, delivery_id, with_for_update=True)
    if delivery is None or delivery.withdrawn_at is not None or (
        work.principal.is_demo and not delivery.is_demo
    ) or not work.principal.covers(delivery.area):  # fmt: skip
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


def require_reason(reason: str) -> str:
    """Return the reason of a withdrawal without blanks around it, if it is acceptable; else raise.

    Raises:
        DeliveryNotAllowedError: There is none, or it is too long.
    """
    text = reason.strip()
    if not text or len(text) > MAX_SOURCE_CHARS or not text.isprintable():
        raise DeliveryNotAllowedError(
            msg("A withdrawal needs a reason of at most {limit} characters.",
                limit=MAX_SOURCE_CHARS)
        )  # fmt: skip
    return text


def _find_last_numbers(work: Work, counts: CheckedCounts, *, is_demo: bool) -> dict[str, int]:
    """Return month of `counts` -> number of its newest revision, withdrawn or not."""
    query = (
        select(_REVISIONS.c.period, func.max(_REVISIONS.c.number).label("last"))
        .where(
            _REVISIONS.c.kind == counts.kind.kind,
            _REVISIONS.c.is_demo == is_demo,
            _REVISIONS.c.period.in_(counts.periods),
        )
        .group_by(_REVISIONS.c.period)
    )
    return {row.period: row.last for row in work.session.connection().execute(query)}


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
        for lens, sums in counts.iter_sums():
            keys = [kind.when, AREA, "code"]
            _insert_rows(session, kind.sums, counts, sums, keys, revisions, lens=lens)
    if counts.amounts is not None:
        for period, rows in counts.amounts.groupby(kind.when):
            columns = {name: rows[name].tolist() for name in rows.columns.drop(kind.when)}
            fixed = {"revision_id": revisions[str(period)].id}
            insert_columns(session.connection(), ComplaintAmount, columns, fixed)


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


def _read_area_sums(
    session: Session, kind: CountKind, standing: Sequence[DeliveredPeriod], area: str
) -> AreaSums:
    """Return (area, month or day) -> stored sum of the first measure, without single topics.

    Args:
        area: Nation, province or city whose places are read.
    """
    period_of = {each.revision_id: each.period for each in standing}
    table = table_of(kind.sums)
    days = [table.c[kind.when]] if kind.when in table.c else []
    by = [table.c.revision_id, table.c[AREA], *days]
    query = (
        select(*by, func.sum(table.c[kind.measures[0]]))
        .where(
            stands_for(table, standing),
            *(table.c[name] == value for name, value in kind.whole.items()),
        )
        .group_by(*by)
    )
    return {
        (place, day[0].isoformat() if day else period_of[revision_id]): int(total)
        for revision_id, place, *day, total in session.connection().execute(query)
        if covers(area, place)
    }
