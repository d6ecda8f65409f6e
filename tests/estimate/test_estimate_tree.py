"""The tree: weights multiplied down to the items, and trees that cannot be used."""

import numpy as np
import pandas as pd
import pytest

from survey.estimate import Design, EstimateError, Node, Tree, estimate_tree, to_scores
from tests.estimate.naive_estimates import wave


def test_weights_are_products_from_indicator_to_item():
    tree = Tree(
        (
            Node("1", None, 1, 0.6),
            Node("2", None, 1, 0.4),
            Node("1.1", "1", 2, 0.25),
            Node("1.2", "1", 2, 0.75),
            Node("2.1", "2", 2, 1.0),
        ),
        {"a": "1.1", "b": "1.2", "c": "1.2", "d": "2.1"},
        {"b": 0.1, "c": 0.9},
    )
    assert tree.variables == ("1", "2", "1.1", "1.2", "2.1", "composite")
    omega = dict(zip(tree.variables, tree.omega, strict=True))
    np.testing.assert_allclose(omega["1"], [0.25, 0.075, 0.675, 0])
    np.testing.assert_allclose(omega["1.2"], [0, 0.1, 0.9, 0])
    np.testing.assert_allclose(omega["composite"], [0.15, 0.045, 0.405, 0.4])
    np.testing.assert_allclose(tree.omega.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("nodes", "items", "code"),
    [
        ((), {"q": "a"}, "empty_tree"),
        ((Node("a", None, 1, 0.5),), {}, "tree_weights"),
        ((Node("a", None, 1, 1.0), Node("b", "x", 2, 1.0)), {}, "tree_orphan"),
        ((Node("a", None, 1, 1.0),), {"q": "z"}, "tree_orphan"),
        ((Node("a", None, 1, 1.0), Node("b", "a", 2, 1.0)), {"q": "a"}, "tree_barren"),
        ((Node("composite", None, 1, 1.0),), {}, "tree_code"),
        ((Node("a", None, 1, 0.5), Node("a", None, 1, 0.5)), {}, "tree_code"),
        ((Node("a", "b", 1, 1.0), Node("b", "a", 1, 1.0)), {}, "tree_code"),
    ],
)
def test_unusable_trees(nodes, items, code):
    with pytest.raises(EstimateError) as caught:
        Tree(nodes, items)
    assert caught.value.code == code


def test_raw_answers_become_scores():
    frame = wave().head(4).assign(x=[1, 10, -2, 7])
    assert to_scores(frame, ["x"])["x"].tolist() == pytest.approx(
        [0, 100, np.nan, 100 * 6 / 9], nan_ok=True
    )
    with pytest.raises(EstimateError) as caught:
        to_scores(frame.assign(x=11), ["x"])
    assert caught.value.code == "raw_range"
    with pytest.raises(EstimateError):
        to_scores(frame.assign(x=0), ["x"])


def test_tree_from_a_table():
    table = pd.DataFrame(
        {
            "code": ["1", "2", "q0", "q1", "q2"],
            "parent": [None, "", "1", "1", "2"],
            "level": [1, 1, 2, 2, 2],
            "weight": [0.6, 0.4, 0.5, 0.5, 1.0],
        }
    )
    tree = Tree.from_frame(table.fillna({"parent": np.nan}))
    assert tree.item_columns == ("q0", "q1", "q2")
    np.testing.assert_allclose(tree.omega[-1], [0.3, 0.3, 0.4])
    design = Design("weight", strata="stratum", psu="psu")
    estimates = estimate_tree(wave(), table, design, by="city")
    pd.testing.assert_frame_equal(estimates, estimate_tree(wave(), tree, design, by="city"))
    with pytest.raises(EstimateError):
        Tree.from_frame(table.drop(columns="weight"))
