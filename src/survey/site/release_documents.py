"""Documents of a release that its page names beside the files: questionnaire, codebook, quality."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from survey.locale import LANGUAGES, Message, Translator, msg

_LANGUAGE_NAMES = {"zh": msg("in Chinese"), "en": msg("in English")}


def _name_documents(language: str) -> Sequence[tuple[str, Message]]:
    """Return path within a release and name of what its page names, in one language."""
    name = _LANGUAGE_NAMES[language]
    return (
        (
            f"questionnaire/questionnaire.{language}.pdf",
            msg("Questionnaire, {language}", language=name),
        ),
        (f"codebook/codebook.{language}.html", msg("Codebook, {language}", language=name)),
        (f"quality/quality.{language}.pdf", msg("Quality report, {language}", language=name)),
    )


class DocumentLink(NamedTuple):
    """Name of a document on the page, and its address within the site."""

    name: str
    path: str


def list_documents(paths: Iterable[str], folder: str, t: Translator) -> Sequence[DocumentLink]:
    """Return the documents among the files of a release, in every language that it has them in.

    Args:
        paths: Its files within the site.
        folder: Where these lie, with a slash at its end.
    """
    known = {path.removeprefix(folder).removesuffix(".gz"): path for path in paths}
    weights = ("indicators.csv", msg("Indicators and their weights"))
    named = [each for language in LANGUAGES for each in _name_documents(language)]
    return [DocumentLink(t(name), known[path]) for path, name in (*named, weights) if path in known]
