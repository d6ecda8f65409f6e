"""Choice of questions that make further groups, before a wave is frozen."""

import streamlit as st

from survey.fieldwork.instruments import load_instrument
from survey.fieldwork.planning.wave_overview import WaveOverview
from survey.instrument.model import Item, label_text
from survey.results.group_questions import MAX_CHOICES, MAX_GROUPS, list_fit_questions
from survey.store.engine import read_scope
from survey.ui.page_runner import PageContext


def draw_group_choice(page: PageContext, sheet: WaveOverview) -> None:
    """Draw the choice of questions that can make groups, if there are any."""
    t = page.t
    with read_scope(page.settings.store_url) as session:
        instrument = load_instrument(session=session, instrument_id=sheet.instrument_id)
    offered = {
        item.name: _item_label(item, page.language) for item in list_fit_questions(instrument)
    }
    if not offered:
        return
    chosen = st.multiselect(
        t("Questions that make further groups"), list(offered), format_func=offered.__getitem__,
        key=_widget_key(sheet), placeholder=t("None"),
        help=t(
            "Besides the usual groups (gender, age, …) everybody who gave an answer becomes a "
            "group on the results pages. Questions of at most {choices} choices, together at most "
            "{groups} groups. A question that makes groups shows no shares: they would tell the "
            "size of a hidden group.",
            choices=MAX_CHOICES, groups=MAX_GROUPS,
        ),
    )  # fmt: skip
    count = sum(len(instrument.by_name[name].choices) for name in chosen)
    if count > MAX_GROUPS:
        st.warning(
            t(
                "These questions make {count} groups; a wave can have at most {most}.",
                count=count, most=MAX_GROUPS,
            )
        )  # fmt: skip


def chosen_groups(sheet: WaveOverview) -> tuple[str, ...]:
    """Return the names of the questions chosen for the wave."""
    return tuple(st.session_state.get(_widget_key(sheet), ()))


def _widget_key(sheet: WaveOverview) -> str:
    return f"plan-groups-{sheet.key}"


def _item_label(item: Item, language: str) -> str:
    return f"{label_text(item.label, language, item.name)} ({item.name})"
