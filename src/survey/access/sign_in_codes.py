"""Printed one-time codes with which surveyors sign in.

A code is eight characters of thirty: 6.6e11 possibilities. It belongs to one person, is good for
one sign-in and by default for one day, and guessing is limited by login and by address
(docs/accounts.md has the arithmetic).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, true
from sqlmodel import Session
from sqlmodel import select as select_model

from survey.access.attempt_limits import (
    AttemptKey,
    AttemptKind,
    claim_attempt,
    refund_attempt,
    reset_attempts,
)
from survey.access.audit import actor_id
from survey.access.principal import AccessDeniedError, Principal, covers_whole_area
from survey.access.roles import NATION, Action, Role
from survey.access.second_factor import format_code, random_code
from survey.access.secret_hashes import active_filter, hash_password, is_active
from survey.access.sessions import SessionLimits, open_session
from survey.access.sign_in import CredentialLookup, SignInRefusedError, normalise_login
from survey.access.work import Work
from survey.locale import RefusedError, msg
from survey.store.audit_events import AuditEvent
from survey.store.china_time import CHINA, end_of_china_day
from survey.store.tables import Account, SignInCode, table_of

CODE_LENGTH = 8
MAX_CODES_PER_SHEET = 60
MAX_VALID_DAYS = 7
_ACCOUNTS, _CODES = table_of(Account), table_of(SignInCode)


@dataclass(frozen=True)
class SurveyorCodeStatus:
    """Surveyor of the own area, and how long their present code is valid."""

    login: str
    name: str
    area: str
    code_expires_at: datetime | None


@dataclass(frozen=True)
class NewCode:
    """Code and the hash that the store keeps of it."""

    plain: str
    hash: str


@dataclass(frozen=True)
class PrintedSignInCode:
    """Code of one surveyor as it is printed; it is stored nowhere."""

    login: str
    name: str
    code: str


@dataclass(frozen=True)
class SignInCodeSheet:
    """Codes that were issued together, valid until `expires_at`."""

    people: tuple[PrintedSignInCode, ...]
    expires_at: datetime
    is_demo: bool


def list_surveyors_for_codes(work: Work) -> list[SurveyorCodeStatus]:
    """List the surveyors of the own area who may sign in now, by area and login."""
    work.require(Action.HAND_OUT_CODES)
    query = (
        select(_ACCOUNTS, _CODES.c.expires_at)
        .outerjoin(
            _CODES, (_CODES.c.account_id == _ACCOUNTS.c.id) & (_CODES.c.expires_at > work.now)
        )
        .where(
            _ACCOUNTS.c.role == Role.SURVEYOR,
            active_filter(work.now),
            _ACCOUNTS.c.is_demo.is_(work.principal.is_demo),
            _select_surveyors(work.principal),
        )
        .order_by(_ACCOUNTS.c.area, _ACCOUNTS.c.login)
    )
    return [
        SurveyorCodeStatus(row.login, row.name, row.area, row.expires_at)
        for row in work.session.connection().execute(query)
        if covers_whole_area(work.principal, row.area)
    ]


def _select_surveyors(principal: Principal) -> ColumnElement[bool]:
    """Return a condition for the accounts within the area, perhaps some more.

    `covers_whole_area` decides; the condition keeps other accounts from being read.
    """
    if principal.area == NATION:
        return true()
    return _ACCOUNTS.c.area.startswith(principal.area, autoescape=True)


def generate_codes(count: int) -> tuple[NewCode, ...]:
    """Generate codes; hashing is slow, so it happens before the transaction."""
    codes = [random_code(CODE_LENGTH) for _ in range(min(count, MAX_CODES_PER_SHEET))]
    return tuple(NewCode(code, hash_password(code)) for code in codes)


def issue_sign_in_codes(
    work: Work, *, logins: Sequence[str], codes: Sequence[NewCode], days: int
) -> SignInCodeSheet:
    """Issue one code to each surveyor, valid for `days` days in China with today as the first.

    A code that a surveyor had before stops working.

    Args:
        codes: As many codes of `generate_codes` as there are logins.
    """
    work.require(Action.HAND_OUT_CODES)
    distinct_logins = sorted(set(logins))
    if not distinct_logins or len(distinct_logins) > MAX_CODES_PER_SHEET:
        raise RefusedError(
            "sign_in_codes_refused",
            msg("Please choose from one to {most} surveyors at once.", most=MAX_CODES_PER_SHEET),
        )
    last = work.now.astimezone(CHINA).date() + timedelta(days=min(max(days, 1), MAX_VALID_DAYS) - 1)
    expires_at = end_of_china_day(last)
    people = [_lock_surveyor(work, login) for login in distinct_logins]
    printed = []
    for account, code in zip(people, codes, strict=True):
        work.session.merge(
            SignInCode(
                account_id=account.id,
                code_hash=code.hash,
                created_at=work.now,
                created_by=actor_id(work.principal),
                expires_at=expires_at,
            )
        )
        reset_attempts(session=work.session, key=AttemptKey(AttemptKind.CODE, account.login))
        work.record(AuditEvent.ACCOUNT_CODE_MADE, account.id, {"until": expires_at.isoformat()})
        printed.append(PrintedSignInCode(account.login, account.name, format_code(code.plain)))
    work.session.flush()
    return SignInCodeSheet(tuple(printed), expires_at, all(person.is_demo for person in people))


def _lock_surveyor(work: Work, login: str) -> Account:
    """Return a surveyor of the own area; one elsewhere is reported as missing."""
    query = select_model(Account).where(Account.login == login).with_for_update()
    account = work.session.exec(query).one_or_none()
    fits = (
        account is not None
        and account.role == Role.SURVEYOR
        and account.is_demo == work.principal.is_demo
        and is_active(account, work.now)
        and covers_whole_area(work.principal, account.area)
    )
    if account is None or not fits:
        raise AccessDeniedError(msg("There is no surveyor {login} in your area.", login=login))
    return account


def look_up_code(*, session: Session, login: str, address: str, now: datetime) -> CredentialLookup:
    """Count the attempt and find the hash of the code; raises `TooManyAttemptsError`."""
    name = normalise_login(login)
    keys = (AttemptKey(AttemptKind.CODE, name), AttemptKey(AttemptKind.ADDRESS, address))
    claim_attempt(session=session, keys=keys, now=now)
    query = (
        select(_ACCOUNTS.c.id, _CODES.c.code_hash)
        .join(_CODES, _CODES.c.account_id == _ACCOUNTS.c.id)
        .where(_ACCOUNTS.c.login == name, _CODES.c.expires_at > now)
    )
    row = session.connection().execute(query).one_or_none()
    return CredentialLookup(row.id, row.code_hash) if row else CredentialLookup(None, None)


def redeem_code(
    *,
    session: Session,
    lookup: CredentialLookup,
    address: str,
    limits: SessionLimits,
    now: datetime,
) -> str:
    """Use a right code up and open a session; of two at once, only one succeeds.

    Raises:
        SignInRefusedError: The code was used, replaced or closed in the meantime.
    """
    code = (
        session.get(SignInCode, lookup.account_id, with_for_update=True)
        if lookup.account_id
        else None
    )
    account = session.get(Account, lookup.account_id) if code else None
    if code is None or account is None or code.code_hash != lookup.password_hash:
        raise SignInRefusedError
    if account.role != Role.SURVEYOR or not is_active(account, now):
        raise SignInRefusedError
    session.delete(code)
    session.flush()
    refund_attempt(session=session, key=AttemptKey(AttemptKind.ADDRESS, address), now=now)
    reset_attempts(
        session=session, key=AttemptKey(AttemptKind.CODE, normalise_login(account.login))
    )
    return open_session(session=session, account=account, limits=limits, how="code", now=now)
