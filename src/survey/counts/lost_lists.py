"""Lists, classes and measures that stand in a month and that a new delivery of it does not have.

A sum by area can stay as it is while the channel of every complaint, or a class, is gone with the
delivery. Codes are compared in the newest code lists; of one that was split since nothing is said.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd
from sqlalchemy import func, select
from sqlmodel import Session

from survey.counts.count_declaration import AREA, NOT_GIVEN, CheckedCounts, CountKind
from survey.counts.delivery_changes import LostList
from survey.counts.standing_deliveries import DeliveredPeriod, stands_for
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.store.tables import table_of

_MONTH_CHARS = len("2024-05")
_Codes = Mapping[tuple[str, str], set[str]]
"""Codes by area and month."""


def find_lost_lists(
    session: Session, counts: CheckedCounts, standing: Sequence[DeliveredPeriod]
) -> tuple[LostList, ...]:
    """Return what of `standing` the counts do not have, in the areas and months that they do have.

    A list is lost in every area that had codes of it and has none any more; a code where none of
    these areas has it, not even with 0.
    """
    kind = counts.kind
    came = {(area, when[:_MONTH_CHARS]) for area, when in counts.area_sums}
    lost: list[LostList] = []
    for column in kind.keys:
        if column not in {kind.when, AREA}:
            before = _read_codes(session, kind, column, standing)
            after = _list_codes(counts, column)
            lost += _compare_codes(
                column, {each: before[each] for each in before.keys() & came}, after
            )
    lost += _find_lost_measures(session, counts, standing, came)
    return tuple(sorted(lost, key=lambda each: (each.period, each.column)))


def name_lost(kind: CountKind, lost: LostList, language: str) -> str:
    """Return the column of what is lost, as senders write it, and the names of its codes."""
    head, key = kind.columns[lost.column].names[0], kind.keys.get(lost.column)
    names = lost.codes
    if isinstance(key, CodeListName):
        known = {each.code: each.name(language) for each in shipped_code_lists().codes_of(key)}
        names = tuple(known[code] for code in lost.codes)
    return f"{head} ({', '.join(names)})" if names else head


def _compare_codes(column: str, before: _Codes, after: _Codes) -> list[LostList]:
    lost = []
    for period in {month for _, month in before}:
        stood = {area: codes for (area, month), codes in before.items() if month == period}
        comes = {area: after.get((area, period), set()) for area in stood}
        without = sum(not codes for codes in comes.values())
        if without:
            lost.append(LostList(period, column, (), without))
        gone = set[str]().union(*(codes for area, codes in stood.items() if comes[area]))
        gone -= set[str]().union(*comes.values())
        if gone:
            lost.append(LostList(period, column, tuple(sorted(gone)), len(stood)))
    return lost


def _read_codes(
    session: Session, kind: CountKind, column: str, standing: Sequence[DeliveredPeriod]
) -> dict[tuple[str, str], set[str]]:
    """Return (area, month) -> stored codes of a key that something was counted of."""
    edition = {each.revision_id: (each.period, each.code_version) for each in standing}
    table = table_of(kind.sums)
    is_of_list = "lens" in table.c
    code = table.c["code" if is_of_list else column]
    query = select(table.c.revision_id, table.c[AREA], code).where(
        stands_for(table, standing),
        table.c[kind.measures[0]] > 0,
        code.not_in([NOT_GIVEN, kind.missing_code(column)]),
        *([table.c.lens == column] if is_of_list else []),
    )
    found = defaultdict[tuple[str, str], set[str]](set)
    newest = {
        version: _map_to_newest(kind, column, version)
        for version in {v for _, v in edition.values()}
    }
    for revision_id, area, text in session.connection().execute(query.distinct()):
        period, version = edition[revision_id]
        found[area, period] |= _carry({text}, newest[version])
    return found


def _list_codes(counts: CheckedCounts, column: str) -> _Codes:
    """Return (area, month) -> codes of a key in the counts, also where they count 0."""
    frame = counts.frame
    missing = {NOT_GIVEN, counts.kind.missing_code(column)}
    newest = _map_to_newest(counts.kind, column, counts.version)
    found = defaultdict[tuple[str, str], set[str]](set)
    by = [frame[AREA], counts.months_of(frame).rename("period"), frame[column]]
    sizes: pd.Series[int] = frame.groupby(by, observed=True).size()
    for area, period, code in sizes.index:
        if code not in missing:
            found[str(area), str(period)] |= _carry({str(code)}, newest)
    return found


def _map_to_newest(kind: CountKind, column: str, version: str) -> Mapping[str, str] | None:
    key = kind.keys[column]
    return shipped_code_lists().to_newest(key, version) if isinstance(key, CodeListName) else None


def _carry(codes: set[str], newest: Mapping[str, str] | None) -> set[str]:
    return codes if newest is None else {newest[code] for code in codes & newest.keys()}


def _find_lost_measures(
    session: Session,
    counts: CheckedCounts,
    standing: Sequence[DeliveredPeriod],
    came: set[tuple[str, str]],
) -> list[LostList]:
    kind = counts.kind
    period_of = {each.revision_id: each.period for each in standing}
    table = table_of(kind.sums)
    names = [name for name in kind.measures if kind.stored_name(name) not in counts.measures]
    query = (
        select(
            table.c.revision_id,
            table.c[AREA],
            *(func.count(table.c[kind.stored_name(name)]) for name in names),
        )
        .where(
            stands_for(table, standing),
            *(table.c[name] == value for name, value in kind.whole.items()),
        )
        .group_by(table.c.revision_id, table.c[AREA])
    )
    areas = defaultdict[tuple[str, str], set[str]](set)
    for revision_id, area, *numbers in session.connection().execute(query):
        period = period_of[revision_id]
        for name, number in zip(names, numbers, strict=True):
            if number and (area, period) in came:
                areas[period, name].add(area)
    return [LostList(period, name, (), len(found)) for (period, name), found in areas.items()]
