"""Accounts for tests of signing in: one known password, one known second factor."""

import base64
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import pyotp
from sqlmodel import Session, select

from survey.access.principal import Principal
from survey.access.roles import NATION, Role
from survey.access.secret_hashes import hash_password
from survey.store.engine import session_scope
from survey.store.tables import Account, Credential

PASSWORD = "seven brown kettles whistle"
SECRET = base64.b32encode(b"twenty plain letters").decode()


@lru_cache(maxsize=1)
def _password_hash() -> str:
    return hash_password(PASSWORD)


def employ_person(
    url: str,
    login: str,
    role: Role = Role.CITY_OFFICIAL,
    area: str = "110000",
    *,
    password: bool = True,
    factor: datetime | None = None,
    must_change: bool = False,
    **more: Any,
) -> Principal:
    """An account that signs in with `PASSWORD`, and with `SECRET` since `factor`."""
    account = Account(login=login, name=login.title(), role=role, area=area, **more)
    with session_scope(url) as session:
        session.add(account)
        session.flush()
        session.add(
            Credential(
                account_id=account.id,
                password_hash=_password_hash() if password else None,
                must_change=must_change,
                totp_secret=SECRET if factor else None,
                totp_since=factor,
            )
        )
    return Principal(account.id, account.name, role, area, account.is_demo)


def administrator(url: str, login: str = "root") -> Principal:
    return employ_person(url, login, Role.ADMINISTRATOR, NATION)


def code_at(moment: datetime, secret: str = SECRET) -> str:
    """What the authenticator app shows at that moment."""
    return pyotp.TOTP(secret).at(moment)


def credential(session: Session, account_id: UUID) -> Credential:
    return session.exec(select(Credential).where(Credential.account_id == account_id)).one()
