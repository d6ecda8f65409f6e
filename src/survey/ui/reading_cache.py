"""Readings that are kept some seconds for the next reader who may see the same."""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from survey.ui.page_runner import PageContext

_KEPT_SECONDS = 15.0
"""Until a page notices a delivery, a release or new interviews."""
_Value = TypeVar("_Value")


def read_cached(page: PageContext, read: Callable[[], _Value], what: str, *asked: object) -> _Value:
    """Return what `read` returns, kept by what was asked and by what a reader may see.

    The value is shared between readers: it is not changed.
    """
    principal = page.principal
    reach = (page.settings.store_url, principal.role, principal.area, principal.is_demo)
    value: _Value = _keep((*reach, what, *asked), read)
    return value


@st.cache_resource(ttl=_KEPT_SECONDS, max_entries=256, show_spinner=False)
def _keep(key: tuple[Any, ...], _read: Callable[[], Any]) -> Any:
    del key
    return _read()
