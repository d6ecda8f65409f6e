"""Editor for the meaning of columns and values; a mapping can be saved under a name."""

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from hashlib import sha256

import pandas as pd
import streamlit as st

from survey.collection.importing.column_mapping import (
    ColumnRole,
    ExportSource,
    MappingFile,
    detect_source,
    read_mapping,
    target_name,
    write_mapping,
)
from survey.collection.importing.mapping_draft import (
    MAX_NAME_CHARS,
    ColumnDraft,
    SuggestionOrigin,
    UnparsedValue,
    draft_columns,
    list_saved_mappings,
    mapping_of,
    save_mapping,
    targets_of,
)
from survey.kit.download_button import CSV, File, draw_download_button, name_file
from survey.kit.feedback import perform, show_feedback, show_problems
from survey.kit.page_runner import PageContext
from survey.locale import Message, Translator, msg
from survey.screens.bulk_import.target import ImportTarget, UploadedTable

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
    """Draw the editor and return the mapping; None while it cannot be used."""
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
        codes = _select_known_codes(start, upload) | _edit_values(page, upload)
        mapping = mapping_of(
            chosen.items(), codes, upload.beginning, aim.instrument, numbered=numbered
        )
        _draw_save_mapping(page, aim, mapping)
    return mapping


def _draw_mapping_choice(page: PageContext, aim: ImportTarget) -> MappingFile | None:
    """Return the chosen saved or uploaded mapping; None to start from suggestions."""
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
    """Return the widget key of an editor: edits belong to one file and its drafts."""
    read = sha256(repr([(draft.column, draft.target) for draft in drafts]).encode()).hexdigest()[
        :16
    ]
    return f"bulk/editor/{upload.sha256[:16]}/{aim.instrument.sha256[:8]}/{read}/{page.language}"


def _select_known_codes(
    start: MappingFile | None, upload: UploadedTable
) -> dict[str, Mapping[str, str]]:
    if start is None:
        return {}
    header = set(upload.beginning.header)
    return {column: codes for column, codes in start.codes.items() if column in header}


def _edit_values(page: PageContext, upload: UploadedTable) -> dict[str, Mapping[str, str]]:
    """Draw the editor for values that the last check could not read."""
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
            perform(
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
