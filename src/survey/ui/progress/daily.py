"""Details of one area: state of each quota cell, and its interviews by day."""

from html import escape

import streamlit as st

from survey.fieldwork.progress import AreaProgress, DailyCellCounts
from survey.locale import Translator
from survey.publish.views.display_names import DisplayNames
from survey.store.tables import Status
from survey.ui.page_runner import PageContext


def draw_cells_and_days(
    page: PageContext, place: AreaProgress, cells: tuple[DailyCellCounts, ...]
) -> None:
    """Draw target, collected, valid, in review and void of each cell, and its last days."""
    if not cells:
        return
    t, names = page.t, DisplayNames(page.language, None)
    where = t("All cities") if place.city_code is None else names.area(place.city_code)
    st.subheader(t("{place}: each cell, day by day", place=where), anchor=False)
    st.caption(
        t(
            "The days show interviews that count towards the quota; the last day is today and not "
            "over yet. Stopped at the door: {screened} screened out, {full} because the quota was "
            "full; {refused} declined.",
            screened=f"{place.tally.of(Status.SCREENED_OUT):,}",
            full=f"{place.tally.of(Status.QUOTA_FULL):,}",
            refused=f"{place.tally.of(Status.REFUSED):,}",
        )
    )
    days = tuple(cells[0].days)
    heads = [
        t("Age and gender"), t("Target"), t("Collected"), t("Missing"), t("Valid"), t("In review"),
        t("Void"), *(f"{day:%m-%d}" for day in days),
    ]  # fmt: skip
    most = max(max(cell_days.days.values()) for cell_days in cells)
    first = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(_render_day_row(names, cell_days, most) for cell_days in cells) + _sum(
        t, place, cells
    )
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


def _sum(t: Translator, place: AreaProgress, cells: tuple[DailyCellCounts, ...]) -> str:
    """Render the row of sums; an excess in one cell does not reduce what another misses."""
    facts = (
        place.tally.target, place.tally.counted, place.still_missing, place.tally.valid,
        place.tally.in_review, place.tally.void,
    )  # fmt: skip
    days = (sum(cell_days.days[day] for cell_days in cells) for day in cells[0].days)
    numbers = "".join(f"<td><b>{number:,}</b></td>" for number in (*facts, *days))
    together = escape(t("Together"))
    return f'<tr><th scope="row"><b>{together}</b></th>{numbers}</tr>'
