"""Preview of a freeze from its rows: cities shown, hidden ones because of whom, what changes.

The responses, the weights, the estimates and the gate are those of the freeze itself. The numbers
of interviews are exact, those of hidden cities too: they are for whoever may freeze the wave.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlmodel import Session, col

from survey.access.principal import Principal
from survey.access.roles import NATION, Action
from survey.disclosure import MINIMUM_N, mask_sensitive_reason
from survey.disclosure.suppression import SuppressionReason
from survey.estimate.tree import COMPOSITE
from survey.frame.quotas import EVERYONE
from survey.locale import SurveyError, msg
from survey.results.disclosure_inputs import declare_totals
from survey.results.snapshots import CELLS, ResponseSource, open_stored_responses
from survey.results.table_cache import file_age, published_table
from survey.results.table_columns import to_published_table
from survey.results.tables import decide_cells
from survey.results.wave_parts import WaveData, WaveParts
from survey.results.wave_rules import WaveRules
from survey.results.wave_snapshots import (
    MAX_ROWS_IN_MEMORY,
    forgetting_parts,
    load_rules,
    open_files,
)
from survey.settings import Settings
from survey.snapshots.response_files import ResponseFile, join_files, plan_files
from survey.snapshots.seals import find_newest_snapshot, open_seals
from survey.snapshots.snapshot_files import (
    DEFAULT_OPTIONS,
    FreezeOptions,
    SnapshotDamagedError,
    count_by_city,
    snapshot_draft,
    write_responses,
)
from survey.store.engine import read_scope
from survey.store.tables import Snapshot, Wave
from survey.waves.planning.wave_editing import left_out_codes
from survey.waves.waves import get_wave


@dataclass(frozen=True, eq=False)
class LoadedRows:
    """Interviews of a wave in memory, with the rules for weighting them."""

    frame: pd.DataFrame
    rules: WaveRules

    @property
    def count(self) -> int:
        """Number of interviews."""
        return len(self.frame)

    def weigh(self) -> WaveParts:
        """Return the wave with weights computed. Raises as `WaveData.weigh`."""
        return WaveParts.of_loaded(WaveData.weigh(self.frame, self.rules))

    def without(self, cities: Collection[str]) -> "LoadedRows":
        """Return a copy without interviews of `cities`."""
        return replace(self, frame=_drop_cities(self.frame, cities))


@dataclass(frozen=True, eq=False)
class FiledRows:
    """Interviews of a wave in files of whole cities, with the rules for weighting them."""

    folder: Path
    files: tuple[ResponseFile, ...]
    rules: WaveRules

    @property
    def count(self) -> int:
        """Number of interviews."""
        return sum(file.rows for file in self.files)

    def weigh(self) -> WaveParts:
        """Return the wave with weights computed. Raises as `WaveData.weigh`."""
        return open_files(self.folder, self.files, self.rules)

    def without(self, cities: Collection[str]) -> "FiledRows":
        """Return a copy without interviews of `cities`, in new files where old ones have some."""
        files = []
        for file in self.files:
            frame = join_files([self.folder / file.name])
            kept = _drop_cities(frame, cities)
            if len(kept) == len(frame):
                files.append(file)
            elif len(kept):
                files.append(write_responses(self.folder, f"other-{file.name}", kept))
        return replace(self, files=tuple(files))


@contextmanager
def read_preview_rows(
    settings: Settings, wave_key: str, responses: ResponseSource, rules: WaveRules
) -> Iterator[LoadedRows | FiledRows]:
    """Yield the interviews of `responses`; if many, in files, which are deleted after the block."""
    if responses.rows <= MAX_ROWS_IN_MEMORY:
        yield LoadedRows(responses.read(responses.rows_of_city), rules)
        return
    with snapshot_draft(settings.snapshot_dir, wave_key) as folder, forgetting_parts():
        planned = plan_files(responses.rows_of_city)
        files = (
            write_responses(folder, name, responses.read(cities))
            for name, cities in planned.items()
        )
        yield FiledRows(folder, tuple(files), rules)


def _drop_cities(frame: pd.DataFrame, cities: Collection[str]) -> pd.DataFrame:
    others: pd.DataFrame = frame[~frame["city_code"].isin(list(cities))].reset_index(drop=True)
    return others


PreviewTick = Callable[[int, int], None]
"""Told the steps that are done and all of them; stops the preview by an error."""
PREVIEW_STEPS = 3
"""Reading and weighing, the gate asked about all cities, and about those without the small ones."""
_CITY = ("area_level", "area")


class PreviewCancelledError(SurveyError):
    """Raised when a preview was cancelled while it ran; a preview stores nothing anyway."""

    code = "preview_cancelled"
    message = msg("The preview was cancelled.")


def ignore_steps(_done: int, _total: int) -> None:
    """Ignore the progress of a preview; used where no page shows it."""


class HiddenBecause(StrEnum):
    """Reason why a freeze would hide an area, shown only to people who may freeze the wave."""

    TOO_FEW = "too_few"
    DIFFERENCING = "differencing"
    """Another figure differs from it by fewer than ten people."""
    OF_CITIES = "of_cities"
    """It would be shown if the few interviews of other cities were left out."""
    SOLVABLE = "solvable"
    """Another hidden figure could be worked out with it."""


_REASONS: Mapping[str, HiddenBecause] = {
    SuppressionReason.EMPTY: HiddenBecause.TOO_FEW,
    SuppressionReason.TOO_FEW: HiddenBecause.TOO_FEW,
    SuppressionReason.DIFFERENCING: HiddenBecause.DIFFERENCING,
    SuppressionReason.SECONDARY: HiddenBecause.SOLVABLE,
}


@dataclass(frozen=True)
class AreaPreview:
    """Figures of one city, or of the nation, as a freeze would show them."""

    code: str
    n: int
    """Interviews that would be counted."""
    is_shown: bool
    because: HiddenBecause | None
    """None if it is shown."""
    of_cities: tuple[str, ...]
    """Codes of the cities for whose sake it is hidden."""
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    effective_n: int | None
    hidden_indicators: int
    indicators: int


@dataclass(frozen=True)
class EarlierCity:
    """Interviews and score of one city in the last provisional results."""

    n: int
    estimate: float | None


@dataclass(frozen=True)
class EarlierResults:
    """Last provisional results of the wave."""

    made_at: datetime
    cities: Mapping[str, EarlierCity]


@dataclass(frozen=True)
class FreezePreview:
    """What a freeze of the approved interviews would show."""

    rows: int
    nation: AreaPreview
    cities: tuple[AreaPreview, ...]
    left_out: tuple[str, ...]
    small_cities: tuple[str, ...]
    """Cities with too few interviews to be shown."""
    shown_without_small: tuple[str, ...]
    """Cities hidden now that would be shown if the small ones were left out."""
    nation_shown_without_small: bool
    earlier: EarlierResults | None

    @property
    def subtractable(self) -> tuple[str, ...]:
        """Codes of cities with 1 to 9 interviews more or less than in the last provisional results.

        Whoever kept those results could subtract.
        """
        if self.earlier is None:
            return ()
        now = {city.code: city.n for city in self.cities}
        before = {code: city.n for code, city in self.earlier.cities.items()}
        changed = {code: abs(now.get(code, 0) - before.get(code, 0)) for code in {*now, *before}}
        return tuple(sorted(code for code, size in changed.items() if 0 < size < MINIMUM_N))


def preview_freeze(
    settings: Settings,
    *,
    wave_key: str,
    principal: Principal,
    options: FreezeOptions = DEFAULT_OPTIONS,
    tick: PreviewTick = ignore_steps,
) -> FreezePreview:
    """Compute what a freeze would show, storing nothing; `tick` gets steps done and their number.

    Raises as `freeze_wave` does.
    """
    principal.require(Action.ADMINISTER)
    tick(0, PREVIEW_STEPS)
    # The figures are computed outside the transaction. Reading and weighing a large wave takes
    # minutes too.
    with ExitStack() as stack:
        with read_scope(settings.store_url, long_running=True) as session:
            wave = get_wave(session=session, key=wave_key)
            responses = open_stored_responses(session, wave)
            responses.require_freezable(wave, options.without_point)
            rules = load_rules(session, wave, options)
            rows = stack.enter_context(read_preview_rows(settings, wave_key, responses, rules))
            source = rows.weigh()
            left_out = tuple(sorted(left_out_codes(session=session, wave_id=wave.id)))
            earlier = _open_earlier_results(settings, session, wave)
        tick(1, PREVIEW_STEPS)
        areas = _preview_areas(source, settings.audit_seconds)
        tick(2, PREVIEW_STEPS)
        return _preview(rows, source, areas, left_out, earlier, settings.audit_seconds)


def _preview(
    rows: LoadedRows | FiledRows,
    source: WaveParts,
    areas: tuple[AreaPreview, tuple[AreaPreview, ...]],
    left_out: tuple[str, ...],
    earlier: EarlierResults | None,
    audit_seconds: float,
) -> FreezePreview:
    """Return the preview of `areas` (nation, cities); small cities that hide others are named."""
    nation, cities = areas
    small = tuple(city.code for city in cities if 0 < city.n < MINIMUM_N)
    hidden = {area.code for area in (nation, *cities) if not area.is_shown} - set(small)
    freed: set[str] = set()
    if small and hidden and len(small) < len(cities):
        # Whether the small cities are the cause is not guessed: the gate is asked without them,
        # unless the rest could not be frozen by itself.
        rest = None
        with suppress(SurveyError):
            rest = rows.without(small).weigh()
        if rest is not None:
            rest_nation, rest_cities = _preview_areas(rest, audit_seconds)
            freed = {area.code for area in (rest_nation, *rest_cities) if area.is_shown} & hidden
    totals = _list_cities_by_total(source)
    return FreezePreview(
        rows=rows.count,
        nation=_name_small_cities(nation, freed, small, totals),
        cities=tuple(_name_small_cities(city, freed, small, totals) for city in cities),
        left_out=left_out,
        small_cities=small,
        shown_without_small=tuple(sorted(freed - {NATION})),
        nation_shown_without_small=nation.is_shown or NATION in freed,
        earlier=earlier,
    )


def _name_small_cities(
    area: AreaPreview, freed: set[str], small: tuple[str, ...], totals: Sequence[frozenset[str]]
) -> AreaPreview:
    """Return the area, if in `freed`, with those of the `small` cities that cause its hiding.

    Of the small cities these are the ones within the smallest total that it shares with any.
    """
    if area.code not in freed:
        return area
    sharing = [members & set(small) for members in totals if area.code in members]
    nearest = next((guilty for guilty in sharing if guilty), set(small))
    return replace(area, because=HiddenBecause.OF_CITIES, of_cities=tuple(sorted(nearest)))


def _preview_areas(
    source: WaveParts, audit_seconds: float
) -> tuple[AreaPreview, tuple[AreaPreview, ...]]:
    """Return nation and cities as the gate would show them; `audit_seconds` limit its audit."""
    figures, decided, _ = decide_cells(source, audit_seconds)
    counts = figures.cells["n"].to_numpy(dtype=int)
    cells = mask_sensitive_reason(decided).assign(exact_n=counts)
    cells = cells[(cells["group"] == EVERYONE) & cells["area_level"].isin(["nation", "city"])]
    heads = _pick_heads(cells, source.plan.has_composite)
    published = to_published_table(heads.drop(columns="exact_n")).to_dict("records")
    rules = dict(zip(heads["area"].astype(str), heads["reason"].astype(str), strict=True))
    areas: dict[str, AreaPreview] = {}
    for row, n in zip(published, heads["exact_n"], strict=True):
        code = str(row["area"])
        own = cells[cells["area"].astype(str) == code]
        areas[code] = AreaPreview(
            code=code,
            n=int(n),
            is_shown=bool(row["shown"]),
            because=_REASONS.get(rules[code]),
            of_cities=(),
            estimate=_read_number(row["estimate"]),
            ci_low=_read_number(row["ci_low"]),
            ci_high=_read_number(row["ci_high"]),
            effective_n=_compute_effective_n(row["n"], row["deff"]),
            hidden_indicators=int((~own["shown"] & (own["exact_n"] > 0)).sum()),
            indicators=int((own["exact_n"] > 0).sum()),
        )
    return areas.pop(NATION), tuple(areas[code] for code in sorted(areas))


def _pick_heads(cells: pd.DataFrame, has_composite: bool) -> pd.DataFrame:
    """Return one row per area: its composite, else its most answered question without figure.

    Without one no question stands for the others: the row is that of the question which most
    people answered, one that is shown if there is any, and has no figure.
    """
    if has_composite:
        return cells[cells["indicator"] == COMPOSITE]
    ordered = cells.sort_values(["shown", "exact_n"], ascending=False, kind="stable")
    heads = ordered.drop_duplicates(list(_CITY))
    return heads.assign(**dict.fromkeys(("estimate", "ci_low", "ci_high", "deff"), np.nan))


def _list_cities_by_total(source: WaveParts) -> list[frozenset[str]]:
    """Return the city codes of each area that is made up of cities, the smallest set first."""
    totals = [total for total in declare_totals(source) if total.along == _CITY]
    parts = [frozenset(part[1] for part in total.parts if part[0] == "city") for total in totals]
    return sorted(filter(None, parts), key=lambda members: (len(members), sorted(members)))


def _read_number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _compute_effective_n(n: Any, deff: Any) -> int | None:
    """Return the published n divided by the published design effect; None where unknown."""
    return None if pd.isna(n) or pd.isna(deff) or deff <= 0 else round(n / deff)


def _open_earlier_results(
    settings: Settings, session: Session, wave: Wave
) -> EarlierResults | None:
    """Return the last provisional results of a wave; None if there are none or they are damaged."""
    snapshot = find_newest_snapshot(session, wave.id, ~col(Snapshot.final))
    if snapshot is None:
        return None
    try:
        folder = open_seals(settings, session, snapshot.directory).folder
        counts = count_by_city(folder)
        cells = published_table(folder / CELLS, file_age(folder / CELLS)).find(
            {"area_level": ["city"], "group": [EVERYONE], "indicator": [COMPOSITE]}
        )
    except SnapshotDamagedError:
        return None
    scores = dict(zip(cells["area"].astype(str), cells["estimate"], strict=True))
    return EarlierResults(
        snapshot.created_at,
        {
            code: EarlierCity(n, _read_number(scores.get(code, float("nan"))))
            for code, n in counts.items()
        },
    )
