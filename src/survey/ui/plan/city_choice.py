"""Choice of the cities of a wave: all of them, whole provinces, or one by one."""

from collections.abc import Sequence

import streamlit as st

from survey.fieldwork.planning.wave_overview import WaveOverview
from survey.publish.views.display_names import DisplayNames
from survey.sample.city_frame import FrameCity
from survey.sample.sampling_plan import PlanRequest
from survey.ui.page_runner import PageContext

ALL, CHOSEN = "all", "chosen"


def draw_city_choice(
    page: PageContext, sheet: WaveOverview, cities: Sequence[FrameCity], saved: PlanRequest | None
) -> tuple[str, ...] | None:
    """Draw the choice and return the codes of the chosen cities; None for all."""
    t, names = page.t, DisplayNames(page.language, None)
    prefix = f"cities/{sheet.key}/{page.language}"
    stored = [] if saved is None or saved.size is None else [str(code) for code in saved.size.index]
    before = [city.code for city in cities if city.code in stored]
    labels = {ALL: t("All {count} cities", count=len(cities)), CHOSEN: t("Chosen cities")}
    scope = st.segmented_control(
        t("Cities of the wave"),
        list(labels),
        format_func=labels.__getitem__,
        required=True,
        default=CHOSEN if 0 < len(before) < len(cities) else ALL,
        key=f"{prefix}/scope",
    )
    if scope == ALL:
        return None
    with st.container(horizontal=True, vertical_alignment="top"):
        provinces = st.multiselect(
            t("Whole provinces"),
            list(dict.fromkeys(city.province_code for city in cities)),
            format_func=names.area,
            placeholder=t("Please choose"),
            key=f"{prefix}/provinces",
        )
        single = st.multiselect(
            t("Single cities"),
            [city.code for city in cities],
            format_func=names.area,
            default=before if len(before) < len(cities) else [],
            placeholder=t("Please choose"),
            key=f"{prefix}/single",
        )
    chosen = tuple(
        city.code for city in cities if city.province_code in provinces or city.code in single
    )
    st.caption(t("{count} of {of} cities are chosen.", count=len(chosen), of=len(cities)))
    return chosen
