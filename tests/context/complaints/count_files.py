"""Files of complaint counts as a sender writes them."""

from collections.abc import Sequence
from datetime import date
from hashlib import sha256

from survey.counts.count_check import CountCheck, check_counts
from survey.counts.count_kinds import COMPLAINTS
from survey.counts.deliveries import DeliveryHead
from survey.tabular.reading import read_text_table

HEADER = (
    "期间,地区代码,投诉性质,商品服务类别,受理件数,解决件数,调解件数,调解成功件数,先行和解件数,"
    "挽回经济损失（元）"
)
ROW = "2024-05,420500,质量,食品类,40,30,20,15,5,1234.50"


def count_file(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows]).encode()


def check_file(content: bytes, *, version: str = "") -> CountCheck:
    table = read_text_table(content)
    return check_counts(COMPLAINTS, table, sha256=sha256(content).hexdigest(), version=version)


def head(
    external_id: str = "d-1", *, faults: str = "", version: str = "", day: date = date(2025, 1, 3)
) -> DeliveryHead:
    return DeliveryHead(external_id, "全国消协智慧315平台", day, faults, version, "counts.csv")


def rows_of(
    period: str, area: str, counts: Sequence[int], natures: Sequence[str] = ("质量", "价格", "安全")
) -> list[str]:
    """Rows of one area with one count by nature, half of each solved."""
    return [
        f"{period},{area},{nature},食品类,{count},{count // 2},0,0,0,0"
        for nature, count in zip(natures, counts, strict=False)
    ]
