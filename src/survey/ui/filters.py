"""The choices that result pages share."""

from collections.abc import Mapping, Sequence

import streamlit as st

from survey.fieldwork.waves import WaveSummary
from survey.locale import Message
from survey.publish.views.city import REFERENCES
from survey.publish.views.display_names import COMPOSITE, DisplayNames
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


def display_names(visit: PageContext, results: WaveResults) -> DisplayNames:
    return DisplayNames(
        visit.language, results.tree, results.method.measures, results.method.grouping
    )


def pick_wave(visit: PageContext, series: str) -> WaveInfo | None:
    """The wave to read; says what to do when there is none yet."""
    t = visit.t
    by_key = {
        wave.key: wave for wave in (*list_frozen_waves(visit, series), *_own_waves(visit, series))
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
        show=lambda key: by_key[key].label(visit.language),
        language=visit.language,
        explanation=explain("wave", visit.language),
    )
    return by_key[chosen]


def _own_waves(visit: PageContext, series: str) -> list[WaveInfo]:
    """Waves of series of one's own: they are read on the pages of the main study."""
    if series != "main":
        return []
    return [wave for wave in all_waves(visit) if wave.series not in SHIPPED_SERIES]


def pick_started_wave(visit: PageContext, fieldwork_waves: Sequence[WaveSummary]) -> WaveSummary:
    """The wave whose fieldwork is looked at; `begun` has at least one."""
    by_key = {wave.key: wave for wave in fieldwork_waves}
    chosen = pick(
        visit.t("Wave"), "wave", list(by_key), language=visit.language,
        show=lambda key: by_key[key].label(visit.language),
        explanation=explain("wave", visit.language),
    )  # fmt: skip
    return by_key[chosen]


def pick_indicator(
    visit: PageContext,
    results: WaveResults,
    levels: Sequence[int] = (1, 2),
    name: str = "indicator",
) -> str:
    """The composite or one of its indicators."""
    names = display_names(visit, results)
    tree = results.tree
    codes = (
        [indicator.code for indicator in tree.indicators if indicator.level in levels]
        if tree
        else []
    )
    choices = [COMPOSITE, *codes] if tree else list(rating_keys(results))
    return pick(
        visit.t("Indicator"),
        name,
        choices or [COMPOSITE],
        show=names.numbered,
        language=visit.language,
        explanation=explain("indicator", visit.language),
    )


def filter_row(name: str = "filters") -> st.delta_generator.DeltaGenerator:
    """A line of choices; it is not printed."""
    return st.container(horizontal=True, vertical_alignment="bottom", key=f"filters-{name}")


def pick_area(visit: PageContext, results: WaveResults, level: str) -> str | None:
    """Narrow the cities to one region or class; None for all of them."""
    names = display_names(visit, results)
    options = [ALL_OPTION, *dict.fromkeys(str(getattr(city, level)) for city in shipped_cities())]
    chosen = pick(
        names.level(level),
        level,
        options,
        show=lambda area: visit.t("All") if area == ALL_OPTION else names.area(area),
        language=visit.language,
    )
    return None if chosen == ALL_OPTION else chosen


def pick_city(visit: PageContext, choices: dict[str, str]) -> str:
    """One city; people who belong to one start there."""
    return pick(
        visit.t("City"),
        "city",
        list(choices),
        show=choices.__getitem__,
        language=visit.language,
        default=visit.principal.area,
    )


def pick_area_scope(visit: PageContext, choices: dict[str, str]) -> str:
    """The nation, a region or a city; people who belong to a city start there."""
    return pick(
        visit.t("Nation, region or city"),
        "place",
        list(choices),
        show=choices.__getitem__,
        language=visit.language,
        default=visit.principal.area,
    )


def pick_detail(visit: PageContext) -> bool:
    """Whether third-level indicators are drawn as well."""
    t = visit.t
    shown = {"2": t("Two levels"), "3": t("Three levels")}
    chosen = pick(
        t("Detail"), "detail", list(shown), show=shown.__getitem__, language=visit.language
    )
    return chosen == "3"


def pick_study(visit: PageContext) -> str:
    """The main study or one of its supplements."""
    t = visit.t
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
        language=visit.language,
        as_buttons=True,
        explanation=explain("supplement", visit.language),
    )


def pick_topic(visit: PageContext, results: WaveResults) -> str:
    """What the unscored questions are about."""
    asked = {measure.topic for measure in results.method.measures}
    topics = [topic for topic in TOPICS if topic in asked] or list(TOPICS)
    return pick(
        visit.t("Topic"),
        "topic",
        topics,
        show=lambda topic: visit.t(TOPICS[topic]),
        language=visit.language,
    )


def pick_field(visit: PageContext, results: WaveResults) -> str:
    """A field of consumption that town and countryside are compared in."""
    return pick(
        visit.t("Field of consumption"),
        "field",
        list_fields(results) or FIELDS,
        show=lambda topic: visit.t(TOPICS[topic]),
        language=visit.language,
    )


def pick_level(visit: PageContext, results: WaveResults, levels: Sequence[str]) -> str:
    """By which division of the country areas are drawn."""
    show = display_names(visit, results).level
    return pick(visit.t("Areas by"), "by", levels, show=show, language=visit.language)


def pick_basis(visit: PageContext) -> str:
    """How the national figure is counted."""
    return pick(
        visit.t("National score counted as"),
        "basis",
        list(BASES),
        show=lambda basis: _sentence_case(visit.t(BASES[basis])),
        language=visit.language,
        explanation=explain("headline basis", visit.language),
    )


def _sentence_case(text: str) -> str:
    """A phrase as it stands alone."""
    return text[:1].upper() + text[1:]


def pick_focus(visit: PageContext, choices: FocusChoices) -> str | None:
    """The city that the others are compared with; None where no city can be shown."""
    if not choices.names:
        return None
    return pick(
        visit.t("City in focus"),
        "city",
        list(choices.names),
        show=choices.names.__getitem__,
        language=visit.language,
        default=choices.default,
        explanation=explain("rank set", visit.language),
    )


def pick_reference(visit: PageContext, choices: Mapping[str, Message] = REFERENCES) -> str:
    """What a city is read against; the first is the default."""
    return pick(
        visit.t("Beside"),
        "against",
        list(choices),
        show=lambda key: visit.t(choices[key]),
        language=visit.language,
        explanation=explain("peers", visit.language),
    )


def pick_group(
    visit: PageContext, results: WaveResults, groups: Sequence[str] | None = None
) -> str:
    """One of `groups`, or of the special groups of the main study."""
    show = display_names(visit, results).group
    known = groups or group_choices(results)
    return pick(visit.t("Group"), "group", known, show=show, language=visit.language)


def pick_before(visit: PageContext, wave: WaveInfo) -> str | None:
    """An earlier wave of the same series, the latest unless chosen; None when there is none."""
    place = (wave.year, wave.key)
    earlier = [
        earlier_wave
        for earlier_wave in list_frozen_waves(visit, wave.series)
        if (earlier_wave.year, earlier_wave.key) < place
    ]
    if not earlier:
        return None
    titles = {earlier_wave.key: earlier_wave.label(visit.language) for earlier_wave in earlier}
    return pick(
        visit.t("Compared with"),
        "before",
        list(titles),
        show=titles.__getitem__,
        language=visit.language,
    )


def pick_clear_only(visit: PageContext) -> bool:
    """Whether only the significant rows are listed."""
    t = visit.t
    shown = {"all": t("All cities"), "clear": t("Significant only")}
    chosen = pick(
        t("Cities shown"),
        "only",
        list(shown),
        show=shown.__getitem__,
        language=visit.language,
        as_buttons=True,
        explanation=explain("no detectable change", visit.language),
    )
    return chosen == "clear"


def pick_comparison(visit: PageContext) -> str:
    """What stands beside the direct figures of the cities; a model estimate unless chosen."""
    return pick(
        visit.t("Beside the direct figure"),
        "beside",
        list(COMPARISONS),
        show=lambda key: visit.t(COMPARISONS[key]),
        language=visit.language,
        explanation=explain("model estimate", visit.language),
    )


def pick_driver_group(visit: PageContext, choices: Mapping[str, str]) -> str:
    """Whose satisfaction is explained: the city's, or that of a group of the nation."""
    return pick(
        visit.t("Whose satisfaction"),
        "drivers",
        list(choices),
        show=choices.__getitem__,
        language=visit.language,
        explanation=explain("importance", visit.language),
    )
