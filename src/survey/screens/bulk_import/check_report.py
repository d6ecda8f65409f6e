"""Report of an import: counts, rejected rows with reasons, confirmation and result."""

from functools import partial
from html import escape

import pandas as pd
import streamlit as st

from survey.access.roles import Action
from survey.collection.importing.commit import ImportResult
from survey.collection.importing.import_plan import MAX_SHOWN_REJECTIONS, ImportPlan
from survey.collection.importing.rejections import describe_cause, reason_of, write_rejections
from survey.kit.download_button import XLSX, File, draw_download_button, name_file
from survey.kit.navigation import PAGES_BY_KEY, PageKey
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.locale import label_text
from survey.questionnaire.model import Instrument
from survey.store.china_time import format_china_minute

_ON_SCREEN = 200
_CAUSES_ON_SCREEN = 12


def show_plan(page: PageContext, plan: ImportPlan) -> None:
    """Draw the numbers of accepted, rejected and duplicate rows, and the reasons by row."""
    t = page.t
    tiles = (
        (t("Will be written"), len(plan.accepted)),
        (t("Refused"), plan.rejected_rows),
        (t("There already"), plan.duplicates),
    )
    parts = "".join(
        f'<div class="hcs-tile"><div class="name">{escape(name)}</div>'
        f'<div class="number">{count:,}</div></div>'
        for name, count in tiles
    )
    st.html(f'<div class="hcs-tiles" role="status">{parts}</div>')
    if plan.imported_before is not None:
        at = format_china_minute(t, plan.imported_before)
        st.markdown(t("This very file was imported into this wave on {time} China time.", time=at))
    _draw_remarks(page, plan)
    if plan.rejected:
        _draw_problems(page, plan)


def _draw_remarks(page: PageContext, plan: ImportPlan) -> None:
    t = page.t
    lines = [t(remark) for remark in plan.remarks]
    if plan.unmapped:
        lines.append(t("Columns that nothing uses: {columns}", columns=_join_names(plan.unmapped)))
    if plan.absent_items:
        asked = tuple(
            _format_item_label(plan.request.instrument, name, page.language)
            for name in plan.absent_items
        )
        lines.append(t("Questions without a column: {items}", items=_join_names(asked)))
    missing = {name: count for name, count in plan.missing.items() if count}
    if missing:
        words = tuple(
            f"{_format_item_label(plan.request.instrument, name, page.language)} ({count:,})"
            for name, count in missing.items()
        )
        lines.append(
            t("Rows without an answer, which then is missing: {items}", items=_join_names(words))
        )
    if plan.dropped_answers:
        lines.append(
            t(
                "{count} answers to questions that were not to be asked are left out.",
                count=f"{plan.dropped_answers:,}",
            )
        )
    if lines:
        with st.expander(t("What else to know ({count})", count=len(lines))):
            st.html("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>")


def _format_item_label(instrument: Instrument, name: str, language: str) -> str:
    item = instrument.by_name.get(name)
    return label_text(item.label, language, name) if item else name


def _join_names(names: tuple[str, ...], most: int = 12) -> str:
    shown = " · ".join(name[:60] for name in names[:most])
    return f"{shown} …" if len(names) > most else shown


def _draw_problems(page: PageContext, plan: ImportPlan) -> None:
    t, language = page.t, page.language
    st.subheader(t("What is refused, and why"), anchor=False)
    causes = plan.causes[:_CAUSES_ON_SCREEN]
    lines = [describe_cause(cause, reason_of(cause.message, language, t), t) for cause in causes]
    if len(plan.causes) > len(causes):
        lines.append(t("{count} more causes: see the list.", count=len(plan.causes) - len(causes)))
    st.html("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>")
    rows = plan.rejected[:_ON_SCREEN]
    frame = pd.DataFrame(
        {
            t("Row"): [rejection.row for rejection in rows],
            t("Column"): [rejection.column for rejection in rows],
            t("Value"): [rejection.value for rejection in rows],
            t("Reason"): [reason_of(rejection.message, language, t) for rejection in rows],
        }
    )
    if plan.sheet:
        frame.insert(0, t("Sheet"), plan.sheet)
    st.dataframe(frame, hide_index=True)
    if len(plan.rejected) > _ON_SCREEN or len(plan.rejected) == MAX_SHOWN_REJECTIONS:
        st.caption(
            t(
                "The first {count} reasons; the list holds up to {most}.",
                count=len(rows),
                most=f"{MAX_SHOWN_REJECTIONS:,}",
            )
        )
    make = partial(write_rejections, plan.rejected, plan.causes, plan.sheet, language, t)
    draw_download_button(
        page,
        t("List of problems (.xlsx)"),
        File(name_file(page, "problems", "xlsx"), XLSX, make),
        key="bulk/problems",
        icon=":material/download:",
    )
    st.markdown(
        t(
            "Mend these rows in the file and upload it again, or write the others now: rows that "
            "are there already are recognised later."
        )
    )


def draw_confirmation(page: PageContext, plan: ImportPlan, *, disabled: bool) -> bool:
    """Draw the confirmation and return whether the accepted rows are to be written."""
    t, count = page.t, len(plan.accepted)
    if not count:
        if plan.duplicates and not plan.rejected_rows:
            draw_notice(
                t("Nothing is left to write"),
                t("All rows of this file are in the wave already. It is not changed."),
            )
        return False
    agreed = True
    if plan.rejected_rows:
        agreed = st.checkbox(
            t("Leave out the {count} refused rows", count=f"{plan.rejected_rows:,}"),
            key="bulk-skip",
        )
    return st.button(
        t("Write {count} interviews", count=f"{count:,}"),
        type="primary",
        key="bulk-write",
        disabled=disabled or not agreed,
        icon=":material/save:",
    )


def draw_result(page: PageContext, done: tuple[ImportResult, bool] | None) -> None:
    """Draw how many interviews were written and the next step."""
    if done is None:
        return
    t, (result, into_open) = page.t, done
    title = t("{count} interviews were written", count=f"{result.written:,}")
    again = t("{count} were there already and stay as they are.", count=f"{result.duplicates:,}")
    repeated = again if result.duplicates else ""
    if into_open and page.principal.may(Action.REVIEW):
        draw_notice(
            title,
            repeated,
            t("They count for the quotas and wait for review now."),
            link=(
                f"/{PAGES_BY_KEY[PageKey.REVIEW].url}?wave={result.wave_key}",
                t("To the review"),
            ),
        )
        return
    draw_notice(
        title, repeated, t("The next step is to freeze the wave on the page Waves and sampling.")
    )
