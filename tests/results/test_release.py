"""Who releases a wave, what others see then, and how it is taken back."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.figures.views.bands import describe_release
from survey.figures.views.ranking import RankingFilters, RankingView, build_ranking
from survey.figures.views.view_context import ViewContext
from survey.results import WaveResults, open_results
from survey.results.release import find_current_release, list_releases, release_wave, revoke_release
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import AuditEntry, Shown, Wave, WaveRelease, WaveState, now
from survey.waves.waves import transition_wave
from tests.error_codes import raises_code
from tests.synthetic_results import PLANS, synthetic_store
from tests.work_of import work_of

WAVE = "main-2024"
OWN = "320500"
CITY = Principal(uuid4(), "c", Role.CITY_OFFICIAL, OWN)
PROVINCE = Principal(uuid4(), "p", Role.PROVINCE_OFFICIAL, "32")
REASON = "A weight was wrong"


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(data_dir=tmp_path_factory.mktemp("releases"), database_url="")
    synthetic_store(settings, plans=PLANS[:1], measures_a_topic=1)
    return settings


@pytest.fixture
def store(_made: Settings) -> Iterator[Settings]:
    """The wave frozen and not released, whatever the test before did."""
    with session_scope(_made.store_url) as session:
        if session.exec(select(Wave.state)).one() is WaveState.RELEASED:
            revoke_release(work_of(session, OPERATOR, now()), wave_key=WAVE, reason=REASON)
    yield _made
    dispose_engines()


def release(store: Settings, shown: Shown, places: int | None = None) -> None:
    with session_scope(store.store_url) as session:
        release_wave(
            work_of(session, OPERATOR, now()), wave_key=WAVE, shown=shown, first_places=places
        )


def revoke(store: Settings, reason: str = REASON) -> None:
    with session_scope(store.store_url) as session:
        revoke_release(work_of(session, OPERATOR, now()), wave_key=WAVE, reason=reason)


def results(store: Settings) -> WaveResults:
    with read_scope(store.store_url) as session:
        return open_results(store, session, WAVE)


def cities(store: Settings, reader: Principal = CITY) -> int:
    cells = results(store).cells(reader, area_level="city", group="all", indicator="composite")
    return len(cells)


def order(store: Settings, reader: Principal = CITY, **filters: str) -> RankingView:
    return build_ranking(
        ViewContext(results(store), reader, "en"), filters=RankingFilters(**filters)
    )


def named(store: Settings) -> str:
    return describe_release(ViewContext(results(store), CITY, "en"))


def test_a_release_opens_what_it_says_and_no_more(store: Settings) -> None:
    assert cities(store) == 1
    release(store, Shown.NOTHING)
    assert cities(store) == 1
    revoke(store)
    release(store, Shown.NAMES, 10)
    assert cities(store) == 1
    assert "first 10 places" in named(store)
    revoke(store)
    release(store, Shown.SCORES)
    assert cities(store) == 100
    assert named(store) == ""
    revoke(store)
    assert cities(store) == 1


def test_names_come_in_the_order_of_codes_and_without_scores(store: Settings) -> None:
    release(store, Shown.NAMES, 12)
    codes = results(store).first_named(CITY)
    ranks = results(store).ranks(OPERATOR, indicator="composite")
    assert set(codes) == set(ranks.loc[ranks["rank"] <= 12, "area"].astype(str))
    assert list(codes) == sorted(codes)
    assert results(store).first_named(CITY) == results(store).first_named(PROVINCE)


def test_before_release_others_stand_in_the_order_without_names(store: Settings) -> None:
    view = order(store, focus=OWN)
    data = view.chart_panel.data
    unnamed = data[(data["code"] == "") & (data["role"] == "item")]
    assert len(unnamed) == 20
    assert unnamed[["ci_low", "ci_high", "n"]].isna().all(axis=None)
    assert view.codes == (OWN,)
    drawn = data[data["role"] != "reference"]["estimate"].dropna().tolist()
    assert drawn == sorted(drawn, reverse=True)
    table = view.chart_panel.table
    assert table["City"].str.startswith("Cities at places").sum() == 20
    assert len(order(store, PROVINCE).codes) > 1
    assert not results(store).others(OPERATOR, indicator="composite")


def test_a_part_of_the_country_has_no_unnamed_cities(store: Settings) -> None:
    """A region of two would tell one of them the other."""
    for filters in ({"region3": "东部"}, {"city_class": "直辖市"}):
        data = order(store, **filters).chart_panel.data
        assert (data["code"] != "").sum() + (data["role"] == "reference").sum() == len(data)


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in {Role.NATIONAL_OFFICIAL, Role.ADMINISTRATOR}]
)
def test_only_the_national_office_and_administrators_release(store: Settings, role: Role) -> None:
    somebody = Principal(uuid4(), "x", role, "CN")
    with session_scope(store.store_url) as session, pytest.raises(AccessDeniedError):
        release_wave(work_of(session, somebody, now()), wave_key=WAVE, shown=Shown.SCORES)


def test_an_administrator_of_one_city_releases_nothing(store: Settings) -> None:
    local = Principal(uuid4(), "x", Role.ADMINISTRATOR, OWN)
    with session_scope(store.store_url) as session, pytest.raises(AccessDeniedError):
        release_wave(work_of(session, local, now()), wave_key=WAVE, shown=Shown.SCORES)


@pytest.mark.parametrize(
    ("shown", "places"),
    [(Shown.NAMES, None), (Shown.NAMES, 3), (Shown.NAMES, 99), (Shown.SCORES, 10)],
)
def test_a_number_of_places_that_does_not_fit_is_refused(
    store: Settings, shown: Shown, places: int | None
) -> None:
    with raises_code("not_releasable"):
        release(store, shown, places)


def test_nothing_is_released_twice_or_behind_the_release(store: Settings) -> None:
    release(store, Shown.NOTHING)
    with raises_code("wave_move_forbidden"):
        release(store, Shown.SCORES)
    for to in (WaveState.FROZEN, WaveState.OPEN):
        with session_scope(store.store_url) as session, raises_code("wave_move_forbidden"):
            transition_wave(work_of(session, OPERATOR, now()), key=WAVE, to=to)
    revoke(store)
    with session_scope(store.store_url) as session, raises_code("wave_move_forbidden"):
        transition_wave(work_of(session, OPERATOR, now()), key=WAVE, to=WaveState.RELEASED)


def test_taking_back_needs_a_reason_and_leaves_it(store: Settings) -> None:
    release(store, Shown.SCORES)
    with raises_code("not_releasable"):
        revoke(store, "  ")
    assert cities(store) == 100
    revoke(store, "A weight   was wrong")
    with raises_code("not_releasable"):
        revoke(store)
    with read_scope(store.store_url) as session:
        newest = list_releases(work_of(session, OPERATOR), wave_key=WAVE)[0]
        entries = session.exec(select(AuditEntry.action, AuditEntry.detail)).all()
    assert newest.reason == REASON
    assert newest.ended_at is not None
    assert ("wave.release_revoked", REASON) in [(a, d.get("reason")) for a, d in entries]
    assert ("wave.released", "scores") in [(a, d.get("shown")) for a, d in entries]


def test_a_state_without_a_release_shows_nothing(store: Settings) -> None:
    """Whoever writes into the database by hand opens nothing."""
    open_state = replace(results(store).wave, state=WaveState.RELEASED)
    assert not open_state.others_are_shown


def test_a_demo_account_reads_no_real_wave(store: Settings) -> None:
    visitor = Principal(uuid4(), "v", Role.NATIONAL_OFFICIAL, "CN", is_demo=True)
    wave_results = results(store)
    assert len(wave_results.cells(visitor, group="all", indicator="composite"))
    wave_results.wave = replace(wave_results.wave, is_demo=False)
    with pytest.raises(AccessDeniedError):
        wave_results.cells(visitor)
    with pytest.raises(AccessDeniedError):
        wave_results.others(visitor, indicator="composite")


def test_one_release_of_a_wave_stands(field: object) -> None:
    """On both databases."""
    url, wave = field.url, field.wave  # type: ignore[attr-defined]

    def again() -> None:
        with session_scope(url) as session:
            session.add(WaveRelease(wave_id=wave.id, shown=Shown.SCORES))

    with read_scope(url) as session:
        assert find_current_release(session, wave.id) is None
    again()
    with pytest.raises(IntegrityError):
        again()
    with session_scope(url) as session:
        standing = find_current_release(session, wave.id)
        assert standing is not None
        standing.revoked_at = now()
        session.add(standing)
    again()
