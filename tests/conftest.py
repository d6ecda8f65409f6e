"""Stores and a small wave for tests: every storage test runs on SQLite and on a real PostgreSQL.

`SURVEY_TEST_DATABASE_URL` names a PostgreSQL server to use (the account must be allowed to create
databases); without it one is started for the session, as root as well as without.
"""

import fcntl
import gc
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.work_of import work_of

# Before numpy is there: each worker and server of its own is busy enough, and threads that wait for
# each other on few cores burn more than they help.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pandas as pd
import pytest
from hypothesis import settings as hypothesis_settings
from sqlalchemy import URL, create_engine, make_url, text, update
from sqlmodel import Session, col, select
from streamlit.components.v2 import manifest_scanner
from streamlit.components.v2.manifest_scanner import scan_component_manifests

from seed.demo import build
from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.estimate import arrays
from survey.questionnaire.model import (
    Choice,
    Instrument,
    Item,
    ItemKind,
    Language,
    Section,
    SectionExit,
    SpecialAnswer,
)
from survey.results import WaveResults, analysis, changes, list_waves, open_results
from survey.results.freeze import freeze_wave
from survey.settings import Settings, current_settings
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store import schema
from survey.store.engine import dispose_engines, normal_url, read_scope, session_scope
from survey.store.tables import (
    Account,
    Assignment,
    City,
    PointKind,
    QuotaCell,
    Response,
    SamplingPoint,
    Status,
    Wave,
    table_of,
)
from survey.waves.instruments import save_instrument
from survey.waves.waves import NewWave, create_wave, open_wave
from tests.both_databases import is_second_run
from tests.next_version import NextVersion
from tests.synthetic_results import PLANS, synthetic_store

TESTS = Path(__file__).parent
TAKES_MINUTES = frozenset({"test_benchmarks", "test_demo_command"})
MakeOnce = Callable[[str, Callable[[Path], object]], Path]
FillOnce = Callable[[str, Settings, Callable[[], object]], None]


# Freezing is tested with a look at few intervals; tests/disclosure looks at all.
os.environ.setdefault("SURVEY_AUDIT_SECONDS", "0.2")
# Results are tested, never the clock: a slow machine must not fail an example.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")


MEMORY, ROOM = Path("/dev/shm"), 6 << 30
"""A file system in memory, and bytes that must be free there; the second tier held 1.8 GB."""


def pytest_configure() -> None:
    """Give the tests their folders in memory, where it is large enough and programs may run there.

    Tests write eleven gigabytes, nearly all of it stores that are removed with the test.
    """
    if not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return
    if shutil.disk_usage(MEMORY).free >= ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """For `-m slow`, import no file without a slow test: they are most of what there is to import.

    Journeys are marked by their own `conftest`.
    """
    if config.option.markexpr != "slow" or collection_path.suffix != ".py":
        return None
    if collection_path.parent.name == "journeys" or "mark.slow" in collection_path.read_text():
        return None
    return True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what would run a second time, on PostgreSQL (`tests/both_databases.py`).

    What takes a minute comes first: at the end, other workers would wait for it.
    """
    again = [
        item
        for item in items
        if isinstance(item, pytest.Function)
        and item.get_closest_marker("postgres")
        and is_second_run(item.path.relative_to(TESTS).parts[0], item.path.stem, item.originalname)
    ]
    if again:
        config.hook.pytest_deselected(items=again)
        items[:] = [item for item in items if item not in set(again)]
    items.sort(key=lambda item: item.path.stem not in TAKES_MINUTES)


_finished = itertools.count(1)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for garbage only in what the tests make, never in what is imported and collected.

    All of that stays; to go through it again and again took a third of the collection.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.set_threshold(10_000, 10, 10)
        _set_survivors_aside()
        gc.enable()


def pytest_runtest_logfinish() -> None:
    """Collect garbage after every fiftieth test, so that no long search falls into one.

    Servers in this process answer nothing during a search through all that earlier tests left.
    """
    if next(_finished) % 50 == 0:
        _set_survivors_aside()


def _set_survivors_aside() -> None:
    """Collect garbage, and exempt all objects that survive from every later search."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _key_of_second_factors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Of the tests and of the servers they start: not that of the project's own data folder."""
    file = tmp_path_factory.getbasetemp() / "secret.key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURVEY_SECRET_KEY_FILE", str(file))
        current_settings.cache_clear()
        yield
    current_settings.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _installed_components() -> Iterator[None]:
    """Let Streamlit look once for packages with components of their own, not for every page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(scan_component_manifests))
        yield


@pytest.fixture(scope="session", autouse=True)
def _kept_memory() -> Iterator[None]:
    """Let freezes keep the memory they freed: to hand back that of a large process takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "_c_library", object)
        yield


@pytest.fixture(scope="session")
def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all xdist workers of this session."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def postgres_server(_shared_folder: Path) -> URL:
    """A PostgreSQL server for the whole session, started by whichever worker needs it first."""
    given = os.environ.get("SURVEY_TEST_DATABASE_URL")
    if given:
        return normal_url(given)
    note = _shared_folder / "postgres-url"
    with (_shared_folder / "postgres-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            session = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
            server = subprocess.Popen(
                [sys.executable, str(TESTS / "postgres_server.py"), str(session)],
                stdout=subprocess.PIPE, stderr=(_shared_folder / "postgres-log").open("wb"),
                text=True, start_new_session=True,
            )  # fmt: skip
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            assert url, (_shared_folder / "postgres-log").read_text()
            note.write_text(url)
    return make_url(note.read_text())


class Databases:
    """Makes and drops databases on one server, over one connection for the whole session."""

    def __init__(self, server: URL) -> None:
        self._server = server
        self._engine = create_engine(server, isolation_level="AUTOCOMMIT")
        self._connection = self._engine.connect()

    def run(self, statement: str) -> None:
        self._connection.execute(text(statement))

    def exists(self, name: str) -> bool:
        query = text("SELECT count(*) FROM pg_database WHERE datname = :name")
        return bool(self._connection.execute(query, {"name": name}).scalar_one())

    def url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)

    def copies_of(self, template: str) -> Iterator[str]:
        """One database like `template`, gone after the test."""
        name = f"survey_test_{uuid4().hex}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield self.url(name)
        dispose_engines()
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()


@pytest.fixture(scope="session")
def _databases(postgres_server: URL) -> Iterator[Databases]:
    databases = Databases(postgres_server)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def _postgres_template(_databases: Databases, _shared_folder: Path) -> str:
    """A migrated database to copy; named after what makes it, so a kept server keeps it."""
    digest, store = hashlib.sha256(), Path(schema.__file__).parent
    for path in [store / "guards.py", *sorted((store / "tables").glob("*.py"))]:
        digest.update(path.read_bytes())
    for path in sorted((store / "migrations" / "versions").glob("*.py")):
        digest.update(path.read_bytes())
    name = f"survey_template_{digest.hexdigest()[:16]}"
    with (_shared_folder / "postgres-template-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _databases.exists(name):
            building = f"{name}_{uuid4().hex[:8]}"
            _databases.run(f"CREATE DATABASE {building}")
            schema.upgrade(_databases.url(building))
            dispose_engines()
            _databases.run(f"ALTER DATABASE {building} RENAME TO {name}")
    return name


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "survey.db"
    schema.upgrade(f"sqlite:///{path}")
    dispose_engines()
    return path


@pytest.fixture(scope="session")
def _sqlite_field(
    _sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    make_field: Callable[[str], "Field"],
) -> Path:
    """A store with the small open wave of `field`; a copy is ten times as fast as filling it."""
    path = tmp_path_factory.mktemp("field") / "survey.db"
    shutil.copyfile(_sqlite_template, path)
    make_field(f"sqlite:///{path}")
    dispose_engines()
    return path


@pytest.fixture(scope="session")
def _postgres_field(
    _databases: Databases, _postgres_template: str, make_field: Callable[[str], "Field"]
) -> Iterator[str]:
    """A database with the same wave, to copy as well."""
    name = f"survey_field_{uuid4().hex}"
    _databases.run(f"CREATE DATABASE {name} TEMPLATE {_postgres_template} STRATEGY file_copy")
    make_field(_databases.url(name))
    dispose_engines()
    yield name
    _databases.run(f"DROP DATABASE {name} WITH (FORCE)")


def _is_filled(request: pytest.FixtureRequest) -> bool:
    """Whether the test asks for `field`, which then finds its wave in the store."""
    return "field" in request.fixturenames


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated SQLite store of this test's own; empty, or with what `field` holds."""
    template = "_sqlite_field" if _is_filled(request) else "_sqlite_template"
    path = tmp_path / "survey.db"
    shutil.copyfile(request.getfixturevalue(template), path)
    yield f"sqlite:///{path}"
    dispose_engines()


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, _databases: Databases) -> Iterator[str]:
    """A migrated PostgreSQL store of this test's own; empty, or with what `field` holds."""
    template = "_postgres_field" if _is_filled(request) else "_postgres_template"
    yield from _databases.copies_of(request.getfixturevalue(template))


BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def store_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty store: the test runs once on each database."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=BOTH)
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database that was never migrated, once on each database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bare' / 'survey.db'}"
        dispose_engines()
    else:
        databases: Databases = request.getfixturevalue("_databases")
        yield from databases.copies_of("template0")


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NextVersion:
    """Lets a test run as the next version of the product."""
    (folder := tmp_path / "next-version").mkdir()
    return NextVersion(folder, monkeypatch)


NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
"""The moment at which tests of fieldwork take place: 11:00 in China."""


def _choices(*names: str) -> tuple[Choice, ...]:
    return tuple(Choice(name=name, label={"en": name, "zh": name}) for name in names)


def _select(name: str, *names: str, **rest: Any) -> Item:
    label = {"en": name, "zh": name}
    return Item(
        name=name,
        kind=ItemKind.SELECT_ONE,
        label=label,
        choices=_choices(*names),
        required=True,
        **rest,
    )


def _rating(name: str) -> Item:
    return Item(
        name=name,
        kind=ItemKind.RATING,
        label={"en": name, "zh": name},
        required=True,
        minimum=1,
        maximum=10,
        step=1,
        specials=(SpecialAnswer.DONT_KNOW, SpecialAnswer.NOT_EXPERIENCED),
    )


@pytest.fixture(scope="session")
def small_instrument() -> Instrument:
    """Consent, screening, two ratings, a routed question, background: all paths, few items."""
    return Instrument(
        name="small",
        version="1",
        title={"en": "Small", "zh": "Small"},
        default_language="zh",
        languages=(Language(code="zh", name="zh"), Language(code="en", name="en")),
        sections=(
            Section(name="welcome", items=(_select("consent", "yes", "no"),)),
            Section(
                name="no_consent",
                relevant="${consent} = 'no'",
                ends=SectionExit.REFUSED,
                items=(Item(name="bye", kind=ItemKind.NOTE, label={"en": "Bye", "zh": "Bye"}),),
            ),
            Section(name="screening", items=(_select("lived_6m", "yes", "no"),)),
            Section(
                name="stop",
                relevant="${lived_6m} = 'no'",
                ends=SectionExit.SCREENED_OUT,
                items=(
                    Item(name="stop_note", kind=ItemKind.NOTE, label={"en": "Stop", "zh": "S"}),
                ),
            ),
            Section(
                name="scores",
                items=(
                    _rating("quality"),
                    _rating("service"),
                    _select("complained", "yes", "no"),
                    _select("channel", "shop", "hotline", relevant="${complained} = 'yes'"),
                    Item(
                        name="topics",
                        kind=ItemKind.SELECT_MULTIPLE,
                        label={"en": "Topics", "zh": "T"},
                        choices=_choices("food", "travel", "toys"),
                    ),
                ),
            ),
            Section(
                name="background",
                items=(
                    _select("gender", "male", "female", sensitive=True),
                    Item(
                        name="birth_year",
                        kind=ItemKind.INTEGER,
                        label={"en": "Born", "zh": "B"},
                        required=True,
                        constraint=". >= 1900 and . <= 2011",
                        constraint_message={"en": "Between 1900 and 2011", "zh": "1900-2011"},
                    ),
                    Item(name="age", kind=ItemKind.CALCULATE, calculation="2026 - ${birth_year}"),
                    Item(name="comment", kind=ItemKind.TEXT, label={"en": "Comment", "zh": "C"}),
                ),
            ),
        ),
    )


@dataclass(frozen=True)
class Field:
    """A small open wave in Beijing and Shanghai with one surveyor, who works in Beijing only."""

    url: str
    now: datetime
    wave: Wave
    instrument: Instrument
    surveyor: Principal
    colleague: Principal
    point: SamplingPoint
    foreign_point: SamplingPoint
    """A point in Shanghai, assigned to the colleague."""
    complete: dict[str, Any]
    """Answers of a complete interview: a woman of 36."""


def _city(code: str, zh: str, en: str) -> City:
    return City(
        code=code,
        name_zh=zh,
        name_en=en,
        province_zh=zh,
        region="E",
        region3="E",
        city_class="M",
        lon=116.4,
        lat=39.9,
        resident_population_2020=21_893_095,
        share_male=0.51,
        share_age_0_14=0.12,
        share_age_15_59=0.68,
        share_age_60_plus=0.2,
        share_age_65_plus=0.13,
        urbanization_rate=0.87,
    )


def _point(wave: Wave, city_code: str, code: str) -> SamplingPoint:
    return SamplingPoint(
        wave_id=wave.id,
        city_code=city_code,
        code=code,
        name=code,
        kind=PointKind.COMPOUND,
        stratum="urban",
        target=20,
    )


def _surveyor(login: str, area: str) -> Account:
    return Account(login=login, name=login.title(), role=Role.SURVEYOR, area=area)


def _principal(account: Account) -> Principal:
    return Principal(account.id, account.name, Role(account.role), account.area)


@pytest.fixture
def field(
    store_url: str, small_instrument: Instrument, make_field: Callable[[str], Field]
) -> Field:
    with session_scope(store_url) as session:
        wave = session.exec(select(Wave)).first()
        if wave is not None:
            return _describe(session, store_url, wave, small_instrument)
    return make_field(store_url)


@pytest.fixture(scope="session")
def make_field(small_instrument: Instrument) -> Callable[[str], Field]:
    """Fill a migrated, empty store; for tests that share one among many cases."""
    return lambda store_url: _fill(store_url, small_instrument)


def _fill(store_url: str, small_instrument: Instrument) -> Field:
    with session_scope(store_url) as session:
        session.add_all(
            [_city("110000", "北京市", "Beijing"), _city("310000", "上海市", "Shanghai")]
        )
        li, zhao = _surveyor("li", "110000"), _surveyor("zhao", "310000")
        session.add_all([li, zhao])
        session.flush()
        plan = NewWave(
            key="main-2026",
            series="main",
            year=2026,
            title_zh="2026",
            title_en="Wave 2026",
            instrument_id=save_instrument(session=session, instrument=small_instrument),
        )
        create_wave(work_of(session, OPERATOR), plan=plan)
        wave = open_wave(work_of(session, OPERATOR), key=plan.key)
        here = _point(wave, "110000", "110000-u-01")
        there = _point(wave, "310000", "310000-u-01")
        session.add_all([here, there])
        session.flush()
        session.add_all(
            [
                Assignment(account_id=li.id, point_id=here.id),
                Assignment(account_id=zhao.id, point_id=there.id),
            ]
        )
        session.add_all(
            QuotaCell(wave_id=wave.id, city_code="110000", age_band=band, gender=gender, target=5)
            for band in ("15-24", "25-34", "35-44", "45-54", "55-70")
            for gender in ("male", "female")
        )
        return _describe(session, store_url, wave, small_instrument)


def _describe(session: Session, store_url: str, wave: Wave, instrument: Instrument) -> Field:
    """Read what the filled store holds."""
    accounts = {account.login: account for account in session.exec(select(Account))}
    points = {point.city_code: point for point in session.exec(select(SamplingPoint))}
    return Field(
        url=store_url,
        now=NOW,
        wave=wave,
        instrument=instrument,
        surveyor=_principal(accounts["li"]),
        colleague=_principal(accounts["zhao"]),
        point=points["110000"],
        foreign_point=points["310000"],
        complete={
            "consent": "yes",
            "lived_6m": "yes",
            "quality": 8,
            "service": "na",
            "complained": "no",
            "topics": ["food", "toys"],
            "gender": "female",
            "birth_year": 1990,
            "comment": "还行",
        },
    )


@pytest.fixture(scope="session")
def frozen_small_demo(make_once: MakeOnce) -> Path:
    """The folder of an SQLite store with main-2024 at 620 interviews, frozen provisionally.

    Made once for all workers: copy it before you change it.
    """
    return _freeze_once(make_once, "frozen-small-demo", ["main-2024"])


@pytest.fixture(scope="session")
def small_demo(make_once: MakeOnce) -> Path:
    """The folder of the whole demonstration as `survey demo` makes it at 620 interviews a wave.

    Made once for all workers, by the command itself: copy it before you change it. Two processes
    freeze its waves, on a machine with one core too.
    """

    def make_demo(folder: Path) -> None:
        program = "from survey.cli.main import main\nmain()"
        made = subprocess.run(
            [sys.executable, "-c", program, "--data-dir", folder,
             "demo", "--size", "0.01", "--workers", "2"],
            env={**os.environ, "SURVEY_DATABASE_URL": ""},
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr

    return make_once("small-demo", make_demo) / "demo"


@pytest.fixture(scope="session")
def frozen_pair(make_once: MakeOnce) -> Path:
    """The folder of a store with main-2024, then main-2023, frozen for good; as shared.

    Of five cities only, because every hidden count is audited. The change between the waves is
    written when the older one is frozen, into the newer.
    """
    return _freeze_once(make_once, "frozen-pair", ["main-2024", "main-2023"], final=True, cities=5)


@pytest.fixture(scope="session")
def frozen_few_cities(make_once: MakeOnce) -> Path:
    """The small wave of `frozen_small_demo` with 25 cities in 24 provinces; as shared.

    For tests that freeze it again and again and look at its files, not at the cities.
    """
    return _freeze_once(make_once, "frozen-few-cities", ["main-2024"], cities=25)


@pytest.fixture(scope="session")
def frozen_supplement(make_once: MakeOnce) -> Path:
    """The folder of a store with minors-2024 in 25 cities, frozen provisionally; as shared."""
    return _freeze_once(make_once, "frozen-supplement", ["minors-2024"], cities=25)


def _freeze_once(
    make_once: MakeOnce,
    name: str,
    waves: list[str],
    *,
    final: bool = False,
    cities: int | None = None,
) -> Path:
    """Return the folder `name` with the waves frozen in this order; one worker makes it."""

    def freeze(folder: Path) -> None:
        settings = Settings(database_url="", data_dir=folder)
        if final:
            # Every hidden count is audited: nothing else may be signed.
            settings = settings.model_copy(update={"audit_seconds": 0.0})
        build(settings.store_url, waves=sorted(waves), size=0.01, seed=7)
        if cities is not None:
            _keep_cities(settings, cities)
        for wave in waves:
            freeze_wave(settings, wave_key=wave, actor=OPERATOR, options=FreezeOptions(final=final))

    return make_once(name, freeze)


def _keep_cities(settings: Settings, count: int) -> None:
    """Take the approval from the interviews of all but `count` cities, past the state machine."""
    with session_scope(settings.store_url) as session:
        connection = session.connection()
        triggers = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'response'"
        ).all()
        codes = sorted(session.exec(select(Response.city_code).distinct()).all())
        kept = codes[:: len(codes) // count][:count]
        for name, _ in triggers:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.execute(
            update(table_of(Response))
            .where(col(Response.status) == Status.APPROVED, col(Response.city_code).not_in(kept))
            .values(status=Status.SUBMITTED)
        )
        for _, sql in triggers:
            connection.exec_driver_sql(sql)


@pytest.fixture(scope="session")
def make_once(_shared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """`make_once(name, fill)`: a folder that one worker fills for all; copy it to change it.

    The others wait, and each has a copy: SQLite keeps files beside a database while it is open, and
    where one worker read it in place, another's copy failed on files that were gone again.
    """
    copies = tmp_path_factory.mktemp("shared")

    def make_or_copy(name: str, make: Callable[[Path], object]) -> Path:
        made, own = _shared_folder / name, copies / name
        if own.exists():
            return own
        with (_shared_folder / f"{name}-lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                building = made.with_name(f"{name}-building")
                building.mkdir()
                make(building)
                dispose_engines()
                building.rename(made)
        shutil.copytree(made, own)
        return own

    return make_or_copy


@pytest.fixture(scope="session")
def _filled_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("filled")


@pytest.fixture
def fill_once(_filled_stores: Path) -> FillOnce:
    """`fill_once(name, settings, fill)`: what `fill` leaves in a store is copied the next time.

    On SQLite alone, where a copy takes a tenth of a freeze; on PostgreSQL every test fills its own.
    """

    def fill_or_copy(name: str, settings: Settings, fill: Callable[[], object]) -> None:
        url, kept = make_url(settings.store_url), _filled_stores / name
        if not url.drivername.startswith("sqlite"):
            fill()
            return
        database = Path(str(url.database))
        if not kept.exists():
            fill()
            dispose_engines()
            shutil.copytree(settings.snapshot_dir, kept / "snapshots")
            shutil.copyfile(database, kept / "survey.db")
            return
        dispose_engines()
        shutil.copyfile(kept / "survey.db", database)
        shutil.copytree(kept / "snapshots", settings.snapshot_dir, dirs_exist_ok=True)

    return fill_or_copy


@pytest.fixture(scope="session")
def synthetic_waves(make_once: MakeOnce) -> Settings:
    """A demo store with every kind of made-up frozen wave, a copy of this worker's own."""

    def fill(folder: Path) -> None:
        settings = Settings(data_dir=folder, database_url="", demo=True)
        synthetic_store(settings, plans=PLANS, measures_a_topic=2)

    folder = make_once("synthetic-waves", fill)
    return Settings(data_dir=folder, database_url="", demo=True)


@pytest.fixture(scope="session")
def frozen(synthetic_waves: Settings) -> dict[str, WaveResults]:
    """Results of made-up frozen waves by wave key, to build tables and views from."""
    with read_scope(synthetic_waves.store_url) as session:
        waves = list_waves(synthetic_waves, session)
        results = {wave.key: open_results(synthetic_waves, session, wave.key) for wave in waves}
    dispose_engines()
    return results


@pytest.fixture
def other_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes that are computed from now on are three points higher, as a mended error may do.

    What a fixture of a wider scope froze has the true ones.
    """
    known = analysis.bound_difference_intervals

    def add_three_points(table: pd.DataFrame) -> pd.DataFrame:
        result = known(table)
        return result.assign(difference=result["difference"] + 3.0)

    monkeypatch.setattr(changes, "bound_difference_intervals", add_three_points)
