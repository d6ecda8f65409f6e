"""An encrypted backup opens with its own secret only, and only as it was written."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.store.backup import sealing
from survey.store.backup.errors import BackupDamaged, BackupLocked
from survey.store.backup.sealing import SealedReader, SealedWriter, Secret, WeakSecret

KEY = Secret.key_file(bytes(range(32)))


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "CHUNK", 64)


def sealed(content: bytes, secret: Secret = KEY) -> bytes:
    target = io.BytesIO()
    writer = SealedWriter(target, secret)
    for start in range(0, len(content), 50):
        writer.write(content[start : start + 50])
    writer.close()
    return target.getvalue()


def opened(data: bytes, secret: Secret | None = KEY) -> bytes:
    return SealedReader(io.BytesIO(data), secret).read()


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 128, 1000])
def test_what_was_written_comes_out(size: int) -> None:
    content = bytes(range(256)) * 4
    assert opened(sealed(content[:size])) == content[:size]


CONTENT = b"the answers of everybody" * 20


@given(st.data())
def test_no_byte_can_be_changed(data: st.DataObject) -> None:
    file = bytearray(sealed(CONTENT))
    place = data.draw(st.integers(16, len(file) - 1))
    file[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises((BackupDamaged, BackupLocked)):
        opened(bytes(file))


@given(st.data())
def test_no_end_can_be_cut_off_and_nothing_added(data: st.DataObject) -> None:
    file = sealed(CONTENT)
    with pytest.raises(BackupDamaged):
        opened(file[: data.draw(st.integers(0, len(file) - 1))])
    with pytest.raises(BackupDamaged):
        opened(file + data.draw(st.binary(min_size=1, max_size=200)))


def test_chunks_cannot_be_swapped() -> None:
    file = sealed(CONTENT)
    start, size = sealing._LAYOUT.size, 64 + 16
    first, second = file[start : start + size], file[start + size : start + 2 * size]
    with pytest.raises(BackupDamaged):
        opened(file[:start] + second + first + file[start + 2 * size :])


def test_another_secret_is_told_apart_from_damage() -> None:
    phrase = Secret.passphrase("a long enough passphrase")
    file = sealed(CONTENT, phrase)
    assert opened(file, phrase) == CONTENT
    with pytest.raises(BackupLocked, match="passphrase does not open"):
        opened(file, Secret.passphrase("another long passphrase"))
    with pytest.raises(BackupLocked, match="with a passphrase"):
        opened(file, None)
    with pytest.raises(BackupLocked, match="with a passphrase"):
        opened(file, KEY)
    with pytest.raises(BackupLocked, match="key file does not open"):
        opened(sealed(CONTENT), Secret.key_file(bytes(32)))
    with pytest.raises(BackupLocked, match="--key-file"):
        opened(sealed(CONTENT), phrase)


def test_the_same_content_never_looks_the_same_twice() -> None:
    assert sealed(CONTENT)[16:] != sealed(CONTENT)[16:]


def test_weak_secrets_are_refused() -> None:
    with pytest.raises(WeakSecret):
        Secret.passphrase("short")
    with pytest.raises(WeakSecret):
        Secret.key_file(b"short")
