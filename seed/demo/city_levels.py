"""What every city should score on every item, and the latent level that makes it so."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from seed.demo.city_scores import city_scores, national_score
from seed.demo.indicator_weights import first_level, item_codes, item_weights
from seed.demo.model import WaveModel
from seed.demo.random_streams import random_stream
from seed.demo.response_model import response
from survey.figures.published_figures import published_results
from survey.questionnaire.indicator_tree import IndicatorTree

Floats = npt.NDArray[np.float64]

_LOWEST, _HIGHEST = 15.0, 97.5
_FIRST_SD, _ITEM_SD, _YEAR_SD = 0.9, 0.8, 0.35
_ROUNDS = 12
_SECOND_LEVEL_YEAR = 2023
_FIRST_TREE = "cca-2021"
"""Whose second level was never published."""


def city_targets(model: WaveModel) -> Floats:
    """The expected score of every rating in every city, shape (C, K)."""
    year = model.plan.model_year
    scores = city_scores(year) + model.plan.offset + _draw_offsets(model)
    nation = national_score(year) + model.plan.offset
    room = ((100 - scores) / (100 - nation))[:, None]
    national = national_targets(model)
    pull = np.array([rating.city for rating in model.ratings])
    above = (scores - nation)[:, None] * pull
    target: Floats = nation + above + room * (national - nation + _draw_city_noise(model))
    weights = _compute_response_weights(model)
    for _ in range(_ROUNDS):
        mean = (weights * target).sum(axis=0) / weights.sum(axis=0)
        target = np.clip(target + room * (national - mean), _LOWEST, _HIGHEST)
        if model.tree is not None:
            target = _meet_city_scores(model.tree, target, scores)
    return target


def _draw_offsets(model: WaveModel) -> Floats:
    """Draw how much more than the plan's offset each city stands higher; 0 for the nation."""
    weight = model.people.weight / model.people.weight.sum()
    own = random_stream("city-offset", model.plan.key).normal(0, 1, len(weight))
    drawn: Floats = model.plan.offset_sd * (own - weight @ own)
    return drawn


def national_targets(model: WaveModel) -> Floats:
    """The national score of every rating: its profile, moved to the published indicators."""
    year, tree = model.plan.model_year, model.tree
    national = (
        national_score(year)
        + model.plan.offset
        + np.array([rating.offset for rating in model.ratings])
    )
    if tree is None or model.plan.series != "main":
        return national
    codes = item_codes(tree)
    scored = national[: len(codes)]
    firsts = np.array([first_level(tree, code) for code in codes])
    for first in np.unique(firsts):
        gap = national_score(year, first) - float(item_weights(tree, first) @ scored)
        scored[firsts == first] += gap
    published = _list_published_second_level(year) if tree.name != _FIRST_TREE else {}
    for second, wanted in published.items():
        _move_second(tree, scored, second, wanted)
    return national


def _move_second(tree: IndicatorTree, scored: Floats, code: str, wanted: float) -> None:
    """Move a second-level indicator; its siblings take it back, so that the first level stays."""
    first = first_level(tree, code)
    own, whole = item_weights(tree, code), item_weights(tree, first)
    gap = wanted - float(own @ scored)
    inside, siblings = own > 0, (whole > 0) & (own == 0)
    scored[inside] += gap
    scored[siblings] -= gap * float(whole[inside].sum()) / float(whole[siblings].sum())


def _list_published_second_level(year: int) -> Mapping[str, float]:
    """Return second-level scores; those of 2023 stand, as distances, for 2024 as well."""
    if year < _SECOND_LEVEL_YEAR:
        return {}
    return {
        result.indicator: result.score
        - national_score(_SECOND_LEVEL_YEAR, result.indicator[0])
        + national_score(year, result.indicator[0])
        for result in published_results()
        if result.year == _SECOND_LEVEL_YEAR and result.score is not None
        if result.area_level == "nation" and "." in result.indicator
    }


def _draw_city_noise(model: WaveModel) -> Floats:
    """Draw each city's profile over the items, mostly lasting; 0 for the nation as a whole."""
    weight = model.people.weight / model.people.weight.sum()
    firsts = (
        []
        if model.tree is None
        else [first_level(model.tree, code) for code in item_codes(model.tree)]
    )
    noise = np.empty((len(weight), len(model.ratings)))
    for place, rating in enumerate(model.ratings):
        own = random_stream("city-item", rating.name).normal(0, _ITEM_SD, len(weight))
        passing = random_stream("city-item", rating.name, model.plan.year)
        noise[:, place] = own + passing.normal(0, _YEAR_SD, len(weight))
        if place < len(firsts):
            noise[:, place] += random_stream("city-first", firsts[place]).normal(
                0, _FIRST_SD, len(weight)
            )
    centred: Floats = noise - weight @ noise
    return centred


def _meet_city_scores(tree: IndicatorTree, target: Floats, scores: Floats) -> Floats:
    """Move the scored items of each city together until its composite is met."""
    weight = item_weights(tree)
    moved = target.copy()
    scored = moved[:, : len(weight)]
    for _ in range(4):
        gap = (scores - scored @ weight)[:, None]
        free = (scored < _HIGHEST - 1e-9) | (gap < 0)
        freedom = np.maximum((free * weight).sum(axis=1, keepdims=True), 1e-9)
        scored += np.where(free, gap / freedom, 0)
        np.clip(scored, _LOWEST, _HIGHEST, out=scored)
    return moved


def _compute_response_weights(model: WaveModel) -> Floats:
    """Return the weight of each city in the national mean of each rating, shape (C, K)."""
    people = model.people
    weights = np.empty((len(people.weight), len(model.ratings)))
    for place, rating in enumerate(model.ratings):
        scored = people.share * model.asked[rating.name] * model.scores(place)[None, :]
        weights[:, place] = people.weight * scored.sum(axis=1)
    return weights


def latent_levels(
    model: WaveModel, target: Floats, places: range, start: Floats | None = None, steps: int = 6
) -> Floats:
    """The latent level of ratings in each city that gives the expected score, by Newton."""
    people = model.people
    solved = model.base.copy()
    for place in places:
        rating = model.ratings[place]
        curve = response(rating.own)
        weight = people.share * model.asked[rating.name] * model.scores(place)[None, :]
        weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
        level = curve.latent(target[:, place]) if start is None else start[:, place].copy()
        asked = weight.sum(axis=1) > 0
        for _ in range(steps):
            gap = target[:, place] - (weight * model.expected(place, level)).sum(axis=1)
            slope = (weight * model.slope(place, level)).sum(axis=1)
            level += np.where(asked, np.clip(gap / np.maximum(slope, 1e-3), -15, 15), 0.0)
        solved[:, place] = level
    return solved
