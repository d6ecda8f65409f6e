"""Texts of a questionnaire side by side in its languages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from survey.instrument.model import Instrument, Item
from survey.locale import Labels, Message, msg


class TextPart(StrEnum):
    """Part of a questionnaire that holds a text."""

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
    """One text in every language that has it; `item` is empty for texts of the whole."""

    item: str
    part: TextPart
    texts: Labels

    def is_missing(self, language: str) -> bool:
        """Return whether the text exists, but not in this language."""
        return not self.texts.get(language, "").strip()


def list_texts(instrument: Instrument) -> tuple[TranslatedText, ...]:
    """Return every text in the order of the questionnaire; an answer list counts each time."""
    return tuple(text for text in _iter_texts(instrument) if any(text.texts.values()))


def count_missing(instrument: Instrument) -> dict[str, int]:
    """Return the number of missing texts by language code."""
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
