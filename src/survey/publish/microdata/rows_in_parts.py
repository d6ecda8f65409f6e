"""Interviews of a reader's area, de-identified part by part and joined by their new names."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from pandas.api.types import union_categoricals

from survey.access.principal import AccessDeniedError
from survey.instrument.model import Instrument
from survey.locale import msg
from survey.publish.microdata.deidentify import AskedColumns, Pseudonym, deidentify
from survey.publish.microdata.headline_deviation import ScoredRows
from survey.results.wave_data import WaveData
from survey.results.wave_parts import PartLoader
from survey.results.weighting import GUARDIAN as GUARDIAN_COLUMN
from survey.sample.special_groups import GUARDIAN


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


def release_rows(parts: AreaParts, pseudonym: Pseudonym, *, exact: bool = False) -> ReleasedRows:
    """De-identify the interviews of each part; what is rare is rare within a city.

    Every part is read twice, first for what was asked of whom in all of them. In memory are the
    rows of one part, and of the others what stands in the file.

    Raises:
        AccessDeniedError: there is no interview in the area.
    """
    asked, margins = _look_at(parts)
    tables, frozen, kept = [], [], []
    blanked = dropped = merged = 0
    for data, people in parts:
        made = deidentify(
            people, data.instrument, pseudonym, margins=margins, exact=exact, asked=asked
        )
        blanked, dropped = blanked + made.blanked, dropped + made.dropped
        merged += made.merged
        tables.append(made.table)
        if not exact:
            frozen.append(ScoredRows.of(data, people))
            kept.append(ScoredRows.of(data, made.kept))
    return ReleasedRows(
        join_tables(tables), data.instrument, blanked, dropped, merged, frozen, kept
    )


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
