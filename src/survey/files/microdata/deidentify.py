"""De-identification of the weighted interviews of a wave.

Left out: ids, links, surveyors, devices, open text, numbers that were typed in (a year of birth,
an age in years) and the hour. Kept: the answers that were chosen or rated, weights and design.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.estimate.arrays import ratio, weighted_count
from survey.estimate.design import encode
from survey.files.microdata.headline_deviation import draw_order, pair_rows
from survey.files.microdata.release_classes import merge_classes
from survey.files.microdata.released_rows import MIN_CLASS_SIZE, RowCounts
from survey.questionnaire.expressions.parser import parse, parse_choice_filter
from survey.questionnaire.expressions.syntax import ExpressionError, references
from survey.questionnaire.model import Instrument, Item
from survey.questionnaire.question_types import type_of
from survey.questionnaire.question_types.question_type import NOT_ASKED
from survey.results.analysis import STRATUM, WEIGHT
from survey.results.domains import GROUP_VARIABLES
from survey.store.china_time import CHINA

KEY = (STRATUM, "age_band", "gender")
"""City with urban or rural sampling point, age band, gender: what a neighbour knows."""
DESIGN_COLUMNS = ("row", "city_code", "stratum", "psu", "weight", "day")
"""First columns of every file; the rows are sorted by the first."""
_RETAINED_COLUMNS = ("mode", "language")
_ASKED_AS = {"age_band": "age"}
"""Columns of the analysis frame -> the item they are made of."""
_NOISE = 1e-9
"""Relative; a weight that moves less was only rounded."""

Pseudonym = Callable[[str, str], str]
"""Kind and true name -> the name in this file."""


@dataclass(frozen=True)
class AskedColumns:
    """Names of columns that some interviewees were asked, and of those that some were not."""

    asked: frozenset[str]
    not_asked: frozenset[str]

    @classmethod
    def of(cls, people: pd.DataFrame) -> "AskedColumns":
        """Return which columns of `people` at least one was asked, and which one was not."""
        reached = {str(name): _was_asked(people[name]) for name in people.columns}
        return cls(
            frozenset(name for name, rows in reached.items() if rows.any()),
            frozenset(name for name, rows in reached.items() if not rows.all()),
        )

    @classmethod
    def join(cls, parts: Iterable["AskedColumns"]) -> "AskedColumns":
        """Return the union of columns asked, and that of columns not asked, over all parts."""
        every = list(parts)
        return cls(
            frozenset().union(*(part.asked for part in every)),
            frozenset().union(*(part.not_asked for part in every)),
        )

    @property
    def selective_columns(self) -> frozenset[str]:
        """Columns that only some people were asked, which reveals something about them."""
        return self.asked & self.not_asked


def _was_asked(answers: pd.Series) -> NDArray[np.bool_]:
    was_asked = answers.notna().to_numpy()
    if pd.api.types.is_numeric_dtype(answers):
        was_asked = was_asked & (answers.fillna(NOT_ASKED).to_numpy() != NOT_ASKED)
    return np.asarray(was_asked, dtype=bool)


@dataclass(frozen=True, eq=False)
class RowSample:
    """Origin of a file's sample: all interviews, seeds by city, weighting function."""

    everyone: pd.DataFrame
    """All interviews of these cities, whose weights the rows of the sample add up to."""
    seed: pd.Series
    """What the draw began with, by city code."""
    weigh: Callable[[pd.DataFrame], pd.Series] | None
    """Weights of rows by what is left of their labels; None where interviews came with weights."""


@dataclass(frozen=True, eq=False)
class DeidentifiedRows(RowCounts):
    """De-identified rows with counts of what was blanked, dropped, merged and exchanged."""

    table: pd.DataFrame
    kept: pd.DataFrame
    """The same interviews as columns of the analysis frame; never handed over."""
    circles: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """By row of `kept`: rows that exchanged answers share a number; -1 for the others."""
    blanks: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    """By question about the person: the rows of `kept` in which its answer was blanked."""
    true_labels: Mapping[str, pd.Series] = field(default_factory=dict)
    """Their true answers; never handed over."""


def deidentify(
    people: pd.DataFrame,
    instrument: Instrument,
    pseudonym: Pseudonym,
    *,
    margins: Sequence[str] = (),
    asked: AskedColumns | None = None,
    sample: RowSample | None = None,
) -> DeidentifiedRows:
    """Return interviews with pseudonyms, rare answers blanked, small classes merged, reweighted.

    That order tells nothing about the order of the interviews.

    Columns: row, city_code, stratum, psu, weight, day, mode, language, age_band, answers.
    `MIN_CLASS_SIZE` interviews share city, stratum, weight and everything in `KEY` and `margins`
    (`merge_classes`); of every other background question a value is blanked where fewer in the
    city gave the same answer, and the next rarest where elimination would tell it (`_find_rare`).
    With a value goes what was asked because of it. The weights of every city add up to what they
    did.

    Args:
        margins: the columns that the weights were raked to; a weight tells their values.
        asked: where `people` are whole cities of a wave, what was asked in all of it; None: they
            are all.
        sample: the sample of a wave that `people` are; None: they are everybody, and keep their
            answers where something is blanked.
    """
    labels = [name for name in dict.fromkeys((*KEY[1:], *margins)) if name in people]
    # A stratum that has fewer in all is left out.
    size = people.groupby(STRATUM)[STRATUM].transform("size")
    kept = people[size >= MIN_CLASS_SIZE].reset_index(drop=True)
    selective_columns = (asked or AskedColumns.of(people)).selective_columns
    safe = _without_rare(kept, instrument, labels, selective_columns)
    change = safe[WEIGHT].to_numpy() / kept[WEIGHT].to_numpy(dtype=float) - 1
    circles, blanks = np.full(len(safe), -1), {}
    if sample is None:
        safe = _to_city_totals(safe, people)
    else:
        about = dict.fromkeys((*labels, *_background(safe, instrument)))
        blanks = {name: (kept[name].notna() & safe[name].isna()).to_numpy() for name in about}
        circles = _exchange_answers(safe, instrument, selective_columns, blanks, sample)
        safe = _weigh_again(safe, labels, sample)
    return DeidentifiedRows(
        _build_table(safe, instrument, pseudonym),
        safe,
        circles,
        blanks,
        {name: kept[name] for name in blanks},
        blanked=_count_missing(safe) - _count_missing(kept),
        dropped=len(people) - len(kept),
        merged=int((np.abs(change) > _NOISE).sum()),
        exchanged=int((circles >= 0).sum()),
    )


def name_exact_rows(
    people: pd.DataFrame, instrument: Instrument, pseudonym: Pseudonym
) -> DeidentifiedRows:
    """Return every interview unchanged but for pseudonyms, for an approved request."""
    return DeidentifiedRows(_build_table(people, instrument, pseudonym), people)


def _build_table(safe: pd.DataFrame, instrument: Instrument, pseudonym: Pseudonym) -> pd.DataFrame:
    """Return the file's columns with pseudonyms of rows and points, sorted by column `row`."""
    points = {point: pseudonym("psu", str(point)) for point in safe["psu"].dropna().unique()}
    # A day is written once, not for each of its interviews.
    days = safe["submitted_at"].dt.tz_convert(CHINA).dt.normalize()
    codes, distinct = pd.factorize(days, use_na_sentinel=False)
    dates = distinct.strftime("%Y-%m-%d").to_numpy()
    settings = {name: str(name).partition(":")[2] for name in safe[STRATUM].unique()}
    table = pd.DataFrame(
        {
            "row": [
                pseudonym("row", str(response_id)) for response_id in _values(safe["response_id"])
            ],
            "city_code": safe["city_code"].astype(str),
            "stratum": [settings[stratum] for stratum in _values(safe[STRATUM])],
            "psu": [points.get(point) for point in _values(safe["psu"])],
            "weight": safe[WEIGHT].astype(float),
            "day": pd.Series(dates[codes], index=safe.index, dtype=str),
        },
        index=safe.index,
    )
    names = [name for name in answer_columns(instrument) if name in safe]
    return table.join(safe[names]).sort_values("row", ignore_index=True)


def _exchange_answers(
    safe: pd.DataFrame,
    instrument: Instrument,
    selective_columns: Collection[str],
    blanks: Mapping[str, NDArray[np.bool_]],
    sample: RowSample,
) -> NDArray[np.int64]:
    """Exchange answers, in place, within a city's rows with `blanks`; return circle by row or -1.

    Answers to what was asked because of something about the person fit no other person, and tables
    count them by what is blanked: they are left out of these rows.
    """
    city = encode(safe["city_code"])[0].astype(np.int64)
    seed = safe["city_code"].astype(str).map(sample.seed)
    is_blanked = np.any(list(blanks.values()), axis=0)
    source = pair_rows(city, is_blanked, draw_order(safe["response_id"], seed))
    moved = source != np.arange(len(source))
    personal = {column for name in blanks for column in questions_filtered_by(instrument, name)}
    about = {*blanks, *_RETAINED_COLUMNS, "age_band"}
    for name in answer_columns(instrument):
        item = name.partition("/")[0]
        if name not in safe or item in about:
            continue
        if name in selective_columns and item in personal:
            _blank_column(safe, name, moved)
            continue
        values = safe[name].array.copy()
        values[moved] = safe[name].array[source[moved]]
        safe[name] = values
    return np.where(moved, city, -1)


def _weigh_again(safe: pd.DataFrame, labels: Sequence[str], sample: RowSample) -> pd.DataFrame:
    """Return rows with weights computed anew from labels not blanked; given weights are scaled.

    The mean weight of a merge would tell how many of each label are behind it.
    """
    if sample.weigh is None or not len(safe):
        return _to_city_totals(safe, sample.everyone)
    seen = safe
    if "age_band" in labels and "age" in safe:
        age = safe["age"].astype("Float64").mask(safe["age_band"].isna())
        seen = safe.assign(age=age)
    return safe.assign(**{WEIGHT: sample.weigh(seen)})


def _values(column: pd.Series) -> list[object]:
    """Return a column's values as a list of Python objects, faster than asking Arrow for each."""
    return column.to_numpy(dtype=object).tolist()


def answer_columns(instrument: Instrument) -> tuple[str, ...]:
    """Return names of the columns after those of the design: mode, language, age band, answers."""
    coded = (name for item in instrument.items() for name in type_of(item).coded_columns(item))
    return (*_RETAINED_COLUMNS, "age_band", *coded)


def _background(people: pd.DataFrame, instrument: Instrument) -> list[str]:
    """Return the names of one-choice questions on a person's background, except those in `KEY`."""
    about = [
        section
        for section in instrument.sections
        if any(item.name in GROUP_VARIABLES for item in section.items)
    ]
    names = [
        item.name for section in about for item in section.items if type_of(item).takes_one_choice
    ]
    return [name for name in names if name in people.columns and name not in KEY]


def _without_rare(
    people: pd.DataFrame,
    instrument: Instrument,
    labels: Sequence[str],
    selective_columns: Collection[str],
) -> pd.DataFrame:
    safe = people.copy()
    coarse = merge_classes(
        people,
        city="city_code",
        stratum=STRATUM,
        weight=WEIGHT,
        labels=labels,
        minimum=MIN_CLASS_SIZE,
    )
    safe[WEIGHT] = coarse[WEIGHT]
    for name in labels:
        merged_away = people[name].notna() & coarse[name].isna()
        _blank_values(safe, name, merged_away, instrument, selective_columns)
    for name in _background(people, instrument):
        choices = [choice.name for choice in instrument.by_name[name].choices]
        _blank_values(safe, name, _find_rare(safe, name, choices), instrument, selective_columns)
    return safe


def _find_rare(table: pd.DataFrame, name: str, choices: Sequence[str]) -> pd.Series:
    """Return a mask of rows to blank in `name`: answers rare in a city, next rarest if needed.

    A choice is blanked as a whole, so blanks are of the choices that a city lacks. Where the rare
    ones are a single choice, or fewer than `MIN_CLASS_SIZE` rows, the next rarest of the city is
    blanked as well (secondary suppression); with its rows, which are enough, both hold. Rows
    without an answer count for nothing: somebody may know who answered.

    Args:
        choices: names in the order of the questionnaire; of equal counts the first is blanked.
    """
    city, cities = encode(table["city_code"])
    codes, distinct = encode(table[name])
    # The order of the categories differs between parts of a wave, and so must not decide.
    rank = {choice: place for place, choice in enumerate(choices)}
    order = sorted(
        range(len(distinct)),
        key=lambda code: (rank.get(str(distinct[code]), len(rank)), str(distinct[code])),
    )
    answers = len(order)
    place_of = np.full(answers + 1, answers)
    place_of[order] = np.arange(answers)
    place = place_of[codes]  # the last place is that of the code -1
    shape = (len(cities), answers + 1)
    cell = city.astype(np.int64) * shape[1] + place
    size = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    rare = (size > 0) & (size < MIN_CLASS_SIZE)
    if answers:
        given, known_rare = size[:, :-1], rare[:, :-1]
        blanked, hidden = known_rare.sum(axis=1), (given * known_rare).sum(axis=1)
        too_few = (hidden > 0) & ((hidden < MIN_CLASS_SIZE) | (blanked < 2))
        left = np.where(given >= MIN_CLASS_SIZE, given, len(table) + 1)
        next_rarest = left.argmin(axis=1)
        extra = np.flatnonzero(too_few & (left.min(axis=1) <= len(table)))
        rare[extra, next_rarest[extra]] = True
    return pd.Series(rare[city, place], index=table.index)


def _blank_values(
    table: pd.DataFrame,
    name: str,
    where: pd.Series,
    instrument: Instrument,
    selective_columns: Collection[str],
) -> None:
    """Blank, in place, `name` in the rows `where`, and answers asked only because of its value."""
    if not where.any():
        return
    table.loc[where, name] = None
    filtered = questions_filtered_by(instrument, name)
    for column in [str(column) for column in table.columns]:
        if column.partition("/")[0] in filtered and column in selective_columns:
            _blank_column(table, column, where)


def _blank_column(table: pd.DataFrame, column: str, where: pd.Series | NDArray[np.bool_]) -> None:
    if pd.api.types.is_integer_dtype(table[column]):
        table[column] = table[column].astype("Int16")
    table.loc[where, column] = None


def _count_missing(table: pd.DataFrame) -> int:
    may_lack = table.dtypes.map(
        lambda kind: not isinstance(kind, np.dtype) or kind.kind not in "iub"
    )
    return sum(int(table[name].isna().sum()) for name in table.columns[may_lack])


def _to_city_totals(kept: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Return rows `kept` with weights scaled so that each city's sum is that of `people`."""
    if len(kept) == len(people):
        return kept
    # Sums by city in the order of its rows, so that no other city changes their last digit.
    cities = pd.Index(people["city_code"].astype(str).unique())
    of_people, of_kept = (
        cities.get_indexer(table["city_code"].astype(str)) for table in (people, kept)
    )
    before, after = (
        weighted_count(place, table[WEIGHT].to_numpy(dtype=float), len(cities))
        for place, table in ((of_people, people), (of_kept, kept))
    )
    count = len(cities)
    lost = np.bincount(of_people, minlength=count) != np.bincount(of_kept, minlength=count)
    factor = np.where(lost, ratio(before, after, 1.0), 1.0)
    scaled = kept[WEIGHT].to_numpy(dtype=float) * factor[of_kept]
    return kept.assign(**{WEIGHT: scaled})


def questions_filtered_by(instrument: Instrument, column: str) -> frozenset[str]:
    """Return the items whose being asked depends, also indirectly, on the answer in `column`.

    What `column` is calculated from, and what is calculated from it, count as well; so do
    questions that depend on a question found so.
    """
    sources = _sources(instrument, _ASKED_AS.get(column, column))
    filtered: set[str] = set()
    while True:
        asked = {
            item.name
            for item, names in _dependencies(instrument)
            if names & sources and item.name not in filtered
        }
        if not asked:
            return frozenset(filtered)
        filtered |= asked
        sources |= asked


def _sources(instrument: Instrument, name: str) -> set[str]:
    """Return the item, all items that it is calculated from, and all calculated from these."""
    sources = {name}
    while True:
        more: set[str] = set()
        for item in instrument.items():
            inputs = _referenced_names(item.calculation)
            if item.name in sources:
                more |= inputs
            if inputs & sources:
                more.add(item.name)
        if more <= sources:
            return sources
        sources |= more


def _dependencies(instrument: Instrument) -> Iterator[tuple[Item, frozenset[str]]]:
    """Yield every item with the names of the items whose answers decide whether it is asked."""
    for section in instrument.sections:
        around = _referenced_names(section.relevant)
        for item in section.items:
            offered = item.choice_filter and references(parse_choice_filter(item.choice_filter))
            yield item, around | _referenced_names(item.relevant) | (offered or frozenset())


def _referenced_names(expression: str | None) -> frozenset[str]:
    if not expression:
        return frozenset()
    try:
        return references(parse(expression))
    except ExpressionError:
        return frozenset()
