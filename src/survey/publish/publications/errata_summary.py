"""Summary of a correction in one line: how many figures it changed, and which of these matter.

A few interviews less change nearly every figure in its last digit, and a list of a hundred thousand
lines says of none whether it matters.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from survey.estimate.tree import COMPOSITE
from survey.locale import LANGUAGES, Message, Translator, msg, translator
from survey.publish.figure_table import RANK, SCORE
from survey.publish.publications.figures import Erratum
from survey.sample.special_groups import EVERYONE

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
