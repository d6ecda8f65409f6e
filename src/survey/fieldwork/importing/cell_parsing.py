"""From the text in a cell to the value that the validator judges.

What cannot be read as the item's kind is passed on as text: the validator refuses it in the same
words as everywhere else, and the row is named.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from survey.fieldwork.importing.column_mapping import SplitChoiceBinding, special_texts
from survey.instrument.model import Item, ItemKind
from survey.store.china_time import CHINA

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
    words = _choice_spellings(item)
    specials = dict(_special_spellings(item, words))
    if item.kind is ItemKind.SELECT_MULTIPLE:
        words.update({value: code for value, code in codes.items() if code})
    read = _READERS.get(item.kind, _parse_text)

    def convert(text: str) -> Raw:
        plain = text.strip()
        plain = codes.get(plain.casefold(), plain)
        if not plain or plain in SKIPPED:
            return None
        special = specials.get(fold_text(plain)) if specials else None
        return read(plain, words) if special is None else special

    return convert


def is_number(text: str) -> bool:
    return _NUMBER.fullmatch(_plain_width(text.strip())) is not None


def fold_text(text: str) -> str:
    """The text without what people do not see: case, width, kind of apostrophe, extra blanks."""
    return " ".join(_plain_width(text).replace("\u2019", "'").casefold().split())


def _choice_spellings(item: Item) -> dict[str, str]:
    """Names and labels, folded, that stand for a choice."""
    words = {
        fold_text(label): choice.name for choice in item.choices for label in choice.label.values()
    }
    words.update({fold_text(choice.name): choice.name for choice in item.choices})
    return words


def _special_spellings(item: Item, choices: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Codes and labels, folded, of the item's special answers.

    A choice of the same name stays that choice; a code is always the special answer.
    """
    for special in item.specials:
        for label in special_texts(item, special):
            if fold_text(label) not in choices:
                yield fold_text(label), special.value
    for special in item.specials:
        yield special.value, special.value


def _plain_width(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _parse_text(text: str, _words: Mapping[str, str]) -> Raw:
    return text


def _parse_number(text: str, words: Mapping[str, str]) -> Raw:
    plain = _plain_width(text)
    if _WHOLE.fullmatch(plain):
        return int(plain.partition(".")[0])
    if _NUMBER.fullmatch(plain):
        return float(plain)
    meant = words.get(fold_text(text))
    if meant is None or meant == text:
        return text
    return int(meant) if _WHOLE.fullmatch(meant) else meant


def _parse_choice(text: str, words: Mapping[str, str]) -> Raw:
    plain = fold_text(text)
    named = words.get(plain)
    if named is None and _WHOLE.fullmatch(plain):
        # Spreadsheets turn the code 1 into 1.0.
        named = words.get(plain.partition(".")[0])
    return text if named is None else named


def _parse_choices(text: str, words: Mapping[str, str]) -> Raw:
    by_space = text.split()
    if all(fold_text(part) in words for part in by_space):
        parts = by_space
    else:
        parts = [part for part in _SEPARATORS.split(text) if part]
    chosen = [words.get(fold_text(part), part) for part in parts]
    return list(dict.fromkeys(chosen))


def _parse_date(text: str, _words: Mapping[str, str]) -> Raw:
    match = _DAY.fullmatch(text)
    return f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}" if match else text


_READERS: dict[ItemKind, Callable[[str, Mapping[str, str]], Raw]] = {
    ItemKind.RATING: _parse_number,
    ItemKind.INTEGER: _parse_number,
    ItemKind.DECIMAL: _parse_number,
    ItemKind.SELECT_ONE: _parse_choice,
    ItemKind.SELECT_MULTIPLE: _parse_choices,
    ItemKind.DATE: _parse_date,
}

MAX_INTERVIEW_DURATION = timedelta(days=30)
_DATE_TIME = re.compile(
    r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})"
    r"(?:[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?)?\s*(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_SECONDS = re.compile(r"([0-9]{1,9}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?)\s*(?:\u79d2|s|sec)?")


@dataclass(frozen=True, slots=True)
class InterviewTimes:
    """When an interview began, when it was handed in, and how many seconds it took."""

    started: datetime | None
    finished: datetime | None
    seconds: float | None


def parse_time(text: str, usual_zone: tzinfo = CHINA) -> datetime | None:
    """A moment in UTC; without a zone it is China's; None if it is none of the calendar."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=usual_zone)
        if match[7] is not None:
            zone = datetime.strptime(match[7], "%z").tzinfo
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_seconds(text: str) -> float | None:
    """`123`, `61.5`, or with the unit behind it; None if it is no time an interview can take."""
    match = _SECONDS.fullmatch(text)
    if match is None:
        return None
    seconds = float(match[1])
    return seconds if seconds <= MAX_INTERVIEW_DURATION.total_seconds() else None


def complete_interview_times(
    started: datetime | None,
    ended: datetime | None,
    submitted: datetime | None,
    seconds: float | None,
) -> InterviewTimes:
    """Beginning, end and duration, each from the other two where the file lacks it.

    An interview may be sent long after it ended: the duration follows from its end alone.
    """
    if seconds is None and started is not None and ended is not None:
        span = (ended - started).total_seconds()
        seconds = span if span <= MAX_INTERVIEW_DURATION.total_seconds() else None
    last = ended or submitted
    if started is None and last is not None and seconds is not None:
        started = last - timedelta(seconds=seconds)
    if last is None and started is not None:
        last = started + timedelta(seconds=seconds or 0)
    return InterviewTimes(started, submitted or last, seconds)


_YES = frozenset({"1", "1.0", "true", "yes", "y", "x", "\u221a", "\u2713", "\u662f"})
_NO = frozenset({"", "0", "0.0", "false", "no", "n", "\u5426"}) | SKIPPED


def build_choice_joiner(split: SplitChoiceBinding, item: Item) -> Callable[[Sequence[str]], str]:
    """A function from a row to the names of its ticked choices.

    A cell that is neither a yes nor a no is passed on as it stands: the validator refuses it.
    """
    parts = [
        (place, choice, _yes(item, choice), split.codes.get(place, {}))
        for place, choice in split.parts.items()
    ]

    def join(cells: Sequence[str]) -> str:
        chosen: list[str] = []
        for place, choice, yes, codes in parts:
            text = cells[place].strip().casefold()
            text = fold_text(codes.get(text, text))
            if text in yes:
                chosen.append(choice)
            elif text not in _NO:
                chosen.append(cells[place].strip())
        return " ".join(chosen)

    return join


def _yes(item: Item, choice: str) -> frozenset[str]:
    """Some tools write the name or the label of the choice instead of a tick."""
    labels: Mapping[str, str] = next(
        option.label for option in item.choices if option.name == choice
    )
    return _YES | {choice.casefold()} | {fold_text(label) for label in labels.values()}
