"""Reading of a frozen wave behind the disclosure gate, for one principal."""

import logging
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypedDict, Unpack, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlmodel import Session

from survey.access.principal import AccessDeniedError, Principal
from survey.access.roles import NATION, Action
from survey.disclosure import CityRun, microaggregate, top_city_codes
from survey.estimate.tree import COMPOSITE
from survey.frame.quotas import EVERYONE
from survey.locale import SurveyError, msg, translator
from survey.questionnaire.indicator_tree import IndicatorTree
from survey.questionnaire.model import Item
from survey.results.burden import InterviewBurden, measure_burden
from survey.results.changes import SAME_WAVE
from survey.results.headlines import CellsFile, find_withheld_changes, list_withheld_areas
from survey.results.method_sheets import NOT_COMPUTED, MethodSheet
from survey.results.release import find_current_release
from survey.results.snapshots import (
    CELLS,
    DRIVERS,
    GAPS,
    HEADLINES,
    METHOD,
    RANK_PAIRS,
    RANKS,
    SMALL_AREAS,
    get_shown_snapshot,
    list_changes_paths,
    list_shown_snapshots,
)
from survey.results.table_cache import (
    cached_table,
    exact_table,
    file_age,
    published_table,
    read_method,
)
from survey.settings import Settings
from survey.snapshots.seals import SnapshotSeals, get_opened_seals, open_seals, receive_seals
from survey.snapshots.snapshot_files import (
    MANIFEST,
    SnapshotDamagedError,
    SnapshotManifest,
    read_manifest,
)
from survey.store.tables import Shown, Snapshot, Wave, WaveState
from survey.waves.instruments import load_instrument, load_tree
from survey.waves.waves import WaveSummary, wave_fields

_LOG = logging.getLogger(__name__)

Filter = str | Sequence[str] | None


class CellFilters(TypedDict, total=False):
    """Wanted values by key column of cells; a key that is left out or None selects all rows."""

    area_level: Filter
    area: Filter
    group: Filter
    indicator: Filter


class ChangeNotComputedError(SurveyError):
    """Raised when the change between two snapshots has not been computed."""

    code = "not_compared"


@dataclass(frozen=True, kw_only=True)
class WaveInfo(WaveSummary):
    """Frozen wave with facts of the snapshot that readers see and of its release."""

    n: int
    cities: int
    final: bool
    frozen_at: datetime
    snapshot_sha256: str
    tree_name: str | None
    directory: str = ""
    """Folder of the snapshot below that of all: the same responses frozen again have another."""
    seal_sha256: str = ""
    """Hash of all its files: another one when the same responses are frozen or computed again."""
    is_sealed: bool = False
    """Whether the trail holds the hashes of its files; frozen before that, it holds none."""
    shown: Shown = Shown.NOTHING
    """Part of the results of other cities that the release lets readers see."""
    first_places: int | None = None

    def label(self, language: str) -> str:
        """Return the title in a language, marked as provisional unless the results are final."""
        title = super().label(language)
        if self.final:
            return title
        return translator(language)(msg("{wave} (provisional)", wave=title))

    @property
    def others_are_shown(self) -> bool:
        """Whether every reader sees every city by name and figure."""
        return self.state is WaveState.RELEASED and self.shown is Shown.SCORES


class WaveResults:
    """Results in one snapshot of a wave; every figure returned has passed the disclosure gate."""

    def __init__(
        self,
        info: WaveInfo,
        manifest: SnapshotManifest,
        tree: IndicatorTree | None,
        folder: Path,
        questions: Mapping[str, Item] = MappingProxyType({}),
    ) -> None:
        self.wave = info
        self.manifest = manifest
        self.questions = questions
        """Questions of the wave by name, for their labels and those of their choices."""
        self.method = read_method(folder / METHOD)
        if tree is not None and manifest.without_question:
            tree = tree.measured_by(set(self.method.items.values()))
        self.tree = tree
        self._folder = folder

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for pickling, with the file hashes that another process needs."""
        return {**self.__dict__, "_seals": get_opened_seals(self._folder)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        receive_seals(state["_seals"])
        self.__dict__.update({name: value for name, value in state.items() if name != "_seals"})

    def as_released(self, shown: Shown, first_places: int | None) -> "WaveResults":
        """Return a copy as after a release that shows `shown`, with `first_places` names."""
        released = copy(self)
        released.wave = replace(
            self.wave, state=WaveState.RELEASED, shown=shown, first_places=first_places
        )
        return released

    def cells(self, principal: Principal, **keys: Unpack[CellFilters]) -> pd.DataFrame:
        """Return cells: a row per area, group and indicator; hidden ones have null figures.

        Columns: area_level, area, group, indicator, estimate, ci_low, ci_high, df, n, n_psu, deff,
        status, shown, reason; with the decimals of `survey.results.table_columns`.
        """
        return self._read_filtered(principal, CELLS, keys)

    def gaps(
        self, principal: Principal, *, contrast: Filter, **keys: Unpack[CellFilters]
    ) -> pd.DataFrame:
        """Return differences by `contrast`: from the rest of the area, or from a larger area.

        Columns: contrast, area_level, area, group, indicator, estimate, reference, difference,
        ci_low, ci_high, df, n, n_reference, status, shown, reason, verdict
        (`higher`, `lower`, `none`, or empty where nothing can be tested; see `add_verdicts`).
        """
        return self._read_filtered(principal, GAPS, {"contrast": contrast, **keys})

    def small_areas(self, principal: Principal, **keys: Unpack[CellFilters]) -> pd.DataFrame:
        """Return special groups by city: the direct figure with its grade, and the model.

        Columns: as `survey.results.small_areas.build_small_area_table` describes them.
        """
        return self._read_filtered(principal, SMALL_AREAS, keys)

    def ranks(self, principal: Principal, **keys: Unpack[CellFilters]) -> pd.DataFrame:
        """Return the ranks of the cities; unranked and hidden cities have null figures.

        Columns: as `survey.results.ranks.rank_tables` describes them. Before release a
        reader gets the rows of the own area, with places among all cities: a place tells how many
        cities lie above, of no other city how it did.
        """
        return self._read_filtered(principal, RANKS, keys)

    def rank_pairs(self, principal: Principal, *, indicator: str) -> pd.DataFrame:
        """Return pairs of cities, both readable, of which one ranks significantly above the other.

        Columns: area_level, area (the one above), other, indicator.
        """
        self._require(principal)
        whole = self._whole(RANK_PAIRS, {"indicator": [indicator]})
        pairs = self._filter_by_area(whole, principal, self.wave)
        if self.wave.others_are_shown or principal.area == NATION:
            return pairs
        kept: pd.DataFrame = pairs[pairs["other"].astype(str).map(principal.covers).astype(bool)]
        return kept.reset_index(drop=True)

    def others(self, principal: Principal, *, indicator: str) -> tuple[CityRun, ...]:
        """Return the scores of cities outside the reader's area, microaggregated and unnamed."""
        self._require(principal)
        if self.wave.others_are_shown or principal.area == NATION:
            return ()
        ranks = self._whole(RANKS, {"indicator": [indicator]})
        cells = self._whole(
            CELLS, {"area_level": ["city"], "group": [EVERYONE], "indicator": [indicator]}
        )
        placed = ranks.loc[ranks["rank"].notna(), "area"].astype(str)
        return microaggregate(
            cells[cells["shown"] & cells["area"].astype(str).isin(placed)], principal.covers
        )

    def first_named(self, principal: Principal) -> tuple[str, ...]:
        """Return codes of the `first_places` top cities if only names were released; else ()."""
        self._require(principal)
        named_count = self.wave.first_places
        released = self.wave.state is WaveState.RELEASED and self.wave.shown is Shown.NAMES
        if not released or named_count is None:
            return ()
        return top_city_codes(self._whole(RANKS, {"indicator": [COMPOSITE]}), named_count)

    def headlines(
        self,
        principal: Principal,
        *,
        basis: Filter = None,
        composite: Filter = None,
        indicator: Filter = None,
    ) -> pd.DataFrame:
        """Return the national figures by basis (domain, city-weighted), composite and indicator.

        Columns: as `survey.results.headlines.headline_table` describes them.
        """
        wanted = {"basis": basis, "composite": composite, "indicator": indicator}
        return self._read_filtered(principal, HEADLINES, wanted)

    def drivers(self, principal: Principal, **keys: Unpack[CellFilters]) -> pd.DataFrame:
        """Return importance and performance of each lowest-level indicator.

        Columns: as `survey.results.drivers.build_driver_table` describes them.
        """
        return self._read_filtered(principal, DRIVERS, keys)

    def sheet(
        self, principal: Principal, sheet: MethodSheet, **keys: Unpack[CellFilters]
    ) -> pd.DataFrame:
        """Return the rows of a method sheet; one row that says why, where it was not made.

        Columns: those of `survey.results.method_sheets`, shown, reason.
        """
        self._require(principal)
        path = self._folder / sheet.file
        if not path.exists():
            return sheet.build_obstacle(NOT_COMPUTED).assign(shown=True, reason="")
        return self._read_filtered(principal, sheet.file, keys)

    def measure_burden(self) -> InterviewBurden | None:
        """Return minutes of an interview and hours of all: a median and a sum of the whole wave."""
        return measure_burden(self._folder)

    def changes(
        self, principal: Principal, *, before: WaveInfo, **keys: Unpack[CellFilters]
    ) -> pd.DataFrame:
        """Return the changes from an earlier wave of the series, over the cities of both waves.

        Columns: before_wave, area_level, area, group, indicator, before, after, difference,
        ci_low, ci_high, df, n_before, n_after, status, shown, reason, verdict.

        Raises:
            ChangeNotComputedError: nothing has been computed for the snapshot that `before` names,
                or it is one of this wave.
        """
        path = self._find_changes(principal, before)
        rows = published_table(path, file_age(path)).find(_normalise_filters(keys))
        return self._filter_changes(rows, principal, before)

    def exact(self, principal: Principal, name: str, wanted: Mapping[str, Filter]) -> pd.DataFrame:
        """Return unrounded rows of the file `name`, filtered by `wanted` and by rights.

        For what is computed in this package alone: nothing of them may leave it unrounded.
        """
        self._require(principal)
        path = self._folder / name
        rows = exact_table(path, file_age(path)).find(_normalise_filters(wanted))
        return self._filter_by_area(rows, principal, self.wave)

    def exact_changes(
        self, principal: Principal, before: WaveInfo, wanted: Mapping[str, Filter]
    ) -> pd.DataFrame:
        """Return unrounded rows of the changes from an earlier wave that the principal may read."""
        path = self._find_changes(principal, before)
        rows = exact_table(path, file_age(path)).find(_normalise_filters(wanted))
        return self._filter_changes(rows, principal, before)

    def _find_changes(self, principal: Principal, before: WaveInfo) -> Path:
        """Return the path of the changes from an earlier wave; raise `ChangeNotComputedError`."""
        self._require(principal)
        if before.key == self.wave.key:
            raise ChangeNotComputedError(SAME_WAVE)
        if (before.year, before.key) > (self.wave.year, self.wave.key):
            # The file of the two would say the change the other way round.
            raise ChangeNotComputedError(
                msg("A change goes from an earlier wave to a later one, not the other way round.")
            )
        earlier = self._folder.parent.parent / before.directory
        path = next(filter(Path.exists, list_changes_paths(earlier, self._folder)), None)
        if path is None:
            raise ChangeNotComputedError(
                msg(
                    "The change between these two waves has not been computed. An administrator "
                    "computes it with the command: survey recompute --wave {wave}",
                    wave=self.wave.key,
                )
            )
        return path

    def _filter_changes(
        self, table: pd.DataFrame, principal: Principal, before: WaveInfo
    ) -> pd.DataFrame:
        """Return the changes without cities hidden from the reader, and areas that reveal one.

        Of a larger area a change gives the figures of both waves over the cities that they share.
        """
        rows = self._filter_by_area(table, principal, self.wave)
        rows = self._filter_by_area(rows, principal, before)
        if principal.area == NATION:
            return rows
        after = CellsFile.of(self._folder)
        earlier = CellsFile.of(self._folder.parent.parent / before.directory)
        gone: set[tuple[str, ...]] = set()
        if not self.wave.others_are_shown:
            gone |= find_withheld_changes(after, earlier, principal.area)
        if not before.others_are_shown:
            gone |= find_withheld_changes(earlier, after, principal.area)
        areas = zip(rows["area_level"].astype(str), rows["area"].astype(str), strict=True)
        kept = np.array([area not in gone for area in areas], dtype=bool)
        result: pd.DataFrame = rows[kept].reset_index(drop=True)
        return result

    def _require(self, principal: Principal) -> None:
        """Raise an error unless the principal may read these results (demo accounts: of demos)."""
        principal.require(Action.READ_RESULTS)
        if principal.is_demo and not self.wave.is_demo:
            raise AccessDeniedError(msg("A demonstration account reads demonstration data only."))

    def _whole(self, name: str, asked: dict[str, list[str]]) -> pd.DataFrame:
        path = self._folder / name
        return cached_table(path, file_age(path)).find(asked)

    def _read_filtered(
        self, principal: Principal, name: str, wanted: Mapping[str, object]
    ) -> pd.DataFrame:
        self._require(principal)
        path = self._folder / name
        rows = published_table(path, file_age(path)).find(_normalise_filters(wanted))
        return self._filter_by_area(rows, principal, self.wave)

    def _filter_by_area(
        self, table: pd.DataFrame, principal: Principal, wave: WaveInfo
    ) -> pd.DataFrame:
        """Return rows of a `wave` without cities hidden from the reader or what reveals them."""
        if wave.others_are_shown or principal.area == NATION:
            return table
        level, area = table["area_level"], table["area"]
        kept = ~_decide_by_name(level, "city".__eq__) | _decide_by_name(area, principal.covers)
        names: dict[str, set[str]] = {}
        contrasted: dict[str, set[str]] = {}
        for larger, name, cities in list_withheld_areas(CellsFile.of(self._folder), principal.area):
            names.setdefault(larger, set()).add(name)
            contrasted.setdefault(larger, set()).update(cities)
        for larger, withheld in names.items():
            is_withheld = _decide_by_name(area, withheld.__contains__)
            kept &= ~(_decide_by_name(level, larger.__eq__) & is_withheld)
            if "contrast" in table.columns:
                is_contrasted = _decide_by_name(area, contrasted[larger].__contains__)
                kept &= ~(_decide_by_name(table["contrast"], larger.__eq__) & is_contrasted)
        result: pd.DataFrame = table[kept].reset_index(drop=True)
        return result


def _decide_by_name(column: pd.Series, decide: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Return for each row what is decided of its name; each name is decided once.

    A comparison by pandas would turn all names of a column into text, at each one.
    """
    names = column.astype("category").cat
    decided = [decide(str(name)) for name in names.categories]
    # The last place is that of rows without a name.
    return np.array([*decided, False], dtype=bool)[names.codes.to_numpy()]


def _normalise_filters(wanted: Mapping[str, object]) -> dict[str, list[str]]:
    """Return column -> list of wanted values, without columns whose filter is None.

    `wanted` maps columns to a `Filter`; a typed dictionary is not a mapping of those to mypy.
    """
    filters = cast(Mapping[str, Filter], wanted)
    return {
        column: [value] if isinstance(value, str) else list(value)
        for column, value in filters.items()
        if value is not None
    }


def list_waves(settings: Settings, session: Session, series: str | None = None) -> list[WaveInfo]:
    """Return waves with a snapshot (of `series`, if given), newest first, with the one shown."""
    shown = list_shown_snapshots(session, series)
    return [
        _wave_info(session, wave, snapshot, open_seals(settings, session, snapshot.directory))
        for wave, snapshot in sorted(shown, key=lambda pair: -pair[0].year)
    ]


def list_readable_waves(
    settings: Settings, session: Session
) -> tuple[list[WaveInfo], list[WaveSummary]]:
    """Return two lists: waves with readable results, newest first, and waves with damaged ones.

    One of these takes no page of another wave down. The log says what is wrong with it.
    """
    readable, damaged = [], []
    for wave, snapshot in sorted(list_shown_snapshots(session), key=lambda pair: -pair[0].year):
        try:
            seals = open_seals(settings, session, snapshot.directory)
            readable.append(_wave_info(session, wave, snapshot, seals))
        except SnapshotDamagedError as error:
            _LOG.error("results of %s cannot be read: %s", wave.key, error)
            damaged.append(WaveSummary(**wave_fields(wave)))
    return readable, damaged


def list_earlier_waves(
    settings: Settings, session: Session, wave: Wave | WaveInfo
) -> list[WaveInfo]:
    """Return the frozen waves of the same series before `wave`, newest first."""
    waves = list_waves(settings, session, wave.series)
    earlier = [each for each in waves if (each.year, each.key) < (wave.year, wave.key)]
    return sorted(earlier, key=lambda each: (each.year, each.key), reverse=True)


def open_results(settings: Settings, session: Session, wave_key: str) -> WaveResults:
    """Return the results in the snapshot of a wave that readers see.

    Raises:
        SnapshotNotFoundError: the wave has no snapshot.
        SnapshotDamagedError: its manifest or method was changed or is missing.
    """
    return open_snapshot(settings, session, *get_shown_snapshot(session, wave_key))


def open_snapshot(
    settings: Settings, session: Session, wave: Wave, snapshot: Snapshot
) -> WaveResults:
    """Return the results in one snapshot of a wave. Raises `SnapshotDamagedError`."""
    seals = open_seals(settings, session, snapshot.directory)
    manifest = _manifest(seals)
    tree = load_tree(session=session, tree_id=wave.tree_id) if wave.tree_id else None
    info = _wave_info(session, wave, snapshot, seals)
    instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
    return WaveResults(info, manifest, tree, seals.folder, instrument.by_name)


def _manifest(seals: SnapshotSeals) -> SnapshotManifest:
    seals.read(MANIFEST)
    return read_manifest(seals.folder)


def _wave_info(session: Session, wave: Wave, snapshot: Snapshot, seals: SnapshotSeals) -> WaveInfo:
    manifest = _manifest(seals)
    release = find_current_release(session, wave.id)
    return WaveInfo(
        **wave_fields(wave),
        n=snapshot.rows,
        cities=manifest.cities,
        final=snapshot.final,
        frozen_at=snapshot.created_at,
        snapshot_sha256=snapshot.sha256,
        tree_name=manifest.tree,
        directory=snapshot.directory,
        seal_sha256=seals.sha256,
        is_sealed=seals.is_sealed,
        shown=release.shown if release else Shown.NOTHING,
        first_places=release.first_places if release else None,
    )
