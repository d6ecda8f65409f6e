"""`survey freeze` and `survey release wave`: the preview, and the operator as one of two people."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import col, select
from typer.testing import Result

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.files.microdata.prepared_rows import PREPARED_ROWS
from survey.results.freeze import freeze_wave
from survey.results.release import release_request_options
from survey.settings import current_settings
from survey.snapshots.snapshot_files import FreezeOptions, WithoutPoint
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, Shown, Snapshot, WaveAct, WaveState, now
from survey.waves.planning.wave_requests import find_open_request, request_act, withdraw_request
from tests.small_waves import KEY, SmallWave, small_wave, store_people
from tests.work_of import work_of

Survey = Callable[..., Result]


@pytest.fixture
def wave(survey: Survey, tmp_path: Path) -> SmallWave:
    """A closed wave in the data folder of the commands: Beijing with 30 people, Shanghai with 2."""
    made = small_wave(tmp_path / "data")
    store_people(made, {"110000": 30, "310000": 2})
    return made


@pytest.fixture
def administrator(wave: SmallWave) -> Principal:
    account = Account(login="li", name="Li", role=Role.ADMINISTRATOR, area=NATION)
    with session_scope(wave.settings.store_url) as session:
        session.add(account)
    return Principal(account.id, "Li", Role.ADMINISTRATOR, NATION)


def state(wave: SmallWave) -> WaveState:
    with read_scope(wave.settings.store_url) as session:
        return wave.read(session).state


def request(wave: SmallWave, person: Principal, act: WaveAct, options: dict[str, object]) -> None:
    with session_scope(wave.settings.store_url) as session:
        request_act(work_of(session, person, now()), key=wave.key, act=act, options=options)


def requested(wave: SmallWave) -> tuple[WaveAct, str] | None:
    with read_scope(wave.settings.store_url) as session:
        found = find_open_request(work_of(session, OPERATOR), key=wave.key)
        return None if found is None else (found.act, found.by)


def confirmations(wave: SmallWave) -> list[dict[str, object]]:
    query = select(AuditEntry).where(AuditEntry.action == "wave.request_confirmed")
    with read_scope(wave.settings.store_url) as session:
        return [entry.detail for entry in session.exec(query.order_by(col(AuditEntry.sequence)))]


def test_the_preview_says_what_the_page_says_and_stores_nothing(
    survey: Survey, wave: SmallWave
) -> None:
    with read_scope(wave.settings.store_url) as session:
        before = len(session.exec(select(AuditEntry)).all())
    shown = survey("freeze", "--wave", KEY, "--preview", "--format", "json")
    assert shown.exit_code == 0, shown.output
    assert "32 interviews in 2 cities: 0 cities would be shown, 2 hidden." in shown.stderr
    assert "If Shanghai were left out, these would be shown: Beijing" in shown.stderr
    cities = {row["City"]: row for row in json.loads(shown.stdout)}
    assert cities["Shanghai"]["Because"] == "fewer than 10 interviews"
    assert cities["Beijing"]["Because"].startswith("the few interviews of Shanghai")
    assert cities["Beijing"]["Score"] == "–"
    assert state(wave) is WaveState.CLOSED
    with read_scope(wave.settings.store_url) as session:
        assert session.exec(select(Snapshot)).first() is None
        assert len(session.exec(select(AuditEntry)).all()) == before


def test_a_preview_is_no_freeze_for_good(survey: Survey, wave: SmallWave) -> None:
    assert survey("freeze", "--wave", KEY, "--preview", "--final").exit_code == 2
    assert state(wave) is WaveState.CLOSED


@pytest.mark.slow
def test_rows_for_analysts_are_ready_once_a_wave_is_frozen_for_good(
    survey: Survey, wave: SmallWave
) -> None:
    """The first export of rows then takes no longer than any other."""
    made_ready = select(AuditEntry).where(AuditEntry.action == "rows.prepared")
    for final, expected in (([], 0), (["--final"], 1)):
        frozen = survey("freeze", "--wave", KEY, *final, "--without-point", "stratum")
        assert frozen.exit_code == 0, frozen.output
        with read_scope(wave.settings.store_url) as session:
            assert len(session.exec(made_ready).all()) == expected
        assert len(list(wave.settings.snapshot_dir.rglob(PREPARED_ROWS))) == expected


@pytest.mark.slow
def test_the_operator_requests_a_freeze_once_and_does_not_confirm_it(
    survey: Survey, wave: SmallWave, administrator: Principal
) -> None:
    asked = survey("freeze", "--wave", KEY, "--final", "--without-point", "stratum")
    assert asked.exit_code == 0, asked.output
    assert "another person confirms it" in asked.stderr
    assert requested(wave) == (WaveAct.FREEZE, OPERATOR.name)
    again = survey("freeze", "--wave", KEY, "--final", "--without-point", "stratum")
    assert again.exit_code == 1
    assert "yourself" in again.output
    assert state(wave) is WaveState.CLOSED
    freeze_wave(
        wave.settings,
        wave_key=KEY,
        actor=administrator,
        options=FreezeOptions(final=True, without_point=WithoutPoint.STRATUM),
    )
    assert state(wave) is WaveState.FROZEN


def test_the_operator_confirms_with_the_options_of_the_request(
    survey: Survey, wave: SmallWave, administrator: Principal
) -> None:
    options = FreezeOptions(without_point=WithoutPoint.STRATUM).as_request()
    request(wave, administrator, WaveAct.FREEZE, options)
    frozen = survey("freeze", "--wave", KEY, "--final", "--format", "json")
    assert frozen.exit_code == 0, frozen.output
    assert state(wave) is WaveState.FROZEN
    assert requested(wave) is None
    (confirmed,) = confirmations(wave)
    assert "one_person" not in confirmed


@pytest.mark.slow
def test_a_release_takes_the_second_person_and_what_was_requested(
    survey: Survey, wave: SmallWave, administrator: Principal
) -> None:
    request(
        wave,
        administrator,
        WaveAct.FREEZE,
        FreezeOptions(without_point=WithoutPoint.REFUSE).as_request(),
    )
    assert survey("freeze", "--wave", KEY, "--final").exit_code == 0
    asked = survey("release", "wave", "--wave", KEY, "--show", "scores")
    assert asked.exit_code == 0, asked.output
    assert requested(wave) == (WaveAct.RELEASE, OPERATOR.name)
    assert state(wave) is WaveState.FROZEN
    with session_scope(wave.settings.store_url) as session:
        withdraw_request(work_of(session, OPERATOR, now()), key=KEY)
    request(wave, administrator, WaveAct.RELEASE, release_request_options(Shown.NOTHING, None))
    other = survey("release", "wave", "--wave", KEY, "--show", "scores")
    assert other.exit_code == 1
    assert "Something else was requested" in other.output
    same = survey("release", "wave", "--wave", KEY, "--show", "nothing")
    assert same.exit_code == 0, same.output
    assert state(wave) is WaveState.RELEASED


@pytest.mark.slow
def test_one_person_is_enough_where_the_setting_says_so(
    survey: Survey, wave: SmallWave, administrator: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURVEY_TWO_PERSON_FREEZE", "0")
    current_settings.cache_clear()
    assert survey("freeze", "--wave", KEY, "--final").exit_code == 0
    assert state(wave) is WaveState.FROZEN
    (confirmed,) = confirmations(wave)
    assert confirmed["one_person"] == "off"
