"""Table of the quotas of one city, which planners edit, and sums beside what is planned."""

from collections.abc import Mapping
from functools import partial
from html import escape
from uuid import UUID

import pandas as pd
import streamlit as st

from survey.access.roles import Action
from survey.figures.views.display_names import DisplayNames
from survey.kit.feedback import change_wave_on_click
from survey.kit.page_runner import PageContext
from survey.kit.url_state import pick
from survey.store.tables import WaveState
from survey.waves.planning.quota_editing import (
    DIMENSION_NAMES,
    MAX_QUOTA,
    CityQuotas,
    change_city_quotas,
    get_city_quotas,
    list_quota_cities,
)
from survey.waves.planning.sampling_points import STRATUM_NAMES
from survey.waves.planning.wave_overview import WaveOverview


def draw_quota_table(page: PageContext, sheet: WaveOverview) -> None:
    """Draw quotas of a chosen city of wave `sheet` and a button to save them; nothing if none."""
    t, names = page.t, DisplayNames(page.language, None)
    with page.read() as work:
        cities = list_quota_cities(work, key=sheet.key)
    if not cities:
        return
    st.subheader(t("Quotas of one city"), anchor=False)
    city = pick(page, t("City"), "quota_city", {each: names.area(each) for each in cities})
    with page.read() as work:
        quotas = get_city_quotas(work, key=sheet.key, city_code=city)
    editable = page.principal.may(Action.PLAN) and sheet.state in {
        WaveState.PLANNED,
        WaveState.OPEN,
    }
    targets = _draw_editor(page, sheet, quotas, names, editable=editable)
    _draw_sums(page, quotas, targets)
    if not editable:
        return
    changed = {
        quota.id: targets[quota.id] for quota in quotas.quotas if targets[quota.id] != quota.target
    }
    change = partial(change_city_quotas, key=sheet.key, seen=quotas, targets=changed)
    st.button(
        t("Save {count} changed quotas", count=len(changed)),
        key="quota-save",
        disabled=not changed,
        on_click=change_wave_on_click,
        args=(page, sheet, change, t("{count} quotas are changed.", count=len(changed))),
    )
    st.caption(
        t(
            "For many cities the workbook is quicker. Saving the plan anew computes all quotas "
            "again."
        )
    )


def _draw_editor(
    page: PageContext,
    sheet: WaveOverview,
    quotas: CityQuotas,
    names: DisplayNames,
    *,
    editable: bool,
) -> dict[UUID, int]:
    """Draw a city's quota targets in wave `sheet` as a table; return `quota id -> target`."""
    t = page.t
    kind, group, target, collected = t("Quota of"), t("Group"), t("Target"), t("Collected")
    frame = pd.DataFrame(
        [
            (
                t(DIMENSION_NAMES[quota.dimension]),
                " · ".join(
                    page.t(STRATUM_NAMES[group.partition("=")[2]])
                    if quota.dimension == "stratum"
                    else names.group(group)
                    for group in quota.groups
                ),
                quota.target,
                quota.collected,
            )
            for quota in quotas.quotas
        ],
        columns=[kind, group, target, collected],
    )
    # After a save the table begins anew: edits are kept by row, over whatever is stored by then.
    version = hash(tuple(quota.target for quota in quotas.quotas))
    edited = st.data_editor(
        frame,
        hide_index=True,
        num_rows="fixed",
        width="content",
        disabled=[kind, group, collected] if editable else True,
        column_config={
            target: st.column_config.NumberColumn(
                target, min_value=0, max_value=MAX_QUOTA, step=1, required=True
            )
        },
        key=f"quota/{sheet.key}/{quotas.city_code}/{page.language}/{version}",
    )
    values = edited[target].fillna(frame[target]).tolist()
    return {quota.id: int(value) for quota, value in zip(quotas.quotas, values, strict=True)}


def _draw_sums(page: PageContext, quotas: CityQuotas, targets: Mapping[UUID, int]) -> None:
    """Draw the sum of targets of each kind of quota beside the city's planned interviews."""
    t = page.t
    lines = "".join(
        f"<li><span>{escape(t(DIMENSION_NAMES[dimension]))}</span><span>"
        f"{escape(_sum_text(page, total, quotas.planned))}</span></li>"
        for dimension, total in quotas.sums(targets).items()
    )
    st.html(f'<div class="hcs-findings"><ul>{lines}</ul></div>')


def _sum_text(page: PageContext, total: int, planned: int) -> str:
    if total < planned:
        return page.t(
            "{total} in all, {missing} fewer than the {planned} interviews of the city",
            total=f"{total:,}",
            missing=f"{planned - total:,}",
            planned=f"{planned:,}",
        )
    return page.t(
        "{total} in all for {planned} interviews of the city",
        total=f"{total:,}",
        planned=f"{planned:,}",
    )
