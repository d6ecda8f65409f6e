"""Signed folders for tests: a few files, their manifest, a key and the list that is published."""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from survey.release.manifest import PublicationManifest, PublishedSnapshot, describe_file
from survey.release.signing_keys import SigningKey, new_key_line

AT = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)


def office_file(text: str) -> bytes:
    """An archive with two parts, as Word's and Excel's files are."""
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", text)
    return buffer.getvalue()


FILES = {
    "figures.csv": b"".join(b"%05d,80.1\r\n" % number for number in range(1000)),
    "reports/110000.docx": office_file("80.1"),
    "empty.csv": b"",
}


def manifest_of(files: Mapping[str, bytes], *, demo: bool = False) -> PublicationManifest:
    snapshot = PublishedSnapshot(sha256="0" * 64, seal_sha256="1" * 64, final=True, frozen_at=AT)
    return PublicationManifest(
        id="main-2026-1",
        demo=demo,
        title={"zh": "测评", "en": "Survey"},
        wave="main-2026",
        series="main",
        year=2026,
        snapshot=snapshot,
        software="0.1.0",
        instrument="main",
        tree="main",
        tree_sha256="2" * 64,
        composite="item_means",
        weights="raked",
        rules={"minimum_n": 10},
        shown="scores",
        embargo_until=AT,
        contact="Lin, 010-0000",
        prepared_at=AT,
        files=tuple(describe_file(path, data, "test") for path, data in files.items()),
    )


def new_signing_key() -> SigningKey:
    return SigningKey.parse(new_key_line())


def signed_files(
    key: SigningKey, files: Mapping[str, bytes] = FILES, *, demo: bool = False
) -> dict[str, bytes]:
    manifest = manifest_of(files, demo=demo).to_bytes()
    return {**files, "release.json": manifest, "release.sig": key.sign(manifest)}


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    for path, data in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return folder


def published_list(*keys: SigningKey, **changes: object) -> str:
    """The published list as text; `changes` are those of every key, or entries of the list."""
    lists = {name: changes.pop(name) for name in ("retracted", "corrected") if name in changes}
    entries = [{"public_key": b64encode(key.public_bytes).decode(), **changes} for key in keys]
    return json.dumps({"format": 1, "keys": entries, **lists})
