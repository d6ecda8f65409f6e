"""An administrator's browser: no visitor of a demo can become an administrator."""

from playwright.sync_api import BrowserContext
from sqlmodel import select

from survey.access.roles import NATION, Role
from survey.access.sessions import COOKIE, sign_in_demo
from survey.store.engine import session_scope
from survey.store.tables import Account, now
from tests.server_process import LivePlatform


def sign_in_administrator(context: BrowserContext, live_server: LivePlatform) -> None:
    """Give the browser the session of an administrator's account, which is made if needed."""
    with session_scope(live_server.settings.store_url) as session:
        login = f"demo-{Role.ADMINISTRATOR}"
        if session.exec(select(Account).where(Account.login == login)).first() is None:
            session.add(
                Account(login=login, name="Admin", role=Role.ADMINISTRATOR, area=NATION,
                        is_demo=True)
            )  # fmt: skip
            session.flush()
        secret = sign_in_demo(session=session, role=Role.ADMINISTRATOR, now=now())
    context.add_cookies([{"name": COOKIE, "value": secret, "url": live_server.url}])
