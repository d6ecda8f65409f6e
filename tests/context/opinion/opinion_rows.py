"""Deliveries of opinion counts as a vendor writes them."""

from datetime import date, timedelta
from hashlib import sha256

from survey.counts.count_check import CountCheck, check_counts
from survey.counts.count_kinds import OPINION
from survey.counts.deliveries import DeliveryHead
from survey.tabular.reading import read_text_table

HEADER = "日期,地区代码,渠道,情感倾向,话题,信息条数"
SENTIMENTS = ("负面", "中性", "正面")


def opinion_file(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows]).encode()


def check(*rows: str) -> CountCheck:
    content = opinion_file(*rows)
    return check_counts(OPINION, read_text_table(content), sha256=sha256(content).hexdigest())


def day_rows(
    day: str, counts: tuple[int, int, int], *, area: str = "", topic: str = "", channel: str = ""
) -> list[str]:
    """One row a sentiment: negative, neutral, positive."""
    return [
        f"{day},{area},{channel},{sentiment},{topic},{count}"
        for sentiment, count in zip(SENTIMENTS, counts, strict=True)
    ]


def many_days(first: date, negative: list[int], *, whole: int = 1_000, area: str = "") -> list[str]:
    """Days in a row with that many negative items, of `whole` each."""
    rows = []
    for number, count in enumerate(negative):
        day = (first + timedelta(days=number)).isoformat()
        rows += day_rows(day, (count, whole - count, 0), area=area)
    return rows


def head(external_id: str = "o-1", faults: str = "") -> DeliveryHead:
    return DeliveryHead(external_id, "监测单位", date(2024, 12, 31), faults)
