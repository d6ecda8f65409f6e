"""Answers to the modules that were added later, each question from a stream of its own.

They come after everything else of a wave is drawn, so that adding a question moves no other answer.
"""

import numpy as np
import numpy.typing as npt

from seed.demo import bad_interviews
from seed.demo.field_plan import DemoPoints
from seed.demo.model import WaveModel
from seed.demo.random_streams import random_stream
from seed.demo.response_model import PERSON_SD, SURVEYOR_SD, VISIT_SD
from seed.demo.sample_draw import OFF_ROUTE, DrawnInterviews, find_asked, pick_options, rate

_ONE_LEVEL = (bad_interviews.STRAIGHT, bad_interviews.MOBILISED)
"""Kinds that say one score throughout: also here, that of overall satisfaction."""


def draw_module_answers(
    drawn: DrawnInterviews,
    model: WaveModel,
    points: DemoPoints,
    kind: npt.NDArray[np.int8],
    copied: npt.NDArray[np.int64],
    seed: int,
) -> None:
    """Answer the questions of later modules in place; a near-duplicate has those of its original.

    `kind` says what is wrong with each interview, `copied` the row it was copied from, or -1.
    """
    plan, people = model.plan, model.people
    by_name = {choice.name: choice for choice in plan.choices}
    copies = np.flatnonzero(copied >= 0)
    for choice in plan.module_choices:
        rng = _open_stream(model, choice.name, len(drawn), seed)
        rows = np.flatnonzero(find_asked(drawn, people, choice, by_name))
        codes = np.full(len(drawn), OFF_ROUTE, dtype=np.int8)
        chances = model.chances[choice.name][drawn.city[rows], drawn.cell[rows]]
        codes[rows] = pick_options(chances, rng)
        codes[copies] = codes[copied[copies]]
        drawn.choices[choice.name] = codes
    spread = np.sqrt(PERSON_SD**2 + SURVEYOR_SD**2 + VISIT_SD**2)
    person = _open_stream(model, "person", len(drawn), seed).normal(0, spread, len(drawn))
    person += points.effect[drawn.point]
    first = len(plan.scored) + len(plan.others)
    for place, rating in enumerate(plan.module_ratings, start=first):
        rng = _open_stream(model, rating.name, len(drawn), seed)
        noise = rng.standard_normal(len(drawn), dtype=np.float32)
        asked = find_asked(drawn, people, rating, by_name)
        score = rate(drawn, model, place, person.astype(np.float32), noise, asked, rng)
        level = drawn.ratings["overall"]
        score = np.where(np.isin(kind, _ONE_LEVEL) & (score > 0) & (level > 0), level, score)
        score[copies] = score[copied[copies]]
        drawn.ratings[rating.name] = score


def _open_stream(model: WaveModel, name: str, count: int, seed: int) -> np.random.Generator:
    return random_stream("module", model.plan.key, name, count, seed=seed)
