"""What to do this morning, each line one click from the interviews that it is about."""

from collections.abc import Mapping
from html import escape
from types import MappingProxyType
from urllib.parse import urlencode

import streamlit as st

from survey.access.principal import Action
from survey.fieldwork.progress import Concern, Progress, ToDo
from survey.fieldwork.review import ANY_FLAG
from survey.locale import Message, msg
from survey.publish.views.names import Names
from survey.store.tables import Status
from survey.ui.navigation import BY_KEY, PageKey
from survey.ui.page import Visit

_LISTED = 12

CONCERNS: Mapping[Concern, Message] = MappingProxyType(
    {
        Concern.BEHIND: msg("{city}: at this pace {count} of {of} interviews will be missing"),
        Concern.OVER: msg("{city}: {count} interviews more than their quotas ask for"),
        Concern.WASTE: msg("{city}: {count} void interviews more than in the worst past year"),
        Concern.WAITING: msg("{city}: {count} interviews wait longer than two days for review"),
        Concern.SURVEYOR: msg("{city}, {surveyor}: {count} of {of} waiting interviews look odd"),
    }
)


def to_do(visit: Visit, seen: Progress) -> None:
    t = visit.t
    st.subheader(t("What to do this morning"), anchor=False)
    if not seen.to_do:
        st.caption(t("Nothing stands out: no city is behind, over its quota or waiting."))
        return
    lines = "".join(f"<li>{_line(visit, seen, todo)}</li>" for todo in seen.to_do[:_LISTED])
    st.html(f'<ol class="hcs-todo">{lines}</ol>')
    more = len(seen.to_do) - _LISTED
    if more > 0:
        st.caption(t("{count} more of smaller size", count=more))


def _line(visit: Visit, seen: Progress, todo: ToDo) -> str:
    names = Names(visit.language, None)
    words = visit.t(
        CONCERNS[todo.concern].msgid, city=names.area(todo.city_code), count=f"{todo.interviews:,}",
        of=f"{todo.of:,}", surveyor=todo.surveyor,
    )  # fmt: skip
    if not visit.principal.may(Action.REVIEW):
        return escape(words)
    target = review_link(seen.wave.key, todo, visit.language)
    return f'<a href="{escape(target, quote=True)}" target="_self">{escape(words)}</a>'


def review_link(wave_key: str, todo: ToDo, language: str) -> str:
    """The review page, cut to what a concern is about."""
    query = {"wave": wave_key, "city": todo.city_code, "lang": language}
    if todo.concern is Concern.WASTE:
        query["status"] = Status.VOID.value
    elif todo.concern in {Concern.WAITING, Concern.SURVEYOR}:
        query["status"] = Status.SUBMITTED.value
    else:
        query["status"] = "all"
    if todo.surveyor_id is not None:
        query |= {"surveyor": str(todo.surveyor_id), "flag": ANY_FLAG}
    return f"/{BY_KEY[PageKey.REVIEW].url}?{urlencode(query)}"
