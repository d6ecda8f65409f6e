"""What the tables of a snapshot are computed from: weighted people, instrument, tree, design."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.estimate import Design, Node, Scale, Tree
from survey.fieldwork.planning.oversampling import Oversampling
from survey.instrument.model import Instrument, Item, Kind
from survey.instrument.tree import IndicatorTree
from survey.locale import msg
from survey.publish.results.analysis import NotEstimable, analysis_frame, design_for, weighted
from survey.publish.results.domains import GROUP_VARIABLES, SHIPPED_SERIES, area_labels, groups
from survey.publish.results.measures import Measure, form_measures, measures_for, read_measures
from survey.publish.results.weighting import WeightingReport
from survey.sample.frame import frame_table, shipped_cities
from survey.settings import PROJECT_ROOT

LEVEL = 0.95
"""Of every interval and every set."""
_MEASURES = PROJECT_ROOT / "seed" / "instruments" / "measures.csv"


@dataclass(frozen=True)
class Plan:
    """What is scored: the tree with its items, and their scale."""

    tree: Tree
    scale: Scale
    has_composite: bool


@dataclass(frozen=True, eq=False)
class Source:
    """One wave, ready to be estimated; the same source gives the same tables."""

    series: str
    people: pd.DataFrame
    """Approved responses with weights and derived groups, a row a respondent."""
    report: WeightingReport
    instrument: Instrument
    tree: IndicatorTree | None
    measures: tuple[Measure, ...]
    composite: str
    level: float = LEVEL

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        *,
        series: str,
        instrument: Instrument,
        tree: IndicatorTree | None,
        composite: str,
        oversampling: Oversampling | None = None,
    ) -> "Source":
        """Weigh the responses of `frame`. Raises `NotEstimable` where the margins cannot be met."""
        people, report = weighted(analysis_frame(frame, series), series, oversampling)
        measures = _measures(instrument, series)
        return cls(series, people, report, instrument, tree, measures, composite)

    @cached_property
    def design(self) -> Design:
        return design_for(self.people)

    @cached_property
    def cities(self) -> pd.DataFrame:
        """The frame of cities, a row a city by its code."""
        return frame_table(shipped_cities())

    @cached_property
    def areas(self) -> Mapping[str, NDArray[np.object_]]:
        """Area level -> area of each respondent."""
        return area_labels(self.people["city_code"], self.cities)

    @cached_property
    def memberships(self) -> Mapping[str, NDArray[np.bool_]]:
        """Group -> who belongs to it."""
        return groups(self.people, self.series)

    @cached_property
    def plan(self) -> Plan:
        """Without a tree each rating is read on its own and there is no composite."""
        if self.tree is not None:
            scored = self.instrument.scored_items
            feeds = {item.name: str(item.indicator) for item in scored}
            return Plan(Tree.of(self.tree.indicators, feeds), _common_scale(scored), True)
        ratings = [item for item in self.instrument.items() if item.kind is Kind.RATING]
        if not ratings:
            raise NotEstimable(msg("The questionnaire has no rating to estimate."))
        alike = [item for item in ratings if _scale(item) == _scale(ratings[0])]
        nodes = tuple(Node(item.name, None, 1, 1 / len(alike)) for item in alike)
        return Plan(Tree(nodes), _scale(ratings[0]), False)


def _measures(instrument: Instrument, series: str) -> tuple[Measure, ...]:
    """What is declared; of a questionnaire of one's own, what its questions are as well."""
    declared = measures_for(instrument, read_measures(_MEASURES))
    if series in SHIPPED_SERIES and declared:
        return declared
    return (*declared, *form_measures(instrument, declared, GROUP_VARIABLES))


def _common_scale(items: tuple[Item, ...]) -> Scale:
    scales = {_scale(item) for item in items}
    if len(scales) != 1:
        raise NotEstimable(msg("All scored items of a questionnaire must share one scale."))
    return scales.pop()


def _scale(item: Item) -> Scale:
    return Scale(int(item.minimum or 0), int(item.maximum or 0))
