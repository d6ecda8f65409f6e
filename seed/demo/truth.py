"""True value of every domain: sums over the cells of people, exact in the model."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from seed.demo.indicator_weights import item_weights
from seed.demo.model import NOT_SUBSTANTIVE, WaveModel, any_of
from seed.demo.shipped_data import Measure, shipped_measures
from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.frame.city_frame import build_frame_table, shipped_cities
from survey.frame.quotas import ELDERLY, EVERYONE, GUARDIAN

Floats = npt.NDArray[np.float64]

AREA_LEVELS = (
    "nation",
    "region3",
    "region",
    "province_code",
    "city_class",
    "size_tier",
    "retail_tier",
    "code",
)
_SHOWN_AS = {"province_code": "province", "code": "city"}
MAIN_BANDS = {
    "15-24": ("15-24",),
    "25-34": ("25-34",),
    "35-44": ("35-44",),
    "45-54": ("45-54",),
    "55-70": ("55-59", "60-70"),
}


def true_values(model: WaveModel) -> pd.DataFrame:
    """One row a domain: area_level, area, group, indicator, value.

    `value` is missing where nobody in the domain can be asked.
    """
    groups = list(_iter_groups(model))
    share = np.stack([people for _, people in groups], axis=2)
    areas = list(_iter_areas())
    inside = np.stack([cities for _, _, cities in areas])
    names, values = [], []
    for name, table in _iter_indicators(model, share, inside):
        names.append(name)
        values.append(table)
    domains = [(level, area, group) for level, area, _ in areas for group, _ in groups]
    keys = pd.DataFrame(domains, columns=["area_level", "area", "group"])
    cube = np.stack(values, axis=2)
    long = keys.loc[keys.index.repeat(len(names))].reset_index(drop=True)
    return long.assign(indicator=names * len(keys), value=cube.reshape(-1))


def overall_values(model: WaveModel) -> pd.Series:
    """True values of all people together, by area_level, area and indicator."""
    table = true_values(model)
    keys = ["area_level", "area", "indicator"]
    return table[table["group"] == EVERYONE].set_index(keys)["value"]


def _iter_groups(model: WaveModel) -> Iterator[tuple[str, Floats]]:
    """Yield each group's name and its members' weight in every city and cell, shape (C, X)."""
    people = model.people
    everybody = people.weight[:, None] * people.share
    yield EVERYONE, everybody
    for attribute, levels in people.levels.items():
        if attribute == "age_part":
            by_name = {name: (name,) for name in levels}
            bands = by_name if people.kind == "elderly" else MAIN_BANDS
            for band, parts in bands.items():
                yield f"age_band={band}", everybody * people.cells("age_part", *parts)
            continue
        for level in levels:
            yield f"{attribute}={level}", everybody * people.cells(attribute, level)
    if people.kind == "main":
        yield ELDERLY, everybody * people.cells("age_part", "60-70")
        yield "elderly=no", everybody * ~people.cells("age_part", "60-70")
    if people.kind == "minors":
        yield GUARDIAN, everybody
    for attribute, levels in people.given_levels.items():
        for place, level in enumerate(levels):
            yield f"{attribute}={level}", everybody * people.given[attribute][:, :, place]


def _iter_areas() -> Iterator[tuple[str, str, Floats]]:
    table = build_frame_table(shipped_cities())
    for column in AREA_LEVELS:
        if column == "nation":
            yield "nation", NATION, np.ones(len(table))
            continue
        for area in sorted(table[column].unique()):
            inside = (table[column] == area).to_numpy(dtype=np.float64)
            yield _SHOWN_AS.get(column, column), str(area), inside


def _iter_indicators(
    model: WaveModel, share: Floats, inside: Floats
) -> Iterable[tuple[str, Floats]]:
    """Yield every indicator and measure with its value by area and group."""
    names = {rating.name: place for place, rating in enumerate(model.ratings)}
    items: dict[str, Floats] = {}
    for name, place in names.items():
        asked = model.asked[name] * model.scores(place)[None, :]
        items[name] = _compute_mean(share, inside, asked, model.expected(place))
    if model.tree is not None:
        scored = np.stack([items[r.name] for r in model.plan.scored], axis=2)
        yield COMPOSITE, scored @ item_weights(model.tree)
        for indicator in model.tree.indicators:
            yield indicator.code, scored @ item_weights(model.tree, indicator.code)
    for measure in shipped_measures():
        if measure.choices:
            values = _compute_share(model, measure, share, inside)
            if values is not None:
                yield measure.key, values
        elif measure.item in items:
            yield measure.key, items[measure.item]


def _compute_share(
    model: WaveModel, measure: Measure, share: Floats, inside: Floats
) -> Floats | None:
    """Return the percentage who chose one of the options, of those with a substantive answer."""
    people = model.people
    for choice in model.plan.choices:
        if choice.name == measure.item:
            chances = model.chances[choice.name]
            unsure = tuple(name for name in choice.shares if name in NOT_SUBSTANTIVE)
            chosen = any_of(choice, chances, measure.choices)
            clear = 1 - any_of(choice, chances, unsure) if unsure else np.ones_like(chosen)
            return _compute_mean(
                share, inside, model.asked[choice.name] * clear, 100 * chosen / clear
            )
    if measure.item in people.levels:
        chosen = people.cells(measure.item, *measure.choices)[None, :] * np.ones(people.share.shape)
    elif measure.item in people.given_levels:
        levels = people.given_levels[measure.item]
        wanted = [levels.index(option) for option in measure.choices]
        chosen = people.given[measure.item][:, :, wanted].sum(axis=2) * np.ones(people.share.shape)
    else:
        return None
    return _compute_mean(share, inside, np.ones_like(chosen), 100 * chosen)


def _compute_mean(share: Floats, inside: Floats, asked: Floats, value: Floats) -> Floats:
    """Return the mean of `value` over those asked, by area and group, shape (areas, groups)."""
    base = np.einsum("cxg,cx->cg", share, asked)
    total = np.einsum("cxg,cx->cg", share, asked * value)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Floats = (inside @ total) / (inside @ base)
    return means
