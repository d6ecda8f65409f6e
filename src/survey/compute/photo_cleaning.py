"""Photos and pictures from outside: checked by content, encoded anew as JPEG in another process.

What is stored is never what was sent. Decoding proves that it is a picture; encoding anew leaves
behind everything that is none: EXIF with place, time and device, comments, embedded previews, and
whatever stands behind the end of the picture. The process imports this module for every photo, so
it knows neither store nor services.
"""

import hashlib
import io
import re
import warnings
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import BoundedSemaphore
from typing import Any, TypeVar

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from survey.compute.worker import Worker, WorkerLostError
from survey.locale import Message, SurveyError, msg

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
PICTURE_SIDES_PIXELS = (1_280, 960, 640)
"""Longest side of a picture of a questionnaire; the next one where it would take too many bytes."""
MAX_PICTURE_BYTES = 300 << 10
"""Size of a picture of a questionnaire as it is kept; a phone loads it on a slow network."""
JPEG_QUALITY = 85
_SIGNATURES: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("JPEG", lambda head: head.startswith(b"\xff\xd8\xff")),
    ("PNG", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n")),
    ("WEBP", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
)
"""Types that are accepted, by their first bytes; names and declared types are not looked at."""
Part = TypeVar("Part")
Result = TypeVar("Result")
_DECODING = BoundedSemaphore(MAX_CONCURRENT_PHOTOS)
_HEAD_BYTES = 1_024
_MARKUP = (b"<script", b"<!doctype", b"<?php ", b"<html>", b"<iframe")
"""Beginnings of what a browser or a server could run; no photo holds them by chance."""
_MACHINE_CODE = (b"MZ\x90\x00", b"\x7fELF")


class PhotoRefusedError(SurveyError):
    """Raised when a file is not accepted as a photo; nothing of it is kept."""

    code = "photo_refused"


@dataclass(frozen=True)
class PhotoOrigin:
    """Place and time in a photo's EXIF data; kept only where the questionnaire declares it."""

    latitude: float | None = None
    longitude: float | None = None
    taken_at: str = ""
    """Local time of the camera, as it writes it: `2026:11:26 18:30:00`."""


@dataclass(frozen=True)
class CleanPhoto:
    """Photo encoded anew as JPEG, its size in pixels, and what is kept of its EXIF data."""

    content: bytes
    width: int
    height: int
    origin: PhotoOrigin
    sent_sha256: str
    """Of what was sent, by which the same photo is recognised when it arrives again."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the content that is kept."""
        return hashlib.sha256(self.content).hexdigest()


def clean_photo(content: bytes, *, keeps_origin: bool = False) -> CleanPhoto:
    """Return the photo encoded anew; with `keeps_origin` also the place and time that it names.

    Raises:
        PhotoRefusedError: It is too large, no photo, damaged, or something else as well.
    """
    kind = _find_kind(content)
    decode = partial(_decode_photo, kind=kind, keeps_origin=keeps_origin)
    return _apply_in_worker(partial(_refuse_damaged, decode), content)


def clean_pictures(contents: Sequence[bytes]) -> list[CleanPhoto | None]:
    """Return pictures of a questionnaire encoded anew, of at most `MAX_PICTURE_BYTES` each.

    None stands for what is no picture, damaged, too large, or something else as well. A JPEG that
    holds nothing but pixels is kept as it is, so that what was exported is the same when it is read
    again.
    """
    if not contents:
        return []
    try:
        return _apply_in_worker(_decode_pictures, contents)
    except PhotoRefusedError:  # one of them took the process down
        if len(contents) == 1:
            return [None]
    return [photo for content in contents for photo in clean_pictures([content])]


def shrink_photo(content: bytes, side: int) -> CleanPhoto:
    """Return a photo that was cleaned before, encoded anew with no side longer than `side` pixels.

    Raises:
        PhotoRefusedError: it is damaged.
    """
    return _refuse_damaged(partial(_shrink, side=side), content)


def _shrink(content: bytes, *, side: int) -> CleanPhoto:
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
        bare = _copy_pixels(picture, "JPEG", side)
    return _build_photo(bare, _encode(bare), content)


def _find_kind(content: bytes) -> str:
    """Return the format of a photo by its first bytes; raise `PhotoRefusedError` if it is none."""
    if not content:
        raise PhotoRefusedError(msg("The file is empty. Please take the photo again."))
    if len(content) > MAX_PHOTO_BYTES:
        raise PhotoRefusedError(
            msg(
                "The photo is larger than {limit} MB. Please take it with fewer pixels.",
                limit=MAX_PHOTO_BYTES >> 20,
            )
        )
    head = content[:_HEAD_BYTES]
    kind = next((name for name, fits in _SIGNATURES if fits(head)), None)
    if kind is None:
        raise PhotoRefusedError(_describe_wrong_type(head))
    _refuse_mixtures(content)
    return kind


def _apply_in_worker(function: Callable[[Part], Result], part: Part) -> Result:
    # In a process of its own: however small, a photo may take hundreds of megabytes, which a server
    # would never give back.
    limits = {"max_bytes": MAX_DECODING_BYTES, "max_seconds": MAX_DECODING_SECONDS}
    try:
        with _DECODING, Worker(**limits) as worker:
            result: Result = worker.apply(function, part)
    except WorkerLostError as error:
        raise _build_damaged_error() from error
    return result


def _refuse_damaged(decode: Callable[[bytes], CleanPhoto], content: bytes) -> CleanPhoto:
    try:
        with warnings.catch_warnings():
            # Sizes are checked below, before a pixel is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return decode(content)
    except Image.DecompressionBombError as error:
        raise _build_too_many_pixels_error(max(MAX_PIXELS, key=MAX_PIXELS.__getitem__)) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, TypeError) as error:
        raise _build_damaged_error() from error
    except (MemoryError, IndexError, KeyError, OverflowError, ZeroDivisionError) as error:
        raise _build_damaged_error() from error


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


def _decode_photo(content: bytes, *, kind: str, keeps_origin: bool) -> CleanPhoto:
    with Image.open(io.BytesIO(content), formats=(kind,)) as picture:
        if min(picture.size) < MIN_SIDE_PIXELS:
            raise PhotoRefusedError(
                msg("The photo is too small to show anything. Please take it again.")
            )
        origin = _read_origin(picture) if keeps_origin else PhotoOrigin()
        bare = _copy_pixels(picture, kind, KEPT_SIDE_PIXELS)
    return _build_photo(bare, _encode(bare), content, origin)


def _decode_pictures(contents: Sequence[bytes]) -> list[CleanPhoto | None]:
    photos: list[CleanPhoto | None] = []
    for content in contents:
        try:
            decode = partial(_decode_picture, kind=_find_kind(content))
            photos.append(_refuse_damaged(decode, content))
        except PhotoRefusedError:
            photos.append(None)
    return photos


def _decode_picture(content: bytes, *, kind: str) -> CleanPhoto:
    largest = PICTURE_SIDES_PIXELS[0]
    with Image.open(io.BytesIO(content), formats=(kind,)) as picture:
        is_kept = kind == "JPEG" and max(picture.size) <= largest and _is_bare_jpeg(content)
        bare = _copy_pixels(picture, kind, largest)
    if is_kept and len(content) <= MAX_PICTURE_BYTES:
        return _build_photo(bare, content, content)
    for side in PICTURE_SIDES_PIXELS:
        bare.thumbnail((side, side), Image.Resampling.LANCZOS)
        encoded = _encode(bare)
        if len(encoded) <= MAX_PICTURE_BYTES:
            return _build_photo(bare, encoded, content)
    raise _build_too_many_pixels_error(kind)


def _build_photo(
    bare: Image.Image, encoded: bytes, sent: bytes, origin: PhotoOrigin = PhotoOrigin()
) -> CleanPhoto:
    return CleanPhoto(encoded, bare.width, bare.height, origin, hashlib.sha256(sent).hexdigest())


def _copy_pixels(picture: Image.Image, kind: str, side: int) -> Image.Image:
    """Return the pixels alone, upright, on white, with no side longer than `side`."""
    width, height = picture.size
    if max(width, height) > MAX_SIDE_PIXELS or width * height > MAX_PIXELS[kind]:
        raise _build_too_many_pixels_error(kind)
    # Of a JPEG with several pictures (MPO) the first is the photo; phones add its depth.
    if kind != "JPEG" and getattr(picture, "n_frames", 1) != 1:
        raise PhotoRefusedError(msg("This is an animation, no photo. Please take a photo."))
    # A JPEG is decoded at about the size that is kept, which takes a fraction of the memory.
    picture.draft("RGB", (side, side))
    picture.load()
    # Made smaller before anything else is made of it: every step takes a copy.
    small = _with_plain_pixels(picture)
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    plain = _flatten_transparency(ImageOps.exif_transpose(small))
    # Pixels alone are carried over: no EXIF, no colour profile, no comment.
    bare = Image.new("RGB", plain.size)
    bare.paste(plain)
    return bare


def _encode(bare: Image.Image) -> bytes:
    target = io.BytesIO()
    bare.save(target, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return target.getvalue()


_SCAN, _END, _JFIF = 0xDA, 0xD9, 0xE0
_SEGMENT_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _is_bare_jpeg(content: bytes) -> bool:
    """Return whether a JPEG has segments of pixels alone: no EXIF, comment, preview or trailer."""
    at = 2
    while content[at] == 0xFF:
        marker, size = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if marker == _END:
            return at + 2 == len(content)
        is_plain_header = marker == _JFIF and size == 16  # longer with a preview in it
        if (0xE0 <= marker <= 0xEF and not is_plain_header) or marker == 0xFE:
            return False
        at += 2 + size
        if marker == _SCAN:
            found = _SEGMENT_AFTER_SCAN.search(content, at)
            at = found.start() if found else len(content)
    return False


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
