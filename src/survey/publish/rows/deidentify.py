"""From the weighted interviews of a wave to rows that tell nobody who answered.

Left out: ids, links, surveyors, devices, open text, numbers that were typed in (a year of birth,
an age in years) and the hour. Kept: the answers that were chosen or rated, weights and design.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from survey.instrument.model import Instrument, Kind
from survey.publish.results.analysis import STRATUM, WEIGHT
from survey.publish.results.domains import GROUP_VARIABLES

FEWEST_ALIKE = 5
"""k: so many interviews share every combination of `KEY` that is left in the file."""
KEY = (STRATUM, "age_band", "gender")
"""City with urban or rural sampling point, age band, gender: what a neighbour knows."""
_CHINA = "Asia/Shanghai"
_KEPT = ("mode", "language")
_CHOSEN = Kind.SELECT_ONE


Pseudonym = Callable[[str, str], str]
"""Kind and true name -> the name in this file."""


@dataclass(frozen=True, eq=False)
class Rows:
    """`blanked` values were taken out and `dropped` rows left out to make nobody stand out."""

    table: pd.DataFrame
    blanked: int
    dropped: int


def deidentified(people: pd.DataFrame, instrument: Instrument, pseudonym: Pseudonym) -> Rows:
    """Rows in the order of their pseudonyms, which tells nothing about that of the interviews.

    Columns: row, city_code, stratum, psu, weight, day, mode, language, age_band, answers.
    A value of `age_band`, then `gender`, is blanked where fewer than `FEWEST_ALIKE` interviews
    share it within `KEY`; of every other background question where fewer in the city gave the same
    answer. Weight, design and scores are never touched, so that figures over everyone in an area
    come out as published.
    """
    kept, dropped = _enough_in_stratum(people)
    background = _background(kept, instrument)
    safe, blanked = _hide_rare(kept, background)
    table = pd.DataFrame(
        {
            "row": [pseudonym("row", str(one)) for one in safe["response_id"]],
            "city_code": safe["city_code"].astype(str),
            "stratum": safe[STRATUM].astype(str).str.partition(":")[2],
            "psu": [
                None if pd.isna(one) else pseudonym("psu", str(one))
                for one in safe["psu"].astype(object)
            ],
            "weight": safe[WEIGHT].astype(float),
            "day": safe["submitted_at"].dt.tz_convert(_CHINA).dt.strftime("%Y-%m-%d"),
        },
        index=safe.index,
    )
    names = [name for name in (*_KEPT, "age_band", *_answers(safe, instrument)) if name in safe]
    whole = table.join(safe[names])
    return Rows(whole.sort_values("row", ignore_index=True), blanked, dropped)


def _answers(people: pd.DataFrame, instrument: Instrument) -> list[str]:
    """Columns of answers that were rated or chosen, in the order of the questionnaire."""
    found: list[str] = []
    for item in instrument.items():
        if item.kind in {Kind.RATING, _CHOSEN}:
            found.append(item.name)
        elif item.kind is Kind.SELECT_MULTIPLE:
            found += [f"{item.name}/{choice.name}" for choice in item.choices]
    return [name for name in found if name in people.columns]


def _background(people: pd.DataFrame, instrument: Instrument) -> list[str]:
    """Chosen answers in the sections about the person, besides those of `KEY`."""
    about = [
        section for section in instrument.sections
        if any(item.name in GROUP_VARIABLES for item in section.items)
    ]  # fmt: skip
    found = [item.name for section in about for item in section.items if item.kind is _CHOSEN]
    return [name for name in found if name in people.columns and name not in KEY]


def _enough_in_stratum(people: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Without the few interviews of a stratum that has fewer than `FEWEST_ALIKE` in all."""
    size = people.groupby(STRATUM)[STRATUM].transform("size")
    kept = people[size >= FEWEST_ALIKE]
    return kept.reset_index(drop=True), len(people) - len(kept)


def _hide_rare(people: pd.DataFrame, background: Sequence[str]) -> tuple[pd.DataFrame, int]:
    safe, blanked = people.copy(), 0
    key = [name for name in KEY if name in safe]
    for name in key[1:]:
        blanked += _blank(safe, name, _alike(safe, key) < FEWEST_ALIKE)
    for lonely in safe.loc[_alike(safe, key) < FEWEST_ALIKE, STRATUM].unique():
        company = _smallest_class(safe, key, str(lonely))
        blanked += sum(_blank(safe, name, company) for name in key[1:])
    for name in background:
        blanked += _blank(safe, name, _alike(safe, ["city_code", name]) < FEWEST_ALIKE)
    return safe, blanked


def _alike(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """How many rows share the values of a row; nothing is a value too."""
    keys = [table[name].astype("string").fillna("").to_numpy() for name in columns]
    return pd.Series(1, index=table.index).groupby(keys).transform("size")


def _smallest_class(table: pd.DataFrame, key: Sequence[str], stratum: str) -> pd.Series:
    """Rows of the smallest class of a stratum that is large enough: company for the blanked."""
    alike = _alike(table, key)
    full = (table[STRATUM] == stratum) & (alike >= FEWEST_ALIKE)
    first = table.loc[full].assign(alike=alike).sort_values(["alike", *key[1:]]).head(1)
    same = full.copy()
    for name in key[1:]:
        mine = table[name].astype("string").fillna("")
        same &= mine == first[name].astype("string").fillna("").iloc[0]
    return same


def _blank(table: pd.DataFrame, name: str, where: pd.Series) -> int:
    gone = where & table[name].notna()
    table.loc[gone, name] = None
    return int(gone.sum())
