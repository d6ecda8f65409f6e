"""Weights of the scored items of a wave, from its indicator tree."""

import numpy as np
import numpy.typing as npt

from survey.questionnaire.indicator_tree import IndicatorTree

Floats = npt.NDArray[np.float64]


def item_codes(tree: IndicatorTree) -> tuple[str, ...]:
    """Third-level codes in the order of the tree, which is that of the scored items."""
    return tuple(indicator.code for indicator in tree.level(3))


def first_level(tree: IndicatorTree, code: str) -> str:
    parent = tree.by_code[code].parent
    while parent is not None:
        code, parent = parent, tree.by_code[parent].parent
    return code


def item_weights(tree: IndicatorTree, top: str | None = None) -> Floats:
    """Weight of each scored item in the indicator `top`, or in the composite."""
    return np.array([_compute_weight(tree, code, top) for code in item_codes(tree)])


def _compute_weight(tree: IndicatorTree, code: str, top: str | None) -> float:
    weight = 1.0
    at: str | None = code
    while at is not None and at != top:
        weight *= tree.by_code[at].weight
        at = tree.by_code[at].parent
    return weight if at == top else 0.0
