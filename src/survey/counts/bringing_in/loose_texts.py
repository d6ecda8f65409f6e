"""Texts as people write them, made into the texts that the check of counts accepts.

Every function returns None for a text that it does not understand; the check then names it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping

from survey.counts.count_declaration import CountKind
from survey.counts.count_kinds import PERIOD, WEEK, parse_week
from survey.frame.code_lists import CodeListName, CodeLists, econsumer_categories
from survey.frame.written_places import import_words, parse_place
from survey.tabular.written_dates import fold, parse_date

_WEEK = re.compile(r"(\d{4})\s*\u5e74\s*\u7b2c?\s*(\d{1,2})\s*\u5468")
MONTH_ALONE = re.compile(r"(\d{1,2})\s*\u6708(?:\u4efd)?")
"""A month without its year, as the head of a column has it."""
_IGNORED = re.compile(r"[\s\u3001,;/()\u2014\u2013-]+")
_MAX_AGE = 131
_ENDINGS = ("\u7c7b", "\u670d\u52a1")
"""Class, service: what names of classes end in and lists leave out."""


def parse_month(text: str) -> str | None:
    """Return a month such as `2025-04`; a day only if it is the first, as Excel makes months."""
    found = parse_date(text)
    return f"{found[0]:04}-{found[1]:02}" if found and found[2] in {None, 1} else None


def parse_month_of_day(text: str) -> str | None:
    """Return the month of a day or of a month."""
    found = parse_date(text)
    return f"{found[0]:04}-{found[1]:02}" if found else None


def parse_day(text: str) -> str | None:
    """Return a day such as `2025-04-30`."""
    found = parse_date(text)
    return f"{found[0]:04}-{found[1]:02}-{found[2]:02}" if found and found[2] else None


def parse_week_or_day(text: str) -> str | None:
    """Return the week (`2025W05`) of a day, or of a week as people write it."""
    return parse_week(parse_day(text) or _WEEK.sub(r"\1W\2", fold(text)))


def fold_name(text: str) -> str:
    """Return the name of a code without what people write differently: marks, blanks, ending."""
    plain = _IGNORED.sub("", fold(text))
    for ending in _ENDINGS:
        plain = plain.removesuffix(ending) or plain
    return plain


def code_parser(
    kind: CountKind, key: str, lists: CodeLists, version: str
) -> Callable[[str], str | None]:
    """Return the function from a text to what the check accepts in a column of codes."""
    listed = lists.codes_of(kind.codes[key], version)
    codes: defaultdict[str, set[str]] = defaultdict(set)
    for each in listed:
        for name in (each.code, each.name_zh, each.name_en):
            codes[fold_name(name)].add(each.code)
    found = {name: codes_of.pop() for name, codes_of in codes.items() if len(codes_of) == 1}
    own = {each.code for each in listed}
    for foreign in econsumer_categories().get(kind.codes[key], ()):
        for name in (foreign.category_zh, foreign.category_en):
            if foreign.code in own:
                found.setdefault(fold_name(name), foreign.code)
    if kind.total_names:
        found |= {fold_name(word): kind.total_names[0] for word in import_words()["total"]}
    if kind.codes[key] is not CodeListName.AGE_GROUP:
        return lambda text: found.get(fold_name(text))
    ages = {range(*_bounds_of_age(each.code)): each.code for each in listed if "_" in each.code}
    return lambda text: found.get(fold_name(text)) or _find_age(text, ages)


def _bounds_of_age(code: str) -> tuple[int, int]:
    """Return the first age of a group and the first above it (`under_18`, `18_29`, `60_plus`)."""
    first, _, last = code.partition("_")
    if not first.isdigit():
        return (0, int(last)) if last.isdigit() else (0, 0)
    return int(first), int(last) + 1 if last.isdigit() else _MAX_AGE


def _find_age(text: str, ages: Mapping[range, str]) -> str | None:
    """Return the group of an age in years such as `67`, or `67` followed by the word for years."""
    years = fold(text).removesuffix("\u5c81")
    if not (years.isascii() and years.isdigit()):
        return None
    return next((code for group, code in ages.items() if int(years) in group), None)


def key_parsers(
    kind: CountKind, lists: CodeLists, version: str, *, of_cases: bool = False
) -> Mapping[str, Callable[[str], str | None]]:
    """Return, for each key column, the function from a text to what the check accepts.

    Args:
        of_cases: Whether a day stands for its month.
    """
    parse_period = parse_month_of_day if of_cases else parse_month
    parse_when = {WEEK: parse_week_or_day, PERIOD: parse_period}.get(kind.when, parse_day)
    parsers: dict[str, Callable[[str], str | None]] = {kind.when: parse_when, "area": parse_place}
    for key, each in kind.keys.items():
        if isinstance(each, CodeListName):
            parsers[key] = code_parser(kind, key, lists, version)
        elif key not in parsers:
            total = {fold_name(word) for word in import_words()["total"]}
            parsers[key] = lambda text, total=total: "" if fold_name(text) in total else text  # type: ignore[misc]
    return parsers
