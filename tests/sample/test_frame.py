"""The frame of cities: complete, grouped by rule, stored once."""

from collections import Counter
from dataclasses import replace

import pytest
from sqlmodel import select

from survey.frame.city_frame import (
    RetailTier,
    SizeTier,
    build_frame_table,
    shipped_cities,
    upsert_cities,
)
from survey.store.engine import session_scope
from survey.store.tables import AuditEntry, City

BY_CODE = {city.code: city for city in shipped_cities()}


def test_the_frame_is_the_hundred_cities() -> None:
    cities = shipped_cities()
    assert len(cities) == 100
    assert [city.code for city in cities] == sorted({city.code for city in cities})
    assert len({city.province_code for city in cities}) == 31
    classes = [city.city_class for city in cities]
    assert {name: classes.count(name) for name in set(classes)} == {
        "直辖市": 4,
        "省会": 27,
        "计划单列市": 5,
        "其他": 64,
    }
    assert sum(city.list_basis == "推定" for city in cities) == 27


def test_shares_are_shares() -> None:
    for city in shipped_cities():
        ages = city.share_age_0_14 + city.share_age_15_59 + city.share_age_60_plus
        assert ages == pytest.approx(1, abs=0.002), city.name_en
        assert 0 < city.share_age_65_plus < city.share_age_60_plus
        assert 0.45 < city.share_male < 0.6


@pytest.mark.parametrize(
    ("code", "tier"),
    [
        ("500000", SizeTier.MEGA),  # 32.05 million x 69.46 %
        ("330100", SizeTier.SUPER),  # 11.94 million x 83.29 % = 9.94 million, just below
        ("420500", SizeTier.LARGE),
        ("621000", SizeTier.MEDIUM_SMALL),  # 2.18 million x 41.89 % = 0.91 million
    ],
)
def test_size_tier_follows_urban_residents(code: str, tier: SizeTier) -> None:
    assert BY_CODE[code].size_tier is tier


def test_unknown_retail_sales_are_a_tier_of_their_own() -> None:
    assert BY_CODE["310000"].retail_tier is RetailTier.GE4000
    assert BY_CODE["320200"].retail_tier is RetailTier.FROM2000
    assert BY_CODE["140100"].retail_tier is RetailTier.FROM1000
    assert BY_CODE["110000"].retail_tier is RetailTier.UNKNOWN
    limit = replace(BY_CODE["110000"], retail_sales=1000.0)
    assert limit.retail_tier is RetailTier.FROM1000
    assert replace(limit, retail_sales=999.9).retail_tier is RetailTier.LT1000


def test_every_city_is_compared_with_some_of_its_size_and_of_its_region() -> None:
    for groups in (
        Counter(city.size_tier for city in shipped_cities()),
        Counter(city.region3 for city in shipped_cities()),
    ):
        assert min(groups.values()) > 5


def test_the_table_carries_the_groups() -> None:
    table = build_frame_table(shipped_cities())
    assert table.loc["110000", "size_tier"] == "mega"
    assert table.loc["110000", "province_code"] == "11"
    assert table["retail_tier"].value_counts().to_dict() == {
        "unknown": 92,
        "ge4000": 4,
        "from2000": 3,
        "from1000": 1,
    }


def test_storing_twice_changes_nothing_and_a_correction_is_stored(store_url: str) -> None:
    cities = shipped_cities()[:3]
    with session_scope(store_url) as session:
        assert upsert_cities(cities, session=session) == 3
    with session_scope(store_url) as session:
        assert upsert_cities(cities, session=session) == 0
        corrected = replace(cities[0], retail_sales=14_000.0, retail_sales_year=2024)
        assert upsert_cities([corrected, *cities[1:]], session=session) == 1
    with session_scope(store_url) as session:
        stored = session.get_one(City, cities[0].code)
        assert (stored.retail_sales, stored.name_zh) == (14_000.0, "北京市")
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "store_cities")).all()
        assert sorted(entry.detail["changed"] for entry in entries) == [1, 3]
