"""Short one-time codes with which surveyors sign in; their supervisor prints them.

A code is eight signs of thirty: 6.6e11 possibilities. It is one person's, good for one sign-in and
by default for one day, and guessing is slowed down by name and by address (docs/accounts.md has
the arithmetic).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, true
from sqlmodel import Session
from sqlmodel import select as select_model

from survey.access.areas import lies_within
from survey.access.audit import actor_id, record
from survey.access.credentials import is_alive
from survey.access.passwords import hashed
from survey.access.principal import NATION, AccessDenied, Action, Principal, Role
from survey.access.second_factor import in_groups, plain_signs, random_signs
from survey.access.sessions import Limits, open_session
from survey.access.signing_in import Knock, SignInRefused, plain_login
from survey.access.tries import Counted, Kind, claim_try, forget_tries, give_back_try
from survey.locale import SurveyError, msg
from survey.store.core import table_of
from survey.store.days import CHINA, end_of_china_day
from survey.store.tables import Account, SignInCode

SIGNS = 8
MOST_AT_ONCE = 60
LONGEST_DAYS = 7
_ACCOUNTS, _CODES = table_of(Account), table_of(SignInCode)


class CodesRefused(SurveyError):
    code = "sign_in_codes_refused"


@dataclass(frozen=True)
class Colleague:
    """A surveyor of the own area, and until when a code of theirs is good."""

    login: str
    name: str
    area: str
    code_until: datetime | None


@dataclass(frozen=True)
class DrawnCode:
    """A code and what the store keeps of it."""

    shown: str
    kept: str


@dataclass(frozen=True)
class PrintedSignIn:
    """What is printed for one surveyor; the code exists nowhere else."""

    login: str
    name: str
    code: str


@dataclass(frozen=True)
class CodeSheet:
    """Codes made together, good until `expires_at`."""

    people: tuple[PrintedSignIn, ...]
    expires_at: datetime
    is_demo: bool


def colleagues(*, session: Session, principal: Principal, now: datetime) -> list[Colleague]:
    """The surveyors of the own area who may sign in now, by area and login."""
    principal.require(Action.HAND_OUT_CODES)
    query = (
        select(_ACCOUNTS, _CODES.c.expires_at)
        .outerjoin(_CODES, (_CODES.c.account_id == _ACCOUNTS.c.id) & (_CODES.c.expires_at > now))
        .where(
            _ACCOUNTS.c.role == Role.SURVEYOR, _ACCOUNTS.c.active,
            _ACCOUNTS.c.ends_at.is_(None) | (_ACCOUNTS.c.ends_at > now),
            _ACCOUNTS.c.is_demo.is_(principal.is_demo), _beneath(principal),
        )
        .order_by(_ACCOUNTS.c.area, _ACCOUNTS.c.login)
    )  # fmt: skip
    return [
        Colleague(row.login, row.name, row.area, row.expires_at)
        for row in session.connection().execute(query)
        if lies_within(principal, row.area)
    ]


def _beneath(principal: Principal) -> ColumnElement[bool]:
    """The areas of `lies_within`, and perhaps more, so that no other account is read."""
    if principal.area == NATION:
        return true()
    return _ACCOUNTS.c.area.startswith(principal.area, autoescape=True)


def draw_codes(count: int) -> tuple[DrawnCode, ...]:
    """Fresh codes. Hashing takes its time on purpose, so it is done before a transaction begins."""
    codes = [random_signs(SIGNS) for _ in range(min(count, MOST_AT_ONCE))]
    return tuple(DrawnCode(code, hashed(code)) for code in codes)


def hand_out(
    *, session: Session, principal: Principal, logins: Sequence[str],
    drawn: Sequence[DrawnCode], days: int, now: datetime,
) -> CodeSheet:  # fmt: skip
    """Give each of these surveyors one of the codes `drawn`; a code that they had before does
    nothing any more.

    The codes are good until the end of the `days`-th day in China, today being the first.
    """
    principal.require(Action.HAND_OUT_CODES)
    wanted = sorted(set(logins))
    if not wanted or len(wanted) > MOST_AT_ONCE:
        raise CodesRefused(
            msg("Please choose from one to {most} surveyors at once.", most=MOST_AT_ONCE)
        )
    last = now.astimezone(CHINA).date() + timedelta(days=min(max(days, 1), LONGEST_DAYS) - 1)
    expires_at = end_of_china_day(last)
    people = [_surveyor(session, principal, login, now) for login in wanted]
    printed = []
    for account, code in zip(people, drawn, strict=True):
        session.merge(
            SignInCode(
                account_id=account.id, code_hash=code.kept, created_at=now,
                created_by=actor_id(principal), expires_at=expires_at,
            )
        )  # fmt: skip
        forget_tries(session=session, counted=Counted(Kind.CODE, account.login))
        record(
            session=session, actor=principal, action="account.code_made", subject_kind="account",
            subject_id=account.id, now=now, detail={"until": expires_at.isoformat()},
        )  # fmt: skip
        printed.append(PrintedSignIn(account.login, account.name, in_groups(code.shown)))
    session.flush()
    return CodeSheet(tuple(printed), expires_at, all(person.is_demo for person in people))


def _surveyor(session: Session, principal: Principal, login: str, now: datetime) -> Account:
    """A surveyor of the own area; one elsewhere reads as one that is not there."""
    query = select_model(Account).where(Account.login == login).with_for_update()
    account = session.exec(query).one_or_none()
    fits = (
        account is not None
        and account.role == Role.SURVEYOR
        and account.is_demo == principal.is_demo
        and is_alive(account, now)
        and lies_within(principal, account.area)
    )
    if account is None or not fits:
        raise AccessDenied(msg("There is no surveyor {login} in your area.", login=login))
    return account


def knock_with_code(*, session: Session, login: str, address: str, now: datetime) -> Knock:
    """Count the try and find what the code must match; raises `TooManyTries`."""
    name = plain_login(login)
    counted = (Counted(Kind.CODE, name), Counted(Kind.ADDRESS, address))
    claim_try(session=session, counted=counted, now=now)
    query = (
        select(_ACCOUNTS.c.id, _CODES.c.code_hash)
        .join(_CODES, _CODES.c.account_id == _ACCOUNTS.c.id)
        .where(_ACCOUNTS.c.login == name, _CODES.c.expires_at > now)
    )
    row = session.connection().execute(query).one_or_none()
    return Knock(row.id, row.code_hash) if row else Knock(None, None)


def enter_with_code(
    *, session: Session, knocked: Knock, address: str, limits: Limits, now: datetime
) -> str:
    """The code was right: use it up and open a session. Of two that come at once, one enters.

    Raises `SignInRefused` when it was used, replaced or closed in the meantime.
    """
    code = (
        session.get(SignInCode, knocked.account_id, with_for_update=True)
        if knocked.account_id
        else None
    )
    account = session.get(Account, knocked.account_id) if code else None
    if code is None or account is None or code.code_hash != knocked.password_hash:
        raise SignInRefused
    if account.role != Role.SURVEYOR or not is_alive(account, now):
        raise SignInRefused
    session.delete(code)
    session.flush()
    give_back_try(session=session, counted=Counted(Kind.ADDRESS, address), now=now)
    forget_tries(session=session, counted=Counted(Kind.CODE, plain_login(account.login)))
    return open_session(session=session, account=account, limits=limits, how="code", now=now)


def typed_code(typed: str) -> str:
    """A code as it was made, however it was typed."""
    return plain_signs(typed)
