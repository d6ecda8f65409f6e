"""Design-based estimates from a weighted sample: data frames in, data frames out.

Every figure of the platform is computed here, for cities, regions, groups and the nation alike, by
one estimator: weighted means of domains with linearised PSU errors. The package imports only
numpy, scipy, pandas and threadpoolctl, and can be used on any frame. Formulas and choices:
`docs/statistics.md`.
"""

from survey.estimate.compare import compare
from survey.estimate.cube import Cube, cube
from survey.estimate.cube_rows import Scale
from survey.estimate.cube_sums import CubeSums
from survey.estimate.design import Design
from survey.estimate.errors import EstimateError
from survey.estimate.estimate import estimate
from survey.estimate.indicators import estimate_tree
from survey.estimate.rake import RakeResult, rake
from survey.estimate.scores import to_scores
from survey.estimate.share import share
from survey.estimate.tree import Node, Tree

__all__ = [
    "Cube",
    "CubeSums",
    "Design",
    "EstimateError",
    "Node",
    "RakeResult",
    "Scale",
    "Tree",
    "compare",
    "cube",
    "estimate",
    "estimate_tree",
    "rake",
    "share",
    "to_scores",
]
