"""Filters shared by the results pages."""

from collections.abc import Callable, Mapping, Sequence
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
from survey.kit.url_state import pick, pick_pinned
from survey.locale import Message
from survey.results import WaveInfo, WaveResults
from survey.results.domains import SHIPPED_SERIES
from survey.waves.waves import WaveSummary

ALL_OPTION = "all"
AnyWave = TypeVar("AnyWave", bound=WaveSummary)


def display_names(page: PageContext, results: WaveResults) -> DisplayNames:
    return DisplayNames.of(results, page.language)


def pick_wave(page: PageContext, series: str | None = None, name: str = "wave") -> WaveInfo | None:
    """Draw the choice of a frozen wave, of every series if `series` is None.

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
    """Return the waves of a series; those of own studies are read where the main study is."""
    if series is None:
        return sorted(waves, key=lambda wave: wave.series != "main")
    own = [wave for wave in waves if wave.series not in SHIPPED_SERIES]
    same = [wave for wave in waves if wave.series == series]
    return [*same, *(own if series == "main" else ())]


def draw_damaged_waves(page: PageContext, series: str | None) -> bool:
    """Draw which waves the page leaves out because they cannot be read; whether there are any."""
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
    """Draw the choice of a wave among `fieldwork_waves`, of which there is at least one.

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
    """Set what stands at the foot of each printed page of an office: the page and its wave."""
    title = page.t(PAGES_BY_KEY[PageKey(page.key)].title)
    draw_print_footer(page.t, title, wave.label(page.language))


def pick_wave_key(
    page: PageContext, labels: Mapping[str, str], *, name: str = "wave", default: str | None = None
) -> str | None:
    """Draw the choice of a wave, which the address always names; a notice if it names another."""
    t = page.t
    chosen = pick_pinned(
        t("Wave"),
        name,
        list(labels),
        show=labels.__getitem__,
        language=page.language,
        default=default,
        explanation=explain("wave", page.language),
    )
    if chosen is None:
        key = st.query_params[name]
        draw_notice(t("There is no wave {key}.", key=key), t("Please choose a wave above."))
    return chosen


def pick_linked(
    page: PageContext, label: str, name: str, options: Sequence[str], show: Callable[[str], str]
) -> str | None:
    """Draw the choice of what a link may name; a notice, and nothing else, if it is not there."""
    t = page.t
    chosen = pick_pinned(label, name, options, show=show, language=page.language)
    if chosen is None:
        draw_notice(t("What this link leads to is not in your list"), t("Please choose one above."))
    return chosen


def has_scores(page: PageContext, results: WaveResults) -> bool:
    """Return whether the wave has a composite or ratings; a notice if it has none."""
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
    """Draw the choice between the composite and its indicators, without a tree of a rating."""
    names = display_names(page, results)
    tree = results.tree
    codes = (
        [indicator.code for indicator in tree.indicators if indicator.level in levels]
        if tree
        else []
    )
    return pick(
        page.t("Indicator"),
        name,
        [COMPOSITE, *codes] if tree else list(rating_keys(results)),
        show=names.numbered,
        language=page.language,
        explanation=explain("indicator", page.language),
    )


def filter_row(name: str = "filters") -> st.delta_generator.DeltaGenerator:
    """Open a row of filters, which is left out in print."""
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
    return pick(
        label or page.t("City"),
        "city",
        list(choices),
        show=choices.__getitem__,
        language=page.language,
        default=default or page.principal.area,
        explanation=explanation,
        is_searched=True,
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
    """Draw the choice between a city and none, which `none` names; None for that."""
    chosen = pick_city(
        page, {ALL_OPTION: none, **choices}, label=label, default=default, explanation=explanation
    )
    return None if chosen == ALL_OPTION else chosen


def pick_city_or_all(page: PageContext, codes: Sequence[str], label: str = "") -> str | None:
    """Draw the choice between all cities of `codes` together and one of them; None for all."""
    names = DisplayNames(page.language, None)
    choices = {code: names.searchable_city(code) for code in codes}
    if len(codes) == 1:
        return pick_city(page, choices, label=label)
    return pick_city_or_none(page, choices, page.t("All cities"), label=label, default=ALL_OPTION)


def pick_area_scope(page: PageContext, choices: Mapping[str, str], label: str = "") -> str | None:
    """Draw the choice of nation, region or city, which the address names and other pages keep.

    Starts at the principal's own city. None, with a notice, if the address names another area.
    """
    t = page.t
    chosen = pick_pinned(
        label or t("Nation, region or city"),
        "place",
        list(choices),
        show=choices.__getitem__,
        language=page.language,
        first=page.principal.area,
    )
    if chosen is None:
        draw_notice(
            t("The area of this address cannot be chosen here."), t("Please choose one above.")
        )
    return chosen


def pick_wave_and_area(
    page: PageContext, name: str, levels: Sequence[str], series: str | None = "main"
) -> tuple[WaveResults, str] | None:
    """Draw a row with the choices of a wave and of an area; None, with a notice, without one."""
    with filter_row(name):
        wave = pick_wave(page, series)
        if wave is None:
            return None
        results = get_results(page, wave)
        area = pick_area_scope(page, get_view(page, list_area_choices, results, levels=levels))
    return None if area is None else (results, area)


def pick_detail(page: PageContext) -> bool:
    """Draw the choice whether third-level indicators are shown as well."""
    t = page.t
    shown = {"2": t("Two levels"), "3": t("Three levels")}
    chosen = pick(
        t("Detail"), "detail", list(shown), show=shown.__getitem__, language=page.language
    )
    return chosen == "3"


def pick_study(page: PageContext) -> str:
    """Draw the choice between the main study and its supplements."""
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
    """Draw the choice of a topic of unscored questions."""
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
    """Draw the choice of a field of consumption to compare town and countryside in."""
    return pick(
        page.t("Field of consumption"),
        "field",
        list_fields(results) or FIELDS,
        show=lambda topic: page.t(TOPICS[topic]),
        language=page.language,
    )


def pick_level(page: PageContext, results: WaveResults, levels: Sequence[str]) -> str:
    """Draw the choice of a division of the country into areas."""
    show = display_names(page, results).level
    return pick(page.t("Areas by"), "by", levels, show=show, language=page.language)


def pick_basis(page: PageContext) -> str:
    """Draw the choice how the national estimate is weighted."""
    return pick(
        page.t("National score counted as"),
        "basis",
        list(BASES),
        show=lambda basis: _capitalise(page.t(BASES[basis])),
        language=page.language,
        explanation=explain("headline basis", page.language),
    )


def _capitalise(text: str) -> str:
    """Return the phrase with a capital first letter."""
    return text[:1].upper() + text[1:]


def pick_focus(page: PageContext, choices: FocusChoices) -> str | None:
    """Draw the choice of the city to compare with; None while none is chosen or can be shown."""
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
    """Draw the choice of a reference to compare a city with; the first is the default."""
    return pick(
        page.t("Beside"),
        "against",
        list(choices),
        show=lambda key: page.t(choices[key]),
        language=page.language,
        explanation=explain("peers", page.language),
    )


def pick_group(
    page: PageContext,
    results: WaveResults,
    groups: Sequence[str] | None = None,
    name: str = "group",
) -> str:
    """Draw the choice of a group, by default among the special groups of the main study."""
    show = display_names(page, results).group
    known = groups or group_choices(results)
    return pick(page.t("Group"), name, known, show=show, language=page.language)


def pick_before(page: PageContext, wave: WaveInfo) -> str | None:
    """Draw the choice of an earlier wave of the series, first the latest; None without one."""
    position = (wave.year, wave.key)
    earlier = [
        earlier_wave
        for earlier_wave in list_frozen_waves(page, wave.series)
        if (earlier_wave.year, earlier_wave.key) < position
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
    """Draw the switch for significant rows only."""
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
    """Draw the choice what to show beside the direct estimates of the cities."""
    return pick(
        page.t("Beside the direct figure"),
        "beside",
        list(COMPARISONS),
        show=lambda key: page.t(COMPARISONS[key]),
        language=page.language,
        explanation=explain("model estimate", page.language),
    )


def pick_driver_group(page: PageContext, choices: Mapping[str, str]) -> str:
    """Draw the choice whose satisfaction the drivers explain: the city's or a national group's."""
    return pick(
        page.t("Whose satisfaction"),
        "drivers",
        list(choices),
        show=choices.__getitem__,
        language=page.language,
        explanation=explain("importance", page.language),
    )
