"""The model of one wave: for every cell of people, the chance of every answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seed.demo.choices import NOT_ASKED, ChoiceModel
from seed.demo.population import STAGE_AGES, Population
from seed.demo.ratings import Effects, RatingModel
from seed.demo.response_model import response
from seed.demo.wave_plans import WavePlan
from survey.questionnaire.indicator_tree import IndicatorTree

Floats = npt.NDArray[np.float64]
NOT_SUBSTANTIVE = frozenset({"dk", "na", "refused"})
CHILD_AGES = 18


@dataclass(frozen=True)
class WaveModel:
    """C cities, X cells of people, K ratings; chances are exact, nothing here is drawn."""

    plan: WavePlan
    people: Population
    tree: IndicatorTree | None
    ratings: tuple[RatingModel, ...]
    base: Floats
    """Latent level of each rating in each city, shape (C, K)."""
    shift: Floats
    """What a cell adds to it, shape (X, K)."""
    dont_know: Floats
    not_experienced: Floats
    """Chances of the two codes in each cell, shape (X, K)."""
    chances: Mapping[str, Floats]
    """Chance of each option of each choice where it is asked, shape (C, X, options)."""
    singles: Mapping[str, Floats]
    """For multiple questions, the chance of each tick before "at least one" is seen to."""
    asked: Mapping[str, Floats]
    """Chance that a question is asked, shape (C, X)."""
    child_age: Floats
    """Chance of each age of the child in each cell, shape (X, 18)."""
    assisted: Floats
    """Chance of being read to, shape (C, X)."""
    mode_effect: Floats
    """What being read to adds to each rating, shape (K,)."""

    def expected(self, place: int, level: Floats | None = None) -> Floats:
        """Expected score of a rating in each cell, shape (C, X).

        `level` tries another latent level of the cities than the model's own, shape (C,).
        """
        return self._average_over_people(place, level, response(self.ratings[place].own).expected)

    def slope(self, place: int, level: Floats) -> Floats:
        """Points of expected score that one more point of `level` brings, shape (C, X)."""
        return self._average_over_people(place, level, response(self.ratings[place].own).slope)

    def _average_over_people(
        self, place: int, level: Floats | None, value: Callable[[Floats], Floats]
    ) -> Floats:
        """Return `value` of the latent mean, averaged over modes and what sets the mood."""
        rating = self.ratings[place]
        base = self.base[:, place] if level is None else level
        latent = base[:, None] + self.shift[None, :, place]
        total = np.zeros(latent.shape)
        for chance, added in self._list_mode_shifts(place):
            total += chance * self._average_over_moods(rating, latent + added, value)
        return total

    def _average_over_moods(
        self, rating: RatingModel, latent: Floats, value: Callable[[Floats], Floats]
    ) -> Floats:
        if rating.mood is None:
            return value(latent)
        choice, moods = rating.mood
        chances = self.chances[choice]
        total = np.zeros(latent.shape)
        for option, mood in enumerate(moods.values()):
            total += chances[:, :, option] * value(latent + mood)
        return total

    def _list_mode_shifts(self, place: int) -> list[tuple[Floats | float, Floats | float]]:
        """Return the chance of each mode and what it adds; they add nothing on the whole."""
        effect = self.mode_effect[place]
        if effect == 0:
            return [(1.0, 0.0)]
        return [
            (self.assisted, effect * (1 - self.assisted)),
            (1 - self.assisted, -effect * self.assisted),
        ]

    def scores(self, place: int) -> Floats:
        """Chance that a rating yields a score in each cell, where it is asked, shape (X,)."""
        left: Floats = 1 - self.dont_know[:, place] - self.not_experienced[:, place]
        return left


def cell_effects(people: Population, effects: Effects) -> Floats:
    """Sum of the effects in each cell; attributes that the wave does not know count as none."""
    total = np.zeros(people.share.shape[1])
    for attribute, levels in effects.items():
        if attribute in people.levels:
            total += people.table(attribute, levels)
    return total


def code_chances(people: Population, rating: RatingModel) -> tuple[Floats, Floats]:
    """Chances of "do not know" and "not experienced" in each cell; averages are as declared."""
    factor = np.ones(people.share.shape[1])
    for attribute, levels in rating.vague.items():
        if attribute in people.levels:
            factor *= people.table(
                attribute, {n: levels.get(n, 1.0) for n in people.levels[attribute]}
            )
    mean = float((people.weight / people.weight.sum()) @ people.share @ factor)
    factor = factor / mean
    return rating.dont_know * factor, rating.not_experienced * factor


def choice_chances(people: Population, choice: ChoiceModel, above: Floats) -> Floats:
    """Chance of each option in each cell, shape (C, X, options); `above` in tens of points.

    For a multiple question, the chance of each tick on its own (`ticked` makes answers of them).
    """
    options = tuple(choice.shares)
    shape = (*people.share.shape, len(options))
    shift = np.zeros(shape)
    for place, option in enumerate(options):
        by_cell = cell_effects(
            people,
            {
                attribute: {level: shares.get(option, 0.0) for level, shares in levels.items()}
                for attribute, levels in choice.shifts.items()
            },
        )
        shift[:, :, place] = by_cell[None, :] + choice.city.get(option, 0.0) * above[:, None]
    base = np.array([choice.shares[option] for option in options])
    if choice.multiple:
        odds = base / (1 - base) * np.exp(shift)
        single: Floats = odds / (1 + odds)
        return single
    with np.errstate(divide="ignore"):
        powers = np.exp(np.log(base) + shift)
    chances: Floats = powers / powers.sum(axis=2, keepdims=True)
    return chances


def selection_probabilities(choice: ChoiceModel, single: Floats) -> Floats:
    """Chance that each option of a multiple question ends up ticked.

    The option that excludes the others comes first; then each other is ticked on its own, and who
    ticked none picks one in proportion to the chances. `draw.ticks` does exactly this.
    """
    alone = np.zeros(single.shape[:2])
    others = np.ones(single.shape[2], dtype=bool)
    if choice.exclusive is not None:
        place = list(choice.shares).index(choice.exclusive)
        alone, others[place] = single[:, :, place], False
    nothing = np.prod(1 - single[:, :, others], axis=2)
    picked = single[:, :, others] / single[:, :, others].sum(axis=2, keepdims=True)
    final = single.copy()
    final[:, :, others] = (1 - alone)[:, :, None] * (
        single[:, :, others] + nothing[:, :, None] * picked
    )
    return final


def route(
    people: Population,
    after: tuple[str, tuple[str, ...]] | None,
    only: Mapping[str, tuple[str, ...]],
    choices: Mapping[str, ChoiceModel],
    chances: Mapping[str, Floats],
    asked: Mapping[str, Floats],
) -> Floats:
    """Chance that a question is asked in each cell, shape (C, X)."""
    open_to = np.ones(people.share.shape)
    for attribute, names in only.items():
        if attribute in people.levels:
            open_to = open_to * people.cells(attribute, *names)[None, :]
    if after is None:
        return open_to
    parent, options = after
    led: Floats = asked[parent] * any_of(choices[parent], chances[parent], options)
    if NOT_ASKED in options:
        led = led + (1 - asked[parent])
    return open_to * led


def any_of(choice: ChoiceModel, chances: Floats, options: tuple[str, ...]) -> Floats:
    """Chance that the answer is, or contains, one of `options`."""
    names = list(choice.shares)
    wanted = [names.index(option) for option in options if option in names]
    if not choice.multiple or len(wanted) == 1:
        total: Floats = chances[:, :, wanted].sum(axis=2)
        return total
    if {names[i] for i in wanted} | {choice.exclusive} < set(names):
        raise ValueError(f"{choice.name}: the chance of some of several ticks is not modelled")
    if choice.exclusive is None:
        return np.ones(chances.shape[:2])
    rest: Floats = 1 - chances[:, :, names.index(choice.exclusive)]
    return rest


def child_ages(people: Population) -> Floats:
    """Chance of each age of the child, shape (X, 18); one of the guardian's, or of the stage's."""
    years = np.arange(CHILD_AGES)
    if "school_stage" in people.levels:
        limits = [STAGE_AGES[stage] for stage in people.levels["school_stage"]]
        weights = np.array([(years >= low) & (years <= high) for low, high in limits], dtype=float)
        rows = weights[people.level["school_stage"]]
    elif "guardian" in people.levels:
        centre, width = np.array([[1, 2], [5, 4], [11, 5], [14, 4], [7, 6], [7, 6]]).T
        bell = np.exp(-0.5 * ((years - centre[:, None]) / width[:, None]) ** 2)
        rows = bell[people.level["age_part"]]
    else:
        rows = np.ones((people.share.shape[1], CHILD_AGES))
    ages: Floats = rows / rows.sum(axis=1, keepdims=True)
    return ages
