"""Selection by the answer itself, planted in main waves: the satisfied take part more readily.

Of everybody in a city, a person's lasting effect on all ratings is normal with mean -d. The chance
to take part rises with it, as exp(d × effect / variance), so that the effects of those who do are
normal with mean 0 and the same variance: these are the people whom `sample_draw` draws, and whose
scores the published ones are. No weighting puts it right, since no margin knows of it.
"""

from dataclasses import replace

import pandas as pd

from seed.demo.model import WaveModel
from seed.demo.population import Floats
from seed.demo.random_streams import random_stream
from seed.demo.truth import overall_values

SHIFT, SHIFT_SD = 0.3, 0.2
"""Points of the latent scale by which those who take part are above everybody: the mean, and its
standard deviation between cities. The same in every main wave."""


def selection_shifts(cities: int) -> Floats:
    """Points of the latent scale that selection adds in each city, shape (C,)."""
    return random_stream("selection-city").normal(SHIFT, SHIFT_SD, cities)


def true_selection(model: WaveModel) -> pd.DataFrame:
    """True scores of those who take part and of everybody, exact in the model, and the difference.

    One row for each area, indicator and measure; `bias` is the points that are too high.
    """
    below = selection_shifts(len(model.base))[:, None]
    table = pd.DataFrame({
        "takes_part": overall_values(model),
        "everybody": overall_values(replace(model, base=model.base - below)),
    })  # fmt: skip
    return table.assign(bias=table["takes_part"] - table["everybody"]).reset_index()
