"""Photos of samples: attached by those who run a test, and shown as its plan declares.

A photo is encoded anew and small, so that nothing of the camera is left in it. What is withdrawn is
shown nowhere from that moment on, and its file is deleted with the expired data.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from sqlmodel import Session, and_, col, func, or_, select

from survey.access.audit import actor_id
from survey.access.roles import Action
from survey.access.work import Seen, Work
from survey.collection.photos.photo_storage import PhotoNotFoundError, StoredPhoto
from survey.comparative_tests.access import REASON, TESTS
from survey.compute.photo_cleaning import CleanPhoto, shrink_photo
from survey.locale import NotFoundError, msg
from survey.store.audit_events import AuditEvent
from survey.store.private_files import read_photo_file, save_photo_file
from survey.store.tables import (
    ComparativeTest,
    ComparativeTestState,
    ProductSample,
    SamplePhoto,
    new_id,
)

MAX_PHOTOS_PER_SAMPLE = 3
SIDE_PIXELS = 1_280
"""Longest side of what is kept: a signed file may hold the photos of two hundred samples."""
_BEFORE_RELEASE = tuple(
    state for state in ComparativeTestState if state is not ComparativeTestState.RELEASED
)


def attach_sample_photo(
    work: Work, seen: Seen, *, folder: Path, sample: str, photo: CleanPhoto
) -> UUID:
    """Attach a cleaned photo to a sample of test `seen` that is not released; return its id.

    Raises:
        NotFoundError: there is no such sample.
        RefusedError: the test is released, or the sample has all the photos it may have.
    """
    test = work.lock(TESTS, seen, _BEFORE_RELEASE)
    query = select(ProductSample).where(
        ProductSample.test_id == test.id, ProductSample.code == sample
    )
    row = work.session.exec(query).one_or_none()
    if row is None:
        raise NotFoundError("sample_unknown", msg("The test has no sample of this number."))
    counted = select(func.count()).where(col(SamplePhoto.sample_id) == row.id)
    if work.session.exec(counted).one() >= MAX_PHOTOS_PER_SAMPLE:
        raise TESTS.refuse(msg("A sample has at most {count} photos.", count=MAX_PHOTOS_PER_SAMPLE))
    small = shrink_photo(photo.content, SIDE_PIXELS)
    kept = SamplePhoto(
        id=new_id(),
        sample_id=row.id,
        sha256=save_photo_file(folder, small.content),
        width=small.width,
        height=small.height,
        added_by=actor_id(work.principal),
        added_at=work.now,
    )
    work.session.add(kept)
    work.save(TESTS, test, AuditEvent.PRODUCT_TEST_PHOTO_ADDED, sample=sample, sha256=kept.sha256)
    return kept.id


def withdraw_sample_photo(work: Work, seen: Seen, *, photo_id: UUID, reason: str) -> None:
    """Withdraw a photo of test `seen`, released or not, for good; one person is enough.

    Signed files that hold it stay what was signed: a further edition is signed without it.

    Raises:
        PhotoNotFoundError: the test has no such photo.
        RefusedError: no reason is given.
    """
    test = work.lock(TESTS, seen, tuple(ComparativeTestState))
    query = (
        select(SamplePhoto, ProductSample.code)
        .join(ProductSample, col(ProductSample.id) == col(SamplePhoto.sample_id))
        .where(SamplePhoto.id == photo_id, ProductSample.test_id == test.id)
    )
    found = work.session.exec(query).one_or_none()
    if found is None:
        raise PhotoNotFoundError
    photo, sample = found
    words = work.require_text(TESTS, reason, REASON)
    detail = {"sample": sample, "sha256": photo.sha256, "reason": words}
    work.session.delete(photo)
    work.save(TESTS, test, AuditEvent.PRODUCT_TEST_PHOTO_WITHDRAWN, **detail)


def delete_sample_photos(session: Session, samples: Sequence[UUID]) -> None:
    """Delete the photos of samples that are removed; the caller has checked the right."""
    for photo in session.exec(select(SamplePhoto).where(col(SamplePhoto.sample_id).in_(samples))):
        session.delete(photo)
    session.flush()


def list_photo_ids(session: Session, samples: Sequence[UUID]) -> Mapping[UUID, tuple[UUID, ...]]:
    """Return sample -> its photos in the order they came; the caller has checked the right."""
    query = (
        select(SamplePhoto)
        .where(col(SamplePhoto.sample_id).in_(samples))
        .order_by(col(SamplePhoto.added_at), col(SamplePhoto.id))
    )
    photos: dict[UUID, tuple[UUID, ...]] = {}
    for each in session.exec(query):
        photos[each.sample_id] = (*photos.get(each.sample_id, ()), each.id)
    return photos


def read_sample_photo(work: Work, *, folder: Path, photo_id: UUID) -> StoredPhoto:
    """Return a photo of a sample, to whoever may see it.

    Those who run the test see it from the beginning, every reader of results once the test is
    released and its plan says that photos are published.

    Raises:
        AccessDeniedError: the role reads no results.
        PhotoNotFoundError: there is none, its file is damaged, or it is not for the principal.
    """
    work.require(Action.READ_RESULTS)
    published = and_(
        TESTS.is_readable(work.principal),
        col(ComparativeTest.state) == ComparativeTestState.RELEASED,
        col(ComparativeTest.publishes_photos),
    )
    allowed = (
        or_(published, TESTS.is_own(work.principal))
        if work.principal.may(TESTS.keeping)
        else published
    )
    query = (
        select(SamplePhoto)
        .join(ProductSample, col(ProductSample.id) == col(SamplePhoto.sample_id))
        .join(ComparativeTest, col(ComparativeTest.id) == col(ProductSample.test_id))
        .where(SamplePhoto.id == photo_id, allowed)
    )
    photo = work.session.exec(query).one_or_none()
    content = None if photo is None else read_photo_file(folder, photo.sha256)
    if photo is None or content is None:
        raise PhotoNotFoundError
    return StoredPhoto(photo.id, content, photo.width, photo.height)
