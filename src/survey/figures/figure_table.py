"""Published figures of a wave as tables of one form, by figure or by column, each with its id.

Scores, shares, ranks, differences, changes, importance and model figures are read as every page
reads them, through the gate, the embargo and the area of the reader. The id is made of what the
figure is about, so that it is the same in every file and in every release of the wave.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Unpack

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from survey.access.principal import Principal
from survey.estimate.tree import COMPOSITE
from survey.figures.text_lines import CodedTexts, iter_line_bytes
from survey.frame.quotas import EVERYONE
from survey.locale.figures import format_quantity
from survey.results import WaveInfo, WaveResults
from survey.results.wave_results import CellFilters, ChangeNotComputedError, Filter
from survey.spreadsheets import escape_formula

BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheet programs misread Chinese."""

Columns = Mapping[str, Sequence[Any] | NDArray[Any]]
"""Column name -> values, all of one length."""


def to_list(values: Sequence[Any] | NDArray[Any]) -> list[Any]:
    """Return the values of a column as a list of plain Python objects."""
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def concat_columns(parts: Iterable[Columns]) -> dict[str, list[Any]]:
    """Return tables with the same columns as one table, one below the other."""
    result: dict[str, list[Any]] = {}
    for part in parts:
        for name, values in part.items():
            result.setdefault(name, []).extend(to_list(values))
    return result


def to_frame(columns: Columns) -> pd.DataFrame:
    """Return the columns of a table as a data frame; numeric arrays keep their type."""
    return pd.DataFrame(
        {
            name: values if isinstance(values, np.ndarray) else pd.Series(values, dtype=object)
            for name, values in columns.items()
        }
    )


def to_arrow(columns: Columns) -> pa.Table:
    """Return the columns of a table as Arrow for the browser; not-a-number becomes null."""
    return pa.table({name: pa.array(v, from_pandas=True) for name, v in columns.items()})


def format_for_screen(columns: Columns, absent: str = "–") -> pa.Table:
    """Return a table as texts: one decimal, thousands separated, `absent` for a missing value.

    What rounds to zero has no sign.
    """
    shown = {
        name: [_format_value(value, absent) for value in to_list(values)]
        for name, values in columns.items()
    }
    return pa.table({name: pa.array(texts, pa.string()) for name, texts in shown.items()})


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _format_value(value: object, absent: str) -> str:
    if isinstance(value, str):
        return value
    if _is_missing(value):
        return absent
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return format_quantity(value, 1)
    if isinstance(value, int):
        return f"{value:,d}"
    return str(value)


def csv_bytes(table: pd.DataFrame, remarks: Sequence[str] = ()) -> bytes:
    """Return a table as UTF-8 CSV with byte order mark; `remarks` are lines above the column heads.

    Text that a spreadsheet would run as a formula is made harmless with an apostrophe; numbers
    stay numbers, with four decimals.
    """
    heads = [_quote_cell(escape_formula(remark)) for remark in remarks]
    heads.append(",".join(_quote_cell(escape_formula(str(name))) for name in table.columns))
    above = BYTE_ORDER_MARK + "".join(f"{line or EMPTY_LINE}{_LINE_END}" for line in heads)
    count = table.shape[1]
    if not count:
        return (above + f"{EMPTY_LINE}{_LINE_END}" * len(table)).encode()
    empty = EMPTY_LINE if count == 1 else ""

    def cell(value: object, end: str) -> str:
        return (_format_csv_cell(value) or empty) + end

    ends = [","] * (count - 1) + [_LINE_END]
    columns = [
        CodedTexts.of(table.iloc[:, place], partial(cell, end=end))
        for place, end in enumerate(ends)
    ]
    return b"".join((above.encode(), *iter_line_bytes(columns)))


_LINE_END = "\r\n"
EMPTY_LINE = '""'
"""Line of a row whose only cell is empty; an empty line would be no row."""
_NEEDS_QUOTES = re.compile('[,"\r\n]')


def _format_csv_cell(value: object) -> str:
    if _is_missing(value):
        return ""
    if isinstance(value, float):
        return str(round(value, 4) + 0.0)
    if isinstance(value, int):
        return str(value)
    return _quote_cell(escape_formula(str(value)))


def _quote_cell(text: str) -> str:
    """Return the text of a CSV cell, quoted where it holds a comma, a quote or a line break."""
    if not _NEEDS_QUOTES.search(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


KEYS = ("area_level", "area", "indicator", "group", "measure")
VALUES = ("estimate", "ci_low", "ci_high", "n")
SCORE, SHARE, RANK, IMPORTANCE, AGREEMENT, MODEL = (
    "score", "share", "rank", "importance", "agreement", "model",
)  # fmt: skip
GAP, CHANGE = "gap", "change"
"""First word of the measure of a difference; what it is from follows: `gap.nation`."""
_LEVELS_BY_CODE = frozenset({"nation", "city"})
"""Levels whose codes are known without naming the level."""
_NOT_IN_A_WORD = re.compile(r"[^\w.\-]+")


def format_figure_id(
    *,
    wave: str,
    area_level: str,
    area: str,
    measure: str,
    indicator: str = COMPOSITE,
    group: str = EVERYONE,
) -> str:
    """Return the id of a figure, such as `main-2026-110000-1.2-all-score`.

    Regions and tiers name their level, as `main-2026-province.32-1.2-all-score`. Signs that would
    end a word in an address become `_`, so an id can stand in a link and in a footnote.
    """
    place = format_area(area_level, area)
    return "-".join(map(_replace_separators, (wave, place, indicator or COMPOSITE, group, measure)))


def gap_measure(contrast: str) -> str:
    return f"{GAP}.{contrast}"


def change_measure(before_wave: str) -> str:
    return f"{CHANGE}.{before_wave}"


def list_figures(
    results: WaveResults, reader: Principal, earlier: Sequence[WaveInfo] = ()
) -> Iterator[pd.DataFrame]:
    """Yield tables of the figures that a reader may see, by kind; changes are from `earlier` waves.

    Columns: id, `KEYS`, `VALUES`, deff, status, shown. A row that is not shown has no figures.

    Args:
        earlier: waves that the changes are from; those that were not computed are left out.
    """
    yield read_scores(results, reader)
    yield read_ranks(results, reader)
    yield read_gaps(results, reader, None)
    for before in earlier:
        with suppress(ChangeNotComputedError):
            yield read_changes(results, reader, before)
    yield from read_importance(results, reader)
    yield read_models(results, reader)


def read_scores(
    results: WaveResults, reader: Principal, **keys: Unpack[CellFilters]
) -> pd.DataFrame:
    """Return the scores and the shares of answers (per cent) that a reader may see, with ids."""
    cells = results.cells(reader, **keys)
    shares = [measure.key for measure in results.method.measures if measure.choices]
    is_share = cells["indicator"].isin(shares).to_numpy(dtype=bool)
    return _build_figures(results, cells, np.where(is_share, SHARE, SCORE))


def read_ranks(
    results: WaveResults, reader: Principal, *, indicator: Filter = None
) -> pd.DataFrame:
    """Return the ranks of the cities; the interval holds the first and the last possible rank."""
    filters: CellFilters = {} if indicator is None else {"indicator": indicator}
    ranks = results.ranks(reader, **filters)
    table = ranks.assign(group=EVERYONE, estimate=ranks["rank"], ci_low=ranks["low"],
                         ci_high=ranks["high"])  # fmt: skip
    return _drop_unavailable(_build_figures(results, table, RANK))


def read_gaps(
    results: WaveResults, reader: Principal, contrast: Filter, **keys: Unpack[CellFilters]
) -> pd.DataFrame:
    """Return differences from the reference `contrast`, such as the nation; None takes all."""
    gaps = results.gaps(reader, contrast=contrast, **keys)
    measures = _map_distinct(gaps["contrast"], gap_measure)
    return _drop_unavailable(
        _build_figures(results, gaps.assign(estimate=gaps["difference"]), measures)
    )


def read_changes(
    results: WaveResults, reader: Principal, before: WaveInfo, **keys: Unpack[CellFilters]
) -> pd.DataFrame:
    """Return changes of figures since the wave `before`; n counts the interviews of the later one.

    Raises:
        ChangeNotComputedError: nothing has been computed for the two snapshots.
    """
    changes = results.changes(reader, before=before, **keys)
    table = changes.assign(estimate=changes["difference"], n=changes["n_after"])
    return _drop_unavailable(_build_figures(results, table, change_measure(before.key)))


def find_verdicts(
    results: WaveResults, reader: Principal, earlier: Sequence[WaveInfo] = ()
) -> dict[str, str]:
    """Return (figure id -> verdict) of shown differences, and of changes since the `earlier` waves.

    Args:
        earlier: waves that the changes are from; those that were not computed are left out.
    """
    gaps = results.gaps(reader, contrast=None)
    tables = [(gaps, _map_distinct(gaps["contrast"], gap_measure))]
    for before in earlier:
        with suppress(ChangeNotComputedError):
            changes = results.changes(reader, before=before)
            tables.append((changes, np.full(len(changes), change_measure(before.key), object)))
    found: dict[str, str] = {}
    for table, measures in tables:
        shown = table["shown"].to_numpy(dtype=bool)
        ids = _build_figures(results, table, measures)["id"].to_numpy()
        verdicts = table["verdict"].astype(str).to_numpy()
        found.update(zip(ids[shown], verdicts[shown], strict=True))
    return found


def read_importance(
    results: WaveResults, reader: Principal, **keys: Unpack[CellFilters]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the importance of indicators, and how often each is among the first three."""
    drivers = results.drivers(reader, **keys).assign(status="")
    importance = drivers.assign(estimate=drivers["importance"], ci_low=drivers["importance_low"],
                                ci_high=drivers["importance_high"])  # fmt: skip
    agreement = drivers.assign(estimate=drivers["agreement"], ci_low=np.nan, ci_high=np.nan)
    return (
        _drop_unavailable(_build_figures(results, importance, IMPORTANCE)),
        _drop_unavailable(_build_figures(results, agreement, AGREEMENT)),
    )


def read_models(
    results: WaveResults, reader: Principal, **keys: Unpack[CellFilters]
) -> pd.DataFrame:
    """Return model estimates of special groups by city; n counts the group's own interviews.

    They rest on the other cities and are given where the direct figure is hidden, without its n.
    """
    areas = results.small_areas(reader, **keys)
    shown = areas["shown"].astype(bool) | areas["model"].notna()
    table = areas.assign(estimate=areas["model"], ci_low=areas["model_low"],
                         ci_high=areas["model_high"], status="", shown=shown)  # fmt: skip
    return _drop_unavailable(_build_figures(results, table, MODEL))


def _build_figures(
    results: WaveResults, table: pd.DataFrame, measures: str | NDArray[Any]
) -> pd.DataFrame:
    """Return rows of a results table with the columns of `list_figures`, `measures` among them."""
    figures = pd.DataFrame(index=pd.RangeIndex(len(table)))
    for name in KEYS[:-1]:
        figures[name] = _map_distinct(table[name], str)
    figures["measure"] = measures
    for name in (*VALUES, "deff"):
        figures[name] = table[name].to_numpy(dtype=float) if name in table else np.nan
    figures["status"] = table["status"].astype(str).to_numpy() if "status" in table else ""
    figures["shown"] = table["shown"].to_numpy(dtype=bool)
    figures.insert(0, "id", _format_ids(results.wave.key, figures))
    return figures


def _drop_unavailable(figures: pd.DataFrame) -> pd.DataFrame:
    """Return the figures without those that are shown but have no estimate."""
    kept = ~figures["shown"] | figures["estimate"].notna()
    return figures[kept].reset_index(drop=True)


def _format_ids(wave: str, figures: pd.DataFrame) -> NDArray[Any]:
    """Return the figure id of every row; each distinct part of an id is formatted only once."""
    levels = figures["area_level"].to_numpy()
    prefixes = _map_distinct(levels, lambda level: format_area(level, ""))
    places = _map_distinct(prefixes + figures["area"].to_numpy(), _replace_separators)
    indicators = _map_distinct(
        figures["indicator"], lambda code: _replace_separators(code or COMPOSITE)
    )
    groups = _map_distinct(figures["group"], _replace_separators)
    measures = _map_distinct(figures["measure"], _replace_separators)
    ids: NDArray[Any] = (
        f"{_replace_separators(wave)}-" + places + "-" + indicators + "-" + groups + "-" + measures
    )
    return ids


def _map_distinct(column: Any, write: Callable[[str], str]) -> NDArray[Any]:
    """Return `write(text)` for every text of a column, calling it once for each distinct text."""
    codes, distinct = pd.factorize(np.asarray(column, dtype=object))
    written = np.array([write(str(text)) for text in distinct] or [""], dtype=object)
    result: NDArray[Any] = written[codes]
    return result


def format_area(level: str, area: str) -> str:
    return area if level in _LEVELS_BY_CODE else f"{level}.{area}"


def _replace_separators(text: str) -> str:
    return _NOT_IN_A_WORD.sub("_", text)
