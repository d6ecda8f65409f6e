"""Who is looking at the screen. Reading the cookie stands behind one function."""

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from survey.access.principal import AccessDeniedError, Principal
from survey.access.sessions import COOKIE, authenticate_session
from survey.locale import msg
from survey.settings import Settings
from survey.store.tables import now


def session_cookie() -> str | None:
    """The secret in this browser's cookie."""
    return st.context.cookies.get(COOKIE)


def find_current_principal(settings: Settings) -> Principal | None:
    """The signed-in person; asked anew at every run, so that signing out counts at once."""
    return authenticate_session(settings.store_url, session_cookie(), now())


def require_principal(settings: Settings) -> Principal:
    """Whoever is signed in when a button is pressed: its page may have been drawn hours ago."""
    person = find_current_principal(settings)
    if person is None:
        raise AccessDeniedError(msg("Please sign in first."))
    return person


def find_principal_or_none(settings: Settings) -> Principal | None:
    """For the menu only: without a store there is nobody; the page itself says what is wrong."""
    try:
        return find_current_principal(settings)
    except SQLAlchemyError:
        return None
