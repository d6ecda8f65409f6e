"""Totals by trader or brand of a list of single complaints, counted while the list is in memory.

Only totals that reach the threshold leave this module. Sole traders are people: they are told by
a mark in the file, by words such as self-employed, by a name that is a person's, and by the forms
of names that only they may have; none of them is ever in a total with a name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from survey.collection.importing.rejections import ImportNotPossibleError
from survey.collection.importing.usual_heads import guess_columns, read_usual_heads
from survey.counts.trader_gate import NamedTotal, protect_totals
from survey.frame.written_places import import_words
from survey.locale import Message, msg
from survey.tabular.text_table import CodedColumn, TextTable
from survey.tabular.written_dates import fold
from survey.waves.personal_data import find_pii

MAX_NAME_CHARS = 100
_SOLE = "sole"
_ENDING_BRACKETS = re.compile(r"\([^()]*\)$")
_HAN = re.compile(r"[\u4e00-\u9fff]{2,4}")
_HAN_WITH_DOT = re.compile(r"[\u4e00-\u9fff]+(?:[\u00b7\u2022\u30fb][\u4e00-\u9fff]+)+")
"""Name of a person as several peoples of China write it."""


class NamesOf(StrEnum):
    """What the names of a list are: of traders or of brands."""

    TRADER = "trader"
    BRAND = "brand"


NAMES_OF: Mapping[NamesOf, Message] = {
    NamesOf.TRADER: msg("by trader"),
    NamesOf.BRAND: msg("by brand"),
}


@dataclass(frozen=True)
class TraderQuestion:
    """By which names a list of single complaints is to be counted, and the threshold."""

    names_of: NamesOf
    least: int


@dataclass(frozen=True)
class TraderTotals:
    """Totals by name of a calendar year that reach the threshold, beside the whole file's."""

    names_of: NamesOf
    year: int
    cases: int
    settled: int | None
    totals: tuple[NamedTotal, ...]


def find_trader_columns(heads: Sequence[str], names_of: NamesOf) -> dict[str, str]:
    """Return role -> head of the columns with names and with the mark of sole traders.

    Raises:
        ImportNotPossibleError: no column has the names that are asked for.
    """
    roles: dict[str, tuple[str, ...]] = dict.fromkeys((*NamesOf, _SOLE), ())
    columns = guess_columns(heads, read_usual_heads("traders", roles))
    if names_of not in columns:
        raise ImportNotPossibleError(
            msg("The file has no column that is known for names {by}.", by=NAMES_OF[names_of])
        )
    return columns


def count_traders(
    asked: TraderQuestion,
    columns: Mapping[str, CodedColumn],
    table: TextTable,
    periods: Sequence[str],
) -> TraderTotals:
    """Count the accepted complaints of a list by name; only totals that can be kept are returned.

    Args:
        columns: Role -> column of the file, as `find_trader_columns` found them.
        table: The same rows in the columns of the delivery, without problems.
        periods: Months of the list.

    Raises:
        ImportNotPossibleError: the list does not hold the twelve months of one year.
    """
    year = periods[0][:4]
    if [*periods] != [f"{year}-{month:02}" for month in range(1, 13)]:
        raise ImportNotPossibleError(
            msg("Totals by name are made of a list with all twelve months of one calendar year.")
        )
    accepted, solved = _find_counted(table, "accepted"), _find_counted(table, "solved")
    assert accepted is not None
    names = columns[asked.names_of]
    keys = [fold(text).replace(" ", "") for text in names.values]
    place = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    group = np.array([place[key] for key in keys], np.intp)[names.codes]
    is_named = accepted & ~_find_sole(asked.names_of, columns, group)
    cases = np.bincount(group[is_named], minlength=len(place))
    settled = None if solved is None else np.bincount(group[is_named & solved])
    wanted = {keys[at]: at for at in _by_rows(names)}  # of several spellings the usual one
    totals = [
        NamedTotal(
            names.values[wanted[key]],
            int(cases[at]),
            None if settled is None else int(settled[at]) if at < len(settled) else 0,
        )
        for key, at in place.items()
        if cases[at] >= asked.least and _may_be_kept(names.values[wanted[key]])
    ]
    whole = int(accepted.sum()), None if solved is None else int((accepted & solved).sum())
    kept = protect_totals(totals, *whole, asked.least)
    return TraderTotals(asked.names_of, int(year), *whole, tuple(kept))


def _find_counted(table: TextTable, measure: str) -> NDArray[np.bool_] | None:
    if measure not in table.header:
        return None
    texts = table.texts(table.header.index(measure))
    return texts.where(text == "1" for text in texts.values)


def _by_rows(names: CodedColumn) -> Sequence[int]:
    """Return the positions of distinct texts, the most frequent last."""
    counts = np.bincount(names.codes, minlength=len(names.values))
    return sorted(range(len(names.values)), key=lambda at: (counts[at], names.values[at]))


def _find_sole(
    names_of: NamesOf, columns: Mapping[str, CodedColumn], group: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Return a mask of the rows whose complaint is never counted by a name.

    A trader whose mark is not the same everywhere is a sole trader in all its rows.
    """
    traders, marks = columns.get(NamesOf.TRADER), columns.get(_SOLE)
    is_sole = np.zeros(len(group), bool)
    is_company = np.zeros(len(group), bool)
    if marks is not None:
        is_sole = marks.where(map(_marks_sole, marks.values))
        is_company = marks.where(map(_marks_company, marks.values)) & ~is_sole
    if traders is not None:
        is_sole |= traders.where(_is_sole_name(text) for text in traders.values)
        is_sole |= ~is_company & traders.where(_may_be_sole(text) for text in traders.values)
    if names_of is NamesOf.TRADER:
        return np.isin(group, np.unique(group[is_sole]))
    brands = columns[NamesOf.BRAND]
    return is_sole | brands.where(_is_sole_name(text) for text in brands.values)


def _marks_sole(text: str) -> bool:
    return bool(text) and (_is_sole_name(text) or fold(text) in import_words()["sole_yes"])


def _marks_company(text: str) -> bool:
    return any(word in fold(text) for word in import_words()["company_mark"])


def _is_sole_name(text: str) -> bool:
    """Return whether a name says itself that it is a person's; nothing is no name."""
    plain, words = fold(text), import_words()
    return (
        not plain or any(word in plain for word in words["sole"]) or plain.endswith(words["person"])
    )


def _may_be_sole(text: str) -> bool:
    """Return whether a name is a person's, or has a form that companies need not have."""
    plain, words = _ENDING_BRACKETS.sub("", fold(text).replace(" ", "")), import_words()
    if any(word in plain for word in words["company"]):
        return False
    return _is_person(plain) or plain.endswith(words["sole_ending"])


def _is_person(plain: str) -> bool:
    if _HAN_WITH_DOT.fullmatch(plain):
        return True
    return _HAN.fullmatch(plain) is not None and any(
        len(plain) - len(surname) in {1, 2} for surname in _surnames() if plain.startswith(surname)
    )


@lru_cache(maxsize=1)
def _surnames() -> tuple[str, ...]:
    return import_words()["surname"]


def _may_be_kept(name: str) -> bool:
    return len(name) <= MAX_NAME_CHARS and name.isprintable() and not find_pii(name).matches
