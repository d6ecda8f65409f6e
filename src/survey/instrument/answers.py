"""Accepted answers, and the reasons why an answer is refused."""

from dataclasses import dataclass

from survey.instrument.model import Labels
from survey.locale import Message, msg

Answer = str | int | float | bool | list[str]


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """Item, code and message of an answer that was not accepted.

    The message is the instrument's own text, or one of the platform to be translated.
    """

    item: str
    code: str
    message: Labels | Message


@dataclass(frozen=True, slots=True)
class AnswerRefusal:
    """Stable code and message of an answer that is not of its item's kind."""

    code: str
    message: Message


def is_blank(raw: object) -> bool:
    """Return whether a form sends this for a question without an answer."""
    if isinstance(raw, str):
        return not raw or raw.isspace()
    return raw is None or raw == [] or raw == ()


def refuse_any(_item: object, _raw: object) -> AnswerRefusal:
    """Refuse an answer to something that is not asked."""
    return AnswerRefusal("type", msg("This is not a question."))
