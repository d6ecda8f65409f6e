"""The control tower counts what is in the store, in the reader's area, and ranks what to do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Action, Role
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.disclosure import MINIMUM_N
from survey.figures.published_figures import published_waves
from survey.frame.city_frame import shipped_cities, upsert_cities
from survey.review.forecast import EffectiveSize
from survey.review.progress.tallies import AlertKind, AreaProgress, Dispositions, StatusTally
from survey.review.progress.wave_progress import (
    MIN_CITY_INTERVIEWS,
    WaveProgress,
    count_cells_by_day,
    get_progress,
    list_progress_waves,
    list_publishable_cities,
    recent_days,
)
from survey.screens.progress.quotas import list_past_void_shares
from survey.store.china_time import china_date
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Invitation, Mode, ResponseRisk, Status, Wave, WaveState
from survey.waves.quotas import list_cells
from tests.work_of import work_of

SUPERVISOR = Principal(uuid4(), "Sun", Role.SUPERVISOR, "110000")
NATIONAL = Principal(uuid4(), "Wu", Role.NATIONAL_OFFICIAL, NATION)


def _store(
    field: Any,
    *statuses: Status,
    city: str = "110000",
    cell: int | None = 0,
    days_ago: float = 1,
    risks: Sequence[int] = (),
) -> None:
    with session_scope(field.url) as session:
        cells = list_cells(session=session, wave_id=field.wave.id, city_code="110000")
        rows = [
            FinishedResponse(
                client_uuid=uuid4(),
                city_code=city,
                mode=Mode.SELF,
                status=status,
                answers={},
                submitted_at=field.now - timedelta(days=days_ago),
                quota_cell_id=None if cell is None or city != "110000" else cells[cell].id,
                surveyor_id=field.surveyor.account_id,
            )
            for status in statuses
        ]
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=rows)
        session.add_all(
            ResponseRisk(
                response_id=row.id, score=risk, detected_at=field.now, detector_version="1"
            )
            for row, risk in zip(rows, risks, strict=False)
        )


def _look(field: Any, person: Principal = SUPERVISOR) -> WaveProgress:
    with read_scope(field.url) as session:
        (wave,) = list_progress_waves(work_of(session, person))
        return get_progress(work_of(session, person, field.now), wave=wave, usual_waste=0.08)


def _close_on(field: Any, days: int) -> None:
    with session_scope(field.url) as session:
        wave = session.exec(select(Wave)).one()
        wave.closes_on = china_date(field.now) + timedelta(days=days)
        session.add(wave)


def test_every_state_is_counted_once_where_it_belongs(field: Any) -> None:
    _store(field, *[Status.SUBMITTED] * 3, Status.RETURNED, *[Status.CITY_APPROVED] * 2)
    _store(field, Status.APPROVED, Status.FROZEN, *[Status.VOID] * 4, cell=1)
    _store(field, Status.SCREENED_OUT, Status.REFUSED, Status.QUOTA_FULL, cell=None)
    seen = _look(field)
    tally = seen.total.tally
    assert (tally.target, tally.counted, tally.collected) == (50, 8, 12)
    assert (tally.in_review, tally.valid, tally.void, tally.decided) == (6, 2, 4, 8)
    (city,) = seen.cities
    assert city.tally == tally
    assert [cell.tally.counted for cell in city.cells] == [6, 2, *[0] * 8]
    assert (city.still_missing, tally.missing) == (42 + 1, 42), "one cell has one too many"
    assert city.cells[0].tally.beyond == 1
    assert city.effective.n == pytest.approx(0.2**2 / (0.01 / 6 + 0.01 / 2))
    assert city.effective.covered == pytest.approx(0.2)
    assert city.waste is not None
    assert (city.waste.value, city.waste.of) == (0.5, 8)
    assert city.waste.low < 0.5 < city.waste.high


def test_a_day_is_a_day_in_china(field: Any) -> None:
    """`field.now` is 11:00 in China: 11.5 hours earlier is late on the day before."""
    _store(field, Status.SUBMITTED, days_ago=0)
    _store(field, Status.SUBMITTED, Status.VOID, days_ago=11.5 / 24)
    _store(field, Status.SUBMITTED, days_ago=30)
    today = china_date(field.now)
    assert _look(field).total.days == {today: 1, today - timedelta(days=1): 1}


def test_each_reader_sees_the_own_area_only(field: Any) -> None:
    _store(field, Status.SUBMITTED, Status.SUBMITTED)
    _store(field, Status.SUBMITTED, Status.REFUSED, city="310000")
    for role, area in product(Role, ("110000", "310000", "11", "31", NATION, "", "1", "%")):
        person = Principal(uuid4(), "x", role, area)
        if not person.may(Action.FOLLOW_FIELDWORK):
            with pytest.raises(AccessDeniedError):
                _look(field, person)
            continue
        seen = _look(field, person)
        covered = [city for city in ("110000", "310000") if person.covers(city)]
        assert [place.city_code for place in seen.cities] == covered, (role, area)
        assert seen.total.tally.counted == 2 * ("110000" in covered) + ("310000" in covered)
        assert seen.dispositions.refused == ("310000" in covered)
        assert {task.city_code for task in seen.to_do} <= set(covered)


def test_a_city_that_will_not_be_done_in_time_is_named_with_what_will_be_missing(
    field: Any,
) -> None:
    for day in range(1, 8):
        _store(field, Status.SUBMITTED, days_ago=day, cell=day)
    _close_on(field, 19)
    seen = _look(field)
    behind = next(task for task in seen.to_do if task.concern is AlertKind.BEHIND)
    # One a day for the 20 days left: 43 - 20 of the 43 still missing.
    assert (behind.city_code, behind.interviews, behind.of) == ("110000", 23, 43)
    _close_on(field, 200)
    assert not [task for task in _look(field).to_do if task.concern is AlertKind.BEHIND]


def test_without_any_interview_everything_is_missing(field: Any) -> None:
    _close_on(field, 10)
    seen = _look(field)
    assert seen.total.forecast is None
    assert [(task.concern, task.interviews) for task in seen.to_do] == [(AlertKind.NO_PACE, 50)]


def test_before_the_first_day_no_city_is_behind(field: Any) -> None:
    _close_on(field, 10)
    with session_scope(field.url) as session:
        session.get_one(Wave, field.wave.id).opens_on = china_date(field.now) + timedelta(days=1)
    assert _look(field).to_do == ()
    with session_scope(field.url) as session:
        session.get_one(Wave, field.wave.id).opens_on = china_date(field.now)
    assert [task.concern for task in _look(field).to_do] == [AlertKind.NO_PACE]


def test_waste_waiting_overfilled_cells_and_odd_surveyors_are_named_largest_first(
    field: Any,
) -> None:
    _store(field, *[Status.SUBMITTED] * 9, days_ago=3, risks=[90, 90, 90, 90])
    _store(field, *[Status.SUBMITTED] * 40, city="310000", days_ago=0.1, risks=[0] * 40)
    _store(field, *[Status.VOID] * 12, *[Status.APPROVED] * 3, cell=2)
    with session_scope(field.url) as session:
        # The 40 good ones are the colleague's.
        session.connection().exec_driver_sql(
            "UPDATE response SET surveyor_id = (SELECT id FROM account WHERE login = 'zhao') "
            "WHERE city_code = '310000'"
        )
    seen = _look(field, NATIONAL)
    concerns = [(task.concern, task.city_code, task.interviews) for task in seen.to_do]
    assert concerns == [
        (AlertKind.WASTE, "110000", 11),  # 12 void of 15 decided, where 8% would be 1.2
        (AlertKind.WAITING, "110000", 9),
        (AlertKind.OVER, "110000", 4),  # nine in a cell of five
        (AlertKind.SURVEYOR, "110000", 4),
    ]
    surveyor = seen.to_do[-1]
    assert (surveyor.surveyor, surveyor.surveyor_id, surveyor.of) == (
        "Li",
        field.surveyor.account_id,
        4,
    )


def test_links_that_can_no_longer_be_used_are_broken_off_or_never_opened(field: Any) -> None:
    base = {
        "wave_id": field.wave.id, "city_code": "110000", "point_id": field.point.id,
        "surveyor_id": field.surveyor.account_id,
    }  # fmt: skip
    past, future = field.now - timedelta(hours=1), field.now + timedelta(hours=1)
    kinds = (
        {"expires_at": past, "opened_at": past},
        {"expires_at": past},
        {"expires_at": past},
        {"expires_at": past, "opened_at": past, "used_at": past},
        {"expires_at": future},
    )
    with session_scope(field.url) as session:
        session.add_all(Invitation(token_sha256=uuid4().hex, **base, **kind) for kind in kinds)
    ends = _look(field).dispositions
    assert (ends.break_offs, ends.unknown_eligibility) == (1, 2)


def test_rates_follow_their_definitions() -> None:
    ends = Dispositions(
        complete=80,
        void=5,
        refused=10,
        break_offs=5,
        unknown_eligibility=50,
        screened_out=20,
        quota_full=5,
    )
    assert ends.estimated_eligibility is not None
    assert ends.estimated_eligibility.value == pytest.approx(100 / 125)
    assert ends.response_rate_rr3 == pytest.approx(80 / (100 + 0.8 * 50))
    assert ends.response_rate_rr1 == pytest.approx(80 / 150)
    assert ends.cooperation_rate_coop1 is not None
    assert ends.cooperation_rate_coop1.value == pytest.approx(0.8)
    assert ends.refusal_rate_ref1 == pytest.approx(10 / 150)
    nobody = Dispositions(0, 0, 0, 0, 0, 0, 0)
    assert nobody.response_rate_rr3 is None
    assert nobody.cooperation_rate_coop1 is None
    unopened_only = replace(nobody, unknown_eligibility=3)
    assert unopened_only.response_rate_rr3 is None
    assert unopened_only.response_rate_rr1 == 0


def test_past_waste_comes_from_the_published_counts() -> None:
    assert {year: round(rate * 100, 1) for year, rate in list_past_void_shares()} == {
        2017: 8.3,
        2018: 4.3,
    }
    assert {wave.year for wave in published_waves() if wave.collected} == {2017, 2018}


def _days(field: Any, person: Principal, city: str | None) -> dict[tuple[str, str], list[int]]:
    seen = _look(field, person)
    with read_scope(field.url) as session:
        cell_days = count_cells_by_day(
            work_of(session, person, field.now),
            wave=seen.wave,
            cells=seen.find_area(city).cells,
            city_code=city,
        )
    return {
        (cell_day.cell.age_band, cell_day.cell.gender): list(cell_day.days.values())
        for cell_day in cell_days
        if any(cell_day.days.values())
    }


def test_each_cell_shows_what_it_gained_on_every_recent_day_in_china(field: Any) -> None:
    """`now` is 11:00 in China: 10 hours ago is today, 12 hours ago yesterday."""
    _store(field, *[Status.SUBMITTED] * 3, cell=0, days_ago=10 / 24)
    _store(field, Status.APPROVED, Status.VOID, cell=0, days_ago=12 / 24)
    _store(field, Status.SUBMITTED, cell=1, days_ago=6.9)
    _store(field, Status.SUBMITTED, cell=1, days_ago=9)
    assert len(recent_days(field.now)) == 8
    together = _days(field, NATIONAL, None)
    assert together == _days(field, SUPERVISOR, "110000")
    assert sorted(together.values()) == [[0, 0, 0, 0, 0, 0, 1, 3], [1, 0, 0, 0, 0, 0, 0, 0]]


def test_cells_by_day_are_cut_to_the_readers_area(field: Any) -> None:
    _store(field, Status.SUBMITTED)
    elsewhere = Principal(uuid4(), "Ma", Role.SUPERVISOR, "310000")
    assert _days(field, elsewhere, None) == {}
    with pytest.raises(AccessDeniedError):
        _days(field, elsewhere, "110000")
    with pytest.raises(AccessDeniedError):
        _days(field, Principal(uuid4(), "Li", Role.SURVEYOR, "110000"), None)


def _freeze(field: Any, state: WaveState) -> None:
    with session_scope(field.url) as session:
        wave = session.exec(select(Wave)).one()
        for step in (WaveState.CLOSED, WaveState.FROZEN, WaveState.RELEASED):
            wave.state = step
            session.add(wave)
            session.flush()
            if step is state:
                break


@pytest.mark.parametrize("state", [WaveState.FROZEN, WaveState.RELEASED])
@pytest.mark.parametrize("person", [SUPERVISOR, NATIONAL, OPERATOR], ids=["city", "nation", "all"])
def test_a_computed_wave_shows_no_count_of_a_cell(
    field: Any, state: WaveState, person: Principal
) -> None:
    """Age by gender of a city is what its weights are made of: it gave every hidden n."""
    _store(field, *[Status.APPROVED] * 14)
    _store(field, *[Status.APPROVED] * 3, cell=1)
    open_wave = _look(field, person)
    assert [cell.tally.counted for cell in open_wave.total.cells][:2] == [14, 3]
    cells = open_wave.total.cells
    _freeze(field, state)
    seen = _look(field, person)
    assert seen.is_settled
    assert seen.total.tally.counted == 17
    for place in (seen.total, *seen.cities):
        assert (place.cells, place.margins, dict(place.days)) == ((), (), {})
        assert (place.effective.n, place.forecast, place.beyond) == (0, None, 0)
        assert place.still_missing == place.tally.target - place.tally.counted
    assert seen.to_do == ()
    with read_scope(field.url) as session:
        assert (
            count_cells_by_day(
                work_of(session, person, field.now), wave=seen.wave, cells=cells, city_code=None
            )
            == ()
        )


def test_small_cities_of_a_computed_wave_cannot_be_subtracted(field: Any) -> None:
    with session_scope(field.url) as session:
        upsert_cities(shipped_cities(), session=session)
    _store(field, *[Status.APPROVED] * 40)
    _store(field, *[Status.APPROVED] * 6, city="310000")
    _store(field, *[Status.APPROVED] * 15, city="320500")
    _store(field, *[Status.APPROVED] * 30, city="440100")
    _freeze(field, WaveState.FROZEN)
    seen = _look(field, NATIONAL)
    assert seen.total.tally.counted == 91
    assert {city.city_code for city in seen.cities} == {"110000", "440100"}


def test_what_is_hidden_is_more_than_one_city_and_enough_people() -> None:
    assert MIN_CITY_INTERVIEWS == MINIMUM_N
    for counts in product((0, 1, 5, 9, 10, 11, 40), repeat=4):
        cities = [
            AreaProgress(
                str(place),
                StatusTally(50, {Status.FROZEN: count}, count),
                (),
                EffectiveSize(0, 0),
                None,
                {},
                0,
            )
            for place, count in enumerate(counts)
        ]
        shown = list_publishable_cities(cities)
        hidden = sum(counts) - sum(city.tally.counted for city in shown)
        assert all(city.tally.counted >= MIN_CITY_INTERVIEWS for city in shown)
        gone = len(cities) - len(shown)
        assert gone == 0 or len(shown) == 0 or (gone > 1 and hidden >= MIN_CITY_INTERVIEWS)
        assert gone == 0 or min(counts) < MIN_CITY_INTERVIEWS
