"""Solve the model for the published figures, on exact expectations and never on drawn samples."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from seed.demo.answer_modes import assisted_chances, mode_effects
from seed.demo.choices import ChoiceModel
from seed.demo.city_levels import city_targets, latent_levels
from seed.demo.city_scores import city_scores, national_score
from seed.demo.indicator_weights import item_weights
from seed.demo.model import (
    NOT_SUBSTANTIVE,
    WaveModel,
    cell_effects,
    child_ages,
    choice_chances,
    code_chances,
    route,
    selection_probabilities,
)
from seed.demo.population import Population
from seed.demo.shipped_data import shipped_tree
from seed.demo.wave_plans import PLANS, WavePlan
from survey.figures.published_figures import published_results
from survey.frame.city_frame import shipped_cities

Floats = npt.NDArray[np.float64]

_SLOPE = 0.8
"""Points of expected score a point of latent shift brings, near enough to converge."""
_ROUNDS = 12

GENDER_GAP = 0.40
AGE_GAPS = {"15-24": 0.55, "25-34": 0.20, "35-44": -0.02, "45-54": -0.13, "55-70": -0.36}
OLDEST_GAP = -0.75
"""What was published for 2022: 55-70 lowest (0.36 below the nation), 15-24 highest. The gaps of the
other ages, and of 60-70, are assumed."""
INCOME_GAPS = {"lt3000": -0.62, "from3000": -0.16, "from5000": 0.47, "ge8000": 0.79}
"""Rises with income; 8000 and over 0.79 above the nation, as published for 2022."""


@lru_cache(maxsize=6)
def calibrate_wave(key: str) -> WaveModel:
    """The model of a wave, solved."""
    return calibrate_plan(PLANS[key])


def calibrate_plan(plan: WavePlan) -> WaveModel:
    """The model of the wave of a plan, solved."""
    people = plan.people(shipped_cities())
    tree = shipped_tree(plan.tree) if plan.tree else None
    ratings = plan.scored + plan.others + plan.module_ratings
    codes = [code_chances(people, rating) for rating in ratings]
    model = WaveModel(
        plan=plan,
        people=people,
        tree=tree,
        ratings=ratings,
        base=np.zeros((len(people.weight), len(ratings))),
        shift=np.stack([cell_effects(people, r.effects) for r in ratings], axis=1),
        dont_know=np.stack([dont_know for dont_know, _ in codes], axis=1),
        not_experienced=np.stack([missed for _, missed in codes], axis=1),
        chances={},
        singles={},
        asked={},
        child_age=child_ages(people),
        assisted=assisted_chances(people),
        mode_effect=_list_mode_effects(plan, people),
    )
    model = _calibrate_choices(model)
    target = city_targets(model)
    model = replace(model, base=latent_levels(model, target, range(len(ratings))))
    if plan.series != "main":
        return model
    return _calibrate_groups(model, target)


def _list_mode_effects(plan: WavePlan, people: Population) -> Floats:
    """Return what being read to adds to each rating; later modules are as if never read out."""
    asked = mode_effects(people, [rating.name for rating in plan.scored + plan.others])
    return np.concatenate([asked, np.zeros(len(plan.module_ratings))])


def _calibrate_choices(model: WaveModel) -> WaveModel:
    people, plan = model.people, model.plan
    above = (city_scores(plan.model_year) - national_score(plan.model_year)) / 10
    by_name = {choice.name: choice for choice in plan.choices}
    chances: dict[str, Floats] = {}
    singles: dict[str, Floats] = {}
    asked: dict[str, Floats] = {}
    for choice in plan.choices:
        asked[choice.name] = route(people, choice.after, choice.only, by_name, chances, asked)
        if choice.name == "guardian_consent":
            asked[choice.name] = _compute_share_under_14(model)
        if choice.multiple:
            singles[choice.name] = choice_chances(people, choice, above)
            chances[choice.name] = selection_probabilities(choice, singles[choice.name])
        else:
            solved = _shift_to_published(choice, plan.year, people, asked[choice.name], above)
            chances[choice.name] = choice_chances(people, solved, above)
    for rating in model.ratings:
        asked[rating.name] = route(people, rating.after, rating.only, by_name, chances, asked)
    return replace(model, chances=chances, singles=singles, asked=asked)


def _compute_share_under_14(model: WaveModel) -> Floats:
    people = model.people
    guardians = (
        people.cells("guardian", "yes")
        if "guardian" in people.levels
        else np.ones(people.share.shape[1], dtype=bool)
    )
    under: Floats = np.broadcast_to(
        guardians * model.child_age[:, :14].sum(axis=1), people.share.shape
    )
    return under


def _shift_to_published(
    choice: ChoiceModel, year: int, people: Population, asked: Floats, above: Floats
) -> ChoiceModel:
    """Move the chance of the published option until its national share is the published one."""
    if year not in choice.published:
        return choice
    option, wanted = choice.published[year]
    names = list(choice.shares)
    substantive = [i for i, name in enumerate(names) if name not in NOT_SUBSTANTIVE]
    weight = (people.weight[:, None] * people.share * asked)[:, :, None]
    for _ in range(_ROUNDS * 2):
        chances = choice_chances(people, choice, above) * weight
        share = chances[:, :, names.index(option)].sum() / chances[:, :, substantive].sum()
        odds = wanted / (1 - wanted) * (1 - share) / share
        shares = dict(choice.shares) | {option: choice.shares[option] * odds}
        choice = replace(choice, shares={n: v / sum(shares.values()) for n, v in shares.items()})
    return choice


@dataclass(frozen=True)
class _Group:
    cells: npt.NDArray[np.bool_]
    moves: npt.NDArray[np.bool_]
    """The cells to shift in order to move the group; part of it when a part has its own target."""
    gap: float


def _calibrate_groups(model: WaveModel, target: Floats) -> WaveModel:
    """Shift gender, age and income as a whole until their national scores are met."""
    groups = _list_groups(model)
    scored = len(model.plan.scored)
    for _ in range(_ROUNDS // 2):
        nation, by_group = composites(model, [group.cells for group in groups])
        shift = model.shift.copy()
        for group, score in zip(groups, by_group, strict=True):
            move = (nation + group.gap - score) / _SLOPE
            share = group.cells.sum() / group.moves.sum()
            shift[group.moves, :scored] += move * min(share, 2.5)
        model = replace(model, shift=shift)
        base = latent_levels(model, target, range(scored), model.base, steps=2)
        model = replace(model, base=base)
    return model


def _list_groups(model: WaveModel) -> list[_Group]:
    people = model.people
    men = people.cells("gender", "male")
    weight = people.weight / people.weight.sum() @ people.share
    gap = published_gender_gap(model.plan.year)
    share_of_men = float(weight[men].sum())
    groups = [_Group(men, men, gap * (1 - share_of_men)), _Group(~men, ~men, -gap * share_of_men)]
    for band, distance in AGE_GAPS.items():
        parts = ("55-59", "60-70") if band == "55-70" else (band,)
        groups.append(
            _Group(people.cells("age_part", *parts), people.cells("age_part", parts[0]), distance)
        )
    oldest = people.cells("age_part", "60-70")
    groups.append(_Group(oldest, oldest, OLDEST_GAP))
    for level, distance in _balance_gaps(INCOME_GAPS, people, weight).items():
        cells = people.cells("income", level)
        groups.append(_Group(cells, cells, distance))
    return groups


def published_gender_gap(year: int) -> float:
    """Men minus women, as published or as assumed for the other years."""
    score_by_group = {
        result.group: result.score
        for result in published_results()
        if result.year == year and result.group.startswith("gender=")
    }
    men, women = score_by_group.get("gender=male"), score_by_group.get("gender=female")
    return GENDER_GAP if men is None or women is None else men - women


def _balance_gaps(
    gaps: Mapping[str, float], people: Population, weight: Floats
) -> dict[str, float]:
    """Return the gaps with the assumed ones moved so that all average to zero."""
    shares = {name: float(weight[people.cells("income", name)].sum()) for name in gaps}
    drift = sum(shares[name] * gap for name, gap in gaps.items())
    free = 1 - shares["ge8000"]
    return {name: gap - (drift / free if name != "ge8000" else 0) for name, gap in gaps.items()}


def composites(model: WaveModel, groups: list[npt.NDArray[np.bool_]]) -> tuple[float, list[float]]:
    """National composite, and that of each group of cells."""
    if model.tree is None:
        raise ValueError(f"{model.plan.key} has no composite")
    weight = item_weights(model.tree)
    above = np.zeros((len(groups) + 1, len(weight)))
    for place in range(len(weight)):
        base = model.people.weight[:, None] * model.people.share * model.scores(place)[None, :]
        by_cell = base.sum(axis=0)
        total = (base * model.expected(place)).sum(axis=0)
        above[0, place] = total.sum() / by_cell.sum()
        for row, cells in enumerate(groups, start=1):
            above[row, place] = total[cells].sum() / by_cell[cells].sum()
    scores = above @ weight
    return float(scores[0]), [float(score) for score in scores[1:]]
