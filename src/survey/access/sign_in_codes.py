"""Printed one-time codes with which surveyors sign in.

A code is eight characters of thirty: 6.6e11 possibilities. It belongs to one person, is good for
one sign-in and by default for one day, and guessing is limited by login and by address
(docs/accounts.md has the arithmetic).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, true
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
from survey.access.sessions import SessionLimits, SignIn, open_session
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
    """Surveyor in one's area, and the end of their present code; None if they have none."""

    login: str
    name: str
    area: str
    code_expires_at: datetime | None


@dataclass(frozen=True)
class NewCode:
    """Sign-in code before it is issued: as plain text, and as the hash for the store."""

    plain: str
    hash: str


@dataclass(frozen=True)
class PrintedSecret:
    """Sign-in code or setup-link token of one person for printing; only its hash is stored."""

    login: str
    name: str
    secret: str


@dataclass(frozen=True)
class SecretSheet:
    """Codes or links that were issued together and are all valid until `expires_at`."""

    people: tuple[PrintedSecret, ...]
    expires_at: datetime
    is_demo: bool = False


def list_surveyors_for_codes(work: Work) -> list[SurveyorCodeStatus]:
    """Return the surveyors in one's area who may sign in now, by area and login."""
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
    """Return a rough SQL condition for accounts in the area; callers check each one afterwards.

    `covers_whole_area` decides; the condition keeps other accounts from being read.
    """
    if principal.area == NATION:
        return true()
    return _ACCOUNTS.c.area.startswith(principal.area, autoescape=True)


def generate_codes(count: int) -> tuple[NewCode, ...]:
    """Return random codes with hashes, at most `MAX_CODES_PER_SHEET`; slow, so done beforehand."""
    codes = [random_code(CODE_LENGTH) for _ in range(min(count, MAX_CODES_PER_SHEET))]
    return tuple(NewCode(code, hash_password(code)) for code in codes)


def issue_sign_in_codes(
    work: Work, *, logins: Sequence[str], codes: Sequence[NewCode], days: int
) -> SecretSheet:
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
        reset_attempts(work.session, AttemptKey(AttemptKind.CODE, account.login))
        work.record(AuditEvent.ACCOUNT_CODE_MADE, account.id, {"until": expires_at.isoformat()})
        printed.append(PrintedSecret(account.login, account.name, format_code(code.plain)))
    work.session.flush()
    return SecretSheet(tuple(printed), expires_at, all(person.is_demo for person in people))


def _lock_surveyor(work: Work, login: str) -> Account:
    """Return a surveyor of one's area, the row locked; raises `AccessDeniedError` if none."""
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


def look_up_code(sign_in: SignIn, login: str) -> CredentialLookup:
    """Count a sign-in attempt and find the code's hash; raises `TooManyAttemptsError`."""
    name = normalise_login(login)
    keys = (AttemptKey(AttemptKind.CODE, name), sign_in.address_key)
    claim_attempt(sign_in.session, keys, sign_in.now)
    query = (
        select(_ACCOUNTS.c.id, _CODES.c.code_hash)
        .join(_CODES, _CODES.c.account_id == _ACCOUNTS.c.id)
        .where(_ACCOUNTS.c.login == name, _CODES.c.expires_at > sign_in.now)
    )
    row = sign_in.session.connection().execute(query).one_or_none()
    return CredentialLookup(row.id, row.code_hash) if row else CredentialLookup(None, None)


def redeem_code(sign_in: SignIn, lookup: CredentialLookup, limits: SessionLimits) -> str:
    """Delete the sign-in code checked by `lookup` and open a session; return its secret.

    Raises:
        SignInRefusedError: The code was used, replaced or closed in the meantime.
    """
    session, account_id = sign_in.session, lookup.account_id
    code = session.get(SignInCode, account_id, with_for_update=True) if account_id else None
    account = session.get(Account, account_id) if code else None
    if code is None or account is None or code.code_hash != lookup.password_hash:
        raise SignInRefusedError
    if account.role != Role.SURVEYOR or not is_active(account, sign_in.now):
        raise SignInRefusedError
    session.delete(code)
    session.flush()
    refund_attempt(session, sign_in.address_key, sign_in.now)
    reset_attempts(session, AttemptKey(AttemptKind.CODE, normalise_login(account.login)))
    return open_session(sign_in, account, limits, how="code")
