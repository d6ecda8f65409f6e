"""Principal of the browser session that a page is drawn for."""

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from survey.access.principal import AccessDeniedError, Principal
from survey.access.sessions import COOKIE, authenticate_session
from survey.locale import msg
from survey.settings import Settings
from survey.store.tables import now


def session_cookie() -> str | None:
    """Return the session secret in this browser's cookie."""
    return st.context.cookies.get(COOKIE)


def find_current_principal(settings: Settings) -> Principal | None:
    """Return the signed-in person, looked up at every run, so that signing out counts at once."""
    return authenticate_session(settings.store_url, session_cookie(), now())


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
