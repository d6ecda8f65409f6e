"""Lists of complaints by trader or brand: kept once for an area and year, and names of one joined.

A list is made of one file with all twelve months of a year and never made again, not even after its
delivery was withdrawn, and no list of an area holds another of its year: two editions, or a nation
and its provinces, could be subtracted (docs/decisions/0018-traders.md).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from survey.access.approval import SecondPersonRequiredError, approve, find_people_rule
from survey.access.audit import actor_id
from survey.access.principal import covers, list_areas_above, whole_area_filter
from survey.access.roles import Action
from survey.access.work import Case, Seen, Work
from survey.counts.bringing_in.count_files import CountFile
from survey.counts.bringing_in.trader_totals import NamesOf, TraderTotals
from survey.counts.complaint_gate import CountCell
from survey.counts.complaint_tables import read_complaint_year
from survey.counts.count_declaration import TOTAL
from survey.counts.deliveries import DeliveryHead, DeliveryReceipt, import_delivery
from survey.counts.trader_gate import NamedTotal, protect_totals
from survey.counts.trader_rules import require_trader_rule, select_rule
from survey.locale import Message, msg
from survey.store.audit_events import AuditEvent
from survey.store.tables import Delivery, TraderHearing, TraderList, TraderTotal


class JoinState(StrEnum):
    """State of a name: by itself, to be joined to another, joined, or to be parted again."""

    ALONE = "alone"
    JOIN_ASKED = "join_asked"
    JOINED = "joined"
    PARTING_ASKED = "parting_asked"


JOIN_STATE_NAMES: Mapping[JoinState, Message] = {
    JoinState.ALONE: msg("stands by itself"),
    JoinState.JOIN_ASKED: msg("proposed to be joined"),
    JoinState.JOINED: msg("joined"),
    JoinState.PARTING_ASKED: msg("proposed to be parted"),
}


def _find_join_state(row: TraderTotal) -> JoinState:
    if row.is_joined:
        return JoinState.PARTING_ASKED if row.asked_at else JoinState.JOINED
    return JoinState.JOIN_ASKED if row.asked_at else JoinState.ALONE


TOTALS = Case(
    table=TraderTotal,
    name="trader",
    refused="trader_refused",
    keeping=Action.DELIVER_EVIDENCE,
    unknown=msg("There is no such name in the lists of your area."),
    area=col(TraderTotal.area),
    is_demo=col(TraderTotal.is_demo),
    changed=msg("Somebody changed something about this name meanwhile. Please look at it again."),
    not_now=msg("This is not possible while the name is in the state “{state}”."),
    states=JOIN_STATE_NAMES,
    state_of=_find_join_state,
    # A name is in the trail only once it is public.
    details=lambda row: {"area": row.area},
)


@dataclass(frozen=True)
class TraderRow:
    """A name of a list, with the names joined to it, and its hearing."""

    seen: Seen
    name: str
    cases: int
    settled: int | None
    """None where it is kept back."""
    state: JoinState
    into: str
    """Name that it is, or is to be, joined to; empty if none."""
    is_own_proposal: bool
    hearing: TraderHearing | None
    """The one that was not taken back."""

    @property
    def awaits_reader(self) -> bool:
        """Whether somebody else proposed to join or to part it, so that the reader can confirm."""
        is_asked = self.state in {JoinState.JOIN_ASKED, JoinState.PARTING_ASKED}
        return is_asked and not self.is_own_proposal


@dataclass(frozen=True)
class TraderView:
    """A list as it may be shown: names in their order, beside the complaints of the whole area."""

    area: str
    year: int
    names_of: NamesOf
    whole: CountCell
    """The area's complaints of the year, as the page of complaints shows them."""
    rows: tuple[TraderRow, ...]
    """By name; what is joined is counted with the name it is joined to."""
    joined: tuple[TraderRow, ...]
    is_demo: bool


def import_cases(work: Work, *, file: CountFile, head: DeliveryHead) -> DeliveryReceipt:
    """Store the counts of a file and, if they were asked for, its totals by name.

    Raises: see `import_delivery` and `keep_trader_list`.
    """
    receipt = import_delivery(work, check=file.check, head=head)
    if file.traders is not None:
        keep_trader_list(work, totals=file.traders, delivery_id=receipt.delivery_id)
    return receipt


def keep_trader_list(work: Work, *, totals: TraderTotals, delivery_id: UUID) -> None:
    """Keep totals by name of a delivery's area and year, once and for good; record it.

    Raises:
        RefusedError: no rule stands, or a list of this year holds some of the area already.
    """
    work.require(Action.DELIVER_EVIDENCE)
    delivery = work.session.get(Delivery, delivery_id)
    if delivery is None:
        raise TOTALS.refuse(TOTALS.unknown)
    work.require(Action.DELIVER_EVIDENCE, delivery.area)
    rule = require_trader_rule(work)
    others = work.session.exec(
        select(TraderList).where(
            TraderList.year == totals.year, col(TraderList.is_demo) == delivery.is_demo
        )
    ).all()
    if any(each.delivery_id == delivery_id for each in others):
        return
    if any(covers(each.area, delivery.area) or covers(delivery.area, each.area) for each in others):
        raise TOTALS.refuse(
            msg(
                "Totals by name were kept of {year} for this area, or for a part of it or a larger "
                "one. They are kept once: two lists could be subtracted. The file can be stored "
                "without them.",
                year=totals.year,
            )
        )
    listed = TraderList(
        delivery_id=delivery_id,
        area=delivery.area,
        year=totals.year,
        names_of=totals.names_of,
        cases=totals.cases,
        settled=totals.settled,
        is_demo=delivery.is_demo,
        made_by=actor_id(work.principal),
        made_at=work.now,
    )
    work.session.add(listed)
    work.session.flush()
    # The rule may have been changed since the file was read.
    kept = protect_totals(totals.totals, totals.cases, totals.settled, rule.least)
    work.session.add_all(
        TraderTotal(
            list_id=listed.id,
            area=listed.area,
            is_demo=listed.is_demo,
            name=each.name,
            cases=each.cases,
            settled=each.settled,
        )
        for each in kept
    )
    work.session.flush()
    detail = {"area": listed.area, "year": listed.year, "names": len(kept)}
    work.record(AuditEvent.TRADER_LIST_KEPT, delivery_id, detail)


def read_trader_lists(work: Work) -> list[TraderView]:
    """Return the lists of the own area, newest year first, for those who deliver; none unruled."""
    work.require(Action.DELIVER_EVIDENCE)
    return _read_views(work, whole_area_filter(work.principal, col(TraderList.area)))


def read_named_traders(work: Work) -> list[TraderView]:
    """Return the lists of every area with the names that are public, newest year first."""
    work.require(Action.READ_RESULTS)
    views = [
        TraderView(
            view.area, view.year, view.names_of, view.whole,
            tuple(each for each in view.rows if each.hearing and each.hearing.named_at),
            (), view.is_demo,
        )
        for view in _read_views(work, col(TraderList.id).in_(
            select(TraderTotal.list_id)
            .join(TraderHearing, col(TraderHearing.total_id) == col(TraderTotal.id))
            .where(col(TraderHearing.named_at).is_not(None),
                   col(TraderHearing.taken_back_at).is_(None))
        ))
    ]  # fmt: skip
    return [view for view in views if view.rows]


def find_named_trader(work: Work, *, hearing_id: UUID) -> TraderView | None:
    """Return the list of a public name with that name alone; None unless everything stands.

    The rule, the list, the base, the threshold, and the hearing that was not taken back.
    """
    for view in read_named_traders(work):
        for row in view.rows:
            if row.hearing is not None and row.hearing.id == hearing_id:
                return replace(view, rows=(row,))
    return None


def _read_views(work: Work, condition: ColumnElement[bool]) -> list[TraderView]:
    is_demo = work.principal.is_demo
    rule = select_rule(work.session, is_demo=is_demo)
    if rule is None:
        return []
    query = (
        select(TraderList)
        .join(Delivery, col(Delivery.id) == col(TraderList.delivery_id))
        .where(condition, col(TraderList.is_demo) == is_demo, col(Delivery.withdrawn_at).is_(None))
        .order_by(col(TraderList.year).desc(), col(TraderList.area))
    )
    views = (_build_view(work, each, rule.least) for each in work.session.exec(query).all())
    return [view for view in views if view is not None]


def _build_view(work: Work, listed: TraderList, least: int) -> TraderView | None:
    """Return a list as it may be shown; None where the area's own total is kept back."""
    year = read_complaint_year(work, year=listed.year, lenses=())
    whole = year.find_cell(TOTAL, listed.area, TOTAL) if year else None
    if whole is None or whole.get("accepted") is None:
        return None
    totals = work.session.exec(select(TraderTotal).where(TraderTotal.list_id == listed.id)).all()
    hearings = _read_hearings(work.session, [each.id for each in totals])
    shown = {
        each.name: each
        for each in protect_totals(
            [NamedTotal(each.name, each.cases, each.settled) for each in totals],
            listed.cases, listed.settled, least,
        )
    }  # fmt: skip
    by_id = {each.id: each for each in totals}
    rows: list[TraderRow] = []
    joined: list[TraderRow] = []
    for total in sorted(totals, key=lambda each: each.name):
        if total.name not in shown:
            continue
        parts = [
            shown[each.name]
            for each in totals
            if each.name in shown
            and (each is total or (each.is_joined and each.into_id == total.id))
        ]
        settled = [each.settled for each in parts if each.settled is not None]
        row = TraderRow(
            Seen(total.id, total.lock_version),
            total.name,
            sum(each.cases for each in parts),
            sum(settled) if len(settled) == len(parts) else None,
            _find_join_state(total),
            by_id[total.into_id].name if total.into_id else "",
            total.asked_at is not None and total.asked_by == actor_id(work.principal),
            hearings.get(total.id),
        )
        (joined if total.is_joined else rows).append(row)
    return TraderView(
        listed.area, listed.year, NamesOf(listed.names_of), whole, tuple(rows), tuple(joined),
        listed.is_demo,
    )  # fmt: skip


def _read_hearings(session: Session, totals: Collection[UUID]) -> dict[UUID, TraderHearing]:
    query = select(TraderHearing).where(
        col(TraderHearing.total_id).in_(totals), col(TraderHearing.taken_back_at).is_(None)
    )
    return {each.total_id: each for each in session.exec(query)}


def find_shown_row(work: Work, total: TraderTotal) -> TraderRow:
    """Return a name of the own area as it may be shown; raise `RefusedError` if it is not."""
    work.require(TOTALS.keeping)
    for view in _read_views(work, col(TraderList.id) == total.list_id):
        for row in view.rows:
            if row.seen.id == total.id:
                return row
    raise TOTALS.refuse(msg("This name is not shown by itself, so nothing can be done with it."))


def propose_join(work: Work, seen: Seen, *, into: UUID) -> None:
    """Propose that name `seen` (id, version) and another of its list are one; somebody confirms.

    Raises:
        RefusedError: the names cannot be joined, or one of them is heard or named.
    """
    require_trader_rule(work)
    total = work.lock(TOTALS, seen, (JoinState.ALONE,))
    _require_joinable(work, total, into)
    total.into_id, total.asked_by, total.asked_at = into, actor_id(work.principal), work.now
    work.save(TOTALS, total, AuditEvent.TRADER_JOIN_PROPOSED)


def propose_parting(work: Work, seen: Seen) -> None:
    """Propose that the joined name `seen` (id, version) stands by itself again; somebody confirms.

    Raises:
        RefusedError: it is not joined, or the name it is joined to is heard or named.
    """
    require_trader_rule(work)
    total = work.lock(TOTALS, seen, (JoinState.JOINED,))
    _require_unheard(work, total)
    total.asked_by, total.asked_at = actor_id(work.principal), work.now
    work.save(TOTALS, total, AuditEvent.TRADER_PARTING_PROPOSED)


def confirm_proposal(work: Work, seen: Seen) -> None:
    """Confirm what another person proposed about name `seen`: join it, or part it again.

    Raises:
        RefusedError: nothing is proposed, or it is not possible any more.
        SecondPersonRequiredError: the principal proposed it.
    """
    require_trader_rule(work)
    total = work.lock(TOTALS, seen, (JoinState.JOIN_ASKED, JoinState.PARTING_ASKED))
    rule = find_people_rule(
        work, action=TOTALS.keeping, is_demo=total.is_demo, areas=list_areas_above(total.area)
    )
    own = msg("You proposed this yourself. Another person confirms it.")
    alone = approve(work.principal, rule, total.asked_by, SecondPersonRequiredError(own))
    if total.is_joined:
        _require_unheard(work, total)
        total.into_id, event = None, AuditEvent.TRADER_PARTED
    else:
        assert total.into_id is not None
        _require_joinable(work, total, total.into_id)
        event = AuditEvent.TRADER_JOINED
    total.is_joined = not total.is_joined
    total.asked_by = total.asked_at = None
    work.save(TOTALS, total, event, **({"one_person": alone} if alone else {}))


def drop_proposal(work: Work, seen: Seen) -> None:
    """Drop what was proposed about name `seen` (id, version); it stays as it is."""
    require_trader_rule(work)
    total = work.lock(TOTALS, seen, (JoinState.JOIN_ASKED, JoinState.PARTING_ASKED))
    if not total.is_joined:
        total.into_id = None
    total.asked_by = total.asked_at = None
    work.save(TOTALS, total, AuditEvent.TRADER_PROPOSAL_DROPPED)


def _require_joinable(work: Work, total: TraderTotal, into: UUID) -> None:
    other = work.find(TOTALS, into, TOTALS.keeping)
    find_shown_row(work, total)
    find_shown_row(work, other)
    has_own = select(TraderTotal.id).where(TraderTotal.into_id == total.id)
    if (
        other.id == total.id
        or other.list_id != total.list_id
        or other.into_id is not None
        or work.session.exec(has_own).first() is not None
    ):
        raise TOTALS.refuse(
            msg("Two names of one list can be joined, if neither is joined to a third.")
        )
    _require_unheard(work, total, other)


def _require_unheard(work: Work, *totals: TraderTotal) -> None:
    ids = [id_ for each in totals for id_ in (each.id, each.into_id) if id_ is not None]
    if _read_hearings(work.session, ids):
        raise TOTALS.refuse(
            msg("A trader that is heard or named is asked about this total. Take that back first.")
        )
