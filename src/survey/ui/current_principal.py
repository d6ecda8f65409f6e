"""Principal of the browser session that a page is drawn for."""

from datetime import datetime

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from survey.access.principal import AccessDeniedError, Principal
from survey.access.sessions import COOKIE, authenticate_session, find_last_visit
from survey.locale import msg
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now


def session_cookie() -> str | None:
    """Return the session secret in this browser's cookie."""
    return st.context.cookies.get(COOKIE)


def find_current_principal(settings: Settings) -> Principal | None:
    """Return the signed-in person, looked up at every run, so that signing out counts at once."""
    return authenticate_session(settings.store_url, session_cookie(), now(), demo=settings.demo)


def find_visit_before(settings: Settings) -> datetime | None:
    """Return when the signed-in person was here before this visit; None at the first one."""
    with read_scope(settings.store_url) as session:
        return find_last_visit(session=session, secret=session_cookie())


def require_principal(settings: Settings) -> Principal:
    """Return the person signed in now, which may differ from when the page was drawn."""
    person = find_current_principal(settings)
    if person is None:
        raise AccessDeniedError(msg("Please sign in first."))
    return person


def find_principal_or_none(settings: Settings) -> Principal | None:
    """Return the signed-in person for the menu; None also when the store is away."""
    try:
        return find_current_principal(settings)
    except SQLAlchemyError:
        return None
