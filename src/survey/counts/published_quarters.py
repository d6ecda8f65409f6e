"""Published quarters of the nation's complaints: stored, revised, withdrawn, and read by the gate.

A published table is by nature alone or by class alone. It has no months and no areas, so it stands
beside the monthly counts with its source and is added to nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session

from survey.access.audit import actor_id
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.counts.bringing_in.published_tables import (
    PublishedFigures,
    PublishedFile,
    months_of_period,
)
from survey.counts.complaint_tables import ComplaintYear, read_complaint_year, read_year_before
from survey.counts.count_check import CountsRejectedError
from survey.counts.count_declaration import TOTAL
from survey.counts.deliveries import DeliveryHead, DeliveryReceipt, require_head, require_reason
from survey.counts.delivery_changes import (
    DeliveryChanges,
    DeliveryNotAllowedError,
    LostList,
    require_ended,
)
from survey.counts.published_gate import ShownBeside, protect_published
from survey.frame.code_lists import shipped_code_lists
from survey.locale import msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import PublishedTable, new_id, table_of

_TABLES = table_of(PublishedTable)


@dataclass(frozen=True)
class PublishedQuarter:
    """A published table as readers may see it; a count is None where it is kept back."""

    table_id: UUID
    period: str
    lens: str
    counts: Mapping[str, int | None]
    changes: Mapping[str, int]
    """Change on a year before as printed, in hundredths of a per cent; of shown counts alone."""
    source: str
    data_as_of: date
    known_faults: str
    is_demo: bool
    delivered_at: datetime


def preview_published(
    work: Work, *, file: PublishedFile, data_as_of: date | None = None
) -> DeliveryChanges:
    """Return what standing tables have and the file's tables of their period and list lack.

    Raises:
        CountsRejectedError: Cells have problems, which the error carries.
        DeliveryNotAllowedError: A quarter had not ended when it was counted.
        AccessDeniedError: The principal does not deliver for the nation.
    """
    work.require(Action.DELIVER_EVIDENCE, NATION)
    if file.problems:
        raise CountsRejectedError(file.check)
    last = {(NATION, months_of_period(each.period)[-1]): 0 for each in file.tables}
    require_ended(last, data_as_of=data_as_of, now=work.now)
    standing = {(each.period, each.lens): each for each in _list_standing(work)}
    lost = []
    for table in file.tables:
        before = standing.get((table.period, table.lens))
        gone = {code for code, n in before.counts.items() if n} if before else set()
        gone -= table.counts.keys()
        if gone:
            lost.append(LostList(table.period, table.lens, tuple(sorted(gone)), 1))
    return DeliveryChanges((), tuple(lost))


def store_published(work: Work, *, file: PublishedFile, head: DeliveryHead) -> DeliveryReceipt:
    """Store the tables of a file and return the receipt, with the edition of each period.

    A file whose tables all stand already only gets its receipt.

    Raises:
        DeliveryLosesError: Codes would be lost, and the head does not confirm it.
    """
    changes = preview_published(work, file=file, data_as_of=head.data_as_of)
    # The file itself is its id.
    require_head(replace(head, external_id=file.sha256), now=work.now)
    changes.require_confirmed(head.confirmed_losses)
    is_demo = work.principal.is_demo or head.is_demo
    standing = {
        (each.period, each.lens): each
        for each in _list_standing(work)
        if each.sha256 == file.sha256 and each.is_demo == is_demo
    }
    new = [each for each in file.tables if (each.period, each.lens) not in standing]
    rows = [*(_store_table(work, each, head, file.sha256, is_demo=is_demo) for each in new)]
    first = (*rows, *standing.values())[0]
    numbers: dict[str, int] = {}
    for each in file.tables:
        query = select(func.count()).where(
            _TABLES.c.period == each.period, _TABLES.c.lens == each.lens,
            _TABLES.c.is_demo == is_demo,
        )  # fmt: skip
        number = int(work.session.connection().execute(query).scalar_one())
        numbers[each.period] = max(number, numbers.get(each.period, 0))
    return DeliveryReceipt(first.id, numbers, file.rows, is_repeated=not rows)


def _store_table(
    work: Work, table: PublishedFigures, head: DeliveryHead, sha256: str, *, is_demo: bool
) -> PublishedTable:
    row = PublishedTable(
        id=new_id(),
        period=table.period,
        lens=table.lens.value,
        counts=dict(table.counts),
        changes=dict(table.changes),
        code_version=shipped_code_lists().newest,
        source=head.source.strip(),
        data_as_of=head.data_as_of,
        known_faults=head.known_faults.strip(),
        file_name=head.file_name[:200],
        sha256=sha256,
        is_demo=is_demo,
        account_id=actor_id(work.principal),
        at=work.now,
    )
    detail = {
        **_describe(row),
        "rows": len(table.counts),
        "sha256": sha256,
        **({"key": str(head.key_id)} if head.key_id is not None else {}),
    }
    work.add(row, AuditEvent.EVIDENCE_DELIVERED, row.id, detail)
    return row


def _describe(row: PublishedTable) -> dict[str, object]:
    return {"kind": "published_table", "period": row.period, "list": row.lens}


def withdraw_published(work: Work, *, table_id: UUID, reason: str) -> None:
    """Withdraw a published table; the one before it of the same period and list counts again.

    Raises:
        DeliveryNotAllowedError: There is no such table that counts, or no reason is given.
    """
    work.require(Action.DELIVER_EVIDENCE, NATION)
    text = require_reason(reason)
    row = work.session.get(PublishedTable, table_id, with_for_update=True)
    if row is None or row.withdrawn_at is not None or (
        work.principal.is_demo and not row.is_demo
    ):  # fmt: skip
        raise DeliveryNotAllowedError(
            msg("There is no such delivery, or it was withdrawn already.")
        )
    row.withdrawn_at, row.withdrawal_reason = work.now, text
    work.add(row, AuditEvent.EVIDENCE_WITHDRAWN, row.id, {**_describe(row), "reason": text})


def read_published_quarters(work: Work) -> list[PublishedQuarter]:
    """Return the published tables that count, newest period first, small counts kept back."""
    work.require(Action.READ_RESULTS)
    rows = _list_standing(work)
    of_group: dict[tuple[int, str], dict[str, PublishedTable]] = {}
    for row in rows:
        of_group.setdefault((int(row.period[:4]), row.lens), {})[row.period] = row
    found = []
    for (year, lens), of_year in of_group.items():
        beside = _read_beside(work, year, lens)
        shown = protect_published({key: row.counts for key, row in of_year.items()}, beside)
        for period, row in of_year.items():
            counts = shown[period]
            changes = {code: n for code, n in row.changes.items() if counts.get(code) is not None}
            found.append(
                PublishedQuarter(
                    row.id, period, lens, counts, changes, row.source, row.data_as_of,
                    row.known_faults, row.is_demo, row.at,
                )
            )  # fmt: skip
    return sorted(found, key=lambda each: (each.period, each.lens), reverse=True)


def _list_standing(work: Work) -> list[PublishedTable]:
    """Return the newest table not withdrawn of each period and list that the reader may use.

    Demo tables are read as long as there is no other, as of `list_delivered_periods`.
    """
    rows = _read_rows(work.session)
    has_real = not work.principal.is_demo and any(not row.is_demo for row in rows)
    newest: dict[tuple[str, str], PublishedTable] = {}
    for row in rows:
        if row.is_demo != has_real:
            newest[row.period, row.lens] = row
    return list(newest.values())


def _read_rows(session: Session) -> Sequence[PublishedTable]:
    query = (
        select(PublishedTable)
        .where(PublishedTable.withdrawn_at.is_(None))  # type: ignore[union-attr]
        .order_by(PublishedTable.at, PublishedTable.id)  # type: ignore[arg-type]
    )
    return session.execute(query).scalars().all()


def _read_beside(work: Work, year: int, lens: str) -> ShownBeside:
    """Return what pages show of the nation in a year, by itself and beside the year after."""
    whole = read_complaint_year(work, year=year, lenses=(lens,))
    after = read_complaint_year(work, year=year + 1, lenses=())
    same = read_year_before(work, year=after, lenses=(lens,)) if after else None
    return ShownBeside(
        [
            (frozenset(each.months), dict(_iter_cells(each, lens)))
            for each in (whole, same)
            if each is not None
        ],
        {
            month: None if cell is None else cell.get("accepted")
            for (area, month), cell in (whole.by_month if whole else {}).items()
            if area == NATION
        },
    )


def _iter_cells(year: ComplaintYear, lens: str) -> Iterator[tuple[str, float | None]]:
    for of_lens in (TOTAL, lens):
        for (area, code), cell in year.by_lens.get(of_lens, {}).items():
            if area == NATION:
                yield code, None if cell is None else cell.get("accepted")
