#!/usr/bin/env python3
"""Check of a signed release, or of one file of it, without a network; ships in every release.

Needs Python 3.9 or newer and nothing else:

    python3 verify.py --keys release-keys.json release.zip
    python3 verify.py --keys release-keys.json --log log.zip release.zip

Take this script and the list of keys from the association's own site (`/verify.py` and
`/release-keys.json` of its survey server, by https), never from the release or from whoever passed
it on: a forger ships a script that praises his keys. Compare the fingerprint of the key that it
prints with the one that the association has printed elsewhere.
Exit code 0: genuine. 1: not genuine, and what differs is named. 2: wrong usage.

It is one long file, and imports none of ours, because strangers run it alone, and may want to read
first, to the last line, what they run. What it opens may have been made to harm: nothing is read
without a bound, followed, waited for, unpacked to disk, or printed as a terminal would obey it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import os
import re
import stat
import struct
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

MANIFEST, SIGNATURE, TIME_STAMP = "release.json", "release.sig", "release.tsr"
COMPANIONS = {MANIFEST, SIGNATURE, TIME_STAMP}
MAX_MANIFEST_BYTES, MAX_SIGNATURE_BYTES, MAX_TIME_STAMP_BYTES = 50_000_000, 10_000, 100_000
MAX_OFFICE_BYTES, MAX_UNPACKED_BYTES = 50_000_000, 300_000_000
CHECKPOINT, WITNESSED, ENTRIES = "checkpoint", "witnessed", "tile/entries"
"""Files of a transparency log: signed state, such states that witnesses have signed, entries."""
TILE_WIDTH, MAX_ENTRY_BYTES = 256, 65_535
MAX_NOTE_BYTES, MAX_LOG_BYTES, _MAX_WITNESSED = 200_000, 100_000_000, 100
MAX_DIRECTORY_BYTES = 4_000_000
"""List of the files in an archive; that of a release with every report takes a tenth of a MB."""
MAX_FOLDERS_UP = 6
_CHUNK_BYTES = 1 << 20
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NOT_PLAIN = "链接、设备或特权文件 / a link, a device, or a file that runs with another's rights"
_TOO_LARGE = "过大 / too large"
_TOO_SHORT = "不完整 / not whole"
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
"""What follows a time stamp's status begins so (RFC 5652)."""
_PACKED_ODDLY = "压缩方式不明 / packed in another way"

# Ed25519 (RFC 8032, section 6), verification only: nothing in it is secret, so nothing has to take
# the same time for every input.
_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]


def _find_x(y: int, sign: int) -> int | None:
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    if square == 0:
        return None if sign else 0
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P:
        return None
    return _P - x if x & 1 != sign else x


def _add_points(p: _Point, q: _Point) -> _Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _multiply_point(factor: int, p: _Point) -> _Point:
    result: _Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            result = _add_points(result, p)
        p, factor = _add_points(p, p), factor >> 1
    return result


def _parse_point(data: bytes) -> _Point | None:
    number = int.from_bytes(data, "little")
    y = number & ((1 << 255) - 1)
    x = _find_x(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % _P)


def _format_point(p: _Point) -> bytes:
    inverse = pow(p[2], _P - 2, _P)
    x, y = p[0] * inverse % _P, p[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE_X = _find_x(_BASE_Y, 0) or 0
_BASE: _Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether an Ed25519 signature of a message was made with the key."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key, scalar = _parse_point(public_key), int.from_bytes(signature[32:], "little")
    if key is None or scalar >= _ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    challenge = int.from_bytes(digest, "little") % _ORDER
    negative: _Point = (_P - key[0], key[1], key[2], _P - key[3])
    expected = _add_points(_multiply_point(scalar, _BASE), _multiply_point(challenge, negative))
    return _format_point(expected) == signature[:32]


SignatureCheck = Callable[[bytes, bytes, bytes], bool]


def key_id_of(public_key: bytes) -> str:
    """Return the id of a public key."""
    return hashlib.sha256(b"name of a release key\n" + public_key).hexdigest()[:16]


def fingerprint_of(public_key: bytes) -> str:
    """Return what the association prints of a public key: its SHA-256, in groups to compare."""
    digits = hashlib.sha256(public_key).hexdigest()
    return " ".join(digits[at : at + 8] for at in range(0, len(digits), 8))


class PublishedKey(NamedTuple):
    """Public key of the association."""

    public_key: bytes
    is_demo: bool = False
    withdrawn: str = ""
    """Day from which the key is not trusted any more; empty: it is trusted."""


class KeyList(NamedTuple):
    """What the association publishes: its keys, and the releases taken back or corrected."""

    keys: dict[str, PublishedKey]
    retracted: dict[str, str]
    """Id of a release -> when it was taken back."""
    corrected: dict[str, str]
    """Id of a release -> id of the one that replaced it; it stays genuine."""


def _decode_key(text: str) -> bytes:
    """Return a public key; raises `ValueError` for any other spelling than the usual one."""
    public_key = base64.b64decode(text, validate=True)
    if len(public_key) != 32 or base64.b64encode(public_key).decode() != text:
        raise ValueError("not a public key of 32 bytes")
    return public_key


def parse_keys(text: str) -> KeyList:
    """Parse the published list of keys, or one public key in base64; raises `ValueError`."""
    if not text.lstrip().startswith("{"):
        public_key = _decode_key(text.strip())
        return KeyList({key_id_of(public_key): PublishedKey(public_key)}, {}, {})
    document, keys = json.loads(text), {}
    for key in document["keys"]:
        public_key = _decode_key(key["public_key"])
        keys[key_id_of(public_key)] = PublishedKey(
            public_key, bool(key.get("demo")), str(key.get("withdrawn") or "")
        )
    retracted = document.get("retracted", [])
    corrected = document.get("corrected", [])
    return KeyList(
        keys,
        {str(entry["id"]): str(entry["at"]) for entry in retracted},
        {str(entry["id"]): str(entry["by"]) for entry in corrected},
    )


def printable(text: str) -> str:
    """Return a text that no terminal obeys: names in a forged release may say anything."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


class Finding(NamedTuple):
    """Difference between what was signed and what is there; `problem` is a key of `PROBLEMS`."""

    file: str
    problem: str
    detail: str = ""


PROBLEMS = {
    "no_manifest": ("旁边没有 release.json，无法核对", "no release.json beside it to compare with"),
    "no_signature": ("没有签名文件 release.sig", "the signature release.sig is missing"),
    "no_keys": ("没有给出协会公布的公钥", "the association's published keys were not given"),
    "key_unknown": ("签名所用密钥不在公布之列", "signed with a key that is not published"),
    "key_withdrawn": ("签名所用密钥已作废", "signed with a key that was withdrawn"),
    "key_of_demo": ("演示密钥不能签正式发布", "a key of demonstrations signs no real release"),
    "signature": ("内容与签名不符：已被改动", "not what was signed: it was changed"),
    "manifest_form": ("无法读懂的发布清单", "not a manifest that this script understands"),
    "retracted": ("本发布已被协会撤回", "the association has taken this release back"),
    "missing": ("缺少此文件", "this file is missing"),
    "changed": ("已被改动", "changed"),
    "unlisted": ("不属于本发布", "not part of the release"),
    "unsafe_name": ("文件名越出本目录", "a name that leads out of the folder"),
    "twice": ("压缩包中出现两次", "stands in the archive twice"),
    "hidden_bytes": (
        "压缩包含有不属于任何文件的内容，或文件次序不同",
        "the archive holds bytes that are no part of its files, or these in another order",
    ),
    "unreadable": ("无法读取", "cannot be read"),
    "time_stamp": ("时间戳无效", "the time stamp does not hold"),
    "log_form": (
        "登记簿内容与其检查点不符",
        "the entries of the log are not those of its checkpoint",
    ),
    "log_signature": (
        "检查点不是用所公布的有效密钥签的",
        "the checkpoint is not signed with a published key that stands",
    ),
    "log_other": ("不是同一本登记簿", "not the same log as the one seen before"),
    "log_older": ("比先前见到的登记簿旧", "older than what was seen before"),
    "log_history": ("登记簿的历史被改写", "the history of the log was rewritten"),
    "not_witnessed": ("没有所指见证人的签名", "the named witness has not signed it"),
    "not_logged": ("登记簿中没有本发布", "the log has no entry of this release"),
}
"""Problem -> what it means, in Chinese and English."""


class CheckResult(NamedTuple):
    """Outcome of a check; genuine if nothing differs."""

    findings: list[Finding]
    manifest: dict[str, Any]
    """Empty while the signature does not hold."""
    key_id: str = ""
    manifest_sha256: str = ""

    @property
    def is_genuine(self) -> bool:
        return not self.findings


class FolderSource:
    """Files of a release in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Return the names of all files, links and empty folders. Raises `OSError`."""
        names = []
        for parent, folders, files in os.walk(self.folder, onerror=_raise):
            links = [each for each in folders if Path(parent, each).is_symlink()]
            names += [Path(parent, each) for each in (*links, *files)]
            names += [] if folders or files else [Path(parent)]
        return sorted(path.relative_to(self.folder).as_posix() for path in names)

    def open(self, name: str) -> BinaryIO:
        """Open a file. Raises `OSError`; also for a link, which may lead anywhere.

        A pipe would be waited for without end, and a device has none.
        """
        path = self.folder
        for part in PurePosixPath(name).parts:
            path = path / part
            if path.is_symlink():
                raise OSError(_NOT_PLAIN)
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) or mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX):
            raise OSError(_NOT_PLAIN)
        return path.open("rb")


def _raise(error: OSError) -> None:
    raise error


class ZipSource:
    """Files of a release in an archive, read where they lie: nothing is unpacked."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive

    def names(self) -> list[str]:
        """Return the names of all files, and of folders, of which a release has none."""
        return self.archive.namelist()

    def open(self, name: str) -> BinaryIO:
        """Open a file. Raises `OSError`; also for a way of packing that a release does not use.

        Of those, the library unpacks whatever is there at once, to any length.
        """
        if name not in self.archive.NameToInfo:
            raise FileNotFoundError(name)
        if self.archive.getinfo(name).compress_type not in _PACKINGS:
            raise OSError(_PACKED_ODDLY)
        return self.archive.open(name)  # type: ignore[return-value]


class _BoundedReads:
    """File that gives no more at once than the directory of an archive may take.

    The library reads that in one piece, as long as the archive says it is, and keeps ten times
    as much of it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        most = MAX_DIRECTORY_BYTES + 1
        data = self._file.read(most if size < 0 else min(size, most))
        if len(data) == most:
            raise OSError(_TOO_LARGE)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """Open an archive whose size nobody vouches for. Raises one of `READ_ERRORS`."""
    return zipfile.ZipFile(_BoundedReads(file))


def has_hidden_bytes(path: Path, archive: zipfile.ZipFile) -> bool:
    """Return whether an archive is more than its files by name, one after the other.

    No signature covers such bytes, and another program may show them: a reader of PDF looks for
    its mark near the start of a file, where the time stamp, which nobody here vouches for, is not.
    Nor does one cover modes, flags and times, by which a file unpacks as a link or as a program: of
    these each file has what `zip_files` writes, and all the same minute.
    """
    entries = sorted(archive.infolist(), key=lambda each: each.orig_filename)
    directory = b""
    with path.open("rb") as file:
        minute = file.read(14)[10:]
        file.seek(0)
        for entry in entries:
            start, name = file.tell(), entry.orig_filename.encode()
            flags = 0 if name.isascii() else 0x800
            sizes = entry.CRC, entry.compress_size, entry.file_size, len(name), 0
            head = struct.pack("<HHH4s3L2H", 20, flags, zipfile.ZIP_DEFLATED, minute, *sizes)
            if file.read(30 + len(name)) != b"PK\3\4" + head + name:
                return True
            if not _is_one_stream(file, entry):
                return True
            rest = struct.pack("<HHHLL", 0, 0, 0, 0o644 << 16, start)
            directory += b"PK\1\2\x14\3" + head + rest + name
        end = 0, 0, len(entries), len(entries), len(directory), file.tell(), 0
        directory += b"PK\5\6" + struct.pack("<4H2LH", *end)
        return file.read(len(directory) + 1) != directory


def _is_one_stream(file: BinaryIO, entry: zipfile.ZipInfo) -> bool:
    """Return whether the packed bytes from here on are one stream to their end."""
    left, size, stream = entry.compress_size, 0, zlib.decompressobj(-15)
    while left:
        data = file.read(min(left, _CHUNK_BYTES))
        left -= len(data)
        if not data or stream.eof:
            return False
        while data and not stream.eof and size <= entry.file_size:
            size += len(stream.decompress(data, _CHUNK_BYTES))
            data = stream.unconsumed_tail
        if data:
            return False
    while not stream.eof and size <= entry.file_size:
        unpacked = stream.decompress(b"", _CHUNK_BYTES)
        if not unpacked:
            return False
        size += len(unpacked)
    return stream.eof and not stream.unused_data and size == entry.file_size


Source = Any
READ_ERRORS = (
    OSError, KeyError, ValueError, TypeError, EOFError, RuntimeError, MemoryError, OverflowError,
    zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip
"""Raised by a damaged file; `RuntimeError` also for one that is nested without end."""


def is_safe_name(name: str) -> bool:
    """Return whether a name stays below its folder on every system."""
    path = PurePosixPath(name)
    odd = "\\" in name or ":" in name or "\0" in name or path.is_absolute()
    return bool(name) and not odd and ".." not in path.parts and str(path) == name


def _read_pieces(file: BinaryIO, limit: int) -> Iterator[bytes]:
    """Yield what a file holds, at most one piece more than the limit."""
    size = 0
    while size <= limit:
        data = file.read(_CHUNK_BYTES)
        if not data:
            return
        size += len(data)
        yield data


def read_whole(source: Source, name: str, limit: int) -> bytes:
    """Return a file of a release. Raises one of `READ_ERRORS`; also for one that is too large."""
    with source.open(name) as file:
        data = b"".join(_read_pieces(file, limit))
    if len(data) > limit:
        raise OSError(_TOO_LARGE)
    return data


def check_manifest(
    source: Source, published: KeyList | None, check_signature: SignatureCheck = is_signed
) -> CheckResult:
    """Check the signature of a release, before anything in it is believed."""
    try:
        data = read_whole(source, MANIFEST, MAX_MANIFEST_BYTES)
    except READ_ERRORS as error:
        return CheckResult([_missing_or_unreadable(MANIFEST, "no_manifest", error)], {})
    try:
        written = read_whole(source, SIGNATURE, MAX_SIGNATURE_BYTES)
        fields = json.loads(written)
        key_id, signature = str(fields["key_id"]), _decode_signature(str(fields["signature"]))
    except READ_ERRORS as error:
        return CheckResult([_missing_or_unreadable(SIGNATURE, "no_signature", error)], {})
    problem = _find_key_problem(published, key_id)
    if problem:
        return CheckResult([Finding(SIGNATURE, problem, key_id[:80])], {}, key_id)
    assert published is not None
    key = published.keys[key_id]
    if not check_signature(key.public_key, data, signature):
        return CheckResult([Finding(MANIFEST, "signature")], {}, key_id)
    manifest = _parse_manifest(data)
    if not manifest:
        return CheckResult([Finding(MANIFEST, "manifest_form")], {}, key_id)
    findings = []
    if written != _format_signature(key_id, signature):
        findings.append(Finding(SIGNATURE, "changed"))
    if key.is_demo and not manifest["demo"]:
        findings.append(Finding(SIGNATURE, "key_of_demo", key_id))
    if str(manifest["id"]) in published.retracted:
        findings.append(Finding(MANIFEST, "retracted", published.retracted[str(manifest["id"])]))
    digest = hashlib.sha256(data).hexdigest()
    return CheckResult(findings + _check_stamp_form(source), manifest, key_id, digest)


def _parse_manifest(data: bytes) -> dict[str, Any]:
    """Return a manifest; empty for one that is none, though it was signed."""
    try:
        manifest: dict[str, Any] = json.loads(data)
        for entry in manifest["files"]:
            int(entry["size"]), PurePosixPath(entry["path"]), bytes.fromhex(entry["sha256"])
        return manifest if {"id", "demo"} <= manifest.keys() else {}
    except READ_ERRORS:
        return {}


def _decode_signature(text: str) -> bytes:
    """Return the signature in a text, also if more stands around it; raises `ValueError`.

    Versions of Python differ in what they ignore there; `_format_signature` has none of it.
    """
    digits = re.sub("[^0-9A-Za-z+/]", "", text.partition("=")[0])
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


def _format_signature(key_id: str, signature: bytes) -> bytes:
    """Return the only bytes of a signature file: what stood beside its fields, nobody signed."""
    text = base64.b64encode(signature).decode()
    fields = {"algorithm": "Ed25519", "key_id": key_id, "signature": text}
    return (json.dumps(fields, indent=2) + "\n").encode()


def _check_stamp_form(source: Source) -> list[Finding]:
    """Return whether the time stamp cannot be one: no signature covers what it holds."""
    try:
        stamp = read_whole(source, TIME_STAMP, MAX_TIME_STAMP_BYTES)
    except FileNotFoundError:
        return []
    except READ_ERRORS as error:
        return [Finding(TIME_STAMP, "unreadable", str(error))]
    return [] if _is_stamp_form(stamp) else [Finding(TIME_STAMP, "time_stamp")]


def _is_stamp_form(data: bytes) -> bool:
    """Return whether a file is one answer of a time stamp server in DER, status and signed data."""
    answer, end = _find_sequence(data, 0)
    status, status_end = _find_sequence(data, answer)
    token, token_end = _find_sequence(data, status_end)
    begins = data[status : status + 2] == b"\2\1" and data[token:].startswith(_SIGNED_DATA)
    return begins and token_end == end == len(data)


def _find_sequence(data: bytes, at: int) -> tuple[int, int]:
    """Return where the content of a DER sequence begins and ends; past the end where none is."""
    head = data[at : at + 2]
    digits = head[1] - 128 if head[1:] > b"\x7f" else 0
    start = at + 2 + digits
    size = int.from_bytes(data[at + 2 : start] if digits else head[1:], "big")
    is_shortest = size > 127 and data[at + 2] > 0 if digits else size < 128
    if head[:1] != b"\x30" or not is_shortest or start + size > len(data):
        return len(data), len(data) + 1
    return start, start + size


def _missing_or_unreadable(name: str, missing: str, error: BaseException) -> Finding:
    if isinstance(error, FileNotFoundError):
        return Finding(name, missing)
    return Finding(name, "unreadable", str(error))


def _find_key_problem(published: KeyList | None, key_id: str) -> str:
    if published is None or not published.keys:
        return "no_keys"
    if key_id not in published.keys:
        return "key_unknown"
    return "key_withdrawn" if published.keys[key_id].withdrawn else ""


def _changed_ranges(file: BinaryIO, entry: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """Yield first and last byte of the blocks that differ from the manifest."""
    size, blocks, start = int(entry["block_size"]), entry["blocks"], 0
    for block in blocks:
        data = file.read(size)
        if hashlib.sha256(data).hexdigest()[: len(block)] != block:
            yield start, min(start + size, int(entry["size"])) - 1
        start += size


def _list_changed_parts(source: Source, name: str, parts: dict[str, str]) -> list[str]:
    """Return the parts of an Office file that differ; none where it is no archive any more."""
    try:
        file = io.BytesIO(read_whole(source, name, MAX_OFFICE_BYTES))
        with open_archive(file) as archive:
            found, left = dict.fromkeys(archive.namelist(), ""), MAX_UNPACKED_BYTES
            for part in sorted(found.keys() & parts.keys()):
                with ZipSource(archive).open(part) as unpacked:
                    found[part], size = _hash_file(unpacked, left)
                left -= size
                if left < 0:
                    return []
    except READ_ERRORS:
        return []
    return sorted(part for part in {*parts, *found} if parts.get(part) != found.get(part))


def _describe_change(source: Source, name: str, entry: dict[str, Any]) -> str:
    """Return which parts of an Office file differ, else which bytes."""
    parts = entry.get("parts")
    changed_parts = _list_changed_parts(source, name, parts) if parts else []
    if changed_parts:
        return ", ".join(changed_parts)
    merged: list[list[int]] = []
    with source.open(name) as file:
        for first, last in _changed_ranges(file, entry):
            if merged and merged[-1][1] + 1 == first:
                merged[-1][1] = last
            else:
                merged.append([first, last])
    return ", ".join(f"{first}–{last}" for first, last in merged)


def _hash_file(file: BinaryIO, limit: int) -> tuple[str, int]:
    """Return hash and size of a file, read no further than one piece past the limit."""
    digest, size = hashlib.sha256(), 0
    for data in _read_pieces(file, limit):
        digest.update(data)
        size += len(data)
    return digest.hexdigest(), size


def compare_file(source: Source, name: str, entry: dict[str, Any]) -> Finding | None:
    """Return how a file differs from its entry in the manifest; None if it does not."""
    try:
        expected = int(entry["size"])
        with source.open(name) as file:
            digest, size = _hash_file(file, expected)
        if size == expected and digest == entry["sha256"]:
            return None
        detail = _describe_change(source, name, entry)
    except READ_ERRORS as error:
        return _missing_or_unreadable(entry["path"], "missing", error)
    if size != expected:
        length = f"> {expected}" if size > expected else str(size)
        detail = "; ".join(filter(None, [f"{length} ≠ {expected} bytes", detail]))
    return Finding(entry["path"], "changed", detail)


def check_release(
    source: Source, published: KeyList | None, check_signature: SignatureCheck = is_signed
) -> CheckResult:
    """Check a whole release: its signature, every file, and that nothing was added."""
    result = check_manifest(source, published, check_signature)
    if not result.manifest:
        return result
    findings, names = list(result.findings), Counter(source.names())
    entries = {entry["path"]: entry for entry in result.manifest["files"]}
    for name in sorted(names):
        if not is_safe_name(name):
            findings.append(Finding(name, "unsafe_name"))
        elif names[name] > 1:
            findings.append(Finding(name, "twice"))
        elif name not in entries and name not in COMPANIONS:
            findings.append(Finding(name, "unlisted"))
    for path, entry in entries.items():
        present = path in names
        finding = compare_file(source, path, entry) if present else Finding(path, "missing")
        findings.extend([finding] if finding else [])
    return result._replace(findings=findings)


def check_file(
    source: Source, name: str, published: KeyList | None, check_signature: SignatureCheck
) -> CheckResult:
    """Check one file of a release, also one that was taken out of its folder."""
    result = check_manifest(source, published, check_signature)
    if not result.manifest:
        return result
    entries = {entry["path"]: entry for entry in result.manifest["files"]}
    entry = entries.get(name) or _find_by_name(entries, PurePosixPath(name).name)
    finding = compare_file(source, name, entry) if entry else Finding(name, "unlisted")
    return result._replace(findings=[*result.findings, *([finding] if finding else [])])


def _find_by_name(entries: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Return the only entry with this last part: people take a file out of its folder."""
    same = [entry for path, entry in entries.items() if PurePosixPath(path).name == name]
    return same[0] if len(same) == 1 else None


@contextmanager
def open_release(path: Path) -> Iterator[tuple[Source | None, str]]:
    """Open the release that a folder, archive or file is, or lies in; None without release.json.

    Gives the name of a single file with it, empty for the whole. Raises one of `READ_ERRORS`.
    """
    if path.is_dir():
        yield FolderSource(path), ""
        return
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(_NOT_PLAIN)
    if path.suffix.lower() == ".zip":  # by its name: any other file could be one as well
        with path.open("rb") as file, open_archive(file) as archive:
            if MANIFEST in archive.namelist():
                yield ZipSource(archive), ""
                return
    absolute = path.absolute()
    for folder in list(absolute.parents)[:MAX_FOLDERS_UP]:
        if os.path.lexists(folder / MANIFEST):
            name = absolute.relative_to(folder).as_posix()
            yield FolderSource(folder), "" if name in COMPANIONS else name
            return
    yield None, ""


def check_path(
    path: Path, published: KeyList | None, check_signature: SignatureCheck = is_signed
) -> CheckResult:
    """Check a folder, an archive, or one file beside its release.json."""
    try:
        with open_release(path) as (source, name):
            if source is None:
                result = CheckResult([Finding(path.name, "no_manifest")], {})
            elif name:
                result = check_file(source, name, published, check_signature)
            else:
                result = check_release(source, published, check_signature)
                is_archive = result.is_genuine and isinstance(source, ZipSource)
                if is_archive and has_hidden_bytes(path, source.archive):
                    result = result._replace(findings=[Finding(path.name, "hidden_bytes")])
    except READ_ERRORS as error:
        result = CheckResult([_missing_or_unreadable(path.name, "missing", error)], {})
    return result._replace(findings=[Finding(*map(printable, each)) for each in result.findings])


def hash_entry(entry: bytes) -> bytes:
    """Return the hash of an entry of a log (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\0" + entry).digest()


def find_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root of the Merkle tree over hashes of entries (RFC 6962, section 2.1)."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2])  # noqa: B905  (Python 3.9 has no `strict`)
        joined = [hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs]
        hashes = joined + list(hashes[2 * len(joined) :])
    return hashes[0]


class NoteKey(NamedTuple):
    """Ed25519 key of a log (kind 1) or of a witness (kind 4), as c2sp.org/signed-note has it."""

    name: str
    kind: int
    public_key: bytes

    @property
    def id(self) -> bytes:
        """Four bytes by which a signature names its key."""
        text = self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key
        return hashlib.sha256(text).digest()[:4]

    def __str__(self) -> str:
        coded = base64.b64encode(bytes([self.kind]) + self.public_key).decode()
        return f"{self.name}+{self.id.hex()}+{coded}"


LOG_KIND, WITNESS_KIND = 1, 4


def parse_note_key(text: str, kind: int = WITNESS_KIND) -> NoteKey:
    """Parse a key as a witness publishes it; raises `ValueError`."""
    name, _, coded = text.strip().split("+", 2)
    data = base64.b64decode(coded, validate=True)
    key = NoteKey(name, data[0] if data else 0, data[1:])
    if not name or key.kind != kind or len(key.public_key) != 32 or str(key) != text.strip():
        raise ValueError("not a verifier key")
    return key


class Checkpoint(NamedTuple):
    """Signed state of a log (c2sp.org/tlog-checkpoint): its name, size and root."""

    origin: str
    size: int
    root: bytes
    body: bytes
    """The bytes that are signed."""
    signatures: list[tuple[str, bytes, bytes]]
    """Name of the key, its id, signature."""
    note: bytes
    """All of it as it was read."""

    def is_signed(self, key: NoteKey, check_signature: SignatureCheck = is_signed) -> bool:
        """Return whether a log or a witness has signed it (c2sp.org/tlog-cosignature)."""
        for name, key_id, signature in self.signatures:
            message = self.body
            if (name, key_id) != (key.name, key.id):
                continue
            if key.kind == WITNESS_KIND:
                message = cosigned_message(self.body, int.from_bytes(signature[:8], "big"))
                signature = signature[8:]
            if check_signature(key.public_key, message, signature):
                return True
        return False


def cosigned_message(body: bytes, at: int) -> bytes:
    """Return what a witness signs: state of the log, and when, in seconds since 1970."""
    return b"cosignature/v1\ntime %d\n%b" % (at, body)


def parse_checkpoint(data: bytes) -> Checkpoint:
    """Parse a checkpoint with its signatures; raises `ValueError`."""
    body, gap, rest = data.decode("utf-8").rpartition("\n\n")
    if not gap or re.search("[\0-\x09\x0b-\x1f]", body + rest) or not rest.endswith("\n"):
        raise ValueError("not a checkpoint")
    origin, size, root, *extensions = body.split("\n")
    if not origin or not all(extensions) or str(int(size)) != size or int(size) < 0:
        raise ValueError("not a checkpoint")
    signatures = []
    for line in rest[:-1].split("\n"):
        found = re.fullmatch("\u2014 ([^ +]+) ([0-9A-Za-z+/]+={0,2})", line)
        signature = base64.b64decode(found[2]) if found else b""
        if not found or len(signature) < 5:
            raise ValueError("not a signature of a checkpoint")
        signatures.append((found[1], signature[:4], signature[4:]))
    digest = base64.b64decode(root, validate=True)
    if len(digest) != 32 or base64.b64encode(digest).decode() != root:
        raise ValueError("not the root of a log")
    return Checkpoint(origin, int(size), digest, f"{body}\n".encode(), signatures, data)


class PublishedLog(NamedTuple):
    """Transparency log as the association publishes it: its state, and every entry up to there."""

    checkpoint: Checkpoint
    entries: list[bytes]
    witnessed: list[Checkpoint]
    """States that witnesses have signed, the newest first; some may be earlier ones."""

    def continues(self, earlier: Checkpoint) -> bool:
        """Return whether the log begins with all that an earlier state of it held."""
        hashes = [hash_entry(entry) for entry in self.entries[: earlier.size]]
        return len(hashes) == earlier.size and find_root(hashes) == earlier.root


def tile_path(number: int, width: int) -> str:
    """Return the name of a tile of a log (c2sp.org/tlog-tiles); a whole one is 256 wide."""
    digits = str(number).zfill(-(-len(str(number)) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def read_log(source: Source) -> PublishedLog:
    """Read a log; raises one of `READ_ERRORS`, also where its entries are not those signed."""
    checkpoint = parse_checkpoint(read_whole(source, CHECKPOINT, MAX_NOTE_BYTES))
    entries: list[bytes] = []
    left = MAX_LOG_BYTES
    for start in range(0, checkpoint.size, TILE_WIDTH):
        width = min(TILE_WIDTH, checkpoint.size - start)
        name = f"{ENTRIES}/{tile_path(start // TILE_WIDTH, width)}"
        bundle = read_whole(source, name, left)
        left -= len(bundle)
        entries += _split_bundle(bundle, width)
    names = [name for name in source.names() if name.startswith(f"{WITNESSED}/")][:_MAX_WITNESSED]
    witnessed = [parse_checkpoint(read_whole(source, name, MAX_NOTE_BYTES)) for name in names]
    newest_first = sorted([checkpoint, *witnessed], key=lambda each: -each.size)
    return PublishedLog(checkpoint, entries, newest_first)


def _split_bundle(bundle: bytes, width: int) -> Iterator[bytes]:
    """Yield the entries of a bundle, each behind its length in two bytes."""
    at = 0
    for _ in range(width):
        start = at + 2
        at = start + int.from_bytes(bundle[at:start], "big")
        if at > len(bundle) or start > len(bundle):
            raise ValueError(_TOO_SHORT)
        yield bundle[start:at]
    if at != len(bundle):
        raise ValueError(_TOO_LARGE)


@contextmanager
def open_log(path: Path) -> Iterator[Source]:
    """Open the folder or archive of a log. Raises one of `READ_ERRORS`."""
    if path.is_dir():
        yield FolderSource(path)
        return
    with path.open("rb") as file, open_archive(file) as archive:
        yield ZipSource(archive)


class LogCheck(NamedTuple):
    """Outcome of a log's check: what is wrong, and how much of it every named witness has seen."""

    findings: list[Finding]
    log: PublishedLog | None = None
    witnessed_size: int = 0


def check_log(
    path: Path,
    published: KeyList,
    seen: Sequence[Checkpoint] = (),
    witnesses: Sequence[NoteKey] = (),
    check_signature: SignatureCheck = is_signed,
) -> LogCheck:
    """Check a log in a folder or archive: signature, entries, what was seen before, witnesses."""
    name = path.name
    try:
        with open_log(path) as source:
            log = read_log(source)
    except READ_ERRORS as error:
        return LogCheck([Finding(name, "unreadable", printable(str(error)))])
    standing = [key for key in published.keys.values() if not key.withdrawn]
    findings = []
    if not log.continues(log.checkpoint):
        findings.append(Finding(name, "log_form"))
    if not _is_signed_by(log.checkpoint, standing, check_signature):
        findings.append(Finding(name, "log_signature"))
    known = list(published.keys.values())
    for earlier in seen:
        if not _is_signed_by(earlier, known, check_signature):
            findings.append(Finding(f"{CHECKPOINT} {earlier.size}", "log_signature"))
        elif find_rupture(log, earlier):
            findings.append(Finding(name, find_rupture(log, earlier), str(earlier.size)))
    witnessed_size = log.checkpoint.size
    for witness in witnesses:
        signed = [each.size for each in log.witnessed
                  if each.is_signed(witness, check_signature) and log.continues(each)
                  and each.origin == log.checkpoint.origin]  # fmt: skip
        if not signed:
            findings.append(Finding(name, "not_witnessed", printable(witness.name)))
        witnessed_size = min([witnessed_size, *signed[:1]])
    return LogCheck(findings, log, witnessed_size)


def find_rupture(log: PublishedLog, earlier: Checkpoint) -> str:
    """Return why a log does not continue an earlier state, a key of `PROBLEMS`, else nothing."""
    if earlier.origin != log.checkpoint.origin:
        return "log_other"
    if earlier.size > log.checkpoint.size:
        return "log_older"
    return "" if log.continues(earlier) else "log_history"


def _is_signed_by(
    checkpoint: Checkpoint, keys: Sequence[PublishedKey], check_signature: SignatureCheck
) -> bool:
    named = (NoteKey(checkpoint.origin, LOG_KIND, key.public_key) for key in keys)
    return any(checkpoint.is_signed(key, check_signature) for key in named)


def check_entry(result: CheckResult, check: LogCheck) -> list[Finding]:
    """Return what a log says against a release: no entry, taken back, or its key withdrawn.

    The entry has to stand in the part that the named witnesses have seen.
    """
    assert check.log is not None
    key, logged, findings = str(result.manifest["id"]), False, []
    for position, entry in enumerate(check.log.entries):
        try:
            act = json.loads(entry)
            kind, subject = act["kind"], act["id"]
            logged = logged or (
                position < check.witnessed_size
                and (kind, subject) == ("release", key)
                and act["manifest_sha256"] == result.manifest_sha256
            )
        except READ_ERRORS:
            continue
        if (kind, subject) == ("retraction", key):
            findings.append(Finding(MANIFEST, "retracted", printable(str(act.get("at", "")))))
        if (kind, subject) == ("key_withdrawn", result.key_id):
            findings.append(Finding(SIGNATURE, "key_withdrawn", result.key_id))
    return findings if logged else [*findings, Finding(MANIFEST, "not_logged", printable(key))]


def _print_findings(shown: str, findings: Sequence[Finding]) -> None:
    for finding in findings:
        chinese, english = PROBLEMS[finding.problem]
        detail = f" [{finding.detail}]" if finding.detail else ""
        print(f"不符 NOT GENUINE: {shown}: {finding.file}: {chinese} / {english}{detail}")


def _check_named_log(options: argparse.Namespace, published: KeyList) -> LogCheck:
    """Check the log that was named and print the outcome. Raises one of `READ_ERRORS`."""
    seen = []
    for path in options.checkpoint:
        with path.open("rb") as file:
            seen.append(parse_checkpoint(file.read(MAX_NOTE_BYTES)))
    witnesses = [parse_note_key(text) for text in options.witness]
    check, shown = check_log(options.log, published, seen, witnesses), printable(str(options.log))
    if check.log is not None and not check.findings:
        newest = check.log.checkpoint
        root = base64.b64encode(newest.root).decode()
        print(f"登记簿一致 log consistent: {printable(newest.origin)}, {newest.size}, {root}")
        if witnesses:
            print(f"见证至 witnessed up to: {check.witnessed_size}")
    _print_findings(shown, check.findings)
    return check


def main(arguments: list[str] | None = None) -> int:
    """Check the named files and print what differs."""
    parser = argparse.ArgumentParser(
        description="Check a signed release. 核对发布文件的签名。",
        epilog="本脚本和公钥清单请从协会网站取得，不用随文件收到的；指纹请与协会印发的核对。 "
        "Take this script and the keys from the association's own site, never from whoever sent "
        "the release, and compare the fingerprint with the one that the association printed.",
    )
    parser.add_argument("files", nargs="*", type=Path, help="release.zip, a folder, or a file")
    parser.add_argument("--keys", type=Path, help="list of keys that the association publishes")
    parser.add_argument("--key", help="one public key of the association, in base64")
    parser.add_argument("--log", type=Path, help="log.zip of the public site, or its folder")
    parser.add_argument("--checkpoint", action="append", default=[], type=Path,
                        help="a checkpoint of the log that was seen before")  # fmt: skip
    parser.add_argument("--witness", action="append", default=[],
                        help="key of a witness who has to have signed the log")  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        text = options.keys.read_text("utf-8") if options.keys else options.key
        published = parse_keys(text) if text else None
    except READ_ERRORS as error:
        parser.error(f"--keys: {error}")
    if not options.files and not options.log:
        parser.error("nothing to check")
    if (options.checkpoint or options.witness) and not options.log:
        parser.error("--checkpoint and --witness need --log")
    log = None
    if options.log:
        try:
            log = _check_named_log(options, published or KeyList({}, {}, {}))
        except READ_ERRORS as error:
            parser.error(f"--checkpoint, --witness: {error}")
    genuine = log is None or not log.findings
    for path in options.files:
        result, shown = check_path(path, published), printable(str(path))
        if result.is_genuine and log is not None and log.log is not None:
            result = result._replace(findings=check_entry(result, log))
        genuine = genuine and result.is_genuine
        if published and result.is_genuine:
            demo = " 演示数据 DEMONSTRATION DATA" if result.manifest["demo"] else ""
            print(f"真实 genuine: {shown} ({result.manifest['id']}, {result.key_id}){demo}")
            fingerprint = fingerprint_of(published.keys[result.key_id].public_key)
            print(f"密钥指纹 fingerprint of its key: {fingerprint}")
            by = published.corrected.get(result.manifest["id"])
            if by:
                print(f"已更正 corrected: {result.manifest['id']} → {by}")
        _print_findings(shown, result.findings)
    return 0 if genuine else 1


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(encoding="utf-8", errors="replace")
    sys.exit(main())
