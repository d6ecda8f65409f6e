"""Traders in complaints: off without a rule, totals from the threshold on, heard, named by two."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from survey.access.approval import SecondPersonRequiredError
from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Role
from survey.access.work import Seen
from survey.comparative_tests.hearings import ReplyData
from survey.counts.bringing_in.trader_totals import NamesOf
from survey.counts.deliveries import withdraw_delivery
from survey.counts.trader_hearings import (
    find_naming_signature,
    record_trader_reply,
    send_to_trader,
    sign_naming,
    take_back_naming,
)
from survey.counts.trader_lists import (
    JoinState,
    TraderRow,
    TraderView,
    confirm_proposal,
    drop_proposal,
    propose_join,
    propose_parting,
    read_named_traders,
    read_trader_lists,
)
from survey.counts.trader_rules import (
    ask_for_traders,
    end_trader_rule,
    find_trader_rule,
    set_trader_rule,
)
from survey.operations.waiting import list_waiting
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry, ReplyStance, TraderHearing, TraderTotal, new_id
from survey.store.tables.traders import TraderRuleData
from survey.store.transactions import run_in_transaction
from tests.context.complaints.trader_cases import (
    BIG,
    HUBEI,
    JIANGSU,
    NATION,
    NOW,
    OTHER,
    RULE,
    SECOND,
    USUAL,
    VISITOR,
    add_people,
    case_file,
    case_rows,
    read_cases,
    set_rule,
    store_cases,
)
from tests.error_codes import raises_code
from tests.work_of import ONE_PERSON, work_of

TODAY = date(2026, 5, 20)
REPLY = ReplyData(ReplyStance.OBJECTS, "已经全部退款。", "已核实，数字不变。", TODAY)


def change(url: str, who: Principal, service: Any, *given: Any, day: int = 0, **more: Any) -> Any:
    later = NOW + timedelta(day)
    return run_in_transaction(
        url, lambda session: service(work_of(session, who, later), *given, **more)
    )


def lists(url: str, who: Principal = JIANGSU) -> list[TraderView]:
    with read_scope(url) as session:
        return read_trader_lists(work_of(session, who, NOW))


def named(url: str, who: Principal = HUBEI) -> list[TraderRow]:
    with read_scope(url) as session:
        views = read_named_traders(work_of(session, who, NOW))
    return [row for view in views for row in view.rows]


def row_of(url: str, name: str, who: Principal = JIANGSU) -> TraderRow:
    (view,) = lists(url, who)
    return next(each for each in (*view.rows, *view.joined) if each.name == name)


def hearing_of(url: str, name: str) -> Seen:
    hearing = row_of(url, name).hearing
    assert hearing is not None
    return Seen(hearing.id, hearing.lock_version)


def waiting(url: str, who: Principal, *, day: int = 0) -> dict[str, int]:
    """What waits for a person of one list of traders: its words -> how many."""
    with read_scope(url) as session:
        items = list_waiting(work_of(session, who, NOW + timedelta(day)), waves=())
    found = [each for each in items if each.query.get("part") == "traders"]
    assert all(each.query["traders"].startswith("32-") for each in found)
    assert all(set(each.about) == {"zh", "en"} for each in found)
    return {each.what.msgid: each.count for each in found}


@pytest.fixture
def ruled(store_url: str) -> str:
    """A store with a rule and the usual list of Jiangsu."""
    add_people(store_url)
    set_rule(store_url)
    store_cases(store_url, read_cases(case_file(*USUAL)))
    return store_url


def test_without_a_rule_nothing_is_read_kept_or_shown(store_url: str) -> None:
    add_people(store_url)
    with read_scope(store_url) as session:
        work = work_of(session, JIANGSU, NOW)
        assert find_trader_rule(work) is None
        with raises_code("trader_rule_refused"):
            ask_for_traders(work, names_of=NamesOf.TRADER)
    file = read_cases(case_file(*USUAL))
    # Whoever got totals all the same, perhaps before the rule ended, cannot keep them.
    with raises_code("trader_rule_refused"):
        store_cases(store_url, file)
    store_cases(store_url, read_cases(case_file(*USUAL), None))
    with read_scope(store_url) as session:
        assert session.exec(select(TraderTotal)).all() == []
    assert lists(store_url) == [] == named(store_url)


@pytest.mark.parametrize(
    "data",
    [
        TraderRuleData(text="律师意见第1号", least=9),
        TraderRuleData(text="律师意见第1号", least=0),
        TraderRuleData(text="律师意见第1号", reply_days=0),
        TraderRuleData(text=" 无 "),
    ],
)
def test_a_rule_below_the_bounds_is_refused(sqlite_url: str, data: TraderRuleData) -> None:
    add_people(sqlite_url)
    with raises_code("trader_rule_refused"):
        set_rule(sqlite_url, data)
    with read_scope(sqlite_url) as session:
        assert find_trader_rule(work_of(session, NATION, NOW)) is None


def test_the_database_holds_no_lower_threshold(store_url: str) -> None:
    add_people(store_url)
    set_rule(store_url)
    with pytest.raises(IntegrityError):
        run_in_transaction(
            store_url, lambda session: session.connection().execute(
                text("UPDATE trader_rule SET least = 9"))
        )  # fmt: skip


def test_the_nation_sets_replaces_and_ends_the_rule_by_name(ruled: str) -> None:
    for who in (JIANGSU, HUBEI, Principal(new_id(), "a", Role.ANALYST, "CN")):
        with pytest.raises(AccessDeniedError):
            set_rule(ruled, RULE, who)
        with pytest.raises(AccessDeniedError):
            change(ruled, who, end_trader_rule, reason="不再需要这条规则")
    set_rule(ruled, TraderRuleData(text="律师意见第2号", least=31, reply_days=5))
    assert [row.name for row in lists(ruled)[0].rows] == [BIG]
    with raises_code("trader_rule_refused"):
        change(ruled, NATION, end_trader_rule, reason="无")
    change(ruled, NATION, end_trader_rule, reason="律师撤回了意见")
    assert lists(ruled) == []
    with read_scope(ruled) as session:
        entries = session.exec(
            select(AuditEntry)
            .where(col(AuditEntry.action).startswith("trader.rule"))
            .order_by(col(AuditEntry.sequence))
        ).all()
    assert [each.detail for each in entries] == [
        {"text": RULE.text, "least": 10, "reply_days": 3},
        {"text": "律师意见第2号", "least": 31, "reply_days": 5},
        {"reason": "律师撤回了意见"},
    ]


def test_totals_stand_by_name_beside_the_whole(ruled: str) -> None:
    (view,) = lists(ruled)
    assert (view.area, view.year, view.whole["accepted"]) == ("32", 2025, 113)
    assert [(row.name, row.cases, row.settled) for row in view.rows] == [
        (OTHER, 30, 12), (BIG, 60, 25),
    ]  # fmt: skip
    assert lists(ruled, HUBEI) == []
    assert len(lists(ruled, NATION)) == 1
    with pytest.raises(AccessDeniedError):
        lists(ruled, Principal(new_id(), "a", Role.ANALYST, "CN"))
    with read_scope(ruled) as session:
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.action == "trader.list_kept")
        ).one()
        assert entry.detail == {"area": "32", "year": 2025, "names": 2}


def test_a_list_is_kept_once_and_no_area_holds_another(ruled: str) -> None:
    """Two editions, or a province and its city, could be subtracted."""
    more = read_cases(case_file(*USUAL, case_rows(BIG, 1, 0)))
    inside = read_cases(case_file(case_rows(BIG, 40, 20)))
    for file, area, who in (
        (more, "32", JIANGSU),
        (more, "CN", NATION),
        (inside, "320500", JIANGSU),
    ):
        with raises_code("trader_refused"):
            store_cases(ruled, file, name=f"again-{area}", area=area, who=who)
    # Not by withdrawing it first either, though nothing is shown then.
    with read_scope(ruled) as session:
        delivery = session.connection().execute(text("SELECT delivery_id FROM trader_list"))
        delivery_id = new_id().__class__(str(delivery.scalar_one()))
    change(ruled, JIANGSU, withdraw_delivery, delivery_id=delivery_id, reason="错误的文件")
    assert lists(ruled) == []
    with raises_code("trader_refused"):
        store_cases(ruled, more, name="again")
    # Areas apart are apart, and another delivery of counts alone is as before.
    store_cases(ruled, replace(more, traders=None), name="counts")
    other = read_cases(case_file(case_rows(BIG, 40, 20, area="420100")))
    store_cases(ruled, other, name="hubei", area="42", who=HUBEI)
    assert [view.area for view in lists(ruled, NATION)] == ["42"]


def test_the_same_delivery_twice_keeps_one_list(ruled: str) -> None:
    store_cases(ruled, read_cases(case_file(*USUAL)))
    assert len(lists(ruled)) == 1


def test_a_list_whose_area_is_kept_back_is_not_shown(ruled: str) -> None:
    """The base is the one that 投诉 shows, so a total that it hides is told by no list either."""
    few = read_cases(case_file(case_rows("虚构戊有限公司", 12, 4, area="320500")), None)
    store_cases(ruled, few, name="later")
    assert lists(ruled) == []


def test_two_people_join_two_names_and_two_part_them(ruled: str) -> None:
    other, big = row_of(ruled, OTHER), row_of(ruled, BIG)
    change(ruled, JIANGSU, propose_join, other.seen, into=big.seen.id)
    with pytest.raises(SecondPersonRequiredError):
        change(ruled, JIANGSU, confirm_proposal, row_of(ruled, OTHER).seen)
    with raises_code("trader_unknown"):
        change(ruled, HUBEI, confirm_proposal, row_of(ruled, OTHER).seen)
    assert len(lists(ruled)[0].rows) == 2
    assert waiting(ruled, NATION) == {"Names of traders to confirm": 1}
    assert waiting(ruled, JIANGSU) == waiting(ruled, HUBEI) == {}
    change(ruled, NATION, confirm_proposal, row_of(ruled, OTHER).seen)
    (view,) = lists(ruled)
    assert [(row.name, row.cases, row.settled) for row in view.rows] == [(BIG, 90, 37)]
    assert [(row.name, row.into, row.state) for row in view.joined] == [
        (OTHER, BIG, JoinState.JOINED)
    ]
    change(ruled, NATION, propose_parting, row_of(ruled, OTHER).seen)
    with pytest.raises(SecondPersonRequiredError):
        change(ruled, NATION, confirm_proposal, row_of(ruled, OTHER).seen)
    change(ruled, SECOND, drop_proposal, row_of(ruled, OTHER).seen)
    change(ruled, NATION, propose_parting, row_of(ruled, OTHER).seen)
    change(ruled, JIANGSU, confirm_proposal, row_of(ruled, OTHER).seen)
    assert [row.cases for row in lists(ruled)[0].rows] == [30, 60]
    with read_scope(ruled) as session:
        trail = session.exec(select(AuditEntry)).all()
    steps = [each.action for each in trail if each.action.startswith("trader.")][2:]
    assert steps == [
        "trader.join_proposed", "trader.joined", "trader.parting_proposed",
        "trader.proposal_dropped", "trader.parting_proposed", "trader.parted",
    ]  # fmt: skip
    assert not any(name in str(each.detail) for each in trail for name in (BIG, OTHER))


def test_joining_tells_no_share_that_was_kept_back(ruled: str) -> None:
    """30 with 12 settled, joined to one whose share is kept back, has none: the other is known."""
    cases = [case_rows("虚构己有限公司", 40, 20), case_rows("虚构庚有限公司", 12, 6),
             case_rows("虚构辛有限公司", 9, 5), case_rows("虚构壬有限公司", 9, 5)]  # fmt: skip
    marked = [[*row[:7], "420100", *row[8:]] for group in cases for row in group]
    store_cases(ruled, read_cases(case_file(marked)), name="hubei", area="42", who=HUBEI)
    big, small = row_of(ruled, "虚构己有限公司", HUBEI), row_of(ruled, "虚构庚有限公司", HUBEI)
    assert (big.settled, small.settled) == (20, None)
    change(ruled, HUBEI, propose_join, small.seen, into=big.seen.id)
    change(ruled, NATION, confirm_proposal, row_of(ruled, small.name, HUBEI).seen)
    joined = row_of(ruled, big.name, HUBEI)
    assert (joined.cases, joined.settled) == (52, None)


def test_names_that_cannot_be_joined(ruled: str) -> None:
    other, big = row_of(ruled, OTHER), row_of(ruled, BIG)
    with raises_code("trader_refused"):
        change(ruled, JIANGSU, propose_join, big.seen, into=big.seen.id)
    with raises_code("trader_unknown"):
        change(ruled, JIANGSU, propose_join, big.seen, into=new_id())
    change(ruled, JIANGSU, propose_join, other.seen, into=big.seen.id)
    with raises_code("trader_refused"):
        change(ruled, JIANGSU, propose_join, big.seen, into=other.seen.id)
    change(ruled, JIANGSU, send_to_trader, big.seen, due_on=TODAY + timedelta(3))
    # A trader that was asked about 60 complaints is not named with 90.
    with raises_code("trader_refused"):
        change(ruled, NATION, confirm_proposal, row_of(ruled, OTHER).seen)


def test_a_trader_is_heard_and_named_by_two(ruled: str) -> None:
    big = row_of(ruled, BIG)
    with pytest.raises(AccessDeniedError):
        change(ruled, Principal(new_id(), "a", Role.ANALYST, "CN"), send_to_trader, big.seen,
               due_on=TODAY + timedelta(3))  # fmt: skip
    for days in (0, 2, 91):
        with raises_code("trader_hearing_refused"):
            change(ruled, JIANGSU, send_to_trader, big.seen, due_on=TODAY + timedelta(days))
    change(ruled, JIANGSU, send_to_trader, big.seen, due_on=TODAY + timedelta(3))
    with raises_code("trader_hearing_refused"):
        change(ruled, JIANGSU, send_to_trader, big.seen, due_on=TODAY + timedelta(3))
    for day in (0, 3):  # the last day counts
        with raises_code("trader_hearing_refused"):
            change(ruled, JIANGSU, sign_naming, hearing_of(ruled, BIG), day=day)
    assert waiting(ruled, JIANGSU, day=3) == {}
    assert waiting(ruled, JIANGSU, day=4) == {"Traders to sign for": 1}
    assert change(ruled, JIANGSU, sign_naming, hearing_of(ruled, BIG), day=4) is False
    # An answer that comes meanwhile was not before who signed first.
    late = replace(REPLY, received_on=TODAY + timedelta(4))
    change(ruled, JIANGSU, record_trader_reply, hearing_of(ruled, BIG), data=late, day=4)
    assert change(ruled, JIANGSU, sign_naming, hearing_of(ruled, BIG), day=4) is False
    with pytest.raises(SecondPersonRequiredError):
        change(ruled, JIANGSU, sign_naming, hearing_of(ruled, BIG), day=4)
    assert named(ruled) == []
    assert waiting(ruled, JIANGSU, day=4) == waiting(ruled, HUBEI, day=4) == {}
    assert waiting(ruled, NATION, day=4) == {"Traders to sign for": 1}
    with raises_code("trader_hearing_unknown"):
        change(ruled, HUBEI, sign_naming, hearing_of(ruled, BIG), day=4)
    with read_scope(ruled) as session:
        seen = hearing_of(ruled, BIG)
        mine = find_naming_signature(work_of(session, JIANGSU, NOW), hearing_id=seen.id)
        assert (mine.releases, mine.awaited) == (False, ("nation", "second"))
    with raises_code("trader_hearing_refused"):
        change(ruled, NATION, sign_naming, hearing_of(ruled, BIG), releases=False, day=4)
    assert change(ruled, NATION, sign_naming, hearing_of(ruled, BIG), releases=True, day=4)
    assert waiting(ruled, NATION, day=4) == {}
    (row,) = named(ruled)
    assert (row.name, row.cases) == (BIG, 60)
    assert row.hearing is not None
    assert (row.hearing.text, row.hearing.is_late) == ("已经全部退款。", True)
    with read_scope(ruled) as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "trader.named")).one()
        assert entry.detail == {"area": "32", "name": BIG, "cases": 60}
    assert OTHER not in str(named(ruled))


def test_an_answer_before_the_deadline_is_enough(ruled: str) -> None:
    change(ruled, JIANGSU, send_to_trader, row_of(ruled, BIG).seen, due_on=TODAY + timedelta(30))
    before = replace(REPLY, received_on=TODAY - timedelta(1))
    with raises_code("trader_hearing_refused"):
        change(ruled, JIANGSU, record_trader_reply, hearing_of(ruled, BIG), data=before)
    change(ruled, JIANGSU, record_trader_reply, hearing_of(ruled, BIG), data=REPLY)
    change(ruled, JIANGSU, sign_naming, hearing_of(ruled, BIG))
    assert change(ruled, SECOND, sign_naming, hearing_of(ruled, BIG))


def name_it(url: str) -> None:
    change(url, JIANGSU, send_to_trader, row_of(url, BIG).seen, due_on=TODAY + timedelta(3))
    change(url, JIANGSU, record_trader_reply, hearing_of(url, BIG), data=REPLY)
    change(url, JIANGSU, sign_naming, hearing_of(url, BIG))
    change(url, NATION, sign_naming, hearing_of(url, BIG))
    assert [row.name for row in named(url)] == [BIG]


def test_a_name_is_taken_back_by_one_with_a_reason(ruled: str) -> None:
    name_it(ruled)
    for reason in ("", "无"):
        with raises_code("trader_hearing_refused"):
            change(ruled, JIANGSU, take_back_naming, hearing_of(ruled, BIG), reason=reason)
    with raises_code("trader_hearing_unknown"):
        change(ruled, HUBEI, take_back_naming, hearing_of(ruled, BIG), reason="不是我们的")
    change(ruled, JIANGSU, take_back_naming, hearing_of(ruled, BIG), reason="名称有误，已更正")
    assert named(ruled) == []
    # It can be heard again, and the one before stays stored.
    change(ruled, JIANGSU, send_to_trader, row_of(ruled, BIG).seen, due_on=TODAY + timedelta(3))
    with read_scope(ruled) as session:
        reasons = session.exec(select(TraderHearing.reason).order_by(TraderHearing.id)).all()  # type: ignore[arg-type]
    assert reasons == ["名称有误，已更正", ""]


@pytest.mark.parametrize("how", ["ended", "raised", "withdrawn"])
def test_a_name_goes_with_what_it_rests_on(ruled: str, how: str) -> None:
    name_it(ruled)
    if how == "ended":
        change(ruled, NATION, end_trader_rule, reason="律师撤回了意见")
    elif how == "raised":
        set_rule(ruled, replace_least(61))
    else:
        with read_scope(ruled) as session:
            found = session.connection().execute(text("SELECT delivery_id FROM trader_list"))
            delivery_id = new_id().__class__(str(found.scalar_one()))
        change(ruled, JIANGSU, withdraw_delivery, delivery_id=delivery_id, reason="错误的文件")
    assert named(ruled) == []


def replace_least(least: int) -> TraderRuleData:
    return TraderRuleData(text=RULE.text, least=least, reply_days=3)


def test_where_one_person_is_enough_the_row_says_why(ruled: str) -> None:
    change(ruled, JIANGSU, send_to_trader, row_of(ruled, BIG).seen, due_on=TODAY + timedelta(3))
    change(ruled, JIANGSU, record_trader_reply, hearing_of(ruled, BIG), data=REPLY)

    def sign(session: Session) -> bool:
        work = work_of(session, JIANGSU, NOW, settings=ONE_PERSON)
        return sign_naming(work, hearing_of(ruled, BIG), releases=True)

    assert run_in_transaction(ruled, sign)
    (row,) = named(ruled)
    assert row.hearing is not None
    assert row.hearing.one_person == "off"


def test_a_demonstration_has_a_rule_and_lists_of_its_own(ruled: str) -> None:
    demo = replace(NATION, account_id=new_id(), is_demo=True)
    assert lists(ruled, demo) == []
    assert named(ruled, demo) == []
    with read_scope(ruled) as session:
        assert find_trader_rule(work_of(session, demo, NOW)) is None
    with pytest.raises(AccessDeniedError):
        change(ruled, VISITOR, set_trader_rule, data=RULE)
