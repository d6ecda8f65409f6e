"""Replicate weights of an exact file: Rao-Wu resamples of its points, a column each.

They are drawn by the names that the points have in this one file. Drawn by the true codes, with a
seed that is published, they would tell the place of every point in the list of its stratum.
"""

from typing import TYPE_CHECKING

from survey.estimate.bootstrap import rao_wu
from survey.estimate.design import Design, Sample
from survey.files.microdata.file_formats import FileFormat
from survey.files.microdata.variables import REPLICATE_PREFIX
from survey.locale import Translator
from survey.results.drivers import SEED

if TYPE_CHECKING:
    import pandas as pd

REPLICATES = 100
REPLICATE_FORMATS = frozenset({FileFormat.PARQUET, FileFormat.SPSS, FileFormat.STATA})
"""Formats of numbers: as text, a hundred columns of weights are five times the rest of a file."""


def add_replicate_weights(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows of an exact file with replicate weights; as they are without points."""
    import pandas as pd

    if not len(table) or table["psu"].isna().any():
        return table
    strata = table["city_code"].astype(str) + ":" + table["stratum"].astype(str)
    design = Design("weight", "design_stratum", "psu")
    sample = Sample.read(table[["weight", "psu"]].assign(design_stratum=strata), design)
    factors = rao_wu(sample, REPLICATES, SEED)[:, sample.psu]
    names = [f"{REPLICATE_PREFIX}{number:03d}" for number in range(1, REPLICATES + 1)]
    weights = pd.DataFrame((factors * sample.weight).T, index=table.index, columns=names)
    return pd.concat([table, weights], axis=1)


def describe_replicates(t: Translator) -> str:
    """Return how the replicate weights of a file are used."""
    return t(
        "{first} to {last} are replicate weights (Rao–Wu bootstrap of the points within strata). "
        "In R: svrepdesign(weights = ~weight, repweights = \"{prefix}[0-9]+\", data = rows, "
        "type = \"bootstrap\", combined.weights = TRUE, scale = 1/{scale}, rscales = 1, "
        "mse = FALSE). Their errors differ by chance from the published ones, by about "
        "{percent}%.",
        first=f"{REPLICATE_PREFIX}001",
        last=f"{REPLICATE_PREFIX}{REPLICATES:03d}",
        prefix=REPLICATE_PREFIX,
        scale=REPLICATES - 1,
        percent=round(100 / (2 * (REPLICATES - 1)) ** 0.5),
    )  # fmt: skip
