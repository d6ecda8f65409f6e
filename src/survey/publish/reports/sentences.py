"""Sentences of reports by rules: a file of texts that an association can read and change.

Which case holds is decided by the verdicts of the results; the file only words it. A file of the
association's own replaces the shipped texts that it names.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from survey.locale import LANGUAGES, RefusedError, label_text, msg, translator
from survey.publish.reports.rule_check import RuleKey, find_rule_problems
from survey.publish.reports.typography import set_text
from survey.publish.views.display_names import call_by_cities

SHIPPED_RULES = Path(__file__).with_name("rules.csv")
_COLUMNS = ("topic", "case", *LANGUAGES)


@dataclass(frozen=True)
class SentenceRules:
    """Texts of every topic and case, in each language."""

    texts: Mapping[RuleKey, Mapping[str, str]]

    def for_cities(self, cities: int) -> "SentenceRules":
        """Return the rules for a wave of so many cities, the whole of which may be no nation."""
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
        """Return the sentence of a case, set for print."""
        return set_text(label_text(self.texts[topic, case], language).format(**words), language)


@lru_cache(maxsize=8)
def read_rules(own: Path | None = None) -> SentenceRules:
    """Return the shipped rules, with those of an association's own file in their place.

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
