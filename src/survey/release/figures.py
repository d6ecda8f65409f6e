"""Published figures with stable ids (`figures.csv`), what a correction changes, and its sum."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from survey.access.principal import Principal
from survey.estimate.tree import COMPOSITE
from survey.figures.figure_table import KEYS, RANK, SCORE, VALUES, list_figures
from survey.frame.quotas import EVERYONE
from survey.locale import LANGUAGES, Message, RefusedError, Translator, msg, translator
from survey.results import WaveInfo, WaveResults
from survey.spreadsheets import csv_cell, csv_row

RELEASED_COLUMNS = ("id", "wave", *KEYS, *VALUES, "mark")
ERRATA_COLUMNS = (
    "id", *(f"{name}_before" for name in VALUES), *(f"{name}_after" for name in VALUES),
    "before_release", "reason",
)  # fmt: skip
DEMO_MARK = "demonstration"
_HEAD = ",".join(RELEASED_COLUMNS)
_PLAIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:=+-]*")


@dataclass(frozen=True)
class Figure:
    """One row of `figures.csv`: id, measure, and values as they were printed."""

    id: str
    measure: str
    values: Mapping[str, str]


def build_figures(
    results: WaveResults, reader: Principal, earlier: Sequence[WaveInfo] = ()
) -> bytes:
    """Return `figures.csv` as bytes: figures that `reader` may see, changes since waves `earlier`.

    Args:
        earlier: waves that the changes are from.

    Raises:
        RefusedError: two figures have the same id.
    """
    lines, ids = [_HEAD], set[str]()
    for figures in list_figures(results, reader, earlier):
        shown = figures[figures["shown"]]
        known = len(ids)
        ids.update(shown["id"].tolist())
        if len(ids) != known + len(shown):
            raise RefusedError("figure_id_twice", msg("Two figures would have the same id."))
        lines += _format_lines(results, shown)
    return ("\n".join(lines) + "\n").encode()


def _format_lines(results: WaveResults, figures: pd.DataFrame) -> Iterator[str]:
    """Return an iterator of lines of `figures.csv`, one per row of `figures`, without line end."""
    wave, mark = results.wave.key, DEMO_MARK if results.wave.is_demo else ""
    digits = 0 if (figures["measure"] == RANK).all() else 1
    columns = [
        map(_format_cell, figures["id"].tolist()),
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
    """Return the column's values as texts by `write`, which is called once per distinct value."""
    codes, distinct = pd.factorize(column.to_numpy())
    written = np.array([*map(write, distinct), ""], dtype=object)
    result: NDArray[Any] = written[codes]
    return result


def _format_cell(text: Any) -> str:
    """Return a value as one quoted CSV cell, its line breaks replaced by blanks."""
    cell = str(text)
    if _PLAIN.fullmatch(cell):
        return cell  # Neither quoted nor escaped: nearly every id, of which there are many.
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="").writerow([csv_cell(" ".join(cell.splitlines()))])
    return buffer.getvalue()


def _format_number(value: Any, digits: int) -> str:
    return "" if pd.isna(value) else f"{float(value):.{digits}f}"


def find_figure(data: bytes, figure_id: str) -> Figure | None:
    """Return the figure of an id from the bytes of a `figures.csv`; None if it has none."""
    start = f"{_format_cell(figure_id)},".encode()
    lines = (line for line in io.BytesIO(data) if line.startswith(start))
    return next(iter(_parse_lines(data, lines).values()), None)


def _parse_lines(data: bytes, lines: Iterable[bytes]) -> dict[str, Figure]:
    """Parse `lines` of a `figures.csv` into `id -> Figure`; `data`: the whole, for its heading."""
    return {
        row["id"]: Figure(row["id"], row["measure"], {name: row[name] for name in VALUES})
        for row in _iter_rows(data, lines)
    }


def _iter_rows(data: bytes, lines: Iterable[bytes]) -> Iterator[dict[str, str]]:
    """Yield `lines` of a `figures.csv` as dicts by column; `data`: the whole, for its heading."""
    head = data.partition(b"\n")[0].decode().split(",")
    rows = csv.DictReader((line.decode() for line in lines), fieldnames=head)
    return (row for row in rows if row["id"] != head[0])


@dataclass(frozen=True)
class Erratum:
    """Printed values of a figure before and after a correction; both empty if now hidden.

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
        """Whether the correction shows a figure that was hidden before."""
        return bool(self.after) and not self.before


def find_errata(before: bytes, after: bytes) -> tuple[Erratum, ...]:
    """Return the figures that differ between two `figures.csv` of a wave, sorted by id.

    A figure of a kind that the earlier file has none of is no erratum: it was not published there
    and not hidden either.
    """
    old_lines, new_lines = set(before.splitlines()), set(after.splitlines())
    old = _parse_lines(before, sorted(old_lines - new_lines))
    new = _parse_lines(after, sorted(new_lines - old_lines))
    rows = _iter_rows(before, io.BytesIO(before) if new.keys() - old.keys() else ())
    kinds = {row["measure"] for row in rows}
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
    """Return `errata.csv` as bytes: `summary`, then rows: erratum, `before_release`, `reason`.

    A figure that is hidden has no values in it.

    Args:
        before_release: id of the release that they differ from.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(csv_row((summary,)))
    writer.writerow(ERRATA_COLUMNS)
    for erratum in errata:
        values = [side.get(name, "") for side in (erratum.before, erratum.after)
                  for name in VALUES]  # fmt: skip
        writer.writerow(csv_row((erratum.figure, *values, before_release, reason)))
    return buffer.getvalue().encode()


SCORE_OF_ALL = f"-{EVERYONE}-{SCORE}"
"""End of the id of a score of everybody in an area."""
HEADLINE = f"-{COMPOSITE}{SCORE_OF_ALL}"
_SCORE, _RANK = f"-{SCORE}", f"-{RANK}"
_BETWEEN_LANGUAGES = " / "
Verdicts = Mapping[str, str]
"""Verdicts of the differences that are shown, by the id of the figure."""


class ErrataSummary(BaseModel):
    """Counts of changed figures, scores, ranks and significance verdicts, and of hidden figures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    figures: int
    """Figures that differ in any printed number, or are not shown any more."""
    headline_scores: int
    """How many of them are composite scores of everybody in an area."""
    largest_change: str = ""
    """Largest change of a score in points, as printed numbers differ; empty where none changed."""
    largest_figure: str = ""
    ranks: int
    """Cities whose rank is another one; their sets of possible ranks are not counted."""
    verdicts: int | None
    """Differences and changes whose verdict is another one; None where it is not known."""
    hidden: int
    """Figures that are not shown any more."""


def summarise_errata(
    errata: Iterable[Erratum], verdicts: tuple[Verdicts, Verdicts] | None
) -> ErrataSummary:
    """Count changed figures, scores, ranks, hidden ones, and differing `verdicts` (before, after).

    Args:
        verdicts: before and after; None where those before are not known.
    """
    listed = tuple(errata)
    changes = {
        erratum.figure: _subtract_estimates(erratum)
        for erratum in listed
        if erratum.before and erratum.after
    }
    scores = {key: change for key, change in changes.items() if change and key.endswith(_SCORE)}
    other_verdicts = None
    if verdicts is not None:
        old, new = verdicts
        other_verdicts = sum(new[figure] != old[figure] for figure in old.keys() & new.keys())
    largest = max(sorted(scores), key=lambda key: abs(scores[key]), default="")
    return ErrataSummary(
        figures=len(listed),
        headline_scores=sum(erratum.figure.endswith(HEADLINE) for erratum in listed),
        largest_change=f"{scores[largest]:+}" if largest else "",
        largest_figure=largest,
        ranks=sum(bool(change) for key, change in changes.items() if key.endswith(_RANK)),
        verdicts=other_verdicts,
        hidden=sum(erratum.is_hidden for erratum in listed),
    )


def _subtract_estimates(erratum: Erratum) -> Decimal:
    """Return the change of a figure's printed estimate; 0 if it was or is not printed."""
    before, after = (side["estimate"] for side in (erratum.before, erratum.after))
    return Decimal(after) - Decimal(before) if before and after else Decimal(0)


def describe_errata(summary: ErrataSummary, t: Translator) -> str:
    """Return one sentence, in the language of `t`, on what a correction changed."""
    parts: list[Message] = [
        msg(
            "{count} published figures changed, among them {headlines} composite scores of areas",
            count=f"{summary.figures:,}",
            headlines=f"{summary.headline_scores:,}",
        ),
        msg(
            "the largest change of a score is {points} points ({figure})",
            points=summary.largest_change.replace("-", "−"),
            figure=summary.largest_figure,
        )
        if summary.largest_change
        else msg("no score is another one"),
        msg("another rank: {count} cities", count=f"{summary.ranks:,}"),
        msg("verdicts of differences were not compared")
        if summary.verdicts is None
        else msg("another verdict: {count} differences", count=f"{summary.verdicts:,}"),
    ]
    if summary.hidden:
        parts.append(msg("not shown any more: {count} figures", count=f"{summary.hidden:,}"))
    return t("{list}.", list=t("; ").join(t(part) for part in parts))


def describe_errata_in_every_language(summary: ErrataSummary) -> str:
    """Return the sentence on what a correction changed in every language, joined by ` / `."""
    return _BETWEEN_LANGUAGES.join(
        describe_errata(summary, translator(language)) for language in LANGUAGES
    )
