"""Tab of the translation: every text side by side, missing ones marked."""

from functools import partial

import pandas as pd
import streamlit as st

from survey.instrument.model import Instrument
from survey.instrument.translations import (
    TEXT_PART_NAMES,
    TranslatedText,
    count_missing,
    list_texts,
)
from survey.publish.column_tables import csv_bytes
from survey.ui.download_button import CSV, File, draw_download_button, name_file
from survey.ui.page_runner import PageContext
from survey.ui.text_blocks import escape_markdown

_HEIGHT = 560


def draw_translations(page: PageContext, instrument: Instrument) -> None:
    """Draw the texts of a questionnaire in all of its languages."""
    t = page.t
    if len(instrument.languages) == 1:
        st.caption(
            t(
                "This questionnaire is in one language: {name}.",
                name=escape_markdown(instrument.languages[0].name),
            )
        )
    missing = {code: count for code, count in count_missing(instrument).items() if count}
    names = {language.code: language.name for language in instrument.languages}
    if missing:
        listed = t(", ").join(f"{names[code]}: {count:,}" for code, count in missing.items())
        st.warning(t("Missing texts: {listed}", listed=escape_markdown(listed)))
    else:
        st.markdown(t("No text is missing."))
    only_missing = bool(missing) and st.toggle(
        t("Missing texts only"), key="questionnaires/missing"
    )
    texts = [
        text
        for text in list_texts(instrument)
        if not only_missing or any(text.is_missing(code) for code in names)
    ]
    st.dataframe(
        _build_texts_table(page, instrument, texts),
        hide_index=True,
        height=_HEIGHT,
        alt=t("Texts of the questionnaire"),
    )
    draw_download_button(
        page,
        t("All texts (CSV)"),
        File(name_file(page, "texts", "csv"), CSV, partial(_build_texts_csv, page, instrument)),
        key="questionnaires/texts",
        type="tertiary",
        icon=":material/table:",
    )


def _build_texts_csv(page: PageContext, instrument: Instrument) -> bytes:
    return csv_bytes(_build_texts_table(page, instrument, list(list_texts(instrument))))


def _build_texts_table(
    page: PageContext, instrument: Instrument, texts: list[TranslatedText]
) -> pd.DataFrame:
    t = page.t
    absent = t("(missing)")
    columns: dict[str, list[str]] = {
        t("Short name"): [text.item for text in texts],
        t("Part"): [t(TEXT_PART_NAMES[text.part]) for text in texts],
    }
    for language in instrument.languages:
        columns[f"{language.name} ({language.code})"] = [
            absent if text.is_missing(language.code) else text.texts[language.code]
            for text in texts
        ]
    return pd.DataFrame(columns)
