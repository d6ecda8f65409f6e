"""The tables of a snapshot: estimated once, passed through the gate, written beside it."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from survey.disclosure import (
    MINIMUM_N,
    WORK_PER_SECOND,
    IntervalAuditor,
    hidden_by,
    published,
)
from survey.disclosure.interval_audit import SEED as AUDIT_SEED
from survey.publish.results.analysis import DF_RULE
from survey.publish.results.cells import Estimated, estimated
from survey.publish.results.drivers import MINIMUM_N as DRIVERS_FROM_N
from survey.publish.results.drivers import OVERALL, REPLICATES, SEED, drivers
from survey.publish.results.gate import protected_cells, protected_gaps
from survey.publish.results.headlines import headline_table
from survey.publish.results.method import (
    ChangeMethod,
    DriverMethod,
    IntervalAuditMethod,
    Method,
    SmallAreaMethod,
)
from survey.publish.results.ranks import RANKING, rank_tables
from survey.publish.results.small_areas import (
    FEWEST_CITIES,
    GRADE_A_FROM_N,
    GRADE_A_HALF_WIDTH,
    GRADE_B_FROM_N,
    small_areas,
)
from survey.publish.results.source import Source
from survey.publish.results.store import (
    CELLS,
    DRIVERS,
    GAPS,
    HEADLINES,
    METHOD,
    RANK_PAIRS,
    RANKS,
    SMALL_AREAS,
)
from survey.publish.results.verdicts import Q, with_verdicts
from survey.snapshot.files import parquet_bytes
from survey.snapshot.seals import SnapshotDraft


def write_tables(
    folder: Path, source: Source, draft: SnapshotDraft, audit_seconds: float = 0.0
) -> tuple[int, int]:
    """Draft every table and the method for `folder`; return how many cells, how many hidden.

    Args:
        audit_seconds: of one core, for the audit of intervals; they are counted as work, so that
            the tables are the same wherever they are made. 0: every cell.

    Raises:
        NotEstimable: the responses do not carry the estimates. NarrowIntervalError: hidden counts
        are known too closely.
    """
    figures = estimated(source)
    auditor = IntervalAuditor(work=work_of(audit_seconds))
    decided = protected_cells(figures, auditor)
    tables = _tables(figures, published(decided))
    for name, table in tables.items():
        draft.write(folder / name, parquet_bytes(table))
    draft.write(
        folder / METHOD, _method(source, decided, auditor).model_dump_json(indent=2).encode()
    )
    cells = tables[CELLS]
    return len(cells), int(np.sum(~cells["shown"]))


def _tables(figures: Estimated, cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """File name -> protected table; all others follow the decisions in `cells`."""
    source = figures.source
    gaps = with_verdicts(protected_gaps(figures.gaps, cells, source.areas))
    areas = small_areas(cells, gaps, source.cities, series=source.series, level=source.level)
    places, pairs = rank_tables(figures, cells)
    return {
        CELLS: cells,
        GAPS: gaps,
        SMALL_AREAS: areas,
        DRIVERS: drivers(source, cells),
        RANKS: places,
        RANK_PAIRS: pairs,
        HEADLINES: headline_table(figures, cells),
    }


def work_of(audit_seconds: float) -> int | None:
    """The work of an audit; None for no limit."""
    return round(audit_seconds * WORK_PER_SECOND) if audit_seconds else None


def _method(source: Source, cells: pd.DataFrame, auditor: IntervalAuditor) -> Method:
    design = source.design
    return Method(
        composite=source.composite,
        level=source.level,
        lonely_psu=design.lonely_psu,
        assumed_deff=design.assumed_deff,
        without_point=source.without_point,
        df_rule=DF_RULE,
        minimum_n=MINIMUM_N,
        hidden=hidden_by(cells),
        interval_audit=IntervalAuditMethod(
            seed=AUDIT_SEED,
            width=auditor.minimum,
            hidden=auditor.hidden,
            audited=auditor.audited,
            widened=auditor.found,
            programmes=auditor.programmes,
        ),
        unreliable_below_n=30,
        unreliable_below_df=8,
        false_discovery_rate=Q,
        weighting=source.report,
        items={item.name: str(item.indicator) for item in source.instrument.scored_items},
        measures=source.measures,
        groups=tuple(source.memberships),
        grouping=source.group_words,
        ranking=RANKING if source.plan.has_composite else None,
        small_areas=SmallAreaMethod(
            a_from_n=GRADE_A_FROM_N,
            a_half_width=GRADE_A_HALF_WIDTH,
            b_from_n=GRADE_B_FROM_N,
            fewest_cities=FEWEST_CITIES,
        ),
        drivers=_drivers(source),
        change=ChangeMethod(false_discovery_rate=Q) if source.plan.has_composite else None,
        code_version=version("hundred-cities-survey"),
    )


def _drivers(source: Source) -> DriverMethod | None:
    if OVERALL not in source.instrument.by_name or not source.plan.has_composite:
        return None
    return DriverMethod(
        question=OVERALL, minimum_n=DRIVERS_FROM_N, replicates=REPLICATES, seed=SEED
    )
