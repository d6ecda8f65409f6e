"""Language and large text: chosen once, kept in the address and across pages."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from survey.locale import LANGUAGES, Translator, msg, translator
from survey.publish.charts import ELDER, ORDINARY, Style
from survey.ui.url import to_url

LANGUAGE, LARGE = "lang", "large"
_ON, _OFF = "1", "0"


@dataclass(frozen=True)
class Preferences:
    """How one reader wants the screen."""

    language: str
    large: bool

    @property
    def style(self) -> Style:
        return ELDER if self.large else ORDINARY


def current(default_language: str) -> Preferences:
    """The reader's wishes: from the address, else from earlier in this session."""
    language = _kept(LANGUAGE, LANGUAGES, default_language)
    return Preferences(language, _kept(LARGE, (_ON, _OFF), _OFF) == _ON)


def draw_switches(preferences: Preferences, t: Translator, default_language: str) -> None:
    """The two switches in the head of every page."""
    st.segmented_control(
        t("Language"),
        LANGUAGES,
        format_func=own_name,
        default=preferences.language,
        required=True,
        key=_widget(LANGUAGE, preferences.language),
        label_visibility="collapsed",
        on_change=_remember_language,
        args=(preferences.language,),
    )
    st.toggle(
        t("Large text"),
        value=preferences.large,
        key=_widget(LARGE, str(preferences.large)),
        on_change=_remember_large,
        args=(preferences.large,),
    )
    to_url(LANGUAGE, preferences.language, default_language)
    to_url(LARGE, _ON if preferences.large else _OFF, _OFF)
    for name in (LANGUAGE, LARGE):
        st.session_state[_seen(name)] = st.query_params.get(name)


def own_name(language: str) -> str:
    """What a language calls itself: each catalog translates the word for its own language."""
    return translator(language)(msg("English"))


def _widget(name: str, state: str) -> str:
    return f"switch/{name}/{state}"


def _memory(name: str) -> str:
    return f"preference/{name}"


def _seen(name: str) -> str:
    return f"{_memory(name)}/address"


def _kept(name: str, options: Sequence[str], default: str) -> str:
    """The kept choice; an address that changed from outside since the last run wins."""
    memory, address = _memory(name), st.query_params.get(name)
    if address in options and address != st.session_state.get(_seen(name)):
        st.session_state[memory] = address
    st.session_state[_seen(name)] = address
    value = st.session_state.get(memory, default)
    return value if value in options else default


def _remember_language(before: str) -> None:
    chosen = st.session_state.get(_widget(LANGUAGE, before))
    st.session_state[_memory(LANGUAGE)] = chosen if chosen in LANGUAGES else before


def _remember_large(before: bool) -> None:
    st.session_state[_memory(LARGE)] = _OFF if before else _ON
