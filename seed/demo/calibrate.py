"""Solve the model for the published figures, on exact expectations and never on drawn samples."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from seed.demo.choices import Choice
from seed.demo.model import (
    NOT_SUBSTANTIVE,
    Model,
    cell_effects,
    child_ages,
    choice_chances,
    code_chances,
    route,
    ticked,
)
from seed.demo.people import People
from seed.demo.plan import PLANS, WavePlan
from seed.demo.response import response
from seed.demo.scores import city_scores, national_score
from seed.demo.seeds import stream
from seed.demo.trees import shipped_tree
from survey.context.published import published_results
from survey.instrument.tree import IndicatorTree
from survey.sample.frame import shipped_cities

Floats = npt.NDArray[np.float64]

_CEILING = 97.5
_FIRST_SD, _ITEM_SD, _YEAR_SD = 0.9, 0.8, 0.35
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
def calibrated(key: str) -> Model:
    """The model of a wave, solved."""
    plan = PLANS[key]
    people = plan.people(shipped_cities())
    tree = shipped_tree(plan.tree) if plan.tree else None
    ratings = plan.scored + plan.others
    codes = [code_chances(people, rating) for rating in ratings]
    model = Model(
        plan=plan, people=people, tree=tree, ratings=ratings,
        base=np.zeros((len(people.weight), len(ratings))),
        shift=np.stack([cell_effects(people, r.effects) for r in ratings], axis=1),
        dont_know=np.stack([dont_know for dont_know, _ in codes], axis=1),
        not_experienced=np.stack([missed for _, missed in codes], axis=1),
        chances={}, singles={}, asked={}, child_age=child_ages(people),
    )  # fmt: skip
    model = _with_choices(model)
    target = _city_targets(model)
    model = replace(model, base=_levels(model, target, range(len(ratings))))
    if plan.series != "main":
        return model
    return _with_groups(model, target)


# --- choices -------------------------------------------------------------------------------------


def _with_choices(model: Model) -> Model:
    people, plan = model.people, model.plan
    above = (city_scores(plan.year) - national_score(plan.year)) / 10
    by_name = {choice.name: choice for choice in plan.choices}
    chances: dict[str, Floats] = {}
    singles: dict[str, Floats] = {}
    asked: dict[str, Floats] = {}
    for choice in plan.choices:
        asked[choice.name] = route(people, choice.after, choice.only, by_name, chances, asked)
        if choice.name == "guardian_consent":
            asked[choice.name] = _under_14(model)
        if choice.multiple:
            singles[choice.name] = choice_chances(people, choice, above)
            chances[choice.name] = ticked(choice, singles[choice.name])
        else:
            solved = _as_published(choice, plan.year, people, asked[choice.name], above)
            chances[choice.name] = choice_chances(people, solved, above)
    for rating in model.ratings:
        asked[rating.name] = route(people, rating.after, rating.only, by_name, chances, asked)
    return replace(model, chances=chances, singles=singles, asked=asked)


def _under_14(model: Model) -> Floats:
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


def _as_published(
    choice: Choice, year: int, people: People, asked: Floats, above: Floats
) -> Choice:
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


# --- city levels ---------------------------------------------------------------------------------


def _city_targets(model: Model) -> Floats:
    """The expected score of every rating in every city, shape (C, K)."""
    plan = model.plan
    scores = city_scores(plan.year)
    nation = national_score(plan.year)
    room = (100 - scores) / (100 - nation)
    national = _national_targets(model)
    pull = np.array([rating.city for rating in model.ratings])
    target = (
        nation
        + (scores - nation)[:, None] * pull
        + room[:, None] * (national - nation)
        + room[:, None] * _city_noise(model)
    )
    target = np.clip(target, 15.0, _CEILING)
    weights = _response_weights(model)
    for _ in range(_ROUNDS):
        mean = (weights * target).sum(axis=0) / weights.sum(axis=0)
        target = np.clip(target + room[:, None] * (national - mean), 15.0, _CEILING)
        target = _meeting_cities(model, target, scores)
    return target


def _national_targets(model: Model) -> Floats:
    """The national score of every rating: profile, shifted to the published indicators."""
    plan = model.plan
    offsets = np.array([rating.offset for rating in model.ratings])
    national = national_score(plan.year) + offsets
    if model.tree is None:
        return national
    parents = [first_level(model.tree, name) for name in _codes(model)]
    for first in sorted(set(parents)):
        wanted = national_score(plan.year, first)
        inside = np.array([parent == first for parent in parents])
        national[: len(parents)][inside] += _to_level(model, national, first, wanted)
    for second, wanted in _published_second_level(plan).items():
        national = _with_second(model, national, second, wanted)
    return national


def _with_second(model: Model, national: Floats, code: str, wanted: float) -> Floats:
    """Move one second-level indicator; its siblings take it back, so the first level stays."""
    moved = national.copy()
    parents = _codes(model)
    own = np.array([parent.rsplit(".", 1)[0] == code for parent in parents])
    first = code.split(".")[0]
    moved[: len(own)][own] += _to_level(model, national, code, wanted)
    siblings = np.array([parent.split(".")[0] == first for parent in parents]) & ~own
    weight = item_weights(model, first)
    drift = float(weight @ (moved - national)[: len(own)])
    moved[: len(own)][siblings] -= drift / float(weight[siblings].sum())
    return moved


def _to_level(model: Model, national: Floats, code: str, wanted: float) -> float:
    weight = item_weights(model, code)
    return wanted - float(weight @ national[: len(weight)])


def _published_second_level(plan: WavePlan) -> Mapping[str, float]:
    """Second-level scores; those of 2023 stand, as distances, for 2024 as well."""
    found = {
        result.indicator: result.score
        for result in published_results()
        if result.year == 2023 and result.area_level == "nation" and "." in result.indicator
    }
    if plan.year < 2023:
        return {}
    return {
        code: score - national_score(2023, code[0]) + national_score(plan.year, code[0])
        for code, score in found.items()
        if score is not None
    }


def _city_noise(model: Model) -> Floats:
    """A city's own profile over the items, mostly lasting; 0 for the nation as a whole."""
    people, plan = model.people, model.plan
    count = len(people.weight)
    parents = _codes(model) if model.tree else []
    noise = np.empty((count, len(model.ratings)))
    for place, rating in enumerate(model.ratings):
        noise[:, place] = stream("city-item", rating.name).normal(0, _ITEM_SD, count)
        noise[:, place] += stream("city-item", rating.name, plan.year).normal(0, _YEAR_SD, count)
        if place < len(parents):
            first = first_level(model.tree, parents[place]) if model.tree else ""
            noise[:, place] += stream("city-first", first).normal(0, _FIRST_SD, count)
    weight = people.weight / people.weight.sum()
    centred: Floats = noise - weight @ noise
    return centred


def _meeting_cities(model: Model, target: Floats, scores: Floats) -> Floats:
    """Move the scored items of each city together until its composite is met."""
    if model.tree is None:
        return target
    weight = item_weights(model, None)
    moved = target.copy()
    scored = moved[:, : len(weight)]
    for _ in range(4):
        gap = scores - scored @ weight
        free = (scored < _CEILING - 1e-9) | (gap < 0)[:, None]
        scored += np.where(free, (gap / np.maximum((free * weight).sum(axis=1), 1e-9))[:, None], 0)
        np.clip(scored, 15.0, _CEILING, out=scored)
    return moved


def _response_weights(model: Model) -> Floats:
    """Weight of each city in the national mean of each rating, shape (C, K)."""
    people = model.people
    weights = np.empty((len(people.weight), len(model.ratings)))
    for place, rating in enumerate(model.ratings):
        scored = people.share * model.asked[rating.name] * model.scores(place)[None, :]
        weights[:, place] = people.weight * scored.sum(axis=1)
    return weights


def _levels(
    model: Model, target: Floats, places: range, start: Floats | None = None, steps: int = 6
) -> Floats:
    """The latent level of ratings in each city that gives the expected score, by Newton."""
    people = model.people
    solved = model.base.copy()
    for place in places:
        rating = model.ratings[place]
        curve = response(rating.own)
        weight = people.share * model.asked[rating.name] * model.scores(place)[None, :]
        weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
        shift = model.shift[:, place]
        level = curve.latent(target[:, place]) if start is None else start[:, place].copy()
        asked = weight.sum(axis=1) > 0
        for _ in range(steps):
            latent = level[:, None] + shift[None, :]
            gap = target[:, place] - (weight * curve.expected(latent)).sum(axis=1)
            slope = (weight * curve.slope(latent)).sum(axis=1)
            level += np.where(asked, np.clip(gap / np.maximum(slope, 1e-3), -15, 15), 0.0)
        solved[:, place] = level
    return solved


# --- groups --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Group:
    cells: npt.NDArray[np.bool_]
    moves: npt.NDArray[np.bool_]
    """The cells to shift in order to move the group; part of it when a part has its own target."""
    gap: float


def _with_groups(model: Model, target: Floats) -> Model:
    """Shift gender, age and income as a whole until their national scores are met."""
    groups = _groups(model)
    scored = len(model.plan.scored)
    for _ in range(_ROUNDS // 2):
        nation, by_group = composites(model, [group.cells for group in groups])
        shift = model.shift.copy()
        for group, score in zip(groups, by_group, strict=True):
            move = (nation + group.gap - score) / _SLOPE
            share = group.cells.sum() / group.moves.sum()
            shift[group.moves, :scored] += move * min(share, 2.5)
        model = replace(model, shift=shift)
        base = _levels(model, target, range(scored), model.base, steps=2)
        model = replace(model, base=base)
    return model


def _groups(model: Model) -> list[_Group]:
    people = model.people
    men = people.cells("gender", "male")
    weight = people.weight / people.weight.sum() @ people.share
    gap = published_gender_gap(model.plan.year)
    share_of_men = float(weight[men].sum())
    groups = [_Group(men, men, gap * (1 - share_of_men)),
              _Group(~men, ~men, -gap * share_of_men)]  # fmt: skip
    for band, distance in AGE_GAPS.items():
        parts = ("55-59", "60-70") if band == "55-70" else (band,)
        groups.append(
            _Group(people.cells("age_part", *parts), people.cells("age_part", parts[0]), distance)
        )
    oldest = people.cells("age_part", "60-70")
    groups.append(_Group(oldest, oldest, OLDEST_GAP))
    for level, distance in _balanced(INCOME_GAPS, people, weight).items():
        cells = people.cells("income", level)
        groups.append(_Group(cells, cells, distance))
    return groups


def published_gender_gap(year: int) -> float:
    """Men minus women, as published or as assumed for the other years."""
    found = {
        result.group: result.score
        for result in published_results()
        if result.year == year and result.group.startswith("gender=")
    }
    men, women = found.get("gender=male"), found.get("gender=female")
    return GENDER_GAP if men is None or women is None else men - women


def _balanced(gaps: Mapping[str, float], people: People, weight: Floats) -> dict[str, float]:
    """The same gaps with the assumed ones moved so that they average to zero."""
    shares = {name: float(weight[people.cells("income", name)].sum()) for name in gaps}
    drift = sum(shares[name] * gap for name, gap in gaps.items())
    free = 1 - shares["ge8000"]
    return {name: gap - (drift / free if name != "ge8000" else 0) for name, gap in gaps.items()}


def composites(model: Model, groups: list[npt.NDArray[np.bool_]]) -> tuple[float, list[float]]:
    """National composite, and that of each group of cells."""
    weight = item_weights(model, None)
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


# --- the tree ------------------------------------------------------------------------------------


def _codes(model: Model) -> list[str]:
    """Third-level code of each scored item of the wave."""
    if model.tree is None:
        return []
    return [indicator.code for indicator in model.tree.indicators if indicator.level == 3]


def first_level(tree: IndicatorTree, code: str) -> str:
    parent = tree.by_code[code].parent
    while parent is not None:
        code, parent = parent, tree.by_code[parent].parent
    return code


def item_weights(model: Model, top: str | None) -> Floats:
    """Weight of each scored item in the indicator `top`, or in the composite."""
    if model.tree is None:
        raise ValueError("this wave has no indicator tree")
    weights = []
    for code in _codes(model):
        weight, at = 1.0, code
        while at != top and at is not None:
            weight *= model.tree.by_code[at].weight
            at = model.tree.by_code[at].parent  # type: ignore[assignment]
        weights.append(weight if at == top else 0.0)
    return np.array(weights)
