"""Filters of the back-check page: wave, city and tab."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from survey.fieldwork.review.review_queue import count_by_status, list_review_waves
from survey.fieldwork.waves import WaveSummary
from survey.locale import Message, msg
from survey.ui.filters import filter_row, pick_city_or_all, pick_started_wave
from survey.ui.glossary import explain
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.url_state import pick


class BackCheckTab(StrEnum):
    CALL = "call"
    RESULTS = "results"
    DRAW = "draw"


TAB_NAMES: Mapping[BackCheckTab, Message] = MappingProxyType(
    {
        BackCheckTab.CALL: msg("To ask again"),
        BackCheckTab.RESULTS: msg("Results"),
        BackCheckTab.DRAW: msg("Draw"),
    }
)


@dataclass(frozen=True)
class BackCheckSelection:
    """Selection of the back-check page; without a city it is the whole area of the principal."""

    wave: WaveSummary
    city_code: str | None
    tab: BackCheckTab


def draw_filters(page: PageContext) -> BackCheckSelection | None:
    """Draw the filters and return the selection; None if there is nothing to check yet."""
    t = page.t
    with page.read() as work:
        waves = list_review_waves(work)
        if not waves:
            draw_notice(
                t("There is nothing to check yet"),
                t("Interviews can be drawn as soon as a wave is open and the first ones arrive."),
            )
            return None
        with filter_row():
            wave = pick_started_wave(page, waves)
            if wave is None:
                return None
            cities = list(count_by_status(work, wave_id=wave.id))
            city = pick_city_or_all(page, cities)
            tab = pick(
                t("View"),
                "view",
                [tab.value for tab in BackCheckTab],
                language=page.language,
                show=lambda code: t(TAB_NAMES[BackCheckTab(code)]),
                as_buttons=True,
                explanation=explain("back-check", page.language),
            )
    return BackCheckSelection(wave, city, BackCheckTab(tab))
