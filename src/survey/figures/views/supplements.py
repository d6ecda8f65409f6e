"""View of the supplements: older people by age, children by school stage.

They carry no score of their own; what they say are rates and the respondents' own ratings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from survey.access.roles import NATION
from survey.figures.views.chart_panels import ChartHeading, ChartPanel
from survey.figures.views.estimate_text import NO_ESTIMATE, Estimate, estimate_at
from survey.figures.views.measures import answers_to, rates, ratings, series_chart
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.results.measures import Measure


@dataclass(frozen=True)
class SupplementConfig:
    """Keys by which a supplement is read: group variable, topic, question on who answered."""

    bands: str
    topic: str
    answered: str


PLANS: Mapping[str, SupplementConfig] = MappingProxyType(
    {
        "elderly": SupplementConfig("age_band", "elderly", "answered_by"),
        "minors": SupplementConfig("school_stage", "minors", "guardian_relation"),
    }
)
"""By series of waves."""


@dataclass(frozen=True, eq=False)
class SupplementView:
    title: str
    headline: Estimate
    """The most frequent of the problems that everybody was asked about."""
    sentence: str
    problems: ChartPanel | None
    ratings: ChartPanel | None
    answered: ChartPanel | None
    by_answerer: ChartPanel | None


def build_supplement_view(context: ViewContext) -> SupplementView:
    """Build headline and charts of a wave of a supplement series (older people or children)."""
    plan = PLANS[context.results.wave.series]
    cells = context.cells(area_level="nation", area=NATION, group=None, indicator=None)
    bands, answerers = (
        _split_cells_by_group(context, cells, plan.bands),
        _split_cells_by_group(context, cells, plan.answered),
    )
    t = context.t
    question = t("Question")
    variable = context.names.variable(plan.bands)
    headline, sentence = _build_headline(context, cells.where("group", EVERYONE), plan)

    def draw(
        key: str,
        title: str,
        cells_of: Mapping[str, TableSlice],
        measures: Sequence[Measure],
        rows: str = question,
        note: str = "",
    ) -> ChartPanel | None:
        heading = ChartHeading(f"supplement-{key}", title, rows, note)
        return series_chart(context, heading, cells_of, measures, n=context.wave.n)

    return SupplementView(
        title=context.wave.label(context.language),
        headline=headline,
        sentence=sentence,
        problems=draw(
            "reports",
            t("What people report, by {variable}", variable=variable),
            bands,
            rates(context, (plan.topic,)),
        ),
        ratings=draw(
            "ratings",
            t("How people rate it, by {variable}", variable=variable),
            bands,
            ratings(context, (plan.topic,)),
        ),
        answered=draw(
            "answered",
            t("Who answered, by {variable}", variable=variable),
            bands,
            answers_to(context, plan.answered),
            rows=t("Who answered"),
        ),
        by_answerer=draw(
            "by-answerer",
            t("The same ratings by who answered"),
            answerers,
            ratings(context, (plan.topic,)),
            note=t(
                "Those who answer for somebody answer for the frailer or the younger: the "
                "difference is not the effect of answering for somebody."
            ),
        ),
    )


def _split_cells_by_group(
    context: ViewContext, cells: TableSlice, variable: str
) -> dict[str, TableSlice]:
    keys = [key for key in context.results.method.groups if key.partition("=")[0] == variable]
    return {context.names.group(key): cells.where("group", key) for key in keys}


def _build_headline(
    context: ViewContext, everyone: TableSlice, plan: SupplementConfig
) -> tuple[Estimate, str]:
    t = context.t
    problems = [
        measure.key for measure in rates(context, (plan.topic,)) if measure.direction == "lower"
    ]
    asked = everyone.among("indicator", problems)
    asked = asked.keep(asked.shown & (asked.numbers("n") >= context.wave.n / 2))
    asked = asked.descending("estimate")
    if not len(asked):
        return NO_ESTIMATE, t(
            "{n} valid interviews in {cities} cities.",
            n=f"{context.wave.n:,d}",
            cities=context.wave.cities,
        )
    figure = estimate_at(asked)
    return figure, t(
        "The most frequent of the problems that everybody was asked about: {problem}; from {n} "
        "valid answers in {cities} cities.",
        problem=context.names.indicator(asked.texts("indicator")[0]),
        n=f"{figure.n or 0:,d}",
        cities=context.wave.cities,
    )
