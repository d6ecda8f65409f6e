"""Streamlit component with the keying grid, which sends its sheets by HTTP.

A receipt is told as a trigger, so that the counts around the grid are drawn again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from survey.instrument.model import Instrument
from survey.locale import DEFAULT_LANGUAGE
from survey.ui.page_runner import PageContext
from survey.web.assets import component_script, paper_script_url, paper_style_url
from survey.web.form_texts import screen_language
from survey.web.invitation_page import form_url, language_codes


@dataclass(frozen=True)
class KeyingBatch:
    """Head of all sheets of a batch; `words` is its title above the grid."""

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
    """Draw the grid, or with `verdict` the two sides; true when a sheet was just received."""
    mount = st.components.v2.component("survey_paper", js=component_script())
    sent = mount(
        key=key,
        data={
            "script_url": paper_script_url(),
            "style_url": paper_style_url(),
            "form_url": form_url(instrument.sha256),
            "screen_languages": {
                code: screen_language(code, DEFAULT_LANGUAGE) for code in language_codes(instrument)
            },
            "language": _language(instrument, page.language),
            "draft_key": draft_key,
            "batch": vars(batch),
            "verdict": dict(verdict or {}),
        },
        on_keyed_change=_ignore_trigger,
    )
    return sent.keyed is not None


def _language(instrument: Instrument, language: str) -> str:
    return language if language in language_codes(instrument) else instrument.default_language


def _ignore_trigger() -> None:
    """Do nothing: Streamlit offers a trigger only where a callback is named."""
