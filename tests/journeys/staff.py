"""Browsers of staff with accounts of their own; those of the demonstration can change little."""

from datetime import timedelta

from playwright.sync_api import BrowserContext
from sqlmodel import select

from survey.access.roles import NATION, Role
from survey.access.secret_hashes import digest, new_token
from survey.access.sessions import COOKIE
from survey.settings import Settings
from survey.store.engine import session_scope
from survey.store.tables import Account, LoginSession, now


def sign_in_administrator(context: BrowserContext, settings: Settings, url: str) -> None:
    """Give the browser the session of an administrator's account, which is made if needed."""
    sign_in_staff(context, settings, url, "journey-administrator", Role.ADMINISTRATOR)


def sign_in_staff(
    context: BrowserContext,
    settings: Settings,
    url: str,
    login: str,
    role: Role,
    area: str = NATION,
) -> None:
    """Give the browser the session of an account, which is made if needed."""
    secret = new_token(bits=256)
    with session_scope(settings.store_url) as session:
        account = session.exec(select(Account).where(Account.login == login)).first()
        if account is None:
            account = Account(login=login, name=login, role=role, area=area)
            session.add(account)
            session.flush()
        session.add(
            LoginSession(
                secret_sha256=digest(secret),
                account_id=account.id,
                expires_at=now() + timedelta(hours=1),
            )
        )
    context.add_cookies([{"name": COOKIE, "value": secret, "url": url}])
