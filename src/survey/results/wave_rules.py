"""Rules that a wave is measured by: questionnaire, tree, measures, groups and composite."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from survey.estimate import Node, RatingScale, Tree
from survey.frame.city_frame import build_frame_table, shipped_cities
from survey.frame.quotas import ELDERLY, VILLAGE_SERIES, Oversampling
from survey.locale import Message, RefusedError, msg
from survey.questionnaire.indicator_tree import IndicatorTree
from survey.questionnaire.model import Instrument, Item
from survey.questionnaire.question_types import type_of
from survey.results.analysis import NotEstimableError
from survey.results.domains import GROUP_VARIABLES, SHIPPED_SERIES
from survey.results.measures import (
    Measure,
    form_measures,
    measures_for,
    module_measures,
    read_measures,
)
from survey.settings import PROJECT_ROOT
from survey.snapshots.snapshot_files import (
    DEFAULT_OPTIONS,
    FreezeOptions,
    SnapshotManifest,
    WithoutPoint,
)

MAX_CHOICES = 12
"""A question with more choices makes mostly groups that are too small to be shown."""
MAX_GROUPS = 40
"""Declared groups of one wave; what the gate looks at grows with the pairs of groups."""
_RESERVED_NAMES = (*GROUP_VARIABLES, ELDERLY.partition("=")[0])


class GroupQuestion(BaseModel):
    """Question whose choices define groups of respondents, with its labels."""

    model_config = ConfigDict(frozen=True)

    item: str
    several: bool
    """Whether a person can be in several of its groups."""
    label: Mapping[str, str]
    choices: Mapping[str, Mapping[str, str]]
    declared: bool = True
    """False for a variable that makes groups in every wave: kept for its words alone."""

    @classmethod
    def of(cls, item: Item, *, declared: bool = True) -> "GroupQuestion":
        return cls(
            item=item.name,
            several=type_of(item).allows_several,
            label=dict(item.label),
            choices={choice.name: dict(choice.label) for choice in item.choices},
            declared=declared,
        )

    def members(self, frame: pd.DataFrame) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Yield the key `item=choice` of each group with the membership of each row."""
        for choice in self.choices:
            if self.several:
                named = frame[f"{self.item}/{choice}"].to_numpy() == 1
            else:
                named = (frame[self.item] == choice).to_numpy(dtype=bool)
            yield f"{self.item}={choice}", named


def list_fit_questions(instrument: Instrument) -> tuple[Item, ...]:
    """Return the questions that can define groups, in the order of the questionnaire."""
    return tuple(item for item in instrument.items() if _explain_unfit(item) is None)


def declared_questions(instrument: Instrument, names: Sequence[str]) -> tuple[GroupQuestion, ...]:
    """Return the distinct group questions `names`; raise `RefusedError` if one makes no groups.

    Raises:
        RefusedError: a name that no question has, a question that cannot make groups, or more
            groups than `MAX_GROUPS`.
    """
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        item = instrument.by_name.get(name)
        reason = _explain_unfit(item) if item else msg("There is no question {item}.", item=name)
        if reason is not None:
            choices = ", ".join(question.name for question in list_fit_questions(instrument))
            raise RefusedError(
                "unfit_group",
                msg(
                    "{reason} Questions that can make groups: {choices}.",
                    reason=reason,
                    choices=choices or msg("none"),
                ),
            )
    questions = tuple(GroupQuestion.of(instrument.by_name[name]) for name in wanted)
    count = sum(len(question.choices) for question in questions)
    if count > MAX_GROUPS:
        raise RefusedError(
            "unfit_group",
            msg(
                "These questions make {count} groups; a wave can have at most {most}. Leave out "
                "some of: {items}.",
                count=count,
                most=MAX_GROUPS,
                items=", ".join(
                    f"{question.item} ({len(question.choices)})" for question in questions
                ),
            ),
        )
    return questions


def _explain_unfit(item: Item) -> Message | None:
    """Return why a question cannot define groups; None if it can."""
    if not type_of(item).has_choice_list:
        return msg("{item} is not a question with choices.", item=item.name)
    if item.name in _RESERVED_NAMES:
        return msg("{item} makes groups in every wave.", item=item.name)
    if item.sensitive:
        return msg(
            "{item} is a sensitive question: the size of a group would tell how people answered.",
            item=item.name,
        )
    if len(item.choices) > MAX_CHOICES:
        return msg(
            "{item} has {count} choices; a question that makes groups has at most {most}.",
            item=item.name,
            count=len(item.choices),
            most=MAX_CHOICES,
        )
    return None


def named_questions(
    instrument: Instrument, series: str, declared: Sequence[GroupQuestion]
) -> tuple[GroupQuestion, ...]:
    """Return questions that form groups of results: declared ones, in own series the usual too.

    Usual are those of `GROUP_VARIABLES`, such as gender, that the questionnaire of the series has.
    """
    if series in SHIPPED_SERIES:
        return tuple(declared)
    usual = (instrument.by_name.get(name) for name in GROUP_VARIABLES)
    return (
        *(
            GroupQuestion.of(item, declared=False)
            for item in usual
            if item is not None and type_of(item).takes_one_choice
        ),
        *declared,
    )


def declared_items(questions: Collection[GroupQuestion]) -> tuple[str, ...]:
    """Return the item names of those questions that were declared for the wave."""
    return tuple(question.item for question in questions if question.declared)


RATINGS_TOPIC = "ratings"
"""Topic of ratings that no list of measures declares."""
CONFIDENCE_LEVEL = 0.95
"""Confidence level of every interval and every set of ranks."""
_UNUSED_SCALE = RatingScale(0, 1)
"""Scale of a questionnaire without any rating."""
_ASKED_FOR_GROUPS = (*GROUP_VARIABLES, "age")
"""Questions that make groups: `age_band` is made of `age`."""
_MEASURES = PROJECT_ROOT / "seed" / "instruments" / "measures.csv"


@dataclass(frozen=True)
class ScoringPlan:
    """Scoring tree with its items, their rating scale, and whether there is a composite."""

    tree: Tree
    scale: RatingScale
    has_composite: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class WaveRules:
    """Questionnaire, tree, measures and options that determine how a wave's tables are computed."""

    series: str
    instrument: Instrument
    tree: IndicatorTree | None
    """Indicator tree with the weights in effect, see `Instrument.renormalise`."""
    measures: tuple[Measure, ...]
    composite: str
    grouping: tuple[GroupQuestion, ...] = ()
    """Questions that whoever froze the wave declared to make groups."""
    level: float = CONFIDENCE_LEVEL
    declared_tree: IndicatorTree | None = None
    """Indicator tree as it is stored."""
    oversampling: Oversampling | None = None
    point_rule: WithoutPoint = WithoutPoint.REFUSE
    """Treatment of interviews without a sampling point."""

    @classmethod
    def of(
        cls,
        *,
        series: str,
        instrument: Instrument,
        tree: IndicatorTree | None,
        composite: str,
        oversampling: Oversampling | None = None,
        options: FreezeOptions | SnapshotManifest = DEFAULT_OPTIONS,
    ) -> "WaveRules":
        """Return a wave's rules: its measures, effective tree weights, and its freeze's `options`.

        Args:
            options: those of its freeze, or the manifest that keeps them.

        Raises:
            RefusedError: a question in `groups` cannot make any.
        """
        grouping = declared_questions(instrument, options.groups)
        measures = _list_measures(instrument, series, declared_items(grouping))
        stored = tree
        if tree is not None and instrument.renormalise:
            tree = tree.measured_by({str(item.indicator) for item in instrument.scored_items})
        if tree is None:
            measures += _list_measures_on_other_scales(instrument, measures)
        return WaveRules(
            series=series,
            instrument=instrument,
            tree=tree,
            measures=measures,
            composite=composite,
            grouping=grouping,
            declared_tree=stored,
            oversampling=oversampling,
            point_rule=options.without_point,
        )

    def as_fields(self) -> dict[str, Any]:
        """Return the fields of `WaveRules` by name, as arguments for a subclass."""
        return {field.name: getattr(self, field.name) for field in fields(WaveRules)}

    @property
    def without_question(self) -> tuple[str, ...]:
        """Indicators of the stored tree that no question measures; others take their weight."""
        left = {indicator.code for indicator in self.tree.indicators} if self.tree else set()
        whole = self.declared_tree.indicators if self.declared_tree else ()
        return tuple(indicator.code for indicator in whole if indicator.code not in left)

    @cached_property
    def cities(self) -> pd.DataFrame:
        """Frame of cities, a row per city by its code."""
        return build_frame_table(shipped_cities())

    @property
    def rates(self) -> tuple[Measure, ...]:
        """Measures not among the ratings that the scoring plan turns into scores."""
        scored = set(self.plan.tree.item_columns)
        return tuple(measure for measure in self.measures if measure.key not in scored)

    @property
    def group_names(self) -> tuple[GroupQuestion, ...]:
        """Questions from whose choices the groups of the wave get their names."""
        return named_questions(self.instrument, self.series, self.grouping)

    @cached_property
    def plan(self) -> ScoringPlan:
        """Scoring plan: the tree, or without one each rating on its own without composite."""
        if self.tree is not None:
            scored = self.instrument.scored_items
            feeds = {item.name: str(item.indicator) for item in scored}
            return ScoringPlan(
                Tree.of(self.tree.indicators, feeds), _find_common_scale(scored), True
            )
        ratings = _list_ratings(self.instrument)
        if not ratings and not self.measures:
            raise NotEstimableError(msg("The questionnaire has no question that gives a figure."))
        if not ratings:
            return ScoringPlan(Tree(()), _UNUSED_SCALE, False)
        alike = [item for item in ratings if _scale(item) == _scale(ratings[0])]
        nodes = tuple(Node(item.name, None, 1, 1 / len(alike)) for item in alike)
        return ScoringPlan(Tree(nodes), _scale(ratings[0]), False)


def composite_of(name: str) -> Literal["item_means", "per_respondent"]:
    """Return a stored name as the kind of composite, `per_respondent` or else `item_means`."""
    return "per_respondent" if name == "per_respondent" else "item_means"


def _list_measures(
    instrument: Instrument, series: str, groups: tuple[str, ...] = ()
) -> tuple[Measure, ...]:
    """Return all measures of a wave: declared ones and those of its questionnaire.

    Of a study of one's own every question is measured.

    A question that makes groups gives no share: it would tell the size of a hidden group.
    """
    declared = measures_for(instrument, read_measures(_MEASURES))
    kept = tuple(measure for measure in declared if measure.item not in groups)
    if series in (*SHIPPED_SERIES, VILLAGE_SERIES) and declared:
        return (*kept, *module_measures(instrument, declared, (*_ASKED_FOR_GROUPS, *groups)))
    return (*kept, *form_measures(instrument, declared, (*_ASKED_FOR_GROUPS, *groups)))


def _list_ratings(instrument: Instrument) -> list[Item]:
    return [item for item in instrument.items() if type_of(item).is_score]


def _list_measures_on_other_scales(
    instrument: Instrument, declared: tuple[Measure, ...]
) -> tuple[Measure, ...]:
    """Return means, not `declared` yet, of ratings on another scale than the first."""
    ratings, known = _list_ratings(instrument), {measure.key for measure in declared}
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


def _find_common_scale(items: tuple[Item, ...]) -> RatingScale:
    if not items:
        raise NotEstimableError(msg("No question measures an indicator of the tree."))
    scales = {_scale(item) for item in items}
    if len(scales) != 1:
        raise NotEstimableError(msg("All scored items of a questionnaire must share one scale."))
    return scales.pop()


def _scale(item: Item) -> RatingScale:
    return RatingScale(int(item.minimum or 0), int(item.maximum or 0))
