"""Texts of a form as plain text: the form shows what is written, without markup."""

import re

_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_BOLD = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_HEADING = re.compile(r"^#{1,6}[ \t]+", re.MULTILINE)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BLANKS = re.compile(r"[ \t\u00a0]+")
_ENTITIES = {"&nbsp;": " ", "&lt;": "<", "&gt;": ">", "&amp;": "&"}


def strip_markup(text: str) -> str:
    """Return the text without HTML tags, bold and heading marks and control characters."""
    previous = None
    while previous != text:
        previous = text
        text = _without_markup(text)
    return text


def _without_markup(text: str) -> str:
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = re.sub(r"<br\s*/?>", "\n", text, flags=re.IGNORECASE)
    text = _HEADING.sub("", _BOLD.sub(r"\2", _TAG.sub("", text)))
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    lines = (_BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def collapse_whitespace(text: str) -> str:
    return " ".join(text.split())
