"""Published figures with stable ids (`figures.csv`), what a correction changes, and its sum."""

import csv
import io
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


SCORE_OF_ALL = f"-{EVERYONE}-{SCORE}"
"""End of the id of a score of everybody in an area."""
HEADLINE = f"-{COMPOSITE}{SCORE_OF_ALL}"
_SCORE, _RANK = f"-{SCORE}", f"-{RANK}"
_BETWEEN_LANGUAGES = " / "
Verdicts = Mapping[str, str]
"""Verdicts of the differences that are shown, by the id of the figure."""


class ErrataSummary(BaseModel):
    """What a correction changed, in numbers."""

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
    """Return what a correction changed, in numbers.

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
    largest = max(sorted(scores), key=lambda key: abs(scores[key]), default="")
    return ErrataSummary(
        figures=len(listed),
        headline_scores=sum(erratum.figure.endswith(HEADLINE) for erratum in listed),
        largest_change=f"{scores[largest]:+}" if largest else "",
        largest_figure=largest,
        ranks=sum(bool(change) for key, change in changes.items() if key.endswith(_RANK)),
        verdicts=None if verdicts is None else _count_other_verdicts(*verdicts),
        hidden=sum(erratum.is_hidden for erratum in listed),
    )


def _subtract_estimates(erratum: Erratum) -> Decimal:
    """Return by how much a figure changed, from its printed digits."""
    before, after = (side["estimate"] for side in (erratum.before, erratum.after))
    return Decimal(after) - Decimal(before) if before and after else Decimal(0)


def _count_other_verdicts(before: Verdicts, after: Verdicts) -> int:
    return sum(after[figure] != before[figure] for figure in before.keys() & after.keys())


def describe_errata(summary: ErrataSummary, t: Translator) -> str:
    """Return what a correction changed, in one sentence."""
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
    """Return the sentence for a file that has one form for all readers."""
    return _BETWEEN_LANGUAGES.join(
        describe_errata(summary, translator(language)) for language in LANGUAGES
    )
