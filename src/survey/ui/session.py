"""Who is looking at the screen. Reading the cookie stands behind one function."""

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from survey.access.principal import AccessDenied, Principal
from survey.access.recognising import recognise
from survey.access.sessions import COOKIE
from survey.locale import msg
from survey.settings import Settings
from survey.store.tables import now


def browser_secret() -> str | None:
    """The secret in this browser's cookie."""
    return st.context.cookies.get(COOKIE)


def visitor(settings: Settings) -> Principal | None:
    """The signed-in person; asked anew at every run, so that signing out counts at once."""
    return recognise(settings.store_url, browser_secret(), now())


def signed_in(settings: Settings) -> Principal:
    """Whoever is signed in when a button is pressed: its page may have been drawn hours ago."""
    person = visitor(settings)
    if person is None:
        raise AccessDenied(msg("Please sign in first."))
    return person


def visitor_or_nobody(settings: Settings) -> Principal | None:
    """For the menu only: without a store there is nobody; the page itself says what is wrong."""
    try:
        return visitor(settings)
    except SQLAlchemyError:
        return None
