"""Tables of a snapshot: estimated once, passed through the gate, written beside it."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from survey.disclosure import (
    CELL_KEYS,
    MINIMUM_N,
    WORK_PER_SECOND,
    IntervalAuditor,
    count_hidden_by_rule,
    mask_sensitive_reason,
)
from survey.disclosure.interval_audit import SEED as AUDIT_SEED
from survey.estimate.arrays import release_freed_memory
from survey.estimate.variance import MIN_DF, MIN_ROWS, STATUSES
from survey.frame.quotas import EVERYONE
from survey.locale import RefusedError
from survey.questionnaire.model import OVERALL
from survey.results.analysis import DF_RULE, Q, add_verdicts
from survey.results.disclosure_inputs import protected_cells, protected_gaps
from survey.results.domains import AREA_LEVELS
from survey.results.drivers import (
    DRIVER_GROUPS,
    MIN_DRIVER_RESPONDENTS,
    REPLICATES,
    SEED,
    build_driver_table,
)
from survey.results.headlines import headline_table
from survey.results.method import (
    ChangeMethod,
    DriverMethod,
    IntervalAuditMethod,
    MethodRecord,
    SmallAreaMethod,
)
from survey.results.public_cells import PublicCells, is_as_public
from survey.results.ranks import RANKING, rank_tables
from survey.results.sheet_builders import iter_sheets
from survey.results.sheet_source import SheetSource
from survey.results.small_areas import (
    GRADE_A_HALF_WIDTH,
    MIN_CITIES,
    MIN_GRADE_A_N,
    MIN_GRADE_B_N,
    build_small_area_table,
    select_modelled_gaps,
    select_special_groups,
)
from survey.results.snapshots import (
    CELLS,
    DRIVERS,
    GAPS,
    HEADLINES,
    METHOD,
    RANK_PAIRS,
    RANKS,
    SMALL_AREAS,
)
from survey.results.wave_estimates import PEERS, WaveEstimates, estimate_wave
from survey.results.wave_parts import WaveParts
from survey.snapshots.seals import SnapshotDraft
from survey.snapshots.snapshot_files import parquet_bytes, write_parquet


def write_tables(
    folder: Path,
    source: WaveParts,
    draft: SnapshotDraft,
    audit_seconds: float = 0.0,
    public: PublicCells | None = None,
) -> tuple[int, int]:
    """Add a snapshot's tables and method to `draft`; return numbers of cells and hidden cells.

    Args:
        audit_seconds: of one core, for the audit of intervals; they are counted as work, so that
            the tables are the same wherever they are made. 0: every cell.
        public: cells of the wave that readers have seen, see `keep_hidden`; None: none.

    Raises:
        NotEstimableError: the responses do not carry the estimates.
        RefusedError: hidden counts are known too closely.
        PublicCellsConflictError: further figures would be told by those that were public.
    """
    figures, decided, auditor = decide_cells(source, audit_seconds, public)
    figures = figures.of_everyone()
    cells = mask_sensitive_reason(decided)
    draft.write(
        folder / METHOD,
        _build_method_record(source, decided, auditor).model_dump_json(indent=2).encode(),
    )
    del decided
    counts = len(cells), int(np.sum(~cells["shown"]))
    with draft.open(folder / CELLS) as file:
        write_parquet(cells, file)
    # The differences take most memory and need the decisions alone, the other tables some cells.
    decisions = cells[[*CELL_KEYS, "reason"]]
    # Those of nation and cities: everyone in them, and groups that further tables have. Tests of
    # the nation are about every group.
    groups = select_special_groups([str(group) for group in cells["group"].unique()], source.series)
    level, few = cells["area_level"], [EVERYONE, *DRIVER_GROUPS, *groups]
    of_nation = cells[level == "nation"]
    cells = cells[level.isin(["nation", "city"]) & cells["group"].isin(few)]
    release_freed_memory()
    with draft.open(folder / GAPS) as file:
        groups_of_cities = _write_gaps(figures, decisions, file)
    del decisions
    for name, table in _iter_tables(figures, cells, of_nation, groups_of_cities):
        draft.write(folder / name, parquet_bytes(table))
        release_freed_memory()
    return counts


def decide_cells(
    source: WaveParts, audit_seconds: float = 0.0, public: PublicCells | None = None
) -> tuple[WaveEstimates, pd.DataFrame, IntervalAuditor]:
    """Return a wave's estimates, its cells protected given those once `public`, and their auditor.

    Arguments and errors are those of `write_tables`.
    """
    figures = estimate_wave(source)
    release_freed_memory()
    auditor = IntervalAuditor(work=audit_work_limit(audit_seconds))
    decided = None if public is None else _decide_as_before(figures, auditor, public)
    if decided is None:
        auditor = IntervalAuditor(work=auditor.work)
        decided = protected_cells(figures, auditor, public)
    release_freed_memory()
    return figures, decided, auditor


def _decide_as_before(
    figures: WaveEstimates, auditor: IntervalAuditor, public: PublicCells
) -> pd.DataFrame | None:
    """Return the cells as the gate decides them by itself if these are the `public` ones.

    Answers that have not changed hide what they hid. A gate that is told what was hidden protects
    that as well and hides more, though readers would learn no more than they know.
    """
    try:
        decided = protected_cells(figures, auditor)
    except RefusedError:
        return None
    release_freed_memory()
    return decided if is_as_public(decided, public) else None


def _write_gaps(figures: WaveEstimates, cells: pd.DataFrame, file: BinaryIO) -> pd.DataFrame:
    """Write differences, hidden as `cells` are, to `file`; return those that small areas need.

    Args:
        cells: the decisions of all cells.
    """
    source = figures.source
    keys = {
        name: pd.CategoricalDtype(sorted(cells[name].astype(str).unique())) for name in CELL_KEYS
    }
    keys["contrast"] = pd.CategoricalDtype(sorted(["rest", "nation", *PEERS]))
    keys["status"] = pd.CategoricalDtype(sorted(STATUSES))
    writer: pq.ParquetWriter | None = None
    levels: list[pa.Table] = []
    of_cities: list[pd.DataFrame] = []

    def protect_level(differences: pd.DataFrame) -> pd.DataFrame:
        release_freed_memory()
        return protected_gaps(differences, cells, source.areas)

    def to_rows(protected: pd.DataFrame) -> pa.Table:
        release_freed_memory()
        table = add_verdicts(protected).astype(keys)
        if writer is None:
            of_cities.append(select_modelled_gaps(table, source.series))
        return pa.Table.from_pandas(table, preserve_index=False)

    # A name for the differences would keep them until the next ones are there.
    protected_levels = map(protect_level, figures.differences())
    for number, rows in enumerate(map(to_rows, protected_levels), start=1):
        levels.append(rows)
        # Those of groups from the rest of their area, the first, are one contrast of all levels.
        if number < len(AREA_LEVELS):
            continue
        release_freed_memory()
        # The reader finds each contrast in row groups of its own.
        writer = writer or pq.ParquetWriter(file, rows.schema, compression="zstd")
        table = pa.concat_tables(levels)
        # Counted, since waiting for the next contrast would keep the largest table while that one
        # is computed.
        assert len(table["contrast"].unique()) <= 1, "levels of more than one contrast"
        writer.write_table(table)
        del table, rows
        levels.clear()
        release_freed_memory()
    assert writer is not None
    writer.close()
    return pd.concat(of_cities, ignore_index=True)


def _iter_tables(
    figures: WaveEstimates,
    cells: pd.DataFrame,
    of_nation: pd.DataFrame,
    groups_of_cities: pd.DataFrame,
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield (file name, table) of all further tables; `groups_of_cities`: gaps for small areas.

    All follow the decisions in `cells`.
    """
    source = figures.source
    yield (
        SMALL_AREAS,
        build_small_area_table(
            cells, groups_of_cities, source.cities, series=source.series, level=source.level
        ),
    )
    yield DRIVERS, build_driver_table(source, cells)
    yield from zip((RANKS, RANK_PAIRS), rank_tables(figures, cells), strict=True)
    yield HEADLINES, headline_table(figures, cells)
    of_cities = cells[cells["area_level"] == "city"]
    yield from iter_sheets(SheetSource(figures, pd.concat([of_nation, of_cities])))


def audit_work_limit(audit_seconds: float) -> int | None:
    """Return the limit of an audit's work for a number of seconds; None (no limit) for 0."""
    return round(audit_seconds * WORK_PER_SECOND) if audit_seconds else None


def _build_method_record(
    source: WaveParts, cells: pd.DataFrame, auditor: IntervalAuditor
) -> MethodRecord:
    design = source.design
    return MethodRecord(
        composite=source.composite,
        level=source.level,
        lonely_psu=design.lonely_psu,
        assumed_deff=design.assumed_deff,
        without_point=source.facts.without_point,
        df_rule=DF_RULE,
        minimum_n=MINIMUM_N,
        hidden=count_hidden_by_rule(cells),
        interval_audit=IntervalAuditMethod(
            seed=AUDIT_SEED,
            width=auditor.minimum,
            hidden=auditor.hidden,
            bases=auditor.slices,
            audited=auditor.audited,
            not_reached=auditor.hidden - auditor.audited,
            widened=auditor.initially_narrow,
            programmes=auditor.programmes,
        ),
        unreliable_below_n=MIN_ROWS,
        unreliable_below_df=MIN_DF,
        false_discovery_rate=Q,
        weighting=source.report,
        items={item.name: str(item.indicator) for item in source.instrument.scored_items},
        measures=source.measures,
        groups=source.groups,
        grouping=source.group_names,
        ranking=RANKING if source.plan.has_composite else None,
        small_areas=SmallAreaMethod(
            a_from_n=MIN_GRADE_A_N,
            a_half_width=GRADE_A_HALF_WIDTH,
            b_from_n=MIN_GRADE_B_N,
            fewest_cities=MIN_CITIES,
        ),
        drivers=_build_driver_method(source),
        fieldwork=source.fieldwork,
        change=ChangeMethod(false_discovery_rate=Q) if source.plan.has_composite else None,
        code_version=version("hundred-cities-survey"),
    )


def _build_driver_method(source: WaveParts) -> DriverMethod | None:
    if OVERALL not in source.instrument.by_name or not source.plan.has_composite:
        return None
    return DriverMethod(
        question=OVERALL, minimum_n=MIN_DRIVER_RESPONDENTS, replicates=REPLICATES, seed=SEED
    )
