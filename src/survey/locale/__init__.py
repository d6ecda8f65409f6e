"""Screen texts: gettext catalogs, one domain per package, Simplified Chinese first.

Source texts (msgids) are English. Code that does not know the reader's language, such as a domain
error, carries a `Message`, and the edge that knows the language translates it.
"""

import gettext
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

LANGUAGES = ("zh", "en")
DEFAULT_LANGUAGE = "zh"
PSEUDO_LANGUAGE = "qps"
"""Language of a test: what is looked up by language stands between marks, what is not is seen."""
Labels = Mapping[str, str]
"""Text by language, for example `{"zh": "...", "en": "..."}`."""
DOMAINS = (
    "compute",
    "tabular",
    "store",
    "questionnaire",
    "frame",
    "access",
    "waves",
    "collection",
    "comparative_tests",
    "education",
    "experience_checks",
    "snapshots",
    "review",
    "results",
    "figures",
    "counts",
    "evidence_city",
    "rectification",
    "files",
    "reports",
    "release",
    "operations",
    "web",
    "kit",
    "screens",
    "cli",
)
_CATALOGS = Path(__file__).parent


def label_text(labels: Labels, language: str, otherwise: str = "") -> str:
    """Return the label in this language, else in the first that has one, else `otherwise`."""
    text = labels.get(language) or next(filter(None, labels.values()), otherwise)
    return _mark(text) if language == PSEUDO_LANGUAGE and labels else text


def labels_of(row: Any, name: str) -> dict[str, str]:
    """Return a name or title of a row, which has a column of each language."""
    return {language: getattr(row, f"{name}_{language}") for language in LANGUAGES}


def _mark(text: str) -> str:
    return f"⟦{text}⟧" if text else ""


@dataclass(frozen=True)
class Message:
    """Text to translate later: an English msgid with `str.format` parameters."""

    msgid: str
    params: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.msgid.format(**self.params)


def msg(msgid: str, **params: object) -> Message:
    """Return a message, and mark its text for extraction."""
    return Message(msgid, params)


class SurveyError(Exception):
    """Error with a translatable `message` for people and a stable `code` for machines."""

    code = "error"

    def __init__(self, message: Message) -> None:
        super().__init__(str(message))
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        # By itself an exception is built anew by calling its class with its sentence, which many
        # classes do not take: an error of another process would not arrive.
        return _rebuild_error, (type(self), self.args, self.__dict__)


class CodedError(SurveyError):
    """Error that its code tells apart, because nothing catches it by its class."""

    def __init__(self, code: str, message: Message) -> None:
        super().__init__(message)
        self.code = code


class NotFoundError(CodedError):
    """Raised when there is no such thing, or none that the account may see."""


class ConflictError(CodedError):
    """Raised when something was changed meanwhile, is in use or is there already."""


class RefusedError(CodedError):
    """Raised when what was asked for is not allowed, not possible or not well formed."""


def _rebuild_error(
    kind: type[SurveyError], args: tuple[Any, ...], state: dict[str, Any]
) -> SurveyError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


def catalog_file(domain: str, language: str) -> Path:
    """Return the path of a package's compiled catalog, which `make` compiles."""
    return _CATALOGS / language / "LC_MESSAGES" / f"{domain}.mo"


Translator = Callable[..., str]


@lru_cache(maxsize=8)
def translator(language: str) -> Translator:
    """Return `t(msgid_or_message, **params) -> str` for `language` (unknown: the default)."""
    chosen = language if language in (*LANGUAGES, PSEUDO_LANGUAGE) else DEFAULT_LANGUAGE
    catalogs = gettext.NullTranslations()
    if chosen != "en":
        for domain in DOMAINS:
            catalogs.add_fallback(
                gettext.translation(domain, _CATALOGS, languages=[chosen], fallback=True)
            )

    # A page shows hundreds of texts, and each would be looked up in every package's catalog.
    is_pseudo = chosen == PSEUDO_LANGUAGE
    look_up = lru_cache(maxsize=4096)(_mark if is_pseudo else catalogs.gettext)

    def translate(text: str | Message, **params: object) -> str:
        if isinstance(text, Message):
            resolved = {
                key: translate(value) if isinstance(value, Message) else value
                for key, value in text.params.items()
            }
            return look_up(text.msgid).format(**resolved)
        translated = look_up(text)
        return translated.format(**params) if params else translated

    return translate
