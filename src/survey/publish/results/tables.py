"""The tables of a snapshot: estimated once, passed through the gate, written beside it."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from survey.disclosure import MINIMUM_N, hidden_by, published
from survey.publish.results.analysis import DF_RULE
from survey.publish.results.cells import Estimated, estimated
from survey.publish.results.drivers import MINIMUM_N as DRIVERS_FROM_N
from survey.publish.results.drivers import OVERALL, REPLICATES, SEED, drivers
from survey.publish.results.gate import protected_cells, protected_gaps
from survey.publish.results.headlines import headline_table
from survey.publish.results.method import ChangeMethod, DriverMethod, Method, SmallAreaMethod
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
from survey.snapshot.files import parquet_bytes, replace_file


def write_tables(folder: Path, source: Source) -> tuple[int, int]:
    """Write every table and the method into `folder`; return how many cells, how many hidden.

    Raises:
        NotEstimable: the responses do not carry the estimates.
    """
    figures = estimated(source)
    decided = protected_cells(figures)
    tables = _tables(figures, published(decided))
    for name, table in tables.items():
        replace_file(folder / name, parquet_bytes(table))
    replace_file(folder / METHOD, _method(source, decided).model_dump_json(indent=2).encode())
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


def _method(source: Source, cells: pd.DataFrame) -> Method:
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
        unreliable_below_n=30,
        unreliable_below_df=8,
        false_discovery_rate=Q,
        weighting=source.report,
        items={item.name: str(item.indicator) for item in source.instrument.scored_items},
        measures=source.measures,
        groups=tuple(source.memberships),
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
