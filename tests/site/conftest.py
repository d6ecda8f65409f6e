"""A demonstration with one published public release: made once, copied for tests that change it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from survey.store.engine import dispose_engines
from tests.published_store import HOSTILE_TITLE, MINUTE, PublishedStore, build_site, publish_store

__all__ = ["HOSTILE_TITLE", "MINUTE", "PublishedStore"]


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
