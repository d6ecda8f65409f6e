"""A demonstration with one published public release: made once, copied for tests that change it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from survey.store.engine import dispose_engines
from tests.published_store import (
    HOSTILE_TITLE,
    IDENTIFIER,
    MINUTE,
    PublishedStore,
    build_site,
    publish_store,
)
from tests.site.corrected_site import CorrectedSite, build_corrected_site

__all__ = ["HOSTILE_TITLE", "IDENTIFIER", "MINUTE", "PublishedStore"]


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublishedStore]:
    """A store nobody changes, whose release was announced as public."""
    yield publish_store(tmp_path_factory.mktemp("site") / "data")
    dispose_engines()


@pytest.fixture(scope="session")
def site(published: PublishedStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the site of that release, which nobody changes."""
    out = tmp_path_factory.mktemp("built") / "site"
    return build_site(published, "https://survey.example", out)


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
