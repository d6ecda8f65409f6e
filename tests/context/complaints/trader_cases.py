"""Lists of single complaints about invented traders, as a 12315 system exports them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.counts.bringing_in.count_files import CountFile, read_count_file
from survey.counts.bringing_in.trader_totals import NamesOf, TraderQuestion
from survey.counts.count_kinds import COMPLAINTS
from survey.counts.deliveries import DeliveryReceipt
from survey.counts.trader_lists import import_cases
from survey.counts.trader_rules import set_trader_rule
from survey.store.engine import session_scope
from survey.store.tables import Account, new_id
from survey.store.tables.traders import TraderRuleData
from survey.store.transactions import run_in_transaction
from tests.context.complaints.count_files import head
from tests.work_of import work_of

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
HEADS = (
    "投诉编号", "登记时间", "投诉人姓名", "联系电话", "被投诉企业", "品牌", "主体类型",
    "行政区划代码", "接收方式", "问题类别", "客体类别", "办理结果",
)  # fmt: skip
BIG, SMALL, OTHER = (
    "虚构甲电器有限公司（示例）",
    "虚构乙商贸有限公司（示例）",
    "虚构丙家电有限公司（示例）",
)
NATION = Principal(new_id(), "nation", Role.NATIONAL_OFFICIAL, "CN")
SECOND = Principal(new_id(), "second", Role.NATIONAL_OFFICIAL, "CN")
JIANGSU = Principal(new_id(), "jiangsu", Role.PROVINCE_OFFICIAL, "32")
HUBEI = Principal(new_id(), "hubei", Role.PROVINCE_OFFICIAL, "42")
VISITOR = Principal(new_id(), "visitor", Role.ADMINISTRATOR, "CN", is_demo=True)
PEOPLE = (NATION, SECOND, JIANGSU, HUBEI, VISITOR)
RULE = TraderRuleData(text="律师意见第1号（演示）", least=10, reply_days=3)


def case_rows(
    trader: str, count: int, settled: int, *, brand: str = "", mark: str = "", area: str = "320500"
) -> list[list[str]]:
    """`count` complaints spread over the twelve months, the first `settled` of them settled."""
    return [
        [
            f"T{at}", f"2025-{at % 12 + 1:02}-03", "虚构人甲", "13900000001", trader, brand, mark,
            area, "互联网", "质量", "食品类", "调解成功" if at < settled else "调解不成",
        ]
        for at in range(count)
    ]  # fmt: skip


def case_file(*groups: Sequence[Sequence[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([HEADS, *(row for group in groups for row in group)])
    return buffer.getvalue().encode("utf-8-sig")


def read_cases(
    content: bytes, names_of: NamesOf | None = NamesOf.TRADER, least: int = 10
) -> CountFile:
    asked = None if names_of is None else TraderQuestion(names_of, least)
    return read_count_file(COMPLAINTS, content, of_cases=True, traders=asked)


USUAL = (
    case_rows(BIG, 60, 25), case_rows(OTHER, 30, 12), case_rows(SMALL, 9, 5),
    case_rows("虚构丁有限公司", 9, 4), case_rows("虚构戊有限公司", 5, 2),
)  # fmt: skip


def add_people(url: str) -> None:
    with session_scope(url) as session:
        for each in PEOPLE:
            session.add(
                Account(
                    id=each.account_id, login=each.name, name=each.name, role=each.role,
                    area=each.area, is_demo=each.is_demo,
                )
            )  # fmt: skip


def set_rule(url: str, data: TraderRuleData = RULE, who: Principal = NATION) -> None:
    run_in_transaction(url, lambda session: set_trader_rule(work_of(session, who, NOW), data=data))


def store_cases(
    url: str, file: CountFile, *, name: str = "cases", area: str = "32", who: Principal = JIANGSU
) -> DeliveryReceipt:
    said = replace(head(name, day=date(2026, 1, 5)), area=area)
    return run_in_transaction(
        url, lambda session: import_cases(work_of(session, who, NOW), file=file, head=said)
    )
