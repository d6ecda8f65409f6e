"""The demo list of traders: invented names under its own rule, one named with its answer."""

from dataclasses import replace
from datetime import UTC, date, datetime

from seed.demo.complaints import ACCEPTED
from seed.demo.traders import YEAR, store_traders
from survey.access.principal import Principal
from survey.access.roles import NATION, Role, demo_login
from survey.counts.deliveries import import_delivery
from survey.counts.trader_lists import read_named_traders, read_trader_lists
from survey.store.engine import read_scope
from survey.store.tables import Account, new_id
from survey.store.transactions import run_in_transaction
from tests.context.complaints.count_files import check_file, count_file, head, rows_of
from tests.work_of import work_of

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)


def test_a_visitor_sees_invented_names_and_nobody_else_any(sqlite_url: str) -> None:
    official = Account(
        login=demo_login(Role.NATIONAL_OFFICIAL), name="演示", role=Role.NATIONAL_OFFICIAL,
        area=NATION, is_demo=True,
    )  # fmt: skip
    person = Principal(official.id, official.name, official.role, NATION, is_demo=True)
    said = replace(head(f"demo-{YEAR}", day=date(YEAR + 1, 1, 3)), is_demo=True)
    counts = (ACCEPTED[YEAR] // 12,)
    months = [f"{YEAR}-{month:02}" for month in range(1, 13)]
    rows = [row for month in months for row in rows_of(month, "320500", counts)]
    run_in_transaction(sqlite_url, lambda session: session.add(official))
    run_in_transaction(
        sqlite_url,
        lambda session: import_delivery(
            work_of(session, person, NOW), check=check_file(count_file(*rows)), head=said
        ),
    )
    run_in_transaction(sqlite_url, lambda session: store_traders(session=session, now=NOW))
    city = Principal(new_id(), "city", Role.CITY_OFFICIAL, "420500", is_demo=True)
    real = Principal(new_id(), "real", Role.NATIONAL_OFFICIAL, NATION)
    with read_scope(sqlite_url) as session:
        (listed,) = read_trader_lists(work_of(session, person, NOW))
        (public,) = read_named_traders(work_of(session, city, NOW))
        assert read_named_traders(work_of(session, real, NOW)) == []
        assert read_trader_lists(work_of(session, real, NOW)) == []
        (row,) = public.rows
        assert row.hearing is not None
        assert row.hearing.answer
    assert len(listed.rows) == 6
    assert all(each.name.startswith("虚构") and "演示" in each.name for each in listed.rows)
