"""Explanations of terms on screen, from the table in `docs/glossary.md`."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from survey.locale import label_text, labels_of
from survey.settings import PROJECT_ROOT

GLOSSARY = PROJECT_ROOT / "docs" / "glossary.md"
_COLUMNS = 4


@dataclass(frozen=True)
class GlossaryTerm:
    name_en: str
    name_zh: str
    meaning_en: str
    meaning_zh: str

    def name(self, language: str) -> str:
        return label_text(labels_of(self, "name"), language)

    def explanation(self, language: str) -> str:
        return label_text(labels_of(self, "meaning"), language)


@lru_cache(maxsize=4)
def read_glossary(path: Path = GLOSSARY) -> dict[str, GlossaryTerm]:
    """Return the terms by their English name in lower case, in the order of the file."""
    terms: dict[str, GlossaryTerm] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == _COLUMNS and not set(cells[0]) <= set("-: "):
            terms[cells[0].lower()] = GlossaryTerm(*cells)
    terms.pop("english", None)
    return terms


def explain(term: str, language: str) -> str | None:
    """Return the explanation of an English term in a language; None for an unknown term."""
    known = read_glossary().get(term.lower()) if GLOSSARY.exists() else None
    return known.explanation(language) if known else None
