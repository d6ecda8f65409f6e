"""The supplements: older people by age, children by school stage, and who answered for whom.

They carry no score of their own; what they say are rates and the respondents' own ratings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from survey.access.principal import Principal
from survey.publish.picture import Picture
from survey.publish.results import WaveResults
from survey.publish.views.cells import Cells
from survey.publish.views.figures import NOTHING, Figure, figure_of
from survey.publish.views.measures import answers_to, rates, ratings, series_picture
from survey.publish.views.names import NATION
from survey.publish.views.pictures import Heading
from survey.publish.views.reading import EVERYONE, Reading


@dataclass(frozen=True)
class Plan:
    """Which groups, topic and question a supplement is read by."""

    bands: str
    topic: str
    answered: str


PLANS: Mapping[str, Plan] = MappingProxyType(
    {
        "elderly": Plan("age_band", "elderly", "answered_by"),
        "minors": Plan("school_stage", "minors", "guardian_relation"),
    }
)
"""By series of waves."""


@dataclass(frozen=True, eq=False)
class SupplementView:
    title: str
    headline: Figure
    """The most frequent of the problems that everybody was asked about."""
    sentence: str
    problems: Picture | None
    ratings: Picture | None
    answered: Picture | None
    by_answerer: Picture | None

    @property
    def pictures(self) -> tuple[Picture, ...]:
        every = (self.problems, self.ratings, self.answered, self.by_answerer)
        return tuple(picture for picture in every if picture is not None)


def supplement(*, results: WaveResults, principal: Principal, language: str) -> SupplementView:
    """Everything the page shows of one supplement wave."""
    reading = Reading(results, principal, language)
    plan = PLANS[results.wave.series]
    cells = reading.cells(area_level="nation", area=NATION, group=None, indicator=None)
    bands, answerers = (
        _by_group(reading, cells, plan.bands),
        _by_group(reading, cells, plan.answered),
    )
    t = reading.t
    question = t("Question")
    variable = reading.names.variable(plan.bands)
    headline, sentence = _headline(reading, cells.where("group", EVERYONE), plan)
    return SupplementView(
        title=reading.wave_title,
        headline=headline,
        sentence=sentence,
        problems=series_picture(
            reading,
            Heading(
                "supplement-reports",
                t("What people report, by {variable}", variable=variable),
                question,
            ),
            bands,
            rates(reading, (plan.topic,)),
            n=reading.wave.n,
        ),
        ratings=series_picture(
            reading,
            Heading(
                "supplement-ratings",
                t("How people rate it, by {variable}", variable=variable),
                question,
            ),
            bands,
            ratings(reading, (plan.topic,)),
            n=reading.wave.n,
        ),
        answered=series_picture(
            reading,
            Heading(
                "supplement-answered",
                t("Who answered, by {variable}", variable=variable),
                t("Who answered"),
            ),
            bands,
            answers_to(reading, plan.answered),
            n=reading.wave.n,
        ),
        by_answerer=series_picture(
            reading,
            Heading(
                "supplement-by-answerer",
                t("The same ratings by who answered"),
                question,
                t(
                    "Those who answer for somebody answer for the frailer or the younger: the "
                    "difference is not the effect of answering for somebody."
                ),
            ),
            answerers,
            ratings(reading, (plan.topic,)),
            n=reading.wave.n,
        ),
    )


def _by_group(reading: Reading, cells: Cells, variable: str) -> dict[str, Cells]:
    keys = [key for key in reading.results.method.groups if key.partition("=")[0] == variable]
    return {reading.names.group(key): cells.where("group", key) for key in keys}


def _headline(reading: Reading, everyone: Cells, plan: Plan) -> tuple[Figure, str]:
    t = reading.t
    problems = [
        measure.key for measure in rates(reading, (plan.topic,)) if measure.direction == "lower"
    ]
    asked = everyone.among("indicator", problems)
    asked = asked.keep(asked.shown & (asked.numbers("n") >= reading.wave.n / 2))
    asked = asked.descending("estimate")
    if not len(asked):
        return NOTHING, t(
            "{n} valid interviews in {cities} cities.",
            n=f"{reading.wave.n:,d}",
            cities=reading.wave.cities,
        )
    figure = figure_of(asked)
    return figure, t(
        "The most frequent of the problems that everybody was asked about: {problem}; from {n} "
        "valid answers in {cities} cities.",
        problem=reading.names.indicator(asked.texts("indicator")[0]),
        n=f"{figure.n or 0:,d}",
        cities=reading.wave.cities,
    )
