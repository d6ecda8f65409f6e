"""Trial of a questionnaire in a phone's frame: the real form, whose answers are not stored."""

import streamlit as st

from survey.instrument.browser_payload import browser_form
from survey.instrument.model import Instrument
from survey.locale import DEFAULT_LANGUAGE
from survey.ui.page_runner import PageContext
from survey.web.assets import asset_url, component_script
from survey.web.form_texts import screen_language
from survey.web.invitation_page import form_url, language_codes

_HEIGHT = 720


def draw_preview(page: PageContext, instrument: Instrument, *, is_stored: bool = True) -> None:
    """Draw the form as a phone shows it.

    Args:
        is_stored: Whether the browser can fetch the questionnaire; otherwise it comes with the
            page.
    """
    codes = language_codes(instrument)
    mount = st.components.v2.component("survey_preview", js=component_script())
    with st.container(key="phone-frame", height=_HEIGHT, border=True):
        mount(
            key=f"preview/{instrument.sha256[:12]}",
            data={
                "script_url": asset_url("preview.js"),
                "style_url": asset_url("embedded.css"),
                "form_url": form_url(instrument.sha256),
                "form": None if is_stored else browser_form(instrument),
                "screen_languages": {
                    code: screen_language(code, DEFAULT_LANGUAGE) for code in codes
                },
                "draft_key": f"preview-{instrument.sha256[:12]}",
                "language": page.language if page.language in codes else None,
                "elder": page.viewer.preferences.large or None,
            },
        )
    st.caption(page.t("A trial: what is answered here is not sent and not stored."))
