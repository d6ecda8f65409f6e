"""View of the supplements: older people by age, children by school stage.

They carry no score of their own; what they say are rates and the respondents' own ratings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from survey.access.principal import Principal
from survey.access.roles import NATION
from survey.figures.views.chart_panels import ChartHeading, ChartPanel
from survey.figures.views.estimate_text import NO_ESTIMATE, Estimate, estimate_at
from survey.figures.views.measures import answers_to, rates, ratings, series_chart
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.results import WaveResults
from survey.results.measures import Measure


@dataclass(frozen=True)
class SupplementConfig:
    """Groups, topic and question by which a supplement is read."""

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


def build_supplement_view(
    *, results: WaveResults, principal: Principal, language: str
) -> SupplementView:
    """Build everything the page shows of one supplement wave."""
    reading = ViewContext(results, principal, language)
    plan = PLANS[results.wave.series]
    cells = reading.cells(area_level="nation", area=NATION, group=None, indicator=None)
    bands, answerers = (
        _split_cells_by_group(reading, cells, plan.bands),
        _split_cells_by_group(reading, cells, plan.answered),
    )
    t = reading.t
    question = t("Question")
    variable = reading.names.variable(plan.bands)
    headline, sentence = _build_headline(reading, cells.where("group", EVERYONE), plan)

    def draw(
        key: str,
        title: str,
        cells_of: Mapping[str, TableSlice],
        measures: Sequence[Measure],
        rows: str = question,
        note: str = "",
    ) -> ChartPanel | None:
        heading = ChartHeading(f"supplement-{key}", title, rows, note)
        return series_chart(reading, heading, cells_of, measures, n=reading.wave.n)

    return SupplementView(
        title=reading.wave.label(reading.language),
        headline=headline,
        sentence=sentence,
        problems=draw(
            "reports",
            t("What people report, by {variable}", variable=variable),
            bands,
            rates(reading, (plan.topic,)),
        ),
        ratings=draw(
            "ratings",
            t("How people rate it, by {variable}", variable=variable),
            bands,
            ratings(reading, (plan.topic,)),
        ),
        answered=draw(
            "answered",
            t("Who answered, by {variable}", variable=variable),
            bands,
            answers_to(reading, plan.answered),
            rows=t("Who answered"),
        ),
        by_answerer=draw(
            "by-answerer",
            t("The same ratings by who answered"),
            answerers,
            ratings(reading, (plan.topic,)),
            note=t(
                "Those who answer for somebody answer for the frailer or the younger: the "
                "difference is not the effect of answering for somebody."
            ),
        ),
    )


def _split_cells_by_group(
    reading: ViewContext, cells: TableSlice, variable: str
) -> dict[str, TableSlice]:
    keys = [key for key in reading.results.method.groups if key.partition("=")[0] == variable]
    return {reading.names.group(key): cells.where("group", key) for key in keys}


def _build_headline(
    reading: ViewContext, everyone: TableSlice, plan: SupplementConfig
) -> tuple[Estimate, str]:
    t = reading.t
    problems = [
        measure.key for measure in rates(reading, (plan.topic,)) if measure.direction == "lower"
    ]
    asked = everyone.among("indicator", problems)
    asked = asked.keep(asked.shown & (asked.numbers("n") >= reading.wave.n / 2))
    asked = asked.descending("estimate")
    if not len(asked):
        return NO_ESTIMATE, t(
            "{n} valid interviews in {cities} cities.",
            n=f"{reading.wave.n:,d}",
            cities=reading.wave.cities,
        )
    figure = estimate_at(asked)
    return figure, t(
        "The most frequent of the problems that everybody was asked about: {problem}; from {n} "
        "valid answers in {cities} cities.",
        problem=reading.names.indicator(asked.texts("indicator")[0]),
        n=f"{figure.n or 0:,d}",
        cities=reading.wave.cities,
    )
