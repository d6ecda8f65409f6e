"""Names on screen of areas, groups of people, indicators and measures."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.frame.city_frame import area_labels, shipped_cities
from survey.locale import Message, Translator, label_text, msg, translator
from survey.questionnaire.indicator_tree import IndicatorTree
from survey.results.measures import Measure
from survey.results.wave_results import WaveResults
from survey.results.wave_rules import GroupQuestion

AREA_LEVEL_NAMES: Mapping[str, Message] = MappingProxyType(
    {
        "nation": msg("Nation"),
        "region3": msg("Three regions"),
        "region": msg("Four regions"),
        "province": msg("Provinces"),
        "city_class": msg("City classes"),
        "size_tier": msg("City size"),
        "retail_tier": msg("Retail sales tier"),
        "city": msg("Cities"),
    }
)

_PINYIN: Mapping[str, str] = {
    "150100": "Huhehaote",
    "150600": "Eerduosi",
    "230100": "Haerbin",
    "230200": "Qiqihaer",
    "540100": "Lasa",
    "540200": "Rikaze",
    "650100": "Wulumuqi",
    "650200": "Kelamayi",
}
"""Pinyin of cities whose English name is none."""

_TIER_NAMES: Mapping[str, Message] = {
    "mega": msg("Mega cities"),
    "super": msg("Super-large cities"),
    "large": msg("Large cities"),
    "medium_small": msg("Other sizes"),
    "ge4000": msg("400 billion yuan and more"),
    "from2000": msg("200 to 400 billion yuan"),
    "from1000": msg("100 to 200 billion yuan"),
    "lt1000": msg("Below 100 billion yuan"),
    "unknown": msg("Unknown"),
}

VARIABLE_NAMES: Mapping[str, Message] = MappingProxyType(
    {
        "gender": msg("gender"),
        "age_band": msg("age"),
        "residence": msg("town and countryside"),
        "guardian": msg("guardians of children"),
        "income": msg("monthly income"),
        "education": msg("education"),
        "hukou": msg("household registration"),
        "answered_by": msg("who answered"),
        "school_stage": msg("school stage"),
        "guardian_relation": msg("who answered"),
        "village_role": msg("role in the village"),
    }
)
"""Names of variables as they stand inside a sentence."""

_GROUP_NAMES: Mapping[str, Message] = {
    "all": msg("All respondents"),
    "gender=male": msg("Men"),
    "gender=female": msg("Women"),
    "elderly=yes": msg("60–70 years"),
    "residence=urban": msg("Living in town"),
    "residence=rural": msg("Living in the countryside"),
    "guardian=yes": msg("Guardians of a child under 18"),
    "guardian=no": msg("Not guardians of a child"),
    "income=lt3000": msg("Income below 3,000 yuan"),
    "income=from3000": msg("Income 3,000–4,999 yuan"),
    "income=from5000": msg("Income 5,000–7,999 yuan"),
    "income=ge8000": msg("Income 8,000 yuan and more"),
    "education=primary": msg("Primary school or less"),
    "education=junior": msg("Junior secondary school"),
    "education=senior": msg("Senior secondary school"),
    "education=college": msg("Junior college"),
    "education=bachelor": msg("Bachelor's degree"),
    "education=postgraduate": msg("Postgraduate degree"),
    "hukou=local_urban": msg("Local, urban registration"),
    "hukou=local_rural": msg("Local, rural registration"),
    "hukou=other_urban": msg("Elsewhere, urban registration"),
    "hukou=other_rural": msg("Elsewhere, rural registration"),
    "answered_by=self": msg("The person alone"),
    "answered_by=assisted": msg("The person, with help"),
    "answered_by=proxy_child": msg("A grown-up child for the person"),
    "answered_by=proxy_other": msg("Somebody else for the person"),
    "school_stage=preschool": msg("Before school"),
    "school_stage=primary": msg("Primary school age"),
    "school_stage=junior": msg("Junior secondary school age"),
    "school_stage=senior": msg("Senior secondary school age"),
    "school_stage=vocational_other": msg("Vocational school or other"),
    "village_role=consumer": msg("Consumers in villages"),
    "village_role=trader": msg("Traders in villages"),
    "guardian_relation=mother": msg("Mother"),
    "guardian_relation=father": msg("Father"),
    "guardian_relation=grandparent": msg("Grandparent"),
    "guardian_relation=other": msg("Another guardian"),
}


_TOGETHER: tuple[Message, ...] = (
    msg("the one city"),
    msg("the two cities together"),
    msg("the three cities together"),
    msg("the four cities together"),
    msg("the five cities together"),
    msg("the six cities together"),
    msg("the seven cities together"),
    msg("the eight cities together"),
    msg("the nine cities together"),
    msg("the ten cities together"),
)


def is_nationwide(cities: int) -> bool:
    """Return whether a wave of so many cities covers the frame: its total is the nation."""
    return cities >= len(shipped_cities())


def call_by_cities(text: str, cities: int, t: Translator) -> str:
    """Return a text in which “the nation” is “the n cities together”, unless all cities take part.

    Args:
        text: a text in the language of `t`, with its fields not filled in yet.
    """
    if is_nationwide(cities):
        return text
    name = (
        t(_TOGETHER[cities - 1])
        if 1 <= cities <= len(_TOGETHER)
        else t("the {cities} cities together", cities=cities)
    )
    words = "|".join(map(re.escape, (t("the nation"), t("Nation"))))
    return re.sub(
        rf"(?<![A-Za-z])(?:{words})(?![A-Za-z])",
        lambda found: name[0].upper() + name[1:] if found[0][0].isupper() else name,
        text,
        flags=re.IGNORECASE,
    )


def translator_of_cities(language: str, cities: int) -> Translator:
    """Return a translator that says “the n cities together” for the nation (`call_by_cities`)."""
    t = translator(language)
    if is_nationwide(cities):
        return t

    def translate(text: str | Message, **params: object) -> str:
        if isinstance(text, Message):
            inner = {
                name: translate(value) if isinstance(value, Message) else value
                for name, value in text.params.items()
            }
            return call_by_cities(t(text.msgid), cities, t).format(**inner)
        named = call_by_cities(t(text), cities, t)
        return named.format(**params) if params else named

    return translate


class DisplayNames:
    """Names of areas, groups, indicators and measures of one wave in one language."""

    def __init__(
        self,
        language: str,
        tree: IndicatorTree | None,
        measures: tuple[Measure, ...] = (),
        grouping: tuple[GroupQuestion, ...] = (),
        cities: int | None = None,
    ) -> None:
        self.language = language
        self.t = translator(language) if cities is None else translator_of_cities(language, cities)
        self._tree = tree
        self._measures = {measure.key: measure for measure in measures}
        self._questions = {question.item: question for question in grouping}

    @classmethod
    def of(cls, results: WaveResults, language: str) -> Self:
        """Return the names for a frozen wave, with its own tree, measures and groups."""
        method = results.method
        return cls(language, results.tree, method.measures, method.grouping, results.wave.cities)

    def area(self, key: str) -> str:
        """Return the name of a city, province, region, class or tier; an unknown key as it is."""
        if key == NATION:
            return self.t("Nation")
        if key in _TIER_NAMES:
            return self.t(_TIER_NAMES[key])
        return label_text(area_labels().get(key, {}), self.language, key)

    def searchable_city(self, code: str) -> str:
        """Return a city's name with its pinyin or Chinese name, so that a search finds both."""
        names = area_labels().get(code, {})
        own = label_text(names, self.language, code)
        other = names.get("zh" if self.language == "en" else "en", "")
        if self.language == "zh":
            other = _PINYIN.get(code, other)
        return f"{own} {other}" if other else own

    def level(self, level: str) -> str:
        return self.t(AREA_LEVEL_NAMES[level])

    def variable(self, variable: str) -> str:
        question = self._questions.get(variable)
        if question is not None and question.declared:
            return label_text(question.label, self.language, variable)
        known = VARIABLE_NAMES.get(variable)
        return self.t(known) if known else variable

    def group(self, key: str) -> str:
        """Return the name of a group such as `gender=male`; that of an unknown one is its value."""
        variable, _, value = key.partition("=")
        question = self._questions.get(variable)
        if question is not None and question.declared:
            return f"{self.variable(variable)}: {self._label_choice(question, value)}"
        if key in _GROUP_NAMES:
            return self.t(_GROUP_NAMES[key])
        if question is not None:
            return self._label_choice(question, value)
        if variable != "age_band":
            return value or key
        low, separator, high = value.partition("-")
        if separator:
            return self.t("{low}–{high} years", low=low, high=high)
        return self.t("{low} years and over", low=low.removesuffix("+"))

    def _label_choice(self, question: GroupQuestion, value: str) -> str:
        return label_text(question.choices.get(value, {}), self.language, value)

    def indicator(self, code: str) -> str:
        """Return the name of an indicator or measure, without its number."""
        if code == COMPOSITE:
            return self.t("Composite satisfaction")
        if code in self._measures:
            return label_text(self._measures[code].name, self.language, code)
        if self._tree is not None and code in self._tree.by_code:
            return label_text(self._tree.by_code[code].name, self.language, code)
        return code

    def numbered(self, code: str) -> str:
        """Return an indicator's name with its number, because parent and child may share a name."""
        name = self.indicator(code)
        return f"{code} {name}" if code[:1].isdigit() else name
