"""Design-based estimates from weighted samples in data frames.

Every figure of the platform is computed here, for cities, regions, groups and the nation alike, by
one estimator: weighted means of domains with linearised PSU errors. The package imports only
numpy, scipy, pandas and threadpoolctl, and can be used on any frame. Formulas and choices:
`docs/statistics.md`.
"""

from survey.estimate.bootstrap import bootstrap
from survey.estimate.bridge import (
    BridgedTree,
    carried_variance,
    carry,
    plan_smaller_part,
    smooth_steps,
)
from survey.estimate.change import Pooled, change, pooled_mean
from survey.estimate.cube import Cube, CubeSpec, DfRule, RatingScale, cube_change
from survey.estimate.design import Design
from survey.estimate.differences import compare
from survey.estimate.drivers import (
    DriverMatrix,
    driver_matrix,
    driver_sums,
    matrix_of,
    priorities,
    relative_weights,
)
from survey.estimate.errors import EstimateError
from survey.estimate.estimate import estimate, share
from survey.estimate.indicators import estimate_tree, to_scores
from survey.estimate.intervals import (
    band_probabilities,
    bound_interval,
    bound_share,
    is_error_silent,
)
from survey.estimate.pair_sums import PairSums, PairTotal, PsuPairSums
from survey.estimate.rake import RakeResult, rake
from survey.estimate.ranks import (
    rank_sensitivity,
    rank_sets,
    significant_pairs,
    top_probability,
    tree_draws,
)
from survey.estimate.small_area import SmallAreaResult, fay_herriot
from survey.estimate.tree import Node, Tree

__all__ = [
    "BridgedTree",
    "Cube",
    "CubeSpec",
    "Design",
    "DfRule",
    "DriverMatrix",
    "EstimateError",
    "Node",
    "PairSums",
    "PairTotal",
    "Pooled",
    "PsuPairSums",
    "RakeResult",
    "RatingScale",
    "SmallAreaResult",
    "Tree",
    "band_probabilities",
    "bootstrap",
    "bound_interval",
    "bound_share",
    "carried_variance",
    "carry",
    "change",
    "compare",
    "cube_change",
    "driver_matrix",
    "driver_sums",
    "estimate",
    "estimate_tree",
    "fay_herriot",
    "is_error_silent",
    "matrix_of",
    "plan_smaller_part",
    "pooled_mean",
    "priorities",
    "rake",
    "rank_sensitivity",
    "rank_sets",
    "relative_weights",
    "share",
    "significant_pairs",
    "smooth_steps",
    "to_scores",
    "top_probability",
    "tree_draws",
]
