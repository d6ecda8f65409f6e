"""Photos are part of a backup: they come back as they were, and one that is gone is named."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.collection.photos.photo_storage import load_photo, save_photo
from survey.compute.photo_cleaning import clean_photo
from survey.operations.backup import check_backup, create_backup, restore
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.private_files import photo_path, read_photo_file
from survey.store.tables import Photo, new_id
from tests.work_of import work_of

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
SHADES = (20, 120, 220)


@pytest.fixture
def source(_sqlite_template: Path, tmp_path: Path) -> Settings:
    """A store with three photos."""
    data = tmp_path / "source"
    data.mkdir()
    (data / "survey.db").write_bytes(_sqlite_template.read_bytes())
    settings = Settings(database_url="", data_dir=data, _env_file=None)
    with session_scope(settings.store_url) as session:
        for shade in SHADES:
            target = io.BytesIO()
            Image.new("RGB", (400, 400), (shade, 0, 0)).save(target, "JPEG")
            save_photo(
                work_of(session, OPERATOR),
                folder=settings.photo_dir,
                photo_id=new_id(),
                photo=clean_photo(target.getvalue()),
            )
    return settings


def stored_hashes(settings: Settings) -> list[str]:
    with read_scope(settings.store_url) as session:
        return sorted(session.exec(select(Photo.sha256)))


def test_photos_come_back_as_they_were_and_what_was_lost_is_named(
    source: Settings, store_url: str, tmp_path: Path
) -> None:
    kept, gone, changed = stored_hashes(source)
    content = read_photo_file(source.photo_dir, kept)
    assert content is not None
    photo_path(source.photo_dir, gone).unlink()
    photo_path(source.photo_dir, changed).write_bytes(b"\xff\xd8 another picture")
    file = tmp_path / "photos.backup"
    written = create_backup(source, target=file, secret=None, actor=OPERATOR, now=NOW)
    assert set(written.missing_photos) == {gone, changed}
    assert check_backup(file, None).missing_photos == written.missing_photos

    target = Settings(database_url=store_url, data_dir=tmp_path / "target", _env_file=None)
    restore(target, source=file, actor=OPERATOR, now=NOW, secret=None)
    assert stored_hashes(target) == [kept, gone, changed]
    assert read_photo_file(target.photo_dir, kept) == content
    assert photo_path(target.photo_dir, kept).stat().st_mode & 0o077 == 0
    assert not photo_path(target.photo_dir, gone).exists()
    assert not photo_path(target.photo_dir, changed).exists()
    with read_scope(target.store_url) as session:
        row = session.exec(select(Photo).where(Photo.sha256 == kept)).one()
        assert load_photo(target.photo_dir, row).content == content
    dispose_engines()
