"""Deliveries from before ages were crossed get their sums from the counts that are stored."""

from sqlalchemy import text

from survey.counts.count_kinds import AGE_LENSES
from survey.store import schema
from survey.store.engine import engine_for
from tests.context.complaints.count_files import HEADER, ROW, count_file
from tests.context.complaints.test_storage import deliver

_LENSES = ", ".join(f"'{lens}'" for lens in AGE_LENSES)
_READ = f"SELECT * FROM complaint_summary WHERE lens IN ({_LENSES})"


def test_the_upgrade_sums_what_an_older_version_stored(store_url: str) -> None:
    ages = ("60岁及以上", "18岁以下", "30—44岁", "")
    rows = [f"{ROW.replace('质量', nature)},{age}" for age in ages for nature in ("质量", "价格")]
    deliver(store_url, count_file(*rows, header=f"{HEADER},投诉人年龄段"))
    with engine_for(store_url).begin() as connection:
        before = sorted(map(str, connection.execute(text(_READ))))
        assert len(before) == 2 * (2 + 1), "two groups; two natures, one class"
        connection.execute(text(f"DELETE FROM complaint_summary WHERE lens IN ({_LENSES})"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0050'"))
    schema.upgrade(store_url)
    with engine_for(store_url).connect() as connection:
        assert sorted(map(str, connection.execute(text(_READ)))) == before
