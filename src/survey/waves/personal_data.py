"""Personal data in open text, and the codes by which respondents withdraw.

Open text stays in the store and enters no snapshot; whoever is shown it anyway (a reviewer, a
supervisor) gets it through here. Digits are found in any script that people type them in: full
width, Chinese numerals read one by one, with blanks, dots or dashes between them, or signs that
nobody sees. Numbers with a
check digit are taken only when it agrees, so that a price or an order number is left alone.
"""

import csv
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from survey.access.secret_hashes import digest
from survey.settings import PROJECT_ROOT

RANDOM_DIGITS = 19
LENGTH = RANDOM_DIGITS + 1
DISPLAY_GROUP_SIZE = 4
_BETWEEN_GROUPS = frozenset(" -\u2010\u2011\u2012\u2013\u2014\u00a0\u3000.,\u3001\u00b7")
"""What people write between groups of digits."""
_MAX_ENTERED_CHARS = 80
_PURPOSE = "withdraw:"


def generate_code() -> str:
    """Generate a withdrawal code; the form in the browser makes its own in the same way."""
    drawn = "".join(secrets.choice("0123456789") for _ in range(RANDOM_DIGITS))
    return drawn + check_digit(drawn)


def check_digit(digits: str) -> str:
    """Return the digit that completes `digits` by Luhn's rule (ISO/IEC 7812-1, annex B)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def is_complete(digits: str) -> bool:
    """Return whether the last digit is the check digit of those before it, by Luhn's rule."""
    return len(digits) > 1 and check_digit(digits[:-1]) == digits[-1]


def read_code(typed: str) -> str | None:
    """Return the 20 digits of a typed withdrawal code without separators; None if it is none."""
    plain = unicodedata.normalize("NFKC", typed[:_MAX_ENTERED_CHARS])
    digits = "".join(sign for sign in plain if sign not in _BETWEEN_GROUPS and not sign.isspace())
    ours = len(digits) == LENGTH and digits.isascii() and digits.isdigit()
    return digits if ours and is_complete(digits) else None


def format_code(code: str) -> str:
    """Return a withdrawal code in groups of four digits, with blanks between them."""
    return " ".join(
        code[index : index + DISPLAY_GROUP_SIZE]
        for index in range(0, len(code), DISPLAY_GROUP_SIZE)
    )


def hash_code(code: str) -> str:
    """Return the hash of a withdrawal code, as the store keeps it."""
    return digest(_PURPOSE + code)


MASK = "*"
NAME_WORDS_CSV = PROJECT_ROOT / "seed" / "privacy" / "name_words.csv"
"""Surnames, and the words beside which one is a name: data, because they are Chinese."""
MAX_SCANNED_CHARS = 10_000
"""Characters that are looked at; no text of ours is longer."""


class PiiKind(StrEnum):
    """Kind of personal data searched for in open text: telephone, ID, e-mail and so on."""

    PHONE = "phone"
    ID_NUMBER = "id_number"
    BANK_CARD = "bank_card"
    EMAIL = "email"
    WECHAT = "wechat"
    PLATE = "plate"


@dataclass(frozen=True)
class PiiMatch:
    """Personal data at characters `first` to `last` of a text; `last` is not included."""

    first: int
    last: int
    kind: PiiKind


@dataclass(frozen=True)
class ScannedText:
    """A text, and where personal data was found in it, in order and without overlap."""

    text: str
    matches: tuple[PiiMatch, ...]

    @property
    def masked(self) -> str:
        """The text with `***` in place of each piece of personal data."""
        return "".join(MASK * 3 if kind else part for part, kind in self.parts())

    def parts(self) -> Iterator[tuple[str, PiiKind | None]]:
        """Yield the text in pieces, each with its kind of personal data; None for other text."""
        end = 0
        for each in self.matches:
            if each.first > end:
                yield self.text[end : each.first], None
            yield self.text[each.first : each.last], each.kind
            end = each.last
        if end < len(self.text):
            yield self.text[end:], None


_NUMERALS = dict(
    zip(
        "\u96f6\u3007\u25cb\u4e00\u58f9\u5e7a\u4e8c\u8d30\u4e24\u4e09\u53c1\u56db\u8086\u4e94\u4f0d"
        "\u516d\u9646\u4e03\u67d2\u62d0\u516b\u634c\u4e5d\u7396\u52fe",
        "0001112223344556677788999",
        strict=True,
    )
)
"""Chinese numerals, their bank forms and the words of radio operators, as digits."""
_BETWEEN = r"[\s\-.\u00b7\u2010-\u2015\u3001\u3002,_()]{0,2}"
"""What may stand between two digits of one number."""


def _allow_separators(pattern: str) -> str:
    """Return `pattern` with blanks and dashes allowed between any two of its digits."""
    return _BETWEEN.join(re.findall(r"\[[^\]]+\]|\\d|.", pattern))


_MOBILE = r"(?:\+?86" + _BETWEEN + r")?" + _allow_separators("1[3-9]" + r"\d" * 9)
_AREA = r"0(?:10|2[0-57-9]|[3-9]\d{2})"
_LANDLINE = rf"{_AREA}[\s\-()]{{0,2}}\d{{3,4}}[\s\-]?\d{{4}}"
_HOTLINE = r"[48]00[\s\-]?\d{3}[\s\-]?\d{4}"
_ID = _allow_separators(r"[1-8]" + r"\d" * 16 + "[0-9Xx]")
_CARD = r"\d(?:" + _BETWEEN + r"\d){12,18}"
_EMAIL = r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63})+"
_WECHAT = (
    r"(?:\u5fae\u4fe1|\u8587\u4fe1|[Ww]e[Cc]hat|\b[Vv][Xx]|\b[Ww][Xx]|\u52a0[Vv])"
    r"(?:\u53f7|\u53f7\u7801|[Ii][Dd]|\u662f|\u4e3a|[\s:;=])*"
    r"([A-Za-z][A-Za-z0-9_\-]{5,19}|\d{5,19})"
)


_PLATE = (
    "[\u4eac\u6d25\u6caa\u6e1d\u5180\u8c6b\u4e91\u8fbd\u9ed1\u6e58\u7696\u9c81\u65b0\u82cf"
    "\u6d59\u8d63\u9102\u6842\u7518\u664b\u8499\u9655\u5409\u95fd\u8d35\u7ca4\u9752\u85cf"
    "\u5ddd\u5b81\u743c][A-HJ-NP-Za-hj-np-z][\\s\\-.\u00b7\u2022]{0,2}"
    "(?:[A-HJ-NP-Za-hj-np-z0-9]{5,6}|[A-HJ-NP-Za-hj-np-z0-9]{4}[\u6302\u5b66\u8b66\u6e2f\u6fb3])"
    "(?![A-Za-z0-9])"
)
"""Plate of a car: province, letter, five signs, six where it runs on new energy (GA 36-2018)."""
_BIRTHDAY = re.compile(r"\d{6}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", re.ASCII)


def _is_id_number(digits: str) -> bool:
    """Return whether the digits are an ID number by GB 11643-1999.

    The weights are 2^(17-i) mod 11, and remainder 2 is written X. One with a digit mistyped still
    tells birthday and district, so a valid birthday in its position is enough.
    """
    total = sum(int(digit) * pow(2, 17 - index, 11) for index, digit in enumerate(digits[:17]))
    agrees = "10X98765432"[total % 11] == digits[17].upper()
    return agrees or _BIRTHDAY.match(digits) is not None


_Rule = tuple[PiiKind, re.Pattern[str], Callable[[str], bool]]


def _build_rule(
    kind: PiiKind,
    pattern: str,
    agrees: Callable[[str], bool] = lambda _: True,
    *,
    number: bool = True,
) -> _Rule:
    # A number is taken whole or not at all: no digit before it or behind it.
    whole = rf"(?<![0-9]){pattern}(?![0-9])" if number else pattern
    return kind, re.compile(whole, re.ASCII), agrees


_RULES: tuple[_Rule, ...] = (
    _build_rule(PiiKind.EMAIL, _EMAIL, number=False),
    _build_rule(PiiKind.WECHAT, _WECHAT, number=False),
    _build_rule(PiiKind.ID_NUMBER, _ID, _is_id_number),
    _build_rule(PiiKind.PHONE, _MOBILE),
    _build_rule(PiiKind.PHONE, _LANDLINE),
    _build_rule(PiiKind.PHONE, _HOTLINE),
    _build_rule(PiiKind.BANK_CARD, _CARD, is_complete),
    _build_rule(PiiKind.PLATE, _PLATE, number=False),
)
"""In order of trust: what an earlier rule takes, a later one leaves alone."""
_NO_DIGIT = re.compile(r"[^0-9Xx]")
_NO_TEXT = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
"""Signs that no XML may hold, so that a slide or a worksheet with one could not be written."""
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\u3164\ufe00-\ufe0f\ufeff\uffa0\ud800-\udfff"
    "\ufdd0-\ufdef\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
"""Signs that nobody sees: a number that was copied from a page or a telephone may have them."""


def find_pii(text: str) -> ScannedText:
    """Find personal data in `text`; return the text with kind and position of each match."""
    whole = text[:MAX_SCANNED_CHARS]
    shown = _INVISIBLE.sub("", whole)
    kept: list[PiiMatch] = []
    # First without numerals, because "one" right behind a number may begin an ordinary word.
    for numerals in ({}, _NUMERALS):
        # Sign by sign, so that positions stay the same.
        plain = "".join(_convert_sign(sign, numerals) for sign in shown)
        for match in _iter_matches(plain):
            if all(match.last <= each.first or match.first >= each.last for each in kept):
                kept.append(match)
    kept.sort(key=lambda each: each.first)
    if len(shown) < len(whole):
        kept = _place_in_text(kept, whole)
    return ScannedText(text, tuple(kept))


def _place_in_text(found: list[PiiMatch], text: str) -> list[PiiMatch]:
    """Return `found` with positions in `text`, converted from those without invisible signs."""
    positions = [place for place, sign in enumerate(text) if not _INVISIBLE.match(sign)]
    return [
        PiiMatch(positions[each.first], positions[each.last - 1] + 1, each.kind) for each in found
    ]


def _iter_matches(plain: str) -> Iterator[PiiMatch]:
    for kind, pattern, agrees in _RULES:
        for match in pattern.finditer(plain):
            first, last = match.span(1) if match.re.groups else match.span()
            if agrees(_NO_DIGIT.sub("", match[0])):
                yield PiiMatch(first, last, kind)


def mask_text(text: str) -> str:
    """Return the text with personal data masked, for notes and for everybody but reviewers."""
    return find_pii(text).masked


def mask_remark(text: str) -> str:
    """Return a remark of an observer with personal data masked, names as far as they are found.

    A name is found beside a title or what the person does, or where it is said to be one; others
    are not (docs/experience-checks.md states the recall).
    """
    masked = mask_text(text)
    for pattern in _build_name_patterns():
        masked = pattern.sub(lambda match: match[0].replace(match[1], MASK * 3, 1), masked)
    return masked


@lru_cache(maxsize=1)
def _build_name_patterns() -> tuple[re.Pattern[str], ...]:
    words: dict[str, list[str]] = {}
    with NAME_WORDS_CSV.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            words.setdefault(row["kind"], []).append(row["text"])
    plain = "|".join([*words["compound"], *words["surname"]])
    every = f"{plain}|{'|'.join(words['ambiguous'])}"
    sign, titles = "[\u4e00-\u9fff]", "|".join(words["title"])
    stops, no_word = "".join(words["stop"]), rf"(?!{'|'.join(words['ordinary'])})"
    given = rf"(?:{sign}{{1,2}}?(?=[^\u4e00-\u9fff]|$|[{stops}])|{sign}{{2}})"
    before = "|".join([*words["role"], *words["introduction"]])
    return (
        re.compile(rf"({no_word}(?:{every}){sign}{{0,2}}?)(?:{titles})"),
        re.compile(
            rf"(?:{before})[\s:\uff1a\u662f\u4e3a\u53eb\uff08(]{{0,3}}({no_word}(?:{plain}){given})"
        ),
    )


def clean_note(note: str) -> str:
    """Return a note as stored: one line, personal data masked, no signs that XML cannot hold.

    Notes go into the audit trail, where nothing is ever deleted.
    """
    return mask_text(" ".join(_NO_TEXT.sub("", " ".join(note.split())).split()))


def _convert_sign(sign: str, numerals: Mapping[str, str]) -> str:
    """Return a sign's ASCII form, by `numerals` or NFKC, else a blank for blanks or itself."""
    if sign.isascii():
        return sign
    if sign in numerals:
        return numerals[sign]
    normal = unicodedata.normalize("NFKC", sign)
    if len(normal) == 1 and normal.isascii():
        return normal
    return " " if sign.isspace() else sign
