"""Making and changing waves, and what their state forbids: in the service and in the database."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.frame.sample_size import PrecisionTarget
from survey.frame.sampling_plan import PlanRequest
from survey.store.engine import engine_for, read_scope, session_scope
from survey.store.guards import WAVE_MOVES
from survey.store.tables import AuditEntry, CityTarget, QuotaCell, QuotaMargin, WaveState, new_id
from survey.waves.instruments import save_instrument, save_tree
from survey.waves.planning.plan_storage import find_saved_request, save_plan
from survey.waves.planning.wave_editing import STATE_PERMISSION_TEXTS, add_wave, change_wave
from survey.waves.planning.wave_overview import get_wave_overview, list_planning_waves
from survey.waves.waves import WAVE_TRANSITIONS, WaveDraft
from tests.error_codes import raises_code
from tests.small_waves import questionnaire, rating, small_tree
from tests.wave_states import move_wave
from tests.work_of import work_of

KEY = "main-2027"
REQUEST = PlanRequest(aim=PrecisionTarget(total=1_200))
OFFICIAL = Principal(new_id(), "o", Role.NATIONAL_OFFICIAL, NATION)


def _move(field: Any, *states: WaveState) -> None:
    for state in states:
        with session_scope(field.url) as session:
            move_wave(session=session, key=KEY, to=state, now=field.now)


def _save(field: Any, request: PlanRequest, key: str = KEY) -> None:
    with session_scope(field.url) as session:
        save_plan(work_of(session, OPERATOR, field.now), key=key, request=request)


def test_the_database_knows_the_moves_that_the_code_knows() -> None:
    pairs = {(start.value, to.value) for start, ends in WAVE_TRANSITIONS.items() for to in ends}
    assert pairs == set(WAVE_MOVES)
    assert set(STATE_PERMISSION_TEXTS) == set(WaveState)


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "Main 2027"},
        {"key": "x"},
        {"series": ""},
        {"year": 1999},
        {"title_en": " "},
        {"title_zh": "长" * 121},
        {"instrument_id": None},
    ],
)
def test_a_wave_that_makes_no_sense_is_refused(
    field: Any, draft: WaveDraft, wrong: dict[str, Any]
) -> None:
    with raises_code("wave_invalid"), session_scope(field.url) as session:
        add_wave(work_of(session, OPERATOR, field.now), draft=replace(draft, **wrong))
    with read_scope(field.url) as session:
        assert len(list_planning_waves(work_of(session, OPERATOR))) == 1


def test_a_wave_without_a_name_is_called_by_series_and_year(field: Any, draft: WaveDraft) -> None:
    bare = replace(draft, key="", title_en="")
    with session_scope(field.url) as session:
        waves = [add_wave(work_of(session, OPERATOR, field.now), draft=bare) for _ in range(2)]
        first, second = ((wave.key, wave.title_en) for wave in waves)
    assert first == ("main-2027", "2027年")
    assert second == ("main-2027-2", "2027年")


def test_a_questionnaire_brings_its_indicator_tree(field: Any, draft: WaveDraft) -> None:
    treed = questionnaire(rating("a", "1.1.1"), rating("b", "2.1.1"), tree="small", name="treed")
    with session_scope(field.url) as session:
        treed_id = save_instrument(session=session, instrument=treed)
    wanted = replace(draft, instrument_id=treed_id)
    unknown = raises_code("wave_not_estimable", match="no indicator tree named small")
    with unknown, session_scope(field.url) as session:
        add_wave(work_of(session, OPERATOR, field.now), draft=wanted)
    with session_scope(field.url) as session:
        tree_id = save_tree(session=session, tree=small_tree())
        wave = add_wave(work_of(session, OPERATOR, field.now), draft=wanted)
        assert wave.tree_id == tree_id
    with session_scope(field.url) as session:
        changed = change_wave(work_of(session, OPERATOR, field.now), draft=draft)
        assert set(changed) == {"instrument_id", "tree_id"}
        assert get_wave_overview(work_of(session, OPERATOR), key=KEY).tree_id is None


def test_a_key_that_is_taken_is_refused(planned: Any, draft: WaveDraft) -> None:
    with raises_code("wave_exists"), session_scope(planned.url) as session:
        add_wave(work_of(session, OPERATOR, planned.now), draft=draft)


def test_only_the_administrator_plans_and_national_officials_read(
    planned: Any, draft: WaveDraft
) -> None:
    with session_scope(planned.url) as session:
        for change in (add_wave, change_wave):
            with pytest.raises(AccessDeniedError):
                change(work_of(session, OFFICIAL, planned.now), draft=draft)
        with pytest.raises(AccessDeniedError):
            save_plan(work_of(session, OFFICIAL, planned.now), key=KEY, request=REQUEST)
        sheet = get_wave_overview(work_of(session, OFFICIAL), key=KEY)
        assert (sheet.cities, sheet.interviews, sheet.cells) == (2, 1_200, 20)
        with pytest.raises(AccessDeniedError):
            get_wave_overview(work_of(session, planned.surveyor), key=KEY)


def test_a_plan_is_stored_whole_and_read_back_as_it_was(planned: Any) -> None:
    with read_scope(planned.url) as session:
        again = find_saved_request(work_of(session, OPERATOR), key=KEY)
        margins = session.exec(select(QuotaMargin.dimension).distinct()).all()
        actions = session.exec(select(AuditEntry.action).order_by(col(AuditEntry.id))).all()
    assert again is not None
    assert again.size is not None
    assert int(again.size.sum()) == 1_200
    assert list(margins) == ["stratum"]
    assert actions[-2:] == ["wave.created", "wave.planned"]
    _save(planned, again)
    with read_scope(planned.url) as session:
        assert session.exec(select(CityTarget.target)).all() == list(again.size)


def test_an_open_wave_takes_new_titles_and_a_later_end_only(planned: Any, draft: WaveDraft) -> None:
    _move(planned, WaveState.OPEN)
    later = replace(draft, title_en="Better", closes_on=planned.now.date())
    with session_scope(planned.url) as session:
        changed = change_wave(work_of(session, OPERATOR, planned.now), draft=later)
    assert set(changed) == {"title_en", "closes_on"}
    with raises_code("wave_fixed"), session_scope(planned.url) as session:
        change_wave(work_of(session, OPERATOR, planned.now), draft=replace(later, year=2028))
    _move(planned, WaveState.CLOSED, WaveState.FROZEN)
    with raises_code("wave_fixed", match="Frozen"), session_scope(planned.url) as session:
        change_wave(work_of(session, OPERATOR, planned.now), draft=draft)


def test_a_closed_wave_takes_no_plan(planned: Any) -> None:
    _move(planned, WaveState.CLOSED)
    with raises_code("wave_fixed", match="Closed"):
        _save(planned, REQUEST)


def test_targets_are_raised_but_never_lowered_below_what_was_collected(planned: Any) -> None:
    _move(planned, WaveState.OPEN)
    with session_scope(planned.url) as session:
        cell = session.exec(
            select(QuotaCell).where(
                QuotaCell.city_code == "110000", QuotaCell.wave_id != planned.wave.id
            )
        ).first()
        assert cell is not None
        cell.collected = cell.target
        session.add(cell)
    lower = PlanRequest(aim=PrecisionTarget(margin=10, total=400))
    with raises_code("below_collected", match=f"{cell.collected} interviews were collected"):
        _save(planned, lower)
    with read_scope(planned.url) as session:
        assert session.get_one(QuotaCell, cell.id).target == cell.target
        assert sum(session.exec(select(CityTarget.target))) == 1_200
    _save(planned, PlanRequest(aim=PrecisionTarget(total=1_300)))
    with read_scope(planned.url) as session:
        assert session.get_one(QuotaCell, cell.id).target > cell.target
        assert session.get_one(QuotaCell, cell.id).collected == cell.collected


def test_oversampling_is_fixed_once_a_wave_was_opened(planned: Any) -> None:
    _move(planned, WaveState.OPEN)
    with raises_code("wave_fixed", match="fixed"):
        _save(planned, PlanRequest(aim=PrecisionTarget(total=1_200), elderly=2.0))


def test_cells_turn_people_away_under_crossed_quotas_only(planned: Any) -> None:
    def stops() -> set[bool]:
        with read_scope(planned.url) as session:
            of_the_plan = select(QuotaCell.stops).where(QuotaCell.wave_id != planned.wave.id)
            return set(session.exec(of_the_plan))

    def stopping_margins() -> set[str]:
        with read_scope(planned.url) as session:
            return set(session.exec(select(QuotaMargin.dimension).where(col(QuotaMargin.stops))))

    assert (stops(), stopping_margins()) == ({True}, set())
    _save(planned, PlanRequest(aim=PrecisionTarget(total=1_200), crossed=False))
    assert (stops(), stopping_margins()) == ({False}, {"age_band", "gender"})
    _save(planned, PlanRequest(aim=PrecisionTarget(total=1_200)))
    assert (stops(), stopping_margins()) == ({True}, set())


def test_margins_keep_their_counts_and_their_kind_once_a_wave_was_opened(planned: Any) -> None:
    marginal = PlanRequest(aim=PrecisionTarget(total=1_200), crossed=False)
    _save(planned, marginal)
    _move(planned, WaveState.OPEN)
    with session_scope(planned.url) as session:
        for margin in session.exec(select(QuotaMargin).where(QuotaMargin.category == "female")):
            margin.collected = margin.target
    _save(planned, replace(marginal, aim=PrecisionTarget(total=1_300)))
    with read_scope(planned.url) as session:
        kept = session.exec(select(QuotaMargin).where(QuotaMargin.category == "female")).all()
    assert all(0 < margin.collected < margin.target and margin.stops for margin in kept)
    with raises_code("below_collected"):
        _save(planned, replace(marginal, aim=PrecisionTarget(margin=10, total=400)))
    with raises_code("wave_fixed", match="crossed or marginal"):
        _save(planned, PlanRequest(aim=PrecisionTarget(total=1_300)))


def test_guardians_are_not_asked_more_often_by_a_questionnaire_that_does_not_know_them(
    planned: Any,
) -> None:
    with raises_code("wave_invalid", match="guardian"):
        _save(planned, PlanRequest(aim=PrecisionTarget(total=1_200), guardian=2.0))
    _save(planned, PlanRequest(aim=PrecisionTarget(total=1_200), elderly=2.0, crossed=False))
    with read_scope(planned.url) as session:
        bands = set(session.exec(select(QuotaCell.age_band)))
        dimensions = set(session.exec(select(QuotaMargin.dimension)))
    assert {"55-59", "60-70"} <= bands
    assert dimensions == {"stratum", "age_band", "gender"}


def test_a_plan_beyond_the_budget_leaves_the_one_before(planned: Any) -> None:
    with raises_code("sample_plan", match="pays for"):
        _save(planned, PlanRequest(aim=PrecisionTarget(total=1_200, price=30, budget=1_000)))
    with read_scope(planned.url) as session:
        assert sum(session.exec(select(CityTarget.target))) == 1_200


FORBIDDEN = [
    ("open", "UPDATE wave SET instrument_id = :other WHERE key = 'main-2027'"),
    ("open", "UPDATE wave SET series = 'x' WHERE key = 'main-2027'"),
    ("planned", "UPDATE wave SET key = 'x' WHERE key = 'main-2027'"),
    ("planned", "UPDATE wave SET state = 'frozen' WHERE key = 'main-2027'"),
    ("planned", "UPDATE wave SET state = 'released' WHERE key = 'main-2027'"),
    ("open", "UPDATE wave SET state = 'planned' WHERE key = 'main-2027'"),
    ("open", "UPDATE wave_plan SET elderly_factor = 2"),
    ("open", "UPDATE quota_cell SET collected = 9, target = 9; "
             "UPDATE quota_cell SET target = 8 WHERE city_code = '310000'"),
    ("open", "UPDATE quota_cell SET collected = 9; UPDATE city_target SET target = 8"),
    ("open", "UPDATE quota_cell SET collected = 9; DELETE FROM quota_cell"),
    ("open", "DELETE FROM sampling_point"),
    ("closed", "UPDATE wave_plan SET reserve = 0.5"),
    ("closed", "UPDATE quota_cell SET target = target + 1 WHERE city_code = '310000'"),
    ("closed", "UPDATE city_target SET target = target + 1"),
    ("closed", "DELETE FROM quota_margin"),
    ("closed", "UPDATE quota_margin SET target = 1"),
    ("closed", "UPDATE quota_margin SET stops = true"),
    ("closed", "UPDATE quota_cell SET stops = NOT stops"),
    ("open", "UPDATE quota_margin SET stops = true, collected = 9, target = 9; "
             "UPDATE quota_margin SET target = 8"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "statement"), FORBIDDEN)
def test_the_database_refuses_what_the_state_forbids(
    planned: Any, small_instrument: Any, state: str, statement: str
) -> None:
    other = small_instrument.model_copy(update={"version": "2"})
    with session_scope(planned.url) as session:
        other_id = save_instrument(session=session, instrument=other)
    if state != "planned":
        _move(planned, WaveState.OPEN)
    if state == "closed":
        _move(planned, WaveState.CLOSED)
    engine = engine_for(planned.url)
    value = other_id.hex if engine.dialect.name == "sqlite" else other_id
    *before, forbidden = statement.split("; ")
    with engine.begin() as connection:
        for allowed in before:
            connection.execute(text(allowed))
    with pytest.raises(IntegrityError, match=r"allow|fixed|lowered"), engine.begin() as connection:
        connection.execute(text(forbidden), {"other": value} if ":other" in forbidden else {})
