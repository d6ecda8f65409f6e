"""Questions declared at a freeze, whose answers make further groups of the wave.

A question with one answer makes a group of all respondents with that answer; one with several
answers makes a group of all who chose a choice, and these groups overlap. They pass through the
gate like every other group.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from survey.instrument.model import Instrument, Item
from survey.instrument.question_types import type_of
from survey.locale import Message, RefusedError, msg
from survey.results.domains import GROUP_VARIABLES, SHIPPED_SERIES
from survey.sample.special_groups import ELDERLY

MAX_CHOICES = 12
"""A question with more choices makes mostly groups that are too small to be shown."""
MAX_GROUPS = 40
"""Declared groups of one wave; what the gate looks at grows with the pairs of groups."""
_RESERVED_NAMES = (*GROUP_VARIABLES, ELDERLY.partition("=")[0])


class GroupQuestion(BaseModel):
    """Question that groups are made of, with its labels."""

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
        """Yield the key of each group and who belongs to it."""
        for choice in self.choices:
            if self.several:
                named = frame[f"{self.item}/{choice}"].to_numpy() == 1
            else:
                named = (frame[self.item] == choice).to_numpy(dtype=bool)
            yield f"{self.item}={choice}", named


def list_fit_questions(instrument: Instrument) -> tuple[Item, ...]:
    """Return the questions that can be declared, in the order of the questionnaire."""
    return tuple(item for item in instrument.items() if _explain_unfit(item) is None)


def declared_questions(instrument: Instrument, names: Sequence[str]) -> tuple[GroupQuestion, ...]:
    """Return the questions named, each once.

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
    """Return why a question cannot be declared."""
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
    """Return the questions whose labels name groups.

    These are the declared ones, and of a study of one's own those that make groups anyway.
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
    """Return the names of the declared questions."""
    return tuple(question.item for question in questions if question.declared)
