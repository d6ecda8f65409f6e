"""The script that strangers run: RFC 8032's vectors, the library's answers, and every attack."""

import json
import struct
import subprocess
import sys
import zlib
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.release import verify
from survey.release.archives import PROBLEM_NAMES
from survey.release.manifest import zip_files
from survey.release.signing_keys import SigningKey, is_signed_by_library
from survey.release.verify import PROBLEMS, check_path, is_signed, parse_keys
from tests.publish.publications.signed_folders import (
    AT,
    FILES,
    new_signing_key,
    office_file,
    published_list,
    signed_files,
    write_folder,
)

# RFC 8032, section 7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
        "1cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
        "d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760"
        "984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]  # fmt: skip
KEY = new_signing_key()


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_vectors_of_the_rfc_hold(key: str, message: str, signature: str) -> None:
    parts = bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature)
    assert is_signed(*parts)
    assert is_signed_by_library(*parts)
    assert not is_signed(parts[0], parts[1] + b"x", parts[2])


@given(
    message=st.binary(max_size=200),
    flipped=st.none() | st.tuples(st.sampled_from(["key", "signature"]), st.integers(0, 511)),
)
@settings(max_examples=60)
def test_the_script_answers_as_the_library_does(
    message: bytes, flipped: tuple[str, int] | None
) -> None:
    key, signature = bytearray(KEY.public_bytes), bytearray(KEY.private.sign(message))
    if flipped is not None:
        changed = key if flipped[0] == "key" else signature
        changed[flipped[1] // 8 % len(changed)] ^= 1 << flipped[1] % 8
    expected = is_signed_by_library(bytes(key), message, bytes(signature))
    assert is_signed(bytes(key), message, bytes(signature)) == expected == (flipped is None)


def test_a_signature_is_refused_whose_scalar_was_grown_by_the_order() -> None:
    signature = KEY.private.sign(b"text")
    grown = int.from_bytes(signature[32:], "little") + verify._ORDER
    forged = signature[:32] + grown.to_bytes(32, "little")
    assert not is_signed(KEY.public_bytes, b"text", forged)


def findings(path: Path, text: str | None = None) -> list[tuple[str, str, str]]:
    published = parse_keys(published_list(KEY) if text is None else text)
    return [tuple(finding) for finding in check_path(path, published).findings]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "release", signed_files(KEY))


def test_a_folder_an_archive_and_each_file_are_genuine(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "release.zip"
    archive.write_bytes(zip_files(signed_files(KEY), AT))
    for path in (folder, archive, *(folder / name for name in FILES), folder / "release.json"):
        assert findings(path) == [], path


def test_a_changed_byte_is_named_with_its_block(folder: Path) -> None:
    file = folder / "figures.csv"
    data = bytearray(file.read_bytes())
    data[5000] ^= 1
    file.write_bytes(data)
    expected = [("figures.csv", "changed", "4096–5119")]
    assert findings(folder) == findings(file) == expected
    assert findings(folder / "empty.csv") == []


def test_a_longer_and_a_shorter_file_say_so(folder: Path) -> None:
    (folder / "empty.csv").write_bytes(b"x")
    file = folder / "figures.csv"
    file.write_bytes(file.read_bytes()[:-3])
    assert findings(folder) == [
        ("figures.csv", "changed", "11997 ≠ 12000 bytes; 11264–11999"),
        ("empty.csv", "changed", "> 0 ≠ 0 bytes"),
    ]


def test_of_an_office_file_the_changed_part_is_named(folder: Path) -> None:
    (folder / "reports/110000.docx").write_bytes(office_file("99.9"))
    ((file, problem, detail),) = findings(folder)
    assert (file, problem) == ("reports/110000.docx", "changed")
    assert detail.endswith("word/document.xml")
    assert "Content_Types" not in detail


def test_missing_and_added_files_are_named(folder: Path) -> None:
    (folder / "empty.csv").unlink()
    (folder / "more.csv").write_bytes(b"1")
    (folder / "link.csv").symlink_to("/etc/passwd")
    assert {finding[:2] for finding in findings(folder)} == {
        ("empty.csv", "missing"), ("more.csv", "unlisted"), ("link.csv", "unlisted"),
    }  # fmt: skip
    assert findings(folder / "more.csv") == [("more.csv", "unlisted", "")]


def test_a_link_in_place_of_a_file_is_not_followed(folder: Path) -> None:
    file = folder / "figures.csv"
    elsewhere = file.rename(folder.parent / "elsewhere.csv")
    file.symlink_to(elsewhere)
    assert [finding[:2] for finding in findings(folder)] == [("figures.csv", "unreadable")]


def test_a_changed_manifest_is_believed_in_nothing(folder: Path) -> None:
    manifest = folder / "release.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"scores", b"names!"))
    assert findings(folder) == [("release.json", "signature", "")]
    assert check_path(folder, parse_keys(published_list(KEY))).manifest == {}


def test_keys_that_do_not_vouch(folder: Path) -> None:
    other = new_signing_key()
    assert findings(folder, published_list(other)) == [("release.sig", "key_unknown", KEY.id)]
    withdrawn = published_list(KEY, withdrawn="2026-06-01")
    assert findings(folder, withdrawn) == [("release.sig", "key_withdrawn", KEY.id)]
    assert findings(folder, published_list(KEY, demo=True)) == [
        ("release.sig", "key_of_demo", KEY.id)
    ]
    nothing = check_path(folder, None).findings
    assert [finding.problem for finding in nothing] == ["no_keys"]
    # A key of one's own under the id of the published one.
    forged = json.loads((folder / "release.sig").read_bytes())
    forged["signature"] = b64encode(
        other.private.sign((folder / "release.json").read_bytes())
    ).decode()
    (folder / "release.sig").write_text(json.dumps(forged))
    assert findings(folder) == [("release.json", "signature", "")]


def test_a_key_alone_and_an_older_key_vouch(folder: Path) -> None:
    assert findings(folder, b64encode(KEY.public_bytes).decode() + "\n") == []
    assert findings(folder, published_list(KEY, new_signing_key())) == []


def test_a_release_that_was_taken_back_is_not_genuine(folder: Path) -> None:
    retracted = published_list(KEY, retracted=[{"id": "main-2026-1", "at": "2026-06-02"}])
    assert findings(folder, retracted) == [("release.json", "retracted", "2026-06-02")]


def test_a_corrected_release_is_genuine_and_says_so(folder: Path, tmp_path: Path) -> None:
    corrected = [{"id": "main-2026-1", "by": "main-2026-3"}]
    keys = tmp_path / "keys.json"
    for text, note in (
        (published_list(KEY, corrected=corrected), "corrected: main-2026-1 → main-2026-3"),
        (published_list(KEY), ""),
    ):
        keys.write_text(text)
        run = _run_script(folder, "--keys", str(keys))
        assert (run.returncode, note in run.stdout) == (0, True), run.stderr
        assert ("→" in run.stdout) == bool(note)


def test_an_archive_that_leads_out_of_its_folder_writes_nothing(tmp_path: Path) -> None:
    files = signed_files(KEY)
    archive = tmp_path / "in" / "release.zip"
    archive.parent.mkdir()
    with ZipFile(archive, "w", ZIP_STORED) as out:
        for name, data in {**files, "../evil.py": b"1", "/tmp/evil2": b"2", "a\\b": b"3"}.items():
            out.writestr(name, data)
        with pytest.warns(UserWarning, match="Duplicate"):
            out.writestr("empty.csv", b"other")
    assert {finding[:2] for finding in findings(archive)} >= {
        ("../evil.py", "unsafe_name"), ("/tmp/evil2", "unsafe_name"), ("empty.csv", "twice"),
    }  # fmt: skip
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in", "release.zip"]


def write_archive(path: Path, change: Callable[[bytes], bytes] = bytes) -> Path:
    path.write_bytes(change(zip_files(signed_files(KEY), AT)))
    return path


PDF = b"%PDF-1.4\n1 0 obj << >> endobj\n"


def test_a_forged_report_that_carries_a_genuine_archive_is_none(tmp_path: Path) -> None:
    """A reader of PDF looks for its marks anywhere; a reader of ZIP only at the end."""
    forged = write_archive(tmp_path / "city-110000.pdf", lambda data: PDF + data)
    assert findings(forged) == [("city-110000.pdf", "no_manifest", "")]
    keys = tmp_path / "keys.json"
    keys.write_text(published_list(KEY))
    run = _run_script(forged, "--keys", str(keys))
    assert (run.returncode, "NOT GENUINE" in run.stdout) == (1, True)


def _with_comment(data: bytes) -> bytes:
    buffer = BytesIO(data)
    with ZipFile(buffer, "a") as archive:
        archive.comment = PDF
    return buffer.getvalue()


def _with_extra_field(data: bytes) -> bytes:
    with ZipFile(BytesIO(data)) as archive:
        infos, contents = archive.infolist(), {n: archive.read(n) for n in archive.namelist()}
    buffer = BytesIO()
    with ZipFile(buffer, "w") as out:
        for info in infos:
            info.extra = b"\x99\x99\x04\x00PDF!" if info is infos[0] else b""
            out.writestr(info, contents[info.filename])
    return buffer.getvalue()


def _with_gap(data: bytes) -> bytes:
    """Bytes between the last file and the directory, and a directory that knows of them."""
    start = int.from_bytes(data[-6:-2], "little")
    end = data[-22:-6] + (start + len(PDF)).to_bytes(4, "little") + data[-2:]
    return data[:start] + PDF + data[start:-22] + end


def _with_bytes_behind_a_stream(data: bytes) -> bytes:
    """Bytes in the packed length of the last file, behind the end of its stream."""
    start = int.from_bytes(data[-6:-2], "little")
    with ZipFile(BytesIO(data)) as archive:
        info = max(archive.infolist(), key=lambda each: each.header_offset)
    size = (info.compress_size + len(PDF)).to_bytes(4, "little")
    local = bytearray(data[:start] + PDF)
    local[info.header_offset + 18 : info.header_offset + 22] = size
    directory = bytearray(data[start:-22])
    at = directory.rindex(info.filename.encode()) - 46
    directory[at + 20 : at + 24] = size
    end = data[-22:-6] + len(local).to_bytes(4, "little") + data[-2:]
    return bytes(local + directory) + end


def _with_a_longer_stream(data: bytes) -> bytes:
    """A stream that unpacks to more than its entry says; other programs write all of it."""
    with ZipFile(BytesIO(data)) as archive:
        infos = archive.infolist()
        contents = {each.filename: archive.read(each.filename) for each in infos}
    packed, directory = b"", b""
    for info in infos:
        content = contents[info.filename]
        stream = zlib.compressobj(6, zlib.DEFLATED, -15)
        raw = stream.compress(content + (b"110000,99.9" if info is infos[0] else b""))
        raw += stream.flush()
        name = info.filename.encode()
        head = struct.pack(
            "<HHHHHIIIHH", 20, 0, 8, 0, 33, zlib.crc32(content), len(raw), len(content),
            len(name), 0,
        )  # fmt: skip
        directory += (
            b"PK\1\2" + struct.pack("<H", 20) + head
            + struct.pack("<HHHII", 0, 0, 0, 0, len(packed)) + name
        )  # fmt: skip
        packed += b"PK\3\4" + head + name + raw
    count = len(infos)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(directory), len(packed), 0)
    return packed + directory + end


@pytest.mark.parametrize(
    "change",
    [
        _with_a_longer_stream,
        lambda data: PDF + data,
        lambda data: data + PDF,
        _with_comment,
        _with_extra_field,
        _with_gap,
        _with_bytes_behind_a_stream,
    ],
)
def test_bytes_of_an_archive_that_are_no_file_of_it_are_refused(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    assert findings(write_archive(tmp_path / "whole.zip")) == []
    archive = write_archive(tmp_path / "release.ZIP", change)
    with ZipFile(archive) as opened:
        assert {each: opened.open(each).read() for each in opened.namelist()} == signed_files(KEY)
    assert findings(archive) == [("release.ZIP", "hidden_bytes", "")]


def test_a_folder_in_an_archive_is_no_part_of_the_release(tmp_path: Path) -> None:
    def add_folder(data: bytes) -> bytes:
        buffer = BytesIO(data)
        with ZipFile(buffer, "a") as archive:
            archive.writestr("more/", b"99.9")
        return buffer.getvalue()

    archive = write_archive(tmp_path / "release.zip", add_folder)
    assert ("unsafe_name" in str(findings(archive))) or ("unlisted" in str(findings(archive)))


def test_a_damaged_archive_is_refused_and_no_crash(tmp_path: Path) -> None:
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as out:
        for name, data in signed_files(KEY).items():
            out.writestr(name, data)
    damaged = bytearray(buffer.getvalue())
    damaged[damaged.index(b"00500,80.1") + 8] ^= 1
    archive = tmp_path / "release.zip"
    archive.write_bytes(damaged)
    assert [finding[0] for finding in findings(archive)] == ["figures.csv"]
    archive.write_bytes(damaged[:100])
    assert [finding[1] for finding in findings(archive)] == ["unreadable"]


@given(noise=st.binary(max_size=300))
@settings(max_examples=60)
def test_no_manifest_of_noise_is_believed(noise: bytes, tmp_path_factory) -> None:
    folder = write_folder(
        tmp_path_factory.mktemp("noise"), {"release.json": noise, "release.sig": KEY.sign(noise)}
    )
    assert findings(folder) == [("release.json", "manifest_form", "")]


@pytest.mark.parametrize("text", ["", "{}", '{"keys": [{}]}', "AAAA", '{"keys": 3}', "not base64!"])
def test_odd_lists_of_keys_are_wrong_usage(text: str, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(text)
    run = _run_script(folder, "--keys", str(file))
    assert run.returncode == (1 if not text else 2)
    assert "Traceback" not in run.stderr


def test_a_stranger_runs_it_alone(folder: Path, tmp_path: Path) -> None:
    """A copy of the script, isolated from this project and from every installed package."""
    keys = tmp_path / "release-keys.json"
    keys.write_text(published_list(KEY))
    good = _run_script(folder, "--keys", str(keys))
    assert (good.returncode, "main-2026-1" in good.stdout) == (0, True), good.stderr
    file = folder / "figures.csv"
    file.write_bytes(file.read_bytes().replace(b"00000", b"00001", 1))
    bad = _run_script(folder, "--keys", str(keys))
    assert bad.returncode == 1
    assert "figures.csv" in bad.stdout
    assert "0–1023" in bad.stdout


def test_a_demonstration_says_so(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "demo", signed_files(KEY, demo=True))
    key = b64encode(KEY.public_bytes).decode()
    assert "DEMONSTRATION" in _run_script(folder, "--key", key).stdout


def _run_script(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    script = folder.parent / "verify.py"
    script.write_bytes(Path(verify.__file__).read_bytes())
    return subprocess.run(
        [sys.executable, "-I", "-S", str(script), *options, str(folder)],
        capture_output=True, text=True, check=False, encoding="utf-8",
    )  # fmt: skip


def test_each_problem_has_a_text_in_the_catalog() -> None:
    assert set(PROBLEM_NAMES) == set(PROBLEMS)


def test_a_key_line_is_never_shown() -> None:
    with pytest.raises(Exception, match="signing key") as caught:
        SigningKey.parse("c2VjcmV0")
    assert "c2VjcmV0" not in str(caught.value)
