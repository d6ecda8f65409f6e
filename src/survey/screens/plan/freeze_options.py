"""Options of a freeze: interviews without a point, and questions that make further groups."""

from dataclasses import dataclass

import streamlit as st

from survey.kit.page_runner import PageContext
from survey.locale import Message, label_text, msg
from survey.questionnaire.model import Item
from survey.results.wave_rules import MAX_CHOICES, MAX_GROUPS, list_fit_questions
from survey.snapshots.snapshot_files import WithoutPoint
from survey.store.engine import read_scope
from survey.waves.instruments import load_instrument
from survey.waves.planning.wave_overview import WaveOverview

WITHOUT_POINT_NAMES: dict[WithoutPoint, Message] = {
    WithoutPoint.REFUSE: msg("Stop and say how many there are"),
    WithoutPoint.STRATUM: msg("Count them as a stratum of their own in each city"),
}


@dataclass(frozen=True)
class FreezeOptions:
    """Choices of a freeze; preview and freeze take the same."""

    without_point: WithoutPoint = WithoutPoint.REFUSE
    groups: tuple[str, ...] = ()


def get_freeze_options(wave: WaveOverview) -> FreezeOptions:
    """Return what was chosen for the wave in this session."""
    options: FreezeOptions = st.session_state.get(_build_memory_key(wave), FreezeOptions())
    return options


def draw_freeze_options(page: PageContext, wave: WaveOverview) -> None:
    """Draw the options of a freeze; they are kept while other tabs are open."""
    t, chosen = page.t, get_freeze_options(wave)
    ways = list(WITHOUT_POINT_NAMES)
    without_point = st.radio(
        t("Interviews without a sampling point, where others have one"),
        ways,
        index=ways.index(chosen.without_point),
        format_func=lambda way: t(WITHOUT_POINT_NAMES[way]),
        # The browser knows an option by its label, so each language needs a widget of its own.
        key=f"plan-without-point-{wave.key}/{page.language}",
    )
    st.session_state[_build_memory_key(wave)] = FreezeOptions(
        WithoutPoint(without_point), _draw_group_choice(page, wave, chosen.groups)
    )


def _draw_group_choice(
    page: PageContext, wave: WaveOverview, chosen: tuple[str, ...]
) -> tuple[str, ...]:
    """Draw the choice of questions that can make groups, if there are any."""
    t = page.t
    with read_scope(page.settings.store_url) as session:
        instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
    offered = {
        item.name: _format_item_label(item, page.language)
        for item in list_fit_questions(instrument)
    }
    if not offered:
        return ()
    names = st.multiselect(
        t("Questions that make further groups"),
        list(offered),
        list(chosen),
        format_func=offered.__getitem__,
        key=f"plan-groups-{wave.key}/{page.language}",
        placeholder=t("None"),
        help=t(
            "Besides the usual groups (gender, age, …) everybody who gave an answer becomes a "
            "group on the results pages. Questions of at most {choices} choices, together at most "
            "{groups} groups. A question that makes groups shows no shares: they would tell the "
            "size of a hidden group.",
            choices=MAX_CHOICES,
            groups=MAX_GROUPS,
        ),
    )
    count = sum(len(instrument.by_name[name].choices) for name in names)
    if count > MAX_GROUPS:
        st.warning(
            t(
                "These questions make {count} groups; a wave can have at most {most}.",
                count=count,
                most=MAX_GROUPS,
            )
        )
    return tuple(names)


def _build_memory_key(wave: WaveOverview) -> str:
    return f"plan/freeze-options/{wave.key}"


def _format_item_label(item: Item, language: str) -> str:
    return f"{label_text(item.label, language, item.name)} ({item.name})"
