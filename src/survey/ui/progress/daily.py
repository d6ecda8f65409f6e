"""Details of one area: state of each quota cell, and its interviews by day."""

from html import escape

import streamlit as st

from survey.fieldwork.progress import AreaProgress, DailyCellCounts
from survey.locale import Translator
from survey.publish.views.display_names import DisplayNames
from survey.store.tables import Status
from survey.ui.page_runner import PageContext
from survey.ui.progress.formatting import area_name


def draw_cells_and_days(
    page: PageContext, area: AreaProgress, cells: tuple[DailyCellCounts, ...]
) -> None:
    """Draw target, collected, valid, in review and void of each cell, and its last days."""
    if not cells:
        return
    t, names = page.t, DisplayNames(page.language, None)
    st.subheader(t("{place}: each cell, day by day", place=area_name(t, names, area)), anchor=False)
    st.caption(
        t(
            "The days show interviews that count towards the quota; the last day is today and not "
            "over yet. Stopped at the door: {screened} screened out, {full} because the quota was "
            "full; {refused} declined.",
            screened=f"{area.tally.of(Status.SCREENED_OUT):,}",
            full=f"{area.tally.of(Status.QUOTA_FULL):,}",
            refused=f"{area.tally.of(Status.REFUSED):,}",
        )
    )
    days = tuple(cells[0].days)
    heads = [
        t("Age and gender"), t("Target"), t("Collected"), t("Missing"), t("Valid"), t("In review"),
        t("Void"), *(f"{day:%m-%d}" for day in days),
    ]  # fmt: skip
    most = max(max(cell_days.days.values()) for cell_days in cells)
    first = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(_render_day_row(names, cell_days, most) for cell_days in cells)
    body += _render_sum_row(t, area, cells)
    st.html(
        f'<div class="hcs-heat"><table><thead><tr>{first}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _render_day_row(names: DisplayNames, cell_days: DailyCellCounts, most: int) -> str:
    cell, tally = cell_days.cell, cell_days.cell.tally
    age, gender = names.group(f"age_band={cell.age_band}"), names.group(f"gender={cell.gender}")
    facts = (
        tally.target, tally.counted, tally.missing, tally.valid, tally.in_review, tally.void,
    )  # fmt: skip
    counts = "".join(f"<td>{number:,}</td>" for number in facts)
    gained = "".join(
        f'<td class="cell" style="--depth:{number / most if most else 0:.2f}">{number:,}</td>'
        for number in cell_days.days.values()
    )
    return f'<tr><th scope="row">{escape(age)} {escape(gender)}</th>{counts}{gained}</tr>'


def _render_sum_row(t: Translator, area: AreaProgress, cells: tuple[DailyCellCounts, ...]) -> str:
    """Render the row of sums; an excess in one cell does not reduce what another misses."""
    facts = (
        area.tally.target, area.tally.counted, area.still_missing, area.tally.valid,
        area.tally.in_review, area.tally.void,
    )  # fmt: skip
    days = (sum(cell_days.days[day] for cell_days in cells) for day in cells[0].days)
    numbers = "".join(f"<td><b>{number:,}</b></td>" for number in (*facts, *days))
    label = escape(t("Together"))
    return f'<tr><th scope="row"><b>{label}</b></th>{numbers}</tr>'
