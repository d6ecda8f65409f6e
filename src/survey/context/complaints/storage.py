"""Complaint counts in the store: stored with a delivery in one transaction, and read as sums."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

import pandas as pd
from sqlalchemy import BigInteger, case, cast, func, select
from sqlmodel import Session

from survey.access.roles import Action
from survey.access.work import Work
from survey.context.code_lists import CodeListName, CodeLists, shipped_code_lists
from survey.context.complaints.columns import (
    AREA,
    CODES,
    MEASURES,
    PERIOD,
    RECOVERED,
    RECOVERED_FEN,
)
from survey.context.complaints.count_checks import CheckedCounts, check_counts
from survey.context.complaints.summaries import TOTAL, summarise_counts
from survey.context.count_check import CountCheck
from survey.context.deliveries import (
    CountStorage,
    DeliveredPeriod,
    DeliveryHead,
    DeliveryReceipt,
    import_delivery,
    list_delivered_periods,
    store_delivery,
)
from survey.store.inserts import insert_columns
from survey.store.tables import (
    ComplaintCount,
    ComplaintSummary,
    DeliveryKind,
    DeliveryRevision,
    table_of,
)
from survey.tabular.reading import read_text_table
from survey.tabular.text_table import TextTable

STORED_MEASURES = tuple(RECOVERED_FEN if name == RECOVERED else name for name in MEASURES)
_BATCH_ROWS = 50_000
"""Rows made into Python objects at once; a million together would take a gigabyte."""
_SUMMARIES = table_of(ComplaintSummary)


def check_file(
    content: bytes, *, version: str = "", lists: CodeLists | None = None
) -> CountCheck[CheckedCounts]:
    """Check a file of complaint counts by a version of the code lists, the newest if empty."""
    return check_table(
        read_text_table(content), sha256=sha256(content).hexdigest(), version=version, lists=lists
    )


def check_table(
    table: TextTable, *, sha256: str, version: str = "", lists: CodeLists | None = None
) -> CountCheck[CheckedCounts]:
    """Check a table of complaint counts that was read already."""
    known = lists or shipped_code_lists()
    wanted = version or known.newest
    known.require_version(wanted)
    return check_counts(table, known, wanted, sha256)


def import_complaints(
    work: Work, *, check: CountCheck[CheckedCounts], head: DeliveryHead
) -> DeliveryReceipt:
    """Store a checked delivery of complaints as `import_delivery` does."""
    return import_delivery(work, storage=STORAGE, check=check, head=head)


def store_sums(
    work: Work, *, counts: CheckedCounts, head: DeliveryHead, digest: str
) -> DeliveryReceipt:
    """Store the sums of checked counts and leave out the single counts, which no page reads."""
    return store_delivery(
        work, storage=replace(STORAGE, insert=_insert_sums), counts=counts, head=head, sha256=digest
    )


def _insert_all(
    session: Session, counts: CheckedCounts, revisions: Mapping[str, DeliveryRevision]
) -> None:
    _insert_counts(
        session, ComplaintCount, counts.frame, [AREA, *CODES], counts.measures, revisions
    )
    _insert_sums(session, counts, revisions)


def _insert_sums(
    session: Session, counts: CheckedCounts, revisions: Mapping[str, DeliveryRevision]
) -> None:
    for lens, sums in summarise_counts(counts):
        _insert_counts(
            session, ComplaintSummary, sums, [AREA, "code"], counts.measures, revisions, lens=lens
        )


def _insert_counts(
    session: Session,
    model: type[ComplaintCount] | type[ComplaintSummary],
    frame: pd.DataFrame,
    keys: Sequence[str],
    measures: Sequence[str],
    revisions: Mapping[str, DeliveryRevision],
    **constants: str,
) -> None:
    missing: dict[str, object] = dict.fromkeys(set(STORED_MEASURES) - set(measures))
    for period, part in frame.groupby(PERIOD, observed=True, sort=True):
        fixed = {"revision_id": revisions[str(period)].id, **constants, **missing}
        for start in range(0, len(part), _BATCH_ROWS):
            rows = part.iloc[start : start + _BATCH_ROWS]
            columns = {name: rows[name].tolist() for name in (*keys, *measures)}
            insert_columns(session.connection(), model, columns, fixed)


def _read_accepted(session: Session, standing: Mapping[UUID, str]) -> dict[tuple[str, str], int]:
    """Return the complaints accepted by area and month of some revisions."""
    query = select(_SUMMARIES.c.revision_id, _SUMMARIES.c.area, _SUMMARIES.c.accepted).where(
        _SUMMARIES.c.lens == TOTAL, _SUMMARIES.c.revision_id.in_(list(standing))
    )
    return {
        (row.area, standing[row.revision_id]): row.accepted
        for row in session.connection().execute(query)
    }


STORAGE = CountStorage(DeliveryKind.COMPLAINTS, _insert_all, _read_accepted)


def read_sums(
    work: Work,
    *,
    lens: str,
    periods: Sequence[DeliveredPeriod],
    lists: CodeLists | None = None,
    by_period: bool = True,
) -> pd.DataFrame:
    """Return the sums of one lens: period, area, code of the newest version, and the measures.

    Counts that were coded by an older version are carried to the newest by the crosswalk; a code
    that was split since is called by its old name.

    Args:
        by_period: False for sums over all of `periods`, without the column of the period. The store
            adds the months then, and hands over a twelfth of the rows of a year.
    """
    work.require(Action.READ_RESULTS)
    allowed = {
        each.revision_id: each
        for each in list_delivered_periods(work, kind=DeliveryKind.COMPLAINTS)
    }
    wanted = [each for each in periods if each.revision_id in allowed]
    # Rows of the store that may be added: of one period if these are asked for, and always of one
    # version of the code lists.
    kinds = [(each.period if by_period else "", each.code_version) for each in wanted]
    frame = _read_summaries(work.session, lens, wanted, kinds)
    if lens != TOTAL and len(frame):
        known = lists or shipped_code_lists()
        maps = {version: known.to_newest(CodeListName(lens), version) for _, version in set(kinds)}
        frame["code"] = [
            maps[kinds[kind][1]].get(code, code)
            for kind, code in zip(frame["kind"], frame["code"], strict=True)
        ]
    keys = [AREA, "code"]
    if by_period:
        frame[PERIOD] = [kinds[kind][0] for kind in frame["kind"]]
        keys = [PERIOD, *keys]
    return frame.groupby(keys, sort=True)[list(STORED_MEASURES)].sum(min_count=1).reset_index()


def _read_summaries(
    session: Session, lens: str, wanted: Sequence[DeliveredPeriod], kinds: Sequence[Hashable]
) -> pd.DataFrame:
    """Return the stored sums of one lens over the revisions of a kind, by `kind`, area and code.

    A kind is named by the first place at which `kinds` has it. A year is tens of thousands of rows:
    an id of each, and rows that pandas takes for unknown objects, took most of the time of a page
    that nobody had read yet.
    """
    names = ("kind", AREA, "code", *STORED_MEASURES)
    if not wanted:
        return pd.DataFrame(columns=names)
    ids = [each.revision_id for each in wanted]
    numbers = {each: kinds.index(kind) for each, kind in zip(ids, kinds, strict=True)}
    # A sum of integers is a decimal in PostgreSQL, which pandas takes for an unknown object.
    sums = [cast(func.sum(_SUMMARIES.c[name]), BigInteger) for name in STORED_MEASURES]
    query = (
        select(
            case(numbers, value=_SUMMARIES.c.revision_id).label("kind"),
            _SUMMARIES.c.area,
            _SUMMARIES.c.code,
            *sums,
        )
        .where(_SUMMARIES.c.lens == lens, _SUMMARIES.c.revision_id.in_(ids))
        .group_by("kind", _SUMMARIES.c.area, _SUMMARIES.c.code)
    )
    rows = session.connection().execute(query).all()
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    frame = pd.DataFrame(dict(zip(names, columns, strict=True)))
    for name in STORED_MEASURES:
        frame[name] = pd.to_numeric(frame[name]).astype("Float64")
    return frame


@dataclass(frozen=True)
class RevisionDifference:
    """Sums of one area in two revisions of a month; None where one of them has no such area."""

    area: str
    before: float | None
    after: float | None
    solved_before: float | None
    solved_after: float | None


def compare_revisions(
    work: Work, *, older: DeliveredPeriod, newer: DeliveredPeriod | None
) -> list[RevisionDifference]:
    """Return the areas whose sums differ; exact, so only for those who deliver.

    Args:
        newer: None where no edition of the month holds: every area is returned.
    """
    work.require(Action.DELIVER_EVIDENCE)
    before, after = (
        read_sums(work, lens=TOTAL, periods=[each] if each else []).set_index(AREA)
        for each in (older, newer)
    )
    differences = []
    for area in sorted({*before.index, *after.index}):
        row = [
            None if area not in frame.index else float(frame.loc[area, name])
            for name in ("accepted", "solved")
            for frame in (before, after)
        ]
        if row[0] != row[1] or row[2] != row[3]:
            differences.append(RevisionDifference(area, *row))
    return differences
