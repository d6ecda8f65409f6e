"""Secrets of second factors are never stored readably, with or without a configured key."""

import subprocess
import sys
from base64 import b32encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import pytest
from sqlmodel import Session

from survey.access.roles import Role
from survey.access.second_factor import (
    confirm_enrolment,
    count_secrets,
    count_unencrypted,
    encrypt_secrets,
    encrypted_secret,
    is_unencrypted,
    plain_secret,
    start_enrolment,
    verify_factor,
)
from survey.settings import current_settings
from survey.store.cipher import InvalidPhoneKeyError, ValueUnreadableError, new_key, secret_cipher
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, Credential, new_id

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
SECRET = b32encode(b"a made-up secret!!!!").decode()


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the key will be made; nothing is configured."""
    monkeypatch.setenv("SURVEY_SECRET_KEY_FILE", str(tmp_path / "data" / "secret.key"))
    current_settings.cache_clear()
    yield tmp_path / "data" / "secret.key"
    monkeypatch.undo()
    current_settings.cache_clear()


def configured(monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    monkeypatch.setenv("SURVEY_PHONE_KEY", ",".join(keys))
    current_settings.cache_clear()


def person(session: Session, secret: str | None = None) -> Credential:
    account = Account(id=new_id(), login=f"p{new_id()}", name="P", role=Role.ANALYST, area="CN")
    session.add(account)
    session.flush()
    credential = Credential(account_id=account.id, totp_secret=secret)
    credential.totp_since = NOW if secret else None
    session.add(credential)
    session.flush()
    return credential


def code(secret: str) -> str:
    return pyotp.TOTP(secret).at(NOW)


def test_a_new_secret_is_encrypted_with_a_key_made_for_it(store_url: str, key_file: Path) -> None:
    with session_scope(store_url) as session:
        credential = person(session)
        shown = start_enrolment(session=session, credential=credential, login="p")
        again = start_enrolment(session=session, credential=credential, login="p")
        assert shown == again
        session.expire(credential)
        stored = credential.totp_secret or ""
        assert shown.secret not in stored
        assert not is_unencrypted(stored)
        confirm_enrolment(session=session, credential=credential, code=code(shown.secret), now=NOW)
    assert key_file.stat().st_mode & 0o777 == 0o600
    with read_scope(store_url) as session:
        assert count_secrets(session) == (0, 0, 1)


def test_it_opens_for_its_own_account_only(store_url: str, key_file: Path) -> None:
    with session_scope(store_url) as session:
        mine, theirs = person(session), person(session)
        start_enrolment(session=session, credential=mine, login="p")
        theirs.totp_secret = mine.totp_secret
        assert plain_secret(mine) is not None
        assert plain_secret(theirs) is None


def test_without_its_key_codes_are_wrong_and_recovery_codes_right(
    store_url: str, key_file: Path
) -> None:
    with session_scope(store_url) as session:
        credential = person(session)
        secret = start_enrolment(session=session, credential=credential, login="p").secret
        recovery, *_ = confirm_enrolment(
            session=session, credential=credential, code=code(secret), now=NOW
        )
        credential.totp_step = None
        key_file.unlink()
        answers = [
            verify_factor(session=session, credential=credential, code=each, now=NOW)
            for each in (code(secret), recovery)
        ]
        assert answers == [None, "recovery"]
        assert count_secrets(session) == (0, 1, 1)


def test_unencrypted_ones_still_work_and_are_encrypted_at_once(
    store_url: str, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_scope(store_url) as session:
        credential = person(session, SECRET)
        assert count_unencrypted(session) == 1
        assert verify_factor(session=session, credential=credential, code=code(SECRET), now=NOW)
    with session_scope(store_url) as session:
        assert count_unencrypted(session) == 0
        session.get_one(Credential, credential.account_id).totp_secret = SECRET
    with session_scope(store_url) as session:
        cipher = secret_cipher(current_settings())
        assert count_unencrypted(session) == 1
        assert encrypt_secrets(session=session, cipher=cipher, now=NOW) == (1, 0)
        assert count_unencrypted(session) == 0
    with read_scope(store_url) as session:
        assert plain_secret(session.get_one(Credential, credential.account_id)) == SECRET


def test_a_configured_key_takes_over_from_the_file_and_keys_rotate(
    store_url: str, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_scope(store_url) as session:
        credential = person(session)
        credential.totp_secret = encrypted_secret(credential.account_id, SECRET)
    first, second = new_key(), new_key()
    for keys in ((first,), (second, first), (second,)):
        configured(monkeypatch, *keys)
        with session_scope(store_url) as session:
            cipher = secret_cipher(current_settings())
            assert encrypt_secrets(session=session, cipher=cipher, now=NOW) == (1, 0)
        key_file.unlink(missing_ok=True)
        with read_scope(store_url) as session:
            assert plain_secret(session.get_one(Credential, credential.account_id)) == SECRET
    assert not key_file.exists()
    configured(monkeypatch, first)
    with session_scope(store_url) as session:
        cipher = secret_cipher(current_settings())
        assert encrypt_secrets(session=session, cipher=cipher, now=NOW) == (0, 1)


def test_a_key_that_cannot_be_made_is_told(key_file: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(InvalidPhoneKeyError, match=r"secret\.key"):
        secret_cipher(current_settings())
    (tmp_path / "data").unlink()
    key_file.parent.mkdir()
    key_file.write_text("no key")
    with pytest.raises(InvalidPhoneKeyError):
        secret_cipher(current_settings())


def test_processes_that_make_the_key_together_have_the_same(key_file: Path) -> None:
    script = (
        "from survey.store.cipher import secret_cipher\n"
        "from survey.settings import current_settings\n"
        "secret_cipher(current_settings())\n"
        "print(current_settings().own_key_file.read_text())"
    )
    makers = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) for _ in range(3)
    ]
    keys = {maker.communicate()[0] for maker in makers}
    assert len(keys) == 1
    assert [path.name for path in key_file.parent.iterdir()] == ["secret.key"]
    cipher = secret_cipher(current_settings())
    with pytest.raises(ValueUnreadableError):
        cipher.decrypt("b", cipher.encrypt("a", "x"))
