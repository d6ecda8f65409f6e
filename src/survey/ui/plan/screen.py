"""The planner's screen: one wave, in four parts."""

import streamlit as st

from survey.fieldwork.planning.reading import (
    Choices,
    WaveLine,
    WaveSheet,
    choices,
    planning_waves,
    wave_sheet,
)
from survey.fieldwork.waves import STATE_NAMES
from survey.store.engine import read_scope
from survey.ui.filters import filter_row
from survey.ui.furniture import notice
from survey.ui.glossary import explain
from survey.ui.page import Visit
from survey.ui.plan.freezing import take_over_frozen
from survey.ui.plan.outcome import may_plan, say_what_happened
from survey.ui.plan.people import people
from survey.ui.plan.points import points
from survey.ui.plan.policy import policy
from survey.ui.plan.release import release
from survey.ui.plan.sample import sample
from survey.ui.plan.wave import new_wave, wave
from survey.ui.url import pick

NEW = "new"
WAVE, SAMPLE, POINTS, PEOPLE = "wave", "sample", "points", "people"


def plan(visit: Visit) -> None:
    """Choose a wave and one of its parts; says what to do when there is no wave yet."""
    t = visit.t
    take_over_frozen(visit)
    say_what_happened(t)
    with read_scope(visit.settings.store_url) as session:
        waves = {
            line.key: line for line in planning_waves(session=session, principal=visit.principal)
        }
        offered = choices(session=session, principal=visit.principal)
    options = [*waves, NEW] if may_plan(visit) else list(waves)
    if not waves:
        notice(
            t("There is no wave yet"),
            t("A wave is one run of a survey: one questionnaire, one period, one set of cities."),
        )
    if options:
        _chosen(visit, waves, offered, options)


def _chosen(visit: Visit, waves: dict[str, WaveLine], offered: Choices, options: list[str]) -> None:
    t = visit.t
    parts = {
        WAVE: t("Wave and state"), SAMPLE: t("Sample and quotas"), POINTS: t("Sampling points"),
        PEOPLE: t("People"),
    }  # fmt: skip

    def show(key: str) -> str:
        if key == NEW:
            return t("A new wave …")
        line = waves[key]
        return f"{line.title.get(visit.language, key)} · {t(STATE_NAMES[line.state])}"

    with filter_row():
        key = pick(
            t("Wave"), "wave", options, show=show, language=visit.language,
            explanation=explain("wave", visit.language),
        )  # fmt: skip
        if key != NEW:
            part = pick(
                t("Part"), "part", list(parts), show=parts.__getitem__, language=visit.language,
                as_buttons=True,
            )  # fmt: skip
    if key == NEW:
        new_wave(visit, offered)
        return
    with read_scope(visit.settings.store_url) as session:
        sheet = wave_sheet(session=session, principal=visit.principal, key=key)
    if sheet.is_demo:
        st.caption(t("Demo wave: generated, not a real survey."))
    {
        WAVE: lambda: _state(visit, sheet, offered),
        SAMPLE: lambda: _sample_and_quotas(visit, sheet),
        POINTS: lambda: points(visit, sheet),
        PEOPLE: lambda: people(visit, sheet),
    }[part]()


def _state(visit: Visit, sheet: WaveSheet, offered: Choices) -> None:
    wave(visit, sheet, offered)
    release(visit, sheet)


def _sample_and_quotas(visit: Visit, sheet: WaveSheet) -> None:
    sample(visit, sheet)
    policy(visit, sheet)
