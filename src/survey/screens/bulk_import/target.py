"""Target of an import: wave, questionnaire and city; its file, and what the columns mean."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

import pandas as pd
import streamlit as st

from survey.access.roles import Action
from survey.collection.importing.column_mapping import (
    SOURCE_NAMES,
    ColumnRole,
    ExportSource,
    MappingFile,
    detect_source,
    read_mapping,
    target_name,
    write_mapping,
)
from survey.collection.importing.kept_mappings import MAX_NAME_CHARS
from survey.collection.importing.mapping_draft import (
    ColumnDraft,
    SuggestionOrigin,
    UnparsedValue,
    draft_columns,
    list_saved_mappings,
    mapping_of,
    save_mapping,
    targets_of,
)
from survey.collection.importing.target_wave import list_importable_cities, list_waves_for_import
from survey.collection.importing.template import write_template
from survey.figures.views.display_names import DisplayNames
from survey.kit.download_button import CSV, XLSX, File, draw_download_button, name_file
from survey.kit.feedback import run_change, show_feedback, show_problems
from survey.kit.filters import filter_row, pick_city_or_none, pick_wave_key
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.locale import Message, SurveyError, Translator, msg
from survey.questionnaire.model import Instrument
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
    """Wave and questionnaire of an import, and the city for rows that name none."""

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
    """Draw the choices of an import's wave and city; return both, None while incomplete."""
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
    """Uploaded file that can be read, and the first rows of its table."""

    name: str
    content: bytes
    sha256: str
    beginning: TextTable


def draw_template_download(page: PageContext, aim: ImportTarget) -> None:
    """Draw the download of the template workbook for the questionnaire of import target `aim`."""
    t = page.t

    def make() -> bytes:
        with page.read() as work:
            cities = list_importable_cities(work)
        return write_template(
            principal=page.principal,
            instrument=aim.instrument,
            cities=cities,
            language=page.language,
        )

    draw_download_button(
        page,
        t("Template to fill in (.xlsx)"),
        File(f"{aim.instrument.name}-{aim.instrument.version}.xlsx", XLSX, make),
        key="bulk/template",
        icon=":material/download:",
    )


def draw_upload(page: PageContext, *, disabled: bool) -> UploadedTable | None:
    """Draw the uploader and return the file; None without a file or if it cannot be read."""
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
    return UploadedTable(name, content, sha256(content).hexdigest(), beginning)


def _draw_source(page: PageContext, upload: UploadedTable) -> None:
    t, table = page.t, upload.beginning
    st.markdown(
        t(
            "Recognised as {source}: {columns} columns.",
            source=t(SOURCE_NAMES[detect_source(table)]),
            columns=len(table.header),
        )
    )


UNREAD = "bulk/unread"
"""Values that the last check could not read, by the file they stand in."""
_SUGGESTED, _FROM_FILE = "", "\x00file"
_MAPPING = "mapping"
"""Place of the messages about the mapping."""
_ORIGINS: dict[SuggestionOrigin, Message] = {
    SuggestionOrigin.SAVED: msg("saved mapping"),
    SuggestionOrigin.NAME: msg("by its name"),
    SuggestionOrigin.LIKENESS: msg("similar words: please check"),
    SuggestionOrigin.UNKNOWN: msg("not recognised"),
}


def map_columns(page: PageContext, aim: ImportTarget, upload: UploadedTable) -> MappingFile | None:
    """Draw the editor that maps file columns to questions of target `aim`; return the mapping."""
    t = page.t
    doubtful = detect_source(upload.beginning) in {ExportSource.SURVEY_SITE, ExportSource.OTHER}
    with st.expander(t("What the columns mean"), expanded=doubtful, key="bulk/columns"):
        start = _draw_mapping_choice(page, aim)
        drafts = draft_columns(upload.beginning, aim.instrument, start)
        chosen = _edit_columns(page, aim, upload, drafts)
        numbered = st.checkbox(
            t("Figures in columns of choices stand for the order of the choices (1 = the first)"),
            key="bulk/numbered",
        )
        header, known = set(upload.beginning.header), start.codes if start else {}
        codes = {column: answers for column, answers in known.items() if column in header}
        codes |= _edit_values(page, upload)
        mapping = mapping_of(
            chosen.items(), codes, upload.beginning, aim.instrument, numbered=numbered
        )
        _draw_save_mapping(page, aim, mapping)
    return mapping


def _draw_mapping_choice(page: PageContext, aim: ImportTarget) -> MappingFile | None:
    """Draw the choice of a saved or uploaded mapping for target `aim`; return it, else None."""
    t = page.t
    with page.read() as work:
        saved = {
            saved_mapping.name: saved_mapping.mapping
            for saved_mapping in list_saved_mappings(work, instrument_name=aim.instrument.name)
        }
    options = [_SUGGESTED, *saved, _FROM_FILE]
    chosen = st.selectbox(
        t("Begin with"),
        options,
        key=f"bulk/start/{page.language}",
        format_func=lambda name: _format_mapping_choice(t, name),
    )
    mapping = saved.get(chosen)
    if chosen == _FROM_FILE:
        file = st.file_uploader(
            t("Mapping file (.csv)"), type=["csv"], key="bulk/mapping-file", max_upload_size=1
        )
        if file is not None:
            with show_problems(t, t("This mapping file cannot be used.")):
                mapping = read_mapping(file.getvalue())
    return mapping


def _format_mapping_choice(t: Translator, name: str) -> str:
    if name == _SUGGESTED:
        return t("what is recognised and suggested")
    return t("a mapping file") if name == _FROM_FILE else name


def _edit_columns(
    page: PageContext, aim: ImportTarget, upload: UploadedTable, drafts: tuple[ColumnDraft, ...]
) -> dict[str, str]:
    t = page.t
    named: dict[str, str] = {}
    for target in targets_of(aim.instrument):
        name = target_name(target, aim.instrument, page.language)
        named[target] = t(name) if isinstance(name, Message) else name
    frame = pd.DataFrame(
        [
            (
                draft.column,
                draft.target or ColumnRole.IGNORE.value,
                draft.sample,
                t(_ORIGINS[draft.origin]),
            )
            for draft in drafts
        ],
        columns=["column", "target", "sample", "origin"],
    )
    edited = st.data_editor(
        frame,
        hide_index=True,
        disabled=["column", "sample", "origin"],
        key=_build_editor_key(page, aim, upload, drafts),
        column_config={
            "column": st.column_config.TextColumn(t("Column"), pinned=True),
            "sample": st.column_config.TextColumn(t("For example")),
            "target": st.column_config.SelectboxColumn(
                t("Means"),
                options=list(named),
                width="large",
                format_func=lambda target: named[str(target)],
            ),
            "origin": st.column_config.TextColumn(t("Why")),
        },
    )
    targets = edited["target"].fillna(ColumnRole.IGNORE.value).astype(str)
    return dict(zip(edited["column"].astype(str), targets, strict=True))


def _build_editor_key(
    page: PageContext, aim: ImportTarget, upload: UploadedTable, drafts: tuple[ColumnDraft, ...]
) -> str:
    """Return the editor's widget key: edits hold for one file and suggested columns `drafts`."""
    read = sha256(repr([(draft.column, draft.target) for draft in drafts]).encode()).hexdigest()[
        :16
    ]
    return f"bulk/editor/{upload.sha256[:16]}/{aim.instrument.sha256[:8]}/{read}/{page.language}"


def _edit_values(page: PageContext, upload: UploadedTable) -> dict[str, Mapping[str, str]]:
    """Draw an editor for values the last check could not read; return column -> (value -> code)."""
    t = page.t
    file, unread = st.session_state.get(UNREAD, ("", ()))
    if file != upload.sha256 or not unread:
        return {}
    st.markdown(
        t(
            "These values are no answers to their questions. Give the code that each stands for "
            "(the template lists the codes), then check again. “-” means no answer."
        )
    )
    rows: tuple[UnparsedValue, ...] = unread
    frame = pd.DataFrame(
        [(row.column, row.value, row.count, "") for row in rows],
        columns=["column", "value", "count", "code"],
    )
    edited = st.data_editor(
        frame,
        hide_index=True,
        disabled=["column", "value", "count"],
        key=f"bulk/values/{file[:16]}/{page.language}",
        column_config={
            "column": st.column_config.TextColumn(t("Column"), pinned=True),
            "value": st.column_config.TextColumn(t("Value")),
            "count": st.column_config.NumberColumn(t("Rows")),
            "code": st.column_config.TextColumn(t("Code of the answer")),
        },
    )
    codes: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for column, value, _, code in edited.itertuples(index=False):
        if code and str(code).strip():
            plain = str(code).strip()
            codes[str(column)][str(value).casefold()] = "" if plain == "-" else plain
    return dict(codes)


def _draw_save_mapping(page: PageContext, aim: ImportTarget, mapping: MappingFile) -> None:
    t = page.t
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            t("Name under which to keep this mapping"), key="bulk/name", max_chars=MAX_NAME_CHARS
        )
        if st.button(t("Save mapping"), key="bulk/save", disabled=not (name or "").strip()):
            run_change(
                page,
                lambda work: save_mapping(
                    work, mapping=mapping, instrument_name=aim.instrument.name, name=name or ""
                ),
                done=t("Saved. Everybody who imports for this questionnaire can use it."),
                slot=_MAPPING,
            )
        draw_download_button(
            page,
            t("Mapping as a file"),
            File(name_file(page, "mapping", "csv"), CSV, partial(write_mapping, mapping)),
            key="bulk/mapping",
        )
    show_feedback(page, _MAPPING, toast=True)
