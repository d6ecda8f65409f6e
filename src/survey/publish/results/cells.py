"""Every cell and every gap of a wave, computed once and passed through the gate."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.disclosure import protect
from survey.estimate import Cube, Design, EstimateError, Node, Scale, Tree
from survey.instrument.model import Instrument, Item, Kind
from survey.instrument.tree import IndicatorTree
from survey.locale import SurveyError, msg
from survey.publish.results.domains import AREA_LEVELS, area_labels
from survey.publish.results.intervals import bounded
from survey.publish.results.measures import Measure, measure_values

COMPOSITE = "composite"


class NotEstimable(SurveyError):
    """The responses do not carry the estimates asked for."""

    code = "not_estimable"


@dataclass(frozen=True)
class Plan:
    """What is scored: the tree with its items, and their scale."""

    tree: Tree
    scale: Scale
    has_composite: bool


def compute_cells(
    people: pd.DataFrame,
    *,
    instrument: Instrument,
    tree: IndicatorTree | None,
    measures: tuple[Measure, ...],
    cities: pd.DataFrame,
    memberships: Mapping[str, NDArray[np.bool_]],
    design: Design,
    composite: str,
    level: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells and gaps with `shown` and `reason`; columns as `WaveResults` documents them.

    Without a tree each rating of the instrument is read on its own and there is no composite; a
    measure of the same name is that rating.
    """
    plan = _plan(instrument, tree)
    estimated = set(plan.tree.item_columns)
    rates = {
        measure.key: measure_values(measure, instrument.by_name[measure.item], people)
        for measure in measures
        if measure.key not in estimated
    }
    frame = people.assign(**rates)
    areas = area_labels(people["city_code"], cities)
    try:
        sums = Cube.of(
            frame,
            plan.tree,
            design,
            areas=areas,
            groups=memberships,
            rates=tuple(rates),
            composite=_composite(composite),
            scale=plan.scale,
        )
        cells, differences = sums.table(level=level), _gaps(sums, level)
        shares = [m.key for m in measures if m.choices and m.key in rates]
        weight = people[design.weight].to_numpy(dtype=float)
        kish = float(np.mean(weight**2) / np.mean(weight) ** 2)
        cells = bounded(cells, shares, level=level, kish_deff=kish)
    except EstimateError as error:
        raise NotEstimable(
            msg("The estimates cannot be computed: {reason}", reason=error)
        ) from error
    return (
        protect(_kept(cells, plan)),
        protect(_kept(differences, plan), counts=("n_reference",)),
    )


def _gaps(sums: Cube, level: float) -> pd.DataFrame:
    """Each group against the rest of its area, and each area against the nation."""
    rest = sums.gaps(level=level).rename(columns={"rest": "reference", "n_rest": "n_reference"})
    parts = [rest.assign(contrast="rest")]
    for area_level in AREA_LEVELS:
        if area_level != "nation":
            table = sums.against(area_level, "nation", level=level)
            table = table.drop(columns="reference").rename(
                columns={"reference_estimate": "reference"}
            )
            parts.append(table.assign(contrast="nation"))
    joined = pd.concat(parts, ignore_index=True)
    keys = ["contrast", "area_level", "area", "group", "indicator", "status"]
    return joined.astype(dict.fromkeys(keys, "category"))


def _plan(instrument: Instrument, tree: IndicatorTree | None) -> Plan:
    if tree is not None:
        scored = instrument.scored_items
        feeds = {item.name: str(item.indicator) for item in scored}
        return Plan(Tree.of(tree.indicators, feeds), _common_scale(scored), True)
    ratings = [item for item in instrument.items() if item.kind is Kind.RATING]
    if not ratings:
        raise NotEstimable(msg("The questionnaire has no rating to estimate."))
    alike = [item for item in ratings if _scale(item) == _scale(ratings[0])]
    nodes = tuple(Node(item.name, None, 1, 1 / len(alike)) for item in alike)
    return Plan(Tree(nodes), _scale(ratings[0]), False)


def _common_scale(items: tuple[Item, ...]) -> Scale:
    scales = {_scale(item) for item in items}
    if len(scales) != 1:
        raise NotEstimable(msg("All scored items of a questionnaire must share one scale."))
    return scales.pop()


def _scale(item: Item) -> Scale:
    return Scale(int(item.minimum or 0), int(item.maximum or 0))


def _kept(table: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Without a tree the mean over all ratings is nobody's score, so it is not offered."""
    if plan.has_composite:
        return table
    return table[table["indicator"] != COMPOSITE].reset_index(drop=True)


def _composite(name: str) -> Literal["item_means", "per_respondent"]:
    return "per_respondent" if name == "per_respondent" else "item_means"
