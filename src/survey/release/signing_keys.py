"""Keys that sign publications, private and registered ones, and time stamps.

A private key is a line of a file or a setting, the newest last; the newest signs. A public key
stays valid after a newer one signs, until it is withdrawn: what it signed is then genuine no more.
Demonstrations sign with a key of their own in the data folder, which vouches for nothing else.
"""

import base64
import os
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from sqlmodel import Session, col, select

from survey.access.audit import actor_id, require_reason
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import Message, SurveyError, msg
from survey.release.transparency_log import append_acts, describe_key_acts
from survey.release.verify import MAX_TIME_STAMP_BYTES, key_id_of
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.private_files import open_private
from survey.store.tables import PublicationKey

MAX_SECONDS = 15.0
_REQUEST_TYPE = "application/timestamp-query"


class TimeStampError(SurveyError):
    """Raised when a time stamp cannot be obtained, or is not valid."""

    code = "time_stamp_invalid"


def read_authorities(file: Path) -> list[x509.Certificate]:
    """Return the certificates in a PEM file; raise `TimeStampError` if it cannot be read."""
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise TimeStampError(
            msg(
                "The certificates of the time stamp server cannot be read ({file}).", file=file.name
            )
        ) from error


def request_time_stamp(settings: Settings, message: bytes) -> bytes | None:
    """Return the checked time stamp of a message; None where no server is set.

    Raises:
        TimeStampError: the server does not answer, or with a stamp that does not hold.
    """
    if not settings.time_stamp_url:
        return None
    if settings.time_stamp_certificates is None:
        raise TimeStampError(
            msg("A time stamp server is set without its certificates; set both, or neither.")
        )
    authorities = read_authorities(settings.time_stamp_certificates)
    request = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256).build()
    stamp = b""
    try:
        with httpx2.stream(
            "POST",
            settings.time_stamp_url,
            content=request.as_bytes(),
            headers={"Content-Type": _REQUEST_TYPE},
            timeout=MAX_SECONDS,
            trust_env=False,
        ) as answer:
            answer.raise_for_status()
            for data in answer.iter_bytes():
                stamp += data
                if len(stamp) > MAX_TIME_STAMP_BYTES:
                    raise TimeStampError(msg("The time stamp does not hold."))
    except httpx2.HTTPError as error:
        raise TimeStampError(
            msg("The time stamp server does not answer. Please try again later.")
        ) from error
    check_time_stamp(stamp, message, authorities, nonce=request.nonce)
    return stamp


def check_time_stamp(
    stamp: bytes, message: bytes, authorities: Sequence[x509.Certificate], nonce: int | None = None
) -> datetime:
    """Return the UTC time of a message's stamp; raise unless valid by `authorities` and `nonce`.

    Args:
        nonce: That of the request, right after it; a stored stamp is checked without.

    Raises:
        TimeStampError: the stamp is not one of these authorities, or of another message.
    """
    builder = VerifierBuilder(roots=list(authorities), nonce=nonce)
    try:
        response: TimeStampResponse = decode_timestamp_response(stamp)
        builder.build().verify_message(response, message)
        at = response.tst_info.gen_time
    except (VerificationError, ValueError) as error:
        raise TimeStampError(msg("The time stamp does not hold.")) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


DEMO_KEY_FILE = "release-demo.key"


class SigningKeyError(SurveyError):
    """Raised when a key that signs is missing, unusable, unknown or withdrawn."""

    code = "signing_key_unusable"


@dataclass(frozen=True)
class SigningKey:
    """Ed25519 private key that signs manifests of publications, with its public half."""

    private: Ed25519PrivateKey

    @classmethod
    def parse(cls, line: str) -> "SigningKey":
        """Return the key in one line of a key file; `SigningKeyError` never shows the line."""
        try:
            secret = base64.b64decode(line.strip(), validate=True)
            return cls(Ed25519PrivateKey.from_private_bytes(secret))
        except (ValueError, Base64Error) as error:
            raise SigningKeyError(
                msg("A signing key is not usable. Make one with: survey release key new")
            ) from error

    @property
    def public_bytes(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        return key_id_of(self.public_bytes)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message as JSON: algorithm, id of the key, signature."""
        document = {
            "algorithm": "Ed25519",
            "key_id": self.id,
            "signature": base64.b64encode(self.private.sign(message)).decode(),
        }
        return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def is_signed_by_library(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a signature is valid, by library `cryptography` instead of `verify.py`."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def new_key_line() -> str:
    """Return a new private key as a line of a key file."""
    return base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()


def add_key_to_file(file: Path) -> SigningKey:
    """Append a new private key to a file that its owner alone can read, and return it."""
    line = new_key_line()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(file, "a", opener=open_private, encoding="ascii") as out:
            out.write(line + "\n")
    except OSError as error:
        raise SigningKeyError(
            msg(
                "The key file {file} cannot be written ({reason}).",
                file=file,
                reason=error.strerror,
            )
        ) from error
    return SigningKey.parse(line)


def read_signing_keys(settings: Settings) -> list[SigningKey]:
    """Return the private keys that the settings name, the newest last; empty if there are none.

    Raises:
        SigningKeyError: A key cannot be read.
    """
    file = settings.release_key_file
    keys = read_key_file(file) if file else []
    lines = settings.release_key.get_secret_value().replace(",", " ").split()
    return [*keys, *(SigningKey.parse(line) for line in lines)]


def read_key_file(file: Path) -> list[SigningKey]:
    """Return the private keys of a file, the newest last; none where there is no file.

    Raises:
        SigningKeyError: A key cannot be read.
    """
    return [SigningKey.parse(line) for line in _read_key_lines(file)]


def _read_key_lines(file: Path) -> list[str]:
    try:
        lines = file.read_text("ascii").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise SigningKeyError(msg("The key file {file} cannot be read.", file=file.name)) from error
    return [line for line in lines if line.strip() and not line.startswith("#")]


def find_signing_key(work: Work, *, is_demo: bool) -> SigningKey:
    """Return the private key that signs now; for a demonstration create it if missing.

    Raises:
        SigningKeyError: none is configured, or it is not registered or was withdrawn.
    """
    work.require(Action.RELEASE)
    if is_demo:
        return _get_demo_key(work.settings, work.session)
    keys = read_signing_keys(work.settings)
    if not keys:
        raise SigningKeyError(
            msg(
                "No key signs releases here yet. The operator names a file in "
                "SURVEY_RELEASE_KEY_FILE, away from the data, and makes the key with the command: "
                "survey release key new"
            )
        )
    known = work.session.get(PublicationKey, keys[-1].id)
    if known is None or known.withdrawn_at is not None or known.is_demo:
        raise SigningKeyError(
            msg(
                "The signing key {key} is not registered, or was withdrawn. The operator registers "
                "a key with the command: survey release key register",
                key=keys[-1].id,
            )
        )
    return keys[-1]


def find_signing_problem(work: Work) -> Message | None:
    """Return why the releases of real waves cannot be signed here; None if they can."""
    try:
        find_signing_key(work, is_demo=False)
    except SigningKeyError as error:
        return error.message
    return None


def _get_demo_key(settings: Settings, session: Session) -> SigningKey:
    """Return the key of demonstrations; make one if none exists or it was withdrawn."""
    file = settings.data_dir / DEMO_KEY_FILE
    if not file.exists():
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        add_key_to_file(draft)
        with suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    key = SigningKey.parse(_read_key_lines(file)[-1])
    known = session.get(PublicationKey, key.id)
    return add_key_to_file(file) if known is not None and known.withdrawn_at is not None else key


def register_demo_key(work: Work, *, key: SigningKey) -> None:
    """Register the key of demonstrations unless it is registered already."""
    work.require(Action.RELEASE)
    if work.session.get(PublicationKey, key.id) is None:
        _store_key(work, key.public_bytes, is_demo=True)


def is_withdrawn(session: Session, key_id: str) -> bool:
    """Return whether a key was withdrawn; an unknown one counts as such."""
    known = session.get(PublicationKey, key_id)
    return known is None or known.withdrawn_at is not None


def require_valid_key(session: Session, key_id: str | None) -> None:
    """Raise `SigningKeyError` unless a key is registered and was not withdrawn."""
    if key_id is None or is_withdrawn(session, key_id):
        raise SigningKeyError(
            msg("The key that signed it was withdrawn. Sign it again with another one.")
        )


def register_key(work: Work, *, public_key: bytes) -> PublicationKey:
    """Register and record a public key, and return it; a known key stays as it is."""
    work.require(Action.ADMINISTER)
    known = work.session.get(PublicationKey, key_id_of(public_key))
    return known or _store_key(work, public_key, is_demo=False)


def _store_key(work: Work, public_key: bytes, *, is_demo: bool) -> PublicationKey:
    key = PublicationKey(
        id=key_id_of(public_key),
        public_key=base64.b64encode(public_key).decode(),
        is_demo=is_demo,
        registered_by=actor_id(work.principal),
        registered_at=work.now,
    )
    work.add(
        key,
        AuditEvent.RELEASE_KEY_REGISTERED,
        key.id,
        {"public_key": key.public_key, "demo": is_demo},
    )
    append_acts(work, describe_key_acts(key))
    return key


def withdraw_key(work: Work, *, key_id: str, reason: str) -> None:
    """Withdraw a lost key and record why: nothing that it signed is genuine any more.

    Raises:
        SigningKeyError: no such key, withdrawn before, or no reason given.
    """
    work.require(Action.ADMINISTER)
    why = require_reason(
        reason, SigningKeyError(msg("Please say in a few words why the key is withdrawn."))
    )
    key = work.session.get(PublicationKey, key_id, with_for_update=True)
    if key is None or key.withdrawn_at is not None:
        raise SigningKeyError(msg("There is no key {key} to withdraw.", key=key_id))
    key.withdrawn_at, key.withdrawn_by, key.reason = work.now, actor_id(work.principal), why
    work.add(key, AuditEvent.RELEASE_KEY_WITHDRAWN, key.id, {"reason": why})
    append_acts(work, describe_key_acts(key))


def list_keys(work: Work) -> list[PublicationKey]:
    """Return every registered key, the oldest first."""
    work.require(Action.READ_RESULTS)
    query = select(PublicationKey).order_by(
        col(PublicationKey.registered_at), col(PublicationKey.id)
    )
    return list(work.session.exec(query))


def format_key_list(
    keys: Sequence[PublicationKey], retracted: Mapping[str, datetime], corrected: Mapping[str, str]
) -> bytes:
    """Return as JSON bytes the published list of keys, retractions and corrections.

    Args:
        retracted: Id of a publication -> when it was taken back.
        corrected: Id of a publication -> id of the one that replaced it.
    """
    document = {
        "format": 1,
        "keys": [
            {
                "id": key.id,
                "public_key": key.public_key,
                "demo": key.is_demo,
                "registered": key.registered_at.isoformat(),
                "withdrawn": key.withdrawn_at.isoformat() if key.withdrawn_at else None,
            }
            for key in keys
        ],
        "retracted": [
            {"id": publication_id, "at": at.isoformat()}
            for publication_id, at in sorted(retracted.items())
        ],
        # Scripts in releases from before this entry read the list without it.
        "corrected": [
            {"id": publication_id, "by": by} for publication_id, by in sorted(corrected.items())
        ],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
