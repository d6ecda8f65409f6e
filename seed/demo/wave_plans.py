"""The waves of the demo: what was asked when, of whom, and how many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from seed.demo import choices, module_questions, ratings, supplement_choices, village
from seed.demo.choices import ChoiceModel
from seed.demo.population import (
    Population,
    elderly_people,
    main_people,
    minors_people,
    village_people,
)
from seed.demo.ratings import RatingModel
from seed.demo.shipped_data import shipped_instrument
from survey.figures.published_figures import published_waves
from survey.frame.city_frame import FrameCity, shipped_cities
from survey.frame.population_margins import (
    PopulationMargins,
    elderly_margins,
    main_margins,
    minors_margins,
)
from survey.frame.quotas import VILLAGE_SERIES

_LATEST_MODEL_YEAR = 2024
"""Whose city scores a later wave borrows, as none were published since."""


@dataclass(frozen=True)
class WavePlan:
    """One demo wave."""

    key: str
    series: str
    year: int
    title_zh: str
    title_en: str
    instrument: str
    tree: str | None
    valid: int
    """Approved interviews at full size."""
    opens_on: date
    closes_on: date
    offset: float = 0.0
    """How much higher than the whole city those stand whom the wave asks."""
    offset_sd: float = 0.0
    """How much that differs between cities."""

    @property
    def model_year(self) -> int:
        """Year of the published scores that the wave is modelled on."""
        return min(self.year, _LATEST_MODEL_YEAR)

    @property
    def scored(self) -> tuple[RatingModel, ...]:
        if self.series == VILLAGE_SERIES:
            return village.SCORED
        if self.series != "main":
            return ()
        early = self.tree == "cca-2021"
        return tuple(r for r in ratings.SCORED if not (early and r.name.startswith("policy_")))

    @property
    def others(self) -> tuple[RatingModel, ...]:
        """Unscored ratings that the questionnaire asks."""
        known = shipped_instrument(self.instrument).by_name
        return tuple(rating for rating in self._others if rating.name in known)

    @property
    def choices(self) -> tuple[ChoiceModel, ...]:
        """Questions with choices that the questionnaire asks."""
        return self.base_choices + self.module_choices

    @property
    def base_choices(self) -> tuple[ChoiceModel, ...]:
        """Those of the first questionnaire of the series: drawn from the stream of the wave."""
        known = shipped_instrument(self.instrument).by_name
        return tuple(choice for choice in self._choices if choice.name in known)

    @property
    def module_choices(self) -> tuple[ChoiceModel, ...]:
        """Those of modules that were added later: each is drawn from a stream of its own."""
        known = shipped_instrument(self.instrument).by_name
        return tuple(choice for choice in module_questions.CHOICES if choice.name in known)

    @property
    def module_ratings(self) -> tuple[RatingModel, ...]:
        """Unscored ratings of modules that were added later."""
        known = shipped_instrument(self.instrument).by_name
        return tuple(rating for rating in module_questions.RATINGS if rating.name in known)

    @property
    def _others(self) -> tuple[RatingModel, ...]:
        return {
            "main": ratings.MAIN_OTHERS,
            "elderly": ratings.ELDERLY,
            "minors": ratings.MINORS,
            VILLAGE_SERIES: village.OTHERS,
        }[self.series]

    @property
    def _choices(self) -> tuple[ChoiceModel, ...]:
        return {
            "main": choices.MAIN,
            "elderly": supplement_choices.ELDERLY,
            "minors": supplement_choices.MINORS,
            VILLAGE_SERIES: village.CHOICES,
        }[self.series]

    def people(self, cities: Sequence[FrameCity]) -> Population:
        makers = {
            "main": main_people,
            "elderly": elderly_people,
            "minors": minors_people,
            VILLAGE_SERIES: village_people,
        }
        return makers[self.series](cities)

    def margins(self, cities: Sequence[FrameCity]) -> PopulationMargins:
        makers = {"main": main_margins, "elderly": elderly_margins, "minors": minors_margins}
        return makers[self.series](cities)


def _build_main_plan(year: int, opens: date, closes: date) -> WavePlan:
    (valid,) = (wave.valid for wave in published_waves() if wave.year == year)
    tree = 2021 if year < 2023 else 2023
    questionnaire = 2024 if year >= 2024 else tree
    return WavePlan(
        f"main-{year}",
        "main",
        year,
        f"{year}年100个城市消费者满意度测评（演示）",
        f"Consumer satisfaction in 100 cities {year} (demo)",
        f"main-{questionnaire}",
        f"cca-{tree}",
        valid or 62_000,
        opens,
        closes,
    )


PLANS: Mapping[str, WavePlan] = {
    plan.key: plan
    for plan in (
        _build_main_plan(2021, date(2021, 10, 15), date(2021, 12, 15)),
        _build_main_plan(2022, date(2022, 10, 15), date(2022, 12, 15)),
        _build_main_plan(2023, date(2023, 11, 1), date(2023, 12, 25)),
        _build_main_plan(2024, date(2024, 11, 5), date(2024, 12, 28)),
        WavePlan(
            "elderly-2024",
            "elderly",
            2024,
            "2024年老年消费者专项调查（演示）",
            "Survey of older consumers 2024 (demo)",
            "elderly-2024",
            None,
            8_000,
            date(2024, 11, 5),
            date(2024, 12, 28),
        ),
        WavePlan(
            "minors-2024",
            "minors",
            2024,
            "2024年未成年人消费专项调查（演示）",
            "Survey of minors as consumers 2024 (demo)",
            "minors-2024",
            None,
            8_000,
            date(2024, 11, 5),
            date(2024, 12, 28),
        ),
        WavePlan(
            "village-2026",
            VILLAGE_SERIES,
            2026,
            "2026年农村消费环境专项调查（演示）",
            "Survey of buying and selling in villages 2026 (demo)",
            "village-2026",
            "village-2026",
            village.PER_CITY
            * sum(city.province_code in village.PROVINCES for city in shipped_cities()),
            date(2026, 3, 2),
            date(2026, 3, 28),
            village.BELOW_TOWN,
        ),
    )
}
