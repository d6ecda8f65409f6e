"""Stores with a release, on SQLite and on PostgreSQL: made once, copied for each test."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import update

from survey.access.principal import OPERATOR
from survey.access.roles import NATION, Role
from survey.release.signing_keys import add_key_to_file, register_key
from survey.results.release import revoke_release
from survey.settings import Settings
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import Account, Wave, table_of
from tests.conftest import BOTH, Databases
from tests.publish.publications.register_steps import PLANNED, REASON, WAVE, signed
from tests.synthetic_results import PLANS, synthetic_store
from tests.work_of import work_of

FEW_GROUPS = replace(
    PLANS[0], groups={"all": 1.0, "gender=male": 0.5, "gender=female": 0.5}, cities=25
)


@dataclass(frozen=True)
class StoreTemplate:
    """A store to copy: its data folder, with the key file beside it, and its PostgreSQL."""

    folder: Path
    databases: Databases | None = None
    database: str = ""
    """Empty for SQLite, whose file is in the folder."""

    def copies(self, to: Path) -> Iterator[Settings]:
        """A store of its own like this one, gone after the test."""
        shutil.copytree(self.folder, to / "data")
        key = to / "release.key"
        shutil.copyfile(self.folder.parent / "release.key", key)
        urls = self.databases.copies_of(self.database) if self.databases else iter([""])
        for url in urls:
            yield Settings(data_dir=to / "data", database_url=url, release_key_file=key)
            dispose_engines()

    @property
    def settings(self) -> Settings:
        url = self.databases.url(self.database) if self.databases else ""
        key = self.folder.parent / "release.key"
        return Settings(data_dir=self.folder, database_url=url, release_key_file=key)

    def clone(self, to: Path) -> "StoreTemplate":
        """A template to go on with; it is dropped as this one is."""
        shutil.copytree(self.folder, to / "data")
        shutil.copyfile(self.folder.parent / "release.key", to / "release.key")
        if self.databases is None:
            return replace(self, folder=to / "data")
        name = f"survey_register_{uuid4().hex}"
        self.databases.run(f"CREATE DATABASE {name} TEMPLATE {self.database} STRATEGY file_copy")
        return replace(self, folder=to / "data", database=name)

    def drop(self) -> None:
        dispose_engines()
        if self.databases:
            self.databases.run(f"DROP DATABASE {self.database} WITH (FORCE)")


@pytest.fixture(scope="session", params=BOTH)
def frozen_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StoreTemplate]:
    """A frozen wave of 25 cities that is no demonstration, with four people and a key."""
    template = StoreTemplate(tmp_path_factory.mktemp("register") / "data")
    if request.param == "postgres":
        databases: Databases = request.getfixturevalue("_databases")
        name = f"survey_register_{uuid4().hex}"
        databases.run(f"CREATE DATABASE {name}")
        template = replace(template, databases=databases, database=name)
    settings = template.settings
    synthetic_store(settings, plans=(FEW_GROUPS,), measures_a_topic=1)
    with session_scope(settings.store_url) as session:
        revoke_release(work_of(session, OPERATOR, PLANNED), wave_key=WAVE, reason=REASON)
        session.connection().execute(update(table_of(Wave)).values(is_demo=False))
        session.add_all(
            Account(login=login, name=login.title(), role=role, area=area)
            for login, role, area in (
                ("lin", Role.NATIONAL_OFFICIAL, NATION),
                ("wang", Role.NATIONAL_OFFICIAL, NATION),
                ("city", Role.CITY_OFFICIAL, "320500"),
                ("typist", Role.TYPIST, NATION),
            )
        )
        key = add_key_to_file(template.folder.parent / "release.key")
        register_key(work_of(session, OPERATOR, PLANNED), public_key=key.public_bytes)
    for manifest in settings.snapshot_dir.rglob("manifest.json"):
        manifest.write_text(manifest.read_text().replace('"is_demo": true', '"is_demo": false'))
    dispose_engines()
    yield template
    template.drop()


@pytest.fixture
def store(frozen_store: StoreTemplate, tmp_path: Path) -> Iterator[Settings]:
    """A store in which nothing is announced."""
    yield from frozen_store.copies(tmp_path)


@pytest.fixture(scope="session")
def signed_store(
    frozen_store: StoreTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StoreTemplate]:
    """The same store with a release that two people signed."""
    template = frozen_store.clone(tmp_path_factory.mktemp("signed"))
    signed(template.settings)
    dispose_engines()
    yield template
    template.drop()


@pytest.fixture
def ready(signed_store: StoreTemplate, tmp_path: Path) -> Iterator[Settings]:
    """A store in which a release waits for its minute."""
    yield from signed_store.copies(tmp_path)
