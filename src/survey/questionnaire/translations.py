"""Texts of a questionnaire side by side in its languages, and its conditions in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from survey.locale import Labels, Message, Translator, label_text, msg
from survey.questionnaire.expressions.parser import parse, parse_choice_filter
from survey.questionnaire.expressions.syntax import (
    Expression,
    Literal,
    Operation,
    Reference,
    references,
)
from survey.questionnaire.model import Instrument, Item
from survey.questionnaire.paper_codes import number_questions

_COMPARISONS: Mapping[str, Message] = {
    "=": msg("{left} is {right}"),
    "!=": msg("{left} is not {right}"),
    "<": msg("{left} is under {right}"),
    "<=": msg("{left} is {right} or less"),
    ">": msg("{left} is over {right}"),
    ">=": msg("{left} is {right} or more"),
}
_OPPOSITES = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_CALCULATION_NAMES: Mapping[str, Message] = {"age": msg("the age")}


class ConditionText:
    """Writer of an instrument's conditions as sentences in one language."""

    def __init__(self, instrument: Instrument, t: Translator, language: str) -> None:
        self._instrument = instrument
        self._numbers = number_questions(instrument)
        self.t = t
        self._language = language

    def write(self, source: str) -> str:
        """Return a condition in words, or quoted as written if it cannot be expressed."""
        expression = parse(source)
        return self._write_condition(expression, negated=False) or self.t(
            "“{condition}” holds", condition=self._replace_references(source)
        )

    def write_filter(self, item: Item) -> str:
        """Return on what the choices that a question offers depend, as a sentence; else ""."""
        if item.choice_filter is None:
            return ""
        named = sorted(references(parse_choice_filter(item.choice_filter)))
        return (
            self.t(
                "Only answers that go with {questions}.",
                questions=self.t(" and ").join(map(self.name, named)),
            )
            if named
            else ""
        )

    def name(self, item: str) -> str:
        """Return an item's name for readers: "question" and number, or a calculation's name."""
        t, number = self.t, self._numbers.get(item)
        if number is not None:
            return t("question {number}", number=number)
        known = _CALCULATION_NAMES.get(item)
        name = t(known) if known else item
        asked = self._list_asked_for(item, set())
        if not asked:
            return name
        return t("{name} (from question {number})", name=name, number=asked[0])

    def _list_asked_for(self, calculation: str, seen: set[str]) -> list[int]:
        """Return sorted numbers of questions behind a calculation not in `seen`; add it there."""
        item = self._instrument.by_name.get(calculation)
        if item is None or item.calculation is None or calculation in seen:
            return []
        seen.add(calculation)
        found: list[int] = []
        for name in sorted(references(parse(item.calculation))):
            number = self._numbers.get(name)
            found += [number] if number is not None else self._list_asked_for(name, seen)
        return sorted(found)

    def _replace_references(self, source: str) -> str:
        for name in references(parse(source)):
            source = source.replace(f"${{{name}}}", self.name(name))
        return source

    def _write_condition(self, expression: Expression, *, negated: bool) -> str:
        """Return a condition (if `negated`, its opposite) in words; "" if no words express it."""
        if not isinstance(expression, Operation):
            return ""
        name, parts = expression.name, expression.arguments
        if name == "not":
            return self._write_condition(parts[0], negated=not negated)
        if name in ("and", "or"):
            return self._join_parts(parts, both=(name == "and") is not negated, negated=negated)
        if name == "selected":
            return self._describe_selected(parts[0], parts[1], negated=negated)
        if name in _COMPARISONS:
            return self._describe_comparison(name, parts[0], parts[1], negated=negated)
        return ""

    def _join_parts(self, parts: tuple[Expression, ...], *, both: bool, negated: bool) -> str:
        texts = [self._write_part(part, both=both, negated=negated) for part in parts]
        if not all(texts):
            return ""
        return (self.t(" and ") if both else self.t(" or ")).join(dict.fromkeys(texts))

    def _write_part(self, part: Expression, *, both: bool, negated: bool) -> str:
        text = self._write_condition(part, negated=negated)
        joined_otherwise = "or" if both is not negated else "and"
        mixed = isinstance(part, Operation) and part.name == joined_otherwise
        return self.t("({condition})", condition=text) if text and mixed else text

    def _describe_selected(self, of: Expression, choice: Expression, *, negated: bool) -> str:
        if not isinstance(of, Reference) or not isinstance(choice, Literal):
            return ""
        return self._describe_chosen(of.name, str(choice.value), negated=negated)

    def _describe_chosen(self, item: str, choice: str, *, negated: bool) -> str:
        t = self.t
        if not choice:
            given = msg("{name} is answered") if negated else msg("{name} is blank")
            return t(given.msgid, name=self.name(item))
        asked = self._instrument.by_name.get(item)
        labels = {each.name: each.label for each in asked.choices} if asked else {}
        label = label_text(labels.get(choice, {}), self._language, choice)
        chosen, other = (
            msg("“{label}” is chosen in {name}"),
            msg("“{label}” is not chosen in {name}"),
        )
        return t((other if negated else chosen).msgid, label=label, name=self.name(item))

    def _describe_comparison(
        self, sign: str, left: Expression, right: Expression, *, negated: bool
    ) -> str:
        if isinstance(left, Literal) and not isinstance(right, Literal):
            return self._describe_comparison(_MIRRORED[sign], right, left, negated=negated)
        if not isinstance(right, Literal):
            return ""
        sign = _OPPOSITES[sign] if negated else sign
        if isinstance(left, Operation) and left.name == "count-selected":
            return self._describe_answer_count(left, sign, right)
        if not isinstance(left, Reference):
            return ""
        if isinstance(right.value, str) and sign in ("=", "!="):
            return self._describe_chosen(left.name, right.value, negated=sign == "!=")
        number = f"{right.value:g}" if isinstance(right.value, float) else str(right.value)
        return self.t(_COMPARISONS[sign].msgid, left=self.name(left.name), right=number)

    def _describe_answer_count(self, count: Operation, sign: str, right: Literal) -> str:
        of = count.arguments[0]
        if not isinstance(of, Reference) or not isinstance(right.value, float):
            return ""
        if (sign, right.value) in ((">", 0.0), (">=", 1.0)):
            return self.t("{name} is answered", name=self.name(of.name))
        left = self.t("the number of answers to {name}", name=self.name(of.name))
        return self.t(_COMPARISONS[sign].msgid, left=left, right=f"{right.value:g}")


class TextPart(StrEnum):
    """Part of a questionnaire that a text belongs to: title, question, choice and so on."""

    TITLE = "title"
    SECTION = "section"
    QUESTION = "question"
    HINT = "hint"
    CHOICE = "choice"
    SCALE_END = "scale_end"
    SPECIAL = "special"
    MESSAGE = "message"
    THANKS = "thanks"


TEXT_PART_NAMES: Mapping[TextPart, Message] = {
    TextPart.TITLE: msg("Title"),
    TextPart.SECTION: msg("Heading of a page"),
    TextPart.QUESTION: msg("Question"),
    TextPart.HINT: msg("Hint"),
    TextPart.CHOICE: msg("Answer"),
    TextPart.SCALE_END: msg("End of the scale"),
    TextPart.SPECIAL: msg("Special answer"),
    TextPart.MESSAGE: msg("Error message"),
    TextPart.THANKS: msg("Thanks"),
}


@dataclass(frozen=True, slots=True)
class TranslatedText:
    """One text in all its languages; `item` is empty for texts of the whole questionnaire."""

    item: str
    part: TextPart
    texts: Labels

    def is_missing(self, language: str) -> bool:
        """Return whether the text exists, but not in this language."""
        return not self.texts.get(language, "").strip()


def list_texts(instrument: Instrument) -> tuple[TranslatedText, ...]:
    """Return all texts in questionnaire order, those of a choice list once for each question."""
    return tuple(text for text in _iter_texts(instrument) if any(text.texts.values()))


def count_missing(instrument: Instrument) -> dict[str, int]:
    """Return language code -> number of texts without a translation."""
    texts = list_texts(instrument)
    return {
        language.code: sum(text.is_missing(language.code) for text in texts)
        for language in instrument.languages
    }


def _iter_texts(instrument: Instrument) -> Iterator[TranslatedText]:
    yield TranslatedText("", TextPart.TITLE, instrument.title)
    for section in instrument.sections:
        yield TranslatedText(section.name, TextPart.SECTION, section.title)
        for item in section.items:
            yield from _iter_item_texts(item)
    yield TranslatedText("", TextPart.THANKS, instrument.thanks)


def _iter_item_texts(item: Item) -> Iterator[TranslatedText]:
    yield TranslatedText(item.name, TextPart.QUESTION, item.label)
    yield TranslatedText(item.name, TextPart.HINT, item.hint)
    for choice in item.choices:
        yield TranslatedText(item.name, TextPart.CHOICE, choice.label)
    for end in (item.low_label, item.high_label):
        yield TranslatedText(item.name, TextPart.SCALE_END, end)
    for words in item.special_labels.values():
        yield TranslatedText(item.name, TextPart.SPECIAL, words)
    for message in (item.required_message, item.constraint_message):
        yield TranslatedText(item.name, TextPart.MESSAGE, message)
