"""Screen text: gettext catalogs, one domain a room, Simplified Chinese first.

Source texts (msgids) are English. Code that must stay language-free, such as domain errors,
carries a `Message` and leaves the translation to the edge that knows the reader's language.
"""

import gettext
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

LANGUAGES = ("zh", "en")
DEFAULT_LANGUAGE = "zh"
DOMAINS = (
    "store",
    "instrument",
    "fieldwork",
    "access",
    "snapshot",
    "results",
    "publish",
    "web",
    "ui",
    "cli",
)
_CATALOGS = Path(__file__).parent


@dataclass(frozen=True)
class Message:
    """A text to be translated later: an English msgid with `str.format` parameters."""

    msgid: str
    params: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.msgid.format(**self.params)


def msg(msgid: str, **params: object) -> Message:
    """Mark a text for extraction and keep its parameters apart."""
    return Message(msgid, params)


class SurveyError(Exception):
    """An error a person should read; `message` is translatable, `code` is stable for machines."""

    code = "error"

    def __init__(self, message: Message) -> None:
        super().__init__(str(message))
        self.message = message


def catalog_file(domain: str, language: str) -> Path:
    """Where the compiled catalog of a room is; `make` compiles it."""
    return _CATALOGS / language / "LC_MESSAGES" / f"{domain}.mo"


Translator = Callable[..., str]


@lru_cache(maxsize=8)
def translator(language: str) -> Translator:
    """Return `t(msgid_or_message, **params) -> str` for `language` (unknown: the default)."""
    chosen = language if language in LANGUAGES else DEFAULT_LANGUAGE
    catalogs = gettext.NullTranslations()
    if chosen != "en":
        for domain in DOMAINS:
            catalogs.add_fallback(
                gettext.translation(domain, _CATALOGS, languages=[chosen], fallback=True)
            )

    # A page says some hundreds of texts; each would be asked of every room's catalog in turn.
    look_up = lru_cache(maxsize=4096)(catalogs.gettext)

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
