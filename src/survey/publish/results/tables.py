"""The tables of a snapshot: estimated once, passed through the gate, written beside it."""

from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
import pandas as pd

from survey.disclosure import MINIMUM_N, protect
from survey.publish.results.cells import Estimated, estimated
from survey.publish.results.method import Method
from survey.publish.results.source import Source
from survey.publish.results.store import CELLS, GAPS, METHOD
from survey.snapshot.files import parquet_bytes


def write_tables(folder: Path, source: Source) -> tuple[int, int]:
    """Write every table and the method into `folder`; return how many cells, how many hidden.

    Raises:
        NotEstimable: the responses do not carry the estimates.
    """
    tables = _tables(estimated(source))
    for name, table in tables.items():
        _replace(folder / name, parquet_bytes(table))
    _replace(folder / METHOD, _method(source).model_dump_json(indent=2).encode())
    cells = tables[CELLS]
    return len(cells), int(np.sum(~cells["shown"]))


def _tables(figures: Estimated) -> dict[str, pd.DataFrame]:
    """File name -> protected table."""
    return {
        CELLS: protect(figures.cells),
        GAPS: protect(figures.gaps, counts=("n_reference",)),
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
        code_version=version("hundred-cities-survey"),
    )


def _replace(path: Path, data: bytes) -> None:
    """Write beside and rename, so that a reader sees the old file or the new one."""
    with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as draft:
        draft.write(data)
    target = Path(draft.name)
    target.chmod(0o644)
    target.replace(path)
