"""Telephone numbers for back-checks: left after the interview, stored encrypted.

The number is no answer: the closing page asks for it, it arrives at its own endpoint and is stored
in a table of its own. It can be left with the withdrawal code of the interview, on the day of the
interview. Only a supervisor of the city reads it, one at a time, for a back-check that is still to
be made, and every reading is recorded in the audit trail.
"""

import re
import unicodedata
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import OPERATOR, area_filter
from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import NotFoundError, SurveyError, msg
from survey.review.back_check.call_list import ANSWERED, BackCheckNotFoundError
from survey.store.audit_events import AuditEvent
from survey.store.cipher import Cipher, ValueUnreadableError, reencrypt_column
from survey.store.tables import AnyRow, BackCheck, Response, ResponseContact, table_of
from survey.waves.personal_data import hash_code, read_code
from survey.waves.quotas import COUNTED_STATUSES

PHONE_NUMBER_PERIOD = timedelta(days=1)
"""After the interview was received; the closing page asks at once."""
MAX_ENTERED_CHARS = 40
_MOBILE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})", re.ASCII)
_LANDLINE = re.compile(r"(010|02\d|0[3-9]\d{2})([2-8]\d{6,7})", re.ASCII)
_BETWEEN = re.compile(r"[\s\-()\u2010-\u2014]")

_CONTACTS, _RESPONSES = table_of(ResponseContact), table_of(Response)
_CHECKS = table_of(BackCheck)


class InvalidPhoneNumberError(SurveyError):
    """Raised when a text is no telephone number of China."""

    code = "number_unusable"


class InterviewNotFoundError(SurveyError):
    """Raised when no interview of the last 24 hours has this withdrawal code."""

    code = "no_interview"


class UndecryptableNumberError(SurveyError):
    """Raised when none of the keys at hand decrypts a number."""

    code = "unreadable"
    message = msg("This telephone number cannot be read: its key is not among those in use.")


def encrypt_number(cipher: Cipher, response_id: UUID, number: str) -> str:
    """Return a telephone number encrypted for the interview that it belongs to."""
    return cipher.encrypt(response_id.hex, number)


def decrypt_number(cipher: Cipher, response_id: UUID, sealed: str) -> str:
    """Return an interview's telephone number, decrypted from `sealed`; raise if no key opens it.

    Raises:
        UndecryptableNumberError: No key opens it, or it belongs to another interview.
    """
    try:
        return cipher.decrypt(response_id.hex, sealed)
    except ValueUnreadableError as error:
        raise UndecryptableNumberError from error


def read_number(typed: str) -> str:
    """Return a mobile or landline number without separators. Raises `InvalidPhoneNumberError`."""
    plain = _BETWEEN.sub("", unicodedata.normalize("NFKC", typed[:MAX_ENTERED_CHARS]))
    mobile, landline = _MOBILE.fullmatch(plain), _LANDLINE.fullmatch(plain)
    if mobile is not None:
        return mobile[1]
    if landline is not None:
        return f"{landline[1]}-{landline[2]}"
    raise InvalidPhoneNumberError(
        msg("This is not a telephone number. A mobile number has 11 digits and begins with 1.")
    )


def save_phone_number(
    *, session: Session, cipher: Cipher, code: str, typed: str, now: datetime
) -> None:
    """Store a number for the interview with this withdrawal code, replacing an earlier one.

    Raises `InvalidPhoneNumberError`, `InterviewNotFoundError`.
    """
    number = read_number(typed)
    plain = read_code(code)
    row = None if plain is None else _lock_interview(session, hash_code(plain), now)
    if row is None:
        raise InterviewNotFoundError(
            msg("The number could not be kept. It is not needed; thank you.")
        )
    connection = session.connection()
    connection.execute(delete(_CONTACTS).where(_CONTACTS.c.response_id == row.id))
    session.add(
        ResponseContact(
            response_id=row.id, sealed=encrypt_number(cipher, row.id, number), left_at=now
        )
    )
    session.flush()
    record(session=session, actor=None, event=AuditEvent.CONTACT_LEFT, subject_id=row.id, now=now)


def reveal_phone_number(work: Work, *, cipher: Cipher | None, check_id: UUID) -> str:
    """Return the telephone number for a back-check, and record in the audit trail that it was read.

    Only while the back-check is still to be made, and never of an own interview. Raises
    `AccessDeniedError`, `BackCheckNotFoundError`, `NotFoundError`,
    `UndecryptableNumberError`.
    """
    work.require(Action.SEE_PHONE)
    query = (
        select(_CHECKS.c.response_id, _CHECKS.c.city_code, _CONTACTS.c.sealed)
        .join(_RESPONSES, _RESPONSES.c.id == _CHECKS.c.response_id)
        .outerjoin(_CONTACTS, _CONTACTS.c.response_id == _CHECKS.c.response_id)
        .where(
            _CHECKS.c.id == check_id,
            area_filter(work.principal, _CHECKS.c.city_code),
            _CHECKS.c.surveyor_id != work.principal.account_id,
            _CHECKS.c.outcome.is_(None) | _CHECKS.c.outcome.not_in(ANSWERED),
            _RESPONSES.c.status.in_(COUNTED_STATUSES),
        )
    )
    row = work.session.connection().execute(query).one_or_none()
    if row is None:
        raise BackCheckNotFoundError(msg("This back-check does not exist."))
    work.require(Action.SEE_PHONE, row.city_code)
    if row.sealed is None:
        raise NotFoundError("no_number", msg("This person left no telephone number."))
    work.record(AuditEvent.CONTACT_READ, check_id, {"response": str(row.response_id)})
    if cipher is None:
        raise UndecryptableNumberError
    return decrypt_number(cipher, row.response_id, row.sealed)


def reencrypt_numbers(*, session: Session, cipher: Cipher, now: datetime) -> tuple[int, int]:
    """Encrypt every stored number anew by the first key, record it; return (encrypted, unreadable).

    Returns:
        How many numbers were encrypted, and how many none of the keys opens.
    """
    renewed, unreadable = reencrypt_column(
        session.connection(),
        owner=_CONTACTS.c.response_id,
        value=_CONTACTS.c.sealed,
        reencrypt=lambda _response_id, token: cipher.reencrypt(token),
    )
    record(
        session=session,
        actor=OPERATOR,
        event=AuditEvent.CONTACT_KEYS_ROTATED,
        subject_id="all",
        now=now,
        detail={"renewed": renewed, "unreadable": unreadable},
    )
    return renewed, unreadable


def _lock_interview(session: Session, code_sha256: str, now: datetime) -> AnyRow | None:
    query = select(_RESPONSES.c.id).where(
        _RESPONSES.c.withdrawal_sha256 == code_sha256,
        _RESPONSES.c.withdrawn_at.is_(None),
        _RESPONSES.c.status.in_(COUNTED_STATUSES),
        _RESPONSES.c.submitted_at > now - PHONE_NUMBER_PERIOD,
    )
    return session.connection().execute(query.with_for_update()).first()
