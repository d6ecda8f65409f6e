"""From the text in a cell to the value that the validator judges.

What cannot be read as the item's kind is passed on as text: the validator refuses it in the same
words as everywhere else, and the row is named.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping

from survey.fieldwork.importing.meanings import special_texts
from survey.instrument.model import Item, Kind

Raw = str | int | float | list[str] | None

_WHOLE = re.compile(r"[+-]?[0-9]{1,15}(?:\.0*)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_DAY = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[ T].*)?")
_SEPARATORS = re.compile(r"\s*[;；|,，、\u250b]\s*")
"""Between several choices; the last one is how Chinese survey sites write it."""
SKIPPED = frozenset(
    {"(\u8df3\u8fc7)", "\uff08\u8df3\u8fc7\uff09", "(\u7a7a)", "\uff08\u7a7a\uff09"}
)
"""What survey sites write for questions that were passed over or left empty."""


def cell_reader(item: Item, codes: Mapping[str, str]) -> Callable[[str], Raw]:
    """A function from a cell's text to the item's answer; None for an empty cell."""
    words = _words(item)
    specials = dict(_special_words(item, words))
    if item.kind is Kind.SELECT_MULTIPLE:
        words.update({value: code for value, code in codes.items() if code})
    read = _READERS.get(item.kind, _as_text)

    def convert(text: str) -> Raw:
        plain = text.strip()
        plain = codes.get(plain.casefold(), plain)
        if not plain or plain in SKIPPED:
            return None
        special = specials.get(folded(plain)) if specials else None
        return read(plain, words) if special is None else special

    return convert


def is_number(text: str) -> bool:
    return _NUMBER.fullmatch(_plain_width(text.strip())) is not None


def folded(text: str) -> str:
    """The text without what people do not see: case, width, kind of apostrophe, extra blanks."""
    return " ".join(_plain_width(text).replace("\u2019", "'").casefold().split())


def _words(item: Item) -> dict[str, str]:
    """Names and labels, folded, that stand for a choice."""
    words = {
        folded(label): choice.name for choice in item.choices for label in choice.label.values()
    }
    words.update({folded(choice.name): choice.name for choice in item.choices})
    return words


def _special_words(item: Item, choices: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Codes and labels, folded, of the item's special answers.

    A choice of the same name stays that choice; a code is always the special answer.
    """
    for special in item.specials:
        for label in special_texts(item, special):
            if folded(label) not in choices:
                yield folded(label), special.value
    for special in item.specials:
        yield special.value, special.value


def _plain_width(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _as_text(text: str, _words: Mapping[str, str]) -> Raw:
    return text


def _as_number(text: str, words: Mapping[str, str]) -> Raw:
    plain = _plain_width(text)
    if _WHOLE.fullmatch(plain):
        return int(plain.partition(".")[0])
    if _NUMBER.fullmatch(plain):
        return float(plain)
    meant = words.get(folded(text))
    if meant is None or meant == text:
        return text
    return int(meant) if _WHOLE.fullmatch(meant) else meant


def _as_choice(text: str, words: Mapping[str, str]) -> Raw:
    plain = folded(text)
    named = words.get(plain)
    if named is None and _WHOLE.fullmatch(plain):
        # Spreadsheets turn the code 1 into 1.0.
        named = words.get(plain.partition(".")[0])
    return text if named is None else named


def _as_choices(text: str, words: Mapping[str, str]) -> Raw:
    by_space = text.split()
    if all(folded(part) in words for part in by_space):
        parts = by_space
    else:
        parts = [part for part in _SEPARATORS.split(text) if part]
    chosen = [words.get(folded(part), part) for part in parts]
    return list(dict.fromkeys(chosen))


def _as_date(text: str, _words: Mapping[str, str]) -> Raw:
    match = _DAY.fullmatch(text)
    return f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}" if match else text


_READERS: dict[Kind, Callable[[str, Mapping[str, str]], Raw]] = {
    Kind.RATING: _as_number,
    Kind.INTEGER: _as_number,
    Kind.DECIMAL: _as_number,
    Kind.SELECT_ONE: _as_choice,
    Kind.SELECT_MULTIPLE: _as_choices,
    Kind.DATE: _as_date,
}
