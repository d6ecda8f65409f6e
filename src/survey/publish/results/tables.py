"""The tables of a snapshot: estimated once, passed through the gate, written beside it."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from survey.disclosure import MINIMUM_N, protect
from survey.publish.results.cells import Estimated, estimated
from survey.publish.results.drivers import drivers
from survey.publish.results.headlines import headline_table
from survey.publish.results.method import Method
from survey.publish.results.ranks import RANKING, rank_table
from survey.publish.results.small_areas import small_areas
from survey.publish.results.source import Source
from survey.publish.results.store import (
    CELLS,
    DRIVERS,
    GAPS,
    HEADLINES,
    METHOD,
    RANKS,
    SMALL_AREAS,
)
from survey.snapshot.files import parquet_bytes, replace_file


def write_tables(folder: Path, source: Source) -> tuple[int, int]:
    """Write every table and the method into `folder`; return how many cells, how many hidden.

    Raises:
        NotEstimable: the responses do not carry the estimates.
    """
    tables = _tables(estimated(source))
    for name, table in tables.items():
        replace_file(folder / name, parquet_bytes(table))
    replace_file(folder / METHOD, _method(source).model_dump_json(indent=2).encode())
    cells = tables[CELLS]
    return len(cells), int(np.sum(~cells["shown"]))


def _tables(figures: Estimated) -> dict[str, pd.DataFrame]:
    """File name -> protected table."""
    source = figures.source
    cells, gaps = protect(figures.cells), protect(figures.gaps, counts=("n_reference",))
    areas = small_areas(cells, gaps, source.cities, series=source.series, level=source.level)
    return {
        CELLS: cells,
        GAPS: gaps,
        SMALL_AREAS: areas,
        DRIVERS: drivers(source, cells),
        RANKS: rank_table(figures, cells),
        HEADLINES: headline_table(figures, cells),
    }


def _method(source: Source) -> Method:
    design = source.design
    return Method(
        composite=source.composite,
        level=source.level,
        lonely_psu=design.lonely_psu,
        assumed_deff=design.assumed_deff,
        minimum_n=MINIMUM_N,
        unreliable_below_n=30,
        unreliable_below_df=8,
        weighting=source.report,
        items={item.name: str(item.indicator) for item in source.instrument.scored_items},
        measures=source.measures,
        groups=tuple(source.memberships),
        ranking=RANKING if source.plan.has_composite else None,
        code_version=version("hundred-cities-survey"),
    )
