"""Writing what a wave needs in the field: points, who works there, and quotas."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from uuid import UUID

import pandas as pd
from faker import Faker
from sqlmodel import Session

from seed.demo.field_plan import STRATA, SURVEYORS, DemoPoints, surveyor_login
from seed.demo.population import Floats
from seed.demo.random_streams import random_stream
from seed.demo.stored_responses import StoredIds
from seed.demo.wave_plans import WavePlan
from seed.survey_provider import inventor
from survey.access.roles import DEMO_CITY, Role, demo_login
from survey.frame.city_frame import shipped_cities
from survey.frame.quotas import VILLAGE_SERIES, quota_targets
from survey.frame.sample_size import PrecisionTarget
from survey.store.inserts import insert_columns
from survey.store.tables import (
    Assignment,
    CityTarget,
    PointKind,
    Posting,
    QuotaCell,
    SamplingPoint,
    Wave,
    new_id,
)
from survey.store.tables import WavePlan as StoredPlan

RESERVE = 0.10
"""Asked for beyond the planned sample, because review takes some away."""
AGENCIES = ("演示执行机构甲", "演示执行机构乙", "演示执行机构丙")


def store_field_records(
    *,
    session: Session,
    wave: Wave,
    plan: WavePlan,
    points: DemoPoints,
    size: pd.Series,
    accounts: Mapping[str, UUID],
    stops: bool,
    last_day: Mapping[int, date] = MappingProxyType({}),
) -> StoredIds:
    """Write points, assignments and quota cells of a wave; `size` is its sample by city.

    With `stops`, full cells turn visitors away. `last_day` is that of points, by their place, that
    close before the wave does.
    """
    rural = plan.people(shipped_cities()).rural_stratum
    point_ids = _store_points(session, wave, points, size, rural, last_day)
    _store_assignments(session, points, point_ids, accounts)
    _store_plan(session, wave, size)
    _store_postings(session, wave, points, accounts)
    quota = _store_quota(session, wave, plan, size, stops)
    return StoredIds(point_ids, accounts, quota)


def _store_plan(session: Session, wave: Wave, size: pd.Series) -> None:
    """Store the survey's own aim; a small demo wave has fewer interviews than it asks for."""
    aim = PrecisionTarget(total=int(size.sum()))
    session.add(
        StoredPlan(
            wave_id=wave.id,
            margin=aim.margin,
            level=aim.level,
            deff=aim.deff,
            rule=aim.rule.value,
            total=aim.total,
            reserve=RESERVE,
        )
    )
    session.flush()
    asked = size[size > 0]
    insert_columns(
        session.connection(),
        CityTarget,
        {"city_code": [str(code) for code in asked.index], "target": asked.astype(int).tolist()},
        {"wave_id": wave.id},
    )


def _store_postings(
    session: Session, wave: Wave, points: DemoPoints, accounts: Mapping[str, UUID]
) -> None:
    """Store every surveyor of a city with points, for one of three agencies; few supervisors."""
    codes = [shipped_cities()[place].code for place in sorted(set(points.city.tolist()))]
    posted = [
        (surveyor_login(code, number), code, AGENCIES[place % len(AGENCIES)])
        for place, code in enumerate(codes)
        for number in range(SURVEYORS)
    ]
    if DEMO_CITY in codes:
        posted.append((demo_login(Role.SURVEYOR), DEMO_CITY, AGENCIES[0]))
    supervisor = accounts[demo_login(Role.SUPERVISOR)]
    insert_columns(
        session.connection(),
        Posting,
        {
            "id": [new_id() for _ in posted],
            "account_id": [accounts[login] for login, _, _ in posted],
            "city_code": [code for _, code, _ in posted],
            "supervisor_id": [supervisor if code == DEMO_CITY else None for _, code, _ in posted],
            "agency": [agency for _, _, agency in posted],
        },
        {"wave_id": wave.id},
    )


@lru_cache(maxsize=1)
def _inventor_of_places() -> Faker:
    return inventor(20_240_315)


def point_name(code: str, kind: str, *, is_rural: bool) -> str:
    """Return the name of a sampling point: always the same for one code."""
    is_shop = is_rural and kind == "supermarket"
    stream = random_stream("name", code)
    return str(_inventor_of_places().place("rural supermarket" if is_shop else kind, stream))


def _store_points(
    session: Session,
    wave: Wave,
    points: DemoPoints,
    size: pd.Series,
    rural: Floats,
    last_day: Mapping[int, date],
) -> dict[str, UUID]:
    cities = shipped_cities()
    targets = []
    for city, stratum in zip(points.city.tolist(), points.stratum.tolist(), strict=True):
        share = rural[city] if stratum else 1 - rural[city]
        here = len(points.of_stratum[city, stratum])
        targets.append(max(1, round(int(size.iloc[city]) * share * (1 + RESERVE) / here)))
    ids = [new_id() for _ in points.code]
    strata = [STRATA[stratum] for stratum in points.stratum.tolist()]
    insert_columns(
        session.connection(),
        SamplingPoint,
        {
            "id": ids,
            "city_code": [cities[city].code for city in points.city.tolist()],
            "code": list(points.code),
            "name": [
                point_name(code, kind, is_rural=stratum == "rural")
                for code, kind, stratum in zip(points.code, points.kind, strata, strict=True)
            ],
            "kind": [PointKind(kind) for kind in points.kind],
            "stratum": strata,
            "target": targets,
            "closes_on": [last_day.get(place) for place in range(len(ids))],
        },
        {"wave_id": wave.id},
    )
    return dict(zip(points.code, ids, strict=True))


def _store_assignments(
    session: Session,
    points: DemoPoints,
    point_ids: Mapping[str, UUID],
    accounts: Mapping[str, UUID],
) -> None:
    """Store the surveyor in charge and the helper of each point; the visitor is in one city."""
    cities = shipped_cities()
    pairs: list[tuple[UUID, UUID]] = []
    for code, city, slot in zip(
        points.code, points.city.tolist(), points.slot.tolist(), strict=True
    ):
        logins = [
            surveyor_login(cities[city].code, number % SURVEYORS) for number in (slot, slot + 3)
        ]
        if cities[city].code == DEMO_CITY:
            logins.append(demo_login(Role.SURVEYOR))
        pairs.extend((accounts[login], point_ids[code]) for login in logins)
    insert_columns(
        session.connection(),
        Assignment,
        {
            "id": [new_id() for _ in pairs],
            "account_id": [account for account, _ in pairs],
            "point_id": [point for _, point in pairs],
        },
        {},
    )


def _store_quota(
    session: Session, wave: Wave, plan: WavePlan, size: pd.Series, stops: bool
) -> dict[tuple[str, str, str], UUID]:
    """Store cells of city x age band x gender; surveys of children and of villages have none."""
    if plan.series in {"minors", VILLAGE_SERIES}:
        return {}
    targets = quota_targets(plan.margins(shipped_cities()), size, reserve=RESERVE)
    ids = [new_id() for _ in range(len(targets))]
    keys = {name: targets[name].tolist() for name in ("city_code", "age_band", "gender")}
    insert_columns(
        session.connection(),
        QuotaCell,
        {"id": ids, **keys, "target": targets["target"].tolist()},
        {"wave_id": wave.id, "collected": 0, "stops": stops},
    )
    return dict(zip(zip(*keys.values(), strict=True), ids, strict=True))
