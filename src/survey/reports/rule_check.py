"""Sentence rules of reports, and the check of an association's own: no other result may be told."""

import csv
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from survey.figures.views.display_names import call_by_cities
from survey.locale import LANGUAGES, Message, RefusedError, label_text, msg, translator
from survey.reports.pictures import set_text

_FOLDER = Path(__file__).parent
RuleKey = tuple[str, str]
"""Topic and case of a rule."""
RuleTexts = Mapping[RuleKey, Mapping[str, str]]
_UP, _DOWN, _ANY = "up", "down", "any"
_CASES_WITHOUT_DIFFERENCE = frozenset(
    {"none", "no_interval", "no_wave", "not_comparable", "unmoved", "unclear", "untested",
     "none_above", "none_below", "tied", "set", "unranked", "alone"}
)  # fmt: skip
_CASES_UP = frozenset({"rise", "risen", "higher", "above", "item_above", "tied_above"})
_CASES_DOWN = frozenset({"fall", "fallen", "lower", "below", "item_below", "tied_below"})
_TESTED_TOPICS = frozenset(
    {
        "change",
        "nation",
        "groups",
        "verdict",
        "strengths",
        "place",
        "leaders",
        "problems",
        "easy_change",
        "easy_nation",
        "easy_parts",
    }
)
_WITHOUT_NUMBERS = _TESTED_TOPICS | {
    "headline",
    "tree",
    "priorities",
    "cities",
    "areas",
    "years",
    "easy",
}
"""Topics whose numbers all come from the results."""
_UNCERTAINTY = ("low", "high", "tied", "places", "count", "alone")
"""Fields without which a sentence says more than the results do."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def find_rule_problems(texts: RuleTexts, shipped: RuleTexts) -> list[Message]:
    """Return problems of an association's rules `texts`, compared with those shipped."""
    return [
        problem
        for key, own in texts.items()
        for problem in _problems_of(key, own, shipped.get(key))
    ]


def _problems_of(
    key: RuleKey, own: Mapping[str, str], shipped: Mapping[str, str] | None
) -> Sequence[Message]:
    name = ".".join(key)
    if shipped is None:
        return [msg("Rule {rule}: no report asks for it.", rule=name)]
    problems = []
    for language in LANGUAGES:
        text = own[language] or ""
        words = {"rule": name, "language": language}
        if not text.strip():
            problems.append(msg("Rule {rule}: the text in {language} is empty.", **words))
            continue
        problems += _find_unknown_fields(text, shipped[language], words)
        problems += _find_wrong_words(key, text, shipped[language], words)
        problems += _find_missing_fields(text, shipped[language], words)
    return problems


def _find_unknown_fields(text: str, shipped: str, words: Mapping[str, str]) -> Iterator[Message]:
    """Yield a problem if a text has a field not in the `shipped` text; `words` fill its message."""
    known = fields_of(shipped)
    unknown = sorted(fields_of(text) - known)
    if unknown:
        yield msg(
            "Rule {rule} ({language}): there is no field {field} here; there are {known}.",
            field=unknown[0],
            known=", ".join(sorted(known)) or msg("none"),
            **words,
        )


def _find_missing_fields(text: str, shipped: str, words: Mapping[str, str]) -> Iterator[Message]:
    """Yield a problem per uncertainty field only in `shipped`; `words` fill its message."""
    missing = fields_of(shipped) - fields_of(text)
    for field in _UNCERTAINTY:
        if field in missing:
            yield msg(
                "Rule {rule} ({language}): the field {field} is missing; without it the sentence "
                "says more than the results do.",
                field=field,
                **words,
            )


def _find_wrong_words(
    key: RuleKey, text: str, shipped: str, words: Mapping[str, str]
) -> Iterator[Message]:
    """Yield problems of a rule's text: numbers, words against its case, required words missing."""
    topic, case = key
    language = words["language"]
    if topic in _WITHOUT_NUMBERS:
        for number in sorted(_find_numbers(text) - _find_numbers(shipped)):
            yield msg(
                "Rule {rule} ({language}): {number} is no figure of the results; numbers come from "
                "fields.",
                number=number,
                **words,
            )
    if topic in _TESTED_TOPICS:
        for word in find_contradicting_phrases(case, text, language):
            if word not in shipped:
                yield _describe_word(case, word, words)
    required = read_required_words().get(key, {}).get(language, "")
    if required.casefold() not in text.casefold():
        yield msg("Rule {rule} ({language}): it has to say “{word}”.", word=required, **words)


def _describe_word(case: str, word: str, words: Mapping[str, str]) -> Message:
    if case in _CASES_WITHOUT_DIFFERENCE:
        return msg(
            "Rule {rule} ({language}): “{word}” tells of a difference, but the rule is for "
            "results that show none.",
            word=word,
            **words,
        )
    return msg(
        "Rule {rule} ({language}): “{word}” tells of a difference in the other direction.",
        word=word,
        **words,
    )


def find_contradicting_phrases(case: str, text: str, language: str) -> list[str]:
    """Return the words of a text that contradict its case, such as a fall where scores rise."""
    ways: frozenset[str] = frozenset()
    if case in _CASES_WITHOUT_DIFFERENCE:
        ways = frozenset({_UP, _DOWN, _ANY})
    elif case in _CASES_UP:
        ways = frozenset({_DOWN})
    elif case in _CASES_DOWN:
        ways = frozenset({_UP})
    plain = "".join(literal for literal, *_ in _parse(text))
    return [
        word
        for known, word, way in read_difference_words()
        if known == language and way in ways and _says(plain, word)
    ]


def _says(text: str, word: str) -> bool:
    """Return whether a text contains a word; an English one only at the start of a word."""
    start = r"\b" if word.isascii() else ""
    return re.search(start + re.escape(word), text, re.IGNORECASE) is not None


def _find_numbers(text: str) -> set[str]:
    return {number for literal, *_ in _parse(text) for number in _NUMBER.findall(literal)}


@lru_cache(maxsize=1)
def read_difference_words() -> tuple[tuple[str, str, str], ...]:
    """Return (language, word, direction) of words that claim a difference: up, down or any."""
    with (_FOLDER / "difference_words.csv").open(encoding="utf-8", newline="") as file:
        return tuple((row["language"], row["word"], row["way"]) for row in csv.DictReader(file))


@lru_cache(maxsize=1)
def read_required_words() -> Mapping[RuleKey, Mapping[str, str]]:
    """Return (topic, case) -> language -> words that the sentence must contain."""
    with (_FOLDER / "required_words.csv").open(encoding="utf-8", newline="") as file:
        return {(row["topic"], row["case"]): row for row in csv.DictReader(file)}


def fields_of(text: str) -> frozenset[str]:
    """Return the fields named in braces; one with a format or conversion is kept as written.

    A format such as `{score:.2}` would print another figure than the one of the table. A text with
    broken braces has the field of its own text.
    """
    fields = []
    for _, name, form, conversion in _parse(text):
        if name is None:
            continue
        is_plain = name and not form and not conversion
        suffix = (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
        fields.append(name if is_plain else f"{{{name}{suffix}}}")
    return frozenset(fields)


def _parse(text: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(string.Formatter().parse(text))
    except ValueError:
        return [("", text, None, None)]


SHIPPED_RULES = Path(__file__).with_name("rules.csv")
_COLUMNS = ("topic", "case", *LANGUAGES)


@dataclass(frozen=True)
class SentenceRules:
    """Sentences of reports by topic and case, in each language."""

    texts: Mapping[RuleKey, Mapping[str, str]]

    def for_cities(self, cities: int) -> "SentenceRules":
        """Return rules for a wave of this many cities; few are not called the nation."""
        return SentenceRules(
            {
                key: {
                    language: call_by_cities(text, cities, translator(language))
                    for language, text in texts.items()
                }
                for key, texts in self.texts.items()
            }
        )

    def write(self, language: str, topic: str, case: str, **words: str) -> str:
        """Return the sentence of a topic and case with its fields filled in, set for print."""
        return set_text(label_text(self.texts[topic, case], language).format(**words), language)


@lru_cache(maxsize=8)
def read_rules(own: Path | None = None) -> SentenceRules:
    """Return the shipped rules, replaced by those in the file `own`; raise `RefusedError` if bad.

    Raises:
        RefusedError: the own file is unreadable or one of its rules cannot be used.
    """
    shipped = _read_texts(SHIPPED_RULES)
    if own is None:
        return SentenceRules(shipped)
    changed = _read_texts(own)
    problems = find_rule_problems(changed, shipped)
    if problems:
        raise RefusedError("rules_damaged", problems[0])
    return SentenceRules({**shipped, **changed})


def _read_texts(path: Path) -> dict[RuleKey, Mapping[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
            return {
                (row["topic"], row["case"]): {name: row[name] for name in LANGUAGES} for row in rows
            }
    except (OSError, KeyError, UnicodeError, csv.Error) as error:
        raise RefusedError(
            "rules_damaged",
            msg(
                "The rules in {file} cannot be read: a CSV in UTF-8 with the columns {columns} is "
                "needed.",
                file=path.name,
                columns=", ".join(_COLUMNS),
            ),
        ) from error
