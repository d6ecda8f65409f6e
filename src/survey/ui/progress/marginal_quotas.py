"""Table of marginal quotas: ages, genders, guardians and strata."""

from html import escape

import streamlit as st

from survey.fieldwork.planning.sampling_points import STRATUM_NAMES
from survey.fieldwork.progress import AreaProgress, MarginalQuotaTally, is_marginal
from survey.publish.views.display_names import DisplayNames
from survey.ui.page_runner import PageContext
from survey.ui.progress.formatting import area_name


def draw_marginal_quotas(page: PageContext, area: AreaProgress) -> None:
    """Draw target, collected, missing and turned away of each marginal quota."""
    if not area.margins:
        return
    t, names = page.t, DisplayNames(page.language, None)
    st.subheader(t("{place}: quotas by group", place=area_name(t, names, area)), anchor=False)
    text = t(
        "Each interview counts in every group that it belongs to. A group that stops takes nobody "
        "more at the door once it is full; urban and rural are only counted."
    )
    if is_marginal(area.margins):
        text += " " + t("Ages and genders have quotas of their own here: a cell is no limit.")
    st.caption(text)
    heads = (
        t("Group"), t("Target"), t("Collected"), t("Missing"), t("When full"), t("Turned away"),
    )  # fmt: skip
    first = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(_render_margin_row(page, names, margin) for margin in area.margins)
    st.html(
        f'<div class="hcs-heat"><table><thead><tr>{first}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _render_margin_row(page: PageContext, names: DisplayNames, margin: MarginalQuotaTally) -> str:
    t = page.t
    name = (
        t(STRATUM_NAMES[margin.category])
        if margin.dimension == "stratum"
        else names.group(margin.group)
    )
    rule = t("stops") if margin.stops else t("counts on")
    depth = min(margin.collected / margin.target, 1.0) if margin.target else 0.0
    mark = "▲" if margin.beyond else ""
    return (
        f'<tr><th scope="row">{escape(name)}</th><td>{margin.target:,}</td>'
        f'<td class="cell" style="--depth:{depth:.2f}">{mark}{margin.collected:,}</td>'
        f"<td>{margin.missing:,}</td><td>{escape(rule)}</td><td>{margin.turned_away:,}</td></tr>"
    )
