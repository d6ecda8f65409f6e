"""Components of the browser in Streamlit pages: interview form, keying grid, keys, pasted lists.

The form keeps its own draft and sends until it has a receipt, so a reload, a restart of the server
or a dead network between two runs of the page loses nothing. What it sends arrives as a trigger.
The *returned* trigger is read, not a callback: after a reconnect the first run of a fresh session
has no callbacks yet, and the interview would be lost. The keying grid sends its sheets by HTTP and
triggers on a receipt, so that the counts around it are drawn again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import streamlit as st

from survey.kit.page_runner import PageContext
from survey.locale import DEFAULT_LANGUAGE
from survey.questionnaire.model import Instrument
from survey.waves.quota_counts import FullQuotaGroup
from survey.web.assets import asset_url, component_script
from survey.web.form_texts import screen_language
from survey.web.invitation_page import form_url, full_groups_payload, language_codes
from survey.web.submission_intake import ApiResult

REMEMBERED_OUTCOMES = 20

Accept = Callable[[Mapping[str, Any]], ApiResult]
"""Function that stores what the form sent and returns the result."""
_KEYS, _PASTING = "keyboard_shortcuts.js", "read_when_pasted.js"


@dataclass(frozen=True)
class InterviewFormConfig:
    """What the form in the browser needs: questionnaire, sampling point, draft key, quotas."""

    instrument_sha256: str
    languages: tuple[str, ...]
    point_id: UUID
    place: Mapping[str, str]
    is_demo: bool
    draft_key: str
    full: tuple[FullQuotaGroup, ...]
    """Who is not needed any more."""
    has_next: bool
    """Whether another interview follows at the same point; a venue is visited once."""
    phone: Mapping[str, str]
    """Where a respondent's telephone number goes (`survey.web.api.phone_endpoint_config`)."""


def interview_form(
    interview: InterviewFormConfig, *, key: str, language: str, elder: bool, accept: Accept
) -> ApiResult | None:
    """Draw the interview form (`elder`: large); pass what it sends to `accept`, return the outcome.

    Returns the outcome of the interview that arrived with this run, once.
    """
    memory = f"{key}/outcomes"
    state = st.session_state.get(key)
    handed_in = state.get("submitted") if isinstance(state, Mapping) else None
    news = None if handed_in is None else _store_incoming(memory, handed_in, accept)
    mount = st.components.v2.component("survey_interview", js=component_script())
    sent = mount(
        key=key,
        data=_build_component_data(
            interview, language, elder, st.session_state.setdefault(memory, [])
        ),
        on_submitted_change=_ignore_trigger,
    )
    if handed_in is None and sent.submitted is not None:
        # The first run of a session that met the form elsewhere: only now is its word heard.
        st.session_state[f"{key}/news"] = _store_incoming(memory, sent.submitted, accept)
        st.rerun()
    return news or st.session_state.pop(f"{key}/news", None)


def _store_incoming(memory: str, arrived: Mapping[str, Any], accept: Accept) -> ApiResult:
    """Pass interview `arrived` to `accept`; return the outcome, kept in `memory` for the form."""
    outcome = accept(arrived)
    known = {
        "client_uuid": arrived.get("client_uuid"),
        "status": outcome.status,
        "body": outcome.body,
    }
    st.session_state[memory] = [*st.session_state.get(memory, []), known][-REMEMBERED_OUTCOMES:]
    return outcome


def _build_component_data(
    interview: InterviewFormConfig, language: str, elder: bool, outcomes: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "script_url": asset_url("embedded.js"),
        "style_url": asset_url("embedded.css"),
        "form_url": form_url(interview.instrument_sha256),
        "screen_languages": {
            code: screen_language(code, DEFAULT_LANGUAGE) for code in interview.languages
        },
        "draft_key": interview.draft_key,
        "language": language,
        "elder": elder or None,
        "meta": {
            "submission": {"point_id": str(interview.point_id)},
            "place": dict(interview.place),
            "is_demo": interview.is_demo,
            "next": interview.has_next,
            "full": full_groups_payload(interview.full),
            **interview.phone,
        },
        "outcomes": outcomes,
    }


def _ignore_trigger() -> None:
    """Do nothing: Streamlit offers a trigger only where a callback is named."""


@lru_cache
def _read_script(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def bind_keys(keys: Mapping[str, str]) -> None:
    """Let keys of the keyboard press buttons (key -> widget key) while nobody is typing.

    Streamlit's own `shortcut=` keeps R for itself; this also works where it does not.
    """
    mount = st.components.v2.component("survey_keys", js=_read_script(_KEYS))
    mount(key="keys", data={"keys": dict(keys)})


def read_when_pasted(container: str) -> None:
    """Let the text areas in the container of this key be read as soon as something is pasted."""
    mount = st.components.v2.component("survey_pasting", js=_read_script(_PASTING))
    mount(key=f"{container}/pasting", data={"field": container})


@dataclass(frozen=True)
class KeyingBatch:
    """Wave, point, surveyor and day of a batch of paper sheets; `words` is the title above them."""

    wave: str
    point_id: str
    surveyor_id: str
    interview_on: str
    words: str


def paper_grid(
    page: PageContext,
    instrument: Instrument,
    batch: KeyingBatch,
    *,
    key: str,
    draft_key: str,
    verdict: Mapping[str, Any] | None = None,
) -> bool:
    """Draw the grid to key paper sheets (`verdict`: to settle two keyings); True if one is sent."""
    mount = st.components.v2.component("survey_paper", js=component_script())
    sent = mount(
        key=key,
        data={
            "script_url": asset_url("paper.js"),
            "style_url": asset_url("paper.css"),
            "form_url": form_url(instrument.sha256),
            "screen_languages": {
                code: screen_language(code, DEFAULT_LANGUAGE) for code in language_codes(instrument)
            },
            "language": _choose_interview_language(instrument, page.language),
            "draft_key": draft_key,
            "batch": vars(batch),
            "verdict": dict(verdict or {}),
        },
        on_keyed_change=_ignore_trigger,
    )
    return sent.keyed is not None


def _choose_interview_language(instrument: Instrument, language: str) -> str:
    return language if language in language_codes(instrument) else instrument.default_language
