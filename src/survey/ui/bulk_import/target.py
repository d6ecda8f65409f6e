"""Target of an import: an open wave, or a new one that was collected elsewhere."""

import re
from dataclasses import dataclass

import streamlit as st

from survey.access.roles import Action
from survey.fieldwork.importing.target_wave import list_importable_cities, list_waves_for_import
from survey.fieldwork.instruments import list_instruments, load_instrument
from survey.fieldwork.waves import STATE_NAMES, WaveSummary
from survey.instrument.model import Instrument
from survey.publish.views.display_names import DisplayNames
from survey.store.engine import read_scope
from survey.ui.filters import filter_row
from survey.ui.glossary import explain
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.url_state import pick

NEW = "new"
NONE = "none"


@dataclass(frozen=True)
class ImportTarget:
    """Wave and questionnaire of an import, and the city of rows without one."""

    wave_key: str
    instrument: Instrument
    is_new: bool
    is_open: bool
    city_code: str | None
    reviewed: bool = False
    title: str = ""
    series: str | None = None
    """Of a new wave; without one the wave is a series of its own."""


def draw_target(page: PageContext) -> ImportTarget | None:
    """Draw the choices and return the target; None if there is no wave to import into."""
    t = page.t
    with read_scope(page.settings.store_url) as session:
        waves = {
            wave.key: wave
            for wave in list_waves_for_import(session=session, principal=page.principal)
        }
        may_make = page.principal.may(Action.ADMINISTER)
        if not waves and not may_make:
            draw_notice(
                t("No wave is open"),
                t("You can import interviews as soon as an administrator opens a wave."),
            )
            return None
        with filter_row():
            chosen = pick(
                t("Wave"), "wave", [*waves, *([NEW] if may_make else [])],
                language=page.language, show=lambda key: _wave_name(page, waves, key),
                explanation=explain("wave", page.language),
            )  # fmt: skip
            city = _pick_city(page)
        if chosen != NEW:
            wave = waves[chosen]
            instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
            return ImportTarget(
                chosen, instrument, False, wave.is_open, city, reviewed=not wave.is_open
            )
        return _new_wave(page, list_instruments(session=session), city)


def _wave_name(page: PageContext, waves: dict[str, WaveSummary], key: str) -> str:
    t = page.t
    if key == NEW:
        return t("A new wave that was collected elsewhere")
    wave = waves[key]
    return f"{wave.label(page.language)} ({t(STATE_NAMES[wave.state])})"


def _pick_city(page: PageContext) -> str | None:
    t, names = page.t, DisplayNames(page.language, None)
    with read_scope(page.settings.store_url) as session:
        cities = list_importable_cities(session=session, principal=page.principal)
    codes = list(cities)
    chosen = pick(
        t("City of rows that name none"), "city", [NONE, *codes], language=page.language,
        show=lambda code: t("None: such rows are refused") if code == NONE else names.area(code),
        default=page.principal.area,
    )  # fmt: skip
    return None if chosen == NONE else chosen


def _new_wave(
    page: PageContext, instruments: list[Instrument], city: str | None
) -> ImportTarget | None:
    t = page.t
    if not instruments:
        draw_notice(
            t("There is no questionnaire yet"),
            t("An administrator stores one with the command: survey form import <file>."),
        )
        return None
    labels = {
        instrument.sha256: f"{instrument.name} {instrument.version}"
        for instrument in reversed(instruments)
    }
    by_hash = {instrument.sha256: instrument for instrument in instruments}
    left, middle, right = st.columns(3)
    with left:
        chosen = st.selectbox(
            t("Questionnaire"), list(labels), format_func=labels.__getitem__, key="bulk/form"
        )
    with middle:
        key = st.text_input(
            t("Short name of the wave, such as pilot-2025"), key="bulk/key", max_chars=64
        )
    with right:
        title = st.text_input(t("Title"), key="bulk/title", max_chars=80)
    reviewed = st.checkbox(
        t("The interviews were reviewed where they come from and count as approved"),
        value=True, key="bulk/reviewed",
    )  # fmt: skip
    series = st.text_input(
        t("Series"), key="bulk/series", max_chars=64, placeholder=t("as the short name"),
        help=t("Waves of one series are compared with each other."),
    )  # fmt: skip
    plain, of = _normalise_key(key), _normalise_key(series)
    if not plain:
        st.caption(t("Give the new wave a short name to go on."))
        return None
    return ImportTarget(
        plain, by_hash[chosen], True, False, city, reviewed, (title or "").strip(), of or None
    )


def _normalise_key(text: str | None) -> str:
    return re.sub(r"\s+", "-", (text or "").strip().lower())
