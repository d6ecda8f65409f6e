"""Making of the method sheets of a wave when it is frozen, behind the decisions of the gate."""

from collections.abc import Callable, Iterator, Mapping

import pandas as pd

from survey.disclosure import propagate_suppression
from survey.estimate.arrays import limit_to_one_thread
from survey.results.association import build_association
from survey.results.bridge import build_bridge
from survey.results.error_budget import build_error_budget
from survey.results.fairness import build_fairness
from survey.results.measurement import build_measurement
from survey.results.method_sheets import (
    ASSOCIATION,
    BRIDGE,
    ERRORS,
    FAIRNESS,
    KEYS,
    MEASUREMENT,
    MODE_EXPERIMENT,
    OBSTACLE,
    SHEETS,
    SPREAD,
    MethodSheet,
)
from survey.results.mode_experiment import build_mode_experiment
from survey.results.sheet_source import SheetSource
from survey.results.spread import build_spread
from survey.results.table_columns import ColumnTypes

BUILDERS: Mapping[str, Callable[[SheetSource], pd.DataFrame]] = {
    FAIRNESS.key: build_fairness,
    MODE_EXPERIMENT.key: build_mode_experiment,
    MEASUREMENT.key: build_measurement,
    ERRORS.key: build_error_budget,
    SPREAD.key: build_spread,
    BRIDGE.key: build_bridge,
    ASSOCIATION.key: build_association,
}
"""Sheet -> function that returns its rows: `KEYS`, its own columns, and the obstacle; a row that
the function hid itself has `shown` and `reason`."""


def iter_sheets(source: SheetSource) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield (file name, table) of every sheet; a row follows the decision on its cell."""
    for sheet in SHEETS.values():
        yield sheet.file, make_sheet(sheet, source)


def make_sheet(sheet: MethodSheet, source: SheetSource) -> pd.DataFrame:
    """Return the table of one sheet, hidden where its cells are."""
    with limit_to_one_thread():
        table = BUILDERS[sheet.key](source)
    return finish_sheet(sheet, table, source.cells)


def finish_sheet(sheet: MethodSheet, table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with every column of the sheet, hidden where their cell is hidden."""
    columns = [*KEYS, *sheet.columns, OBSTACLE]
    texts = tuple(name for name in columns if name not in sheet.numbers)
    kept = [name for name in ("shown", "reason") if name in table]
    whole = table.reindex(columns=[*columns, *kept])
    words = [*texts, *kept]
    whole = whole.astype(dict.fromkeys(words, object)).fillna(dict.fromkeys(words, ""))
    # A row of no line says why there is no sheet: it is about no cell.
    is_line = whole["line"] != ""
    protected = propagate_suppression(whole[is_line], cells, figures=sheet.numbers)
    protected = pd.concat(
        [whole[~is_line].assign(shown=True, reason=""), protected.astype({"reason": object})],
        ignore_index=True,
    )
    return ColumnTypes((*texts, "reason"), sheet.numbers).cast(protected)
