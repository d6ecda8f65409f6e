"""Statement on accessibility: what everybody can read of the site, what fails, whom to tell."""

from collections.abc import Iterable, Mapping
from typing import Any

from survey.locale import Message, Translator, msg

ACCESSIBILITY_FOLDER = "accessibility"
_KEPT: tuple[Message, ...] = (
    msg("Pages keep WCAG 2.2 at level AA, as far as programs can test it (axe-core)."),
    msg("They can be read without a script, by keyboard alone, enlarged to 200% and on paper."),
    msg("Every chart says its finding in words and stands beside its table."),
    msg(
        "Reports and the quality report are PDF/UA-1: a screen reader is told of headings, tables "
        "and the words of every chart."
    ),
    msg("On request a city's report is sent in large print or as a page in everyday words."),
)
_FAILING: tuple[Message, ...] = (
    msg("Charts as PNG files and cards for sharing are pictures; their words stand on the pages."),
    msg("JSON-stat files by area have Chinese names only."),
    msg("The questionnaire as PDF is made for paper; the codebook has its questions as a page."),
    msg("Workbooks and Word files were not tried with a screen reader."),
    msg("No page is in sign language, and only a city's report is in everyday words."),
    msg("No person with a disability has tested the site on behalf of the association yet."),
)
_WORDS: Mapping[str, Message] = {
    "title": msg("Accessibility"),
    "lead": msg("What is released is for everybody. This page says what is kept and what fails."),
    "kept": msg("What is kept"),
    "failing": msg("What fails"),
    "tell": msg("Whom to tell"),
    "barrier": msg(
        "If something here cannot be read, or only with help, say so; it is sent in a form that "
        "can be read, and mended for others."
    ),
    "misuse": msg("Tell the same office where figures from here are misquoted or misused."),
}


def describe_accessibility(contacts: Iterable[str], t: Translator) -> Mapping[str, Any]:
    """Return what the statement says; `contacts` are those of the releases."""
    named = list(dict.fromkeys(filter(None, contacts)))
    return {
        "words": {name: t(text) for name, text in _WORDS.items()},
        "kept": [t(text) for text in _KEPT],
        "failing": [t(text) for text in _FAILING],
        "contacts": named or [t("The association named on the pages.")],
    }
