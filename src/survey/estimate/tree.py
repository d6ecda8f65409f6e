"""Indicator tree of the estimator: codes, parents, weights, and the items below."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Protocol, Self

import numpy as np
import pandas as pd

from survey.estimate.arrays import Floats
from survey.estimate.errors import EstimateError

COMPOSITE = "composite"
WEIGHT_TOLERANCE = 1e-4


class IndicatorLike(Protocol):
    """Protocol of an indicator of any tree, such as those of `survey.questionnaire`."""

    @property
    def code(self) -> str: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def level(self) -> int: ...
    @property
    def weight(self) -> float: ...


@dataclass(frozen=True)
class Node:
    """Indicator of a tree; `parent` is None on level 1, `weight` its share of the parent."""

    code: str
    parent: str | None
    level: int
    weight: float


@dataclass(frozen=True)
class Tree:
    """Tree of weighted indicators, with the item columns that feed them.

    A tree without nodes and items is for questionnaires that have rates and means of numbers and no
    rating; its composite, a sum of nothing, has no meaning.

    Args:
        nodes: indicators of all levels; the weights under one parent sum to 1 (to 1e-4, so that
            thirds may be written 0.333333; weights are used as written, never rescaled).
        items: item column -> code of the indicator it feeds. Empty: each indicator without
            children is itself a column.
        item_weights: item column -> share of its indicator; equal shares unless given.

    Raises:
        EstimateError: an unknown parent, weights that do not sum to 1, an indicator without
            items, or the reserved code "composite".
    """

    nodes: tuple[Node, ...]
    items: Mapping[str, str] = field(default_factory=dict)
    item_weights: Mapping[str, float] = field(default_factory=dict)
    folds_equal: ClassVar[bool] = True
    """Whether statistics of the same items and weights are summed once."""

    def __post_init__(self) -> None:
        if not self.nodes and self.items:
            raise EstimateError("empty_tree")
        if not self.nodes:
            return
        _check_codes(self.codes)
        self._check_parents()
        for parent in {node.parent for node in self.nodes}:
            _check_sum(parent, sum(n.weight for n in self.nodes if n.parent == parent))
        for code in set(self.feeds.values()):
            _check_sum(
                code, sum(self._compute_item_weight(i) for i in self.feeds if self.feeds[i] == code)
            )
        for code, weights in zip(self.variables, self.omega, strict=True):
            if not weights.any():
                raise EstimateError("tree_barren", indicator=code)

    def _check_parents(self) -> None:
        level_of = {node.code: node.level for node in self.nodes}
        for node in self.nodes:
            if node.parent is None:
                continue
            if node.parent not in level_of:
                raise EstimateError("tree_orphan", indicator=node.code, parent=node.parent)
            if level_of[node.parent] >= node.level:
                reason = "its parent is on no higher level"
                raise EstimateError("tree_code", indicator=node.code, reason=reason)
        for item, code in self.feeds.items():
            if code not in level_of:
                raise EstimateError("tree_orphan", indicator=item, parent=code)

    @classmethod
    def of(cls, indicators: Iterable[IndicatorLike], items: Mapping[str, str]) -> Self:
        """Build a tree from indicators and `items`, a mapping item column -> indicator code."""
        nodes = (Node(i.code, i.parent, i.level, i.weight) for i in indicators)
        return cls(tuple(nodes), dict(items))

    @classmethod
    def from_frame(cls, table: pd.DataFrame, items: Mapping[str, str] | None = None) -> Self:
        """Build a tree from a table (code, parent, level, weight); `items`: item column -> code.

        Parent is missing or empty on the first level, as in an indicator file read with
        `dtype={"code": str, "parent": str}`.
        """
        for name in ("code", "parent", "level", "weight"):
            if name not in table.columns:
                raise EstimateError("missing_column", column=name)
        parents = table["parent"].astype(object).where(table["parent"].notna(), None)
        rows = zip(table["code"], parents, table["level"], table["weight"], strict=True)
        nodes = (
            Node(str(code), str(parent) if parent else None, int(level), float(weight))
            for code, parent, level, weight in rows
        )
        return cls(tuple(nodes), dict(items or {}))

    @cached_property
    def codes(self) -> tuple[str, ...]:
        return tuple(node.code for node in self.nodes)

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the T statistics of the tree: the indicator codes, then "composite"."""
        return (*self.codes, COMPOSITE)

    @cached_property
    def feeds(self) -> dict[str, str]:
        """Code of the indicator that each item column feeds."""
        parents = {node.parent for node in self.nodes}
        return dict(self.items) or {code: code for code in self.codes if code not in parents}

    @cached_property
    def item_columns(self) -> tuple[str, ...]:
        """Names of the K item columns."""
        return tuple(self.feeds)

    @cached_property
    def omega(self) -> Floats:
        """Weight of each item in each statistic, statistics × items.

        The product of the tree's weights from the indicator down to the item.
        """
        row = {code: i for i, code in enumerate(self.variables)}
        node_of = {node.code: node for node in self.nodes}
        omega = np.zeros((len(row), len(self.item_columns)))
        for k, item in enumerate(self.item_columns):
            product, code = self._compute_item_weight(item), self.feeds[item]
            omega[row[code], k] = product
            while (parent := node_of[code].parent) is not None:
                product *= node_of[code].weight
                omega[row[parent], k] = product
                code = parent
            omega[row[COMPOSITE], k] = product * node_of[code].weight
        return omega

    def _compute_item_weight(self, item: str) -> float:
        siblings = sum(code == self.feeds[item] for code in self.feeds.values())
        return self.item_weights.get(item, 1 / siblings)


def _check_codes(codes: tuple[str, ...]) -> None:
    for code in codes:
        if code == COMPOSITE:
            raise EstimateError("tree_code", indicator=code, reason="it names the whole tree")
        if codes.count(code) > 1:
            raise EstimateError("tree_code", indicator=code, reason="it appears twice")


def _check_sum(parent: str | None, total: float) -> None:
    if abs(total - 1) > WEIGHT_TOLERANCE:
        raise EstimateError("tree_weights", parent=parent or COMPOSITE, total=total)
