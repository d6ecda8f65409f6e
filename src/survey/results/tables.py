"""Tables of a snapshot: estimated once, passed through the gate, written beside it."""

from importlib.metadata import version
from io import BytesIO
from pathlib import Path

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
from survey.estimate.variance import MIN_DF, MIN_ROWS, STATUSES
from survey.results.analysis import DF_RULE
from survey.results.disclosure_inputs import protected_cells, protected_gaps
from survey.results.drivers import (
    MIN_DRIVER_RESPONDENTS,
    OVERALL,
    REPLICATES,
    SEED,
    build_driver_table,
)
from survey.results.headlines import headline_table
from survey.results.inference import Q, add_verdicts
from survey.results.method import (
    ChangeMethod,
    DriverMethod,
    IntervalAuditMethod,
    MethodRecord,
    SmallAreaMethod,
)
from survey.results.ranks import RANKING, rank_tables
from survey.results.small_areas import (
    GRADE_A_HALF_WIDTH,
    MIN_CITIES,
    MIN_GRADE_A_N,
    MIN_GRADE_B_N,
    build_small_area_table,
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
from survey.snapshot.seals import SnapshotDraft
from survey.snapshot.snapshot_files import parquet_bytes


def write_tables(
    folder: Path, source: WaveParts, draft: SnapshotDraft, audit_seconds: float = 0.0
) -> tuple[int, int]:
    """Draft every table and the method for `folder`; return numbers of cells and hidden cells.

    Args:
        audit_seconds: of one core, for the audit of intervals; they are counted as work, so that
            the tables are the same wherever they are made. 0: every cell.

    Raises:
        NotEstimableError: the responses do not carry the estimates.
        NarrowIntervalError: hidden counts are known too closely.
    """
    figures, decided, auditor = decide_cells(source, audit_seconds)
    cells = mask_sensitive_reason(decided)
    draft.write(
        folder / METHOD, _method_record(source, decided, auditor).model_dump_json(indent=2).encode()
    )
    del decided
    draft.write(folder / CELLS, parquet_bytes(cells))
    gaps, groups_of_cities = _write_gaps(figures, cells)
    draft.write(folder / GAPS, gaps)
    for name, table in _build_tables(figures, cells, groups_of_cities).items():
        draft.write(folder / name, parquet_bytes(table))
    return len(cells), int(np.sum(~cells["shown"]))


def decide_cells(
    source: WaveParts, audit_seconds: float = 0.0
) -> tuple[WaveEstimates, pd.DataFrame, IntervalAuditor]:
    """Estimate a wave and return it with its cells behind the gate, and the auditor of these.

    Arguments and errors are those of `write_tables`.
    """
    figures = estimate_wave(source)
    auditor = IntervalAuditor(work=audit_work_limit(audit_seconds))
    return figures, protected_cells(figures, auditor), auditor


def _write_gaps(figures: WaveEstimates, cells: pd.DataFrame) -> tuple[bytes, pd.DataFrame]:
    """Return the file of protected differences, and those of groups from the rest of their city."""
    source = figures.source
    keys = {
        name: pd.CategoricalDtype(sorted(cells[name].astype(str).unique())) for name in CELL_KEYS
    }
    keys["contrast"] = pd.CategoricalDtype(sorted(["rest", "nation", *PEERS]))
    keys["status"] = pd.CategoricalDtype(sorted(STATUSES))
    buffer, writer = BytesIO(), None
    of_cities: pd.DataFrame | None = None
    for differences in figures.differences():
        table = add_verdicts(protected_gaps(differences, cells, source.areas)).astype(keys)
        rows = pa.Table.from_pandas(table, preserve_index=False)
        # The reader finds each contrast in row groups of its own.
        writer = writer or pq.ParquetWriter(buffer, rows.schema, compression="zstd")
        writer.write_table(rows)
        # The first are those from the rest; others may be empty, where no city has a tier.
        if of_cities is None:
            of_cities = table[table["area_level"] == "city"]
    assert writer is not None
    assert of_cities is not None
    writer.close()
    return buffer.getvalue(), of_cities


def _build_tables(
    figures: WaveEstimates, cells: pd.DataFrame, groups_of_cities: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return the other protected tables by file name; all follow the decisions in `cells`."""
    source = figures.source
    areas = build_small_area_table(
        cells, groups_of_cities, source.cities, series=source.series, level=source.level
    )
    rank_table, pairs = rank_tables(figures, cells)
    return {
        SMALL_AREAS: areas,
        DRIVERS: build_driver_table(source, cells),
        RANKS: rank_table,
        RANK_PAIRS: pairs,
        HEADLINES: headline_table(figures, cells),
    }


def audit_work_limit(audit_seconds: float) -> int | None:
    """Return the work of an audit; None for no limit."""
    return round(audit_seconds * WORK_PER_SECOND) if audit_seconds else None


def _method_record(
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
            audited=auditor.audited,
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
        drivers=_driver_method(source),
        fieldwork=source.fieldwork,
        change=ChangeMethod(false_discovery_rate=Q) if source.plan.has_composite else None,
        code_version=version("hundred-cities-survey"),
    )


def _driver_method(source: WaveParts) -> DriverMethod | None:
    if OVERALL not in source.instrument.by_name or not source.plan.has_composite:
        return None
    return DriverMethod(
        question=OVERALL, minimum_n=MIN_DRIVER_RESPONDENTS, replicates=REPLICATES, seed=SEED
    )
