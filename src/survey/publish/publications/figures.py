"""Published figures with stable ids (`figures.csv`), and what a correction changes of them."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.access.principal import Principal
from survey.locale import RefusedError, msg
from survey.publish.figure_table import KEYS, RANK, VALUES, list_figures
from survey.results import WaveInfo, WaveResults
from survey.spreadsheets import csv_cell, csv_row

FIGURE_COLUMNS = ("id", "wave", *KEYS, *VALUES, "mark")
DEMO_MARK = "demonstration"
_HEAD = ",".join(FIGURE_COLUMNS)


@dataclass(frozen=True)
class Figure:
    """Published figure by its id; values as they were printed."""

    id: str
    measure: str
    values: Mapping[str, str]


def build_figures(
    results: WaveResults, reader: Principal, earlier: Sequence[WaveInfo] = ()
) -> bytes:
    """Return `figures.csv`: every figure that the reader may see, hidden ones left out.

    Args:
        earlier: waves that the changes are from.

    Raises:
        RefusedError: two figures have the same id.
    """
    lines, ids = [_HEAD], set[str]()
    for figures in list_figures(results, reader, earlier):
        shown = figures[figures["shown"]]
        known = len(ids)
        ids.update(shown["id"])
        if len(ids) != known + len(shown):
            raise RefusedError("figure_id_twice", msg("Two figures would have the same id."))
        lines += _format_lines(results, shown)
    return ("\n".join(lines) + "\n").encode()


def _format_lines(results: WaveResults, figures: pd.DataFrame) -> Iterator[str]:
    """Return a line of `figures.csv` for every figure."""
    wave, mark = results.wave.key, DEMO_MARK if results.wave.is_demo else ""
    digits = 0 if (figures["measure"] == RANK).all() else 1
    columns = [
        map(_format_cell, figures["id"]),
        np.full(len(figures), _format_cell(wave), dtype=object),
        *(_write_each_once(figures[name], _format_cell) for name in KEYS),
        *(
            _write_each_once(figures[name], lambda value: _format_number(value, digits))
            for name in VALUES[:-1]
        ),
        _write_each_once(figures["n"], lambda value: _format_number(value, 0)),
        np.full(len(figures), mark, dtype=object),
    ]
    return map(",".join, zip(*columns, strict=True))


def _write_each_once(column: pd.Series, write: Callable[[Any], str]) -> NDArray[Any]:
    """Return every value as `write` writes it, called once for each distinct one."""
    codes, distinct = pd.factorize(column.to_numpy())
    written = np.array([*map(write, distinct), ""], dtype=object)
    result: NDArray[Any] = written[codes]
    return result


def _format_cell(text: Any) -> str:
    """Return a text as a cell of one line."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="").writerow([csv_cell(" ".join(str(text).splitlines()))])
    return buffer.getvalue()


def _format_number(value: Any, digits: int) -> str:
    return "" if pd.isna(value) else f"{float(value):.{digits}f}"


def find_figure(data: bytes, figure_id: str) -> Figure | None:
    """Return one figure of a `figures.csv`; None where it has no such id."""
    start = f"{_format_cell(figure_id)},".encode()
    lines = (line for line in io.BytesIO(data) if line.startswith(start))
    return next(iter(_parse_lines(data, lines).values()), None)


def _parse_lines(data: bytes, lines: Iterable[bytes]) -> dict[str, Figure]:
    """Return the figures in some lines of a `figures.csv`."""
    return {
        row["id"]: Figure(row["id"], row["measure"], {name: row[name] for name in VALUES})
        for row in _iter_rows(data, lines)
    }


def _list_measures(data: bytes) -> set[str]:
    return {row["measure"] for row in _iter_rows(data, io.BytesIO(data))}


def _iter_rows(data: bytes, lines: Iterable[bytes]) -> Iterator[dict[str, str]]:
    """Yield the rows in some lines of a `figures.csv`, by column."""
    head = data.partition(b"\n")[0].decode().split(",")
    rows = csv.DictReader((line.decode() for line in lines), fieldnames=head)
    return (row for row in rows if row["id"] != head[0])


@dataclass(frozen=True)
class Erratum:
    """Figure before and after a correction; without any values where the correction hides it.

    What is hidden may have told something of somebody, so its old values are not repeated.
    """

    figure: str
    before: Mapping[str, str]
    after: Mapping[str, str]

    @property
    def is_hidden(self) -> bool:
        """Whether the correction hides the figure."""
        return not self.after

    @property
    def is_added(self) -> bool:
        """Whether the figure was hidden before."""
        return bool(self.after) and not self.before


def find_errata(before: bytes, after: bytes) -> tuple[Erratum, ...]:
    """Return the figures that differ between two `figures.csv` of a wave, by id.

    A figure of a kind that the earlier file has none of is no erratum: it was not published there
    and not hidden either.
    """
    old_lines, new_lines = set(before.splitlines()), set(after.splitlines())
    old = _parse_lines(before, sorted(old_lines - new_lines))
    new = _parse_lines(after, sorted(new_lines - old_lines))
    kinds = _list_measures(before) if new.keys() - old.keys() else set()
    nothing: Mapping[str, str] = {}
    pairs = (
        Erratum(
            figure_id,
            old[figure_id].values if figure_id in old and figure_id in new else nothing,
            new[figure_id].values if figure_id in new else nothing,
        )
        for figure_id in sorted(old.keys() | new.keys())
        if figure_id in old or new[figure_id].measure in kinds
    )
    return tuple(
        erratum for erratum in pairs if erratum.is_hidden or erratum.before != erratum.after
    )


def format_errata(
    errata: tuple[Erratum, ...], summary: str, before_release: str, reason: str
) -> bytes:
    """Return `errata.csv`: a line of summary, then a table.

    A figure that is hidden has no values in it.

    Args:
        before_release: id of the release that they differ from.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(csv_row((summary,)))
    writer.writerow(
        (
            "id",
            *(f"{name}_before" for name in VALUES),
            *(f"{name}_after" for name in VALUES),
            "before_release",
            "reason",
        )
    )
    for erratum in errata:
        values = [side.get(name, "") for side in (erratum.before, erratum.after)
                  for name in VALUES]  # fmt: skip
        writer.writerow(csv_row((erratum.figure, *values, before_release, reason)))
    return buffer.getvalue().encode()
