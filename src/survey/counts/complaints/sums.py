"""Sums of complaint counts by area and the codes of one list, and the rates computed from them."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import BigInteger, case, cast, func, select
from sqlmodel import Session

from survey.access.principal import covers
from survey.access.roles import Action
from survey.access.work import Work
from survey.counts.count_declaration import AREA, TOTAL
from survey.counts.count_kinds import COMPLAINTS, PERIOD
from survey.counts.standing_deliveries import (
    DeliveredPeriod,
    list_delivered_periods,
    list_standing_periods,
    stands_for,
)
from survey.frame.code_lists import CodeListName, CodeLists, shipped_code_lists
from survey.locale import Message, msg
from survey.store.tables import ComplaintSummary, DeliveryKind, table_of


@dataclass(frozen=True)
class RateDefinition:
    """Definition of a rate of complaints: names of numerator and base, in store and on screen."""

    rate: str
    """Column of the counts that are divided."""
    name: Message
    base: str
    """Column of the base."""
    base_name: Message


RATES = (
    RateDefinition("solved", msg("Solved"), "accepted", msg("of the complaints accepted")),
    RateDefinition(
        "settled_first",
        msg("Settled first, without mediation"),
        "accepted",
        msg("of the complaints accepted"),
    ),
    RateDefinition(
        "mediation_succeeded",
        msg("Mediation succeeded"),
        "mediated",
        msg("of the complaints taken to mediation"),
    ),
)


def share_in_percent(part: float | None, whole: float | None) -> float | None:
    """Return part of whole in per cent to two decimals; None if one is unknown or whole is zero."""
    if part is None or not whole:
        return None
    return round(100 * part / whole, 2)


def per_100_000(count: float | None, residents: int | None) -> float | None:
    """Return a count per 100,000 residents to one decimal; None where either is unknown."""
    if count is None or not residents:
        return None
    return round(count / residents * 100_000, 1)


_MEASURES = COMPLAINTS.stored_measures
_SUMMARIES = table_of(ComplaintSummary)


def read_sums(
    work: Work,
    *,
    lens: str,
    periods: Sequence[DeliveredPeriod],
    lists: CodeLists | None = None,
    by_period: bool = True,
) -> pd.DataFrame:
    """Return sums of complaints by period (or all), area, and newest code (`lists`) of list `lens`.

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
        name = CodeListName(COMPLAINTS.crossed[lens].by if lens in COMPLAINTS.crossed else lens)
        maps = {version: known.to_newest(name, version) for _, version in set(kinds)}
        frame["code"] = [
            maps[kinds[kind][1]].get(code, code)
            for kind, code in zip(frame["kind"], frame["code"], strict=True)
        ]
    keys = [AREA, "code"]
    if by_period:
        frame[PERIOD] = [kinds[kind][0] for kind in frame["kind"]]
        keys = [PERIOD, *keys]
    return frame.groupby(keys, sort=True)[list(_MEASURES)].sum(min_count=1).reset_index()


def _read_summaries(
    session: Session, lens: str, wanted: Sequence[DeliveredPeriod], kinds: Sequence[Hashable]
) -> pd.DataFrame:
    """Return sums by group of periods (`kinds`: one per period), area and code of list `lens`.

    A kind is named by the first place at which `kinds` has it. A year is tens of thousands of rows:
    an id of each, and rows that pandas takes for unknown objects, took most of the time of a page
    that nobody had read yet.
    """
    names = ("kind", AREA, "code", *_MEASURES)
    if not wanted:
        return pd.DataFrame(columns=names)
    ids = [each.revision_id for each in wanted]
    numbers = {each: kinds.index(kind) for each, kind in zip(ids, kinds, strict=True)}
    # A sum of integers is a decimal in PostgreSQL, which pandas takes for an unknown object.
    sums = [cast(func.sum(_SUMMARIES.c[name]), BigInteger) for name in _MEASURES]
    query = (
        select(
            case(numbers, value=_SUMMARIES.c.revision_id).label("kind"),
            *_SUMMARIES.c[AREA, "code"],
            *sums,
        )
        .where(_SUMMARIES.c.lens == lens, stands_for(_SUMMARIES, wanted))
        .group_by("kind", *_SUMMARIES.c[AREA, "code"])
    )
    rows = session.connection().execute(query).all()
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    frame = pd.DataFrame(dict(zip(names, columns, strict=True)))
    for name in _MEASURES:
        frame[name] = pd.to_numeric(frame[name]).astype("Float64")
    return frame


@dataclass(frozen=True)
class RevisionDifference:
    """Sums of one area in two revisions of a month; None where one revision lacks the area."""

    area: str
    before: float | None
    after: float | None
    solved_before: float | None
    solved_after: float | None


def compare_revisions(work: Work, *, older: DeliveredPeriod) -> list[RevisionDifference]:
    """Return places whose sums in an edition differ from what stands; for who delivers them.

    Nothing is hidden; only places of the edition and of the reader's own area are named.
    """
    work.require(Action.DELIVER_EVIDENCE)
    standing = [
        each
        for each in list_standing_periods(work, kind=DeliveryKind.COMPLAINTS)
        if each.period == older.period
    ]
    before, after = (
        read_sums(work, lens=TOTAL, periods=each).set_index(AREA) for each in ([older], standing)
    )
    differences = []
    places = {*before.index, *after.index}
    for area in sorted(
        place for place in places if covers(older.area, place) and work.principal.covers(place)
    ):
        row = [
            None if area not in frame.index else float(frame.loc[area, name])
            for name in ("accepted", "solved")
            for frame in (before, after)
        ]
        if row[0] != row[1] or row[2] != row[3]:
            differences.append(RevisionDifference(area, *row))
    return differences
