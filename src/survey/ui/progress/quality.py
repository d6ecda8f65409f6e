"""Quality by surveyor, point, agency or city: valid rate, flags, pace, interviewer effect."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.access.work import Work
from survey.fieldwork.quality.flags import KIND_NAMES, FlagKind
from survey.fieldwork.quality.summary import QualityGrouping, QualityRow, summarise_quality
from survey.fieldwork.waves import WaveSummary
from survey.locale import Message, Translator, label_text, msg
from survey.locale.figures import format_score, format_share
from survey.publish.column_tables import csv_bytes
from survey.settings import Settings
from survey.store.read_replica import LateReading, read_late
from survey.store.tables import now
from survey.ui.data_freshness import draw_freshness
from survey.ui.download_button import CSV, File, draw_download_button, name_file
from survey.ui.html_table import render_table
from survey.ui.page_runner import PageContext, page_fragment
from survey.ui.progress.formatting import format_percent_interval

BY: dict[QualityGrouping, Message] = {
    "surveyor": msg("Surveyor"),
    "point": msg("Sampling point"),
    "agency": msg("Agency"),
    "city": msg("City"),
}
_LISTED = 40
_CACHE_SECONDS = 300.0
"""Seconds that readers of one area share a look; flags are looked for every few minutes."""


@page_fragment()
def draw_quality_summary(page: PageContext, wave: WaveSummary) -> None:
    """Draw the quality table for reviewers, computed when it is opened."""
    t = page.t
    if not page.principal.may(Action.REVIEW):
        return
    expander = st.expander(
        t("Quality by surveyor, point, agency or city"), key="progress/quality", on_change="rerun"
    )
    if not expander.open:
        return
    with expander:
        by = st.segmented_control(
            t("Quality by"),
            list(BY),
            format_func=lambda option: t(BY[option]),
            default="surveyor",
            required=True,
            key=f"progress/quality/by/{page.language}",
        )
        reading = _read_quality(page, wave.key, by)
        rows = reading.value
        draw_freshness(t, reading.freshness)
        if not rows:
            st.caption(t("Nothing has been collected here yet."))
            return
        st.caption(
            t(
                "Most interviews to be looked at first. A flag is a reason to look, no verdict: "
                "a person decides. Pace 1 is usual, 0.5 twice as fast. Interviewer effect: how far "
                "answers depend on who asked, and by how much that enlarges the variance."
            )
        )
        table = pd.DataFrame([_format_quality_row(page, row, by) for row in rows])
        lines = table.head(_LISTED).itertuples(index=False, name=None)
        st.html(render_table(list(table.columns), lines))
        if len(table) > _LISTED:
            st.caption(t("{count} more in the file", count=len(table) - _LISTED))
        draw_download_button(
            page,
            t("Table (CSV)"),
            File(
                name_file(page, f"quality-{by}", "csv", wave),
                CSV,
                partial(_build_csv, t, table, wave.is_demo),
            ),
            key=f"progress/quality/csv/{by}",
            type="tertiary",
            icon=":material/table:",
        )


def _read_quality(
    page: PageContext, wave_key: str, by: QualityGrouping
) -> LateReading[Sequence[QualityRow]]:
    person, settings = page.principal, page.settings
    return _read_cached_quality(
        settings.store_url, person.role, person.area, wave_key, by, person, settings
    )


@st.cache_resource(ttl=_CACHE_SECONDS, max_entries=64, show_spinner=False)
def _read_cached_quality(
    store_url: str,
    role: str,
    area: str,
    wave_key: str,
    by: QualityGrouping,
    _person: Principal,
    _settings: Settings,
) -> LateReading[Sequence[QualityRow]]:
    del store_url, role, area  # part of the key of the cache
    reading = read_late(
        _settings,
        lambda session: summarise_quality(
            Work(session, _person, now(), _settings), wave_key=wave_key, by=by
        ),
    )
    rows = sorted(reading.value, key=lambda row: (-row.to_review, row.valid_rate, row.key))
    return LateReading(rows, reading.freshness)


def _format_quality_row(page: PageContext, row: QualityRow, by: QualityGrouping) -> dict[str, str]:
    t = page.t
    interval = format_percent_interval(t, row.valid_low, row.valid_high)
    rate = f"{format_share(row.valid_rate)} ({interval})"
    flags = ", ".join(
        f"{t(KIND_NAMES[kind])} {row.flags[kind]:,}" for kind in FlagKind if row.flags.get(kind)
    )
    line = {
        t(BY[by]): label_text(row.name, page.language, row.key),
        t("Finished"): f"{row.interviews:,}",
        t("Valid rate (95%\u00a0interval)"): rate,
        t("To be looked at"): f"{row.to_review:,}",
        t("Flags"): flags or "–",
        t("Pace"): format_score(row.median_pace, 2),
    }
    if by in {"city", "agency"}:
        effect = row.effect
        line[t("Interviewer effect, design effect")] = (
            "–"
            if effect is None
            else f"{format_score(effect.icc, 3)}, {format_score(effect.deff, 2)}"
        )
    return line


def _build_csv(t: Translator, table: pd.DataFrame, demo: bool) -> bytes:
    return csv_bytes(table, (t("DEMO DATA: generated, no result of any survey"),) if demo else ())
