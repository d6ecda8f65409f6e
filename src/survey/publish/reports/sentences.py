"""Sentences of reports by rules: a file of texts that an association can read and change.

Which case holds is decided by the verdicts of the results; the file only words it. A file of the
association's own replaces the shipped texts that it names.
"""

import csv
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from survey.locale import LANGUAGES, Message, SurveyError, msg
from survey.publish.reports.typography import set_text

SHIPPED_RULES = Path(__file__).with_name("rules.csv")
_DIFFERENCE_WORDS = Path(__file__).with_name("difference_words.csv")
_COLUMNS = ("topic", "case", *LANGUAGES)
_UNTESTED = frozenset({"none", "no_interval", "no_wave", "not_comparable", "unmoved", "unclear"})
_TESTED_TOPICS = frozenset({"change", "nation", "groups", "verdict"})
RuleKey = tuple[str, str]
"""Topic and case of a rule."""


class RulesDamagedError(SurveyError):
    """Raised when a file of rules cannot be used; the message names the first problem."""

    code = "rules_damaged"


@dataclass(frozen=True)
class SentenceRules:
    """Texts of every topic and case, in each language."""

    texts: Mapping[RuleKey, Mapping[str, str]]

    def write(self, language: str, topic: str, case: str, **words: str) -> str:
        """Return the sentence of a case, set for print."""
        return set_text(self.texts[topic, case][language].format(**words), language)


@lru_cache(maxsize=8)
def read_rules(own: Path | None = None) -> SentenceRules:
    """Return the shipped rules, with those of an association's own file in their place.

    Raises:
        RulesDamagedError: the own file is unreadable or one of its rules cannot be used.
    """
    shipped = _read_texts(SHIPPED_RULES)
    if own is None:
        return SentenceRules(shipped)
    changed = _read_texts(own)
    problems = find_rule_problems(changed, shipped)
    if problems:
        raise RulesDamagedError(problems[0])
    return SentenceRules({**shipped, **changed})


def _read_texts(path: Path) -> dict[RuleKey, Mapping[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
            return {
                (row["topic"], row["case"]): {name: row[name] for name in LANGUAGES} for row in rows
            }
    except (OSError, KeyError, UnicodeError, csv.Error) as error:
        raise RulesDamagedError(
            msg(
                "The rules in {file} cannot be read: a CSV in UTF-8 with the columns {columns} is "
                "needed.",
                file=path.name,
                columns=", ".join(_COLUMNS),
            )
        ) from error


def find_rule_problems(
    texts: Mapping[RuleKey, Mapping[str, str]], shipped: Mapping[RuleKey, Mapping[str, str]]
) -> list[Message]:
    """Return what is wrong with rules: unknown cases, missing texts, fields, forbidden words."""
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
        unknown = sorted(fields_of(text) - fields_of(shipped[language]))
        if unknown:
            problems.append(
                msg(
                    "Rule {rule} ({language}): there is no field {field} here; there are {known}.",
                    field=unknown[0],
                    known=", ".join(sorted(fields_of(shipped[language]))) or msg("none"),
                    **words,
                )
            )
        if key[0] in _TESTED_TOPICS and key[1] in _UNTESTED:
            problems += [
                msg(
                    "Rule {rule} ({language}): “{word}” tells of a difference, but the rule is for "
                    "results that show none.",
                    word=word,
                    **words,
                )
                for word in read_difference_words()
                if word in text
            ]
    return problems


@lru_cache(maxsize=1)
def read_difference_words() -> tuple[str, ...]:
    """Return the words that a sentence without a significant difference must not hold."""
    with _DIFFERENCE_WORDS.open(encoding="utf-8", newline="") as file:
        return tuple(row["word"] for row in csv.DictReader(file))


def fields_of(text: str) -> frozenset[str]:
    """Return the names in braces; a text with broken braces has the field of its own text."""
    try:
        return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)
    except ValueError:
        return frozenset({text})
