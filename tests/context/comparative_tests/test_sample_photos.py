"""Photos of samples: who sees them when, what is kept of them, and how one is withdrawn."""

import io
import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from PIL import Image

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import Role
from survey.access.work import Seen, Work
from survey.collection.photos.photo_storage import PhotoNotFoundError
from survey.collection.retention import clean_up_when_due
from survey.comparative_tests.plan import change_comparative_test
from survey.comparative_tests.product_samples import remove_product_samples
from survey.comparative_tests.reading import get_comparative_test
from survey.comparative_tests.released_grades import sign_comparative_test
from survey.comparative_tests.sample_photos import (
    MAX_PHOTOS_PER_SAMPLE,
    SIDE_PIXELS,
    attach_sample_photo,
    read_sample_photo,
    withdraw_sample_photo,
)
from survey.compute.photo_cleaning import CleanPhoto, clean_photo, shrink_photo
from survey.release.evidence_files import build_test_contents
from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import ComparativeTest, ComparativeTestState, now
from survey.store.tables.evidence import ComparativeTestPlan
from tests.context.comparative_tests.small_test import PLAN, START, RunningTest, employ, start
from tests.error_codes import raises_code
from tests.work_of import work_of

State = ComparativeTestState


@pytest.fixture(scope="module")
def photo() -> CleanPhoto:
    target, exif = io.BytesIO(), Image.Exif()
    exif[0x010F] = "Camera of Li"
    Image.effect_noise((1_600, 1_200), 40).convert("RGB").save(target, "JPEG", exif=exif)
    return clean_photo(target.getvalue())


def settings_of(test: RunningTest, folder: Path) -> Settings:
    return Settings(data_dir=folder, database_url=test.url)


def attach(test: RunningTest, person: Principal, folder: Path, photo: CleanPhoto) -> UUID:
    added = test.change(
        attach_sample_photo, person, folder=folder / "photos", sample="S01", photo=photo
    )
    assert isinstance(added, UUID)
    return added


def read(test: RunningTest, person: Principal, folder: Path, photo_id: UUID) -> bytes:
    with read_scope(test.url) as session:
        work = work_of(session, person, START)
        return read_sample_photo(work, folder=folder / "photos", photo_id=photo_id).content


def files_of(test: RunningTest, person: Principal, folder: Path) -> dict[str, tuple[str, bytes]]:
    with read_scope(test.url) as session:
        work = Work(session, person, START, settings_of(test, folder))
        return dict(build_test_contents(work, test.id).files)


def test_a_photo_is_small_and_of_those_who_run_the_test_until_it_is_released(
    store_url: str, tmp_path: Path, photo: CleanPhoto
) -> None:
    lin = employ(store_url, Role.NATIONAL_OFFICIAL)
    province = employ(store_url, Role.PROVINCE_OFFICIAL, "32")
    test = start(store_url, lin, State.PLANNED)
    plan = ComparativeTestPlan.of(PLAN, publishes_photos=True)
    test.change(change_comparative_test, lin, draft=plan)
    photo_id = attach(test, lin, tmp_path, photo)
    content = read(test, lin, tmp_path, photo_id)
    with Image.open(io.BytesIO(content)) as picture:
        assert max(picture.size) == SIDE_PIXELS
        assert not picture.getexif()
    assert b"Camera of Li" not in content
    for person in (province, employ(store_url, Role.CITY_OFFICIAL, "320500")):
        with pytest.raises(PhotoNotFoundError):
            read(test, person, tmp_path, photo_id)
    with pytest.raises(AccessDeniedError):
        read(test, employ(store_url, Role.SURVEYOR, "320500"), tmp_path, photo_id)
    with raises_code("comparative_test_unknown"):
        attach(test, province, tmp_path, photo)


def released(
    url: str, person: Principal, folder: Path, *photos: CleanPhoto, publishes: bool = True
) -> tuple[RunningTest, list[UUID]]:
    """Return a released test with photos of its first sample, published or not."""
    test = start(url, person, State.MAKERS_HEARD)
    with session_scope(url) as session:  # the service takes the plan only before the laboratory
        session.get_one(ComparativeTest, test.id).publishes_photos = publishes
    added = [attach(test, person, folder, each) for each in photos]
    test.change(sign_comparative_test, person, two_people=False)
    return test, added


@pytest.mark.parametrize("publishes", [True, False])
def test_every_reader_and_the_signed_files_have_it_only_if_the_plan_says_so(
    sqlite_url: str, tmp_path: Path, photo: CleanPhoto, *, publishes: bool
) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    city = employ(sqlite_url, Role.CITY_OFFICIAL, "320500")
    test, (photo_id,) = released(sqlite_url, lin, tmp_path, photo, publishes=publishes)
    with read_scope(sqlite_url) as session:
        seen = get_comparative_test(work_of(session, city, START), test_id=test.id)
    files = files_of(test, lin, tmp_path)
    named = [path for path in files if path.startswith("photos/")]
    if publishes:
        assert seen.samples[0].photos == (photo_id,)
        assert files["photos/S01-1.jpg"][1] == read(test, city, tmp_path, photo_id)
    else:
        assert seen.samples[0].photos == ()
        assert named == []
        with pytest.raises(PhotoNotFoundError):
            read(test, city, tmp_path, photo_id)
    with raises_code("comparative_test_not_allowed"):
        attach(test, lin, tmp_path, photo)


def test_a_withdrawn_photo_is_shown_nowhere_and_its_file_goes(
    sqlite_url: str, tmp_path: Path, photo: CleanPhoto
) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    city = employ(sqlite_url, Role.CITY_OFFICIAL, "320500")
    other = shrink_photo(photo.content, 600)
    test, (first, second) = released(sqlite_url, lin, tmp_path, photo, other)
    with raises_code("comparative_test_not_allowed"):
        test.change(withdraw_sample_photo, lin, photo_id=first, reason="")
    with pytest.raises(PhotoNotFoundError):
        test.change(withdraw_sample_photo, lin, photo_id=uuid4(), reason="A person is on it")
    with pytest.raises(AccessDeniedError):
        test.change(withdraw_sample_photo, city, photo_id=first, reason="A person is on it")
    old = (now() - timedelta(days=3)).timestamp()
    for file in (tmp_path / "photos").rglob("*.jpg"):
        os.utime(file, (old, old))
    kept = read(test, city, tmp_path, second)
    test.change(withdraw_sample_photo, lin, photo_id=first, reason="A person is on it")
    with pytest.raises(PhotoNotFoundError):
        read(test, lin, tmp_path, first)
    files = files_of(test, lin, tmp_path)
    assert [path for path in files if path.startswith("photos/")] == ["photos/S01-1.jpg"]
    clean_up_when_due(settings_of(test, tmp_path))
    (left,) = (tmp_path / "photos").rglob("*.jpg")
    assert left.read_bytes() == kept, "a row names it"


def test_a_sample_has_few_photos_and_takes_them_with_it(
    sqlite_url: str, tmp_path: Path, photo: CleanPhoto
) -> None:
    lin = employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    test = start(sqlite_url, lin, State.PLANNED)
    photos = [attach(test, lin, tmp_path, photo) for _ in range(MAX_PHOTOS_PER_SAMPLE)]
    with raises_code("comparative_test_not_allowed", match="at most 3"):
        attach(test, lin, tmp_path, photo)
    with raises_code("sample_unknown"):
        test.change(attach_sample_photo, lin, folder=tmp_path / "photos", sample="S99", photo=photo)
    with raises_code("comparative_test_changed"):
        test.change(
            attach_sample_photo, lin, folder=tmp_path, sample="S02", photo=photo,
            seen=Seen(test.id, 0),
        )  # fmt: skip
    test.change(remove_product_samples, lin)
    with pytest.raises(PhotoNotFoundError):
        read(test, lin, tmp_path, photos[0])
