"""A demonstration with one published public release: made once, copied for tests that change it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from survey.access.principal import OPERATOR
from survey.release.publishing_steps import build_key_list, publish_publication
from survey.release.register import plan_publication
from survey.release.signatures import sign_publication
from survey.release.verify import KeyList, parse_keys
from survey.results.release import revoke_release
from survey.settings import Settings
from survey.site.public_site import build_site_of_archives
from survey.site.released_archive import ReleasedArchive, read_released_archive
from survey.store.engine import dispose_engines, read_scope, session_scope
from tests.publish.publications.conftest import FEW_GROUPS
from tests.publish.publications.register_steps import KEY, REASON, WAVE, draft, pass_audit
from tests.site.corrected_site import CorrectedSite, build_corrected_site
from tests.synthetic_results import synthetic_store
from tests.work_of import work_of

PLANNED = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SIGNED, MINUTE = PLANNED + timedelta(hours=1), PLANNED + timedelta(days=2)
"""In the past: the server shows nothing whose minute is not over."""
IDENTIFIER = "https://doi.org/10.12345/{release}"
HOSTILE_TITLE = '<script>alert(1)</script> & "2024"'


@dataclass(frozen=True)
class PublishedStore:
    """Data folder of the demonstration, its published list of keys, and its one archive."""

    folder: Path
    keys_document: bytes

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.folder, demo=True)

    @property
    def keys(self) -> KeyList:
        return parse_keys(self.keys_document.decode())

    @property
    def archive(self) -> Path:
        (path,) = (self.folder / "releases").glob("*.zip")
        return path

    def read(self) -> ReleasedArchive:
        return read_released_archive(self.archive, self.keys, MINUTE)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublishedStore]:
    """A store nobody changes, whose release was announced as public."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("site") / "data", demo=True)
    synthetic_store(settings, plans=(FEW_GROUPS,), measures_a_topic=1)
    with session_scope(settings.store_url) as session:
        work = work_of(session, OPERATOR, PLANNED, settings=settings)
        revoke_release(work, wave_key=WAVE, reason=REASON)
        plan_publication(
            work, draft=draft(public=True, embargo_until=MINUTE, title_en=HOSTILE_TITLE)
        )
    pass_audit(settings)
    sign_publication(settings, principal=OPERATOR, key=KEY, clock=lambda: SIGNED)
    with session_scope(settings.store_url) as session:
        publish_publication(work_of(session, OPERATOR, MINUTE, settings=settings), key=KEY)
    with read_scope(settings.store_url) as session:
        keys_document = build_key_list(session, settings)
    dispose_engines()
    yield PublishedStore(settings.data_dir, keys_document)
    dispose_engines()


@pytest.fixture(scope="session")
def site(published: PublishedStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its site, which nobody changes."""
    out = tmp_path_factory.mktemp("built") / "site"
    settings = Settings(
        data_dir=published.folder, public_url="https://survey.example", site_identifier=IDENTIFIER
    )
    build_site_of_archives(settings, [published.archive], published.keys_document, out, MINUTE)
    return out


@pytest.fixture
def own_store(published: PublishedStore, tmp_path: Path) -> Iterator[PublishedStore]:
    """A copy of it for one test."""
    shutil.copytree(published.folder, tmp_path / "data", ignore=shutil.ignore_patterns("site"))
    yield PublishedStore(tmp_path / "data", published.keys_document)
    dispose_engines()


@pytest.fixture(scope="session")
def corrected(published: PublishedStore, tmp_path_factory: pytest.TempPathFactory) -> CorrectedSite:
    """A copy of it whose release was corrected, with the site of the correction."""
    folder = tmp_path_factory.mktemp("corrected") / "data"
    return build_corrected_site(published.folder, folder, MINUTE)
