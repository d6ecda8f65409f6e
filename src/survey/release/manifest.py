"""Manifest of a publication (`release.json`): what was published, and the hash of each file."""

import hashlib
import zipfile
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict

from survey.release.figures import ErrataSummary

MIN_BLOCK_BYTES, MAX_BLOCKS = 1024, 256
BLOCK_DIGITS = 16
"""Hexadecimal digits of a block's hash: it names the bytes that differ, the whole hash decides."""
_OFFICE_SUFFIXES = (".docx", ".xlsx", ".pptx")


class PublishedFile(BaseModel):
    """Entry of a file in the manifest: size, hash, and hashes of blocks to locate a change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    builder: str
    """Which builder made it, see `file_builders`."""
    size: int
    sha256: str
    block_size: int
    blocks: tuple[str, ...]
    parts: dict[str, str] = {}
    """SHA-256 of each part of an Office file."""


class PublishedSnapshot(BaseModel):
    """Frozen snapshot that all figures of a release were computed from, named by its hashes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    """Of the frozen responses."""
    seal_sha256: str
    """One hash for all files of the snapshot; empty for one without seals."""
    final: bool
    frozen_at: datetime


class EarlierWave(BaseModel):
    """Earlier wave of the series that a release compares with, and hashes of its snapshot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wave: str
    snapshot_sha256: str
    seal_sha256: str = ""
    """One hash for all files of its snapshot: the same responses frozen again have another one.
    Empty in manifests from before it was kept, and for a snapshot without seals."""


class SignedManifest(BaseModel):
    """What every `release.json` names; the signature covers its exact bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_bytes(self) -> bytes:
        """Return the bytes that are signed: keys in order, times in UTC."""
        option = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(self.model_dump(mode="json"), option=option)


class EvidenceManifest(SignedManifest):
    """Contents of `release.json` of a check, a test or a named trader."""

    format: Literal[1] = 1
    id: str
    kind: Literal["experience_check", "comparative_test", "trader"]
    key: str
    """Of the check or test."""
    area: str
    demo: bool
    title: dict[str, str]
    released_at: datetime
    software: str
    corrects: str | None = None
    """Id of the edition that this one replaces."""
    prepared_at: datetime
    files: tuple[PublishedFile, ...]


class PublicationManifest(SignedManifest):
    """Contents of `release.json` of a wave."""

    format: Literal[1] = 1
    id: str
    demo: bool
    title: dict[str, str]
    wave: str
    series: str
    year: int
    snapshot: PublishedSnapshot
    software: str
    instrument: str
    tree: str | None
    tree_sha256: str | None
    composite: str
    weights: str
    rules: dict[str, Any]
    """Thresholds of the disclosure gate and levels of the tests that the figures passed."""
    fieldwork: dict[str, Any] | None = None
    """Modes, response and cooperation rate, rejections; none where a snapshot has no record."""
    shown: str
    """What readers of other areas see of a city: `scores`, `names` or `nothing`."""
    first_places: int | None = None
    public: bool = False
    """Whether strangers may see it: on the public site, without an account."""
    embargo_until: datetime
    contact: str
    issuer: str = ""
    """Who publishes; empty: as the settings of the time said."""
    approved: tuple[str, ...] = ()
    """Approved list of its files: kinds, languages and formats; empty before it was kept here."""
    earlier: tuple[EarlierWave, ...] = ()
    """Earlier waves that its reports compare with."""
    corrects: str | None = None
    """Id of the publication that this one replaces."""
    reason: str = ""
    """Why it was corrected."""
    errata: ErrataSummary | None = None
    """What it changes of the release before; none where there is none before, and of manifests from
    before it was kept here."""
    prepared_at: datetime
    files: tuple[PublishedFile, ...]


def describe_file(path: str, data: bytes, builder: str) -> PublishedFile:
    """Return a file's entry in the manifest: size, hash, hashes of blocks and Office parts."""
    block_size = MIN_BLOCK_BYTES
    while block_size * MAX_BLOCKS < len(data):
        block_size *= 2
    blocks = (data[start : start + block_size] for start in range(0, len(data), block_size))
    return PublishedFile(
        path=path,
        builder=builder,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        block_size=block_size,
        blocks=tuple(hashlib.sha256(block).hexdigest()[:BLOCK_DIGITS] for block in blocks),
        parts=_hash_parts(data) if path.endswith(_OFFICE_SUFFIXES) else {},
    )


def _hash_parts(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        names = archive.namelist()
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in names}


def zip_files(files: Mapping[str, bytes], at: datetime) -> bytes:
    """Return a ZIP archive, byte for byte the same for the same files and time."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path, data in sorted(files.items()):
            info = zipfile.ZipInfo(path, (at.year, at.month, at.day, at.hour, at.minute, 0))
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            info.create_system = 3  # also where this runs on Windows
            archive.writestr(info, data)
    return buffer.getvalue()
