"""Choices of wave, area, indicator and the like, which the pages share."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import streamlit as st

from survey.estimate.tree import COMPOSITE
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.measures import TOPICS
from survey.figures.views.national_estimate import BASES
from survey.figures.views.ranking import FocusChoices
from survey.figures.views.small_areas import COMPARISONS
from survey.figures.views.special_groups import group_choices
from survey.figures.views.urban_rural import FIELDS, list_fields
from survey.figures.views.view_context import list_area_choices, rating_keys
from survey.frame.city_frame import shipped_cities
from survey.kit.navigation import PAGES_BY_KEY, PageKey
from survey.kit.page_frame import draw_notice, draw_print_footer
from survey.kit.page_runner import PageContext
from survey.kit.results_cache import (
    all_waves,
    get_results,
    get_view,
    list_damaged_waves,
    list_frozen_waves,
)
from survey.kit.text_blocks import escape_markdown, explain
from survey.kit.url_state import pick, pick_by_button, pick_by_search, pick_pinned
from survey.locale import Message
from survey.results import WaveInfo, WaveResults
from survey.results.domains import SHIPPED_SERIES
from survey.waves.waves import WaveSummary

ALL_OPTION = "all"
AnyWave = TypeVar("AnyWave", bound=WaveSummary)


def display_names(page: PageContext, results: WaveResults) -> DisplayNames:
    return DisplayNames.of(results, page.language)


def pick_wave(page: PageContext, series: str | None = None, name: str = "wave") -> WaveInfo | None:
    """Draw the choice `?name=` of a frozen wave of `series` (None: of any) and return the wave.

    None, with a notice, if there is none or none such.
    """
    t = page.t
    by_key = {wave.key: wave for wave in _list_read_together(all_waves(page), series)}
    is_any_damaged = draw_damaged_waves(page, series)
    if not by_key:
        if not is_any_damaged:
            draw_notice(
                t("There are no results yet"),
                t("Results appear here as soon as a wave has been frozen."),
                t("An administrator freezes a wave on the page Waves and sampling."),
            )
        return None
    labels = {key: wave.label(page.language) for key, wave in by_key.items()}
    chosen = pick_wave_key(page, labels, name=name)
    if chosen is None:
        return None
    wave = by_key[chosen]
    if not wave.final:
        st.badge(t("Provisional: the figures may still change"), color="orange")
    draw_print_footer(t, wave.label(page.language), f"n = {wave.n:,d}")
    return wave


def _list_read_together(waves: Sequence[AnyWave], series: str | None) -> list[AnyWave]:
    """Return the waves of `series`; the main study's include those of users' own series."""
    if series is None:
        return sorted(waves, key=lambda wave: wave.series != "main")
    own = [wave for wave in waves if wave.series not in SHIPPED_SERIES]
    same = [wave for wave in waves if wave.series == series]
    return [*same, *(own if series == "main" else ())]


def draw_damaged_waves(page: PageContext, series: str | None) -> bool:
    """Draw a warning that names frozen waves that cannot be read; return whether there are any."""
    damaged = _list_read_together(list_damaged_waves(page), series)
    if damaged:
        st.warning(
            page.t(
                "The results of these waves cannot be read at the moment: {waves}. The people who "
                "run this server find the reason in its log.",
                waves=escape_markdown(
                    page.t(", ").join(wave.full_name(page.language) for wave in damaged)
                ),
            )
        )
    return bool(damaged)


def pick_started_wave(
    page: PageContext, fieldwork_waves: Sequence[WaveSummary], default: str | None = None
) -> WaveSummary | None:
    """Draw the choice among `fieldwork_waves`, which are not empty, and return the one chosen.

    None, with a notice, if the address names another one.
    """
    by_key = {wave.key: wave for wave in fieldwork_waves}
    labels = {key: wave.label(page.language) for key, wave in by_key.items()}
    chosen = pick_wave_key(page, labels, default=default)
    if chosen is None:
        return None
    draw_wave_footer(page, by_key[chosen])
    return by_key[chosen]


def draw_wave_footer(page: PageContext, wave: WaveSummary) -> None:
    """Set the footer of printed pages: title of the page and name of the wave."""
    title = page.t(PAGES_BY_KEY[PageKey(page.key)].title)
    draw_print_footer(page.t, title, wave.label(page.language))


def pick_wave_key(
    page: PageContext, labels: Mapping[str, str], *, name: str = "wave", default: str | None = None
) -> str | None:
    """Draw the choice of a wave and return its key; None, with a notice, if `?name=` is unknown."""
    t, explanation = page.t, explain("wave", page.language)
    chosen = pick_pinned(
        page, t("Wave"), name, labels, wished=(default, None), explanation=explanation
    )
    if chosen is None:
        key = st.query_params[name]
        draw_notice(t("There is no wave {key}.", key=key), t("Please choose a wave above."))
    return chosen


def pick_linked(page: PageContext, label: str, name: str, choices: Mapping[str, str]) -> str | None:
    """Draw a choice kept as `?name=code`; return its code; None, with a notice, if unknown."""
    t = page.t
    chosen = pick_pinned(page, label, name, choices)
    if chosen is None:
        draw_notice(t("What this link leads to is not in your list"), t("Please choose one above."))
    return chosen


def has_scores(page: PageContext, results: WaveResults) -> bool:
    """Return whether a wave has a composite score or rating questions; draw a notice if neither."""
    if results.tree is not None or rating_keys(results):
        return True
    t = page.t
    draw_notice(
        t("This wave has no scores to compare"),
        t("Its questions are choices or numbers. They stand in the table of all questions."),
        link=(page.address(PageKey.OVERVIEW, wave=results.wave.key), t("All questions")),
    )
    return False


def pick_indicator(
    page: PageContext, results: WaveResults, levels: Sequence[int] = (1, 2), name: str = "indicator"
) -> str:
    """Draw the choice of composite or indicator of `levels` (no tree: rating); return its code."""
    names, tree, codes = display_names(page, results), results.tree, list(rating_keys(results))
    if tree:
        codes = [COMPOSITE, *(each.code for each in tree.indicators if each.level in levels)]
    choices = {code: names.numbered(code) for code in codes}
    explanation = explain("indicator", page.language)
    return pick(page, page.t("Indicator"), name, choices, explanation=explanation)


def filter_row(name: str = "filters") -> st.delta_generator.DeltaGenerator:
    """Open a row of filters, which is left out in print."""
    return st.container(horizontal=True, vertical_alignment="bottom", key=f"filters-{name}")


def pick_area(page: PageContext, results: WaveResults, level: str) -> str | None:
    """Draw the choice of one region or class (`level`) of cities and return it; None for all."""
    names = display_names(page, results)
    areas = dict.fromkeys(str(getattr(city, level)) for city in shipped_cities())
    choices = {ALL_OPTION: page.t("All")} | {area: names.area(area) for area in areas}
    chosen = pick(page, names.level(level), level, choices)
    return None if chosen == ALL_OPTION else chosen


def pick_city(
    page: PageContext,
    choices: Mapping[str, str],
    *,
    label: str = "",
    default: str | None = None,
    explanation: str | None = None,
) -> str:
    """Draw the choice of a city, found by name or pinyin; starts at the principal's own.

    Args:
        choices: Searchable name of each city by its code.
    """
    return pick_by_search(
        page,
        label or page.t("City"),
        "city",
        choices,
        default=default or page.principal.area,
        explanation=explanation,
    )


def pick_city_or_none(
    page: PageContext,
    choices: Mapping[str, str],
    none: str,
    *,
    label: str = "",
    default: str | None = None,
    explanation: str | None = None,
) -> str | None:
    """Draw the choice among cities and `none`, a label; return the code, None for that option."""
    chosen = pick_city(
        page, {ALL_OPTION: none, **choices}, label=label, default=default, explanation=explanation
    )
    return None if chosen == ALL_OPTION else chosen


def pick_city_or_all(page: PageContext, codes: Sequence[str], label: str = "") -> str | None:
    """Draw the choice among all cities of `codes` and one; return its code, None for all."""
    names = DisplayNames(page.language, None)
    choices = {code: names.searchable_city(code) for code in codes}
    if len(codes) == 1:
        return pick_city(page, choices, label=label)
    return pick_city_or_none(page, choices, page.t("All cities"), label=label, default=ALL_OPTION)


def pick_area_scope(page: PageContext, choices: Mapping[str, str], label: str = "") -> str | None:
    """Draw the choice of an area, at first the principal's; None, with a notice, if unknown.

    Starts at the principal's own city. None, with a notice, if the address names another area.
    """
    t = page.t
    label, wished = label or t("Nation, region or city"), (None, page.principal.area)
    chosen = pick_pinned(page, label, "place", choices, wished=wished)
    if chosen is None:
        draw_notice(
            t("The area of this address cannot be chosen here."), t("Please choose one above.")
        )
    return chosen


def pick_wave_and_area(
    page: PageContext, name: str, levels: Sequence[str], series: str | None = "main"
) -> tuple[WaveResults, str] | None:
    """Draw filters `name`: wave of `series`, area of `levels`; return (results, area) or None."""
    with filter_row(name):
        wave = pick_wave(page, series)
        if wave is None:
            return None
        results = get_results(page, wave)
        area = pick_area_scope(page, get_view(page, list_area_choices, results, levels=levels))
    return None if area is None else (results, area)


def pick_detail(page: PageContext) -> bool:
    """Draw the choice of two or three levels of indicators; return whether the third is shown."""
    t = page.t
    shown = {"2": t("Two levels"), "3": t("Three levels")}
    chosen = pick(page, t("Detail"), "detail", shown)
    return chosen == "3"


def pick_study(page: PageContext) -> str:
    """Draw the choice among the main study and its supplements, and return the series."""
    t = page.t
    shown = {
        "main": t("Main study"),
        "elderly": t("Older people, 60 and over"),
        "minors": t("Children, told by guardians"),
    }
    explanation = explain("supplement", page.language)
    return pick_by_button(page, t("Study"), "study", shown, explanation=explanation)


def pick_topic(page: PageContext, results: WaveResults) -> str:
    """Draw the choice of a topic of questions without a score, and return its key."""
    asked = {measure.topic for measure in results.method.measures}
    topics = [topic for topic in TOPICS if topic in asked] or list(TOPICS)
    names = {topic: page.t(TOPICS[topic]) for topic in topics}
    return pick(page, page.t("Topic"), "topic", names)


def pick_field(page: PageContext, results: WaveResults) -> str:
    """Draw the choice of a field of consumption to compare town and country in; return its key."""
    names = {topic: page.t(TOPICS[topic]) for topic in list_fields(results) or FIELDS}
    return pick(page, page.t("Field of consumption"), "field", names)


def pick_level(page: PageContext, results: WaveResults, levels: Sequence[str]) -> str:
    """Draw the choice of a kind of area (`levels`: provinces, regions …); return the kind's key."""
    names = display_names(page, results)
    return pick(page, page.t("Areas by"), "by", {each: names.level(each) for each in levels})


def pick_basis(page: PageContext) -> str:
    """Draw the choice how the national score averages (residents or cities); return its key."""
    phrases = {basis: page.t(phrase) for basis, phrase in BASES.items()}
    choices = {basis: text[:1].upper() + text[1:] for basis, text in phrases.items()}
    explanation = explain("headline basis", page.language)
    return pick(
        page, page.t("National score counted as"), "basis", choices, explanation=explanation
    )


def pick_focus(page: PageContext, choices: FocusChoices) -> str | None:
    """Draw the choice of the city to highlight; return its code, None for "No city"."""
    if not choices.names:
        return None
    return pick_city_or_none(
        page,
        choices.names,
        page.t("No city"),
        label=page.t("City in focus"),
        default=choices.default or ALL_OPTION,
        explanation=explain("rank set", page.language),
    )


def pick_reference(page: PageContext, choices: Mapping[str, Message]) -> str:
    """Draw the choice what to compare a city with, by default the first, and return its key."""
    names = {key: page.t(name) for key, name in choices.items()}
    explanation = explain("peers", page.language)
    return pick(page, page.t("Beside"), "against", names, explanation=explanation)


def pick_group(
    page: PageContext,
    results: WaveResults,
    groups: Sequence[str] | None = None,
    name: str = "group",
) -> str:
    """Draw the choice of a group of respondents (of `groups` if given); return its key."""
    names = display_names(page, results)
    choices = {each: names.group(each) for each in groups or group_choices(results)}
    return pick(page, page.t("Group"), name, choices)


def pick_before(page: PageContext, wave: WaveInfo) -> str | None:
    """Draw the choice of an earlier wave of the series; return its key, None if none is earlier."""
    position = (wave.year, wave.key)
    earlier = [
        earlier_wave
        for earlier_wave in list_frozen_waves(page, wave.series)
        if (earlier_wave.year, earlier_wave.key) < position
    ]
    if not earlier:
        return None
    titles = {earlier_wave.key: earlier_wave.label(page.language) for earlier_wave in earlier}
    return pick(page, page.t("Compared with"), "before", titles)


def pick_clear_only(page: PageContext) -> bool:
    """Draw the choice of all cities or those with a significant change; True for the latter."""
    t = page.t
    shown = {"all": t("All cities"), "clear": t("Significant only")}
    explanation = explain("no detectable change", page.language)
    chosen = pick_by_button(page, t("Cities shown"), "only", shown, explanation=explanation)
    return chosen == "clear"


def pick_comparison(page: PageContext) -> str:
    """Draw the choice of estimates to show next to cities' direct estimates; return its key."""
    names = {key: page.t(name) for key, name in COMPARISONS.items()}
    explanation = explain("model estimate", page.language)
    return pick(page, page.t("Beside the direct figure"), "beside", names, explanation=explanation)


def pick_driver_group(page: PageContext, choices: Mapping[str, str]) -> str:
    """Draw the choice of the group whose drivers of satisfaction are shown; return its key."""
    explanation = explain("importance", page.language)
    return pick(page, page.t("Whose satisfaction"), "drivers", choices, explanation=explanation)
