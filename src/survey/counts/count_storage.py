"""Counts of any kind in the store: inserted with their delivery, summed by area and moment."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import pandas as pd
from sqlalchemy import func, select
from sqlmodel import Session, SQLModel

from survey.counts.count_declaration import AREA, NOT_GIVEN, TOTAL, CheckedCounts, CountKind
from survey.counts.delivery_changes import AreaSums
from survey.store.inserts import insert_columns
from survey.store.tables import DeliveryRevision, table_of

_BATCH_ROWS = 50_000
"""Rows made into Python objects at once; a million together would take a gigabyte."""


def insert_counts(
    session: Session,
    counts: CheckedCounts,
    revisions: Mapping[str, DeliveryRevision],
    *,
    sums_only: bool = False,
) -> None:
    """Store counts under the revisions of their months, and the sums of each code list.

    Args:
        sums_only: Whether to leave out the single counts of a kind with sums, which no page reads.
    """
    kind = counts.kind
    if kind.sums is kind.table or not sums_only:
        _insert_rows(session, kind.table, counts, counts.frame, [*kind.keys], revisions)
    if kind.sums is not kind.table:
        for lens, sums in summarise_counts(counts):
            keys = [kind.when, AREA, "code"]
            _insert_rows(session, kind.sums, counts, sums, keys, revisions, lens=lens)


def summarise_counts(counts: CheckedCounts) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each code list with its sums: month, area, code and the measures; first those of all.

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


def read_area_sums(session: Session, kind: CountKind, standing: Mapping[UUID, str]) -> AreaSums:
    """Return the sums of the first measure over everything, by area and month or day.

    Args:
        standing: Month by revision.
    """
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
