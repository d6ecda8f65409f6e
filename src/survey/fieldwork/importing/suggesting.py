"""Which column of a stranger's file may answer which question, by how alike their words are.

Likeness is Dice's coefficient over pairs of neighbouring characters: it needs no list of words,
works for Chinese as for English, and a word more or less changes little. A suggestion is only
that; a person sees it before anything is read by it.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from survey.fieldwork.importing.mapping import Role
from survey.fieldwork.importing.meanings import ROLE_NAMES
from survey.instrument.model import Instrument, Item, Kind, Labels
from survey.locale import LANGUAGES, translator

ALIKE = 0.55
"""From here on two texts are suggested as the same question."""
_MOST_COLUMNS = 400
_LONGEST = 300
_NUMBERED = re.compile(r"\s*[QqTt]?[0-9]{1,3}\s*[.\u3001\uff0e:\uff1a)\uff09_-]\s*")
_BRACKETS = re.compile(r"(.*?)[(\uff08]([^()\uff08\uff09]+)[)\uff09]\s*")
_USUAL_NAMES: dict[Role, re.Pattern[str]] = {
    Role.WEIGHT: re.compile(
        r".*(?:\u6743\u91cd|\u52a0\u6743|\u6743\u6570).*"
        r"|(?:(?:design|sampl(?:e|ing)|survey|final|case|person)[ _.-]*)?(?:weights?|wgt|wt)[0-9]*",
        re.IGNORECASE,
    )
}
"""What columns of a role are called where its own words are too unlike, or too like others: a
height is no weight."""
_DASH = re.compile(r"(.+?)\s*[\u2014\uff0d]+\s*(.+)")

_Pairs = frozenset[str]


@dataclass(frozen=True)
class _Target:
    name: str
    head: tuple[_Pairs, ...]
    """The texts that stand for it; of a choice, those of its question."""
    tail: tuple[_Pairs, ...] = ()
    """Of a choice, its own labels."""
    usual: re.Pattern[str] | None = None
    """What its columns are usually called."""


def suggest(
    header: Sequence[str], instrument: Instrument, used_targets: Collection[str] = ()
) -> dict[str, str]:
    """Column -> item, `item/choice` or role; each target at most once, the most alike first.

    `taken` are targets that other columns have already.
    """
    targets = [target for target in _targets(instrument) if target.name not in set(used_targets)]
    candidates = sorted(
        (
            (likeness, -place, target.name)
            for place, column in enumerate(header[:_MOST_COLUMNS])
            for target in targets
            if (likeness := _likeness(column, target)) >= ALIKE
        ),
        reverse=True,
    )
    chosen: dict[str, str] = {}
    used: set[str] = set()
    for _, place, target_name in candidates:
        column = header[-place]
        # A question is either in one column or in a column for each choice.
        if column not in chosen and target_name not in used and not _covered(target_name, used):
            chosen[column] = target_name
            used.add(target_name)
    return chosen


def _covered(target: str, used: set[str]) -> bool:
    return target.partition("/")[0] in used if "/" in target else False


def _targets(instrument: Instrument) -> Iterator[_Target]:
    for item in instrument.items():
        if item.kind in {Kind.NOTE, Kind.CALCULATE}:
            continue
        head = _texts(item)
        yield _Target(item.name, head)
        if item.kind is Kind.SELECT_MULTIPLE:
            for choice in item.choices:
                yield _Target(f"{item.name}/{choice.name}", head, _pairs_of(choice.label))
    for role in set(Role) - {Role.IGNORE}:
        names = {language: translator(language)(ROLE_NAMES[role]) for language in LANGUAGES}
        yield _Target(role.value, _pairs_of(names), usual=_USUAL_NAMES.get(role))


def _texts(item: Item) -> tuple[_Pairs, ...]:
    return (*_pairs_of(item.label), pairs(item.name))


def _pairs_of(labels: Labels) -> tuple[_Pairs, ...]:
    return tuple(pairs(label) for label in labels.values())


def pairs(text: str) -> _Pairs:
    """Pairs of neighbouring letters and digits, without case, width, blanks and punctuation."""
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()
    letters = "".join(character for character in plain if character.isalnum())
    return frozenset(letters[place : place + 2] for place in range(max(1, len(letters) - 1)))


def _likeness(column: str, target: _Target) -> float:
    text = _NUMBERED.sub("", column, count=1) if _NUMBERED.match(column) else column
    split = _BRACKETS.fullmatch(text) or _DASH.fullmatch(text)
    if target.tail:
        if split is None:
            return 0.0
        return min(_best(split[1], target.head), _best(split[2], target.tail))
    if target.usual is not None and target.usual.fullmatch(text.strip()):
        return 1.0
    whole = _best(text, target.head)
    return max(whole, _best(split[2], target.head)) if split else whole


def _best(text: str, known: Sequence[_Pairs]) -> float:
    own = pairs(text)
    return max((dice(own, other) for other in known), default=0.0)


def dice(first: _Pairs, other: _Pairs) -> float:
    """Twice the common pairs over all pairs: 1 for the same, 0 for nothing in common."""
    return 2 * len(first & other) / (len(first) + len(other))
