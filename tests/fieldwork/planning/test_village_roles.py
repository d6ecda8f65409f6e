"""Quotas of consumers and traders of villages: planned, counted, and told to who still asks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select

from seed.demo.shipped_data import shipped_instrument, shipped_tree
from survey.access.principal import OPERATOR
from survey.collection.submission import submit
from survey.collection.submission_envelope import Submission
from survey.frame.sample_size import PrecisionTarget
from survey.frame.sampling_plan import PlanRequest
from survey.review.progress.wave_progress import get_progress, list_progress_waves
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Assignment,
    CityTarget,
    PointKind,
    QuotaMargin,
    Response,
    SamplingPoint,
    Status,
    Wave,
    WaveState,
)
from survey.waves.assignments import list_unfilled_quotas
from survey.waves.instruments import save_instrument, save_tree
from survey.waves.planning.plan_storage import save_plan
from survey.waves.planning.quota_editing import change_city_quotas, get_city_quotas
from survey.waves.planning.wave_editing import add_wave, change_wave
from survey.waves.quota_counts import FullQuotaGroup, list_full_groups
from survey.waves.waves import WaveDraft
from tests.complete_answers import build_complete_answers
from tests.error_codes import raises_code
from tests.wave_states import move_wave
from tests.work_of import work_of

KEY, BEIJING = "village-2027", "110000"
VILLAGE = shipped_instrument("village-2026")
REQUEST = PlanRequest(aim=PrecisionTarget(total=1_200), reserve=0)


@pytest.fixture
def villages(field: Any) -> Any:
    """A planned study of villages in Beijing and Shanghai."""
    with session_scope(field.url) as session:
        save_tree(session=session, tree=shipped_tree("village-2026"))
        known = save_instrument(session=session, instrument=VILLAGE)
        draft = WaveDraft(KEY, "rural", 2027, "村", "Villages", known)
        add_wave(work_of(session, OPERATOR, field.now), draft=draft)
        save_plan(work_of(session, OPERATOR, field.now), key=KEY, request=REQUEST)
    return field


@pytest.fixture
def village_point(villages: Any) -> SamplingPoint:
    """A village of Beijing where the surveyor works, with room for one trader and two consumers."""
    with session_scope(villages.url) as session:
        wave = session.exec(select(Wave).where(Wave.key == KEY)).one()
        move_wave(session=session, key=KEY, to=WaveState.OPEN, now=villages.now)
        point = SamplingPoint(
            wave_id=wave.id, city_code=BEIJING, code="110000-v-01", name="Village",
            kind=PointKind.VILLAGE, stratum="rural", target=20,
        )  # fmt: skip
        session.add(point)
        session.flush()
        session.add(Assignment(account_id=villages.surveyor.account_id, point_id=point.id))
        for quota in session.exec(
            select(QuotaMargin).where(
                QuotaMargin.dimension == "village_role", QuotaMargin.city_code == BEIJING
            )
        ):
            quota.target = 1 if quota.category == "trader" else 2
        session.get_one(CityTarget, (wave.id, BEIJING)).target = 3
        return point


def _answer(field: Any, point: SamplingPoint, role: str) -> Any:
    submission = Submission.model_validate(
        {
            "client_uuid": uuid4(), "point_id": point.id, "instrument_sha256": VILLAGE.sha256,
            "started_at": field.now - timedelta(minutes=6),
            "answers": build_complete_answers(VILLAGE, village_role=role, village_6m="yes"),
        }
    )  # fmt: skip
    with session_scope(field.url) as session:
        return submit(
            session=session, submission=submission, now=field.now, principal=field.surveyor
        )


def test_a_plan_has_a_quota_for_each_role_that_stops(villages: Any) -> None:
    with read_scope(villages.url) as session:
        quotas = get_city_quotas(work_of(session, OPERATOR), key=KEY, city_code=BEIJING)
    roles = {quota.groups[0]: quota for quota in quotas.quotas if quota.stops}
    assert set(roles) == {"village_role=consumer", "village_role=trader"}
    assert sum(quota.target for quota in roles.values()) == quotas.planned
    assert 0 < roles["village_role=trader"].target < roles["village_role=consumer"].target


def test_a_planner_changes_how_many_traders_a_city_is_to_ask(villages: Any) -> None:
    def change(by: int) -> None:
        with session_scope(villages.url) as session:
            seen = get_city_quotas(work_of(session, OPERATOR), key=KEY, city_code=BEIJING)
            trader = next(quota for quota in seen.quotas if "trader" in quota.name)
            change_city_quotas(
                work_of(session, OPERATOR, villages.now),
                key=KEY,
                seen=seen,
                targets={trader.id: trader.target + by},
            )

    change(5)
    with raises_code("quotas_invalid", match="Role in the village: the targets add up"):
        change(-6)
    with raises_code("quotas_invalid", match="Role in the village, traders"):
        change(-1_000)


def test_a_full_role_stops_and_the_form_is_told_which(
    villages: Any, village_point: SamplingPoint
) -> None:
    def full() -> set[FullQuotaGroup]:
        with read_scope(villages.url) as session:
            return set(
                list_full_groups(session=session, wave_id=village_point.wave_id, city_code=BEIJING)
            )

    assert full() == set()
    assert _answer(villages, village_point, "trader").status is Status.SUBMITTED
    assert full() == {FullQuotaGroup(item="village_role", answer="trader")}
    late = _answer(villages, village_point, "trader")
    assert late.status is Status.QUOTA_FULL
    assert _answer(villages, village_point, "consumer").status is Status.SUBMITTED
    with read_scope(villages.url) as session:
        assert session.get_one(Response, late.response_id).reason == "village_role=trader"
        needed = list_unfilled_quotas(
            work_of(session, villages.surveyor), point_id=village_point.id
        )
    assert needed is not None
    roles = [quota for quota in needed if quota.groups[0].startswith("village_role")]
    assert [(quota.groups, quota.missing) for quota in roles] == [(("village_role=consumer",), 1)]


def test_progress_is_measured_by_the_roles_for_want_of_cells(
    villages: Any, village_point: SamplingPoint
) -> None:
    for role in ("trader", "trader", "consumer"):
        _answer(villages, village_point, role)
    with read_scope(villages.url) as session:
        wave = next(
            wave for wave in list_progress_waves(work_of(session, OPERATOR)) if wave.key == KEY
        )
        progress = get_progress(
            work_of(session, OPERATOR, villages.now), wave=wave, usual_waste=0.1
        )
    beijing = next(city for city in progress.cities if city.city_code == BEIJING)
    assert (beijing.tally.target, beijing.tally.counted, beijing.still_missing) == (3, 2, 1)
    roles = [margin for margin in beijing.margins if margin.dimension == "village_role"]
    assert [(m.category, m.target, m.collected, m.turned_away) for m in roles] == [
        ("consumer", 2, 1, 0),
        ("trader", 1, 1, 1),
    ]


def test_a_questionnaire_that_asks_no_role_cannot_have_quotas_of_roles(villages: Any) -> None:
    other = villages.wave.instrument_id
    draft = WaveDraft(KEY, "rural", 2027, "村", "Villages", other)
    with raises_code("wave_invalid", match="village_role"), session_scope(villages.url) as s:
        change_wave(work_of(s, OPERATOR, villages.now), draft=draft)
    with session_scope(villages.url) as session:
        add_wave(work_of(session, OPERATOR, villages.now), draft=replace(draft, key="rural-2028"))
    with raises_code("wave_invalid", match="trader"), session_scope(villages.url) as session:
        save_plan(work_of(session, OPERATOR, villages.now), key="rural-2028", request=REQUEST)
