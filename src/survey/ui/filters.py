"""The choices that result pages share."""

from collections.abc import Mapping, Sequence

import streamlit as st

from survey.estimate.tree import COMPOSITE
from survey.fieldwork.waves import WaveSummary
from survey.locale import Message
from survey.publish.views.city import REFERENCES
from survey.publish.views.display_names import (
    DisplayNames,
)
from survey.publish.views.measures import TOPICS
from survey.publish.views.national_estimate import BASES
from survey.publish.views.ranking import FocusChoices
from survey.publish.views.small_area_comparison import COMPARISONS
from survey.publish.views.special_groups import group_choices
from survey.publish.views.urban_rural import FIELDS, list_fields
from survey.publish.views.view_context import rating_keys
from survey.results import WaveInfo, WaveResults
from survey.results.domains import SHIPPED_SERIES
from survey.sample.city_frame import shipped_cities
from survey.ui.glossary import explain
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext
from survey.ui.results_cache import all_waves, list_frozen_waves
from survey.ui.url_state import pick

ALL_OPTION = "all"


def display_names(page: PageContext, results: WaveResults) -> DisplayNames:
    return DisplayNames(
        page.language, results.tree, results.method.measures, results.method.grouping
    )


def pick_wave(page: PageContext, series: str) -> WaveInfo | None:
    """The wave to read; says what to do when there is none yet."""
    t = page.t
    by_key = {
        wave.key: wave for wave in (*list_frozen_waves(page, series), *_own_waves(page, series))
    }
    if not by_key:
        draw_notice(
            t("There are no results yet"),
            t("Results appear here as soon as a wave has been frozen."),
            t("An administrator freezes a wave with the command: survey freeze --wave <wave>."),
        )
        return None
    chosen = pick(
        t("Wave"),
        "wave",
        list(by_key),
        show=lambda key: by_key[key].label(page.language),
        language=page.language,
        explanation=explain("wave", page.language),
    )
    return by_key[chosen]


def _own_waves(page: PageContext, series: str) -> list[WaveInfo]:
    """Waves of series of one's own: they are read on the pages of the main study."""
    if series != "main":
        return []
    return [wave for wave in all_waves(page) if wave.series not in SHIPPED_SERIES]


def pick_started_wave(page: PageContext, fieldwork_waves: Sequence[WaveSummary]) -> WaveSummary:
    """The wave whose fieldwork is looked at; `begun` has at least one."""
    by_key = {wave.key: wave for wave in fieldwork_waves}
    chosen = pick(
        page.t("Wave"), "wave", list(by_key), language=page.language,
        show=lambda key: by_key[key].label(page.language),
        explanation=explain("wave", page.language),
    )  # fmt: skip
    return by_key[chosen]


def pick_indicator(
    page: PageContext,
    results: WaveResults,
    levels: Sequence[int] = (1, 2),
    name: str = "indicator",
) -> str:
    """The composite or one of its indicators."""
    names = display_names(page, results)
    tree = results.tree
    codes = (
        [indicator.code for indicator in tree.indicators if indicator.level in levels]
        if tree
        else []
    )
    choices = [COMPOSITE, *codes] if tree else list(rating_keys(results))
    return pick(
        page.t("Indicator"),
        name,
        choices or [COMPOSITE],
        show=names.numbered,
        language=page.language,
        explanation=explain("indicator", page.language),
    )


def filter_row(name: str = "filters") -> st.delta_generator.DeltaGenerator:
    """A line of choices; it is not printed."""
    return st.container(horizontal=True, vertical_alignment="bottom", key=f"filters-{name}")


def pick_area(page: PageContext, results: WaveResults, level: str) -> str | None:
    """Narrow the cities to one region or class; None for all of them."""
    names = display_names(page, results)
    options = [ALL_OPTION, *dict.fromkeys(str(getattr(city, level)) for city in shipped_cities())]
    chosen = pick(
        names.level(level),
        level,
        options,
        show=lambda area: page.t("All") if area == ALL_OPTION else names.area(area),
        language=page.language,
    )
    return None if chosen == ALL_OPTION else chosen


def pick_city(page: PageContext, choices: dict[str, str]) -> str:
    """One city; people who belong to one start there."""
    return pick(
        page.t("City"),
        "city",
        list(choices),
        show=choices.__getitem__,
        language=page.language,
        default=page.principal.area,
    )


def pick_area_scope(page: PageContext, choices: dict[str, str]) -> str:
    """The nation, a region or a city; people who belong to a city start there."""
    return pick(
        page.t("Nation, region or city"),
        "place",
        list(choices),
        show=choices.__getitem__,
        language=page.language,
        default=page.principal.area,
    )


def pick_detail(page: PageContext) -> bool:
    """Whether third-level indicators are drawn as well."""
    t = page.t
    shown = {"2": t("Two levels"), "3": t("Three levels")}
    chosen = pick(
        t("Detail"), "detail", list(shown), show=shown.__getitem__, language=page.language
    )
    return chosen == "3"


def pick_study(page: PageContext) -> str:
    """The main study or one of its supplements."""
    t = page.t
    shown = {
        "main": t("Main study"),
        "elderly": t("Older people, 60 and over"),
        "minors": t("Children, told by guardians"),
    }
    return pick(
        t("Study"),
        "study",
        list(shown),
        show=shown.__getitem__,
        language=page.language,
        as_buttons=True,
        explanation=explain("supplement", page.language),
    )


def pick_topic(page: PageContext, results: WaveResults) -> str:
    """What the unscored questions are about."""
    asked = {measure.topic for measure in results.method.measures}
    topics = [topic for topic in TOPICS if topic in asked] or list(TOPICS)
    return pick(
        page.t("Topic"),
        "topic",
        topics,
        show=lambda topic: page.t(TOPICS[topic]),
        language=page.language,
    )


def pick_field(page: PageContext, results: WaveResults) -> str:
    """A field of consumption that town and countryside are compared in."""
    return pick(
        page.t("Field of consumption"),
        "field",
        list_fields(results) or FIELDS,
        show=lambda topic: page.t(TOPICS[topic]),
        language=page.language,
    )


def pick_level(page: PageContext, results: WaveResults, levels: Sequence[str]) -> str:
    """By which division of the country areas are drawn."""
    show = display_names(page, results).level
    return pick(page.t("Areas by"), "by", levels, show=show, language=page.language)


def pick_basis(page: PageContext) -> str:
    """How the national figure is counted."""
    return pick(
        page.t("National score counted as"),
        "basis",
        list(BASES),
        show=lambda basis: _sentence_case(page.t(BASES[basis])),
        language=page.language,
        explanation=explain("headline basis", page.language),
    )


def _sentence_case(text: str) -> str:
    """A phrase as it stands alone."""
    return text[:1].upper() + text[1:]


def pick_focus(page: PageContext, choices: FocusChoices) -> str | None:
    """The city that the others are compared with; None where no city can be shown."""
    if not choices.names:
        return None
    return pick(
        page.t("City in focus"),
        "city",
        list(choices.names),
        show=choices.names.__getitem__,
        language=page.language,
        default=choices.default,
        explanation=explain("rank set", page.language),
    )


def pick_reference(page: PageContext, choices: Mapping[str, Message] = REFERENCES) -> str:
    """What a city is read against; the first is the default."""
    return pick(
        page.t("Beside"),
        "against",
        list(choices),
        show=lambda key: page.t(choices[key]),
        language=page.language,
        explanation=explain("peers", page.language),
    )


def pick_group(page: PageContext, results: WaveResults, groups: Sequence[str] | None = None) -> str:
    """One of `groups`, or of the special groups of the main study."""
    show = display_names(page, results).group
    known = groups or group_choices(results)
    return pick(page.t("Group"), "group", known, show=show, language=page.language)


def pick_before(page: PageContext, wave: WaveInfo) -> str | None:
    """An earlier wave of the same series, the latest unless chosen; None when there is none."""
    place = (wave.year, wave.key)
    earlier = [
        earlier_wave
        for earlier_wave in list_frozen_waves(page, wave.series)
        if (earlier_wave.year, earlier_wave.key) < place
    ]
    if not earlier:
        return None
    titles = {earlier_wave.key: earlier_wave.label(page.language) for earlier_wave in earlier}
    return pick(
        page.t("Compared with"),
        "before",
        list(titles),
        show=titles.__getitem__,
        language=page.language,
    )


def pick_clear_only(page: PageContext) -> bool:
    """Whether only the significant rows are listed."""
    t = page.t
    shown = {"all": t("All cities"), "clear": t("Significant only")}
    chosen = pick(
        t("Cities shown"),
        "only",
        list(shown),
        show=shown.__getitem__,
        language=page.language,
        as_buttons=True,
        explanation=explain("no detectable change", page.language),
    )
    return chosen == "clear"


def pick_comparison(page: PageContext) -> str:
    """What stands beside the direct figures of the cities; a model estimate unless chosen."""
    return pick(
        page.t("Beside the direct figure"),
        "beside",
        list(COMPARISONS),
        show=lambda key: page.t(COMPARISONS[key]),
        language=page.language,
        explanation=explain("model estimate", page.language),
    )


def pick_driver_group(page: PageContext, choices: Mapping[str, str]) -> str:
    """Whose satisfaction is explained: the city's, or that of a group of the nation."""
    return pick(
        page.t("Whose satisfaction"),
        "drivers",
        list(choices),
        show=choices.__getitem__,
        language=page.language,
        explanation=explain("importance", page.language),
    )
