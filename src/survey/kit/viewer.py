"""Viewer of a page: language and text size from the address, and the principal signed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from survey.access.principal import AccessDeniedError, Principal
from survey.access.sessions import COOKIE, authenticate_session, find_last_visit
from survey.figures.charts import ELDER, ORDINARY, ChartStyle
from survey.kit.url_state import keep_in_address, write_parameter
from survey.locale import LANGUAGES, Translator, msg, translator
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.web.start_page import LANGUAGE, LARGE


def session_cookie() -> str | None:
    """Return the session secret in this browser's cookie; None without one."""
    return st.context.cookies.get(COOKIE)


def find_current_principal(settings: Settings) -> Principal | None:
    """Return the principal signed in now, read from the store at each call; None without one."""
    return authenticate_session(settings.store_url, session_cookie(), now(), demo=settings.demo)


def find_visit_before(settings: Settings) -> datetime | None:
    """Return the time of the signed-in person's previous visit; None at the first one."""
    with read_scope(settings.store_url) as session:
        return find_last_visit(session, session_cookie())


def require_principal(settings: Settings) -> Principal:
    """Return the principal signed in now; raise `AccessDeniedError` if nobody is."""
    person = find_current_principal(settings)
    if person is None:
        raise AccessDeniedError(msg("Please sign in first."))
    return person


def find_principal_or_none(settings: Settings) -> Principal | None:
    """Return the signed-in principal; None if nobody is, or the store cannot be reached."""
    try:
        return find_current_principal(settings)
    except SQLAlchemyError:
        return None


_ON, _OFF = "1", "0"


@dataclass(frozen=True)
class Preferences:
    """Language and text size (usual or large) that a viewer chose."""

    language: str
    large: bool

    @property
    def style(self) -> ChartStyle:
        return ELDER if self.large else ORDINARY

    def query(self, default_language: str) -> dict[str, str]:
        """Return name -> value of address parameters for language and text size, if not default."""
        language = {} if self.language == default_language else {LANGUAGE: self.language}
        return language | ({LARGE: _ON} if self.large else {})


def get_preferences(default_language: str) -> Preferences:
    """Return language and text size from the address, else from earlier in this session."""
    language = _recall_choice(LANGUAGE, LANGUAGES, default_language)
    return Preferences(language, _recall_choice(LARGE, (_ON, _OFF), _OFF) == _ON)


def draw_switches(preferences: Preferences, t: Translator, default_language: str) -> None:
    """Draw the switches for language and large text."""
    st.segmented_control(
        t("Language"),
        LANGUAGES,
        format_func=native_language_name,
        default=preferences.language,
        required=True,
        key=_build_widget_key(LANGUAGE, preferences.language),
        label_visibility="collapsed",
        on_change=_remember_language,
        args=(preferences.language, default_language),
    )
    st.toggle(
        t("Large text"),
        value=preferences.large,
        key=_build_widget_key(LARGE, str(preferences.large)),
        on_change=_remember_large,
        args=(preferences.large,),
    )
    # A page that was opened from the menu has none of them.
    keep_in_address(preferences.query(default_language))


def native_language_name(language: str) -> str:
    """Return the name of a language as its own speakers write it."""
    return translator(language)(msg("English"))


def _build_widget_key(name: str, state: str) -> str:
    return f"switch/{name}/{state}"


def _build_memory_key(name: str) -> str:
    return f"preference/{name}"


def _build_address_key(name: str) -> str:
    return f"{_build_memory_key(name)}/address"


def _recall_choice(name: str, options: Sequence[str], default: str) -> str:
    """Return choice `name` of this session; one of `options` newly in the address replaces it."""
    memory, address = _build_memory_key(name), st.query_params.get(name)
    if address in options and address != st.session_state.get(_build_address_key(name)):
        st.session_state[memory] = address
    st.session_state[_build_address_key(name)] = address
    value = st.session_state.get(memory, default)
    return value if value in options else default


def _remember_language(before: str, default_language: str) -> None:
    chosen = st.session_state.get(_build_widget_key(LANGUAGE, before))
    _remember_choice(LANGUAGE, chosen if chosen in LANGUAGES else before, default_language)


def _remember_large(before: bool) -> None:
    _remember_choice(LARGE, _OFF if before else _ON, _OFF)


def _remember_choice(name: str, value: str, default: str) -> None:
    """Keep choice `name` for the session and in the address, which leaves out the `default`."""
    st.session_state[_build_memory_key(name)] = value
    write_parameter(name, value, default)
    st.session_state[_build_address_key(name)] = st.query_params.get(name)
