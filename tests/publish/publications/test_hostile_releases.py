"""Releases made to harm whoever checks them: every one is a finding in words, and soon."""

import json
import os
import socket
import stat
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from survey.release import verify
from survey.release.manifest import zip_files
from survey.release.signing_keys import is_signed_by_library
from survey.release.verify import FolderSource, check_path, parse_keys
from tests.publish.publications.signed_folders import (
    AT,
    FILES,
    new_signing_key,
    signed_files,
    write_folder,
)

KEY = new_signing_key()
PUBLIC_KEY = b64encode(KEY.public_bytes).decode()
MAX_MEMORY_KB = 200_000
"""The script takes about 25 MB, and may hold a manifest of 50 MB twice."""
_SECONDS = 60
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
_WATCHED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def run_script(path: Path) -> str:
    """What the script says of a path that is not genuine, alone and in bounded memory and time."""
    run = subprocess.run(
        [sys.executable, "-c", _WATCHED,
         sys.executable, "-I", "-S", verify.__file__, "--key", PUBLIC_KEY, str(path)],
        capture_output=True, text=True, check=False, encoding="utf-8", timeout=_SECONDS,
    )  # fmt: skip
    assert (run.returncode, "NOT GENUINE" in run.stdout) == (1, True), run.stderr
    assert "Traceback" not in run.stderr
    assert int(run.stderr.split()[-1]) < MAX_MEMORY_KB
    return run.stdout


def findings(path: Path) -> set[tuple[str, str]]:
    return {finding[:2] for finding in check_path(path, parse_keys(PUBLIC_KEY)).findings}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "release", signed_files(KEY))


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _folder_with_a_file(path: Path) -> None:
    write_folder(path, {"inside.csv": b"1"})


def _endless(path: Path) -> None:
    """Ten gigabytes, of which the disk holds nothing."""
    with path.open("wb") as file:
        file.truncate(10_000_000_000)


def _nested(path: Path) -> None:
    path.write_bytes(b"[" * 9_000)


ODD_FILES = {
    "pipe": _pipe, "device": _link_to_device, "folder": _folder_with_a_file, "endless": _endless,
}  # fmt: skip


@pytest.mark.parametrize("name", ["figures.csv", "release.json", "release.sig", "release.tsr"])
@pytest.mark.parametrize("odd", ODD_FILES)
def test_an_odd_file_in_place_of_one_of_a_release_is_named(
    folder: Path, name: str, odd: str
) -> None:
    (folder / name).unlink(missing_ok=True)
    ODD_FILES[odd](folder / name)
    assert f"{name}: " in run_script(folder).replace("/inside.csv: ", ": ")


def test_an_odd_file_beside_a_single_one_is_named(folder: Path) -> None:
    _pipe(folder / "release.tsr")
    assert findings(folder / "figures.csv") == {("release.tsr", "unreadable")}
    (folder / "figures.csv").unlink()
    _pipe(folder / "figures.csv")
    assert "figures.csv" in run_script(folder / "figures.csv")
    (folder / "release.json").unlink()
    _pipe(folder / "release.json")
    assert findings(folder / "empty.csv") == {("release.json", "unreadable")}


def test_what_is_added_that_is_no_file_is_named(folder: Path, tmp_path: Path) -> None:
    elsewhere = write_folder(tmp_path / "elsewhere", {"forged.csv": b"99.9"})
    (folder / "more").symlink_to(elsewhere)
    (folder / "dangling").symlink_to(tmp_path / "nothing")
    _pipe(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        assert findings(folder) == {
            (name, "unlisted") for name in ("more", "dangling", "pipe", "socket")
        }


def test_an_empty_folder_is_named(folder: Path) -> None:
    (folder / "corrected 99.9" / "more").mkdir(parents=True)
    (folder / "reports" / "empty").mkdir()
    assert findings(folder) == {
        (name, "unlisted") for name in ("corrected 99.9/more", "reports/empty")
    }
    (folder / "release.tsr").mkdir()
    assert ("release.tsr", "unreadable") in findings(folder)


@pytest.mark.parametrize("right", [stat.S_ISUID, stat.S_ISGID, stat.S_ISVTX])
def test_a_file_that_runs_with_the_rights_of_others_is_named(folder: Path, right: int) -> None:
    (folder / "empty.csv").chmod(0o755)  # whoever unpacks gives such rights
    assert findings(folder) == set()
    (folder / "empty.csv").chmod(0o755 | right)
    assert findings(folder) == findings(folder / "empty.csv") == {("empty.csv", "unreadable")}


def test_a_linked_folder_is_not_entered(folder: Path, tmp_path: Path) -> None:
    (folder / "reports").rename(tmp_path / "reports")
    (folder / "reports").symlink_to(tmp_path / "reports")
    assert findings(folder) == {("reports", "unlisted"), ("reports/110000.docx", "missing")}
    assert findings(folder / "reports/110000.docx") == {("reports/110000.docx", "unreadable")}


def test_a_folder_that_cannot_be_listed_is_no_empty_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, onerror: Callable[[OSError], None]) -> list[object]:
        onerror(PermissionError(13, "Permission denied"))
        return []

    monkeypatch.setattr(os, "walk", refuse)
    with pytest.raises(PermissionError):
        FolderSource(folder).names()
    assert findings(folder) == {("release", "unreadable")}


@pytest.mark.parametrize("name", ["release.json", "release.sig"])
def test_a_companion_of_nothing_but_brackets_is_named(folder: Path, name: str) -> None:
    _nested(folder / name)
    assert findings(folder)


def test_a_stamp_of_any_size_is_no_part_of_a_release(folder: Path, tmp_path: Path) -> None:
    stamp = folder / "release.tsr"
    stamp.write_bytes(_stamp(b"x" * (verify.MAX_TIME_STAMP_BYTES - 1000)))
    assert findings(folder) == set()  # whether it holds is for those who know the authorities
    stamp.write_bytes(_stamp(b"x" * verify.MAX_TIME_STAMP_BYTES))
    assert findings(folder) == {("release.tsr", "unreadable")}
    archive = tmp_path / "release.zip"
    archive.write_bytes(zip_files({**signed_files(KEY), "release.tsr": bytes(300_000_000)}, AT))
    assert "release.tsr" in run_script(archive)


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big") if size > 127 else b""
    return bytes([tag, 128 + len(digits) if digits else size]) + digits + content


_STATUS = _der(0x30, b"\2\1\0")
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")


def _stamp(content: bytes = b"signed data") -> bytes:
    """What has the form of a time stamp server's answer; whether it holds is another question."""
    return _der(0x30, _STATUS + _der(0x30, _SIGNED_DATA + _der(0xA0, content)))


@pytest.mark.parametrize(
    "forged",
    [
        PDF,
        b"",
        b"\x30",
        _stamp() + PDF,
        _stamp()[:-1],
        _der(0x30, PDF),
        _der(0x30, _STATUS + _der(0x30, PDF)),
        _der(0x30, _STATUS + _der(0x30, _SIGNED_DATA) + PDF),
        _der(0x30, PDF + _der(0x30, _SIGNED_DATA)),
        b"\x30\x80" + _STATUS + _der(0x30, _SIGNED_DATA + bytes(107)) + b"\0\0",
        b"\x30\x84" + b"\xff" * 4 + PDF,
    ],
)
def test_what_is_not_one_answer_of_a_stamp_server_is_no_time_stamp(
    folder: Path, tmp_path: Path, forged: bytes
) -> None:
    (folder / "release.tsr").write_bytes(forged)
    expected = {("release.tsr", "time_stamp")}
    assert findings(folder) == findings(folder / "figures.csv") == expected
    archive = tmp_path / "release.zip"
    archive.write_bytes(zip_files({**signed_files(KEY), "release.tsr": forged}, AT))
    assert findings(archive) == expected


def test_files_of_an_archive_in_another_order_are_a_finding(tmp_path: Path) -> None:
    """A reader of PDF looks at the first kilobyte alone: no file comes before its turn."""
    files = {**signed_files(KEY), "release.tsr": _stamp(PDF)}
    archive = tmp_path / "release.zip"
    archive.write_bytes(zip_files(files, AT))
    assert findings(archive) == set()
    for first in ("release.tsr", "release.sig"):
        with ZipFile(archive, "w", ZIP_DEFLATED) as out:
            for name in (first, *sorted(files.keys() - {first})):
                out.writestr(ZipInfo(name, (2026, 5, 20, 3, 0, 0)), files[name])
        assert findings(archive) == {("release.zip", "hidden_bytes")}
        assert "release.zip" in run_script(archive)


def test_a_signature_file_holds_nothing_beside_its_fields(folder: Path) -> None:
    path = folder / "release.sig"
    genuine = path.read_bytes()
    fields = json.loads(genuine)
    assert findings(folder) == set()
    for forged in (
        json.dumps({**fields, "note": "Corrected by the association: 99.9"}, indent=2).encode(),
        json.dumps({**fields, "algorithm": "99.9"}, indent=2).encode() + b"\n",
        *(
            json.dumps({**fields, "signature": fields["signature"] + more}, indent=2).encode()
            for more in ("!Beijing!", "A", "=", "A===", "\n", "北京")
        ),
        json.dumps(fields).encode(),
        genuine.replace(b"{", b'{"signature": "99.9",', 1),
        genuine + b"\n",
        b" " + genuine,
    ):
        path.write_bytes(forged)
        assert findings(folder) == {("release.sig", "changed")}, forged


def test_no_byte_of_an_archive_around_its_files_can_be_another(tmp_path: Path) -> None:
    """Modes make a link or a program of a file, flags another name, times another day."""
    data, path = zip_files(signed_files(KEY, {"比分.csv": b"1"}), AT), tmp_path / "release.zip"
    with ZipFile(BytesIO(data)) as archive:
        infos, start = archive.infolist(), archive.start_dir
    heads = {
        at
        for info in infos
        for at in range(info.header_offset, info.header_offset + 30 + len(info.filename.encode()))
    }
    published = parse_keys(PUBLIC_KEY)
    for at in sorted({*heads, *range(start, len(data))}):
        for bits in (1 << at % 8, 255):
            path.write_bytes(data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :])
            assert check_path(path, published, is_signed_by_library).findings, at
    path.write_bytes(data)
    assert findings(path) == set()


@pytest.mark.parametrize("mode", [0o120777, 0o104755, 0o100644, 0o755])
@pytest.mark.parametrize("flags", [0, 1, 2, 0x41])
def test_an_odd_mode_or_flag_of_a_file_in_an_archive_is_a_finding(
    tmp_path: Path, mode: int, flags: int
) -> None:
    """An unpacking program makes a link of it, or asks for a password that somebody sends."""
    archive = tmp_path / "release.zip"
    with ZipFile(archive, "w", ZIP_DEFLATED) as out:
        for name, content in sorted(signed_files(KEY).items()):
            info = ZipInfo(name, (2026, 5, 20, 3, 0, 0))
            info.compress_type, info.external_attr = ZIP_DEFLATED, 0o644 << 16
            if name == "figures.csv":
                info.external_attr, info.flag_bits = mode << 16, flags
            out.writestr(info, content)
    assert findings(archive)


def _repack(path: Path, name: str, data: bytes, packing: int) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for each, content in {**signed_files(KEY), name: data}.items():
            info = ZipInfo(each)
            info.compress_type = packing if each == name else ZIP_DEFLATED
            archive.writestr(info, content)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["release.json", "release.sig", "release.tsr", "figures.csv"])
def test_a_file_that_unpacks_to_far_more_than_it_says_takes_no_memory(
    tmp_path: Path, name: str
) -> None:
    """The library unpacks whatever is there of a stream by bzip2, at once."""
    archive = _repack(tmp_path / "release.zip", name, bytes(300_000_000), ZIP_BZIP2)
    assert f"{name}: " in run_script(archive)


def test_a_report_that_unpacks_to_far_more_than_it_says_takes_no_memory(folder: Path) -> None:
    report = BytesIO()
    with ZipFile(report, "w", ZIP_BZIP2) as archive:
        archive.writestr("word/document.xml", bytes(300_000_000))
    (folder / "reports/110000.docx").write_bytes(report.getvalue())
    assert "reports/110000.docx: " in run_script(folder)


def test_a_directory_of_an_archive_without_end_takes_no_memory(tmp_path: Path) -> None:
    data = zip_files({"empty.csv": b"", "release.json": b"{}"}, AT)
    start = int.from_bytes(data[-6:-2], "little")
    directory = data[start:-22] * 500_000
    end = data[-22:-10] + len(directory).to_bytes(4, "little") + data[-6:]
    archive = tmp_path / "release.zip"
    archive.write_bytes(data[:start] + directory + end)
    assert "release.zip: " in run_script(archive)


def test_an_offset_that_no_file_has_is_named(tmp_path: Path) -> None:
    data = zip_files(signed_files(KEY), AT)
    at = data.rindex(b"release.json") - 46
    head = bytearray(data[at : at + 46])
    extra = b"\1\0\x08\0" + b"\xff" * 8
    head[30:32] = len(extra).to_bytes(2, "little")
    head[42:46] = b"\xff" * 4
    grown = data[:at] + bytes(head) + b"release.json" + extra + data[at + 58 : -22]
    start = int.from_bytes(data[-6:-2], "little")
    end = data[-22:-10] + (len(grown) - start).to_bytes(4, "little") + data[-6:]
    archive = tmp_path / "release.zip"
    archive.write_bytes(grown + end)
    assert findings(archive)


def test_a_terminal_obeys_no_name_of_a_release(folder: Path) -> None:
    name = "x\n真实 genuine: release.zip\x1b[2K\r\u202e.csv"
    (folder / name).write_bytes(b"1")
    said = run_script(folder)
    assert said.count("\n") == 1
    assert "x\\n真实 genuine: release.zip\\x1b[2K\\r\\u202e.csv" in said
    (folder / "release.sig").write_text(
        json.dumps({"key_id": "\x1b]0;" * 1000, "signature": "AAAA"})
    )
    said = run_script(folder)
    assert "\x1b" not in said
    assert len(said) < 1000


def test_a_path_that_is_no_file_is_said_to_be_none(tmp_path: Path) -> None:
    pipe = tmp_path / "release.zip"
    _pipe(pipe)
    assert "release.zip: " in run_script(pipe)
    assert findings(tmp_path / "nothing.zip") == {("nothing.zip", "missing")}
    assert {problem for _, problem in findings(tmp_path / ("a" * 300))} == {"unreadable"}


@pytest.mark.parametrize(
    "entries",
    [
        [{"path": "a", "sha256": "00"}],
        [{"path": ["a"], "sha256": "00", "size": 1}],
        [{"path": "a", "sha256": ["00"], "size": 1}],
        [{"path": "a", "sha256": "no hash", "size": 1}],
        [{"path": "a", "sha256": "00", "size": "many"}],
        [{"path": "a", "sha256": "00", "size": None}],
        3,
    ],
)
def test_an_odd_manifest_is_named_though_it_is_signed(folder: Path, entries: object) -> None:
    manifest = json.dumps({"id": "x", "demo": False, "files": entries}).encode()
    write_folder(folder, {"release.json": manifest, "release.sig": KEY.sign(manifest)})
    assert findings(folder) == {("release.json", "manifest_form")}


def test_files_of_a_release_are_genuine_wherever_they_lie(folder: Path, tmp_path: Path) -> None:
    """What is refused above is refused for what it is: a link to the release is the reader's."""
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert findings(link) == set()
    assert [findings(link / name) for name in FILES] == [set()] * len(FILES)
