"""Freezing for good and releasing take two people, and never end where there is only one."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from survey.access.approval import PeopleRule, SecondPersonRequiredError
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.results.freeze import freeze_wave
from survey.results.release import release_request_options, release_wave
from survey.settings import Settings
from survey.snapshots.snapshot_files import FreezeOptions, WithoutPoint
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import (
    Account,
    AuditEntry,
    Shown,
    Snapshot,
    Wave,
    WaveAct,
    WaveRequest,
    WaveState,
    now,
)
from survey.waves.planning.wave_editing import leave_city_out
from survey.waves.planning.wave_requests import (
    RequestConflictError,
    find_open_request,
    get_people_rule,
    request_act,
    withdraw_request,
)
from survey.waves.waves import transition_wave
from tests.small_waves import SmallWave, small_wave, store_people
from tests.work_of import ONE_PERSON, work_of

FREEZE = FreezeOptions(without_point=WithoutPoint.REFUSE).as_request()
RELEASE = release_request_options(Shown.SCORES, None)
Employ = Callable[..., Principal]


@pytest.fixture
def wave(tmp_path: Path, store_url: str) -> Iterator[SmallWave]:
    made = small_wave(tmp_path / "data", url=store_url)
    store_people(made, {"110000": 30})
    yield made
    dispose_engines()


@pytest.fixture
def employ(wave: SmallWave) -> Employ:
    def account(role: Role = Role.ADMINISTRATOR, **rest: bool) -> Principal:
        login = f"{role}-{uuid4().hex[:6]}"
        row = Account(login=login, name=login, role=role, area=NATION, **rest)
        with session_scope(wave.settings.store_url) as session:
            session.add(row)
        return Principal(row.id, login, role, NATION, is_demo=row.is_demo)

    return account


def request(wave: SmallWave, person: Principal, act: WaveAct = WaveAct.FREEZE) -> None:
    options = FREEZE if act is WaveAct.FREEZE else RELEASE
    with session_scope(wave.settings.store_url) as session:
        request_act(work_of(session, person, now()), key=wave.key, act=act, options=options)


def freeze(wave: SmallWave, person: Principal, settings: Settings | None = None) -> None:
    freeze_wave(
        settings or wave.settings,
        wave_key=wave.key,
        actor=person,
        options=FreezeOptions(final=True),
    )


def release(wave: SmallWave, person: Principal) -> None:
    with session_scope(wave.settings.store_url) as session:
        release_wave(work_of(session, person, now()), wave_key=wave.key, shown=Shown.SCORES)


def state(wave: SmallWave) -> WaveState:
    with read_scope(wave.settings.store_url) as session:
        return wave.read(session).state


def rule(wave: SmallWave, person: Principal, settings: Settings | None = None) -> PeopleRule:
    with read_scope(wave.settings.store_url) as session:
        work = work_of(session, person, now(), settings=settings or Settings())
        return get_people_rule(work, key=wave.key, act=WaveAct.FREEZE)


def test_one_requests_another_confirms_and_the_requester_cannot(
    wave: SmallWave, employ: Employ
) -> None:
    first, second, official = employ(), employ(), employ(Role.NATIONAL_OFFICIAL)
    with pytest.raises(SecondPersonRequiredError, match="one requests it"):
        freeze(wave, first)
    request(wave, first)
    with pytest.raises(SecondPersonRequiredError, match="yourself"):
        freeze(wave, first)
    with pytest.raises(RequestConflictError):
        request(wave, second)
    assert state(wave) is WaveState.CLOSED
    freeze(wave, second)
    assert state(wave) is WaveState.FROZEN

    request(wave, official, WaveAct.RELEASE)
    with pytest.raises(SecondPersonRequiredError):
        release(wave, official)
    release(wave, first)
    assert state(wave) is WaveState.RELEASED
    with read_scope(wave.settings.store_url) as session:
        rows = session.exec(select(WaveRequest)).all()
        trail = session.exec(
            select(AuditEntry.action, AuditEntry.actor_id)
            .where(
                AuditEntry.action.in_(["wave.requested", "wave.request_confirmed"])  # type: ignore[attr-defined]
            )
            .order_by(AuditEntry.sequence)  # type: ignore[arg-type]
        ).all()
    assert all(row.confirmed and row.requested_by != row.ended_by for row in rows)
    assert [actor for _, actor in trail] == [
        first.account_id,
        second.account_id,
        official.account_id,
        first.account_id,
    ]


@pytest.mark.slow
def test_freezing_a_released_wave_again_takes_two_people(wave: SmallWave, employ: Employ) -> None:
    """Every reader sees the new figures."""
    admin, other = employ(), employ()
    request(wave, admin)
    freeze(wave, other)
    freeze(wave, admin)
    request(wave, admin, WaveAct.RELEASE)
    release(wave, other)
    before = snapshots(wave)
    with pytest.raises(SecondPersonRequiredError, match="one requests it"):
        freeze(wave, OPERATOR)
    request(wave, OPERATOR)
    with pytest.raises(SecondPersonRequiredError, match="yourself"):
        freeze(wave, OPERATOR)
    with pytest.raises(RequestConflictError, match="Something else"):
        freeze_wave(
            wave.settings,
            wave_key=wave.key,
            actor=admin,
            options=FreezeOptions(final=True, without_point=WithoutPoint.STRATUM),
        )
    assert snapshots(wave) == before
    freeze(wave, admin)
    assert (snapshots(wave), state(wave)) == (before + 1, WaveState.RELEASED)


def snapshots(wave: SmallWave) -> int:
    with read_scope(wave.settings.store_url) as session:
        return len(session.exec(select(Snapshot)).all())


def test_the_operator_at_the_command_line_is_one_person(wave: SmallWave, employ: Employ) -> None:
    admin = employ()
    request(wave, OPERATOR)
    with pytest.raises(SecondPersonRequiredError, match="yourself"):
        freeze(wave, OPERATOR)
    with read_scope(wave.settings.store_url) as session:
        mine = find_open_request(work_of(session, OPERATOR), key=wave.key)
        theirs = find_open_request(work_of(session, admin), key=wave.key)
    assert mine is not None
    assert theirs is not None
    assert (mine.is_own, theirs.is_own, theirs.by) == (True, False, "operator")
    freeze(wave, admin)
    assert state(wave) is WaveState.FROZEN


def test_one_person_is_enough_where_no_other_could_confirm(wave: SmallWave, employ: Employ) -> None:
    """No dead end; who else has an account does not count without the right, or in a demo."""
    admin = employ()
    employ(Role.NATIONAL_OFFICIAL)
    employ(active=False)
    employ(is_demo=True)
    assert rule(wave, admin) is PeopleRule.ALONE
    assert rule(wave, OPERATOR) is PeopleRule.TWO
    other = employ()
    assert rule(wave, admin) is PeopleRule.TWO
    assert rule(wave, admin, ONE_PERSON) is PeopleRule.OFF
    assert rule(wave, employ(is_demo=True)) is PeopleRule.DEMO
    freeze(wave, other, wave.settings.model_copy(update={"two_person_freeze": False}))
    with read_scope(wave.settings.store_url) as session:
        confirmed = select(AuditEntry.detail).where(AuditEntry.action == "wave.request_confirmed")
        (detail,) = session.exec(confirmed)
    assert detail["one_person"] == "off"


def test_a_confirmation_confirms_what_was_requested(wave: SmallWave, employ: Employ) -> None:
    first, second = employ(), employ()
    request(wave, first)
    with pytest.raises(RequestConflictError, match="Something else"):
        freeze_wave(
            wave.settings,
            wave_key=wave.key,
            actor=second,
            options=FreezeOptions(final=True, without_point=WithoutPoint.STRATUM),
        )
    with (
        session_scope(wave.settings.store_url) as session,
        pytest.raises(RequestConflictError, match="Withdraw"),
    ):
        leave_city_out(
            work_of(session, second, now()), key=wave.key, city_code="110000", reason="a reason"
        )
    assert state(wave) is WaveState.CLOSED


def test_a_request_ends_when_it_is_withdrawn_or_the_wave_is_opened_again(
    wave: SmallWave, employ: Employ
) -> None:
    first, second, official = employ(), employ(), employ(Role.NATIONAL_OFFICIAL)

    def withdraw(person: Principal) -> None:
        with session_scope(wave.settings.store_url) as session:
            withdraw_request(work_of(session, person, now()), key=wave.key)

    with pytest.raises(RequestConflictError, match="Nothing"):
        withdraw(first)
    request(wave, first)
    with pytest.raises(AccessDeniedError):
        withdraw(official)
    withdraw(second)
    request(wave, first)
    for to in (WaveState.OPEN, WaveState.CLOSED):
        with session_scope(wave.settings.store_url) as session:
            transition_wave(work_of(session, second, now()), key=wave.key, to=to)
    with pytest.raises(SecondPersonRequiredError, match="one requests it"):
        freeze(wave, second)
    with read_scope(wave.settings.store_url) as session:
        assert not any(row.confirmed for row in session.exec(select(WaveRequest)))


def test_the_database_refuses_one_person_twice(wave: SmallWave, employ: Employ) -> None:
    admin = employ()

    def write(person: Principal | None) -> None:
        account = person.account_id if person else None
        with session_scope(wave.settings.store_url) as session:
            wave_id = session.exec(select(Wave.id).where(Wave.key == wave.key)).one()
            session.add(
                WaveRequest(
                    wave_id=wave_id,
                    act=WaveAct.FREEZE,
                    requested_by=account,
                    ended_by=account,
                    ended_at=now(),
                    confirmed=True,
                )
            )

    for act in (partial(write, admin), partial(write, None)):
        with pytest.raises(IntegrityError):
            act()
