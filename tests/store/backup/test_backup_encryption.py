"""An encrypted backup is an age file: others open it, and it opens only as it was written."""

import io
import os
import resource
import shutil
import subprocess
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.store.backup import age_passphrase
from survey.store.backup.encryption import (
    OLD_MAGIC,
    BackupSecret,
    EncryptedReader,
    EncryptedWriter,
    is_encrypted,
    needs_passphrase,
    new_key_file,
)
from survey.store.backup.manifest import BackupDamagedError, BackupLockedError
from tests.error_codes import raises_code

KEY_TEXT = new_key_file()
KEY = BackupSecret.key_file(KEY_TEXT.encode())
PHRASE = BackupSecret.passphrase("a long enough passphrase")
CONTENT = b"the answers of everybody" * 20
CHUNK = 64 << 10
"""Of the age format: what the payload is cut into."""


@cache
def one_file(secret: BackupSecret) -> bytes:
    """The same for every example: each file of age has another length."""
    return encrypted(CONTENT, secret)


@pytest.fixture(autouse=True)
def _cheap_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age_passphrase, "_WORK_FACTOR", 4)


def encrypted(content: bytes, secret: BackupSecret = KEY) -> bytes:
    target = io.BytesIO()
    writer = EncryptedWriter(target, secret)
    for start in range(0, len(content), 50_000):
        writer.write(content[start : start + 50_000])
    writer.close()
    return target.getvalue()


def opened(data: bytes, secret: BackupSecret | None = KEY) -> bytes:
    reader = EncryptedReader(io.BytesIO(data), secret)
    try:
        return reader.read()
    finally:
        reader.close()


@pytest.mark.parametrize("secret", [KEY, PHRASE], ids=["key", "passphrase"])
@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 300_000])
def test_what_was_written_comes_out(size: int, secret: BackupSecret) -> None:
    content = (bytes(range(256)) * 1200)[:size]
    assert opened(encrypted(content, secret), secret) == content


def test_pyrage_alone_opens_both_kinds() -> None:
    """Without a line of ours: should this software be gone one day."""
    identity = pyrage.x25519.Identity.from_str(KEY_TEXT.splitlines()[1])
    assert pyrage.decrypt(encrypted(CONTENT), [identity]) == CONTENT
    data = encrypted(CONTENT, PHRASE)
    assert pyrage.passphrase.decrypt(data, "a long enough passphrase") == CONTENT


@pytest.mark.slow
def test_files_that_pyrage_made_alone_open_here() -> None:
    data = pyrage.encrypt(CONTENT, [pyrage.x25519.Recipient.from_str(KEY_TEXT.split()[3])])
    assert opened(data) == CONTENT
    data = pyrage.passphrase.encrypt(CONTENT, "a long enough passphrase")
    assert opened(data, PHRASE) == CONTENT


@pytest.mark.skipif(shutil.which("age") is None, reason="the tool age is not installed")
def test_the_tool_age_opens_both_kinds(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY_TEXT)
    (tmp_path / "by-key").write_bytes(encrypted(CONTENT))
    command = ["age", "--decrypt", "-i", str(tmp_path / "key"), str(tmp_path / "by-key")]
    assert subprocess.run(command, capture_output=True, check=True).stdout == CONTENT
    (tmp_path / "by-phrase").write_bytes(encrypted(CONTENT, PHRASE))
    assert _typed(tmp_path, "a long enough passphrase") == CONTENT


def _typed(folder: Path, phrase: str) -> bytes:
    """age asks for a passphrase at a terminal and nowhere else."""
    pid, terminal = os.forkpty()
    if pid == 0:
        out = str(folder / "opened")
        os.execvp("age", ["age", "--decrypt", "-o", out, str(folder / "by-phrase")])
    seen = b""
    while b"passphrase" not in seen.lower():
        seen += os.read(terminal, 1000)
    os.write(terminal, phrase.encode() + b"\n")
    with suppress(OSError):  # The terminal is gone when age has ended.
        while os.read(terminal, 1000):
            pass
    _, status = os.waitpid(pid, 0)
    assert status == 0
    return (folder / "opened").read_bytes()


@pytest.mark.parametrize("secret", [KEY, PHRASE], ids=["key", "passphrase"])
@settings(max_examples=60)
@given(data=st.data())
def test_no_byte_can_be_changed(secret: BackupSecret, data: st.DataObject) -> None:
    file = bytearray(one_file(secret))
    place = data.draw(st.integers(len(age_passphrase.MAGIC), len(file) - 1))
    file[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises((BackupDamagedError, BackupLockedError)):
        opened(bytes(file), secret)


@pytest.mark.parametrize("secret", [KEY, PHRASE], ids=["key", "passphrase"])
@settings(max_examples=60)
@given(data=st.data())
def test_no_end_can_be_cut_off_and_nothing_added(secret: BackupSecret, data: st.DataObject) -> None:
    file = one_file(secret)
    with pytest.raises((BackupDamagedError, BackupLockedError)):
        opened(file[: data.draw(st.integers(0, len(file) - 1))], secret)
    with pytest.raises(BackupDamagedError):
        opened(file + data.draw(st.binary(min_size=1, max_size=200)), secret)


def test_chunks_cannot_be_swapped_or_left_out() -> None:
    file = encrypted(os.urandom(4 * CHUNK))
    length = age_passphrase.header_length(file)
    assert length is not None
    start, size = length + 16, CHUNK + 16
    first, second = file[start : start + size], file[start + size : start + 2 * size]
    with pytest.raises(BackupDamagedError):
        opened(file[:start] + second + first + file[start + 2 * size :])
    with pytest.raises(BackupDamagedError):
        opened(file[:start] + file[start + size :])
    with pytest.raises(BackupDamagedError):
        opened(file[: start + 2 * size])


def test_another_secret_is_told_apart_from_damage() -> None:
    file = encrypted(CONTENT, PHRASE)
    with pytest.raises(BackupLockedError, match="passphrase does not open"):
        opened(file, BackupSecret.passphrase("another long passphrase"))
    with pytest.raises(BackupLockedError, match="with a passphrase"):
        opened(file, None)
    with pytest.raises(BackupLockedError, match="with a passphrase"):
        opened(file, KEY)
    with pytest.raises(BackupLockedError, match="key file does not open"):
        opened(encrypted(CONTENT), BackupSecret.key_file(new_key_file().encode()))
    with pytest.raises(BackupLockedError, match="--key-file"):
        opened(encrypted(CONTENT), PHRASE)


def test_a_public_key_writes_and_does_not_read() -> None:
    public = BackupSecret.public_keys([KEY_TEXT.split()[3]])
    file = encrypted(CONTENT, public)
    assert opened(file) == CONTENT
    with pytest.raises(BackupLockedError):
        opened(file, public)


def test_a_file_that_asks_for_a_gigabyte_to_be_opened_is_refused() -> None:
    file = encrypted(CONTENT, PHRASE).replace(b" 4\n", b" 30\n", 1)
    with pytest.raises(BackupDamagedError):
        opened(file, PHRASE)


def test_the_same_content_never_looks_the_same_twice() -> None:
    for secret in (KEY, PHRASE):
        files = [encrypted(CONTENT, secret) for _ in range(2)]
        starts = {file[22:] for file in files} | {file[-300:] for file in files}
        assert len(starts) == 4


def test_weak_and_unusable_secrets_are_refused() -> None:
    with raises_code("weak_secret"):
        BackupSecret.passphrase("short")
    for content in (b"", b"short", bytes(range(32)), b"# only a comment", b"AGE-SECRET-KEY-1XX"):
        with raises_code("key_file_unusable"):
            BackupSecret.key_file(content)
    with raises_code("key_file_unusable"):
        BackupSecret.public_keys(["age1nobody"])


def test_what_a_file_is_shows_at_its_start() -> None:
    assert needs_passphrase(encrypted(b"", PHRASE))
    assert not needs_passphrase(encrypted(b""))
    assert is_encrypted(encrypted(b""))
    assert not is_encrypted(b"tables/wave")
    with pytest.raises(BackupLockedError, match=r"0\.1\.0"):
        is_encrypted(OLD_MAGIC + bytes(100))


class _Full(io.RawIOBase):
    """A disk that takes a little and no more."""

    taken = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.taken += len(bytes(data))  # type: ignore[call-overload]
        if self.taken > 2 * CHUNK:
            raise OSError(28, "No space left on device")
        return len(bytes(data))  # type: ignore[call-overload]


@pytest.mark.parametrize("secret", [KEY, PHRASE], ids=["key", "passphrase"])
def test_a_full_disk_is_told_as_such(secret: BackupSecret) -> None:
    before = threading.active_count()
    writer = EncryptedWriter(_Full(), secret)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="No space left"):
        writer.write(bytes(200 * CHUNK))
    writer.discard()
    assert threading.active_count() == before


def test_whoever_stops_in_the_middle_leaves_no_thread() -> None:
    before = threading.active_count()
    reader = EncryptedReader(io.BytesIO(encrypted(bytes(8 << 20))), KEY)
    assert reader.read(10) == bytes(10)
    reader.close()
    EncryptedWriter(io.BytesIO(), KEY).discard()
    assert threading.active_count() == before


@pytest.mark.parametrize("secret", [KEY, PHRASE], ids=["key", "passphrase"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, secret: BackupSecret) -> None:
    """The sink is a file, so that nothing here holds the 200 MB either."""
    piece = os.urandom(1 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (tmp_path / "large").open("wb") as target:
        writer = EncryptedWriter(target, secret)
        for _ in range(200):
            writer.write(piece)
        writer.close()
    with (tmp_path / "large").open("rb") as source:
        reader = EncryptedReader(source, secret)
        total = 0
        while data := reader.read(1 << 20):
            total += len(data)
        reader.close()
    assert total == 200 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # in kB
