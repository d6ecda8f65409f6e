"""Interviews of a reader's area or a whole wave, de-identified part by part and joined."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pandas.api.types import union_categoricals
from sqlmodel import Session

from survey.access.principal import AccessDeniedError
from survey.files.microdata.deidentify import (
    AskedColumns,
    DeidentifiedRows,
    Pseudonym,
    RowSample,
    deidentify,
    name_exact_rows,
)
from survey.files.microdata.headline_deviation import (
    ScoredRows,
    compare_headlines,
    draw_order,
    draw_sample,
)
from survey.files.microdata.released_rows import (
    HeadlineDeviation,
    ReleasedWave,
    RowCounts,
    RowsCanBeUndoneError,
)
from survey.files.microdata.replicate_weights import add_replicate_weights
from survey.files.microdata.row_attack import RowCheck, check_rows
from survey.files.microdata.variables import describe_variables, texts_present
from survey.frame.quotas import GUARDIAN
from survey.locale import msg
from survey.questionnaire.model import Instrument
from survey.results.analysis import WEIGHT, add_weights
from survey.results.wave_parts import PartLoader, WaveData
from survey.results.wave_snapshots import opened_parts
from survey.results.weighting import GUARDIAN as GUARDIAN_COLUMN
from survey.store.tables import Wave

MAX_ATTEMPTS = 3
"""Draws of a city before its rows are refused."""


@dataclass(frozen=True, eq=False)
class AreaParts:
    """Iterable over a wave's parts (whole cities), limited to interviews of a reader's area."""

    parts: Sequence[PartLoader]
    covers: Callable[[str], bool]
    """Whether a city lies in the area."""

    def __iter__(self) -> Iterator[tuple[WaveData, pd.DataFrame]]:
        """Yield, for each part with interviews in the area, its data and those interviews.

        Raises:
            AccessDeniedError: there is no interview in the area.
        """
        is_empty = True
        for load in self.parts:
            data = load()
            codes = data.people["city_code"].astype(str)
            own = {code for code in codes.unique() if self.covers(code)}
            if own:
                is_empty = False
                yield data, data.people[codes.isin(own)].reset_index(drop=True)
        if is_empty:
            raise AccessDeniedError(msg("The wave has no interview in your area."))


@dataclass(frozen=True, eq=False)
class ReleasedRows(RowCounts):
    """Rows of all parts of a wave, sorted by pseudonym, with counts of what was done to them."""

    table: pd.DataFrame
    instrument: Instrument
    frozen: Sequence[ScoredRows]
    """The same interviews as they were frozen, for their scores."""
    kept: Sequence[ScoredRows]
    """And as they are in the table."""


def release_rows(
    parts: AreaParts, pseudonym: Pseudonym, *, exact: bool = False, seed: str = ""
) -> ReleasedRows:
    """Return 9 in 10 interviews of each city, de-identified; if `exact`, all, with pseudonyms.

    Every part is read twice, first for what was asked of whom in all of them. In memory are the
    rows of one part, and of the others what stands in the file.

    Raises:
        AccessDeniedError: there is no interview in the area.
        RowsCanBeUndoneError: labels are proved whatever is drawn.
    """
    asked, margins = _look_at(parts)
    tables, frozen, kept = [], [], []
    counts: Counter[str] = Counter()
    for data, people in parts:
        if exact:
            made = name_exact_rows(people, data.instrument, pseudonym)
        else:
            made, check = _make_unprovable(data, people, pseudonym, margins, asked, seed)
            counts.update(exchanged=made.exchanged, covered=check.covered, to_cover=check.blanked)
            frozen.append(ScoredRows.of(data, people))
            kept.append(ScoredRows.of(data, made.kept))
        dropped = len(people) - len(made.table)
        counts.update(blanked=made.blanked, dropped=dropped, merged=made.merged)
        tables.append(made.table)
    return ReleasedRows(join_tables(tables), data.instrument, frozen, kept, **counts)


def _make_unprovable(
    data: WaveData,
    people: pd.DataFrame,
    pseudonym: Pseudonym,
    margins: Sequence[str],
    asked: AskedColumns,
    seed: str,
) -> tuple[DeidentifiedRows, RowCheck]:
    """De-identify a part; while a blanked label can be proved, draw that city's sample anew.

    Each city is drawn by itself, so that files of other areas hold the same interviews of it.
    """
    attempts = dict.fromkeys(people["city_code"].astype(str).unique(), 0)
    for _ in range(MAX_ATTEMPTS):
        rows, sample = sample_rows(data, people, seed, attempts)
        made = deidentify(
            rows, data.instrument, pseudonym, margins=margins, asked=asked, sample=sample
        )
        check = check_rows(data, people, made)
        if not check.proved:
            return made, check
        for city in check.proved:
            attempts[city] += 1
    raise RowsCanBeUndoneError(len(check.proved), MAX_ATTEMPTS)


def sample_rows(
    data: WaveData, people: pd.DataFrame, seed: str, attempts: Mapping[str, int]
) -> tuple[pd.DataFrame, RowSample]:
    """Draw nine in ten interviews per city by seed and attempt; return them and a `RowSample`."""
    cities = people["city_code"].astype(str)
    seeds = pd.Series({city: f"{seed}/{city}/{number}" for city, number in attempts.items()})
    kept = draw_sample(people, draw_order(people["response_id"], cities.map(seeds)))
    is_given = data.report.way == "given"

    def weigh(rows: pd.DataFrame) -> pd.Series:
        return add_weights(rows, data.series, data.oversampling)[0][WEIGHT]

    sample = RowSample(people, seeds, None if is_given else weigh)
    return people[kept].reset_index(drop=True), sample


def _look_at(parts: AreaParts) -> tuple[AskedColumns, tuple[str, ...]]:
    """Return which columns were asked in any part, and columns whose values a weight reveals."""
    looks = [(AskedColumns.of(people), weight_margins(data)) for data, people in parts]
    margins = dict.fromkeys(name for _, names in looks for name in names)
    return AskedColumns.join(asked for asked, _ in looks), tuple(margins)


def weight_margins(source: WaveData) -> tuple[str, ...]:
    """Return the columns that interviews were weighted by, so that a weight reveals them."""
    boosted = (GUARDIAN_COLUMN,) if GUARDIAN in source.report.oversampled else ()
    return (*source.report.margin, *boosted)


def join_tables(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return one table sorted by `row` from tables so sorted, and empty the tables given."""
    # A table without rows does not know the types of its columns.
    tables = [table for table in tables if len(table)] or tables[:1]
    if len(tables) == 1:
        return tables[0]
    names = list(tables[0].columns)
    joined = pd.DataFrame(
        {name: _join_columns([table.pop(name) for table in tables]) for name in names}
    )
    return joined.sort_values("row", ignore_index=True)


def _join_columns(columns: Sequence[pd.Series]) -> object:
    """Return columns of the same name joined to one, with the categories of all parts."""
    if not isinstance(columns[0].dtype, pd.CategoricalDtype):
        return pd.concat(columns, ignore_index=True)
    differ = any(column.dtype != columns[0].dtype for column in columns)
    return union_categoricals(list(columns), sort_categories=differ)


def release_wave(
    session: Session,
    wave: Wave,
    folder: Path,
    *,
    covers: Callable[[str], bool],
    pseudonym: Pseudonym,
    languages: Sequence[str],
    exact: bool = False,
    replicates: bool = False,
    step: Callable[[], None] = lambda: None,
) -> ReleasedWave:
    """Return interviews of areas that `covers` accepts, de-identified unless `exact`, of `folder`.

    Args:
        languages: of the labels of variables and values.
        replicates: whether exact rows get replicate weights.
        step: called when they are read, de-identified and compared with the published figures.

    Raises:
        AccessDeniedError: there is no interview in the area.
        SnapshotDamagedError: the responses are not those that were frozen.
    """
    with opened_parts(session, wave, folder) as parts:
        step()
        made = release_rows(AreaParts(parts, covers), pseudonym, exact=exact, seed=str(wave.id))
    step()
    deviation = (
        HeadlineDeviation(None, None) if exact else compare_headlines(made.frozen, made.kept)
    )
    table = add_replicate_weights(made.table) if exact and replicates else made.table
    texts = texts_present(table)
    variables = {name: describe_variables(texts, made.instrument, name) for name in languages}
    step()
    return ReleasedWave(table, variables, deviation, **made.as_counts())
