"""Browsers of staff with accounts of their own; those of the demonstration can change little."""

from datetime import timedelta

import pyotp
from playwright.sync_api import BrowserContext, Page
from sqlmodel import select

from survey.access.roles import NATION, Role
from survey.access.second_factor import plain_secret
from survey.access.secret_hashes import digest, new_token
from survey.access.sessions import COOKIE
from survey.locale import translator
from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, Credential, LoginSession, now

zh = translator("zh")


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


def choose_password(page: Page, password: str) -> None:
    """Choose a password on the page that a setup link opens."""
    page.get_by_label(zh("New password")).fill(password)
    page.get_by_role("button", name=zh("Continue")).click()


def read_second_secret(store: str, login: str) -> str:
    """Return the secret of an account's second factor, which its page shows."""
    with read_scope(store) as session:
        query = select(Credential).join(Account).where(Account.login == login)
        secret = plain_secret(session.exec(query).one())
    assert secret is not None
    return secret


def confirm_second_factor(page: Page, store: str, login: str) -> None:
    """Type the code of the new second factor, as the phone shows it, and keep the spare ones."""
    page.get_by_label(zh("Six-digit code")).wait_for()
    code = pyotp.TOTP(read_second_secret(store, login)).at(now())
    page.get_by_label(zh("Six-digit code")).fill(code)
    page.get_by_role("button", name=zh("Continue")).click()
    page.locator(".sf-codes li").first.wait_for()
    page.get_by_role("button", name=zh("I have kept the codes. Continue")).click()
