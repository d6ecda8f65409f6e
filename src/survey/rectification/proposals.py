"""Problems that the results of a wave propose to a city, by rules over its published figures."""

from collections.abc import Iterator
from dataclasses import dataclass

from survey.access.principal import Principal
from survey.estimate.tree import COMPOSITE
from survey.figures.charts.interval_charts import LOWER
from survey.figures.views.chart_rows import classify_differences
from survey.figures.views.city_peers import list_clear_gaps
from survey.figures.views.drivers import list_city_priorities
from survey.figures.views.estimate_text import estimate_at
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE, SPECIAL_GROUPS
from survey.locale import SurveyError
from survey.locale.figures import format_score, format_signed
from survey.rectification.problem_records import ProblemFigure
from survey.results import WaveResults
from survey.store.tables import ProblemBasis

MAX_BELOW_NATION = 3
"""Indicators below the nation that are proposed besides the three first to improve."""


@dataclass(frozen=True)
class ProblemProposal:
    """Problem that a rule proposes to a city, worded in the reader's language."""

    basis: ProblemBasis
    figure: ProblemFigure
    name: str
    """Indicator, with the group unless it is everyone."""
    wording: str


def build_proposals(context: ViewContext, *, city: str) -> tuple[ProblemProposal, ...]:
    """Return problems that a city's figures suggest, one per figure, the most urgent first.

    First the priorities of the city, then what lies clearly below the nation, then special groups
    whose score is clearly lower than that of everybody else in the city.
    """
    proposals: dict[ProblemFigure, ProblemProposal] = {}
    for proposal in (
        *_propose_priorities(context, city),
        *_propose_below_average(context, city),
        *_propose_groups(context, city),
    ):
        proposals.setdefault(proposal.figure, proposal)
    return tuple(proposals.values())


def is_published(
    results: WaveResults, principal: Principal, city: str, figure: ProblemFigure
) -> bool:
    """Return whether the principal may see this figure of the city."""
    cells = ViewContext(results, principal, "en").cells(
        area_level="city", area=city, group=figure.group, indicator=figure.indicator
    )
    return len(cells) == 1 and estimate_at(cells).available


def describe_figure(reading: ViewContext, figure: ProblemFigure) -> str:
    """Return the names of a figure's indicator and, unless it is everyone, of its group."""
    name = reading.names.indicator(figure.indicator)
    if figure.group == EVERYONE:
        return name
    return reading.t("{indicator}, {group}", indicator=name,
                     group=reading.names.group(figure.group))  # fmt: skip


def list_figures(context: ViewContext, *, city: str) -> dict[ProblemFigure, str]:
    """Return figure -> name, for each published score that a problem of the city can rest on.

    The indicators of the tree for everyone, and the main one for each special group.
    """
    cells = context.cells(
        area_level="city",
        area=city,
        group=[EVERYONE, *SPECIAL_GROUPS],
        indicator=[COMPOSITE, *context.codes],
    )
    figures = [
        ProblemFigure(indicator, group)
        for row, (indicator, group) in enumerate(
            zip(cells.texts("indicator"), cells.texts("group"), strict=True)
        )
        if (group == EVERYONE or indicator == COMPOSITE) and estimate_at(cells, row=row).available
    ]
    order = {code: place for place, code in enumerate(context.codes)}
    figures.sort(key=lambda each: (each.group != EVERYONE, order.get(each.indicator, -1)))
    return {figure: describe_figure(context, figure) for figure in figures}


def _propose_priorities(reading: ViewContext, city: str) -> Iterator[ProblemProposal]:
    try:
        priorities, _ = list_city_priorities(reading, city)
    except SurveyError:
        return
    for priority in priorities:
        wording = reading.t(
            "{indicator} is among what moves satisfaction most (score {score}).",
            indicator=priority.name,
            score=format_score(priority.performance.estimate or 0.0),
        )
        yield ProblemProposal(
            ProblemBasis.PRIORITY, ProblemFigure(priority.code), priority.name, wording
        )


def _propose_below_average(reading: ViewContext, city: str) -> Iterator[ProblemProposal]:
    below = [pair for pair in reversed(list_clear_gaps(reading, city)) if not pair[1].is_higher]
    for code, gap in below[:MAX_BELOW_NATION]:
        wording = reading.t(
            "{indicator}: {difference} points against the nation.",
            indicator=gap.name,
            difference=format_signed(gap.figure.estimate or 0.0),
        )
        yield ProblemProposal(ProblemBasis.BELOW_NATION, ProblemFigure(code), gap.name, wording)


def _propose_groups(reading: ViewContext, city: str) -> Iterator[ProblemProposal]:
    groups = [group for group in SPECIAL_GROUPS if group in reading.results.method.groups]
    if not groups:
        return
    gaps = reading.gaps("rest", area_level="city", area=city, group=groups, indicator=COMPOSITE)
    roles = classify_differences(gaps)
    for row, group in enumerate(gaps.texts("group")):
        if roles[row] != LOWER:
            continue
        wording = reading.t(
            "{group}: {difference} points against everybody else in the city.",
            group=reading.names.group(group),
            difference=format_signed(
                estimate_at(gaps, value="difference", row=row).estimate or 0.0
            ),
        )
        figure = ProblemFigure(COMPOSITE, group)
        name = describe_figure(reading, figure)
        yield ProblemProposal(ProblemBasis.GROUP_GAP, figure, name, wording)
