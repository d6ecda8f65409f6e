"""The choices that result pages share."""

from collections.abc import Mapping, Sequence

import streamlit as st

from survey.fieldwork.begun import BegunWave
from survey.locale import Message
from survey.publish.results import WaveInfo, WaveResults
from survey.publish.results.domains import SHIPPED_SERIES
from survey.publish.views.city import AGAINST
from survey.publish.views.headline import BASES
from survey.publish.views.measures import TOPICS
from survey.publish.views.names import COMPOSITE, Names
from survey.publish.views.ranking import FocusChoices
from survey.publish.views.reading import rating_keys
from survey.publish.views.small_area_beside import BESIDE
from survey.publish.views.special_groups import group_choices
from survey.publish.views.urban_rural import FIELDS, fields_of
from survey.sample.frame import shipped_cities
from survey.ui.furniture import notice
from survey.ui.glossary import explain
from survey.ui.page import Visit
from survey.ui.results import all_waves, waves
from survey.ui.url import pick

EVERY = "all"


def names_of(visit: Visit, results: WaveResults) -> Names:
    return Names(visit.language, results.tree, results.method.measures, results.method.grouping)


def pick_wave(visit: Visit, series: str) -> WaveInfo | None:
    """The wave to read; says what to do when there is none yet."""
    t = visit.t
    by_key = {wave.key: wave for wave in (*waves(visit, series), *_own_waves(visit, series))}
    if not by_key:
        notice(
            t("There are no results yet"),
            t("Results appear here as soon as a wave has been frozen."),
            t("An administrator freezes a wave with the command: survey freeze --wave <wave>."),
        )
        return None
    chosen = pick(
        t("Wave"),
        "wave",
        list(by_key),
        show=lambda key: by_key[key].title.get(visit.language, key),
        language=visit.language,
        explanation=explain("wave", visit.language),
    )
    return by_key[chosen]


def _own_waves(visit: Visit, series: str) -> list[WaveInfo]:
    """Waves of series of one's own: they are read on the pages of the main study."""
    if series != "main":
        return []
    return [wave for wave in all_waves(visit) if wave.series not in SHIPPED_SERIES]


def pick_begun_wave(visit: Visit, fieldwork_waves: Sequence[BegunWave]) -> BegunWave:
    """The wave whose fieldwork is looked at; `begun` has at least one."""
    by_key = {wave.key: wave for wave in fieldwork_waves}
    chosen = pick(
        visit.t("Wave"), "wave", list(by_key), language=visit.language,
        show=lambda key: by_key[key].title.get(visit.language, key),
        explanation=explain("wave", visit.language),
    )  # fmt: skip
    return by_key[chosen]


def pick_indicator(
    visit: Visit, results: WaveResults, levels: Sequence[int] = (1, 2), name: str = "indicator"
) -> str:
    """The composite or one of its indicators."""
    names = names_of(visit, results)
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


def pick_area(visit: Visit, results: WaveResults, level: str) -> str | None:
    """Narrow the cities to one region or class; None for all of them."""
    names = names_of(visit, results)
    options = [EVERY, *dict.fromkeys(str(getattr(city, level)) for city in shipped_cities())]
    chosen = pick(
        names.level(level),
        level,
        options,
        show=lambda area: visit.t("All") if area == EVERY else names.area(area),
        language=visit.language,
    )
    return None if chosen == EVERY else chosen


def pick_city(visit: Visit, choices: dict[str, str]) -> str:
    """One city; people who belong to one start there."""
    return pick(
        visit.t("City"),
        "city",
        list(choices),
        show=choices.__getitem__,
        language=visit.language,
        default=visit.principal.area,
    )


def pick_place(visit: Visit, choices: dict[str, str]) -> str:
    """The nation, a region or a city; people who belong to a city start there."""
    return pick(
        visit.t("Nation, region or city"),
        "place",
        list(choices),
        show=choices.__getitem__,
        language=visit.language,
        default=visit.principal.area,
    )


def pick_detail(visit: Visit) -> bool:
    """Whether third-level indicators are drawn as well."""
    t = visit.t
    shown = {"2": t("Two levels"), "3": t("Three levels")}
    chosen = pick(
        t("Detail"), "detail", list(shown), show=shown.__getitem__, language=visit.language
    )
    return chosen == "3"


def pick_study(visit: Visit) -> str:
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


def pick_topic(visit: Visit, results: WaveResults) -> str:
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


def pick_field(visit: Visit, results: WaveResults) -> str:
    """A field of consumption that town and countryside are compared in."""
    return pick(
        visit.t("Field of consumption"),
        "field",
        fields_of(results) or FIELDS,
        show=lambda topic: visit.t(TOPICS[topic]),
        language=visit.language,
    )


def pick_level(visit: Visit, results: WaveResults, levels: Sequence[str]) -> str:
    """By which division of the country areas are drawn."""
    show = names_of(visit, results).level
    return pick(visit.t("Areas by"), "by", levels, show=show, language=visit.language)


def pick_basis(visit: Visit) -> str:
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


def pick_focus(visit: Visit, choices: FocusChoices) -> str | None:
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


def pick_yardstick(visit: Visit, choices: Mapping[str, Message] = AGAINST) -> str:
    """What a city is read against; the first is the default."""
    return pick(
        visit.t("Beside"),
        "against",
        list(choices),
        show=lambda key: visit.t(choices[key]),
        language=visit.language,
        explanation=explain("peers", visit.language),
    )


def pick_group(visit: Visit, results: WaveResults, groups: Sequence[str] | None = None) -> str:
    """One of `groups`, or of the special groups of the main study."""
    show = names_of(visit, results).group
    known = groups or group_choices(results)
    return pick(visit.t("Group"), "group", known, show=show, language=visit.language)


def pick_before(visit: Visit, wave: WaveInfo) -> str | None:
    """An earlier wave of the same series, the latest unless chosen; None when there is none."""
    place = (wave.year, wave.key)
    earlier = [
        earlier_wave
        for earlier_wave in waves(visit, wave.series)
        if (earlier_wave.year, earlier_wave.key) < place
    ]
    if not earlier:
        return None
    titles = {
        earlier_wave.key: earlier_wave.title.get(visit.language, earlier_wave.key)
        for earlier_wave in earlier
    }
    return pick(
        visit.t("Compared with"),
        "before",
        list(titles),
        show=titles.__getitem__,
        language=visit.language,
    )


def pick_clear_only(visit: Visit) -> bool:
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


def pick_beside(visit: Visit) -> str:
    """What stands beside the direct figures of the cities; a model estimate unless chosen."""
    return pick(
        visit.t("Beside the direct figure"),
        "beside",
        list(BESIDE),
        show=lambda key: visit.t(BESIDE[key]),
        language=visit.language,
        explanation=explain("model estimate", visit.language),
    )


def pick_whom(visit: Visit, choices: Mapping[str, str]) -> str:
    """Whose satisfaction is explained: the city's, or that of a group of the nation."""
    return pick(
        visit.t("Whose satisfaction"),
        "drivers",
        list(choices),
        show=choices.__getitem__,
        language=visit.language,
        explanation=explain("importance", visit.language),
    )
