"""Keyboard shortcuts: single keys that press buttons of the page."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import streamlit as st

_SCRIPT = Path(__file__).with_name("keyboard_shortcuts.js")


@lru_cache(maxsize=1)
def _script() -> str:
    return _SCRIPT.read_text(encoding="utf-8")


def bind_keys(keys: Mapping[str, str]) -> None:
    """Let each key press the button with that widget key while nobody is typing.

    Streamlit's own `shortcut=` keeps R for itself; this also works where it does not.
    """
    mount = st.components.v2.component("survey_keys", js=_script())
    mount(key="keys", data={"keys": dict(keys)})
