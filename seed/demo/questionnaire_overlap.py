"""The overlap of a wave with its earlier questionnaire: where it is asked, and the planted step."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from seed.demo.calibrate import calibrate_plan
from seed.demo.field_plan import STRATA, DemoPoints
from seed.demo.model import WaveModel
from seed.demo.population import Population
from seed.demo.truth import overall_values
from seed.demo.wave_plans import PLANS
from survey.frame.city_frame import shipped_cities
from survey.frame.sampling_plan import draw_point_share
from survey.results.crosswalk import list_counterparts

Ints = npt.NDArray[np.int64]

FEWEST = 20
"""Earlier interviews of a city: a demonstration so small that it would have fewer has no overlap.
Most figures of it would be below the threshold."""


@dataclass(frozen=True)
class OverlapPlan:
    """What a wave declares, and the step that is planted."""

    instrument: str
    tree: str
    share: float
    """Of the points; they are many and small, so that strata have two."""
    interviews: float
    """Earlier interviews relative to the ordinary ones, which they come on top of."""
    seed: int
    step: float
    """Points of the nation's composite that the later questionnaire gives more."""
    step_sd: float
    """Between cities."""


OVERLAPS: Mapping[str, OverlapPlan] = {
    "main-2023": OverlapPlan("main-2021", "cca-2021", 0.3, 0.1, seed=1, step=1.0, step_sd=0.8)
}
"""With the step, half of the published rise from 2022 is of the questionnaire."""


def find_overlap_plan(key: str, valid: int) -> OverlapPlan | None:
    """Return the overlap of a wave with `valid` ordinary interviews; None if it has none."""
    plan = OVERLAPS.get(key)
    if plan is None or valid * plan.interviews < FEWEST * len(shipped_cities()):
        return None
    return plan


@lru_cache(maxsize=1)
def calibrate_earlier(key: str) -> WaveModel:
    """The model of the earlier questionnaire of a wave: the same people, a step lower."""
    overlap = OVERLAPS[key]
    plan = replace(
        PLANS[key],
        instrument=overlap.instrument,
        tree=overlap.tree,
        offset=-overlap.step,
        offset_sd=overlap.step_sd,
    )
    return calibrate_plan(plan)


def true_steps(key: str, later: WaveModel) -> pd.DataFrame:
    """True scores of everybody by both questionnaires, and their difference, exact in the models.

    One row for each area and indicator that both trees have, named as in the later one.
    """
    earlier = calibrate_earlier(key)
    assert earlier.tree is not None
    assert later.tree is not None
    names = list_counterparts(earlier.tree, later.tree)
    own, before = overall_values(later), overall_values(earlier)
    rows = own[own.index.get_level_values("indicator").isin(list(names))].rename("later")
    table = rows.reset_index()
    there = [table["area_level"], table["area"], table["indicator"].map(names)]
    found = before.reindex(pd.MultiIndex.from_arrays(there)).to_numpy()
    table = table.assign(earlier=found)
    return table.assign(step=table["later"] - table["earlier"])


def split_points(
    points: DemoPoints, overlap: OverlapPlan, codes: tuple[str, ...]
) -> tuple[DemoPoints, DemoPoints]:
    """The same points, of which strata name those of the wave's questionnaire, and the others.

    They are drawn as the store draws them when the overlap is declared.
    """
    strata = (STRATA[place] for place in points.stratum.tolist())
    cities = (codes[place] for place in points.city.tolist())
    drawn = draw_point_share(
        zip(cities, strata, points.code, strict=True), overlap.share, overlap.seed
    )
    asks_earlier = np.array([code in drawn for code in points.code])
    own, earlier = (
        {place: here[asks_earlier[here] == wanted] for place, here in points.of_stratum.items()}
        for wanted in (False, True)
    )
    return replace(points, of_stratum=own), replace(points, of_stratum=earlier)


def people_at(people: Population, points: DemoPoints) -> Population:
    """The people with as many interviews in villages as the points have there: each takes alike."""
    counts = np.array(
        [
            [len(points.of_stratum[place, stratum]) for stratum in range(len(STRATA))]
            for place in range(len(people.weight))
        ]
    )
    # Never quite none: villagers are met in town too, as everywhere.
    rural = np.maximum(counts[:, 1] / counts.sum(axis=1), 1e-9)
    return replace(people, rural_stratum=np.where(people.rural_stratum > 0, rural, 0.0))
