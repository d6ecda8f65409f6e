"""Stores for tests: every storage test runs on SQLite and on a real PostgreSQL.

`SURVEY_TEST_DATABASE_URL` names a PostgreSQL server to use (the account must be allowed to create
databases); without it one is started for the session, as root as well as without.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, create_engine, make_url, text

from survey.store import schema
from survey.store.engine import dispose_engines, normal_url

TESTS = Path(__file__).parent


def _run_sql(server: URL, *statements: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _database_exists(server: URL, name: str) -> bool:
    engine = create_engine(server)
    query = text("SELECT count(*) FROM pg_database WHERE datname = :name")
    with engine.connect() as connection:
        found = connection.execute(query, {"name": name}).scalar_one()
    engine.dispose()
    return bool(found)


def _text_of(url: URL) -> str:
    return url.render_as_string(hide_password=False)


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


@pytest.fixture(scope="session")
def _postgres_template(postgres_server: URL, _shared_folder: Path) -> str:
    """A migrated database to copy; named after the migrations, so a kept server keeps it."""
    digest = hashlib.sha256()
    for path in sorted((Path(schema.__file__).parent / "migrations" / "versions").glob("*.py")):
        digest.update(path.read_bytes())
    name = f"survey_template_{digest.hexdigest()[:16]}"
    with (_shared_folder / "postgres-template-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _database_exists(postgres_server, name):
            building = f"{name}_{uuid4().hex[:8]}"
            _run_sql(postgres_server, f"CREATE DATABASE {building}")
            schema.upgrade(_text_of(postgres_server.set(database=building)))
            dispose_engines()
            _run_sql(postgres_server, f"ALTER DATABASE {building} RENAME TO {name}")
    return name


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "survey.db"
    schema.upgrade(f"sqlite:///{path}")
    dispose_engines()
    return path


def _new_postgres(server: URL, template: str) -> Iterator[str]:
    name = f"survey_test_{uuid4().hex}"
    _run_sql(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield _text_of(server.set(database=name))
    dispose_engines()
    _run_sql(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty SQLite store of this test's own."""
    path = tmp_path / "survey.db"
    shutil.copyfile(_sqlite_template, path)
    yield f"sqlite:///{path}"
    dispose_engines()


@pytest.fixture
def postgres_url(postgres_server: URL, _postgres_template: str) -> Iterator[str]:
    """A migrated, empty PostgreSQL store of this test's own."""
    yield from _new_postgres(postgres_server, _postgres_template)


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
        yield from _new_postgres(request.getfixturevalue("postgres_server"), "template0")
