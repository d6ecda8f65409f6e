"""Photos from outside: what is kept of them is a picture and nothing else; what is none is refused.

The hostile files are made here, byte by byte or with Pillow: none of them is a file of a stranger.
"""

import io
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, PngImagePlugin

from survey.compute import photo_cleaning
from survey.compute.photo_cleaning import (
    KEPT_SIDE_PIXELS,
    MAX_PHOTO_BYTES,
    PhotoRefusedError,
    clean_photo,
)
from survey.locale import translator

SECRET = b"Nikon of Zhang San"


def picture(width: int = 320, height: int = 240, mode: str = "RGB") -> Image.Image:
    return Image.radial_gradient("L").resize((width, height)).convert(mode)


def other_picture() -> Image.Image:
    return Image.linear_gradient("L").resize((60, 60)).convert("RGB")


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def with_exif(orientation: int = 1) -> bytes:
    image = picture(300, 200)
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = SECRET.decode()
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2026:11:26 09:30:00"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "N", 2: (39.0, 54.0, 15.0), 3: "E", 4: (116.0, 23.0, 30.0)}
    )
    return encoded(image, exif=exif, comment=b"note: " + SECRET)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_size(width: int, height: int, rows: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (png_chunk(b"IHDR", head), png_chunk(b"IDAT", zlib.compress(rows)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + png_chunk(b"IEND", b"")


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("run.js", "alert(1)")
    return target.getvalue()


def text_bomb() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("bomb", "A" * 8_000_000, zip=True)
    return encoded(picture(60, 60), "PNG", pnginfo=info)


SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
)
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "空的"),
    "text with the name of a photo": (lambda: b"I am a photo, believe me.jpg", "不是照片"),
    "program": (lambda: b"MZ\x90\x00" + bytes(400), "不是照片"),
    "drawing with a script": (lambda: SVG, "SVG"),
    "drawing without a head": (lambda: SVG.partition(b"?>")[2], "SVG"),
    "animation": (
        lambda: encoded(picture(60, 60), "GIF", save_all=True, append_images=[picture(60, 60)]),
        "GIF",
    ),
    "animation as WebP": (
        lambda: encoded(picture(60, 60), "WEBP", save_all=True, append_images=[other_picture()]),
        "动画",
    ),
    "animation as PNG": (
        lambda: encoded(picture(60, 60), "PNG", save_all=True, append_images=[other_picture()]),
        "动画",
    ),
    "photo of an iPhone": (lambda: b"\x00\x00\x00\x18ftypheic" + bytes(400), "HEIC"),
    "photo and archive": (lambda: encoded(picture()) + zipped(), "其他"),
    "photo and page": (lambda: encoded(picture()) + b"<SCRIPT>alert(1)</script>", "其他"),
    "page in the comment": (
        lambda: encoded(picture(), comment=b"<html><script>alert(1)</script>"),
        "其他",
    ),
    "server script in a PNG": (
        lambda: png_of_size(60, 60)[:-12] + png_chunk(b"tEXt", b"a\0<?php system(1)"),
        "其他",
    ),
    "photo and document": (lambda: encoded(picture(), comment=b"%PDF-1.7"), "其他"),
    "photo and program": (lambda: encoded(picture()) + b"\x7fELF" + bytes(99), "其他"),
    "half a photo": (lambda: encoded(picture(900, 900))[:2_000], "损坏"),
    "head of a photo": (lambda: b"\xff\xd8\xff\xe0" + bytes(40), "损坏"),
    "PNG with a broken checksum": (
        lambda: encoded(picture(), "PNG")[:60] + b"\0\0\0\0" + encoded(picture(), "PNG")[64:],
        "损坏",
    ),
    "huge dimensions, few bytes": (lambda: png_of_size(60_000, 60_000), "像素"),
    "one very long side": (lambda: png_of_size(60_000, 60), "像素"),
    "pixel bomb": (lambda: encoded(Image.new("1", (9_000, 9_000)), "PNG", optimize=True), "像素"),
    "no pixel at all": (lambda: png_of_size(0, 0), "损坏"),
    "a dot": (lambda: encoded(picture(8, 8)), "太小"),
    "text bomb": (text_bomb, "损坏"),
    "too many bytes": (lambda: encoded(picture()) + bytes(MAX_PHOTO_BYTES), "MB"),
}


def test_a_phone_that_keeps_a_second_picture_in_its_photo_is_no_animation() -> None:
    """Phones store depth or brightness beside the photo (MPO); the photo itself is kept."""
    two = encoded(picture(), "MPO", save_all=True, append_images=[other_picture()])
    with Image.open(io.BytesIO(two)) as sent:
        assert (sent.format, getattr(sent, "n_frames", 1)) == ("MPO", 2)
    clean = clean_photo(two)
    assert (clean.width, clean.height) == (320, 240)
    with Image.open(io.BytesIO(clean.content)) as kept:
        assert kept.format == "JPEG"
        assert getattr(kept, "n_frames", 1) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_words(name: str) -> None:
    make, words = HOSTILE[name]
    with pytest.raises(PhotoRefusedError) as refusal:
        clean_photo(make())
    text = translator("zh")(refusal.value.message)
    assert words in text
    assert text.endswith("。")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_photos_become_jpeg(kind: str, mode: str) -> None:
    photo = clean_photo(encoded(picture(mode=mode), kind))
    with Image.open(io.BytesIO(photo.content)) as stored:
        assert (stored.format, stored.mode, stored.size) == ("JPEG", "RGB", (320, 240))
    assert (photo.width, photo.height) == (320, 240)


def test_large_photos_are_made_smaller() -> None:
    photo = clean_photo(encoded(picture(5_000, 2_500)))
    assert (photo.width, photo.height) == (KEPT_SIDE_PIXELS, KEPT_SIDE_PIXELS // 2)


def test_what_is_transparent_becomes_white() -> None:
    photo = clean_photo(encoded(Image.new("RGBA", (60, 60), (0, 0, 0, 0)), "PNG"))
    with Image.open(io.BytesIO(photo.content)) as stored:
        assert min(stored.getpixel((30, 30))) > 250


def test_nothing_of_camera_place_and_comment_is_left() -> None:
    sent = with_exif()
    assert SECRET in sent
    photo = clean_photo(sent)
    assert SECRET not in photo.content
    with Image.open(io.BytesIO(photo.content)) as stored:
        assert not stored.getexif()
        assert not {"exif", "comment", "icc_profile", "xmp"} & stored.info.keys()
    assert vars(photo.origin) == {"latitude": None, "longitude": None, "taken_at": ""}


def test_place_and_time_are_read_where_they_are_declared_and_still_not_in_the_file() -> None:
    photo = clean_photo(with_exif(), keeps_origin=True)
    assert photo.origin.latitude == pytest.approx(39.904167)
    assert photo.origin.longitude == pytest.approx(116.391667)
    assert photo.origin.taken_at == "2026:11:26 09:30:00"
    with Image.open(io.BytesIO(photo.content)) as stored:
        assert not stored.getexif()


def test_photos_taken_sideways_stand_upright() -> None:
    photo = clean_photo(with_exif(orientation=6))
    assert (photo.width, photo.height) == (200, 300)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_photo_is_refused_or_cleaned_and_never_anything_else(data: st.DataObject) -> None:
    """Any byte of a small photo is exchanged, or its end cut off."""
    content = bytearray(
        encoded(picture(64, 64), data.draw(st.sampled_from(["JPEG", "PNG", "WEBP"])))
    )
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(1, len(content)))]
    try:
        photo = clean_photo(bytes(content), keeps_origin=True)
    except PhotoRefusedError:
        return
    with Image.open(io.BytesIO(photo.content)) as stored:
        stored.load()
        assert stored.format == "JPEG"


MEMORY_PROGRAM = """
import resource, sys
from survey.compute.photo_cleaning import PhotoRefusedError, clean_photo

def peak(who):
    return resource.getrusage(who).ru_maxrss // 1024

before = peak(resource.RUSAGE_SELF)
try:
    clean_photo(sys.stdin.buffer.read())
    said = "cleaned"
except PhotoRefusedError:
    said = "refused"
print(said, peak(resource.RUSAGE_SELF) - before, peak(resource.RUSAGE_CHILDREN))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "mode", "size", "said"),
    [
        ("WEBP", "RGBA", (7_999, 4_999), "refused"),
        ("WEBP", "RGBA", (5_000, 2_999), "cleaned"),
        ("PNG", "RGBA", (7_999, 4_999), "refused"),
        ("PNG", "P", (5_000, 3_999), "cleaned"),
        ("JPEG", "RGB", (7_999, 4_999), "cleaned"),
    ],
)
def test_a_photo_takes_little_of_the_server_and_gives_it_back(
    kind: str, mode: str, size: tuple[int, int], said: str
) -> None:
    """The picture is decoded beside the server, and there within the memory of the limit."""
    options = {"WEBP": {"lossless": True, "method": 0}, "JPEG": {"progressive": True}}.get(kind, {})
    colour = (9, 9, 9, 128)[: len(mode)] if mode.startswith("RGB") else 5
    transparent = {"transparency": 5} if mode == "P" else {}
    sent = encoded(Image.new(mode, size, colour), kind, **options, **transparent)
    run = subprocess.run(
        [sys.executable, "-c", MEMORY_PROGRAM], input=sent, capture_output=True, check=True
    )
    what, here, beside = run.stdout.decode().split()
    assert what == said
    assert int(here) < 60
    assert int(beside) < 400


def test_a_photo_that_takes_more_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = encoded(Image.new("RGB", (4_000, 4_000)), "PNG")
    assert clean_photo(sent).width == KEPT_SIDE_PIXELS
    monkeypatch.setattr(photo_cleaning, "MAX_DECODING_BYTES", 290 << 20)
    with pytest.raises(PhotoRefusedError):
        clean_photo(sent)
