"""Interviews of a reader's area or a whole wave, de-identified part by part and joined."""

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
    RowsCanBeUndoneError,
)
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
    """Parts of a wave, of whose interviews a reader gets those of the own area."""

    parts: Sequence[PartLoader]
    covers: Callable[[str], bool]
    """Whether a city lies in the area."""

    def __iter__(self) -> Iterator[tuple[WaveData, pd.DataFrame]]:
        """Yield each part that has interviews of the area, with these.

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
class ReleasedRows:
    """Rows of all parts in the order of their names, with what was done to them."""

    table: pd.DataFrame
    instrument: Instrument
    blanked: int
    dropped: int
    merged: int
    frozen: Sequence[ScoredRows]
    """The same interviews as they were frozen, for their scores."""
    kept: Sequence[ScoredRows]
    """And as they are in the table."""
    exchanged: int
    covered: int
    to_cover: int
    """Blanked labels that the check looked at, and that there are."""


def release_rows(
    parts: AreaParts, pseudonym: Pseudonym, *, exact: bool = False, seed: str = ""
) -> ReleasedRows:
    """De-identify nine in ten interviews of each part; what is rare is rare within a city.

    Every part is read twice, first for what was asked of whom in all of them. In memory are the
    rows of one part, and of the others what stands in the file.

    Raises:
        AccessDeniedError: there is no interview in the area.
    """
    asked, margins = _look_at(parts)
    tables, frozen, kept = [], [], []
    blanked = dropped = merged = exchanged = 0
    checks: list[RowCheck] = []
    for data, people in parts:
        if exact:
            made = deidentify(people, data.instrument, pseudonym, margins=margins, exact=True)
        else:
            made, check = _make_unprovable(data, people, pseudonym, margins, asked, seed)
            checks.append(check)
            exchanged += int((made.circles >= 0).sum())
        blanked, dropped = blanked + made.blanked, dropped + len(people) - len(made.table)
        merged += made.merged
        tables.append(made.table)
        if not exact:
            frozen.append(ScoredRows.of(data, people))
            kept.append(ScoredRows.of(data, made.kept))
    return ReleasedRows(
        join_tables(tables), data.instrument, blanked, dropped, merged, frozen, kept,
        exchanged, sum(check.covered for check in checks), sum(check.blanked for check in checks),
    )  # fmt: skip


def _make_unprovable(
    data: WaveData,
    people: pd.DataFrame,
    pseudonym: Pseudonym,
    margins: Sequence[str],
    asked: AskedColumns,
    seed: str,
) -> tuple[DeidentifiedRows, RowCheck]:
    """De-identify a part; a city in which a label is proved is drawn again, up to three times.

    Each city is drawn by itself, so that files of other areas hold the same interviews of it.

    Raises:
        RowsCanBeUndoneError: labels are proved whatever is drawn.
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
    """Return the interviews that a file is made of, and how they were drawn."""
    cities = people["city_code"].astype(str)
    seeds = pd.Series({city: f"{seed}/{city}/{number}" for city, number in attempts.items()})
    kept = draw_sample(people, draw_order(people["response_id"], cities.map(seeds)))
    is_given = data.report.way == "given"

    def weigh(rows: pd.DataFrame) -> pd.Series:
        return add_weights(rows, data.series, data.oversampling)[0][WEIGHT]

    sample = RowSample(people, seeds, None if is_given else weigh)
    return people[kept].reset_index(drop=True), sample


def _look_at(parts: AreaParts) -> tuple[AskedColumns, tuple[str, ...]]:
    """Return what was asked in all parts, and the columns whose values a weight tells."""
    looks = [(AskedColumns.of(people), weight_margins(data)) for data, people in parts]
    margins = dict.fromkeys(name for _, names in looks for name in names)
    return AskedColumns.join(asked for asked, _ in looks), tuple(margins)


def weight_margins(source: WaveData) -> tuple[str, ...]:
    """Return the columns whose values a weight of the wave tells."""
    boosted = (GUARDIAN_COLUMN,) if GUARDIAN in source.report.oversampled else ()
    return (*source.report.margin, *boosted)


def join_tables(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join the tables of all parts, each sorted by `row`, into one that is; they are emptied."""
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
    """Join columns of one meaning; a part has only those categories that it has rows of."""
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
    step: Callable[[], None] = lambda: None,
) -> ReleasedWave:
    """De-identify the interviews of an area from the snapshot in `folder`.

    Args:
        languages: of the labels of variables and values.
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
    texts = texts_present(made.table)
    variables = {name: describe_variables(texts, made.instrument, name) for name in languages}
    step()
    return ReleasedWave(
        made.table, variables, made.blanked, made.dropped, made.merged,
        made.exchanged, made.covered, made.to_cover, deviation,
    )  # fmt: skip
