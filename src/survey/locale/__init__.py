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
    "open_answers",
    "figures",
    "counts",
    "evidence_city",
    "rectification",
    "files",
    "reports",
    "release",
    "site",
    "operations",
    "web",
    "kit",
    "screens",
    "cli",
)
_CATALOGS = Path(__file__).parent


def label_text(labels: Labels, language: str, otherwise: str = "") -> str:
    """Return the label in `language`, or the first that is not empty, or `otherwise`."""
    text = labels.get(language) or next(filter(None, labels.values()), otherwise)
    return _mark(text) if language == PSEUDO_LANGUAGE and labels else text


def labels_of(row: Any, name: str) -> dict[str, str]:
    """Return a row's text by language, from its columns `<name>_zh` and `<name>_en`."""
    return {language: getattr(row, f"{name}_{language}") for language in LANGUAGES}


def _mark(text: str) -> str:
    return f"⟦{text}⟧" if text else ""


@dataclass(frozen=True)
class Message:
    """Text to be translated later: English msgid, with parameters for `str.format`."""

    msgid: str
    params: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.msgid.format(**self.params)


def msg(msgid: str, **params: object) -> Message:
    """Return a message; extraction tools find its English text by this call."""
    return Message(msgid, params)


class SurveyError(Exception):
    """Base of all domain errors: translatable `message` for people, stable `code` for machines.

    A class whose errors all say the same declares the message.
    """

    code = "error"
    message: Message

    def __init__(self, message: Message | None = None) -> None:
        self.message = message or self.message
        super().__init__(str(self.message))

    def __reduce__(self) -> tuple[Any, ...]:
        # By itself an exception is built anew by calling its class with its sentence, which many
        # classes do not take: an error of another process would not arrive.
        return _rebuild_error, (type(self), self.args, self.__dict__)


class CodedError(SurveyError):
    """Base of errors that are distinguished by `code`, because nothing catches their class."""

    def __init__(self, code: str, message: Message) -> None:
        super().__init__(message)
        self.code = code


class NotFoundError(CodedError):
    """Raised when an object does not exist, or the account may not know that it does."""


class ConflictError(CodedError):
    """Raised when something was changed meanwhile, is in use, or exists already."""


class RefusedError(CodedError):
    """Raised when a request is not allowed, not possible or not well formed."""


def _rebuild_error(
    kind: type[SurveyError], args: tuple[Any, ...], state: dict[str, Any]
) -> SurveyError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


def catalog_file(domain: str, language: str) -> Path:
    """Return the path of the compiled catalog of texts of a package (`domain`) in a language."""
    return _CATALOGS / language / "LC_MESSAGES" / f"{domain}.mo"


Translator = Callable[..., str]


@lru_cache(maxsize=8)
def translator(language: str) -> Translator:
    """Return the function `t(msgid_or_message, **params) -> str` of a language (or the default)."""
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
