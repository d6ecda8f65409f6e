"""Data of a wave that its tables are computed from: people, instrument, tree, design."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlmodel import Session

from survey.estimate import CubeSpec, Design, Node, RatingScale, Tree
from survey.fieldwork.instruments import load_instrument, load_tree
from survey.instrument.indicator_tree import IndicatorTree
from survey.instrument.model import Instrument, Item
from survey.instrument.question_types import type_of
from survey.locale import msg
from survey.results.analysis import (
    DF_RULE,
    NotEstimableError,
    add_weights,
    analysis_frame,
    resolve_missing_points,
    sampling_design,
)
from survey.results.domains import GROUP_VARIABLES, SHIPPED_SERIES, area_labels, group_memberships
from survey.results.fieldwork_record import FieldworkRecord
from survey.results.group_questions import (
    GroupQuestion,
    declared_items,
    declared_questions,
    named_questions,
)
from survey.results.measures import (
    Measure,
    form_measures,
    measure_values,
    measures_for,
    module_measures,
    read_measures,
)
from survey.results.weighting import WeightingReport
from survey.sample.city_frame import build_frame_table, shipped_cities
from survey.sample.special_groups import VILLAGE_SERIES, Oversampling, oversampling_of
from survey.settings import PROJECT_ROOT
from survey.snapshot.seals import find_seals, read_sealed
from survey.snapshot.snapshot_files import MANIFEST, RESPONSES, WithoutPoint, read_snapshot
from survey.store.tables import Wave

RATINGS_TOPIC = "ratings"
"""Topic of ratings that no list of measures declares."""
CONFIDENCE_LEVEL = 0.95
"""Confidence level of every interval and every set of ranks."""
_MEASURES = PROJECT_ROOT / "seed" / "instruments" / "measures.csv"


@dataclass(frozen=True)
class ScoringPlan:
    """Tree with its items, and their scale."""

    tree: Tree
    scale: RatingScale
    has_composite: bool


@dataclass(frozen=True, eq=False)
class WaveData:
    """Wave that is ready to be estimated; the same data give the same tables."""

    series: str
    people: pd.DataFrame
    """Approved responses with weights and derived groups, a row a respondent."""
    report: WeightingReport
    instrument: Instrument
    tree: IndicatorTree | None
    """Indicator tree with the weights in effect, see `Instrument.renormalise`."""
    measures: tuple[Measure, ...]
    composite: str
    grouping: tuple[GroupQuestion, ...] = ()
    """Questions that whoever froze the wave declared to make groups."""
    without_point: int = 0
    """Interviews that lack a sampling point and are a stratum of their own."""
    level: float = CONFIDENCE_LEVEL
    declared_tree: IndicatorTree | None = None
    """Indicator tree as it is stored."""
    fieldwork: FieldworkRecord | None = None
    """As it was counted at the freeze."""

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
        without_point: WithoutPoint = WithoutPoint.REFUSE,
        groups: Sequence[str] = (),
    ) -> "WaveData":
        """Weigh the responses of `frame`.

        Args:
            groups: questions of the instrument whose answers make further groups.

        Raises:
            NotEstimableError: margins that cannot be met.
            UnfitGroupError: a question in `groups` cannot make any.
            PointsMissingError: some responses lack a point, and `without_point` refuses them.
            WeightsMissingError: some responses came with a weight and others without.
        """
        grouping = declared_questions(instrument, groups)
        frame, alone = resolve_missing_points(frame, without_point)
        people, report = add_weights(analysis_frame(frame, series), series, oversampling)
        measures = _measures(instrument, series, declared_items(grouping))
        stored = tree
        if tree is not None and instrument.renormalise:
            tree = tree.measured_by({str(item.indicator) for item in instrument.scored_items})
        if tree is None:
            measures += _measures_on_other_scales(instrument, measures)
        return cls(
            series,
            people,
            report,
            instrument,
            tree,
            measures,
            composite,
            grouping,
            alone,
            declared_tree=stored,
        )

    @property
    def without_question(self) -> tuple[str, ...]:
        """Codes of the stored tree that no question measures and whose weight others take."""
        left = {indicator.code for indicator in self.tree.indicators} if self.tree else set()
        whole = self.declared_tree.indicators if self.declared_tree else ()
        return tuple(indicator.code for indicator in whole if indicator.code not in left)

    @cached_property
    def design(self) -> Design:
        return sampling_design(self.people)

    @cached_property
    def cities(self) -> pd.DataFrame:
        """Frame of cities, a row per city by its code."""
        return build_frame_table(shipped_cities())

    @cached_property
    def areas(self) -> Mapping[str, NDArray[np.object_]]:
        """Area of each respondent by area level."""
        return area_labels(self.people["city_code"], self.cities)

    @cached_property
    def memberships(self) -> Mapping[str, NDArray[np.bool_]]:
        """Membership of each respondent by group."""
        further = (
            membership for question in self.grouping for membership in question.members(self.people)
        )
        return group_memberships(self.people, self.series) | dict(further)

    @property
    def cube_spec(self) -> CubeSpec:
        """Every indicator of the tree in every area and group; measures are not part of it."""
        return self.build_cube_spec(self.areas, self.memberships)

    def build_cube_spec(
        self, areas: Mapping[str, NDArray[np.object_]], groups: Mapping[str, NDArray[np.bool_]]
    ) -> CubeSpec:
        """Return every indicator of the tree in these areas and groups."""
        return CubeSpec(
            tree=self.plan.tree,
            design=self.design,
            areas=areas,
            groups=groups,
            composite=composite_of(self.composite),
            scale=self.plan.scale,
            df_rule=DF_RULE,
        )

    def unscored_values(self) -> dict[str, NDArray[np.float64]]:
        """Return each respondent's value of every measure that is not a rating of the plan."""
        scored = set(self.plan.tree.item_columns)
        return {
            measure.key: measure_values(measure, self.instrument.by_name[measure.item], self.people)
            for measure in self.measures
            if measure.key not in scored
        }

    @property
    def group_names(self) -> tuple[GroupQuestion, ...]:
        """Questions of the form whose words name groups."""
        return named_questions(self.instrument, self.series, self.grouping)

    @cached_property
    def plan(self) -> ScoringPlan:
        """Tree and scale; without a tree each rating is read on its own, without composite."""
        if self.tree is not None:
            scored = self.instrument.scored_items
            feeds = {item.name: str(item.indicator) for item in scored}
            return ScoringPlan(Tree.of(self.tree.indicators, feeds), _common_scale(scored), True)
        ratings = _ratings(self.instrument)
        if not ratings:
            raise NotEstimableError(msg("The questionnaire has no rating to estimate."))
        alike = [item for item in ratings if _scale(item) == _scale(ratings[0])]
        nodes = tuple(Node(item.name, None, 1, 1 / len(alike)) for item in alike)
        return ScoringPlan(Tree(nodes), _scale(ratings[0]), False)


def composite_of(name: str) -> Literal["item_means", "per_respondent"]:
    """Return how the composite of a wave is formed, given the word stored with the wave."""
    return "per_respondent" if name == "per_respondent" else "item_means"


def _measures(
    instrument: Instrument, series: str, groups: tuple[str, ...] = ()
) -> tuple[Measure, ...]:
    """Return the declared measures, and those that the questionnaire declares itself.

    Of a study of one's own every question is measured.

    A question that makes groups gives no share: it would tell the size of a hidden group.
    """
    declared = measures_for(instrument, read_measures(_MEASURES))
    kept = tuple(measure for measure in declared if measure.item not in groups)
    if series in (*SHIPPED_SERIES, VILLAGE_SERIES) and declared:
        return (*kept, *module_measures(instrument, declared, (*GROUP_VARIABLES, *groups)))
    return (*kept, *form_measures(instrument, declared, (*GROUP_VARIABLES, *groups)))


def _ratings(instrument: Instrument) -> list[Item]:
    return [item for item in instrument.items() if type_of(item).is_score]


def _measures_on_other_scales(
    instrument: Instrument, declared: tuple[Measure, ...]
) -> tuple[Measure, ...]:
    """Return ratings on another scale than the first one: each is a mean on its own."""
    ratings, known = _ratings(instrument), {measure.key for measure in declared}
    return tuple(
        Measure(
            key=item.name,
            item=item.name,
            choices=(),
            name=dict(item.label) or {"en": item.name},
            topic=item.module or RATINGS_TOPIC,
            direction="higher",
            sensitive=item.sensitive,
        )
        for item in ratings
        if _scale(item) != _scale(ratings[0]) and item.name not in known
    )


def _common_scale(items: tuple[Item, ...]) -> RatingScale:
    if not items:
        raise NotEstimableError(msg("No question measures an indicator of the tree."))
    scales = {_scale(item) for item in items}
    if len(scales) != 1:
        raise NotEstimableError(msg("All scored items of a questionnaire must share one scale."))
    return scales.pop()


def _scale(item: Item) -> RatingScale:
    return RatingScale(int(item.minimum or 0), int(item.maximum or 0))


def load_wave_data(session: Session, wave: Wave, folder: Path) -> WaveData:
    """Load the data of a wave from its snapshot in `folder`.

    Raises:
        SnapshotDamagedError: the responses are missing or are not the ones frozen.
    """
    seals = find_seals(session, f"{folder.parent.name}/{folder.name}")
    for name in (MANIFEST, RESPONSES):
        read_sealed(folder / name, seals)
    manifest, frame = read_snapshot(folder)
    return WaveData.of(
        frame,
        series=wave.series,
        instrument=load_instrument(session=session, instrument_id=wave.instrument_id),
        tree=load_tree(session=session, tree_id=wave.tree_id) if wave.tree_id else None,
        composite=wave.composite,
        oversampling=oversampling_of(session=session, wave_id=wave.id),
        without_point=manifest.without_point,
        groups=manifest.groups,
    )
