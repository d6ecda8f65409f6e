"""The demo's study of villages: made in villages alone, read by the gap between its two sides."""

import pytest
from sqlalchemy import func
from sqlmodel import select

from seed.demo import PLANS, DemoWave, build, generate_wave
from seed.demo.indicator_weights import item_codes
from seed.demo.village import PER_CITY, PROVINCES, VILLAGES
from survey.estimate import Design, Node, Tree, estimate_tree, to_scores
from survey.store.engine import session_scope
from survey.store.tables import PointKind, QuotaCell, Response, SamplingPoint, Status, Wave

KEY = "village-2026"


@pytest.fixture(scope="module")
def wave() -> DemoWave:
    return generate_wave(KEY, seed=11)


def test_it_is_made_in_villages_of_some_provinces(wave: DemoWave) -> None:
    frame = wave.approved
    assert set(frame["city_code"].astype(str).str[:2]) == set(PROVINCES)
    counts = frame["city_code"].value_counts()
    assert counts[counts > 0].between(PER_CITY - 6, PER_CITY + 6).all(), "bad ones move a few"
    assert set(frame["stratum"]) == {"rural"}
    points = frame.groupby("city_code", observed=True)["psu"].nunique()
    assert points.eq(VILLAGES).all()
    assert set(wave.points.kind) == {"village"}


def test_each_side_answers_its_own_page(wave: DemoWave) -> None:
    good = wave.frame[wave.frame["bad_kind"] == ""]
    trader = good["village_role"] == "trader"
    assert 0.26 < trader.mean() < 0.30
    assert good.loc[trader, "trader_kind"].notna().all()
    assert good.loc[~trader, "trader_kind"].isna().all()
    assert good.loc[trader, "village_shop_place"].isna().all()
    assert (good.loc[trader, "village_repair"] == -4).all()


def test_the_gap_between_the_sides_lies_around_its_truth(wave: DemoWave) -> None:
    tree = wave.model.tree
    assert tree is not None
    items = [rating.name for rating in wave.model.plan.scored]
    nodes = tuple(Node(i.code, i.parent, i.level, i.weight) for i in tree.indicators)
    people = dict(zip(wave.city_codes, wave.model.people.weight, strict=True))
    frame = wave.approved
    city = frame["city_code"].astype(str)
    frame["weight"] = city.map(people) / city.map(city.value_counts())
    table = estimate_tree(
        to_scores(frame, items),
        Tree(nodes, dict(zip(items, item_codes(tree), strict=True))),
        Design(weight="weight", strata="city_code", psu="psu"),
        by="village_role",
    ).set_index(["variable", "village_role"])
    known = wave.truth[(wave.truth["area"] == "CN")].set_index(["indicator", "group"])["value"]
    outside = 0
    for variable in ("composite", "1", "2", "3", *(node.code for node in nodes if node.level == 3)):
        trader, consumer = (table.loc[(variable, side)] for side in ("trader", "consumer"))
        gap = known[variable, "village_role=trader"] - known[variable, "village_role=consumer"]
        se = (trader["se"] ** 2 + consumer["se"] ** 2) ** 0.5
        outside += abs(trader["estimate"] - consumer["estimate"] - gap) > 2 * se
    assert outside <= 2
    assert known["2.1.2", "village_role=trader"] > known["2.1.2", "village_role=consumer"] + 4
    assert known["1.2.2", "village_role=trader"] < known["1.2.2", "village_role=consumer"] - 2


def test_in_a_store_it_stands_at_villages_and_has_no_quota_cells(sqlite_url: str) -> None:
    build(sqlite_url, waves=(KEY,), size=0.1)
    with session_scope(sqlite_url) as session:
        row = session.exec(select(Wave).where(Wave.key == KEY)).one()
        points = session.exec(select(SamplingPoint).where(SamplingPoint.wave_id == row.id)).all()
        assert {point.kind for point in points} == {PointKind.VILLAGE}
        assert len(points) == VILLAGES * PLANS[KEY].valid // PER_CITY
        assert not session.exec(select(QuotaCell).where(QuotaCell.wave_id == row.id)).first()
        query = (
            select(Response.status, func.count())
            .where(Response.wave_id == row.id)
            .group_by(Response.status)
        )
        counts = dict(session.exec(query).all())
    assert counts[Status.APPROVED] == PLANS[KEY].valid // 10
    assert counts[Status.SCREENED_OUT] > 0
