"""Storage of cleaned photos: who may send one where, what is stored of it, and who may see it.

A photo is cleaned before a transaction begins, and nothing of a refused one is kept. The same id
twice is one photo; with another content it is refused.
"""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select

from survey.access.audit import actor_id
from survey.access.principal import AccessDeniedError, covers_whole_area
from survey.access.roles import Action
from survey.access.work import Work
from survey.compute.photo_cleaning import CleanPhoto, PhotoRefusedError
from survey.locale import SurveyError, msg
from survey.questionnaire.question_types import type_of
from survey.store.audit_events import AuditEvent
from survey.store.inserts import insert_if_new
from survey.store.private_files import read_photo_file, save_photo_file
from survey.store.tables import Photo, SamplingPoint, StudyUnit, VenueCheck, WaveState, table_of
from survey.waves.assignments import get_assigned_point
from survey.waves.instruments import load_instrument
from survey.waves.waves import WaveNotOpenError

MAX_PHOTOS_PER_VENUE = 60
"""Photos of one observer at one venue, so that nobody fills the disk."""
_PHOTOS, _POINTS, _CHECKS = table_of(Photo), table_of(SamplingPoint), table_of(VenueCheck)


class PhotoNotFoundError(SurveyError):
    """Raised when there is no such photo, or the principal may not know of it."""

    code = "photo_unknown"
    message = msg("There is no such photo.")


@dataclass(frozen=True)
class StoredPhoto:
    """Stored photo with its JPEG content and its size in pixels."""

    id: UUID
    content: bytes
    width: int
    height: int


def require_photo_question(work: Work, *, point_id: UUID, item_name: str) -> bool:
    """Raise unless a photo may be added to a question; return whether its place is kept.

    Raises:
        AccessDeniedError: the venue is not assigned to the principal, or the question asks for no
            photo.
        WaveNotOpenError: the check takes no visits now.
    """
    point = get_assigned_point(work, point_id=point_id)
    instrument = load_instrument(session=work.session, instrument_id=point.instrument_id)
    item = instrument.by_name.get(item_name)
    if point.unit is not StudyUnit.VENUE or item is None or not type_of(item).is_photo:
        raise AccessDeniedError(msg("No photo is asked for here."))
    if point.wave_state != WaveState.OPEN:
        raise WaveNotOpenError
    return item.keeps_place


def save_visit_photo(
    work: Work, *, folder: Path, photo_id: UUID, point_id: UUID, item_name: str, photo: CleanPhoto
) -> None:
    """Store a cleaned photo for a question at a venue; the same once more changes nothing."""
    require_photo_question(work, point_id=point_id, item_name=item_name)
    _require_room(work, point_id)
    save_photo(work, folder=folder, photo_id=photo_id, photo=photo, point_id=point_id)


def save_photo(
    work: Work, *, folder: Path, photo_id: UUID, photo: CleanPhoto, point_id: UUID | None = None
) -> None:
    """Store and record a cleaned photo; the calling service has checked who may.

    Raises:
        PhotoRefusedError: another photo was sent under this id before.
    """
    work.principal.require_changes_allowed()
    row = {
        "id": photo_id,
        "sha256": save_photo_file(folder, photo.content),
        "sent_sha256": photo.sent_sha256,
        "bytes": len(photo.content),
        "width": photo.width,
        "height": photo.height,
        "point_id": point_id,
        "sent_by": actor_id(work.principal),
        "received_at": work.now,
        "is_demo": work.principal.is_demo,
        **vars(photo.origin),
    }
    if not insert_if_new(work.session.connection(), Photo, row):
        stored = work.session.get(Photo, photo_id)
        before = (stored.sent_sha256, stored.sent_by) if stored else None
        if before != (photo.sent_sha256, row["sent_by"]):
            raise PhotoRefusedError(msg("Another photo was sent before. Please take it again."))
        return
    work.record(
        AuditEvent.PHOTO_RECEIVED,
        photo_id,
        {
            "sha256": row["sha256"],
            "bytes": row["bytes"],
            "keeps_place": photo.origin.latitude is not None,
            **({"point": str(point_id)} if point_id else {}),
        },
    )


def _require_room(work: Work, point_id: UUID) -> None:
    query = (
        select(func.count())
        .select_from(_PHOTOS)
        .where(_PHOTOS.c.point_id == point_id, _PHOTOS.c.sent_by == work.principal.account_id)
    )
    if work.session.connection().execute(query).scalar_one() >= MAX_PHOTOS_PER_VENUE:
        raise PhotoRefusedError(
            msg("{count} photos of this venue have arrived; no more are taken.",
                count=MAX_PHOTOS_PER_VENUE)
        )  # fmt: skip


def read_visit_photo(work: Work, *, folder: Path, photo_id: UUID) -> StoredPhoto:
    """Return a photo of a visit to those who review in its city or run its check.

    Observers see none, not even their own: what arrived is evidence.

    Raises:
        AccessDeniedError: The role sees no photos.
        PhotoNotFoundError: There is none, its file is damaged, or it is not for the principal.
    """
    if not (work.principal.may(Action.REVIEW) or work.principal.may(Action.MANAGE_VENUE_CHECKS)):
        raise AccessDeniedError(msg("Your role does not include this."))
    # Nothing of the photo, its venue or its check is read before it is known who asks.
    query = (
        select(_POINTS.c.city_code, _CHECKS.c.area, _PHOTOS.c.is_demo)
        .join(_POINTS, _POINTS.c.id == _PHOTOS.c.point_id)
        .outerjoin(_CHECKS, _CHECKS.c.wave_id == _POINTS.c.wave_id)
        .where(_PHOTOS.c.id == photo_id, _PHOTOS.c.response_id.is_not(None))
    )
    found = work.session.connection().execute(query).one_or_none()
    if found is None or (work.principal.is_demo and not found.is_demo):
        raise PhotoNotFoundError
    reviews = work.principal.may(Action.REVIEW) and work.principal.covers(found.city_code)
    runs = (
        found.area is not None
        and work.principal.may(Action.MANAGE_VENUE_CHECKS)
        and covers_whole_area(work.principal, found.area)
    )
    if not (reviews or runs):
        raise PhotoNotFoundError
    return load_photo(folder, work.session.get_one(Photo, photo_id))


def load_photo(folder: Path, photo: Photo) -> StoredPhoto:
    """Return a photo with its file's content; the calling service has checked who may.

    Raises:
        PhotoNotFoundError: its file is missing, or not what was stored.
    """
    content = read_photo_file(folder, photo.sha256)
    if content is None:
        raise PhotoNotFoundError
    return StoredPhoto(photo.id, content, photo.width, photo.height)
