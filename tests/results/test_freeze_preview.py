"""The preview of a freeze says before what the freeze shows after, and because of whom it hides."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.results import WaveResults, open_results, wave_snapshots
from survey.results.freeze import freeze_wave
from survey.results.freeze_preview import (
    FreezePreview,
    HiddenBecause,
    PreviewCancelledError,
    preview_freeze,
)
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import dispose_engines, engine_for, read_scope, session_scope
from survey.store.tables import AuditEntry, Response, Status, now
from survey.waves.planning.wave_editing import leave_city_out, list_left_out_cities, restore_city
from tests.error_codes import raises_code
from tests.small_waves import SmallWave, small_wave, store_people
from tests.work_of import work_of

BEIJING, SUZHOU, NANJING = "110000", "320500", "320100"
OFFICIAL = Principal(OPERATOR.account_id, "official", Role.NATIONAL_OFFICIAL, NATION)


@pytest.fixture
def wave(tmp_path: Path, store_url: str) -> Iterator[SmallWave]:
    """Beijing with 60 approved interviews, Suzhou with two; on both databases."""
    made = small_wave(tmp_path / "data", url=store_url)
    store_people(made, {BEIJING: 60, SUZHOU: 2})
    yield made
    dispose_engines()


def preview(wave: SmallWave, **rest: Any) -> FreezePreview:
    return preview_freeze(wave.settings, wave_key=wave.key, principal=OPERATOR, **rest)


def leave_out(wave: SmallWave, city: str, reason: str = "two interviews only") -> None:
    with session_scope(wave.settings.store_url) as session:
        leave_city_out(
            work_of(session, OPERATOR, now()), key=wave.key, city_code=city, reason=reason
        )


def freeze(wave: SmallWave, *, final: bool = False) -> WaveResults:
    freeze_wave(
        wave.settings, wave_key=wave.key, actor=OPERATOR, options=FreezeOptions(final=final)
    )
    with read_scope(wave.settings.store_url) as session:
        return open_results(wave.settings, session, wave.key)


def shown_after(results: WaveResults) -> dict[str, tuple[bool, float | None, int | None]]:
    """City or nation -> whether it is shown, with score and n as published."""
    cells = results.cells(
        OPERATOR, group="all", indicator="composite", area_level=["nation", "city"]
    )
    return {
        str(row.area): (bool(row.shown), float(row.estimate), int(row.n))
        if row.shown
        else (False, None, None)
        for row in cells.itertuples()
    }


def shown_before(made: FreezePreview) -> dict[str, tuple[bool, float | None, int | None]]:
    return {
        area.code: (True, area.estimate, area.n) if area.is_shown else (False, None, None)
        for area in (made.nation, *made.cities)
    }


@pytest.mark.slow
def test_two_interviews_hide_a_city_and_leaving_them_out_shows_it(wave: SmallWave) -> None:
    made = preview(wave)
    beijing, suzhou = made.cities
    assert (made.rows, beijing.n, suzhou.n) == (62, 60, 2)
    assert (suzhou.is_shown, suzhou.because) == (False, HiddenBecause.TOO_FEW)
    assert (beijing.is_shown, beijing.because) == (False, HiddenBecause.OF_CITIES)
    assert beijing.of_cities == (SUZHOU,)
    assert made.nation.is_shown
    assert beijing.estimate is beijing.effective_n is None
    assert made.small_cities == (SUZHOU,)
    assert made.shown_without_small == (BEIJING,)
    assert made.nation_shown_without_small
    assert shown_before(made) == shown_after(freeze(wave))

    leave_out(wave, SUZHOU)
    made = preview(wave)
    (beijing,) = made.cities
    assert beijing.is_shown
    assert beijing.effective_n is not None
    assert made.nation.is_shown
    assert made.left_out == (SUZHOU,)
    results = freeze(wave, final=True)
    assert shown_before(made) == shown_after(results)
    assert results.manifest.left_out == (SUZHOU,)
    assert results.manifest.rows == 60


def test_the_preview_is_the_freeze_with_more_cities(tmp_path: Path, sqlite_url: str) -> None:
    wave = small_wave(tmp_path / "data", url=sqlite_url)
    store_people(wave, {BEIJING: 40, SUZHOU: 5, NANJING: 30, "310000": 25, "440100": 12})
    made = preview(wave)
    nanjing = next(city for city in made.cities if city.code == NANJING)
    assert (nanjing.because, nanjing.of_cities) == (HiddenBecause.OF_CITIES, (SUZHOU,))
    assert shown_before(made) == shown_after(freeze(wave))


def test_a_large_wave_is_previewed_file_by_file_with_the_same_figures(
    wave: SmallWave, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_people(wave, {NANJING: 40})
    at_once = preview(wave)
    assert at_once.small_cities == (SUZHOU,)
    assert at_once.shown_without_small
    for module in ("freeze_preview", "wave_snapshots"):
        monkeypatch.setattr(f"survey.results.{module}.MAX_ROWS_IN_MEMORY", 0)
    assert preview(wave) == at_once
    assert not wave_snapshots._KEPT_PARTS
    assert not list(wave.settings.snapshot_dir.rglob("*.parquet"))


@pytest.mark.slow
def test_interviews_of_a_city_left_out_stay_as_they_are(wave: SmallWave) -> None:
    leave_out(wave, SUZHOU)
    freeze(wave, final=True)
    with read_scope(wave.settings.store_url) as session:
        rows = session.exec(select(Response.city_code, Response.status)).all()
    assert {status for city, status in rows if city == SUZHOU} == {Status.APPROVED}
    assert {status for city, status in rows if city == BEIJING} == {Status.FROZEN}
    for change in (lambda: leave_out(wave, BEIJING), lambda: restore(wave, SUZHOU)):
        with raises_code("city_not_left_out", match="frozen"):
            change()


def restore(wave: SmallWave, city: str) -> None:
    with session_scope(wave.settings.store_url) as session:
        restore_city(work_of(session, OPERATOR, now()), key=wave.key, city_code=city)


def test_a_city_is_counted_in_again_and_both_acts_are_in_the_trail(wave: SmallWave) -> None:
    for reason in ("", "few"):
        with raises_code("city_not_left_out", match="why"):
            leave_out(wave, SUZHOU, reason)
    with raises_code("city_not_left_out", match="not left out"):
        restore(wave, SUZHOU)
    leave_out(wave, SUZHOU, " two \n interviews ")
    with raises_code("city_not_left_out", match="already"):
        leave_out(wave, SUZHOU)
    with read_scope(wave.settings.store_url) as session:
        (record,) = list_left_out_cities(work_of(session, OFFICIAL), key=wave.key)
    assert (record.city_code, record.reason, record.by) == (SUZHOU, "two interviews", "operator")
    restore(wave, SUZHOU)
    assert preview(wave).left_out == ()
    with read_scope(wave.settings.store_url) as session:
        trail = session.exec(
            select(AuditEntry.action, AuditEntry.detail)
            .where(AuditEntry.action.startswith("wave.city"))  # type: ignore[attr-defined]
            .order_by(AuditEntry.sequence)  # type: ignore[arg-type]
        ).all()
    assert [action for action, _ in trail] == ["wave.city_left_out", "wave.city_restored"]
    assert trail[0][1]["reason"] == "two interviews"


@pytest.mark.slow
def test_the_preview_says_what_could_be_subtracted_from_the_provisional_results(
    wave: SmallWave,
) -> None:
    assert preview(wave).earlier is None
    freeze(wave)
    made = preview(wave)
    assert made.earlier is not None
    assert made.earlier.cities[BEIJING].n == 60
    assert made.subtractable == ()
    leave_out(wave, SUZHOU)
    assert preview(wave).subtractable == (SUZHOU,)


@pytest.mark.postgres
def test_a_preview_may_read_for_minutes(tmp_path: Path, postgres_url: str) -> None:
    """Weighing millions of interviews is longer than a connection may otherwise do nothing."""
    made = small_wave(tmp_path, url=postgres_url)
    store_people(made, {BEIJING: 24, SUZHOU: 24})
    limits: list[tuple[str, ...]] = []

    def note_limits(_: object, cursor: Any, statement: str, *_rest: object) -> None:
        if "FROM response JOIN response_revision" in statement:
            with cursor.connection.cursor() as own:
                names = ("statement_timeout", "idle_in_transaction_session_timeout")
                limits.append(tuple(own.execute(f"SHOW {name}").fetchone()[0] for name in names))

    event.listen(engine_for(postgres_url), "before_cursor_execute", note_limits)
    preview(made)
    dispose_engines()
    assert limits == [("1h", "1h")]


def test_exact_numbers_are_for_those_who_may_freeze(wave: SmallWave) -> None:
    with pytest.raises(AccessDeniedError):
        preview_freeze(wave.settings, wave_key=wave.key, principal=OFFICIAL)
    with session_scope(wave.settings.store_url) as session, pytest.raises(AccessDeniedError):
        leave_city_out(
            work_of(session, OFFICIAL, now()),
            key=wave.key,
            city_code=SUZHOU,
            reason="two interviews",
        )


def test_a_wave_whose_cities_are_all_left_out_has_nothing_to_freeze(wave: SmallWave) -> None:
    leave_out(wave, SUZHOU)
    leave_out(wave, BEIJING)
    with raises_code("nothing_to_freeze"):
        preview(wave)


def test_a_preview_says_how_far_it_is_and_can_be_stopped(wave: SmallWave) -> None:
    """The audit of hidden counts takes minutes where many are hidden."""
    steps: list[tuple[int, int]] = []
    preview(wave, tick=lambda done, total: steps.append((done, total)))
    assert steps == [(0, 3), (1, 3), (2, 3)]

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise PreviewCancelledError

    with pytest.raises(PreviewCancelledError):
        preview(wave, tick=stop)
