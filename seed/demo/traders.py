"""Demo list of traders in complaints: invented names under a rule of its own, one of them named."""

from datetime import datetime, timedelta

from sqlmodel import Session, select

from seed.demo.complaints import ACCEPTED, SOLVED
from survey.access.principal import Principal
from survey.access.roles import NATION, Role, demo_login
from survey.access.work import Seen, Work
from survey.comparative_tests.hearings import ReplyData
from survey.counts.bringing_in.trader_totals import NamesOf, TraderTotals
from survey.counts.trader_gate import NamedTotal
from survey.counts.trader_hearings import record_trader_reply, send_to_trader, sign_naming
from survey.counts.trader_lists import keep_trader_list
from survey.counts.trader_rules import set_trader_rule
from survey.settings import current_settings
from survey.store.china_time import china_date
from survey.store.tables import Account, Delivery, ReplyStance, TraderHearing, TraderTotal
from survey.store.tables.traders import TraderRuleData

YEAR = 2024
_TOTALS = (
    NamedTotal("虚构甲电器有限公司（演示）", 4_812, 3_604),
    NamedTotal("虚构甲电器股份有限公司（演示）", 611, 447),
    NamedTotal("虚构乙网络科技有限公司（演示）", 9_377, 5_960),
    NamedTotal("虚构丙旅行社有限公司（演示）", 1_254, 702),
    NamedTotal("虚构丁教育咨询有限公司（演示）", 2_038, 391),
    NamedTotal("虚构戊健身管理有限公司（演示）", 17, None),
)
_NAMED = _TOTALS[4].name
_SENT_BEFORE = timedelta(20)


def store_traders(*, session: Session, now: datetime) -> None:
    """Set the demo rule, keep totals of the demo complaints, and name one trader after hearing."""
    login = demo_login(Role.NATIONAL_OFFICIAL)
    account = session.exec(select(Account).where(Account.login == login)).one()
    person = Principal(account.id, account.name, Role(account.role), NATION, is_demo=True)
    work = Work(session, person, now - _SENT_BEFORE, current_settings())
    text = "演示规则：本表经营者均为虚构，只用来说明怎样使用。"
    set_trader_rule(work, data=TraderRuleData(text=text, reply_days=10))
    delivery = session.exec(select(Delivery).where(Delivery.external_id == f"demo-{YEAR}")).one()
    totals = TraderTotals(NamesOf.TRADER, YEAR, ACCEPTED[YEAR], SOLVED[YEAR], _TOTALS)
    keep_trader_list(work, totals=totals, delivery_id=delivery.id)
    named = session.exec(select(TraderTotal).where(TraderTotal.name == _NAMED)).one()
    day = china_date(work.now)
    hearing_id = send_to_trader(
        work, Seen(named.id, named.lock_version), due_on=day + timedelta(14)
    )
    data = ReplyData(
        ReplyStance.REMARKS, "多数投诉因门店停业引起，正在分批退费。（演示）",
        "已核对件数；退费进度由协会跟踪。（演示）", day,
    )  # fmt: skip
    record_trader_reply(work, Seen(hearing_id, 1), data=data)
    hearing = session.get_one(TraderHearing, hearing_id)
    later = Work(session, person, now, current_settings())
    sign_naming(later, Seen(hearing_id, hearing.lock_version))
