"""What is imported and where: wave, questionnaire and city, the template, and the uploaded file."""

import hashlib
import re
from dataclasses import dataclass

import streamlit as st

from survey.access.roles import Action
from survey.access.work import Work
from survey.collection.importing.column_mapping import SOURCE_NAMES, detect_source
from survey.collection.importing.target_wave import list_importable_cities, list_waves_for_import
from survey.collection.importing.template import write_template
from survey.figures.views.display_names import DisplayNames
from survey.kit.download_button import XLSX, File, draw_download_button
from survey.kit.filters import filter_row, pick_city_or_none, pick_wave_key
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.locale import SurveyError
from survey.questionnaire.model import Instrument
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.tabular.reading import LIMITS, read_table
from survey.tabular.text_files import MAX_ROWS
from survey.tabular.text_table import TextTable
from survey.waves.instruments import list_instruments, load_instrument
from survey.waves.waves import STATE_NAMES, WaveSummary

NEW = "new"
MAX_FILE_MB = 50
_FIRST_ROWS = 300
_PARSED_UPLOAD = "bulk/look"


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
    with page.read() as work:
        waves = {wave.key: wave for wave in list_waves_for_import(work)}
        may_make = page.principal.may(Action.ADMINISTER)
        if not waves and not may_make:
            draw_notice(
                t("No wave is open"),
                t("You can import interviews as soon as an administrator opens a wave."),
            )
            return None
        with filter_row():
            options = [*waves, *([NEW] if may_make else [])]
            chosen = pick_wave_key(
                page, {key: _format_wave_name(page, waves, key) for key in options}
            )
            if chosen is None:
                return None
            city = _pick_city(page)
        if chosen != NEW:
            wave = waves[chosen]
            instrument = load_instrument(session=work.session, instrument_id=wave.instrument_id)
            return ImportTarget(
                chosen, instrument, False, wave.is_open, city, reviewed=not wave.is_open
            )
        return _draw_new_wave(page, list_instruments(session=work.session), city)


def _format_wave_name(page: PageContext, waves: dict[str, WaveSummary], key: str) -> str:
    t = page.t
    if key == NEW:
        return t("A new wave that was collected elsewhere")
    wave = waves[key]
    return f"{wave.label(page.language)} ({t(STATE_NAMES[wave.state])})"


def _pick_city(page: PageContext) -> str | None:
    t, names = page.t, DisplayNames(page.language, None)
    with page.read() as work:
        cities = list_importable_cities(work)
    return pick_city_or_none(
        page,
        {code: names.searchable_city(code) for code in cities},
        t("None: such rows are refused"),
        label=t("City of rows that name none"),
    )


def _draw_new_wave(
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
        value=True,
        key="bulk/reviewed",
    )
    series = st.text_input(
        t("Series"),
        key="bulk/series",
        max_chars=64,
        placeholder=t("as the short name"),
        help=t("Waves of one series are compared with each other."),
    )
    plain, of = _normalise_key(key), _normalise_key(series)
    if not plain:
        st.caption(t("Give the new wave a short name to go on."))
        return None
    return ImportTarget(
        plain, by_hash[chosen], True, False, city, reviewed, (title or "").strip(), of or None
    )


def _normalise_key(text: str | None) -> str:
    return re.sub(r"\s+", "-", (text or "").strip().lower())


@dataclass(frozen=True)
class UploadedTable:
    """Uploaded file that can be read, with the beginning of its table."""

    name: str
    content: bytes
    sha256: str
    beginning: TextTable


def draw_template_download(page: PageContext, aim: ImportTarget) -> None:
    """Draw the download of the template workbook for this questionnaire."""
    t = page.t

    def make() -> bytes:
        person = page.principal
        with read_scope(page.settings.store_url) as session:
            cities = list_importable_cities(Work(session, person, now(), page.settings))
        return write_template(
            principal=person, instrument=aim.instrument, cities=cities, language=page.language
        )

    draw_download_button(
        page,
        t("Template to fill in (.xlsx)"),
        File(f"{aim.instrument.name}-{aim.instrument.version}.xlsx", XLSX, make),
        key="bulk/template",
        icon=":material/download:",
    )


def draw_upload(page: PageContext, *, disabled: bool) -> UploadedTable | None:
    """Draw the uploader and return the file; None without one, or with one that cannot be read."""
    t = page.t
    uploaded = st.file_uploader(
        t("File with interviews (.xlsx or .csv)"),
        type=["xlsx", "csv", "txt", "tsv", "xls"],
        key="bulk/file",
        max_upload_size=MAX_FILE_MB,
        disabled=disabled,
    )
    st.caption(
        t(
            "At most {megabytes} MB; {rows} rows in a workbook, {text_rows} in a CSV. Our "
            "template, exports of ODK, KoboToolbox and survey sites, and other tables with one "
            "interview a row.",
            megabytes=MAX_FILE_MB,
            rows=f"{LIMITS.rows:,}",
            text_rows=f"{MAX_ROWS:,}",
        )
    )
    if uploaded is None:
        st.session_state.pop(_PARSED_UPLOAD, None)
        return None
    known = st.session_state.get(_PARSED_UPLOAD)
    if known is None or known[0] != uploaded.file_id:
        with st.spinner(t("Looking at the file …")):
            known = (uploaded.file_id, _parse_upload(uploaded.name, uploaded.getvalue()))
        st.session_state[_PARSED_UPLOAD] = known
    outcome: UploadedTable | SurveyError = known[1]
    if isinstance(outcome, SurveyError):
        draw_notice(t("This file cannot be read"), t(outcome.message), t("Nothing was written."))
        return None
    _draw_source(page, outcome)
    return outcome


def _parse_upload(name: str, content: bytes) -> UploadedTable | SurveyError:
    try:
        beginning = read_table(content, most_rows=_FIRST_ROWS)
    except SurveyError as error:
        return error
    return UploadedTable(name, content, hashlib.sha256(content).hexdigest(), beginning)


def _draw_source(page: PageContext, upload: UploadedTable) -> None:
    t, table = page.t, upload.beginning
    st.markdown(
        t(
            "Recognised as {source}: {columns} columns.",
            source=t(SOURCE_NAMES[detect_source(table)]),
            columns=len(table.header),
        )
    )
