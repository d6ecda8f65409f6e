"""Photos from outside: checked by content, encoded anew as JPEG, stored and shown.

What is stored is never what was sent. Decoding proves that it is a picture; encoding anew leaves
behind everything that is none: EXIF with place, time and device, comments, embedded previews, and
whatever stands behind the end of the picture.
"""

import hashlib
import io
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any
from uuid import UUID

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from sqlalchemy import func, select

from survey.access.audit import actor_id
from survey.access.principal import AccessDeniedError, covers_whole_area
from survey.access.roles import Action
from survey.access.work import Work
from survey.compute.worker import Worker, WorkerLostError
from survey.locale import Message, SurveyError, msg
from survey.questionnaire.question_types import type_of
from survey.store.audit_events import AuditEvent
from survey.store.inserts import insert_if_new
from survey.store.private_files import read_photo_file, save_photo_file
from survey.store.tables import Photo, SamplingPoint, StudyUnit, VenueCheck, WaveState, table_of
from survey.waves.assignments import get_assigned_point
from survey.waves.instruments import load_instrument
from survey.waves.waves import WaveNotOpenError

MAX_PHOTO_BYTES = 12 << 20
MAX_SIDE_PIXELS = 12_000
MAX_PIXELS = {"JPEG": 40_000_000, "PNG": 20_000_000, "WEBP": 15_000_000}
"""By format; phones take 12 to 50 million, as JPEG. A JPEG is decoded at about the size that is
kept; of the others a decoded pixel takes four bytes, and WebP holds it three times."""
MAX_DECODING_BYTES, MAX_DECODING_SECONDS = 640 << 20, 20
"""Memory and time on a processor of the process that decodes a photo."""
MIN_SIDE_PIXELS = 40
MAX_CONCURRENT_PHOTOS = 2
"""Photos decoded at the same time in one server."""
KEPT_SIDE_PIXELS = 2_048
"""Longest side of what is stored."""
JPEG_QUALITY = 85
_SIGNATURES: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("JPEG", lambda head: head.startswith(b"\xff\xd8\xff")),
    ("PNG", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n")),
    ("WEBP", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
)
"""Types that are accepted, by their first bytes; names and declared types are not looked at."""
_DECODING = BoundedSemaphore(MAX_CONCURRENT_PHOTOS)
_HEAD_BYTES = 1_024
_MARKUP = (b"<script", b"<!doctype", b"<?php ", b"<html>", b"<iframe")
"""Beginnings of what a browser or a server could run; no photo holds them by chance."""
_MACHINE_CODE = (b"MZ\x90\x00", b"\x7fELF")


class PhotoRefusedError(SurveyError):
    """Raised when what was sent is no photo that is taken; nothing of it is kept."""

    code = "photo_refused"


@dataclass(frozen=True)
class PhotoOrigin:
    """Place and time that a photo says of itself; kept only where the questionnaire declares it."""

    latitude: float | None = None
    longitude: float | None = None
    taken_at: str = ""
    """Local time of the camera, as it writes it: `2026:11:26 18:30:00`."""


@dataclass(frozen=True)
class CleanPhoto:
    """Photo as it is stored, without anything that it brought along."""

    content: bytes
    width: int
    height: int
    origin: PhotoOrigin


def clean_photo(content: bytes, *, keeps_origin: bool = False) -> CleanPhoto:
    """Return the photo encoded anew; with `keeps_origin` also the place and time that it names.

    Raises:
        PhotoRefusedError: It is too large, no photo, damaged, or something else as well.
    """
    if not content:
        raise PhotoRefusedError(msg("The file is empty. Please take the photo again."))
    if len(content) > MAX_PHOTO_BYTES:
        raise PhotoRefusedError(
            msg(
                "The photo is larger than {limit} MB. Please take it with fewer pixels.",
                limit=MAX_PHOTO_BYTES >> 20,
            )
        )
    kind = _find_type(content)
    _refuse_mixtures(content)
    # In a process of its own: however small, a photo may take hundreds of megabytes, which a server
    # would never give back.
    limits = {"max_bytes": MAX_DECODING_BYTES, "max_seconds": MAX_DECODING_SECONDS}
    try:
        with _DECODING, Worker(**limits) as worker:
            photo: CleanPhoto = worker.apply(_clean_content, (content, kind, keeps_origin))
    except WorkerLostError as error:
        raise _build_damaged_error() from error
    return photo


def _clean_content(sent: tuple[bytes, str, bool]) -> CleanPhoto:
    content, kind, keeps_origin = sent
    try:
        with warnings.catch_warnings():
            # Sizes are checked below, before a pixel is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _decode_photo(content, kind, keeps_origin=keeps_origin)
    except Image.DecompressionBombError as error:
        raise _build_too_many_pixels_error(kind) from error
    except PhotoRefusedError:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, TypeError) as error:
        raise _build_damaged_error() from error
    except (MemoryError, IndexError, KeyError, OverflowError, ZeroDivisionError) as error:
        raise _build_damaged_error() from error


def _find_type(content: bytes) -> str:
    head = content[:_HEAD_BYTES]
    kind = next((name for name, fits in _SIGNATURES if fits(head)), None)
    if kind is None:
        raise PhotoRefusedError(_describe_wrong_type(head))
    return kind


def _describe_wrong_type(head: bytes) -> Message:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head.lower() or start.startswith(b"<?xml"):
        return msg("This is a drawing (SVG), no photo. Please take a photo.")
    if start.startswith(b"gif8"):
        return msg("This is a GIF, no photo. Please take a photo.")
    if b"ftypheic" in head or b"ftypheix" in head or b"ftypmif1" in head:
        return msg(
            "This photo is in the HEIC format. Please choose “most compatible” (JPEG) in the "
            "camera’s settings and take it again."
        )
    return msg("This file is no photo. Photos in the formats JPEG, PNG and WebP are taken.")


def _refuse_mixtures(content: bytes) -> None:
    """Refuse a picture that is something else as well: an archive, a document, a page, a program.

    Encoding anew would make it harmless; but whoever sends such a file does not send a photo.
    """
    lower = content.lower()
    mixed = (
        any(mark in lower for mark in _MARKUP)
        or b"%pdf-" in lower[:_HEAD_BYTES]
        or any(b"\xff\xd9" + mark in content for mark in _MACHINE_CODE)
    )
    with suppress(ValueError, OSError, OverflowError):
        mixed = mixed or zipfile.is_zipfile(io.BytesIO(content))
    if mixed:
        raise PhotoRefusedError(
            msg("This file is a photo and something else at once. Please take a photo anew.")
        )


def _build_too_many_pixels_error(kind: str) -> PhotoRefusedError:
    return PhotoRefusedError(
        msg(
            "The photo has more than {limit} million pixels. Please take it with fewer.",
            limit=MAX_PIXELS[kind] // 1_000_000,
        )
    )


def _build_damaged_error() -> PhotoRefusedError:
    return PhotoRefusedError(msg("The photo is damaged or incomplete. Please take it again."))


def _decode_photo(content: bytes, kind: str, *, keeps_origin: bool) -> CleanPhoto:
    with Image.open(io.BytesIO(content), formats=(kind,)) as picture:
        _require_size(picture, kind)
        # Of a JPEG with several pictures (MPO) the first is the photo; phones add its depth.
        if kind != "JPEG" and getattr(picture, "n_frames", 1) != 1:
            raise PhotoRefusedError(msg("This is an animation, no photo. Please take a photo."))
        origin = _read_origin(picture) if keeps_origin else PhotoOrigin()
        # A JPEG is decoded at about the size that is kept, which takes a fraction of the memory.
        picture.draft("RGB", (KEPT_SIDE_PIXELS, KEPT_SIDE_PIXELS))
        picture.load()
        # Made smaller before anything else is made of it: every step takes a copy.
        small = _with_plain_pixels(picture)
        small.thumbnail((KEPT_SIDE_PIXELS, KEPT_SIDE_PIXELS), Image.Resampling.LANCZOS)
        plain = _flatten_transparency(ImageOps.exif_transpose(small))
        # Pixels alone are carried over: no EXIF, no colour profile, no comment.
        bare = Image.new("RGB", plain.size)
        bare.paste(plain)
        target = io.BytesIO()
        bare.save(target, "JPEG", quality=JPEG_QUALITY, optimize=True)
        return CleanPhoto(target.getvalue(), bare.width, bare.height, origin)


def _require_size(picture: Image.Image, kind: str) -> None:
    """Refuse by the declared size, before anything is decoded."""
    width, height = picture.size
    if max(width, height) > MAX_SIDE_PIXELS or width * height > MAX_PIXELS[kind]:
        raise _build_too_many_pixels_error(kind)
    if min(width, height) < MIN_SIDE_PIXELS:
        raise PhotoRefusedError(
            msg("The photo is too small to show anything. Please take it again.")
        )


def _with_plain_pixels(picture: Image.Image) -> Image.Image:
    """Return the picture in RGB, or RGBA where it is transparent."""
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        return picture if picture.mode == "RGBA" else picture.convert("RGBA")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _flatten_transparency(picture: Image.Image) -> Image.Image:
    """Return the picture in RGB; what is transparent becomes white."""
    if picture.mode == "RGB":
        return picture
    white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, picture).convert("RGB")


def _read_origin(picture: Image.Image) -> PhotoOrigin:
    """Return place and time of the EXIF; what cannot be read is left out."""
    exif = picture.getexif()
    detail = exif.get_ifd(ExifTags.IFD.Exif)
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    taken = detail.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime) or ""
    return PhotoOrigin(
        _find_degrees(place, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, 90),
        _find_degrees(place, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, 180),
        taken.strip()[:19] if isinstance(taken, str) and taken.isprintable() else "",
    )


def _find_degrees(place: dict[int, Any], key: int, side_key: int, limit: int) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in place[key])
        side = str(place.get(side_key, ""))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if not 0 <= value <= limit:
        return None
    return round(-value if side in {"S", "W"} else value, 6)


MAX_PHOTOS_PER_VENUE = 60
"""Photos of one observer at one venue, so that nobody fills the disk."""
_PHOTOS, _POINTS, _CHECKS = table_of(Photo), table_of(SamplingPoint), table_of(VenueCheck)


class PhotoNotFoundError(SurveyError):
    """Raised when there is no such photo, or the principal may not know of it."""

    code = "photo_unknown"

    def __init__(self) -> None:
        super().__init__(msg("There is no such photo."))


@dataclass(frozen=True)
class StoredPhoto:
    """Photo with its content, as a reader gets it."""

    id: UUID
    content: bytes
    width: int
    height: int


def require_photo_question(work: Work, *, point_id: UUID, item_name: str) -> bool:
    """Return whether place and time are kept of a photo for this question at this venue.

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
    work: Work,
    *,
    folder: Path,
    photo_id: UUID,
    point_id: UUID,
    item_name: str,
    sent: bytes,
    photo: CleanPhoto,
) -> None:
    """Store a cleaned photo for a question at a venue; the same once more changes nothing."""
    require_photo_question(work, point_id=point_id, item_name=item_name)
    point = work.session.get(SamplingPoint, point_id)
    assert point is not None
    _require_room(work, point_id)
    save_photo(work, folder=folder, photo_id=photo_id, sent=sent, photo=photo, point_id=point_id)


def save_photo(
    work: Work,
    *,
    folder: Path,
    photo_id: UUID,
    sent: bytes,
    photo: CleanPhoto,
    point_id: UUID | None = None,
) -> None:
    """Store a cleaned photo; part of services that have decided who may.

    Raises:
        PhotoRefusedError: another photo was sent under this id before.
    """
    work.principal.require_changes_allowed()
    origin: PhotoOrigin = photo.origin
    row = {
        "id": photo_id,
        "sha256": save_photo_file(folder, photo.content),
        "sent_sha256": hashlib.sha256(sent).hexdigest(),
        "bytes": len(photo.content),
        "width": photo.width,
        "height": photo.height,
        "point_id": point_id,
        "sent_by": actor_id(work.principal),
        "received_at": work.now,
        "is_demo": work.principal.is_demo,
        **vars(origin),
    }
    if not insert_if_new(work.session.connection(), Photo, row):
        stored = work.session.get(Photo, photo_id)
        if stored is None or (stored.sent_sha256, stored.sent_by) != (
            row["sent_sha256"],
            row["sent_by"],
        ):
            raise PhotoRefusedError(msg("Another photo was sent before. Please take it again."))
        return
    work.record(
        AuditEvent.PHOTO_RECEIVED,
        photo_id,
        {
            "sha256": row["sha256"],
            "bytes": row["bytes"],
            "keeps_place": origin.latitude is not None,
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
    """Return a photo with its content; part of services that have decided who may.

    Raises:
        PhotoNotFoundError: its file is missing, or not what was stored.
    """
    content = read_photo_file(folder, photo.sha256)
    if content is None:
        raise PhotoNotFoundError
    return StoredPhoto(photo.id, content, photo.width, photo.height)
