"""Alerts of the progress page, each with a link to the interviews concerned."""

from collections.abc import Mapping
from html import escape
from types import MappingProxyType
from urllib.parse import urlencode

import streamlit as st

from survey.access.roles import Action
from survey.fieldwork.progress import Alert, AlertKind, WaveProgress
from survey.fieldwork.review.review_queue import ANY_FLAG
from survey.locale import Message, msg
from survey.publish.views.display_names import DisplayNames
from survey.store.tables import Status
from survey.ui.navigation import PAGES_BY_KEY, PageKey
from survey.ui.page_runner import PageContext

_LISTED = 12

ALERT_NAMES: Mapping[AlertKind, Message] = MappingProxyType(
    {
        AlertKind.BEHIND: msg("{city}: at this pace {count} of {of} interviews will be missing"),
        AlertKind.OVER: msg("{city}: {count} interviews more than their quotas ask for"),
        AlertKind.WASTE: msg("{city}: {count} void interviews more than in the worst past year"),
        AlertKind.WAITING: msg("{city}: {count} interviews wait longer than two days for review"),
        AlertKind.SURVEYOR: msg("{city}, {surveyor}: {count} of {of} waiting interviews look odd"),
    }
)


def draw_alerts(page: PageContext, seen: WaveProgress) -> None:
    t = page.t
    st.subheader(t("What to do this morning"), anchor=False)
    if not seen.to_do:
        st.caption(t("Nothing stands out: no city is behind, over its quota or waiting."))
        return
    lines = "".join(f"<li>{_render_alert(page, seen, todo)}</li>" for todo in seen.to_do[:_LISTED])
    st.html(f'<ol class="hcs-todo">{lines}</ol>')
    more = len(seen.to_do) - _LISTED
    if more > 0:
        st.caption(t("{count} more of smaller size", count=more))


def _render_alert(page: PageContext, seen: WaveProgress, todo: Alert) -> str:
    names = DisplayNames(page.language, None)
    words = page.t(
        ALERT_NAMES[todo.concern].msgid,
        city=names.area(todo.city_code),
        count=f"{todo.interviews:,}",
        of=f"{todo.of:,}",
        surveyor=todo.surveyor,
    )
    if not page.principal.may(Action.REVIEW):
        return escape(words)
    target = review_link(seen.wave.key, todo, page.language)
    return f'<a href="{escape(target, quote=True)}" target="_self">{escape(words)}</a>'


def review_link(wave_key: str, todo: Alert, language: str) -> str:
    """Return the address of the review page filtered to the interviews of an alert."""
    query = {"wave": wave_key, "city": todo.city_code, "lang": language}
    if todo.concern is AlertKind.WASTE:
        query["status"] = Status.VOID.value
    elif todo.concern in {AlertKind.WAITING, AlertKind.SURVEYOR}:
        query["status"] = Status.SUBMITTED.value
    else:
        query["status"] = "all"
    if todo.surveyor_id is not None:
        query |= {"surveyor": str(todo.surveyor_id), "flag": ANY_FLAG}
    return f"/{PAGES_BY_KEY[PageKey.REVIEW].url}?{urlencode(query)}"
